"""The number a renter calls theirs in free text."""

from __future__ import annotations

import pytest

from leadsvc.normalize.phones import own_number, phones


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Text me at 253-555-0142 any time", "+12535550142"),
        ("call or text me: (253) 555 0142, thanks", "+12535550142"),
        ("You can reach us on +1 253.555.0142.", "+12535550142"),
        ("my cell is 2535550142", "+12535550142"),
        ("my new phone number: 253\u2013555\u20130142", "+12535550142"),
        ("my cell number is 253-555\n0142", "+12535550142"),
        ("Jas\nCell: 253-555-0142", "+12535550142"),
        ("I called 253-555-0100, please call me at 253-555-0142", "+12535550142"),
    ],
)
def test_it_is_found(text: str, wanted: str) -> None:
    found, _ = phones(own_number(text))
    assert [value.value.e164 for value in found] == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "I called 253-555-0100 and nobody picked up",
        "Is 253-555-0100 your office number?",
        "call me when unit 2535 is free",
        "posting 7700000123",
        "",
    ],
)
def test_what_is_nobodys_is_not(text: str) -> None:
    assert own_number(text) == ""
