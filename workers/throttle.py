"""How much an account may be asked, shared by all workers and hosts.

A window is one number in the database: the moment until which the calls made so far use it up (GCRA). A call moves it
by a step; calls may be made while it is not further ahead than the slack. What a delivery will cost is booked when it
is taken and put right when it is done, so no call waits for a turn and no worker counts for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, case, delete, func, select, update

from leadsvc.accountconfig import window_seconds
from leadsvc.pipeline.sync import upsert
from leadsvc.store.tables import rate_limits
from leadsvc.workers.schedule import CIRCUIT_AFTER

EXPECTED_CALLS = {"prospect": 5, "event": 3, "task": 3, "merge": 3, "unmerge": 3}
"""What a delivery is booked with until it is known what it cost."""

_AHEAD = 0.1
"""The part of a window's calls that may come at once; the rest is spread, so that no window anywhere has too many."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def configure(connection: Connection, destination: str, limits: Mapping[str, int]) -> None:
    """Make ``limits`` (calls by window) those of the account; what is used up stays used up."""
    gone = rate_limits.c.window.not_in(list(limits))
    connection.execute(delete(rate_limits).where(rate_limits.c.destination == destination, gone))
    for window, calls in limits.items():
        ahead = max(calls * _AHEAD, 1.0)
        step = round(window_seconds(window) * 1_000_000 / max(calls - ahead, 1.0))
        row = {"destination": destination, "window": window, "step_us": step, "slack_us": round(step * ahead)}
        upsert(connection, rate_limits, row, ("destination", "window"))


def room(connection: Connection, destination: str, now: datetime) -> float | None:
    """How many calls may be booked now; ``None`` without limits. Whoever asks is alone until the commit."""
    windows = connection.execute(
        select(rate_limits).where(rate_limits.c.destination == destination).with_for_update()
    ).all()
    if not windows:
        return None
    moment = micros(now)
    left = [min(row.slack_us, moment + row.slack_us - row.used_until_us) / row.step_us for row in windows]
    return float(min(left))


def book(connection: Connection, destination: str, calls: int, now: datetime) -> None:
    """Use up ``calls`` in every window, or give back as many when below zero."""
    if not calls:
        return
    used, moment = rate_limits.c.used_until_us, micros(now)
    start = case((used > moment, used), else_=moment) if calls > 0 else used
    connection.execute(
        update(rate_limits)
        .where(rate_limits.c.destination == destination)
        .values(used_until_us=start + calls * rate_limits.c.step_us)
    )


def free_at(connection: Connection, destination: str) -> datetime | None:
    """When calls may be made again; ``None`` without limits."""
    latest = select(func.max(rate_limits.c.used_until_us - rate_limits.c.slack_us)).where(
        rate_limits.c.destination == destination
    )
    moment = connection.execute(latest).scalar()
    # A microsecond later there is room, not only no debt.
    return None if moment is None else _EPOCH + timedelta(microseconds=max(int(moment), 0) + 1)


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def half_open(failures: int) -> bool:
    """Whether the account failed so often that one delivery must succeed before others follow."""
    return failures >= CIRCUIT_AFTER
