"""What pages and API read about guest cards and prospects. The two detail views are re-exported from here.

Only root cards are listed: a card merged into another is seen inside that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, false, or_, select, union_all

from leadsvc.store.queries import paging, search
from leadsvc.store.queries.card import card_detail
from leadsvc.store.queries.prospect import prospect_detail
from leadsvc.store.queries.rows import card_rows, holder, root_cards
from leadsvc.store.queries.shapes import CardPage, Property
from leadsvc.store.tables import guest_cards, properties

__all__ = ["card_detail", "list_cards", "list_properties", "prospect_detail"]


def list_cards(
    connection: Connection, *, q: str = "", property_id: UUID | None = None, before: str | None = None, limit: int = 50
) -> CardPage:
    """Guest cards with the newest activity first, in four statements (five for a search) however many there are.

    ``q`` is what a person typed (see :mod:`leadsvc.store.queries.search`); ``before`` is the cursor of an earlier page.
    Raises :class:`leadsvc.errors.Reject` for a cursor that is none.
    """
    narrow = [guest_cards.c.id == guest_cards.c.root_id]
    if property_id is not None:
        narrow.append(guest_cards.c.property_id == property_id)
    if before:
        narrow.append(paging.older(guest_cards.c.last_at, guest_cards.c.id, before))
    wanted = _wanted(connection, search.understand(q), narrow, limit + 1)
    statement = root_cards().where(*narrow, *wanted).order_by(*_NEWEST).limit(limit + 1)
    found = connection.execute(statement).mappings().all()
    cards = card_rows(connection, found[:limit])
    more = len(found) > limit
    return CardPage(cards, paging.encode(cards[-1].last_at, cards[-1].id) if more else None)


_NEWEST = (guest_cards.c.last_at.desc(), guest_cards.c.id.desc())


def _wanted(
    connection: Connection, query: search.Query, narrow: Sequence[ColumnElement[bool]], limit: int
) -> list[ColumnElement[bool]]:
    """The cards a search is for. Those of few people, and of places, are picked by two look-ups, each by its own index:
    one condition with OR would walk through every card there is."""
    if query.kind == "":
        return []
    if query.kind == "key" and query.text.startswith("GC-"):
        own = guest_cards.alias("own")
        return [guest_cards.c.id == select(own.c.root_id).where(own.c.key == query.text).scalar_subquery()]
    found = search.find(connection, query)
    if found.many:
        by_name = [search.named(query.text, connection.dialect.name, holder)] if query.kind == "words" else []
        return [or_(*by_name, guest_cards.c.property_id.in_(found.places))]
    picks = [
        select(guest_cards.c.id).where(*narrow, column.in_(ids)).order_by(*_NEWEST).limit(limit).subquery()
        for column, ids in ((guest_cards.c.prospect_id, found.people), (guest_cards.c.property_id, found.places))
        if ids
    ]
    return [guest_cards.c.id.in_(union_all(*(select(pick.c.id) for pick in picks)))] if picks else [false()]


def list_properties(connection: Connection) -> list[Property]:
    """Active properties by name, for pick lists."""
    columns = (properties.c.id, properties.c.name, properties.c.time_zone, properties.c.remote_id)
    statement = select(*columns).where(properties.c.active).order_by(properties.c.name, properties.c.id)
    return [Property(*row) for row in connection.execute(statement)]
