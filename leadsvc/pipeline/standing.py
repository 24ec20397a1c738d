"""What each person is to us (resident, applicant, former, opted out), by PMS, outcomes and their own texts."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, ScalarSelect, select, update

from leadsvc.resolve.stage import standing, standing_by_card
from leadsvc.store.tables import guest_cards, inquiries, prospects, remote_refs

Texts = list[tuple[str, str]]


def restore_standing(connection: Connection, people: Collection[uuid.UUID]) -> None:
    """Write the standing of the prospects that ``people`` are part of, where it is another than the stored one."""
    roots = select(prospects.c.root_id).where(prospects.c.id.in_(people))
    found = select(prospects.c.id, prospects.c.standing, prospects.c.edits).where(prospects.c.id.in_(roots))
    for row in connection.execute(found).all():
        family = select(prospects.c.id).where(prospects.c.root_id == row.id).scalar_subquery()
        now = standing(_cards(connection, family), _texts(connection, family), row.edits)
        if now != row.standing:
            connection.execute(update(prospects).where(prospects.c.id == row.id).values(standing=now))


def _cards(connection: Connection, family: ScalarSelect[uuid.UUID]) -> list[str]:
    """What each guest card (the root one) of a person says."""
    own = guest_cards.alias("own")
    statement = (
        select(guest_cards.c.id, guest_cards.c.stage, remote_refs.c.standing)
        .select_from(own)
        .join(guest_cards, guest_cards.c.id == own.c.root_id)
        .outerjoin(
            remote_refs, (remote_refs.c.entity_id == own.c.id) & (remote_refs.c.kind == "card") & remote_refs.c.live
        )
        .where(own.c.prospect_id.in_(family))
    )
    stages: dict[uuid.UUID, str] = {}
    remote: dict[uuid.UUID, list[str]] = defaultdict(list)
    for row in connection.execute(statement):
        stages[row.id] = row.stage
        remote[row.id] += [row.standing] if row.standing else []
    return [standing_by_card(stage, remote[card]) for card, stage in stages.items()]


def _texts(connection: Connection, family: ScalarSelect[uuid.UUID]) -> Texts:
    """The text messages of a person, oldest first: only in these can somebody opt out."""
    statement = (
        select(inquiries.c.lead)
        .where(inquiries.c.prospect_id.in_(family), inquiries.c.contact_type == "text")
        .order_by(inquiries.c.occurred_at, inquiries.c.id)
    )
    return [("text", str((row.lead.get("message") or {}).get("value") or "")) for row in connection.execute(statement)]
