"""A lead reduced to what says who wrote it: from its fields, from its words, and through JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.canonical import leads_from_canonical
from leadsvc.model import PersonName
from leadsvc.resolve.trace import Trace, bearer, joined, made, of_lead, said, told

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def trace(ignored: frozenset[str] = frozenset(), **fields: Any) -> Trace:
    """The trace of a canonical lead at property P1."""
    (lead,), _, errors = leads_from_canonical({"source": "website", "contact_type": "form"} | fields, AT)
    assert not errors
    return of_lead("id", lead, AT, "P1", "tulsa", ignored)


def test_a_lead_with_everything() -> None:
    found = trace(
        person={"given": "José", "family": "De La Cruz Jr"},
        emails=["Jose.Cruz+home@gmail.com", "jc@example.org"],
        phones=["(212) 555-0101"],
        move_in="2026-04-01",
        bedrooms=2,
        message="Is the flat on the third floor still free in April?",
    )
    assert found == Trace(
        "id",
        int(AT.timestamp()),
        ("jose",),
        ("de", "la", "cruz"),
        "jr",
        False,
        ("jc@example.org", "josecruz@gmail.com"),
        (),
        ("+12125550101",),
        "P1",
        "tulsa",
        datetime(2026, 4, 1).toordinal(),
        2.0,
        found.said,
    )
    assert found.said != 0


@pytest.mark.parametrize(
    ("name", "region", "kept"),
    [
        (("Tulsa", "OK", ""), "Tulsa", False),
        (("Tulsa OK", "", ""), "tulsa", False),
        (("Fort Worth", "TX", ""), "Fort Worth", False),
        (("Winnipeg", "mb", ""), "Winnipeg", False),
        (("Austin", "Li", ""), "Austin", True),
        (("Madison", "", ""), "Madison", True),
        (("Charlotte", "Va", ""), "Tulsa", True),
        (("Jo", "OK", ""), "", True),
    ],
)
def test_the_town_of_a_caller_is_not_their_name(name: tuple[str, str, str], region: str, kept: bool) -> None:
    found = bearer(PersonName(*name, text=""), region)
    assert bool(found) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [("eparker33", ()), ("x_k7", ()), ("Emma", ("emma",)), ("eparker34", ("eparker34",)), ("eparker", ("eparker",))],
)
def test_an_address_is_not_a_name(given: str, kept: tuple[str, ...]) -> None:
    found = made("1", 0, (given, "", ""), ["eparker33@example.com"], ["x.k7@reply.example.com"], ())
    assert found.given == kept


def test_masked_addresses_and_the_operators_own_are_nobodys() -> None:
    found = trace(
        frozenset({"leasing@example.net", "+12125550199"}),
        emails=["x7k2mq9p4w@reply.zillow.com", "leasing@example.net", "rosa@example.com"],
        phones=["212-555-0199", "212-555-0101"],
        message="Call me at 212-555-0199 please",
    )
    assert found.emails == ("rosa@example.com",)
    assert found.threads == ("x7k2mq9p4w@reply.zillow.com",)
    assert found.phones == ("+12125550101",)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Is it still free?\nThanks, Rosa Berg", ("Rosa", "Berg")),
        ("hi, my name is Kofi and I like it", ("Kofi", "")),
        ("Hola, me llamo Lucía Castillo. ¿Está libre?", ("Lucía", "Castillo")),
        ("Would love a tour. Best regards,\nAnders\n\nSent from my iPhone", ("Anders", "")),
        ("Thanks in advance", ("", "")),
        ("Is it free? Thanks, and have a nice day", ("", "")),
        ("My name is not on the lease", ("", "")),
    ],
)
def test_how_a_message_is_signed(message: str, name: tuple[str, str]) -> None:
    assert told(message, named=False, addressed=True, numbered=True).name[:2] == name
    assert told(message, named=True, addressed=True, numbered=True).name == ("", "", "")


@pytest.mark.parametrize(
    ("message", "numbered", "phones"),
    [
        ("Text me at 212-555-0101", True, ("+12125550101",)),
        ("Your office is 212-555-0101", True, ()),
        ("212-555-0101 works best", False, ("+12125550101",)),
        ("212-555-0101 or 415-555-0188", False, ()),
        ("Rent was 1,200 at 4100 Cedar Dr", False, ()),
    ],
)
def test_the_number_a_message_tells(message: str, numbered: bool, phones: tuple[str, ...]) -> None:
    assert told(message, named=True, addressed=True, numbered=numbered).phones == phones


@pytest.mark.parametrize(
    ("message", "addressed", "emails"),
    [
        ("write to Rosa.Berg@gmail.com", True, ("rosaberg@gmail.com",)),
        ("rosa.berg at example.com is best", False, ("rosa.berg@example.com",)),
        ("rosa.berg at example.com is best", True, ()),
        ("x7k2mq9p4w@reply.zillow.com", False, ()),
    ],
)
def test_the_address_a_message_tells(message: str, addressed: bool, emails: tuple[str, ...]) -> None:
    assert told(message, named=True, addressed=addressed, numbered=True).emails == emails


@pytest.mark.parametrize(
    "message",
    [
        " " * 100_000,
        "\n" * 100_000,
        "-" * 50_000 + "\nx",
        "thanks." * 9_000 + "x 1",
        "thanks,J" + " " * 90_000 + "x",
        "sent from my phone " * 5_000 + "\nx",
        "call me at " + "x" * 90_000,
        "555-555-" * 9_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_no_message_takes_long(message: str) -> None:
    began = datetime.now(UTC)
    told(message, named=False, addressed=False, numbered=False)
    said(message, "P1")
    assert (datetime.now(UTC) - began).total_seconds() < 3  # blanks alone took minutes once


@pytest.mark.parametrize(
    ("given_name", "family", "emails", "expected"),
    [
        ("Jorge Valdes", "", [], (("jorge",), ("valdes",), True)),
        ("Jorge", "", ["jorgevaldes@example.com"], (("jorge",), ("valdes",), True)),
        ("Jorge", "", ["valdes.jorge12@example.com"], (("jorge",), ("valdes",), True)),
        ("Jorge", "", ["jorge@example.com"], (("jorge",), (), False)),
        ("Jorge", "", ["skater@example.com"], (("jorge",), (), False)),
        ("Jorge", "Lee", ["jorgevaldes@example.com"], (("jorge",), ("lee",), False)),
        ("Jorge V", "", [], (("jorge", "v"), (), False)),
    ],
)
def test_a_last_name_that_is_not_given_is_guessed(
    given_name: str, family: str, emails: list[str], expected: tuple[Any, ...]
) -> None:
    assert made("id", 0, (given_name, family, ""), emails, (), ()).spelled == expected


def test_what_a_message_says_is_told_apart_from_another() -> None:
    long = "I would like to see the flat with the balcony on Saturday."
    assert said(long, "P1") == said(long.upper() + " !!", "P1") != 0
    assert said(long, "P1") != said(long, "P2")
    assert said(long, "P1") != said(long + " Or Sunday.", "P1")
    assert said("Is it available?", "P1") == said("", "P1") == 0


def test_the_same_inquiry_again_adds_what_is_new() -> None:
    one = made("a", 5, ("Rosa", "", ""), ["rosa@example.com"], ["t:1"], [])
    again = made("b", 9, ("Ana", "Lee", ""), ["rosa@example.com", "r@example.org"], ["t:2"], ["+12125550101"])
    both = joined(one, again)
    assert (both.id, both.at, both.spelled) == ("a", 5, one.spelled)
    assert both.emails == ("r@example.org", "rosa@example.com")
    assert both.threads == ("t:1", "t:2")
    assert both.phones == ("+12125550101",)
    nameless = replace(one, given=(), family=())
    assert joined(nameless, again).spelled == again.spelled


WORDS = st.lists(st.text(st.characters(categories=["Ll"]), min_size=1, max_size=6), max_size=3).map(tuple)
TEXTS = st.lists(st.text(max_size=8), max_size=3).map(tuple)


@given(
    st.builds(
        Trace,
        st.just("a"),
        st.integers(-(2**40), 2**40),
        WORDS,
        WORDS,
        st.text(max_size=4),
        st.booleans(),
        TEXTS,
        TEXTS,
        TEXTS,
        st.text(max_size=5),
        st.text(max_size=5),
        st.none() | st.integers(1, 3_652_059),
        st.none() | st.floats(0, 20),
        st.integers(-(2**62), 2**62),
    )
)
def test_it_survives_being_written(one: Trace) -> None:
    assert Trace.from_json("a", json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    ("said", "kept"),
    [("Sr", "sr"), ("Senior", "sr"), ("Jr.", "jr"), ("junior", "jr"), ("II", "jr"), ("III", "iii"), ("Jr, MD", "jr"),
     ("PhD", ""), ("Esq", ""), ("", "")],
)  # fmt: skip
def test_a_suffix_tells_the_generation_and_no_degree(said: str, kept: str) -> None:
    assert made("a", 0, ("John", "Weber", said), [], [], []).suffix == kept
