"""Pairs of people that a person is asked about, the oldest question first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from leadsvc.store.queries.people import person_at, person_columns
from leadsvc.store.queries.shapes import Person
from leadsvc.store.tables import exceptions, guest_cards, prospects

_KEY = re.compile(r"\bPR-[0-9A-Z]{8}\b")


@dataclass(frozen=True, slots=True)
class Review:
    """An open question, with the two people as they are now."""

    id: UUID
    one: Person
    other: Person
    why: str
    opened_at: datetime


def list_reviews(connection: Connection, limit: int = 200) -> list[Review]:
    """Open questions whether two people are one, in two statements. Those about people who have become one by another
    way are left out."""
    asked = (
        select(exceptions.c.id, exceptions.c.detail, exceptions.c.opened_at, prospects.c.key, guest_cards.c.may_be)
        .outerjoin(
            guest_cards, (exceptions.c.subject_kind == "guest_card") & (guest_cards.c.id == exceptions.c.subject_id)
        )
        .outerjoin(prospects, prospects.c.id == guest_cards.c.prospect_id)
        .where(exceptions.c.kind == "match_review", exceptions.c.resolved_at.is_(None))
        .order_by(exceptions.c.opened_at, exceptions.c.id)
        .limit(limit)
    )
    rows = connection.execute(asked).all()
    keys = {key for row in rows for key in _named(row.key, row.detail)}
    maybes = {row.may_be for row in rows if row.may_be is not None}
    by_key, by_id = _people(connection, keys, maybes)
    found = []
    for row in rows:
        named = [by_key[key] for key in _named(row.key, row.detail) if key in by_key]
        if row.may_be in by_id:
            named = [*named[:1], by_id[row.may_be]]
        if len(named) > 1 and named[0].id != named[1].id:
            found.append(Review(row.id, named[0], named[1], _why(row.detail), row.opened_at))
    return found


def _named(own: str | None, detail: str) -> list[str]:
    """The keys that a question is about: that of the card's renter, then those that its words name."""
    return list(dict.fromkeys([*([own] if own else []), *_KEY.findall(detail)]))


def _why(detail: str) -> str:
    """Without the keys: whom it is about stands beside it."""
    return detail.partition(": ")[2] or detail


def _people(connection: Connection, keys: set[str], ids: set[UUID]) -> tuple[dict[str, Person], dict[UUID, Person]]:
    """Roots, by the key and by the id of whoever is part of them."""
    root = prospects.alias("root")
    statement = (
        select(prospects.c.id.label("own_id"), prospects.c.key.label("own_key"), *person_columns(root, "root"))
        .join(root, root.c.id == prospects.c.root_id)
        .where(prospects.c.key.in_(keys) | prospects.c.id.in_(ids))
    )
    by_key: dict[str, Person] = {}
    by_id: dict[UUID, Person] = {}
    for row in connection.execute(statement).mappings():
        person = person_at(row, "root")
        if person is not None:
            by_key[row["own_key"]], by_id[row["own_id"]] = person, person
    return by_key, by_id
