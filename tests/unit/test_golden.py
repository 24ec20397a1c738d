"""Which value survives: by rule per field, whatever the order in which records come together."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from leadsvc.model import ContactType, EmailAddress, Lead, PersonName, PhoneNumber, Value
from leadsvc.resolve.golden import Golden, combine, record, shown

START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
IDS = [uuid.UUID(int=n) for n in range(3)]


def lead(name: str = "", email: str = "", phone: str = "", occupants: int | None = None) -> Lead:
    first, _, last = name.partition(" ")
    return Lead(
        "zillow",
        ContactType.FORM,
        "form",
        "m",
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


LEADS = st.builds(
    lead,
    name=st.sampled_from(["", "Rosa", "Rosa Lindqvist", "R Berg"]),
    email=st.sampled_from(["", "a@example.com", "b@example.com", "relay1@x"]),
    phone=st.sampled_from(["", "+1", "+2"]),
    occupants=st.sampled_from([None, 0, 2]),
)
RECORDS = st.lists(
    st.builds(record, LEADS, st.sampled_from([at(0), at(0.0001), at(1)]), st.sampled_from(IDS)), max_size=5
)


@given(RECORDS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))), st.integers(0, 5))
def test_records_combine_in_any_order_and_grouping(orders: tuple[list[Golden], list[Golden]], cut: int) -> None:
    rows, shuffled = orders
    nothing: Golden = {}
    whole = reduce(combine, rows, nothing)
    assert whole == reduce(combine, shuffled, nothing)
    assert whole == combine(reduce(combine, rows[:cut], nothing), reduce(combine, rows[cut:], nothing))
    assert combine(whole, whole) == whole


def test_an_agents_edit_wins() -> None:
    golden = record(lead("Rosa Lindqvist", phone="+1"), at(0), IDS[0])
    edited = shown(golden, {"phone": {"value": "+9", "by": "ana", "at": "2026"}})
    assert (edited["phone"], edited["name"]["given"]) == ("+9", "Rosa")
