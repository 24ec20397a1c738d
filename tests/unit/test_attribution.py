"""Worked examples of credit, and the laws that hold for any set of touches."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.attribution import (
    MODELS,
    WHOLE,
    ClockFlag,
    Conversion,
    Scope,
    Touch,
    by_source,
    clock,
    collapse,
    credit,
    credit_conversion,
    eligible,
    share_ties,
    split_exactly,
)

Z, A, W = "zillow", "apartments_com", "website"
HOME, SISTER = uuid.UUID(int=0xA), uuid.UUID(int=0xB)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def touch(number: int, source: str, at: str, *, received: str = "", person: int = 0, place: uuid.UUID = HOME) -> Touch:
    who = uuid.UUID(int=person) if person else None
    when = utc(at)
    return Touch(uuid.UUID(int=number), when, utc(received) if received else when, source, "", who, place)


CONVERSION = utc("2026-04-30T17:00:00")
EXAMPLE = [
    touch(1, Z, "2026-04-02T17:00:00"),
    touch(2, A, "2026-04-16T17:00:00"),
    touch(3, W, "2026-04-23T17:00:00"),
    touch(4, A, "2026-04-30T17:00:00"),
]


@pytest.mark.parametrize(
    ("model", "each", "sources"),
    [
        ("first", [WHOLE, 0, 0, 0], {A: 0, W: 0, Z: WHOLE}),
        ("last", [0, 0, 0, WHOLE], {A: WHOLE, W: 0, Z: 0}),
        ("linear", [250_000] * 4, {A: 500_000, W: 250_000, Z: 250_000}),
    ],
)
def test_four_touches(model: str, each: list[int], sources: dict[str, int]) -> None:
    shares = credit(reversed(EXAMPLE), CONVERSION, model, 60)
    assert shares == {t.id: micros for t, micros in zip(EXAMPLE, each, strict=True)}
    assert by_source(EXAMPLE, shares) == sources


def u_shaped(count: int) -> list[Fraction]:
    """A position-based table for three and more, to try positions on which first, last and linear say nothing."""
    return [Fraction(2, 5), *[Fraction(1, 5 * (count - 2))] * (count - 2), Fraction(2, 5)]


def test_touches_at_one_instant_share_their_positions() -> None:
    two = [touch(1, Z, "2026-04-02T17:00:00"), touch(2, A, "2026-04-02T17:00:00")]
    for model in ("first", "last", "linear"):
        assert set(credit(two, CONVERSION, model, 60).values()) == {500_000}
    three = [*two, touch(3, W, "2026-04-05T17:00:00")]
    assert share_ties(three, u_shaped(3)) == [Fraction(3, 10), Fraction(3, 10), Fraction(2, 5)]


def test_thirds_sum_to_one_and_the_earliest_gets_the_rest() -> None:
    shares = credit(EXAMPLE[:3], CONVERSION, "linear", 60)
    assert list(shares.values()) == [333_334, 333_333, 333_333]
    assert split_exactly([Fraction(1), Fraction(4), Fraction(8), Fraction(16)]) == [34_483, 137_931, 275_862, 551_724]


def test_same_source_within_a_day_is_one_touch() -> None:
    burst = [
        touch(1, Z, "2026-04-01T10:00:00"),
        touch(2, Z, "2026-04-01T10:04:00"),
        touch(3, A, "2026-04-01T10:10:00"),
    ]
    assert credit(burst, CONVERSION, "linear", 60) == {burst[0].id: 500_000, burst[2].id: 500_000}


@pytest.mark.parametrize(("next_day", "kept"), [("2026-04-02T10:00:00", 1), ("2026-04-02T10:00:01", 2)])
def test_a_day_is_24_hours_inclusive(next_day: str, kept: int) -> None:
    assert len(collapse([touch(1, Z, "2026-04-01T10:00:00"), touch(2, Z, next_day)])) == kept


def test_a_day_counts_from_the_last_touch_kept() -> None:
    chain = [touch(i, Z, f"2026-04-0{1 + i * 20 // 24}T{i * 20 % 24:02d}:00:00") for i in range(4)]
    assert [t.id for t in collapse(chain)] == [chain[0].id, chain[2].id]


def test_another_source_between_keeps_all_three() -> None:
    there_and_back = [
        touch(1, Z, "2026-04-01T10:00:00"),
        touch(2, A, "2026-04-01T11:00:00"),
        touch(3, Z, "2026-04-01T12:00:00"),
    ]
    assert collapse(there_and_back) == there_and_back


def test_order_of_reception_does_not_decide_what_collapses() -> None:
    first = touch(1, Z, "2026-04-01T10:00:00")
    for received_z, received_a in (("12:00", "13:00"), ("13:00", "12:00")):
        z = touch(2, Z, "2026-04-01T11:00:00", received=f"2026-04-01T{received_z}:00")
        a = touch(3, A, "2026-04-01T11:00:00", received=f"2026-04-01T{received_a}:00")
        assert collapse([a, z, first]) == [first, a]


def test_members_of_a_household_collapse_apart() -> None:
    couple = [
        touch(1, Z, "2026-04-01T10:00:00", person=1),
        touch(2, Z, "2026-04-01T10:30:00", person=2),
        touch(3, Z, "2026-04-01T11:00:00", person=1),
    ]
    assert [t.id for t in collapse(couple)] == [couple[0].id, couple[1].id]


def test_window_is_closed_and_made_of_seconds() -> None:
    conversion = utc("2026-03-31T15:00:00")
    first_in = touch(1, Z, "2026-03-01T15:00:00")
    just_out = touch(2, A, "2026-03-01T14:59:59")
    at_once = touch(3, W, "2026-03-31T15:00:00")
    too_late = touch(4, W, "2026-03-31T15:00:01")
    assert eligible([too_late, at_once, just_out, first_in], conversion, 30) == [first_in, at_once]
    assert eligible([at_once, first_in], conversion, 0) == [at_once]


def test_nothing_eligible_is_unattributed() -> None:
    assert credit([], CONVERSION, "first", 60) == {None: WHOLE}
    old = [touch(1, W, "2025-01-01T00:00:00")]
    shares = credit(old, CONVERSION, "linear", 60)
    assert shares == {None: WHOLE}
    assert by_source(old, shares) == {None: WHOLE}


def test_a_contact_inside_the_window_counts_even_in_the_wake_of_one_outside() -> None:
    wake = [touch(1, Z, "2026-03-01T14:00:00"), touch(2, Z, "2026-03-01T16:00:00")]
    assert credit(wake, utc("2026-03-31T15:00:00"), "first", 30) == {wake[1].id: WHOLE}


def test_whose_clock_counts() -> None:
    received = utc("2026-04-01T10:00:00")
    edge = received + timedelta(minutes=5)
    assert clock(None, received) == (received, ClockFlag.MISSING)
    assert clock(edge, received) == (edge, ClockFlag.TRUSTED)
    assert clock(edge + timedelta(seconds=1), received) == (received, ClockFlag.FUTURE)
    ahead = Touch(uuid.UUID(int=1), received + timedelta(days=1), received, Z)
    assert (ahead.at, ahead.clock_flag) == (received, ClockFlag.FUTURE)


def test_credit_at_a_sister_property_depends_on_scope() -> None:
    shopper = [touch(1, Z, "2026-04-01T10:00:00", place=SISTER), touch(2, A, "2026-04-05T10:00:00", place=HOME)]
    leased = Conversion(CONVERSION, "leased", HOME)
    assert credit_conversion(shopper, leased, "first", 60, Scope.PORTFOLIO) == {shopper[0].id: WHOLE, shopper[1].id: 0}
    assert credit_conversion(shopper, leased, "first", 60, Scope.PROPERTY) == {shopper[1].id: WHOLE}
    elsewhere = Conversion(CONVERSION, "leased", uuid.UUID(int=0xC))
    assert credit_conversion(shopper, elsewhere, "first", 60, Scope.PROPERTY) == {None: WHOLE}


def test_wrong_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="choose one of first, last, linear"):
        credit(EXAMPLE, CONVERSION, "best", 60)
    with pytest.raises(ValueError, match="window_days"):
        credit(EXAMPLE, CONVERSION, "first", -1)


MOMENTS = st.integers(0, 12 * 24).map(lambda quarter: utc("2026-04-20T00:00:00") + timedelta(hours=quarter))
TOUCHES = st.lists(
    st.builds(
        Touch,
        id=st.uuids(),
        occurred_at=st.none() | MOMENTS,
        received_at=MOMENTS,
        source=st.sampled_from([Z, A, W]),
        prospect_id=st.sampled_from([None, HOME, SISTER]),
    ),
    max_size=9,
    unique_by=lambda t: t.id,
)
ANY_MODEL = st.sampled_from(list(MODELS))


@given(TOUCHES, ANY_MODEL, st.integers(0, 20))
def test_credit_is_whole_and_blind_to_order(touches: list[Touch], model: str, window: int) -> None:
    shares = credit(touches, CONVERSION, model, window)
    assert sum(shares.values()) == WHOLE
    assert all(micros >= 0 for micros in shares.values())
    assert credit(sorted(touches, key=lambda t: t.id), CONVERSION, model, window) == shares
    assert credit(touches[::-1], CONVERSION, model, window) == shares
    assert sum(by_source(touches, shares).values()) == WHOLE
    assert (None in shares) == (not eligible(touches, CONVERSION, window))


@given(TOUCHES, TOUCHES, ANY_MODEL)
def test_unmerge_restores_what_merge_changed(mine: list[Touch], yours: list[Touch], model: str) -> None:
    before = credit(mine, CONVERSION, model, 30)
    known = {t.id for t in mine}
    merged = {t.id: t for t in [*yours, *mine]}
    assert sum(credit(merged.values(), CONVERSION, model, 30).values()) == WHOLE
    assert credit([t for t in merged.values() if t.id in known], CONVERSION, model, 30) == before


@given(TOUCHES, ANY_MODEL, st.data())
def test_when_we_received_it_moves_no_more_than_rounding(touches: list[Touch], model: str, data: st.DataObject) -> None:
    acted = [Touch(t.id, t.at, t.at, t.source, "", t.prospect_id) for t in touches]
    delays = data.draw(st.lists(st.integers(0, 99), min_size=len(acted), max_size=len(acted)))
    late = [
        Touch(t.id, t.at, t.at + timedelta(minutes=delay), t.source, "", t.prospect_id)
        for t, delay in zip(acted, delays, strict=True)
    ]
    at_once, later = (by_source(each, credit(each, CONVERSION, model, 30)) for each in (acted, late))
    assert at_once.keys() == later.keys()
    assert all(abs(at_once[source] - later[source]) <= len(touches) for source in at_once)


@given(TOUCHES)
def test_collapsing_twice_changes_nothing(touches: list[Touch]) -> None:
    once = collapse(touches)
    assert collapse(once) == once


@given(TOUCHES, ANY_MODEL)
def test_the_zone_a_time_is_written_in_does_not_matter(touches: list[Touch], model: str) -> None:
    there = timezone(timedelta(hours=-6))
    moved = [Touch(t.id, t.at.astimezone(there), t.received_at, t.source, "", t.prospect_id) for t in touches]
    assert credit(moved, CONVERSION.astimezone(there), model, 30) == credit(touches, CONVERSION, model, 30)


@given(st.lists(st.fractions(0, 10), min_size=1, max_size=12).filter(any), st.integers(0, WHOLE))
def test_splitting_is_exact_and_fair(weights: list[Fraction], whole: int) -> None:
    parts = split_exactly(weights, whole)
    assert sum(parts) == whole
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - whole * weight / total) < 1
