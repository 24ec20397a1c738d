"""Business time over evenings, weekends and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.errors import ConfigurationError
from leadsvc.normalize.hours import (
    business_minutes_between,
    business_seconds_between,
    due_in_business_hours,
    parse_office_hours,
)
from leadsvc.normalize.zones import parse_local

CHICAGO = "America/Chicago"
OFFICE = {"mon-fri": "09:00-18:00", "sat": "10:00-17:00"}
NIGHT_DESK = {"daily": "00:00-24:00"}
SPLIT = {"mon-sat": "09:00-12:00, 13:00-17:30", "sun": "closed"}


def local(text: str, zone: str = CHICAGO) -> datetime:
    return parse_local(datetime.fromisoformat(text), zone)[0]


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-02-18T10:00", 15, "2026-02-18T10:15"),
        ("2026-02-18T17:50", 15, "2026-02-19T09:05"),
        ("2026-02-18T17:50", 10, "2026-02-18T18:00"),
        ("2026-02-18T03:00", 15, "2026-02-18T09:15"),
        ("2026-02-20T17:50", 15, "2026-02-21T10:05"),
        ("2026-02-21T16:50", 15, "2026-02-23T09:05"),
        ("2026-02-22T12:00", 0, "2026-02-23T09:00"),
        ("2026-02-18T18:00", 0, "2026-02-19T09:00"),
        ("2026-02-18T10:00", 0, "2026-02-18T10:00"),
        # A whole week of open time runs out at a closing, not at the opening after it.
        ("2026-02-18T09:00", 52 * 60, "2026-02-24T18:00"),
    ],
)
def test_due(start: str, minutes: int, due: str) -> None:
    assert due_in_business_hours(local(start), minutes, CHICAGO, OFFICE) == local(due)


def test_lunch_is_no_business_time() -> None:
    assert due_in_business_hours(local("2026-02-18T11:50"), 15, CHICAGO, SPLIT) == local("2026-02-18T13:05")
    assert business_minutes_between(local("2026-02-18T11:00"), local("2026-02-18T14:00"), CHICAGO, SPLIT) == 120


def test_answer_after_a_weekend() -> None:
    weekdays = {"mon-fri": "06:00-20:00"}
    assert business_minutes_between(local("2026-02-20T20:00"), local("2026-02-23T07:00"), CHICAGO, weekdays) == 60


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-02-18", 24)])
def test_days_of_a_clock_change_are_as_long_as_they_were(day: str, hours: int) -> None:
    start, end = local(f"{day}T00:00"), local(f"{day}T00:00") + timedelta(hours=hours)
    assert business_minutes_between(start, end, CHICAGO, NIGHT_DESK) == hours * 60
    assert due_in_business_hours(start, hours * 60, CHICAGO, NIGHT_DESK) == end


def test_opening_in_the_skipped_hour_opens_after_it() -> None:
    early = {"sun": "02:30-04:00"}
    assert due_in_business_hours(local("2026-03-08T00:00"), 0, CHICAGO, early) == local("2026-03-08T03:30")
    # All of 02:10-02:50 was skipped and moved on as a whole; the day keeps its forty minutes.
    assert due_in_business_hours(local("2026-03-08T00:00"), 40, CHICAGO, {"sun": "02:10-02:50"}) == local(
        "2026-03-08T03:50"
    )
    touching = {"sun": "02:10-02:50, 03:00-04:00"}
    assert business_minutes_between(local("2026-03-08T00:00"), local("2026-03-08T09:00"), CHICAGO, touching) == 50


def test_no_hours_means_always_open() -> None:
    start = local("2026-02-21T23:00")
    assert due_in_business_hours(start, 90, CHICAGO, {}) == start + timedelta(minutes=90)
    assert business_minutes_between(start, start + timedelta(days=2), CHICAGO, {}) == 2880


def test_backwards_is_nothing() -> None:
    start = local("2026-02-18T10:00")
    for hours in (OFFICE, {}):
        assert business_seconds_between(start, start - timedelta(hours=1), CHICAGO, hours) == 0
    with pytest.raises(ValueError, match="negative"):
        due_in_business_hours(start, -1, CHICAGO, OFFICE)


def test_result_is_utc_whatever_offset_came_in() -> None:
    eastern = datetime.fromisoformat("2026-02-18T11:00-05:00")
    due = due_in_business_hours(eastern, 5, CHICAGO, OFFICE)
    assert due.tzinfo is UTC
    assert due == local("2026-02-18T10:05")


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"weekdays": "09:00-18:00"}, "names no days"),
        ({"mon-fri-sat": "09:00-18:00"}, "names no days"),
        ({"mon": "9am-6pm"}, "cannot read '9am-6pm'"),
        ({"mon": "18:00-09:00"}, "at most up to 24:00"),
        ({"mon": "09:00-09:60"}, "cannot read"),
        ({"mon": "09:00-24:01"}, "cannot read"),
        ({"mon": "09:00-12:00,11:00-17:00"}, "overlap"),
        ({"mon-fri": "09:00-18:00", "fri": "09:00-17:00"}, "fri is given twice"),
        ({"mon": "closed"}, "every day is closed"),
    ],
)
def test_unreadable_hours_say_what_to_write(hours: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_office_hours(hours)


def test_day_names() -> None:
    week = parse_office_hours({"sat-mon": "10:00-11:00", "Wednesday, thu": "09:00-10:00"})
    assert week is not None
    assert [bool(day) for day in week] == [True, False, True, True, False, True, True]


@given(
    st.integers(0, 366 * 24 * 60),
    st.integers(0, 5000),
    st.sampled_from([OFFICE, NIGHT_DESK, SPLIT, {}]),
    st.sampled_from([CHICAGO, "America/New_York", "America/Phoenix", "Australia/Lord_Howe"]),
)
def test_counting_and_adding_agree(offset: int, minutes: int, hours: dict[str, str], zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset)
    due = due_in_business_hours(start, minutes, zone, hours)
    assert due >= start
    assert business_minutes_between(start, due, zone, hours) == minutes


@given(st.integers(0, 60_000), st.integers(0, 60_000), st.integers(0, 60_000))
def test_spans_add_up(a: int, b: int, c: int) -> None:
    early, middle, late = (datetime(2026, 2, 20, tzinfo=UTC) + timedelta(minutes=m) for m in sorted((a, b, c)))
    whole = business_seconds_between(early, late, CHICAGO, OFFICE)
    assert whole == business_seconds_between(early, middle, CHICAGO, OFFICE) + business_seconds_between(
        middle, late, CHICAGO, OFFICE
    )
