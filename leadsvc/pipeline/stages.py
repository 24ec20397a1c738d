"""What happens to a guest card after its lead, and how far that brings it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from leadsvc.errors import Reject
from leadsvc.ids import uuid7
from leadsvc.resolve.stage import STAGE_OF, stage_after
from leadsvc.store.tables import guest_cards, inquiries, outcomes, tasks


def write_outcome(
    connection: Connection,
    card_id: uuid.UUID,
    kind: str,
    at: datetime,
    *,
    origin: str,
    detail: str,
    actor: str,
    now: datetime,
) -> None:
    """Record an outcome of a root card once; its stage, its last activity and its first-contact task follow."""
    if kind not in {*STAGE_OF, "no_show"}:
        raise Reject(422, "Unknown outcome", f"{kind} is not an outcome", code="outcome")
    same = (outcomes.c.guest_card_id == card_id) & (outcomes.c.kind == kind) & (outcomes.c.at == at)
    if connection.execute(select(outcomes.c.id).where(same)).first() is not None:
        return
    row = {"id": uuid7(), "guest_card_id": card_id, "kind": kind, "at": at, "origin": origin, "detail": detail}
    connection.execute(insert(outcomes).values(**row, recorded_by=actor, recorded_at=now))
    restore_cards(connection, (card_id,))
    if kind == "contacted":
        first = (tasks.c.guest_card_id == card_id) & (tasks.c.kind == "first_contact") & (tasks.c.state == "open")
        done = {"state": "done", "reason": "contacted", "version": tasks.c.version + 1}
        connection.execute(update(tasks).where(first).values(**done))


def restore_cards(connection: Connection, roots: Iterable[uuid.UUID]) -> None:
    """First and last activity and the stage of root cards, from their own inquiries and outcomes.

    An outcome that lies ahead (a tour next week) was activity when it was recorded.
    """
    for root in sorted(roots):
        family = select(guest_cards.c.id).where(guest_cards.c.root_id == root)
        first, last = connection.execute(
            select(func.min(inquiries.c.occurred_at), func.max(inquiries.c.occurred_at)).where(
                inquiries.c.guest_card_id.in_(family)
            )
        ).one()
        happened = connection.execute(
            select(outcomes.c.kind, outcomes.c.at, outcomes.c.recorded_at)
            .where(outcomes.c.guest_card_id.in_(family))
            .order_by(outcomes.c.at, outcomes.c.id)
        ).all()
        values = {"stage": stage_after(each.kind for each in happened), "version": guest_cards.c.version + 1}
        if first is not None:
            active = [last, *(min(each.at, each.recorded_at) for each in happened)]
            values |= {"opened_at": first, "last_at": max(active)}
        connection.execute(update(guest_cards).where(guest_cards.c.id == root).values(**values))
