"""Taking deliveries: in order per card, each by one worker, the attempt on record before the call (P5)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, exists, insert, or_, select, update

from leadsvc.store.tables import attempts, deliveries, destinations

_READY = ("pending", "retry")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends."""

    id: uuid.UUID
    destination: str
    guest_card_id: uuid.UUID
    kind: str
    subject_id: uuid.UUID
    version: int
    attempt: int
    failures: int
    receipt_id: uuid.UUID | None
    taken_at: datetime


def claim(
    connection: Connection, destination: str, owner: str, now: datetime, limit: int, lease: timedelta
) -> list[Claimed]:
    """Take up to ``limit`` due deliveries, at most one a card, none while the circuit is open or the account paused.

    Nobody else may touch them for the length of ``lease``.
    """
    rows = connection.execute(_heads(destination, now, limit).with_for_update(skip_locked=True, of=deliveries)).all()
    if not rows:
        return []
    taken = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_([row.id for row in rows]), deliveries.c.state.in_(_READY))
        .values(
            state="in_flight", lease_until=now + lease, lease_owner=owner, attempts=deliveries.c.attempts + 1, cause=""
        )
        .returning(deliveries)
    ).all()
    if taken:
        connection.execute(
            insert(attempts), [{"delivery_id": row.id, "number": row.attempts, "started_at": now} for row in taken]
        )
    return [
        Claimed(
            row.id,
            row.destination,
            row.guest_card_id,
            row.kind,
            row.subject_id,
            row.version,
            row.attempts,
            row.failures,
            row.receipt_id,
            now,
        )
        for row in sorted(taken, key=lambda row: row.seq)
    ]


def _heads(destination: str, now: datetime, limit: int):  # type: ignore[no-untyped-def]  # a Select of many columns
    """The first open delivery of each lane, if it is due."""
    before = deliveries.alias("before")
    earlier = or_(
        before.c.seq < deliveries.c.seq, and_(before.c.seq == deliveries.c.seq, before.c.id < deliveries.c.id)
    )
    # A prospect that could not be put blocks what hangs on it; a dead event or task blocks nothing.
    unfinished = or_(
        before.c.state.in_(("pending", "retry", "held")), and_(before.c.state == "dead", before.c.kind == "prospect")
    )
    blocked = exists(
        select(before.c.id).where(
            before.c.destination == deliveries.c.destination,
            before.c.lane_id == deliveries.c.lane_id,
            before.c.id != deliveries.c.id,
            or_(before.c.state == "in_flight", and_(earlier, unfinished)),
        )
    )
    closed = exists(
        select(destinations.c.name).where(
            destinations.c.name == destination,
            or_(destinations.c.state == "paused", destinations.c.open_until.is_not(None)),
        )
    )
    return (
        select(deliveries.c.id)
        .where(
            deliveries.c.destination == destination,
            deliveries.c.state.in_(_READY),
            deliveries.c.due_at <= now,
            ~blocked,
            ~closed,
        )
        .order_by(deliveries.c.due_at, deliveries.c.seq)
        .limit(limit)
    )


def renew(connection: Connection, claimed: Claimed, owner: str, now: datetime, lease: timedelta) -> bool:
    """Start the lease anew; ``False`` when it is no longer ours and the delivery must be left alone."""
    mine = (deliveries.c.id == claimed.id) & (deliveries.c.state == "in_flight") & (deliveries.c.lease_owner == owner)
    renewed = update(deliveries).where(mine, deliveries.c.attempts == claimed.attempt).values(lease_until=now + lease)
    return connection.execute(renewed).rowcount == 1


def give_back(connection: Connection, claimed: list[Claimed], owner: str, now: datetime) -> None:
    """Return deliveries that were taken and not begun, so that another worker need not wait for the lease."""
    for each in claimed:
        mine = (deliveries.c.id == each.id) & (deliveries.c.state == "in_flight") & (deliveries.c.lease_owner == owner)
        free = {"state": "pending", "lease_until": None, "lease_owner": "", "due_at": now}
        connection.execute(update(deliveries).where(mine, deliveries.c.attempts == each.attempt).values(**free))
        number = (attempts.c.delivery_id == each.id) & (attempts.c.number == each.attempt)
        told = {"finished_at": now, "outcome": "released", "message": "the worker stopped before it began"}
        connection.execute(update(attempts).where(number).values(**told))


def release_expired(connection: Connection, now: datetime) -> int:
    """Deliveries whose worker did not live to tell: tried again, looking before writing."""
    lost = connection.execute(
        update(deliveries)
        .where(deliveries.c.state == "in_flight", deliveries.c.lease_until < now)
        .values(state="retry", lease_until=None, lease_owner="", due_at=now, cause="lease_expired")
        .returning(deliveries.c.id, deliveries.c.attempts)
    ).all()
    for row in lost:
        connection.execute(
            update(attempts)
            .where(attempts.c.delivery_id == row.id, attempts.c.number == row.attempts)
            .values(finished_at=now, outcome="lost", message="the worker did not live to tell")
        )
    return len(lost)
