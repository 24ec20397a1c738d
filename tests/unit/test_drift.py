"""The statistics of drift: rhythms, patience, shares of fields; and a small simulated quarter."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.drift import Cause, Rhythm, Stream, learn, patience
from leadsvc.drift.rhythm import HOURS, hour_of_week
from leadsvc.drift.shares import Shares
from tests import drift_run

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hourly(rhythm: Rhythm, since: datetime, until: datetime) -> float:
    """What is expected, added up minute by minute."""
    at, total = since, 0.0
    while at < until:
        step = min(timedelta(minutes=1), until - at)
        total += rhythm.rates[hour_of_week(at)] * (step / HOUR)
        at += step
    return total


@pytest.mark.parametrize(
    ("start", "length"), [(0.0, 0.3), (5.5, 0.2), (23.9, 2.4), (100.1, 70.7), (167.5, 168.0), (3.0, 500.25)]
)
def test_what_is_expected_between_two_times(start: float, length: float) -> None:
    rhythm = Rhythm(tuple(0.1 + (number % 24) / 24 for number in range(HOURS)), 100.0)
    since = MONDAY + start * HOUR
    until = since + length * HOUR
    assert rhythm.expected(since, until) == pytest.approx(hourly(rhythm, since, until), rel=1e-3)
    assert rhythm.expected(until, since) == 0.0


def counted(rng: random.Random, daily: float, weeks: int) -> dict[datetime, int]:
    """Open from 8 to 20, closed on Sunday."""
    hours = {}
    for number in range(weeks * HOURS):
        at = MONDAY + number * HOUR
        rate = daily / 12 if 8 <= at.hour < 20 and at.weekday() < 6 else daily / 600
        hours[at] = sum(rng.random() < rate / 20 for _ in range(20))
    return hours


def test_a_rhythm_knows_closed_hours_and_days() -> None:
    end = MONDAY + timedelta(weeks=8)
    rhythm = learn(counted(random.Random(3), 24, 8), MONDAY, end)
    night = rhythm.expected(end + 22 * HOUR, end + 29 * HOUR)
    noon = rhythm.expected(end + 10 * HOUR, end + 17 * HOUR)
    sunday = rhythm.expected(end + timedelta(days=6), end + timedelta(days=7))
    assert noon == pytest.approx(14, rel=0.2)
    assert night < 1.5
    assert sunday < 8


def test_old_weeks_count_less() -> None:
    half = MONDAY + timedelta(weeks=8)
    hours = counted(random.Random(4), 48, 8)
    end = half + timedelta(weeks=8)
    late = {at + timedelta(weeks=8): number // 2 for at, number in hours.items()}
    weekly = learn(hours | late, MONDAY, end).weekly
    assert weekly < 0.5 * (sum(hours.values()) + sum(late.values())) / 8


def test_patience_is_what_chance_allows() -> None:
    known = Rhythm((1.0,) * HOURS, 10_000.0)
    quarterly = 13 * HOURS
    assert math.log(quarterly / 0.4) <= patience(known) <= 1.1 * math.log(quarterly / 0.4)
    assert patience(Rhythm((1.0,) * HOURS, 8.0)) > 1.4 * patience(known), "little known, more patience"
    assert patience(Rhythm((1.0,) * HOURS, 2.0)) == math.inf


def fed(shares: Shares, count: int, told: dict[str, bool]) -> None:
    for number in range(count):
        shares.add(told, f"r{number}", 1000.0)


def test_a_field_that_stops_is_noticed_within_a_few_leads() -> None:
    shares = Shares()
    fed(shares, 100, {"phone": True, "pets": False, "!unread": False})
    fed(shares, 2, {"phone": False, "pets": False, "!unread": False})
    assert not shares.alarmed
    fed(shares, 6, {"phone": False, "pets": True, "!unread": False})
    assert set(shares.alarmed) == {"phone"}
    assert shares.alarmed["phone"].first == "r0"
    fed(shares, 30, {"phone": True, "pets": False, "!unread": False})
    assert not shares.alarmed


def test_a_dozen_leads_accuse_nobody() -> None:
    shares = Shares()
    fed(shares, 12, {"phone": True})
    fed(shares, 12, {"phone": False})
    assert not shares.alarmed


def test_what_a_stream_knows_survives_being_kept() -> None:
    stream = Stream()
    for number in range(40):
        stream.lead(MONDAY + number * HOUR, f"r{number}", {"phone": number % 3 > 0}, ["key a"])
    stream.perhaps("r99")
    stream.rhythm = learn({MONDAY: 3}, MONDAY, MONDAY + timedelta(weeks=1))
    again = Stream.of(stream.to_json())
    assert again.to_json() == stream.to_json()
    now = MONDAY + timedelta(days=3)
    assert again.condition(now, ()).expected == pytest.approx(stream.condition(now, ()).expected, rel=1e-3)


def test_quiet_siblings_excuse_a_silence() -> None:
    stream = Stream(rhythm=Rhythm((0.5,) * HOURS, 400.0), leads=400, last_at=MONDAY)
    now = MONDAY + 24 * HOUR
    alone = stream.condition(now, [(100.0, 100.0)])
    quiet = stream.condition(now, [(30.0, 100.0)])
    assert (alone.state, alone.cause, alone.alarm) == ("silent", Cause.SOURCE_DOWN, True)
    assert (quiet.state, quiet.cause, quiet.alarm) == ("late", Cause.MARKET_QUIET, False)


def test_unreadable_payloads_in_its_stead_are_a_changed_layout() -> None:
    stream = Stream(rhythm=Rhythm((0.5,) * HOURS, 400.0), leads=400, last_at=MONDAY, last_good="good")
    stream.perhaps("bad")
    stream.perhaps("worse")
    told = stream.condition(MONDAY + 6 * HOUR, [(50.0, 50.0)], usual_unread=0.1)
    assert (told.state, told.cause, told.first_bad) == ("degraded", Cause.LAYOUT_CHANGED, "bad")


@pytest.mark.slow
def test_a_small_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_run, "LOOK", HOUR)
    run = drift_run.Run(2026, 10).run()
    right, told = run.told_right()
    assert run.false_alarms <= 5
    assert right >= told - 2 >= 1
