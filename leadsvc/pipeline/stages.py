"""What happens to a guest card after its lead, and how far that brings it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from leadsvc.errors import Reject
from leadsvc.ids import uuid7
from leadsvc.pipeline.standing import restore_standing
from leadsvc.resolve.stage import STAGE_OF, stage_after
from leadsvc.store.tables import guest_cards, inquiries, outcomes, tasks

if TYPE_CHECKING:
    from leadsvc.pipeline.working import Working


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
) -> bool:
    """Record an outcome of a root card once; its stage, its last activity and its first-contact task follow. Returns
    whether it was new."""
    if kind not in {*STAGE_OF, "no_show"}:
        raise Reject(422, "Unknown outcome", f"{kind} is not an outcome", code="outcome")
    same = (outcomes.c.guest_card_id == card_id) & (outcomes.c.kind == kind) & (outcomes.c.at == at)
    if connection.execute(select(outcomes.c.id).where(same)).first() is not None:
        return False
    row = {"id": uuid7(), "guest_card_id": card_id, "kind": kind, "at": at, "origin": origin, "detail": detail}
    connection.execute(insert(outcomes).values(**row, recorded_by=actor, recorded_at=now))
    restore_cards(connection, (card_id,))
    person = connection.execute(select(guest_cards.c.prospect_id).where(guest_cards.c.id == card_id)).scalar_one()
    restore_standing(connection, (person,))
    if kind == "contacted":
        first = (tasks.c.guest_card_id == card_id) & (tasks.c.kind == "first_contact") & (tasks.c.state == "open")
        done = {"state": "done", "reason": "contacted", "version": tasks.c.version + 1}
        connection.execute(update(tasks).where(first).values(**done))
    return True


def restore_tasks(
    connection: Connection, work: Working, roots: Iterable[uuid.UUID], decisions: Iterable[Row[Any]]
) -> None:
    """Open first-contact tasks of root cards: about the newest inquiry of the card, due when the first to wait is due.

    ``decisions``: merges that may have hastened a task; each recorded when it was due before.
    """
    due_before: dict[uuid.UUID, datetime] = {}
    for row in (row for each in decisions for row in each.evidence if row.get("field") == "task"):
        task_id, before = uuid.UUID(row["ours"]), datetime.fromisoformat(row["theirs"])
        due_before[task_id] = max(before, due_before.get(task_id, before))
    for root in sorted(roots):
        mine = (tasks.c.guest_card_id == root) & (tasks.c.state == "open") & (tasks.c.kind == "first_contact")
        family = select(guest_cards.c.id).where(guest_cards.c.root_id == root)
        told: Select[Any] = (
            select(inquiries.c.id, inquiries.c.lead)
            .where(inquiries.c.guest_card_id.in_(family))
            .order_by(inquiries.c.received_at.desc(), inquiries.c.id.desc())
        )
        _restore_done(connection, family, told)
        _date_anew(connection, work, family)
        task = connection.execute(select(tasks).where(mine)).one_or_none()
        newest = connection.execute(told).first()
        if task is None or newest is None:
            continue
        folded = connection.execute(
            select(tasks.c.id, tasks.c.due_at).where(
                tasks.c.guest_card_id.in_(family), tasks.c.state == "cancelled", tasks.c.reason.like("merged:%")
            )
        ).all()
        due_at = min(max(each.due_at, due_before.get(each.id, each.due_at)) for each in (task, *folded))
        values = _about(newest) | {"due_at": due_at, "version": tasks.c.version + 1}
        connection.execute(update(tasks).where(tasks.c.id == task.id).values(**values))


def _about(inquiry: Row[Any]) -> dict[str, Any]:
    return {"inquiry_id": inquiry.id, "body": (inquiry.lead.get("message") or {}).get("value", "")}


def _date_anew(connection: Connection, work: Working, family: Select[tuple[uuid.UUID]]) -> None:
    """A task made for an inquiry that went elsewhere is due from the first one that is left on its card."""
    first = (
        select(
            tasks.c.id, tasks.c.guest_card_id, guest_cards.c.property_id, func.min(inquiries.c.received_at).label("at")
        )
        .join(guest_cards, guest_cards.c.id == tasks.c.guest_card_id)
        .join(inquiries, inquiries.c.guest_card_id == tasks.c.guest_card_id)
        .where(tasks.c.kind == "first_contact", tasks.c.state.in_(("open", "cancelled")))
        .where(tasks.c.guest_card_id.in_(family))
        .group_by(tasks.c.id, tasks.c.guest_card_id, tasks.c.created_at, guest_cards.c.property_id)
        .having(tasks.c.created_at < func.min(inquiries.c.received_at))
    )
    for row in connection.execute(first).all():
        fresh = work.first_contact(row.guest_card_id, row.property_id, row.id, "", row.at)
        values = {"created_at": fresh["created_at"], "due_at": fresh["due_at"], "version": tasks.c.version + 1}
        connection.execute(update(tasks).where(tasks.c.id == row.id).values(**values))


def _restore_done(connection: Connection, family: Select[tuple[uuid.UUID]], told: Select[Any]) -> None:
    """A task that was done while it was about an inquiry of somebody else was about the one before it."""
    done = (tasks.c.state == "done") & (tasks.c.kind == "first_contact") & tasks.c.guest_card_id.in_(family)
    elsewhere = select(tasks.c.id, inquiries.c.received_at).join(inquiries, inquiries.c.id == tasks.c.inquiry_id)
    for task in connection.execute(elsewhere.where(done, inquiries.c.guest_card_id.not_in(family))).all():
        before = connection.execute(told.where(inquiries.c.received_at <= task.received_at)).first()
        if before is not None:
            values = _about(before) | {"version": tasks.c.version + 1}
            connection.execute(update(tasks).where(tasks.c.id == task.id).values(**values))


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
