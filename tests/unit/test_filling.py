"""Which values leave for a destination, and which remote values they may replace."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from leadsvc.workers.destinations.base import CARD_FIELDS, CardKind, CardPush, Profile, RemoteCard
from leadsvc.workers.destinations.filling import Outgoing, fill, outgoing, source_name, with_fallbacks
from leadsvc.workers.destinations.vendors.simpms import CAPABILITIES

PROFILE = Profile(
    name="pms",
    vendor="simpms",
    base_url="http://pms.example.com",
    sources={"zillow": "Zillow.com"},
    fallback_source="Unmapped",
    fallback_agent="desk",
)
CARD = CardPush(our_key="GC-1", property_ref="olf", first_name="Ada", last_name="Byron", source_name="zillow")
KNOWN = RemoteCard(card_id="p1", person_id="r1", status=CardKind.PROSPECT, property_ref="olf")


def sent(card: CardPush, profile: Profile = PROFILE) -> Outgoing:
    return outgoing(card, profile, CAPABILITIES)


def test_blank_values_stay_at_home_and_days_are_text() -> None:
    card = replace(CARD, move_in=date(2027, 1, 5), bedrooms_min=0)
    assert sent(card).values == {
        "first_name": "Ada",
        "last_name": "Byron",
        "source_name": "Zillow.com",
        "move_in": "2027-01-05",
        "bedrooms_min": 0,
    }


def test_fallbacks_are_named() -> None:
    out = sent(replace(CARD, last_name="", source_name="pigeon"))
    assert out.values["last_name"] == "Unknown"
    assert out.values["source_name"] == "Unmapped"
    assert out.fallbacks == ("last_name", "source_name")


@pytest.mark.parametrize(
    ("slug", "expected"),
    [("zillow", ("Zillow.com", False)), ("Zillow.com", ("Zillow.com", False)), ("", ("Unmapped", True))],
)
def test_source_name(slug: str, expected: tuple[str, bool]) -> None:
    assert source_name(slug, PROFILE) == expected


def test_text_is_cut_to_what_the_vendor_takes() -> None:
    assert sent(replace(CARD, first_name="A" * 39 + " " + "B" * 9)).values["first_name"] == "A" * 39


def test_the_whitelist_narrows() -> None:
    narrow = replace(PROFILE, allowed_fields=frozenset({"first_name"}))
    assert set(sent(replace(CARD, email="ada@example.com"), narrow).values) == {"first_name", "last_name"}
    assert frozenset(CARD_FIELDS) == PROFILE.allowed_fields


def test_only_blanks_are_filled() -> None:
    known = replace(KNOWN, fields={"first_name": "Augusta", "source_name": "Walk-In"})
    assert fill(sent(CARD), known, CARD, PROFILE) == ({"last_name": "Byron"}, ("first_name", "source_name"))


def test_a_stand_in_of_ours_is_replaced_unless_a_person_took_it() -> None:
    known = replace(KNOWN, fields={"first_name": "Ada", "last_name": "Unknown", "source_name": "Unmapped"})
    assert fill(sent(CARD), known, CARD, PROFILE)[0] == {"last_name": "Byron", "source_name": "Zillow.com"}
    taken = replace(known, agent_fields=frozenset({"source_name"}))
    assert fill(sent(CARD), taken, CARD, PROFILE) == ({"last_name": "Byron"}, ("source_name",))


def test_a_stand_in_never_replaces_a_value() -> None:
    known = replace(KNOWN, fields={"first_name": "Ada", "last_name": "Byron", "source_name": "Zillow.com"})
    card = replace(CARD, last_name="", source_name="pigeon")
    assert fill(sent(card), known, card, PROFILE) == ({}, ())


def test_the_last_push_may_be_corrected() -> None:
    known = replace(KNOWN, fields={"first_name": "Adda", "last_name": "Byron", "source_name": "Zillow.com"})
    card = replace(CARD, last_pushed={"first_name": "Adda"})
    assert fill(sent(card), known, card, PROFILE) == ({"first_name": "Ada"}, ())


def test_case_of_an_address_is_no_difference() -> None:
    card = replace(CARD, email="Ada@Example.com")
    known = replace(
        KNOWN,
        fields={
            "email": "ada@example.com", "first_name": "Ada", "last_name": "Byron", "source_name": "Zillow.com"
        },
    )  # fmt: skip
    assert fill(sent(card), known, card, PROFILE) == ({}, ())


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ({"floor_plan_ref"}, {"agent_ref": "ana", "source_name": "Zillow.com"}),
        ({"agent_ref"}, {"agent_ref": "desk", "source_name": "Zillow.com", "floor_plan_ref": "L1"}),
        ({"source_name"}, {"agent_ref": "ana", "source_name": "Unmapped", "floor_plan_ref": "L1"}),
        ({"property_ref"}, None),
        ({"floor_plan_ref", "email"}, None),
        (set(), None),
    ],
)
def test_what_is_sent_after_a_refusal(refused: set[str], expected: dict[str, str] | None) -> None:
    first = Outgoing({"agent_ref": "ana", "source_name": "Zillow.com", "floor_plan_ref": "L1"})
    other = with_fallbacks(first, dict.fromkeys(refused, ()), PROFILE)
    assert (other.values if other else None) == expected
    assert other is None or set(other.fallbacks) == refused


def test_a_refused_fallback_ends() -> None:
    agent = Outgoing({"agent_ref": "desk"}, ("agent_ref",))
    dropped = with_fallbacks(agent, {"agent_ref": ()}, PROFILE)
    assert dropped is not None
    assert dropped.values == {}
    assert with_fallbacks(Outgoing({"source_name": "Unmapped"}), {"source_name": ()}, PROFILE) is None


def test_what_the_vendor_fixes_at_birth_is_never_written_again() -> None:
    known = replace(KNOWN, fields={"last_name": "Unknown", "source_name": "Unmapped"})
    changes, kept = fill(sent(CARD), known, CARD, PROFILE, fixed=("source_name", "first_name"))
    assert (changes, kept) == ({"last_name": "Byron"}, ("first_name", "source_name"))


def test_a_field_that_the_vendor_does_not_hold_stays_at_home() -> None:
    narrow = replace(CAPABILITIES, fields=("last_name",))
    assert outgoing(CARD, PROFILE, narrow).values == {"last_name": "Byron"}
