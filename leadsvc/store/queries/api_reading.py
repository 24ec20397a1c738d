"""Small statements that only the API needs: whose property, who read what, how the store is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, or_, select

from leadsvc.errors import NotFound
from leadsvc.ids import uuid7
from leadsvc.store.tables import audit, deliveries, destinations, properties, receipts


def property_named(connection: Connection, text: str) -> UUID:
    """The active property with this id, ours or the PMS's. Raises :class:`NotFound` for none and for more than one."""
    try:
        which = properties.c.id == UUID(text)
    except ValueError:
        which = properties.c.remote_id == text
    found = connection.execute(select(properties.c.id).where(which, properties.c.active).limit(2)).scalars().all()
    if len(found) != 1:
        raise NotFound("No property has this id, or two PMS accounts use it; send the id that /v1/guest-cards shows.")
    only: UUID = found[0]
    return only


def note_read(
    connection: Connection, at: datetime, actor: str, kind: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """One audit row: ``actor`` was shown personal data of ``subject``. ``detail`` holds keys and numbers only."""
    row = {"id": uuid7(), "at": at, "actor": actor, "action": "read", "subject_kind": kind, "subject": subject}
    connection.execute(insert(audit).values(**row, detail=detail))


@dataclass(frozen=True, slots=True)
class Backlog:
    """The oldest thing of each kind that should have moved on; ``None`` when nothing waits."""

    receipt_since: datetime | None
    delivery_since: datetime | None


def backlog(connection: Connection, now: datetime) -> Backlog:
    """What waits now. Deliveries to a paused account or behind an open circuit wait on purpose and do not count."""
    waiting = select(func.min(receipts.c.received_at)).where(receipts.c.state == "pending")
    stopped = select(destinations.c.name).where(or_(destinations.c.state == "paused", destinations.c.open_until > now))
    owed = select(func.min(deliveries.c.due_at)).where(
        deliveries.c.state.in_(("pending", "retry")),
        deliveries.c.due_at <= now,
        deliveries.c.destination.not_in(stopped),
    )
    return Backlog(connection.execute(waiting).scalar(), connection.execute(owed).scalar())
