"""Prospect rows as people: selected under labels, so that several can stand in one joined row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, FromClause, Label, RowMapping, select

from leadsvc.store.queries.shapes import CardLink, Person
from leadsvc.store.tables import guest_cards, properties, prospects

_FIELDS = ("id", "key", "root_id", "standing", "golden", "edits", "first_at", "last_at")


def person_columns(source: FromClause, label: str) -> list[Label[Any]]:
    """The columns of a prospect, each named ``label_…``."""
    return [source.c[name].label(f"{label}_{name}") for name in _FIELDS]


def person_at(row: RowMapping, label: str) -> Person | None:
    """The person that stands in ``row`` under ``label``; ``None`` after an outer join that found nobody."""
    if row[f"{label}_id"] is None:
        return None
    return Person(**{name: row[f"{label}_{name}"] for name in _FIELDS})


def people_and_cards(connection: Connection, ids: Iterable[UUID]) -> tuple[dict[UUID, Person], list[CardLink]]:
    """Everyone who is one person with any of ``ids``, and all their cards, newest first, in one statement."""
    roots = select(prospects.c.root_id).where(prospects.c.id.in_(set(ids)))
    statement = (
        select(
            *person_columns(prospects, "p"),
            guest_cards.c.id.label("card_id"),
            guest_cards.c.key.label("card_key"),
            guest_cards.c.root_id.label("card_root_id"),
            guest_cards.c.stage,
            guest_cards.c.last_at.label("card_last_at"),
            guest_cards.c.property_hint,
            properties.c.name.label("property_name"),
        )
        .select_from(prospects)
        .outerjoin(guest_cards, guest_cards.c.prospect_id == prospects.c.id)
        .outerjoin(properties, properties.c.id == guest_cards.c.property_id)
        .where(prospects.c.root_id.in_(roots))
        .order_by(guest_cards.c.last_at.desc(), guest_cards.c.id.desc())
        .limit(500)
    )
    people: dict[UUID, Person] = {}
    cards: list[CardLink] = []
    for row in connection.execute(statement).mappings():
        person = person_at(row, "p")
        if person is not None:
            people[person.id] = person
        if row["card_id"] is not None:
            cards.append(_card_link(row))
    return people, cards


def _card_link(row: RowMapping) -> CardLink:
    return CardLink(
        id=row["card_id"],
        key=row["card_key"],
        root_id=row["card_root_id"],
        prospect_id=row["p_id"],
        property_name=row["property_name"] or "",
        stage=row["stage"],
        last_at=row["card_last_at"],
    )
