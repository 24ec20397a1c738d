"""A placement that rested on an answer which was taken back: the card waits again, as long as nobody was told."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select, update

from leadsvc.ids import uuid7
from leadsvc.resolve.person import Card, Person
from leadsvc.store.tables import deliveries, guest_cards, inquiries, match_decisions, outcomes

if TYPE_CHECKING:
    from leadsvc.pipeline.working import Working

_TITLE = "Check at which property this card belongs"
_BODY = "What a name means was taken back after this card had gone out. Move it there by hand where it is wrong."


def placed_by(connection: Connection, name_id: uuid.UUID, person: Person, card: Card) -> Row[Any] | None:
    """The decision in force by which an answer about that name placed the card where it is."""
    undone = select(match_decisions.c.undoes).where(match_decisions.c.undoes.is_not(None))
    rows = connection.execute(
        select(match_decisions)
        .where(
            match_decisions.c.kind == "place",
            match_decisions.c.prospect_id.in_(list(person.members)),
            match_decisions.c.id.not_in(undone),
        )
        .order_by(match_decisions.c.seq.desc())
    )
    for row in rows:
        said = {(each["field"], each.get("ours")) for each in row.evidence}
        if {("answer", str(name_id)), ("property", str(card.property_id))} <= said:
            return row
    return None


def unplace(connection: Connection, work: Working, person: Person, card: Card, hint: str, decision: Row[Any]) -> bool:
    """Let the card wait again. Where a destination was told, or a person worked on it, it stays and a task asks to look
    at it; returns whether it waits."""
    if len(card.members) > 1 or _known_outside(connection, card):
        _ask(connection, work, card)
        return False
    work.decision(
        uuid7(),
        kind="place",
        verdict="placed",
        prospect_id=person.id,
        undoes=decision.id,
        rule="taken_back",
        sentence="What its name means was taken back; it waits for its property again",
        evidence=[{"field": "property", "level": "taken_back", "theirs": str(card.property_id)}],
    )
    card.property_id, card.hint, card.unit_id, card.floor_plan_id = None, hint, None, None
    work.changed(person)
    work.bump(card)
    mine = inquiries.c.guest_card_id == card.id
    work.after(update(inquiries).where(mine).values(property_id=None, unsettled=True))
    rooms = {"unit_id": None, "floor_plan_id": None}
    work.after(update(guest_cards).where(guest_cards.c.id == card.id).values(**rooms))
    waiting = (deliveries.c.guest_card_id == card.id) & deliveries.c.state.in_(("pending", "retry"))
    held = {"state": "held", "cause": "unplaced_card"}
    work.after(update(deliveries).where(waiting).values(**held))
    detail = "What its name means was taken back. Choose the property, and the lead goes out."
    work.exception("unplaced_card", "guest_card", card.id, "unknown_property", detail)
    return True


def _known_outside(connection: Connection, card: Card) -> bool:
    told = (deliveries.c.guest_card_id == card.id) & (
        deliveries.c.state.in_(("in_flight", "acknowledged")) | (deliveries.c.attempts > 0)
    )
    if connection.execute(select(deliveries.c.id).where(told).limit(1)).first() is not None:
        return True
    happened = select(outcomes.c.id).where(outcomes.c.guest_card_id == card.id).limit(1)
    return connection.execute(happened).first() is not None


def _ask(connection: Connection, work: Working, card: Card) -> None:
    newest = select(inquiries.c.id).where(inquiries.c.guest_card_id.in_(list(card.members)))
    about = connection.execute(newest.order_by(inquiries.c.occurred_at.desc()).limit(1)).scalar()
    if about is not None:
        work.correct_by_hand(card, about, _TITLE, _BODY)
