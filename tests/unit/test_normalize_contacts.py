"""E-mail addresses and telephone numbers: what can be written to and called, and the keys to match by."""

from __future__ import annotations

import pytest

from leadsvc.normalize.emails import canonical_key, emails, is_vendor
from leadsvc.normalize.phones import STUB_DROPPED, phones


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jane <J.Doe+zill@GMail.com>", ["j.doe+zill@gmail.com"]),
        ("mailto:a.b@example.com?subject=Hi", ["a.b@example.com"]),
        ("'jane@example.com'.", ["jane@example.com"]),
        ("a.b@example.com; c.d@example.org", ["a.b@example.com", "c.d@example.org"]),
        ("jane @ example.com", ["jane@example.com"]),
        ("jane (at) example.com", ["jane@example.com"]),
        ("josé@example.com", ["josé@example.com"]),
        ("none@none.com", []),
        ("noreply@example.com", []),
        ("unknown@noemail.com", []),
        ("0", []),
        ("a@b", []),
        ("x" * 5_000 + "@example.com", []),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    assert [value.value.address for value in emails(text)] == expected


def test_keys_meet_where_the_provider_delivers_to_one_mailbox() -> None:
    assert canonical_key("J.Doe+zillow@googlemail.com") == canonical_key("jdoe@gmail.com") == "jdoe@gmail.com"
    assert canonical_key("jane+lofts@example.com") == "jane@example.com"
    assert canonical_key("j.doe@example.com") != canonical_key("jdoe@example.com")


def test_a_relay_is_marked_and_keeps_its_tag() -> None:
    (value,) = emails("abodoleads+x7@abodo.com")
    assert value.value.relay
    assert value.value.key == "abodoleads+x7@abodo.com"
    assert emails("a1b2@convo.zillow.com")[0].value.relay
    assert not emails("a1b2@example.com")[0].value.relay


def test_vendors_are_told_by_whole_labels() -> None:
    assert is_vendor("leads@email.rent.com")
    assert not is_vendor("ann@current.com")


def test_the_receiver_is_never_the_renter() -> None:
    exclude = {"leads@inbox.example.com", "@office.example.com"}
    text = "leads+chd@inbox.example.com, ana@office.example.com, renter@example.com"
    assert [value.value.address for value in emails(text, exclude=exclude)] == ["renter@example.com"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("918-555-0141", [("+19185550141", "")]),
        ("(706) 555-0127 ext. 4", [("+17065550127", "4")]),
        ("706.555.0127x22", [("+17065550127", "22")]),
        ("706-555-0127, ext. 12", [("+17065550127", "12")]),
        ("+1 (706) 555\u20110127", [("+17065550127", "")]),
        ("19185550172", [("+19185550172", "")]),
        ("9185550141.0", [("+19185550141", "")]),
        ("\uff19\uff11\uff185550141", [("+19185550141", "")]),
        ("706-555-0127 / 706-555-0128 x4", [("+17065550127", ""), ("+17065550128", "4")]),
        ("918-555-0141 (cell), 918-555-0142 (work)", [("+19185550141", ""), ("+19185550142", "")]),
        ("7065550127 7065550128", [("+17065550127", ""), ("+17065550128", "")]),
        ("918 555 0141 after 5pm", [("+19185550141", "")]),
        ("44 20 7946 0958", [("+442079460958", "")]),
        ("+52 55 1234 5678", [("+525512345678", "")]),
    ],
)
def test_numbers(text: str, expected: list[tuple[str, str]]) -> None:
    found, notes = phones(text)
    assert [(value.value.e164, value.value.extension) for value in found] == expected
    assert notes == ()


@pytest.mark.parametrize(
    "text", ["555-0127", "5555555555", "1234567890", "000-000-0000", "918-155-0141", "118-555-0141", "9" * 200]
)
def test_no_number(text: str) -> None:
    assert phones(text) == ((), (STUB_DROPPED,))


def test_words_are_no_stub() -> None:
    assert phones("call me") == ((), ())
