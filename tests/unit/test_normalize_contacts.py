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
        ("jane[at]example[dot]com", ["jane@example.com"]),
        ("jane(at)example(dot)com", ["jane@example.com"]),
        ("jane at example dot com", ["jane@example.com"]),
        ("Jane AT Example DOT com", ["jane@example.com"]),
        ("jane dot doe at example.com", ["jane.doe@example.com"]),
        ("jane at the lake dot com park", []),
        ("meet me at example.com", []),
        ("josé@example.com", ["josé@example.com"]),
        ("jane@m\u00fcnchen.de", ["jane@m\u00fcnchen.de"]),
        ("jane\uff20example.com", ["jane@example.com"]),
        ("jane@example.com.", ["jane@example.com"]),
        ("jane@example.com,", ["jane@example.com"]),
        ("(jane@example.com)", ["jane@example.com"]),
        ("<jane@example.com>", ["jane@example.com"]),
        ('"Doe, Jane" <jane@example.com>', ["jane@example.com"]),
        ("e-mail: jane@example.com", ["jane@example.com"]),
        ("jane@example.com<mailto:jane@example.com>", ["jane@example.com"]),
        ("jane@example.com / bob@example.com", ["jane@example.com", "bob@example.com"]),
        ("jane@example.com and bob@example.org", ["jane@example.com", "bob@example.org"]),
        ("JANE@EXAMPLE.COM", ["jane@example.com"]),
        ("jane@example.com jane@example.com", ["jane@example.com"]),
        ("jane@gmail.com\u200b", ["jane@gmail.com"]),
        ("jane\u00a0@\u00a0example.com", ["jane@example.com"]),
        ("o'neil@example.com", ["o'neil@example.com"]),
        ("jane_doe-1@sub.example.co.uk", ["jane_doe-1@sub.example.co.uk"]),
        ("jane@gmial.com", ["jane@gmial.com"]),
        ("none@none.com", []),
        ("noreply@example.com", []),
        ("unknown@noemail.com", []),
        ("noemail@example.com", []),
        ("declined@example.com", []),
        ("N/A", []),
        ("no@email.com", []),
        ("test@test.com", []),
        ("0", []),
        ("a@b", []),
        ("@example.com", []),
        ("jane@", []),
        ("jane@example", []),
        ("jane@@example.com", []),
        ("jane@-example.com", []),
        ("x" * 5_000 + "@example.com", []),
        ("", []),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    assert [value.value.address for value in emails(text)] == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("jane@gmail.com", "email:address"),
        ("jane@gmial.com", "email:suspect_domain"),
        ("jane@gmail.con", "email:suspect_domain"),
        ("jane@yaho.com", "email:suspect_domain"),
        ("jane@ymail.com", "email:address"),
        ("a1b2@convo.zillow.com", "email:relay"),
    ],
)
def test_what_is_known_of_an_address(text: str, rule: str) -> None:
    assert emails(text)[0].rule == rule


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
        ("918/555-0141", [("+19185550141", "")]),
        ("(918)/555-0141 / 7065550127", [("+19185550141", ""), ("+17065550127", "")]),
        ("706-555-0127/706-555-0128", [("+17065550127", ""), ("+17065550128", "")]),
        ("706.555.0127x22", [("+17065550127", "22")]),
        ("706-555-0127, ext. 12", [("+17065550127", "12")]),
        ("706-555-0127 extension 12", [("+17065550127", "12")]),
        ("706-555-0127 EXT:12", [("+17065550127", "12")]),
        ("706-555-0127 #12", [("+17065550127", "12")]),
        ("706-555-0127 (x12)", [("+17065550127", "12")]),
        ("tel:+17065550127;ext=12", [("+17065550127", "12")]),
        ("706-555-0127,,12", [("+17065550127", "12")]),
        ("706-555-0127 press 4", [("+17065550127", "4")]),
        ("706-555-0127, then 4", [("+17065550127", "4")]),
        ("706 555 0127 poste 4", [("+17065550127", "4")]),
        ("+1 (706) 555\u20110127", [("+17065550127", "")]),
        ("19185550172", [("+19185550172", "")]),
        ("1-918-555-0172", [("+19185550172", "")]),
        ("1 (918) 555 0172", [("+19185550172", "")]),
        ("+1.918.555.0172", [("+19185550172", "")]),
        ("(918)555-0172", [("+19185550172", "")]),
        ("918 - 555 - 0172", [("+19185550172", "")]),
        ("918_555_0172", [("+19185550172", "")]),
        ("(918) 555.0172", [("+19185550172", "")]),
        ("tel:918-555-0172", [("+19185550172", "")]),
        ("9185550141.0", [("+19185550141", "")]),
        ("\uff19\uff11\uff185550141", [("+19185550141", "")]),
        ("\u0669\u0661\u06685550141", [("+19185550141", "")]),
        ("706-555-0127 / 706-555-0128 x4", [("+17065550127", ""), ("+17065550128", "4")]),
        ("918-555-0141 (cell), 918-555-0142 (work)", [("+19185550141", ""), ("+19185550142", "")]),
        ("918-555-0141 or 918-555-0142", [("+19185550141", ""), ("+19185550142", "")]),
        ("918-555-0141\n918-555-0142", [("+19185550141", ""), ("+19185550142", "")]),
        ("918-555-0141 918-555-0142", [("+19185550141", ""), ("+19185550142", "")]),
        ("1-918-555-0141 1-918-555-0142", [("+19185550141", ""), ("+19185550142", "")]),
        ("9185550141/9185550142", [("+19185550141", ""), ("+19185550142", "")]),
        ("7065550127 7065550128", [("+17065550127", ""), ("+17065550128", "")]),
        ("918-555-0141, 555-0142", [("+19185550141", "")]),
        ("918-555-0141; 918 555 0141", [("+19185550141", "")]),
        ("918 555 0141 after 5pm", [("+19185550141", "")]),
        ("cell 918-555-0141", [("+19185550141", "")]),
        ("My number is 918-555-0141.", [("+19185550141", "")]),
        ("44 20 7946 0958", [("+442079460958", "")]),
        ("+44 (0)20 7946 0958", [("+442079460958", "")]),
        ("0044 20 7946 0958", [("+442079460958", "")]),
        ("+44 7700 900123", [("+447700900123", "")]),
        ("+52 55 1234 5678", [("+525512345678", "")]),
        ("011 52 55 1234 5678", [("+525512345678", "")]),
        ("001 918 555 0141", [("+19185550141", "")]),
        ("+1 416-555-0134", [("+14165550134", "")]),
        ("+49 30 901820", [("+4930901820", "")]),
        ("918-555-RENT", [("+19185557368", "")]),
        ("1-800-FLOWERS", [("+18003569377", "")]),
    ],
)
def test_numbers(text: str, expected: list[tuple[str, str]]) -> None:
    found, notes = phones(text)
    assert [(value.value.e164, value.value.extension) for value in found] == expected
    assert notes == () or "555-0142" in text


@pytest.mark.parametrize(
    "text",
    ["555-0127", "5555555555", "1234567890", "000-000-0000", "918-155-0141", "118-555-0141", "9" * 200, "0", "911",
     "999-999-9999", "111-111-1111", "918-555-014", "123-123-1234", "07700 900123", "918-555", "98", "2026-03-01 10:00",
     "4111 1111 1111 1111", "+1 555-0127"],
)  # fmt: skip
def test_no_number(text: str) -> None:
    assert phones(text)[0] == ()
    assert phones(text)[1] in ((STUB_DROPPED,), ())


@pytest.mark.parametrize("text", ["call me", "", "N/A", "email only", "none"])
def test_words_are_no_stub(text: str) -> None:
    assert phones(text) == ((), ())


def test_a_number_of_another_region() -> None:
    found, _ = phones("020 7946 0958", "GB")
    assert found[0].value.e164 == "+442079460958"
