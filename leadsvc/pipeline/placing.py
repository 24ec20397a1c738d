"""An unplaced card finds its property: by a person, by a corrected resend, or because a replay now knows the name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from leadsvc.ids import uuid7
from leadsvc.outbox import Owed, takers
from leadsvc.pipeline.merging import fold_cards, standing_first
from leadsvc.resolve.person import Card, Person
from leadsvc.store.tables import deliveries, exceptions, guest_cards, inquiries, tasks

if TYPE_CHECKING:
    from leadsvc.pipeline.working import Working


def place(
    work: Working,
    person: Person,
    card: Card,
    property_id: uuid.UUID,
    *,
    sentence: str,
    decided_by: str,
    because: Sequence[Mapping[str, Any]] = (),
) -> Card:
    """Plan it; returns the card that stands for it now: when the prospect has a card there already, the two are one.

    ``because``: what it rests on, kept with the decision.
    """
    decision_id = uuid7()
    evidence: list[Mapping[str, Any]] = [{"field": "property", "level": "placed", "ours": str(property_id)}, *because]
    work.decision(
        decision_id,
        kind="place",
        verdict="placed",
        prospect_id=person.id,
        rule="placed",
        sentence=sentence,
        evidence=evidence,
        decided_by=decided_by,
    )
    card.property_id, card.hint = property_id, ""
    work.bump(card)
    info = work.context.portfolio.properties.get(property_id)
    if info is not None and info.agents:
        work.assign_task(card, info.agents[card.id.int % len(info.agents)])
    _release(work, card, decided_by)
    cycle = timedelta(days=work.context.policy.cycle_days)
    twins = [
        each
        for each in person.cards
        if each is not card and each.property_id == property_id and each.covers(card.opened_at, cycle)
    ]
    if not twins:
        return card
    keep, gone = sorted((twins[0], card), key=standing_first)
    person.cards.remove(gone)
    fold_cards(work, keep, gone, decision_id, evidence)
    return keep


def _release(work: Working, card: Card, decided_by: str) -> None:
    """What was held leaves, the inquiries learn where they belong, the exception closes."""
    now, members = work.context.now, list(card.members)
    on_card = inquiries.c.guest_card_id.in_(members)
    work.after(update(inquiries).where(on_card).values(property_id=card.property_id, unsettled=True))
    work.after(update(guest_cards).where(guest_cards.c.id.in_(members)).values(property_id=card.property_id))
    held = (deliveries.c.state == "held") & (deliveries.c.cause == "unplaced_card")
    waiting = deliveries.c.guest_card_id.in_(members) & held
    info = work.context.portfolio.properties.get(card.property_id) if card.property_id else None
    if info is not None:
        theirs = [each.name for each in takers(work.context.accounts, info.destination, info.remote_id)]
        others = waiting & deliveries.c.destination.not_in(theirs)
        work.after(update(deliveries).where(others).values(state="cancelled", cause="another account's property"))
    work.after(update(deliveries).where(waiting).values(state="pending", cause="", due_at=now))
    asked = exceptions.c.subject_id.in_(members) & (exceptions.c.kind == "unplaced_card")
    answered = {"resolved_at": now, "resolved_by": decided_by, "resolution": "placed"}
    work.after(update(exceptions).where(asked, exceptions.c.resolved_at.is_(None)).values(**answered))


def owed_before(card: Card) -> Any:
    """Whether any destination was owed anything about the card (none is when several accounts could have made it)."""
    return select(deliveries.c.id).where(deliveries.c.guest_card_id.in_(list(card.members))).limit(1)


def owe_if_nothing_was(connection: Connection, work: Working, card: Card) -> None:
    """An unplaced card that several accounts could have made was owed to none: now it is known to which. ``work`` is
    flushed by the caller."""
    info = work.context.portfolio.properties.get(card.property_id) if card.property_id else None
    if info is None or connection.execute(owed_before(card)).first() is not None:
        return
    told = connection.execute(
        select(inquiries.c.id)
        .where(inquiries.c.guest_card_id.in_(list(card.members)))
        .order_by(inquiries.c.occurred_at)
    ).scalars()
    todo = connection.execute(
        select(tasks.c.id, tasks.c.version).where(
            tasks.c.guest_card_id.in_(list(card.members)), tasks.c.state == "open"
        )
    ).all()
    owed = [Owed("prospect", card.id, card.version), *(Owed("event", each, 1) for each in told)]
    work.owe(card, [*owed, *(Owed("task", task.id, task.version) for task in todo)], info, None)
