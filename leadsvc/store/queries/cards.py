"""The inbox of guest cards, and the two detail views (re-exported): what pages and API read.

Only root cards are listed: a card merged into another is seen inside that one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, case, func, select, true

from leadsvc.store.queries import paging, search
from leadsvc.store.queries.card import card_detail
from leadsvc.store.queries.people import person_at, person_columns
from leadsvc.store.queries.prospect import prospect_detail
from leadsvc.store.queries.shapes import CardPage, CardRow, PmsState, Property, Task
from leadsvc.store.tables import deliveries, guest_cards, inquiries, properties, prospects, sources, tasks

__all__ = ["card_detail", "card_rows", "list_cards", "prospect_detail"]

_NEWEST = 20  # inquiries of a card whose sources become chips
_ATTENTION = ("dead", "held", "retry", "in_flight", "pending", "acknowledged")


def list_cards(
    connection: Connection, *, q: str = "", property_id: UUID | None = None, before: str | None = None, limit: int = 50
) -> CardPage:
    """Guest cards with the newest activity first, in four statements.

    ``q`` is what a person typed (see :mod:`leadsvc.store.queries.search`); ``before`` is the cursor of an earlier page.
    Raises :class:`leadsvc.errors.Reject` for a cursor that is none.
    """
    statement = root_cards().order_by(guest_cards.c.last_at.desc(), guest_cards.c.id.desc()).limit(limit + 1)
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
