"""Taking deliveries: in order per card, each by one worker, the attempt on record before the call (P5)."""

from __future__ import annotations

import math
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from leadsvc.config import Account
from leadsvc.store.tables import attempts, deliveries, destinations, guest_cards
from leadsvc.workers.throttle import EXPECTED_CALLS, book, free_at, half_open, room

_READY = ("pending", "retry")
# In the very words of the partial indexes: of a bound value SQLite does not know whether such an index holds it.
READY_WORDS: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in _READY]
CLOSED_WORDS: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in ("acknowledged", "cancelled")]
_STRUCTURAL = ("prospect", "merge", "unmerge")
"""Deliveries that make the remote card what it is; events and tasks only hang on it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends. ``unsure_at``: since then it may have been written there,
    ``override``: a person's values for it, ``released``: the daily cap does not hold it, ``unmetered``:
    nor does the call budget. ``booked``: calls it was booked with, zero for an account without limits."""

    id: uuid.UUID
    destination: str
    guest_card_id: uuid.UUID
    lane_id: uuid.UUID
    kind: str
    subject_id: uuid.UUID
    version: int
    attempt: int
    failures: int
    receipt_id: uuid.UUID | None
    taken_at: datetime
    unsure_at: datetime | None = None
    override: Mapping[str, Any] = field(default_factory=dict)
    released: bool = False
    unmetered: bool = False
    booked: int = 0


def claim(
    connection: Connection, destination: str, owner: str, now: datetime, limit: int, lease: timedelta
) -> list[Claimed]:
    """Take up to ``limit`` due deliveries, at most one a card, none while the circuit is open, the account paused or
    resting, or its calls used up; one alone while nobody knows whether the account is well again.

    Nobody else may touch them for the length of ``lease``.
    """
    most, limited = _most(connection, destination, now)
    limit = min(limit, most)
    heads = _heads(connection, destination, now, limit) if limit > 0 else []
    if not heads:
        return []
    taken = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(heads), unindexed(deliveries.c.state).in_(_READY))
        .values(
            state="in_flight", lease_until=now + lease, lease_owner=owner, attempts=deliveries.c.attempts + 1, cause=""
        )
        .returning(deliveries)
    ).all()
    if taken:
        connection.execute(
            insert(attempts), [{"delivery_id": row.id, "number": row.attempts, "started_at": now} for row in taken]
        )
    if taken and limited:
        book(connection, destination, sum(EXPECTED_CALLS[row.kind] for row in taken), now)
    return [
        Claimed(
            row.id,
            row.destination,
            row.guest_card_id,
            row.lane_id,
            row.kind,
            row.subject_id,
            row.version,
            row.attempts,
            row.failures,
            row.receipt_id,
            now,
            row.unsure_at,
            row.override,
            row.released,
            row.unmetered,
            EXPECTED_CALLS[row.kind] if limited else 0,
        )
        for row in sorted(taken, key=lambda row: row.seq)
    ]


def _most(connection: Connection, destination: str, now: datetime) -> tuple[int, bool]:
    """How many deliveries the account may be given at this moment, and whether its calls are counted."""
    mine = select(destinations).where(destinations.c.name == destination)
    account = connection.execute(mine).one_or_none()
    if account is not None and half_open(account.failures):
        account = connection.execute(mine.with_for_update()).one()
    if account is None:
        return sys.maxsize, False  # its row is about to be made; until then nothing is known against it
    resting = account.not_before is not None and account.not_before > now
    if account.state == "paused" or account.open_until is not None or resting:
        return 0, False
    calls = room(connection, destination, now)
    most = sys.maxsize if calls is None else math.ceil(calls / EXPECTED_CALLS["prospect"])
    if not half_open(account.failures):
        return most, calls is not None
    at_work = select(deliveries.c.id).where(
        deliveries.c.destination == destination, deliveries.c.state == "in_flight", deliveries.c.lease_until > now
    )
    return 0 if connection.execute(at_work.limit(1)).first() else min(most, 1), calls is not None


def _heads(connection: Connection, destination: str, now: datetime, limit: int) -> list[uuid.UUID]:
    """The first open delivery of each lane, as far as it is due: the longest waiting first, up to ``limit``.

    What is due is read off its index a page at a time, and only the page is looked at: in one statement a planner may
    prefer to compare the whole backlog with itself.
    """
    found: list[uuid.UUID] = []
    size, passed = max(2 * limit, _PAGE), 0
    while len(found) < limit:
        asked = {"destination": destination, "now": now, "size": size, "passed": passed}
        page = connection.execute(_DUE, asked).scalars().all()
        if page:
            found += connection.execute(_FREE, {"page": page, "left": limit - len(found)}).scalars()
        if len(page) < size:
            break
        passed, size = passed + size, min(4 * size, _LONGEST_PAGE)
    return found


_PAGE, _LONGEST_PAGE = 128, 4096


def next_due(connection: Connection, account: Account, now: datetime) -> datetime | None:
    """When something can be taken of ``account``; ``None`` while nothing waits, or it waits for a probe or a person."""
    mine = select(destinations).where(destinations.c.name == account.name)
    state = connection.execute(mine).one_or_none()
    if state is not None and (state.state == "paused" or state.open_until is not None):
        return None
    waiting = select(func.min(deliveries.c.due_at)).where(
        deliveries.c.destination == account.name, deliveries.c.state.in_(READY_WORDS)
    )
    due: datetime | None = connection.execute(waiting).scalar()
    if due is None:
        return None
    resting = state.not_before if state is not None else None
    return max(each for each in (due, resting, free_at(connection, account.name), account.quiet_until(now)) if each)


def _waits() -> ColumnElement[bool]:
    """Whether something else in the lane has to come first.

    Lanes are joined when cards are merged, and then the card's own delivery may stand behind an event of the other
    card: so an event waits for everything structural that is on its way, wherever it stands, and not the other way.
    """
    before = deliveries.alias("before")
    earlier = or_(
        before.c.seq < deliveries.c.seq, and_(before.c.seq == deliveries.c.seq, before.c.id < deliveries.c.id)
    )
    # A prospect that could not be put blocks what hangs on it; a dead event or task blocks nothing.
    unfinished = or_(
        before.c.state.in_(("pending", "retry", "held")), and_(before.c.state == "dead", before.c.kind == "prospect")
    )
    hangs, shapes = deliveries.c.kind.not_in(_STRUCTURAL), before.c.kind.in_(_STRUCTURAL)
    return exists(
        select(before.c.id).where(
            before.c.destination == deliveries.c.destination,
            before.c.lane_id == deliveries.c.lane_id,
            before.c.state.not_in(CLOSED_WORDS),
            before.c.id != deliveries.c.id,
            or_(
                before.c.state == "in_flight",
                and_(earlier, unfinished, or_(hangs, shapes)),
                and_(hangs, shapes, before.c.state.in_(_READY)),
            ),
        )
    )


def _family_at_work() -> ColumnElement[bool]:
    """Whether a card that has become part of this lane's card is still being pushed under its own lane."""
    other = deliveries.alias("other")
    return exists(
        select(other.c.id)
        .join(guest_cards, guest_cards.c.id == other.c.guest_card_id)
        .where(
            other.c.destination == deliveries.c.destination,
            other.c.state == "in_flight",
            other.c.lane_id != deliveries.c.lane_id,
            guest_cards.c.root_id == deliveries.c.lane_id,
        )
    )


def unindexed(column: Column[str]) -> ColumnElement[str]:
    """The same value, said so that no index serves it: without statistics SQLite takes an index of few values for as
    good as a list of ids, and walks all that have the value."""
    return func.coalesce(column, "")


_ORDER = (deliveries.c.due_at, deliveries.c.seq)
_DUE = (
    select(deliveries.c.id)
    .where(
        deliveries.c.destination == bindparam("destination"),
        deliveries.c.state.in_(READY_WORDS),
        deliveries.c.due_at <= bindparam("now"),
    )
    .order_by(*_ORDER)
    .limit(bindparam("size"))
    .offset(bindparam("passed"))
)
_FREE = (
    select(deliveries.c.id)
    .where(deliveries.c.id.in_(bindparam("page", expanding=True)), ~_waits(), ~_family_at_work())
    .order_by(*_ORDER)
    .limit(bindparam("left"))
    .with_for_update(skip_locked=True, of=deliveries)
)


def present_lane(card_id: ColumnElement[uuid.UUID] | BindParameter[uuid.UUID] | uuid.UUID) -> ScalarSelect[uuid.UUID]:
    """The lane of a card's deliveries: its root, which changes when cards are merged or parted."""
    return select(guest_cards.c.root_id).where(guest_cards.c.id == card_id).scalar_subquery()


def renew(connection: Connection, claimed: Claimed, owner: str, now: datetime, lease: timedelta) -> bool:
    """Start the lease anew; ``False`` when it is no longer ours and the delivery must be left alone."""
    mine = (deliveries.c.id == claimed.id) & (deliveries.c.state == "in_flight") & (deliveries.c.lease_owner == owner)
    renewed = update(deliveries).where(mine, deliveries.c.attempts == claimed.attempt).values(lease_until=now + lease)
    return connection.execute(renewed).rowcount == 1


def give_back(connection: Connection, claimed: Sequence[Claimed], owner: str, now: datetime) -> None:
    """Return deliveries that were taken and not begun, so that another worker need not wait for the lease."""
    for each in claimed:
        mine = (deliveries.c.id == each.id) & (deliveries.c.state == "in_flight") & (deliveries.c.lease_owner == owner)
        lane = present_lane(each.guest_card_id)
        free = {"state": "pending", "lease_until": None, "lease_owner": "", "due_at": now, "lane_id": lane}
        connection.execute(update(deliveries).where(mine, deliveries.c.attempts == each.attempt).values(**free))
        number = (attempts.c.delivery_id == each.id) & (attempts.c.number == each.attempt)
        told = {"finished_at": now, "outcome": "released", "message": "taken and not begun"}
        connection.execute(update(attempts).where(number).values(**told))
        book(connection, each.destination, -each.booked, now)


def release_expired(connection: Connection, now: datetime) -> int:
    """Deliveries whose worker did not live to tell: tried again, looking before writing."""
    lost = connection.execute(
        update(deliveries)
        .where(deliveries.c.state == "in_flight", deliveries.c.lease_until < now)
        .values(
            state="retry",
            lease_until=None,
            lease_owner="",
            due_at=now,
            cause="lease_expired",
            unsure_at=now,
            lane_id=present_lane(deliveries.c.guest_card_id),
        )
        .returning(deliveries.c.id, deliveries.c.attempts)
    ).all()
    for row in lost:
        connection.execute(
            update(attempts)
            .where(attempts.c.delivery_id == row.id, attempts.c.number == row.attempts)
            .values(finished_at=now, outcome="lost", message="the worker did not live to tell")
        )
    return len(lost)
