"""What pages make of times, values and strangers' characters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.web import fields, inert, words
from leadsvc.web.payload import readable

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_text_is_made_visible_once_and_can_be_encoded(text: str) -> None:
    shown = inert.visible(text)
    assert inert.visible(shown) == shown
    shown.encode()
    assert not set(shown) & set("\u202e\u2066\x00\x1b\x7f\ufeff\u2028")


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("Zoë O'Neil-Díaz", "مرحبا", "שלום", "日本語", "line\nline\ttab", "👩‍👩‍👧 ok", "50% & <b>"):
        assert inert.visible(text) == text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b@c",
        "a b@example.com",
        "a@example.com?bcc=x@example.com",
        "a@example.com\nbcc:x",
        "javascript:1@e.com:",
    ],
)
def test_no_mail_link_for_what_is_no_plain_address(address: str) -> None:
    link = inert.mailto(address)
    assert link == "" or "?" not in link.removeprefix("mailto:")


def test_links_are_quoted() -> None:
    assert inert.mailto("o'neil+flat&2@example.com") == "mailto:o%27neil%2Bflat%262@example.com"
    assert inert.tel("+15125550142") == "tel:+15125550142"
    assert inert.tel("+1512;ext=9") == inert.tel("512") == inert.tel("+1\n5125550142") == ""


@given(st.text(max_size=300), st.integers(2, 60))
def test_shortened_text_fits_one_line(text: str, length: int) -> None:
    short = inert.shorten(text, length)
    assert len(short) <= length
    assert "\n" not in short


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("America/Chicago", "Fri 20 Nov 2026, 2:00 pm CST"),
        ("America/New_York", "Fri 20 Nov 2026, 3:00 pm EST"),
        ("", "Fri 20 Nov 2026, 8:00 pm UTC"),
        ("No/Such_Zone", "Fri 20 Nov 2026, 8:00 pm UTC"),
        ("../../etc/passwd", "Fri 20 Nov 2026, 8:00 pm UTC"),
    ],
)
def test_times_are_told_by_the_property_s_clock(zone: str, shown: str) -> None:
    assert words.clock_time(NOW, zone) == shown


@pytest.mark.parametrize(
    ("away", "shown"),
    [
        (timedelta(seconds=20), "due in under 1 min"),
        (timedelta(minutes=30), "due in 30 min"),
        (timedelta(hours=-5), "overdue 5 h"),
        (timedelta(days=-3), "overdue 3 d"),
    ],
)
def test_due(away: timedelta, shown: str) -> None:
    assert f">{shown}<" in words.due(NOW + away, NOW)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("bedrooms", {"low": 0, "high": 0}, "studio"),
        ("bedrooms", {"low": 0, "high": 2}, "studio – 2"),
        ("bathrooms", {"low": 1.5}, "from 1.5"),
        ("budget_cents", {"high": 150050}, "up to $1,500.50"),
        ("budget_cents", {"low": 120000, "high": 120000}, "$1,200"),
        ("move_in", {"words": "ASAP"}, "“ASAP”"),
        ("move_in", {"on": "2026-12-05", "words": "2026-12-05"}, "Sat 5 Dec 2026"),
        ("pets", {"has": False}, "No"),
        ("phones", {"e164": "+442079460000"}, "+442079460000"),
        ("tour", {"slots": []}, "Asked for"),
        ("tour", {"slots": ["2026-11-23T14:00:00"], "kind": "video"}, "Video · Mon 23 Nov 2026, 2:00 pm"),
        ("consents", {"purpose": "call"}, "Call: did not agree"),
        ("lease_term_months", 1, "1 month"),
        ("bedrooms", "three", "three"),
        ("tour", {"slots": ["soon"]}, "slots: soon"),
        ("unheard_of", {"a": [1, True, None]}, "a: 1, yes, null"),
    ],
)
def test_values_in_words_whatever_their_shape(name: str, value: object, shown: str) -> None:
    assert fields.shown(name, value) == shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["name", "emails", "move_in", "tour", "consents", "budget_cents", "pets", "other"]), json_values)
def test_no_stored_value_breaks_the_page(name: str, value: object) -> None:
    for line in fields.lines({name: value, f"{name}s": [{"value": value, "raw": 1}]}):
        assert isinstance(line.shown, str)
        assert isinstance(line.kept, str)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(body: bytes) -> None:
    told = readable(body)
    assert told.size == len(body)
    inert.visible(told.text).encode()


def test_text_bytes_are_text_and_others_a_dump() -> None:
    assert readable("Zoë".encode()).text == "Zoë"
    assert readable(b"caf\xe9 au lait and more words").text == "caf\\xe9 au lait and more words"
    assert readable(b"PK\x03\x04\x00").how == "hex"
    long = readable("ë".encode() * 150_000)
    assert long.how == "text"
    assert long.cut
