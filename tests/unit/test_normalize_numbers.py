"""Rooms, money, terms, occupants, pets and messages."""

from __future__ import annotations

import pytest

from leadsvc.normalize.numbers import baths, beds_baths, budget, lease_months, occupants, rooms, yes_no
from leadsvc.normalize.pets import pet_details, pets
from leadsvc.normalize.text import message

Sides = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0, 0)), ("Studio", (0, 0)), ("2", (2, 2)), ("2 Bedroom", (2, 2)), ("1_bedroom", (1, 1)),
        ("3+", (3, None)), ("4 or more", (4, None)), ("at least 2", (2, None)), ("up to 3", (None, 3)),
        ("1-2", (1, 2)), ("1 or 2", (1, 2)), ("two", (2, 2)), ("Studio - 2", (0, 2)), ('["1","3","2"]', (1, 3)),
        ("1.5", (1.5, 1.5)), ("studio/efficiency", (0, 0)), ("Efficiency", (0, 0)), ("Bachelor", (0, 0)),
        ("2x2", (2, 2)), ("3BR/2BA", (3, 3)), ("3br", (3, 3)), ("2BD", (2, 2)), ("junior one bedroom", (1, 1)),
        ("Jr 1 Bedroom", (1, 1)), ("one-bedroom", (1, 1)), ("TWO_BEDROOM", (2, 2)), ("twobedroom", (2, 2)),
        ("1 bedroom + den", (1, 1)), ("2 + den", (2, 2)), ("2 bed plus office", (2, 2)), ("1, 2, 3", (1, 3)),
        ("1 bed or 2 bed", (1, 2)), ("2 bedrooms or more", (2, None)), ("3 beds+", (3, None)), ("2 max", (None, 2)),
        ("Studio or 1 bedroom", (0, 1)), ("Studio 1 Bath", (0, 0)), ("Studio/1 bath", (0, 0)),
        ("2 Bedroom, 1.5 Bath", (2, 2)), ("more than 2", (3, None)), ("2 to 3 bedrooms", (2, 3)), ("Two or Three",
        (2, 3)), ("2 bedroom ($1,450)", (2, 2)), ("studio+", (0, None)), ("2.0", (2, 2)), ("no more than 2", (None, 2)),
        ("2&3", (2, 3)), ("1,2", (1, 2)), ("minimum 2", (2, None)), ("1 - 2 Bedrooms", (1, 2)), ("\uff12", (2, 2)),
    ],
)  # fmt: skip
def test_rooms(text: str, expected: Sides) -> None:
    value = rooms(text)
    assert value is not None
    assert (value.value.low, value.value.high) == expected


@pytest.mark.parametrize(
    "text",
    ["", "Any", "47", "Not answered", "No preference", "4\u00bd", "3 1/2", "5 \u00bd", "any size ($1400)", "n/a",
     "bedroom", "1400", "-", "-1", "\u2212 2"],
)  # fmt: skip
def test_no_rooms(text: str) -> None:
    assert rooms(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", (1, 1)), ("1.5", (1.5, 1.5)), ("1\u00bd", (1.5, 1.5)), ("2 1/2", (2.5, 2.5)), ("2+", (2, None)),
     ("1-2", (1, 2)), ("1 bath", (1, 1)), ("two", (2, 2)), ("2 or more", (2, None)), ("2.0", (2, 2))],
)  # fmt: skip
def test_baths(text: str, expected: Sides) -> None:
    value = baths(text)
    assert value is not None
    assert (value.value.low, value.value.high) == expected


@pytest.mark.parametrize(
    ("text", "beds", "baths"),
    [
        ("2/2", (2, 2), (2, 2)), ("/2", None, (2, 2)), ("2/", (2, 2), None), ("Studio/1", (0, 0), (1, 1)),
        ("2 Bed / 1 Bath", (2, 2), (1, 1)), ("2 Beds 1.5 Baths", (2, 2), (1.5, 1.5)), ("3+/2", (3, None), (2, 2)),
        ("-/1", None, (1, 1)), ("2x2", (2, 2), (2, 2)), ("2 x 1.5", (2, 2), (1.5, 1.5)), ("3BR/2BA", (3, 3), (2, 2)),
        ("1BR | 1BA", (1, 1), (1, 1)), ("2/1\u00bd", (2, 2), (1.5, 1.5)), ("2", (2, 2), None),
        ("1-2 Beds, 1 Bath", (1, 2), (1, 1)), ("3 bed, 2 1/2 bath", (3, 3), (2.5, 2.5)), ("Studio", (0, 0), None),
        ("Studio, 1 bath", (0, 0), (1, 1)), ("2 bedrooms, 1 bathroom", (2, 2), (1, 1)), ("2bd/2ba", (2, 2), (2, 2)),
    ],
)  # fmt: skip
def test_beds_and_baths(text: str, beds: Sides | None, baths: Sides | None) -> None:
    assert tuple(value and (value.value.low, value.value.high) for value in beds_baths(text)) == (beds, baths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,200", (None, 120_000)), ("1200.00", (None, 120_000)), ("1,200-1,500", (120_000, 150_000)),
        ("1.2k", (None, 120_000)), ("$1,100.50/mo", (None, 110_050)), ("at least $900", (90_000, None)),
        ("$1,200-1,500", (120_000, 150_000)), ("$1200 - $1500", (120_000, 150_000)), ("1200 to 1500", (120_000,
        150_000)), ("1.5k", (None, 150_000)), ("$1.2k - 1.5k", (120_000, 150_000)), ("1-1.5k", (100_000, 150_000)),
        ("under 1400", (None, 140_000)), ("1400 max", (None, 140_000)), ("up to $1,800", (None, 180_000)),
        ("less than 1500", (None, 150_000)), ("no more than 1500", (None, 150_000)), ("not over $1300", (None,
        130_000)), ("1500 or less", (None, 150_000)), ("1500 or more", (150_000, None)), ("over $1000", (100_000,
        None)), ("from 900", (90_000, None)), ("$1500+", (150_000, None)), ("1,200 + utilities", (None, 120_000)),
        ("around $1,400", (None, 140_000)), ("1400ish", (None, 140_000)), ("USD 1500", (None, 150_000)),
        ("$1,500 per month", (None, 150_000)), ("1500/month", (None, 150_000)), ("1 500 $", (None, 150_000)),
        ("between 1000 and 1400", (100_000, 140_000)), ("$1400 - $1000", (100_000, 140_000)),
        ("$300 per week", (None, 130_000)), ("300/wk", (None, 130_000)), ("$18,000 a year", (None, 150_000)),
        ("24000 annually", (None, 200_000)), ("max. $2,000.00", (None, 200_000)), ("C$1,850", (None, 185_000)),
        ("1000-1200-1400", (100_000, 120_000)), ("2 bed under 1500", (None, 150_000)), ("$950", (None, 95_000)),
    ],
)  # fmt: skip
def test_budgets(text: str, expected: Sides) -> None:
    value = budget(text)
    assert value is not None
    assert (value.value.low, value.value.high) == expected


@pytest.mark.parametrize("text", ["0", "72,500", "$58000", "none", "", "flexible", "$50", "1.234567", "call me"])
def test_incomes_and_zeros_are_no_budget(text: str) -> None:
    assert budget(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 months", 12), ("6", 6), ("1 year", 12), ("6-12 months", 6), ("month to month", 1), ("flexible", None),
        ("120", None), ("0", None), ("2 weeks", None), ("12-18 months", 12), ("12 or 24 months", 12), ("18mo", 18),
        ("6 mos.", 6), ("12m", 12), ("one year lease", 12), ("a year", 12), ("two years", 24), ("1.5 years", 18),
        ("13-month", 13), ("MTM", 1), ("month-to-month", 1), ("m2m", 1), ("Month-2-Month", 1), ("annual", 12),
        ("yearly", 12), ("1 yr", 12), ("24 Months", 24), ("long term", None), ("short-term", None), ("30 days", None),
        ("12+ months", 12), ("12 meses", 12), ("1 a\u00f1o", 12), ("2 ans", 24), ("2 years or more", 24),
        ("12 Month Lease", 12), ("6 to 9 months", 6), ("year to year", 12), ("03/01/2026 to 02/28/2027", None),
        ("six months", 6), ("twelve months", 12), ("61", None), ("eighteen months", 18), ("1 semester", None),
        ("not sure", None), ("", None),
    ],
)  # fmt: skip
def test_lease_terms(text: str, expected: int | None) -> None:
    value = lease_months(text)
    assert (value and value.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3), ("2 adults, 1 child", 3), ("just me", 1), ("0", None), ("30", None), ("two", 2),
        ("2 adults 1 child", 3), ("1 adult + 2 kids", 3), ("2 adults, no kids", 2), ("two adults and a baby", 3),
        ("2 + 1 baby", 3), ("me and my husband", 2), ("my wife and I", 2), ("me, my girlfriend and our son", 3),
        ("myself", 1), ("Myself and my daughter", 2), ("couple", 2), ("family of 4", 4), ("4 people", 4), ("4+", 4),
        ("the two of us", 2), ("all 3 of us", 3), ("2 roommates", 2), ("me and 2 roommates", 3), ("me and my dog", 1),
        ("1 person", 1), ("Just 1", 1), ("2 occupants", 2), ("2 adults and 2 small children", 4), ("one", 1),
        ("party of 2", 2), ("2 adultos y 1 ni\u00f1o", 3), ("only me", 1), ("2 adults & 1 teenager", 3),
        ("1 adult, 1 infant", 2), ("3 (2 adults, 1 child)", 3), ("2.0", 2), ("none", None), ("not sure", None),
        ("", None), ("100", None), ("four", 4),
    ],
)  # fmt: skip
def test_occupants(text: str, expected: int | None) -> None:
    value = occupants(text)
    assert (value and value.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes", True), ("No", False), ("None, no pets", False), ("Large dog, Labrador", True), ("1 dog", True),
        ("0", False), ("No dogs, 1 cat", True), ("I don\u2019t have any pets", False), ("Service animal", True),
        ("Not answered", None), ("N/A", None), ("", None), ("1", True), ("2", True), ("1 cat (12 lbs)", True),
        ("maybe", None), ("Maybe a dog", None), ("getting a dog", True), ("not sure", None), ("no cats or dogs", False),
        ("No cats, no dogs", False), ("Dogs: 0, Cats: 0", False), ("Dogs: 0, Cats: 2", True), ("0 pets", False),
        ("No, but I have an ESA", True), ("No pets, just a goldfish", True), ("Golden Retriever, 60lb", True),
        ("Pit bull", True), ("2 small dogs under 20 lbs", True), ("yes - one cat", True), ("Nope", False),
        ("we do not have any animals", False), ("pet free", False), ("sin mascotas", False), ("un perro", True),
        ("2 gatos", True), ("un chien", True), ("Aucun", False), ("oui", True), ("Are dogs allowed?", None),
        ("What is your pet policy", None), ("no pets yet", False), ("might get a cat", None), ("kitty", True),
        ("My emotional support animal", True), ("true", True), ("FALSE", False), ("considering", None),
        ("small pets", True), ("I have a rabbit", True), ("without pets", False), ("Prefer not to say", None),
        ("not a smoker", None),
    ],
)  # fmt: skip
def test_pets(text: str, expected: bool | None) -> None:
    value = pets(text)
    assert (value.value.has if value else None) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [('[{"type":"cat"}]', True), ('[{"type":"none","description":"no pets"}]', False), ("[]", None), ("broken", None),
     ('[{"type":"none"},{"type":"dog"}]', True), ('[{"type":null}]', None), ('{"type":"dog"}', True),
     ('[{"type":"NO_PETS"}]', False), ('["dog"]', None), ("null", None)],
)  # fmt: skip
def test_pet_details(text: str, expected: bool | None) -> None:
    value = pet_details(text)
    assert (value.value.has if value else None) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes", True), ("oui", True), ("S\u00ed", True), ("nein", False), ("off", False), ("maybe", None), ("", None)],
)
def test_yes_and_no(text: str, expected: bool | None) -> None:
    assert yes_no(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Hello there"', "Hello there"),
        ("\u201cHi & bye\u201d", "Hi & bye"),
        ('"a" and "b"', '"a" and "b"'),
        ("<p>Hi<br>you</p>", "Hi\nyou"),
        ("2 < 3 and 4 > 3", "2 < 3 and 4 > 3"),
        ("a 2 bed <with view> &amp; parking", "a 2 bed <with view> & parking"),
        ("<b>Hi</b> <o:p></o:p>", "Hi"),
        ("nul\x00 and \ud800 half", "nul and half"),
        ("a &amp; b", "a & b"),
    ],
)
def test_messages(text: str, expected: str) -> None:
    value = message(text)
    assert value is not None
    assert value.value.split() == expected.split()


def test_no_message() -> None:
    assert message("Not answered") is None
    assert message(" \xa0 ") is None
