"""Taking deliveries: in order per card, each by one worker, the attempt on record before the call (P5)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, ScalarSelect, and_, exists, insert, or_, select, update

from leadsvc.store.tables import attempts, deliveries, destinations, guest_cards

_READY = ("pending", "retry")
_STRUCTURAL = ("prospect", "merge", "unmerge")
"""Deliveries that make the remote card what it is; events and tasks only hang on it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends."""

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
            row.lane_id,
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
            ~_waits(),
            ~_family_at_work(),
            ~closed,
        )
        .order_by(deliveries.c.due_at, deliveries.c.seq)
        .limit(limit)
    )


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


def present_lane(card_id: ColumnElement[uuid.UUID] | uuid.UUID) -> ScalarSelect[uuid.UUID]:
    """The lane of a card's deliveries: its root, which changes when cards are merged or parted."""
    return select(guest_cards.c.root_id).where(guest_cards.c.id == card_id).scalar_subquery()


def renew(connection: Connection, claimed: Claimed, owner: str, now: datetime, lease: timedelta) -> bool:
    """Start the lease anew; ``False`` when it is no longer ours and the delivery must be left alone."""
    mine = (deliveries.c.id == claimed.id) & (deliveries.c.state == "in_flight") & (deliveries.c.lease_owner == owner)
    renewed = update(deliveries).where(mine, deliveries.c.attempts == claimed.attempt).values(lease_until=now + lease)
    return connection.execute(renewed).rowcount == 1


def give_back(connection: Connection, claimed: list[Claimed], owner: str, now: datetime) -> None:
    """Return deliveries that were taken and not begun, so that another worker need not wait for the lease."""
    for each in claimed:
        mine = (deliveries.c.id == each.id) & (deliveries.c.state == "in_flight") & (deliveries.c.lease_owner == owner)
        lane = present_lane(each.guest_card_id)
        free = {"state": "pending", "lease_until": None, "lease_owner": "", "due_at": now, "lane_id": lane}
        connection.execute(update(deliveries).where(mine, deliveries.c.attempts == each.attempt).values(**free))
        number = (attempts.c.delivery_id == each.id) & (attempts.c.number == each.attempt)
        told = {"finished_at": now, "outcome": "released", "message": "taken and not begun"}
        connection.execute(update(attempts).where(number).values(**told))


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
