"""What is left for a person once a merge was taken back: questions that are open again, and work items for the rest."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from leadsvc.pipeline.merging import answered_by
from leadsvc.pipeline.working import Working
from leadsvc.store.tables import exceptions, guest_cards, inquiries, match_decisions, outcomes, tasks


def work_item(connection: Connection, work: Working, card_id: uuid.UUID, title: str, body: str) -> None:
    """What a person must do in a destination, because it cannot be done from here."""
    found = select(guest_cards.c.property_id, inquiries.c.id).join(
        inquiries, inquiries.c.guest_card_id == guest_cards.c.id
    )
    told = connection.execute(found.where(guest_cards.c.root_id == card_id).order_by(inquiries.c.id)).first()
    if told is not None:
        row = work.first_contact(card_id, told.property_id, told.id, body)
        connection.execute(tasks.insert().values(**row | {"kind": "correct_destination", "title": title}))


def ask_whose_outcomes(
    connection: Connection, work: Working, parted: Mapping[uuid.UUID, uuid.UUID], merge: Row[Any]
) -> None:
    """What happened while two cards were one stays on the card it was recorded on; whose it was, a person knows."""
    for gone, kept in sorted(parted.items()):
        since = (outcomes.c.guest_card_id == kept) & (outcomes.c.recorded_at > merge.at)
        kinds = list(connection.execute(select(outcomes.c.kind).where(since).order_by(outcomes.c.at)).scalars())
        if kinds:
            key = connection.execute(select(guest_cards.c.key).where(guest_cards.c.id == gone)).scalar_one()
            said = ", ".join(kind.replace("_", " ") for kind in dict.fromkeys(kinds))
            body = f"Recorded while both were one card: {said}. If it was the renter of {key}, record it there."
            work_item(connection, work, kept, "Whose was this: yours or the other renter's?", body)


def ask_again(connection: Connection, decision_id: uuid.UUID) -> None:
    """The questions that this merge had answered are open again."""
    review = (exceptions.c.kind == "match_review") & (exceptions.c.resolution == answered_by(decision_id))
    asked = connection.execute(select(exceptions.c.id, exceptions.c.subject_id).where(review)).all()
    still = select(exceptions.c.subject_id).where(
        exceptions.c.kind == "match_review", exceptions.c.resolved_at.is_(None)
    )
    opened = set(
        connection.execute(still.where(exceptions.c.subject_id.in_([row.subject_id for row in asked]))).scalars()
    )
    fresh = {"resolved_at": None, "resolved_by": "", "resolution": ""}
    for row in asked:
        if row.subject_id in opened:
            continue
        opened.add(row.subject_id)
        connection.execute(update(exceptions).where(exceptions.c.id == row.id).values(**fresh))
        maybe = connection.execute(_asked_about(row.subject_id)).scalar()
        connection.execute(update(guest_cards).where(guest_cards.c.id == row.subject_id).values(may_be=maybe))


def _asked_about(card_id: uuid.UUID) -> Select[Any]:
    """Whom the renter of a card in review may be."""
    return (
        select(match_decisions.c.other_prospect_id)
        .join(inquiries, inquiries.c.id == match_decisions.c.inquiry_id)
        .where(inquiries.c.guest_card_id == card_id, match_decisions.c.verdict == "review")
        .order_by(match_decisions.c.seq)
        .limit(1)
    )
