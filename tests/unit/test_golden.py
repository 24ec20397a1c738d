"""Which value survives: by rule per field, whatever the order in which records come together."""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.errors import ConfigurationError
from leadsvc.model import ContactType, EmailAddress, Lead, MoveIn, PersonName, PhoneNumber, Value
from leadsvc.resolve.golden import Golden, combine, record, shown, with_edited_name
from leadsvc.resolve.survivorship import FIELDS, parse, rules

START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
IDS = [uuid.UUID(int=n) for n in range(3)]


def lead(
    name: str = "",
    email: str = "",
    phone: str = "",
    occupants: int | None = None,
    kind: ContactType = ContactType.FORM,
    map_id: str = "m",
) -> Lead:
    first, _, last = name.partition(" ")
    return Lead(
        "zillow",
        kind,
        "form",
        map_id,
        1,
        name=Value(PersonName(first, last, "", name), name, "r") if name else None,
        emails=(Value(EmailAddress(email, email, email.startswith("relay")), email, "r"),) if email else (),
        phones=(Value(PhoneNumber(phone), phone, "r"),) if phone else (),
        occupants=Value(occupants, str(occupants), "r") if occupants is not None else None,
    )


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def both(one: Golden, other: Golden) -> Golden:
    merged = combine(one, other)
    assert merged == combine(other, one)
    return merged


def test_a_fuller_name_stays_before_a_newer_one() -> None:
    full, short = record(lead("Rosa Lindqvist"), at(0), IDS[0]), record(lead("Rosa"), at(1), IDS[1])
    assert both(full, short)["name"]["value"]["family"] == "Lindqvist"
    newer = record(lead("Rosa Berg"), at(2), IDS[2])
    assert both(full, newer)["name"]["value"]["family"] == "Berg"


def test_an_address_of_ones_own_stays_before_a_newer_masked_one() -> None:
    own, masked = record(lead(email="a@example.com"), at(0), IDS[0]), record(lead(email="relay1@x"), at(1), IDS[1])
    merged = both(own, masked)
    assert merged["email"]["value"] == "a@example.com"
    assert merged["emails"] == ["a@example.com", "relay1@x"]


def test_the_newest_phone_counts_by_the_renters_time_not_by_arrival() -> None:
    late, early = record(lead(phone="+1"), at(5), IDS[0]), record(lead(phone="+2"), at(1), IDS[1])
    assert both(late, early)["phone"]["value"] == "+1"


def test_an_offset_does_not_make_a_time_newer() -> None:
    west = at(0).astimezone(timezone(timedelta(hours=9)))
    assert (
        both(record(lead(phone="+1"), west, IDS[0]), record(lead(phone="+2"), at(1), IDS[1]))["phone"]["value"] == "+2"
    )


def test_a_name_told_often_stays_before_a_newer_slip() -> None:
    told = [record(lead("Rosa Lindqvist"), at(hour), IDS[hour]) for hour in (0, 1)]
    slip = record(lead("Rosa Lindqvits"), at(2), IDS[2])
    found = both(both(told[0], slip), told[1])["name"]
    assert found["value"]["family"] == "Lindqvist"
    assert found["why"] == "told by 2 inquiries, the next by 1"
    assert [each["value"]["family"] for each in found["others"]] == ["Lindqvits"]


def test_the_same_inquiry_told_twice_makes_no_name_stronger() -> None:
    again = both(record(lead("Rosa Lindqvits"), at(0), IDS[0]), record(lead("Rosa Lindqvits"), at(1), IDS[0]))
    assert both(again, record(lead("Rosa Lindqvist"), at(2), IDS[1]))["name"]["value"]["family"] == "Lindqvist"


def test_an_initial_is_no_fuller_than_nothing_but_less_than_a_name() -> None:
    initial, name = record(lead("R Berg"), at(2), IDS[0]), record(lead("Rosa Berg"), at(0), IDS[1])
    assert both(initial, name)["name"]["value"]["given"] == "Rosa"
    assert both(initial, record(lead("Berg"), at(3), IDS[2]))["name"]["value"]["given"] == "R"


@pytest.mark.parametrize(
    ("field", "better", "worse"),
    [
        ("email", ContactType.WALK_IN, ContactType.FORM),
        ("email", ContactType.FORM, ContactType.CALL),
        ("phone", ContactType.WALK_IN, ContactType.CALL),
        ("phone", ContactType.CALL, ContactType.FORM),
    ],
)
def test_how_a_value_reached_us_counts_before_its_age(field: str, better: ContactType, worse: ContactType) -> None:
    older = record(lead(email="a@example.com", phone="+1", kind=better), at(0), IDS[0])
    newer = record(lead(email="b@example.com", phone="+2", kind=worse), at(1), IDS[1])
    found = both(older, newer)[field]
    assert found["value"] in {"a@example.com", "+1"}
    assert "counts before" in found["why"]


def test_what_the_generic_reader_guessed_gives_way() -> None:
    guessed = record(lead("Rosa Berg", "a@example.com", "+1", map_id="generic"), at(9), IDS[0])
    read = record(lead("Rosa Burg", "b@example.com", "+2"), at(0), IDS[1])
    found = both(guessed, read)
    assert (found["name"]["value"]["family"], found["email"]["value"], found["phone"]["value"]) == (
        "Burg",
        "b@example.com",
        "+2",
    )


def test_a_value_that_many_use_stands_for_nobody_while_there_is_another() -> None:
    desk = record(lead(email="desk@example.com", phone="+1"), at(5), IDS[0], shared={"desk@example.com", "+1"})
    assert (desk["email"]["value"], desk["phone"]["value"]) == ("desk@example.com", "+1")
    found = both(desk, record(lead(email="a@example.com", phone="+2"), at(0), IDS[1]))
    assert (found["email"]["value"], found["phone"]["value"]) == ("a@example.com", "+2")
    assert found["email"]["why"] == "theirs alone before one that many people use"


def test_of_several_addresses_in_one_inquiry_the_first_counts_and_the_rest_stand_behind() -> None:
    two = tuple(Value(EmailAddress(each, each), each, "r") for each in ("x@example.com", "a@example.com"))
    alone = record(replace(lead(), emails=two), at(0), IDS[0])
    assert alone["email"]["value"] == "x@example.com"
    assert [each["value"] for each in alone["email"]["others"]] == ["a@example.com"]
    assert record(replace(lead(), emails=two), at(0), IDS[0], shared={"x@example.com"})["email"]["value"] == two[1].raw


def test_flexible_takes_no_date_away() -> None:
    def wish(words: str, on: date | None) -> Lead:
        return replace(lead(), move_in=Value(MoveIn(on, None, words), words, "r"))

    dated, vague = record(wish("1 May", date(2026, 5, 1)), at(0), IDS[0]), record(wish("flexible", None), at(3), IDS[1])
    assert both(dated, vague)["move_in"]["value"]["on"] == "2026-05-01"


def test_a_name_entered_later_replaces_the_one_entered_before() -> None:
    def entered(family: str, hour: int) -> dict[str, Any]:
        name = {"given": "Rosa", "family": family, "suffix": "", "text": f"Rosa {family}"}
        return {"name": {"value": name, "by": "ana", "at": at(hour).isoformat()}}

    golden = record(lead("Rosa Lindqvist"), at(9), IDS[0])
    twice = with_edited_name(with_edited_name(golden, entered("Berg", 1)), entered("Burg", 2))
    assert twice == with_edited_name(golden, entered("Burg", 2))
    assert (twice["name"]["value"]["family"], twice["name"]["why"]) == ("Burg", "entered by an agent")
    assert with_edited_name(twice, {}) == golden


def test_a_record_of_an_earlier_version_still_combines() -> None:
    def old(name: str, value: Any, hour: float) -> dict[str, Any]:
        told = {"raw": "x", "rule": "r", "inquiry": str(IDS[0]), "at": at(hour).isoformat(), "rank": 2, "why": "newest"}
        return {name: {"value": value, **told}}

    stored = old("name", {"given": "Rosa", "family": "Berg"}, 0) | old("occupants", 2, 5) | old("email", "m@x", 0)
    found = both(stored, record(lead("Rosa Lindqvist", "a@example.com", occupants=3), at(1), IDS[1]))
    assert found["name"]["value"]["family"] == "Lindqvist"
    assert (found["occupants"]["value"], found["email"]["value"]) == (2, "a@example.com")


LEADS = st.builds(
    lead,
    name=st.sampled_from(["", "Rosa", "Rosa Lindqvist", "rosa lindqvist", "R Berg"]),
    email=st.sampled_from(["", "a@example.com", "b@example.com", "relay1@x"]),
    phone=st.sampled_from(["", "+1", "+2"]),
    occupants=st.sampled_from([None, 0, 2, 3]),
    kind=st.sampled_from([ContactType.FORM, ContactType.CALL, ContactType.WALK_IN]),
    map_id=st.sampled_from(["m", "m", "generic"]),
)
MANY = [uuid.UUID(int=n) for n in range(12)]
RECORDS = st.lists(
    st.builds(
        record,
        LEADS,
        st.sampled_from([at(0), at(0.0001), at(1)]),
        st.sampled_from(MANY),
        shared=st.sampled_from([(), ("a@example.com",), ("+1", "relay1@x")]),
    ),
    max_size=9,
)


@given(RECORDS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))), st.integers(0, 9))
def test_records_combine_in_any_order_and_grouping(orders: tuple[list[Golden], list[Golden]], cut: int) -> None:
    rows, shuffled = orders
    nothing: Golden = {}
    whole = reduce(combine, rows, nothing)
    assert whole == reduce(combine, shuffled, nothing)
    assert whole == combine(reduce(combine, rows[:cut], nothing), reduce(combine, rows[cut:], nothing))
    assert combine(whole, whole) == whole


FILE = Path(__file__).parents[2] / "leadsvc" / "resolve" / "survivorship.toml"


def test_every_field_has_a_rule_that_begins_with_the_agents_word() -> None:
    assert set(rules().fields) == set(FIELDS)
    assert {rule.by[0] for rule in rules().fields.values()} == {"agent_edit"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda file: file["fields"]["name"].update(by=["recency"]), "name: `by` begins with agent_edit"),
        (lambda file: file["fields"]["name"].update(by=["agent_edit", "beauty"]), "name: `by` names each"),
        (lambda file: file["fields"]["email"].update(by=["agent_edit", "recency"]), "email: `by` has unshared"),
        (lambda file: file["fields"]["pets"].update(by=["agent_edit", "own"]), "pets: `own` and `unshared` are about"),
        (lambda file: file["fields"]["phone"].update(trust=["in person"]), "phone: `trust` puts all tiers"),
        (lambda file: file["fields"].pop("pets"), "look at: pets"),
        (lambda file: file["trust"][0].update(contact_types=["telepathy"]), "no contact type telepathy"),
        (lambda file: file["trust"].append(file["trust"][0]), "trust: names a tier twice"),
        (lambda file: file.update(mood=1), "the file: must hold version"),
    ],
)
def test_a_wrong_rule_is_told_by_its_field(change: Callable[[Any], Any], told: str) -> None:
    file = tomllib.loads(FILE.read_text())
    change(file)
    with pytest.raises(ConfigurationError, match=told):
        parse(file)


def test_an_agents_edit_wins() -> None:
    golden = record(lead("Rosa Lindqvist", phone="+1"), at(0), IDS[0])
    edited = shown(golden, {"phone": {"value": "+9", "by": "ana", "at": "2026"}})
    assert (edited["phone"], edited["name"]["given"]) == ("+9", "Rosa")
