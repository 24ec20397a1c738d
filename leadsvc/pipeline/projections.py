"""Everything that follows from facts, computed again: who is part of whom, what each prospect is known by, how far each
card came. A healthy store does not change."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, select, update

from leadsvc.pipeline.parting import card_edges, merges_in_force, prospect_edges
from leadsvc.pipeline.rebuild import rebuild_prospects
from leadsvc.pipeline.stages import restore_cards
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.tracing import kept, retrace
from leadsvc.resolve.roots import follow
from leadsvc.store.tables import guest_cards, identifiers, inquiries, prospect_identifiers, prospects

_CHUNK = 500
_KEPT = ("first_at", "last_at", "standing")


def rebuild(connection: Connection, own_values: frozenset[str]) -> dict[str, int]:
    """Recompute all projections; returns how many rows of each table came out otherwise than they were stored."""
    before = _picture(connection)
    decisions = merges_in_force(connection)
    _point(connection, prospects, follow(prospect_edges(decisions)))
    _point(connection, guest_cards, follow(card_edges(decisions, _owners(connection))))
    traced: set[uuid.UUID] = set()
    for chunk in _roots(connection, prospects):
        family = select(prospects.c.id).where(prospects.c.root_id.in_(chunk))
        traced |= retrace(connection, kept(connection, inquiries.c.prospect_id.in_(family)), own_values)
    many = set(connection.execute(select(identifiers.c.value).where(identifiers.c.trust == "shared")).scalars())
    for chunk in _roots(connection, prospects):
        rebuild_prospects(connection, chunk, own_values, many)
    for chunk in _roots(connection, guest_cards):
        restore_cards(connection, chunk)
    for chunk in _roots(connection, prospects):
        restore_standing(connection, chunk)
    after = _picture(connection)
    return {name: len(after[name] - before[name]) for name in before} | {"traces": len(traced)}


def _point(connection: Connection, table: Table, roots: dict[uuid.UUID, uuid.UUID]) -> None:
    """Everybody stands for itself, but who was merged."""
    connection.execute(update(table).where(table.c.root_id != table.c.id).values(root_id=table.c.id))
    for thing, root in roots.items():
        if thing != root:
            connection.execute(update(table).where(table.c.id == thing).values(root_id=root))


def _owners(connection: Connection) -> dict[uuid.UUID, uuid.UUID]:
    """Cards -> the root prospect each belongs to."""
    owner = select(guest_cards.c.id, prospects.c.root_id).join(prospects, prospects.c.id == guest_cards.c.prospect_id)
    return {row.id: row.root_id for row in connection.execute(owner)}


def _roots(connection: Connection, table: Table) -> Iterator[tuple[uuid.UUID, ...]]:
    found = list(
        connection.execute(select(table.c.id).where(table.c.id == table.c.root_id).order_by(table.c.id)).scalars()
    )
    for start in range(0, len(found), _CHUNK):
        yield tuple(found[start : start + _CHUNK])


def _picture(connection: Connection) -> dict[str, set[Any]]:
    """What is compared: everything but versions."""
    people = connection.execute(select(prospects).where(prospects.c.id == prospects.c.root_id)).mappings()
    members = connection.execute(select(prospects.c.id, prospects.c.root_id))
    cards = connection.execute(select(guest_cards))
    links = connection.execute(select(prospect_identifiers.c.prospect_id, prospect_identifiers.c.identifier_id))
    return {
        "prospects": {
            (row["id"], str(sorted(map(str, row["names"]))), _text(row["golden"]), *(row[name] for name in _KEPT))
            for row in people
        },
        "memberships": {tuple(row) for row in members},
        "guest cards": {(row.id, row.root_id, row.stage, row.opened_at, row.last_at) for row in cards},
        "identifiers": {tuple(row) for row in links},
    }


def _text(golden: dict[str, Any]) -> str:
    return str(sorted((name, str(value)) for name, value in golden.items()))
