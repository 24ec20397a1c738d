"""How far two names agree: a level for each kind of likeness, and the same either way round."""

from __future__ import annotations

import pytest
from hypothesis import given as holds
from hypothesis import strategies as st

from leadsvc.resolve.likeness import Family, Given, Spelled, family, given, names, skeleton, words
from leadsvc.resolve.names import fold

FIRST = [
    (Given.MISSING, "", "Rosa"),
    (Given.SAME, "José", "JOSE"),
    (Given.SAME, "Ana Lucía", "Ana"),
    (Given.SAME, "Ana Lucía", "Ana L."),
    (Given.VARIANT, "Bob", "Robert"),
    (Given.VARIANT, "Bill", "Will"),
    (Given.VARIANT, "Maryann", "Mary Ann"),
    (Given.VARIANT, "Muhammad", "Mohamed"),
    (Given.VARIANT, "Dmitri", "Dimitry"),
    (Given.VARIANT, "James Tyler", "Tyler"),
    (Given.NEAR, "Natalya", "Natlaya"),
    (Given.NEAR, "Priyanka", "Priynka"),
    (Given.NEAR, "Konstantin", "Konstanitnn"),
    (Given.NEAR, "Nica", "Veronica"),
    (Given.NEAR, "Olivi", "Olivia"),
    (Given.NEAR, "Robert", "Roberto"),
    (Given.VARIANT, "Amy", "Ami"),
    (Given.VARIANT, "Ali", "Alli"),
    (Given.VARIANT, "Nick", "Nik"),
    (Given.VARIANT, "Vero", "Veronica"),
    (Given.VARIANT, "Pepe", "Jos\u00e9"),
    (Given.VARIANT, "Sasha", "Aleksandr"),
    (Given.VARIANT, "Mike", "Miguel"),
    (Given.DIFFERENT, "Miguel", "Michele"),
    (Given.VARIANT, "Geoffrey", "Jeffrey"),
    (Given.NEAR, "Topher", "Kristopher"),
    (Given.NEAR, "Mei Lin", "Meiling"),
    (Given.PART, "Maria Elena", "Maria Jimena"),
    (Given.INITIAL, "K.", "Kenji"),
    (Given.INITIAL, "B", "Robert"),
    (Given.DIFFERENT, "K", "Maria"),
    (Given.DIFFERENT, "Lead1", "Lead11"),
    (Given.DIFFERENT, "Andre", "Andrea"),
    (Given.DIFFERENT, "My", "Mi"),
    (Given.DIFFERENT, "Jon", "Jan"),
    (Given.DIFFERENT, "Maria", "Mario"),
    (Given.DIFFERENT, "Daniel", "Daniela"),
    (Given.DIFFERENT, "Rosa", "Anders"),
    (Given.DIFFERENT, "Al", "Alberta"),
    (Given.DIFFERENT, "Ana", "Susana"),
]

LAST = [
    (Family.MISSING, "Berg", ""),
    (Family.SAME, "O'Neill", "ONeill"),
    (Family.SAME, "Müller", "Muller"),
    (Family.SAME, "van der Meer", "Meer"),
    (Family.SAME, "De La Cruz", "Delacruz"),
    (Family.VARIANT, "Tchaikovsky", "Chaykovskii"),
    (Family.NEAR, "Lindqvist", "Lindqivst"),
    (Family.NEAR, "Okonkwo", "Okonkwu"),
    (Family.PART, "Garcia Lopez", "Garcia"),
    (Family.PART, "Garcia-Lopez", "Lopez Vega"),
    (Family.INITIAL, "B", "Berg"),
    (Family.DIFFERENT, "Lee", "Lei"),
    (Family.DIFFERENT, "Ly", "Li"),
    (Family.DIFFERENT, "Cao", "Kao"),
    (Family.DIFFERENT, "van Dyk", "van Berg"),
    (Family.DIFFERENT, "Berg", "Lind"),
]


@pytest.mark.parametrize(("level", "one", "other"), FIRST)
def test_first_names(level: Given, one: str, other: str) -> None:
    assert given(fold(one), fold(other)) is level
    assert given(fold(other), fold(one)) is level


@pytest.mark.parametrize(("level", "one", "other"), LAST)
def test_last_names(level: Family, one: str, other: str) -> None:
    assert family(fold(one), fold(other)) is level
    assert family(fold(other), fold(one)) is level


def spelled(first: str, last: str, guessed: bool = False) -> Spelled:
    return fold(first), fold(last), guessed


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (spelled("Wei", "Zhang"), spelled("Zhang", "Wei"), (Given.SAME, Family.SAME, True)),
        (spelled("Almeida", ""), spelled("Pedro", "Almeida"), (Given.MISSING, Family.SAME, True)),
        (spelled("Rosa", "Berg", guessed=True), spelled("Rosa", "Lind"), (Given.SAME, Family.MISSING, False)),
        (spelled("Rosa", "Berg"), spelled("Rosa", "Lind"), (Given.SAME, Family.DIFFERENT, False)),
        (spelled("Rosa", "Berg"), spelled("Anders", "Berg"), (Given.DIFFERENT, Family.SAME, False)),
        (spelled("Rosa", "Berg"), spelled("Anders", "Lind"), (Given.DIFFERENT, Family.DIFFERENT, False)),
        (spelled("Rosa", "Berg"), spelled("", "Berg"), (Given.MISSING, Family.SAME, False)),
        (spelled("Wang", "Meijie"), spelled("Meijie", "W"), (Given.SAME, Family.INITIAL, True)),
        (spelled("Nguyen", "Khoa"), spelled("Khoa Xuan", "Nguyen"), (Given.VARIANT, Family.SAME, True)),
        (spelled("Wang", "Meijie"), spelled("Mei", "W"), (Given.DIFFERENT, Family.DIFFERENT, False)),
        (spelled("ALindqvist", ""), spelled("Anders", "Lindqvist"), (Given.SAME, Family.MISSING, False)),
        (spelled("garciarosa", ""), spelled("Rosa Elena", "Garcia Vega"), (Given.NEAR, Family.MISSING, False)),
        (spelled("Castillo", ""), spelled("Maria", "Lopez"), (Given.DIFFERENT, Family.MISSING, False)),
    ],
)
def test_whole_names(one: Spelled, other: Spelled, told: tuple[Given, Family, bool]) -> None:
    assert names(one, other) == names(other, one) == told


def test_turned_round_with_a_slip() -> None:
    first, last, turned = names(spelled("Pedro", "Almeida"), spelled("Almieda", "Pedro"))
    assert turned
    assert (first, last) in {(Given.SAME, Family.NEAR), (Given.NEAR, Family.SAME)}


@pytest.mark.parametrize(
    ("one", "other"), [("mohammed", "muhamad"), ("tchaikovsky", "chaykovskii"), ("phan", "fan"), ("jan", "yan")]
)
def test_what_sounds_alike_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other) != ""


WORD = st.text(st.sampled_from("aáeiklmnorstyzh"), min_size=1, max_size=9)
NAME = st.lists(
    st.sampled_from(["maria", "mario", "bob", "robert", "de", "la", "garcia", "garcya", "m", "x", "lee"]) | WORD,
    max_size=3,
).map(tuple)
SPELLED = st.tuples(NAME, NAME, st.booleans())


@holds(WORD, WORD)
def test_words_agree_either_way_round(one: str, other: str) -> None:
    assert words(one, other) is words(other, one)
    assert words(one, one) is Given.SAME


@holds(SPELLED, SPELLED)
def test_names_agree_either_way_round(one: Spelled, other: Spelled) -> None:
    assert names(one, other) == names(other, one)


@holds(SPELLED)
def test_a_name_agrees_with_itself(one: Spelled) -> None:
    first, last, turned = names(one, one)
    assert first is (Given.SAME if one[0] else Given.MISSING)
    assert last is (Family.SAME if one[1] else Family.MISSING)
    assert not turned


@holds(NAME.filter(bool), NAME.filter(bool))
def test_a_guessed_last_name_contradicts_nobody(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert names((("rosa",), one, True), (("rosa",), other, False))[1] is not Family.DIFFERENT
