"""Two traces compared: each level of each field, what is left out, and the same either way round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.resolve.levels import (
    DAY,
    FIELDS,
    HOUR,
    HUB,
    Beds,
    Compared,
    Email,
    Gap,
    Move,
    Order,
    Phone,
    Place,
    Said,
    Thread,
    compare,
    emails,
    phones,
    usable,
)
from leadsvc.resolve.likeness import Family, Given
from leadsvc.resolve.trace import Trace

AT = 1_740_000_000
BASE = Trace("a", AT)
NOBODY: Mapping[str, int] = {}


def level(field: str, one: Trace, other: Trace, crowds: Mapping[str, int] = NOBODY) -> IntEnum:
    """What a field says, after looking whether it says the same the other way round."""
    found, back = compared(one, other, crowds=crowds), compared(other, one, crowds=crowds)
    assert found == back
    place = [name for name, _ in FIELDS].index(field)
    return FIELDS[place][1](found.levels[place])


def compared(
    one: Trace, other: Trace, masked: frozenset[str] = frozenset(), crowds: Mapping[str, int] = NOBODY
) -> Compared:
    def crowd(value: str) -> int:
        return crowds.get(value.partition("@")[0].lstrip("+"), 1)

    return compare(usable(one, crowd, masked), usable(other, crowd, masked))


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (Email.SAME, "rosa.berg@example.com", "rosa.berg@example.com"),
        (Email.NEAR, "rosa.berg@example.com", "rosa.bergg@example.com"),
        (Email.NEAR, "rosa.berg@gmail.com", "rosa.berg@gmial.com"),
        (Email.NEAR, "konstantin.berg@example.com", "konstantni.bergg@example.com"),
        (Email.LOCAL, "rosa.berg@example.com", "rosa.berg@yahoo.com"),
        (Email.DIFFERENT, "berg12@example.com", "berg34@example.com"),
        (Email.DIFFERENT, "rosa.berg12@example.com", "rosa.berg34@example.com"),
        (Email.DIFFERENT, "rosa@example.com", "rose@example.com"),
        (Email.DIFFERENT, "rosa.berg@example.com", "rosa.bergg@yahoo.com"),
        (Email.DIFFERENT, "rosa.berg@example.com", "kim.lee@example.com"),
    ],
)
def test_addresses(expected: Email, one: str, other: str) -> None:
    assert level("email", replace(BASE, emails=(one,)), replace(BASE, emails=(other,))) is expected
    assert level("email", replace(BASE, emails=(one,)), BASE) is Email.MISSING


def test_the_best_of_several_addresses_counts() -> None:
    assert (
        emails(["kim@example.com", "rosa.berg@yahoo.com"], ["x.y.z@example.org", "rosa.berg@gmail.com"]) is Email.LOCAL
    )
    several = replace(BASE, emails=("kim@example.com", "rosa.berg@yahoo.com"))
    assert level("email", several, replace(BASE, emails=("rosa.berg@yahoo.com",))) is Email.SAME


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (Phone.SAME, "+12125550101", "+12125550101"),
        (Phone.NEAR, "+12125550101", "+12125550107"),
        (Phone.NEAR, "+12125550110", "+12125550101"),
        (Phone.NEAR, "+12125550134", "+12152550134"),
        (Phone.AREA, "+12125550101", "+12125550188"),
        (Phone.AREA, "+12125550112", "+12125550121"[:-2] + "34"),
        (Phone.DIFFERENT, "+12125550101", "+14155550199"),
        (Phone.DIFFERENT, "+12125550101", "+4930123456"),
    ],
)
def test_numbers(expected: Phone, one: str, other: str) -> None:
    assert level("phone", replace(BASE, phones=(one,)), replace(BASE, phones=(other,))) is expected
    assert level("phone", BASE, replace(BASE, phones=(other,))) is Phone.MISSING


def test_the_best_of_several_numbers_counts() -> None:
    assert phones(["+14155550199", "+12125550101"], ["+12125550107"]) is Phone.NEAR


def test_a_value_behind_more_names_than_a_household_has_is_left_out() -> None:
    shared = replace(BASE, emails=("desk@example.com",), phones=("+12125550101",))
    for field, kinds in (("email", Email), ("phone", Phone)):
        crowds = {"desk": HUB, "12125550101": HUB}
        assert level(field, shared, replace(shared, id="b"), crowds) is kinds.SAME
        assert level(field, shared, replace(shared, id="b"), dict.fromkeys(crowds, HUB + 1)) is kinds.MISSING


def test_the_rarest_value_in_common_tells_its_crowd() -> None:
    one = replace(BASE, emails=("shared@example.com", "own@example.com"), phones=("+12125550101",))
    found = compared(one, replace(one, id="b"), crowds={"shared": 4, "own": 2, "12125550101": 3})
    assert (found.email_crowd, found.phone_crowd) == (2, 3)
    found = compared(one, replace(BASE, id="b", emails=("shared@example.com",)), crowds={"shared": 4, "own": 2})
    assert (found.email_crowd, found.phone_crowd) == (4, 0)


def test_addresses_of_a_masked_domain_count_as_conversations() -> None:
    one = replace(BASE, emails=("x1y2@guest.example.net",))
    other = replace(one, id="b")
    masked = frozenset({"guest.example.net"})
    email, thread, *_ = compared(one, other, masked).levels
    assert (email, thread) == (Email.MISSING, Thread.SAME)
    email, thread, *_ = compared(one, replace(other, emails=("z9w8@guest.example.net",)), masked).levels
    assert (email, thread) == (Email.MISSING, Thread.MISSING)
    assert compared(one, other).levels[0] == Email.SAME


def test_conversations_agree_or_say_nothing() -> None:
    one = replace(BASE, threads=("zillow:17",))
    assert level("thread", one, replace(BASE, threads=("zillow:17", "zillow:18"))) is Thread.SAME
    assert level("thread", one, replace(BASE, threads=("zillow:18",))) is Thread.MISSING


def named(first: str, last: str, **more: Any) -> Trace:
    return replace(BASE, given=tuple(first.split()), family=tuple(last.split()), **more)


def test_first_names_spelled_in_both_addresses_are_two_people() -> None:
    rosa = named("rosa", "berg", emails=("rosa.berg@example.com",))
    anders = named("anders", "berg", emails=("anders.berg@example.com",))
    assert level("given", rosa, anders) is Given.OTHER
    assert level("given", rosa, replace(anders, emails=("bergs@example.com",))) is Given.DIFFERENT
    bob, robert = (
        named("bob", "berg", emails=("bob@example.com",)),
        named("robert", "berg", emails=("robert@example.com",)),
    )
    assert level("given", bob, robert) is Given.VARIANT


def test_elder_and_younger_are_two_people() -> None:
    one = named("john", "weber", suffix="jr")
    assert level("given", one, named("john", "weber", suffix="sr")) is Given.OTHER
    assert level("given", one, named("john", "weber", suffix="jr")) is Given.SAME
    assert level("given", one, named("john", "weber")) is Given.SAME
    assert level("given", one, replace(BASE, suffix="sr")) is Given.MISSING


def test_the_order_of_names() -> None:
    one = named("wei", "zhang")
    assert level("order", one, named("zhang", "wei")) is Order.TURNED
    assert level("order", one, named("wei", "zhang")) is Order.STRAIGHT
    assert level("order", one, named("wei", "")) is Order.MISSING
    assert level("order", one, named("wei", "lee")) is Order.MISSING
    assert level("family", one, named("wei", "lee")) is Family.DIFFERENT


def test_places() -> None:
    one = replace(BASE, place="P1", region="tulsa")
    assert level("place", one, replace(BASE, place="P1")) is Place.SAME
    assert level("place", one, replace(BASE, place="P2", region="tulsa")) is Place.REGION
    assert level("place", one, replace(BASE, place="P2", region="reno")) is Place.FAR
    assert level("place", replace(one, region=""), replace(BASE, place="P2", region="")) is Place.FAR
    assert level("place", one, BASE) is Place.MISSING


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        (Gap.HOUR, 0),
        (Gap.HOUR, HOUR - 1),
        (Gap.DAY, HOUR),
        (Gap.WEEK, DAY),
        (Gap.MONTH, 7 * DAY),
        (Gap.SEASON, 30 * DAY),
        (Gap.HALF_YEAR, 120 * DAY),
        (Gap.YEAR, 240 * DAY),
        (Gap.LONGER, 430 * DAY),
    ],
)
def test_time_between(expected: Gap, seconds: int) -> None:
    assert level("gap", BASE, replace(BASE, at=AT + seconds)) is expected


@pytest.mark.parametrize(
    ("expected", "days"), [(Move.SAME, 1), (Move.NEAR, 2), (Move.NEAR, 14), (Move.MONTH, 35), (Move.FAR, 36)]
)
def test_days_of_moving_in(expected: Move, days: int) -> None:
    one, other = replace(BASE, move_in=739_000), replace(BASE, move_in=739_000 + days)
    assert level("move_in", one, other) is expected
    assert level("move_in", one, replace(other, at=AT + 121 * DAY)) is Move.MISSING
    assert level("move_in", one, BASE) is Move.MISSING


@pytest.mark.parametrize(("expected", "rooms"), [(Beds.SAME, 1.0), (Beds.NEXT, 0.0), (Beds.NEXT, 2.0), (Beds.FAR, 3.0)])
def test_bedrooms(expected: Beds, rooms: float) -> None:
    assert level("bedrooms", replace(BASE, bedrooms=1.0), replace(BASE, bedrooms=rooms)) is expected
    assert level("bedrooms", replace(BASE, bedrooms=rooms), BASE) is Beds.MISSING


def test_messages_are_compared_at_one_property_within_a_day() -> None:
    one = replace(BASE, place="P1", said=7)
    assert level("said", one, replace(one, id="b")) is Said.SAME
    assert level("said", one, replace(one, said=8)) is Said.OTHER
    assert level("said", one, replace(one, at=AT + DAY)) is Said.MISSING
    assert level("said", one, replace(one, place="P2")) is Said.MISSING
    assert level("said", one, replace(one, said=0)) is Said.MISSING


def few(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(lambda found: tuple(sorted(found)))


TRACES = st.builds(
    Trace,
    st.just("x"),
    st.integers(AT, AT + 500 * DAY),
    few("rosa", "rose", "bob", "robert", "r"),
    few("berg", "berk", "lind", "van"),
    st.sampled_from(["", "jr", "sr"]),
    st.booleans(),
    few("rosa.berg@example.com", "rosa.berk@example.com", "bob@gmail.com", "bob@gmial.com", "x1y2@guest.example.net"),
    few("t1", "t2", "x1y2@guest.example.net"),
    few("+12125550101", "+12125550110", "+12125550188", "+4930123456"),
    st.sampled_from(["", "P1", "P2"]),
    st.sampled_from(["", "tulsa", "reno"]),
    st.none() | st.integers(739_000, 739_060),
    st.none() | st.sampled_from([0.0, 1.0, 2.5]),
    st.integers(0, 2),
)


@given(TRACES, TRACES)
def test_it_is_the_same_either_way_round(one: Trace, other: Trace) -> None:
    masked = frozenset({"guest.example.net"})
    crowds = {"bob": 7, "12125550101": 3}
    assert compared(one, other, masked, crowds) == compared(other, one, masked, crowds)
