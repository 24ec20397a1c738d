"""Clock changes: hours that come twice or never, and months of 743 and 721 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.errors import ConfigurationError
from leadsvc.normalize.zones import LocalFlag, local_day, month_bounds, month_of, parse_local

CHICAGO = "America/Chicago"
ZONES = st.sampled_from([CHICAGO, "America/New_York", "America/Phoenix", "Asia/Beirut", "Australia/Lord_Howe", "UTC"])
# Any minute of two decades, as seconds would hide nothing more.
INSTANTS = st.integers(0, 20 * 366 * 24 * 60).map(lambda m: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("naive", "expected", "flag"),
    [
        ("2026-11-01T01:30", "2026-11-01T06:30", LocalFlag.AMBIGUOUS),
        ("2026-11-01T00:59", "2026-11-01T05:59", LocalFlag.CLEAR),
        ("2026-11-01T02:00", "2026-11-01T08:00", LocalFlag.CLEAR),
        ("2026-03-08T02:30", "2026-03-08T08:30", LocalFlag.NONEXISTENT),
        ("2026-03-08T01:59", "2026-03-08T07:59", LocalFlag.CLEAR),
        ("2026-03-08T03:00", "2026-03-08T08:00", LocalFlag.CLEAR),
    ],
)
def test_local_stamps_around_a_clock_change(naive: str, expected: str, flag: LocalFlag) -> None:
    assert parse_local(datetime.fromisoformat(naive), CHICAGO) == (utc(expected), flag)


@pytest.mark.parametrize(
    ("month", "start", "end", "hours"),
    [
        (date(2026, 3, 1), "2026-03-01T06:00", "2026-04-01T05:00", 743),
        (date(2026, 11, 1), "2026-11-01T05:00", "2026-12-01T06:00", 721),
        (date(2026, 12, 25), "2026-12-01T06:00", "2027-01-01T06:00", 744),
    ],
)
def test_months_are_as_long_as_they_were(month: date, start: str, end: str, hours: int) -> None:
    bounds = month_bounds(month, CHICAGO)
    assert bounds == (utc(start), utc(end))
    assert bounds[1] - bounds[0] == timedelta(hours=hours)


def test_the_last_second_of_march_is_march() -> None:
    assert month_of(utc("2026-04-01T04:59:59"), CHICAGO) == date(2026, 3, 1)
    assert month_of(utc("2026-04-01T05:00:00"), CHICAGO) == date(2026, 4, 1)
    assert local_day(utc("2026-04-01T04:59:59"), CHICAGO) == date(2026, 3, 31)


@given(INSTANTS, ZONES)
def test_every_instant_lies_in_its_own_month(instant: datetime, zone: str) -> None:
    start, end = month_bounds(month_of(instant, zone), zone)
    assert start <= instant < end


@given(INSTANTS, ZONES)
def test_a_clear_stamp_comes_back(instant: datetime, zone: str) -> None:
    naive = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    there, flag = parse_local(naive, zone)
    assert flag is not LocalFlag.NONEXISTENT
    assert there == instant or (flag is LocalFlag.AMBIGUOUS and there < instant)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "America", "a\0b"])
def test_unknown_zone_says_what_to_set(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="time_zone"):
        month_of(utc("2026-04-01T00:00"), zone)


def test_naive_and_aware_are_not_mixed_up() -> None:
    with pytest.raises(ValueError, match="without offset"):
        parse_local(utc("2026-04-01T00:00"), CHICAGO)
    with pytest.raises(ValueError, match="aware"):
        month_of(datetime(2026, 4, 1), CHICAGO)
