"""What pages and API read about guest cards and prospects. The two detail views are re-exported from here.

Only root cards are listed: a card merged into another is seen inside that one.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, select

from leadsvc.store.queries import paging, search
from leadsvc.store.queries.card import card_detail
from leadsvc.store.queries.prospect import prospect_detail
from leadsvc.store.queries.rows import card_rows, root_cards
from leadsvc.store.queries.shapes import CardPage, Property
from leadsvc.store.tables import guest_cards, properties

__all__ = ["card_detail", "list_cards", "list_properties", "prospect_detail"]


def list_cards(
    connection: Connection, *, q: str = "", property_id: UUID | None = None, before: str | None = None, limit: int = 50
) -> CardPage:
    """Guest cards with the newest activity first, in four statements however many there are.

    ``q`` is what a person typed (see :mod:`leadsvc.store.queries.search`); ``before`` is the cursor of an earlier page.
    Raises :class:`leadsvc.errors.Reject` for a cursor that is none.
    """
    statement = root_cards().order_by(guest_cards.c.last_at.desc(), guest_cards.c.id.desc()).limit(limit + 1)
    statement = statement.where(guest_cards.c.id == guest_cards.c.root_id)
    wanted = search.matching(search.understand(q), connection.dialect.name)
    if wanted is not None:
        statement = statement.where(wanted)
    if property_id is not None:
        statement = statement.where(guest_cards.c.property_id == property_id)
    if before:
        statement = statement.where(paging.older(guest_cards.c.last_at, guest_cards.c.id, before))
    found = connection.execute(statement).mappings().all()
    cards = card_rows(connection, found[:limit])
    more = len(found) > limit
    return CardPage(cards, paging.encode(cards[-1].last_at, cards[-1].id) if more else None)


def list_properties(connection: Connection) -> list[Property]:
    """Active properties by name, for pick lists."""
    columns = (properties.c.id, properties.c.name, properties.c.time_zone, properties.c.remote_id)
    statement = select(*columns).where(properties.c.active).order_by(properties.c.name, properties.c.id)
    return [Property(*row) for row in connection.execute(statement)]
