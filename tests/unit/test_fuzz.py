"""A small part of what ``python -m tests.fuzz`` does for longer: hostile payloads end in a reading, soon and small."""

from __future__ import annotations

import random
import time
from functools import cache
from urllib.parse import parse_qsl

import pytest

from leadsvc.errors import Aside, Quarantine
from leadsvc.fieldmap import MapSet
from leadsvc.model import Channel, Delivered, Verdict
from leadsvc.parsers import form, records
from leadsvc.reading import read
from tests import fuzz

MAIL, FORM, XML = fuzz.TYPES[".eml"], fuzz.TYPES[".form"], fuzz.TYPES[".xml"]
HEAD = b"From: Ann Lee <ann@example.com>\r\nTo: leads@inbox.example.com\r\nSubject: Fwd: Hi\r\n"


@cache
def maps() -> MapSet:
    return fuzz.warm()


@pytest.mark.slow
def test_mutated_fixtures_end_in_a_reading() -> None:
    wrong = [
        f"{n}: {out.wrong} ({made.made_by})" for n, made, out in fuzz.run(20_260_210, maps(), count=150) if out.wrong
    ]
    assert wrong == []


def test_asking_by_sender_and_format_finds_what_asking_all_maps_finds() -> None:
    asked = 0
    for sample in fuzz.samples():
        try:
            found = records(sample.body, sample.content_type, {})
        except (Quarantine, Aside):
            continue
        for record in found:
            claiming = {one.id for one in maps().maps.values() if one.claims(record)}
            particular = {one for one in claiming if not maps().maps[one].general} or claiming
            assert {one.id for one in maps().claiming(record, None)} == particular
            asked += bool(claiming)
    assert asked > 200


def test_the_same_seed_makes_the_same_payloads() -> None:
    assert fuzz.payload(7, 11) == fuzz.payload(7, 11)
    assert fuzz.payload(7, 11) != fuzz.payload(7, 12)


# What was found by fuzzing and took seconds, or hundreds of MiB.
FOUND = {
    "empty lines": (HEAD + b"\r\nHi\r\n" + b"\r\n" * 10_000 + b"bye", MAIL),
    "marks of quotations": (HEAD + b"\r\nHi\r\n" + b"> \r\n* * *\r\n" * 5_000 + b"bye", MAIL),
    "words of spam": (HEAD + b"\r\n" + (b"for a home " * 300 + b"\r\n") * 600, MAIL),
    "domain names as a charset": (HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"z" * 900_000, MAIL),
    "bytes without escapes": (b"name=" + b"\xc2\xa0" * 900_000, FORM),
    "escapes": (b"name=" + b"%3D" * 500_000, FORM),
    "escapes apart": (b"name=" + b"%3Da" * 400_000, FORM),
    "people in people": (
        b"<LeadManagement>" + b"<Prospect><Customers><Customer><a/></Customer></Customers>" * 500,
        XML,
    ),
}


@pytest.mark.parametrize("name", list(FOUND))
def test_what_took_too_much(name: str) -> None:
    body, content_type = FOUND[name]
    assert fuzz.tried(fuzz.Payload(name, body, content_type), maps()).wrong == ""


def test_what_breaks_a_promise_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fuzz.Payload("x", b"name=" + b"a" * 1_000, FORM)
    monkeypatch.setattr(fuzz, "SECONDS", -1.0)
    assert "s of CPU" in fuzz.tried(made, maps()).wrong
    monkeypatch.setattr(fuzz, "read", lambda delivered, maps: [][0])
    assert "IndexError" in fuzz.tried(made, maps()).wrong
    monkeypatch.setattr(fuzz, "_GIVE_UP_S", 0.05)
    monkeypatch.setattr(fuzz, "read", _forever)
    assert "given up" in fuzz.tried(made, maps()).wrong


def _forever(*_: object) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        sum(range(1_000))


def test_forms_are_taken_apart_as_browsers_write_them() -> None:
    chance = random.Random(3)
    pieces = (b"a", b"=", b"&", b"%", b"%4", b"%41", b"%C3%A9", b"\xc3\xa9", b"+", b"%2B", b"%26", b"%ZZ", b" ")
    for _ in range(300):
        body = b"k=1&" + b"".join(chance.choice(pieces) for _ in range(10))
        assert form.read(body).root == _by_hand(body)


def _by_hand(body: bytes) -> dict[str, str]:
    text = "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in body.strip())
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeError:
        pairs = parse_qsl(text, keep_blank_values=True, encoding="cp1252", errors="replace")
    return dict(reversed(pairs))


def test_deep_xml_is_for_a_person() -> None:
    body, content_type = FOUND["people in people"]
    reading = read(Delivered(body, content_type, Channel.HTTP, fuzz.AT), maps())
    assert (reading.verdict, reading.cause) == (Verdict.QUARANTINE, "too_complex")


def test_a_form_in_an_unusual_charset() -> None:
    (record,) = records("name=名前&email=a%40example.com".encode("shift_jis"), FORM + "; charset=shift_jis", {})
    assert record.values["name"] == "名前"  # type: ignore[union-attr]
