"""Names: which agree, which contradict, and that the order of asking never matters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.resolve.names import NameKey, NameLevel, best, compare, distinct, fold, name_key

EXACT, COMPATIBLE = NameLevel.EXACT, NameLevel.COMPATIBLE
GIVEN_ONLY, MISSING = NameLevel.GIVEN_ONLY, NameLevel.MISSING
SAME_GIVEN, SAME_FAMILY, DIFFERENT = NameLevel.SAME_GIVEN, NameLevel.SAME_FAMILY, NameLevel.DIFFERENT


def key(text: str) -> NameKey:
    """``given|family|suffix``."""
    given_, family, suffix = [*text.split("|"), "", ""][:3]
    return name_key(given_, family, suffix)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Rosa|Lindqvist", "ROSA|lindqvist", EXACT),
        ("José|Núñez", "Jose|Nunez", EXACT),
        ("Siobhán|O'Brien", "Siobhan|OBrien", EXACT),
        ("Bob|Tanaka", "Robert|Tanaka", COMPATIBLE),
        ("Rob|Tanaka", "Bob|Tanaka", COMPATIBLE),
        ("R|Lindqvist", "Rosa|Lindqvist", COMPATIBLE),
        ("Rosa|L", "Rosa|Lindqvist", COMPATIBLE),
        ("Mary Ann|Weber", "Maryann|Weber", COMPATIBLE),
        ("Rosa Maria|Lindqvist", "Rosa|Lindqvist", COMPATIBLE),
        ("Lindqvist|Rosa", "Rosa|Lindqvist", COMPATIBLE),
        ("Ana|Garcia Lopez", "Ana|Lopez", COMPATIBLE),
        ("Rosa|Lindqvist", "Rosa|Lindqvst", COMPATIBLE),
        ("Bryan|Weber", "Brian|Weber", COMPATIBLE),
        ("Rosa|Lindqvist", "Rosa|Berg", SAME_GIVEN),
        ("Maria|Silva", "Mario|Silva", SAME_FAMILY),
        ("Jon|Berg", "Jan|Berg", SAME_FAMILY),
        ("Rosa|Lindqvist", "Anders|Lindqvist", SAME_FAMILY),
        ("John|Weber|Sr.", "John|Weber|Jr", SAME_FAMILY),
        ("John|Weber|Jr", "John|Weber", EXACT),
        ("Ana|de la Cruz", "Ana|de la Vega", SAME_GIVEN),
        ("Rosa|", "Rosa|Lindqvist", GIVEN_ONLY),
        ("Rosa|", "Rosa|", GIVEN_ONLY),
        ("Lindqvist|", "Rosa|Lindqvist", MISSING),
        ("Rosa|", "Anders|Berg", DIFFERENT),
        ("Rosa|Lindqvist", "Anders|Berg", DIFFERENT),
        ("|Lindqvist", "Rosa|Lindqvist", MISSING),
        ("|Berg", "Rosa|Lindqvist", DIFFERENT),
        ("Rosa|", "|Lindqvist", MISSING),
        ("|", "Rosa|Lindqvist", MISSING),
        ("|", "|", MISSING),
        ("Jason|Weber", "Mason|Weber", SAME_FAMILY),
        ("Daniel|Weber", "Danielle|Weber", SAME_FAMILY),
        ("王|小明", "小明|王", COMPATIBLE),
    ],
)
def test_levels(one: str, other: str, level: NameLevel) -> None:
    assert compare(key(one), key(other)) is level
    assert compare(key(other), key(one)) is level


WORDS = st.sampled_from(
    ["", "Rosa", "R", "Bob", "Robert", "Maria", "Mario", "Mary Ann", "Maryann", "de la Cruz", "Cruz", "Lindqvist"]
)
KEYS = st.builds(name_key, WORDS | st.text(max_size=8), WORDS | st.text(max_size=8), st.sampled_from(["", "Jr", "Sr."]))


@given(KEYS, KEYS)
def test_asked_either_way_round_the_answer_is_the_same(one: NameKey, other: NameKey) -> None:
    assert compare(one, other) is compare(other, one)


@given(KEYS)
def test_a_name_agrees_with_itself(name: NameKey) -> None:
    assert compare(name, name) >= MISSING
    assert not name or compare(name, name) >= GIVEN_ONLY or not name.given


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(" ".join(fold(text))) == fold(text)


@given(st.lists(KEYS, max_size=6).flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_how_many_people_does_not_depend_on_the_order(both: tuple[list[NameKey], list[NameKey]]) -> None:
    assert distinct(both[0]) == distinct(both[1])


def test_one_person_under_several_spellings_is_one() -> None:
    assert distinct([key("Bob|Tanaka"), key("Robert|Tanaka"), key("Rob|Tanaka"), key("|")]) == 1
    assert distinct([key("Rosa|Lindqvist"), key("Anders|Lindqvist"), key("Ana|Berg")]) == 3
    assert distinct([]) == 0


def test_the_best_of_several_names_counts() -> None:
    assert best(key("Rosa|Berg"), [key("Rosa|Lindqvist"), key("Rosa|Berg")]) is EXACT
    assert best(key("Rosa|Berg"), []) is MISSING
