"""Nothing that comes in takes a process down: a reading, in bounded time, and never another exception (SPEC P8)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.model import Channel, Delivered, Reading, Verdict
from leadsvc.reading import read

FIXTURES = Path(__file__).parent.parent / "fixtures"
FORM, JSON, MAIL, XML = "application/x-www-form-urlencoded", "application/json", "message/rfc822", "application/xml"
# Generous: the machine may be busy. What these inputs cost without their guards is minutes.
SECONDS = 5.0
ZILLOW = b"From: Zillow Group Rentals <rentalclientservices@zillowrentals.com>\r\nTo: leads+a@inbox.example.com\r\n"
CONVO = b"From: Ann Lee <a1b2c3@convo.zillow.com>\r\nTo: leads+a@inbox.example.com\r\nSubject: Hi\r\n"


@cache
def maps() -> MapSet:
    return load_maps()


def reading(body: bytes, content_type: str) -> Reading:
    at = datetime(2026, 2, 3, tzinfo=UTC)
    start = time.perf_counter()
    got = read(Delivered(body, content_type, Channel.HTTP, at), maps())
    assert time.perf_counter() - start < SECONDS
    for lead in got.leads:
        # What goes into a database must be UTF-8 without NUL.
        values = [value for value in (lead.name, lead.message, *lead.property_hints) if value]
        text = "".join(value.raw + str(value.value) for value in values)
        assert "\x00" not in text
        text.encode("utf-8")
    return got


def page(html: bytes) -> bytes:
    return CONVO + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html


def deep_parts(levels: int) -> bytes:
    """Multiparts nested ``levels`` deep."""
    body = b""
    for level in range(levels):
        body += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
    return CONVO + body + b"Content-Type: text/plain\r\n\r\nx"


NASTY = {
    "empty": (b"", FORM),
    "blank": (b" \r\n ", JSON),
    "nul bytes": (b"\x00" * 10_000, MAIL),
    "ten thousand fields": (b"&".join(b"a%d=1" % n for n in range(10_000)), FORM),
    "one long value": (b"listingId=1&email=a@example.com&message=" + b"A" * 1_900_000, FORM),
    "percent signs": (b"listingId=%&email=%%%&name=" + b"%ZZ" * 100_000, FORM),
    "wrong charset": (b"listingId=1&email=a%40example.com&name=%ff%fe%00", FORM + "; charset=utf-16"),
    "unknown charset": (b"listingId=1&email=a%40example.com", FORM + "; charset=klingon"),
    "deep json": (b"[" * 200_000, JSON),
    "deep object": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON),
    "deep value": (b'{"listingId":1,"email":"a@example.com","name":' + b"[" * 900 + b"]" * 900 + b"}", JSON),
    "huge integer": (b'{"listingId":1,"email":"a@example.com","phone":' + b"9" * 4_000 + b"}", JSON),
    "longer integer": (b'{"listingId":' + b"9" * 10_000 + b"}", JSON),
    "not a number": (b'{"listingId":NaN,"email":"a@example.com","numBedroomsSought":Infinity}', JSON),
    "lone surrogate": (
        b'{"listingId":"1","email":"a@example.com","name":"A\\ud800 B","message":"\\u0000\\udfff"}', JSON,
    ),
    "cut json": (b'{"listingId":"1","ema', JSON),
    "json scalar": (b"42", JSON),
    "json list of scalars": (b"[1,2]", JSON),
    "too many items": (b"[" + b",".join([b"{}"] * 1_001) + b"]", JSON),
    "entity bomb": (b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>', XML),
    "ten thousand headers": (CONVO + b"X-A: 1\r\n" * 10_000 + b"\r\nHi", MAIL),
    "endless header": (CONVO + b"X-A: " + b"a" * 500_000 + b"\r\n\r\nHi", MAIL),
    "long addresses": (b"From: " + b"<a@b>," * 20_000 + b"\r\nTo: x\r\n\r\nHi", MAIL),
    "long encoded word": (CONVO + b"Subject: " + b"=?utf-8?q?=" * 5_000 + b"\r\n\r\nHi", MAIL),
    "bad encoded word": (b"From: =?x-no-such?b?////?= <a@convo.zillow.com>\r\nSubject: =?utf-8?b?!?=\r\n\r\nHi", MAIL),
    "ten thousand parts": (
        CONVO + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000, MAIL,
    ),
    "deep parts": (deep_parts(3_000), MAIL),
    "parts below the limit": (deep_parts(50), MAIL),
    "broken base64": (CONVO + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"!@#$" * 10_000, MAIL),
    "wrong mail charset": (CONVO + b"Content-Type: text/plain; charset=\"no such\"\r\n\r\n\xff\xfe\x00Hi", MAIL),
    "bad mime type": (CONVO + b"Content-Type: ;;;=\"\r\n\r\nHi", MAIL),
    "bad date": (CONVO + b"Date: Thu, 99 Foo 99999999 99:99:99 +9999\r\n\r\nHi", MAIL),
    "deep divs": (page(b"<div>" * 150_000), MAIL),
    "deep tables": (page(b"<table><tr><td>" * 60_000), MAIL),
    "unclosed tags": (page(b"<div" * 200_000), MAIL),
    "open paragraphs": (page(b"<p>" * 300_000), MAIL),
    "hidden in hidden": (page(b'<div style="display:none">' * 4_000 + b"x"), MAIL),
    "one long line": (page(b"Name: " * 150_000), MAIL),
    "many lines": (page(b"Name:<br>" * 100_000), MAIL),
    "quote marks": (CONVO + b"\r\n" + b"> " * 300_000, MAIL),
    "many quotes": (CONVO + b"\r\n" + b"On Mon, a 1\r\n" * 50_000, MAIL),
    "from lines": (CONVO + b"Subject: Fwd: x\r\n\r\n" + b"From: a\r\n" * 50_000, MAIL),
    "forward marks": (
        b"From: a@example.com\r\nSubject: Fwd: x\r\n\r\n" + b"---- Forwarded message ----\r\n" * 20_000, MAIL,
    ),
    "digits": (CONVO + b"\r\nAnn says:\r\n" + b"(555) " * 100_000, MAIL),
    "at signs": (ZILLOW + b"\r\n" + b"a@" * 200_000, MAIL),
    "says": (ZILLOW + b"\r\n" + b"x says " * 100_000, MAIL),
    "only attached": (CONVO + b"Content-Type: message/rfc822\r\n\r\nFrom: a@example.com\r\n\r\nx", MAIL),
    "links": (page(b'<a href="https://x.example/?a=https%3A%2F%2Fy.example%3F' + b"a=1&" * 10_000 + b'">x</a>'), MAIL),
    "markup in fields": (
        b"listingId=1&email=a%40example.com&name=%3Cscript%3Ealert(1)%3C/script%3E&message=%3Cimg+src=x%3E", FORM,
    ),
}  # fmt: skip


def test_a_lead_below_thousands_of_levels_is_read() -> None:
    lines = (
        "<p>First Name: Wanda</p><p>Last Name: Osei</p><p>Email: wanda.osei@example.com</p><p>Message: Any balcony?</p>"
    )
    head = b"From: Rent. <leads@email.rent.com>\r\nSubject: New lead from Rent.\r\nContent-Type: text/html\r\n\r\n"
    body = head + ("<div>" * 3_000 + lines + "</div>" * 3_000).encode()
    [lead] = read(
        Delivered(body, "message/rfc822", Channel.EMAIL, datetime(2026, 2, 10, tzinfo=UTC)), load_maps()
    ).leads
    assert lead.emails[0].value.address == "wanda.osei@example.com"
    assert lead.message is not None
    assert lead.message.value == "Any balcony?"


@pytest.mark.parametrize("name", list(NASTY))
def test_nasty_payloads_end_in_a_reading(name: str) -> None:
    got = reading(*NASTY[name])
    assert got.verdict in Verdict
    if got.verdict is not Verdict.LEADS:
        assert got.cause
        assert got.detail


@pytest.mark.parametrize("file", [f for f in sorted(FIXTURES.glob("*/*")) if f.suffix in (".eml", ".form", ".json")])
def test_payloads_cut_anywhere_end_in_a_reading(file: Path) -> None:
    if file.name.endswith(".expected.json"):
        return
    body = file.read_bytes()
    kind = {".eml": MAIL, ".form": FORM, ".json": JSON}[file.suffix]
    for end in range(0, len(body), max(1, len(body) // 12)):
        reading(body[:end], kind)
        reading(body[end:], kind)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=400), kind=st.sampled_from([FORM, JSON, MAIL, XML, "", "text/plain"]))
def test_any_bytes_end_in_a_reading(body: bytes, kind: str) -> None:
    reading(body, kind)


_KEYS = st.sampled_from(
    ["name", "email", "phone", "movingDate", "moveInTimeframe", "petDetailsJson", "numBedroomsSought", "message",
     "listingStreet", "listingUnit", "numOccupants", "leaseLengthMonths", "hasPets", "person", "contact_type"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fields=st.dictionaries(_KEYS, _VALUES, max_size=10))
def test_any_values_in_known_fields_end_in_a_reading(fields: dict[str, object]) -> None:
    body = json.dumps({"listingId": "x", **fields}).encode()
    reading(body, JSON)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(st.text(max_size=60) | st.sampled_from(
    ["Name:", "Ann says:", "About Ann", "Phone:", "> Pets: Yes", "From: x", "Sent: y", "Subject: z", "Your listing"]),
    max_size=15))  # fmt: skip
def test_any_lines_in_a_known_mail_end_in_a_reading(lines: list[str]) -> None:
    body = "\n".join(lines).encode("utf-8", "replace")
    for head in (ZILLOW, CONVO):
        reading(head + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body, MAIL)
