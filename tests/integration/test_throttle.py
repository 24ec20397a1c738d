"""Calls by window: never more than a limit and one delivery's worth, and nearly as many as allowed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.faults import Commit
from leadsvc.store import Store
from leadsvc.workers.throttle import book, configure, free_at, room

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
COST = 5


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    yield made
    made.close()


def limited(store: Store, **windows: int) -> None:
    with store.write(Commit.SWEEP) as connection:
        configure(connection, "pms", {name.lstrip("_"): calls for name, calls in windows.items()})


def take(store: Store, now: datetime, cost: int = COST) -> bool:
    with store.write(Commit.CLAIM) as connection:
        left = room(connection, "pms", now)
        assert left is not None
        if left <= 0:
            return False
        book(connection, "pms", cost, now)
        return True


def busiest(calls: list[datetime], window: timedelta) -> int:
    return max(sum(start <= each < start + window for each in calls) for start in calls) * COST


@pytest.mark.parametrize(("windows", "seconds", "most"), [({"_1s": 20}, 1, 20), ({"_10s": 100, "_1m": 300}, 10, 100)])
def test_no_window_gets_more_and_little_is_given_away(
    store: Store, windows: dict[str, int], seconds: int, most: int
) -> None:
    limited(store, **windows)
    calls: list[datetime] = []
    now, span = NOW, timedelta(seconds=30)
    while now < NOW + span:
        if take(store, now):
            calls.append(now)
            continue
        with store.read() as connection:
            free = free_at(connection, "pms")
        assert free is not None
        assert free > now, "whoever waits until then finds room"
        now = free
    assert busiest(calls, timedelta(seconds=seconds)) <= most + COST
    allowed = min(calls_ / {"_1s": 1, "_10s": 10, "_1m": 60}[name] for name, calls_ in windows.items()) * 30
    assert len(calls) * COST >= 0.85 * allowed


def test_what_was_booked_too_much_is_given_back_and_no_more(store: Store) -> None:
    limited(store, _1m=60)
    assert take(store, NOW, cost=12)
    assert not take(store, NOW)
    with store.write(Commit.RESULT) as connection:
        book(connection, "pms", -9, NOW)
        left = room(connection, "pms", NOW)
    assert left == pytest.approx(3, abs=0.01)
    with store.write(Commit.RESULT) as connection:
        book(connection, "pms", -1000, NOW)
        assert room(connection, "pms", NOW + timedelta(days=1)) == pytest.approx(6, abs=0.01), (
            "idle time is not saved up"
        )


def test_limits_follow_the_settings_and_what_is_used_stays_used(store: Store) -> None:
    limited(store, _1m=60)
    assert take(store, NOW, cost=12)
    limited(store, _1m=60, _1d=1000)
    assert not take(store, NOW)
    limited(store, _1d=1000)
    assert take(store, NOW)
    limited(store)
    with store.write(Commit.CLAIM) as connection:
        assert room(connection, "pms", NOW) is None
        assert free_at(connection, "pms") is None
