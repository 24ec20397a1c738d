"""Rooms, money, terms, occupants, pets and messages."""

from __future__ import annotations

import pytest

from leadsvc.normalize.numbers import beds_baths, budget, lease_months, occupants, rooms
from leadsvc.normalize.pets import pet_details, pets
from leadsvc.normalize.text import message

Sides = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0, 0)), ("Studio", (0, 0)), ("2", (2, 2)), ("2 Bedroom", (2, 2)), ("1_bedroom", (1, 1)),
        ("3+", (3, None)), ("4 or more", (4, None)), ("at least 2", (2, None)), ("up to 3", (None, 3)),
        ("1-2", (1, 2)), ("1 or 2", (1, 2)), ("two", (2, 2)), ("Studio - 2", (0, 2)), ('["1","3","2"]', (1, 3)),
        ("1.5", (1.5, 1.5)),
    ],
)  # fmt: skip
def test_rooms(text: str, expected: Sides) -> None:
    value = rooms(text)
    assert value is not None
    assert (value.value.low, value.value.high) == expected


@pytest.mark.parametrize("text", ["", "Any", "47", "Not answered", "No preference"])
def test_no_rooms(text: str) -> None:
    assert rooms(text) is None


@pytest.mark.parametrize(
    ("text", "beds", "baths"),
    [
        ("2/2", (2, 2), (2, 2)), ("/2", None, (2, 2)), ("2/", (2, 2), None), ("Studio/1", (0, 0), (1, 1)),
        ("2 Bed / 1 Bath", (2, 2), (1, 1)), ("2 Beds 1.5 Baths", (2, 2), (1.5, 1.5)), ("3+/2", (3, None), (2, 2)),
        ("-/1", None, (1, 1)),
    ],
)  # fmt: skip
def test_beds_and_baths(text: str, beds: Sides | None, baths: Sides | None) -> None:
    assert tuple(value and (value.value.low, value.value.high) for value in beds_baths(text)) == (beds, baths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,200", (None, 120_000)), ("1200.00", (None, 120_000)), ("1,200-1,500", (120_000, 150_000)),
        ("1.2k", (None, 120_000)), ("$1,100.50/mo", (None, 110_050)), ("at least $900", (90_000, None)),
    ],
)  # fmt: skip
def test_budgets(text: str, expected: Sides) -> None:
    value = budget(text)
    assert value is not None
    assert (value.value.low, value.value.high) == expected


@pytest.mark.parametrize("text", ["0", "72,500", "$58000", "none", ""])
def test_incomes_and_zeros_are_no_budget(text: str) -> None:
    assert budget(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12 months", 12), ("6", 6), ("1 year", 12), ("6-12 months", 6), ("month to month", 1), ("flexible", None),
     ("120", None), ("0", None), ("2 weeks", None)],
)  # fmt: skip
def test_lease_terms(text: str, expected: int | None) -> None:
    value = lease_months(text)
    assert (value and value.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("3", 3), ("2 adults, 1 child", 3), ("just me", 1), ("0", None), ("30", None), ("two", 2)]
)
def test_occupants(text: str, expected: int | None) -> None:
    value = occupants(text)
    assert (value and value.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes", True), ("No", False), ("None, no pets", False), ("Large dog, Labrador", True), ("1 dog", True),
     ("0", False), ("No dogs, 1 cat", True), ("I don\u2019t have any pets", False), ("Service animal", True),
     ("Not answered", None), ("N/A", None), ("", None)],
)  # fmt: skip
def test_pets(text: str, expected: bool | None) -> None:
    value = pets(text)
    assert (value and value.value.has) is expected if expected is None else value and value.value.has is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [('[{"type":"cat"}]', True), ('[{"type":"none","description":"no pets"}]', False), ("[]", None), ("broken", None),
     ('[{"type":"none"},{"type":"dog"}]', True), ('[{"type":null}]', None)],
)  # fmt: skip
def test_pet_details(text: str, expected: bool | None) -> None:
    value = pet_details(text)
    assert (value.value.has if value else None) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Hello there"', "Hello there"),
        ("\u201cHi & bye\u201d", "Hi & bye"),
        ('"a" and "b"', '"a" and "b"'),
        ("<p>Hi<br>you</p>", "Hi\nyou"),
        ("2 < 3 and 4 > 3", "2 < 3 and 4 > 3"),
        ("nul\x00 and \ud800 half", "nul and half"),
        ("a &amp; b", "a & b"),
    ],
)
def test_messages(text: str, expected: str) -> None:
    value = message(text)
    assert value is not None
    assert " ".join(value.value.split(" ")) == expected or value.value.split() == expected.split()


def test_no_message() -> None:
    assert message("Not answered") is None
    assert message(" \xa0 ") is None
