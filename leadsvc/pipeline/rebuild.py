"""Projections of prospects from the facts: names, identifiers and golden record out of the inquiries themselves."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, update

from leadsvc.model import Lead
from leadsvc.pipeline.tracing import Kept, kept
from leadsvc.resolve import golden as survivors
from leadsvc.resolve.person import Identifier, Identity
from leadsvc.store.bulk import Batch
from leadsvc.store.known import folded
from leadsvc.store.tables import identifiers, inquiries, prospect_identifiers, prospects


def rebuild_prospects(
    connection: Connection,
    roots: Collection[uuid.UUID],
    ignored: frozenset[str],
    many: Collection[str] = (),
) -> None:
    """Recompute what the prospects at ``roots`` are known by; each keeps the edits of its members.

    ``ignored``: values that are the operator's own. ``many``: values, new to these prospects, that many people use.
    """
    rows = connection.execute(_members(roots)).all()
    members = {row.id: row for row in rows}
    shared = frozenset({*many, *(row.shared for row in rows if row.shared is not None)})
    told = _leads(kept(connection, inquiries.c.prospect_id.in_(members)))
    connection.execute(delete(prospect_identifiers).where(prospect_identifiers.c.prospect_id.in_(members)))
    batch = Batch()
    linked: set[uuid.UUID] = set()
    for member, leads in told.items():
        for lead, at, _ in leads:
            _link(batch, linked, member, lead, at, ignored)
    batch.flush(connection)
    for root in roots:
        family = [row.id for row in members.values() if row.root_id == root]
        edits = survivors.edits_of(str(root), {str(each): own_edits(members[each]) for each in family})
        leads = [each for member in family for each in told[member]]
        _write_root(connection, root, leads, edits, ignored, shared)


def _members(roots: Collection[uuid.UUID]) -> Select[Any]:
    """The prospects, each as often as it has values that many people use (at least once)."""
    link = prospect_identifiers.c
    values = (
        select(link.prospect_id, identifiers.c.value.label("shared"))
        .join(identifiers, identifiers.c.id == link.identifier_id)
        .where(identifiers.c.trust == "shared")
        .subquery()
    )
    found = select(prospects, values.c.shared).outerjoin(values, values.c.prospect_id == prospects.c.id)
    return found.where(prospects.c.root_id.in_(roots)).order_by(prospects.c.id)


def _leads(found: Iterable[Kept]) -> dict[uuid.UUID, list[tuple[Lead, datetime, uuid.UUID]]]:
    """Per home prospect: its inquiries and what was delivered again of them, oldest first."""
    told: dict[uuid.UUID, list[tuple[Lead, datetime, uuid.UUID]]] = defaultdict(list)
    for each in found:
        told[each.row.prospect_id] += [(lead, each.row.occurred_at, each.row.id) for lead in each.leads]
    for leads in told.values():
        leads.sort(key=lambda each: (each[1], each[2]))
    return told


def _link(
    batch: Batch, linked: set[uuid.UUID], member: uuid.UUID, lead: Lead, at: datetime, ignored: frozenset[str]
) -> None:
    name = lead.name.value if lead.name else None
    spelled = folded(name.given, name.family) if name else ""
    for each in Identity.of(lead, ignored).identifiers:
        if each.id not in linked:
            linked.add(each.id)
            batch.insert(identifiers, _identifier(each, at), keep=True)
        row = {"prospect_id": member, "identifier_id": each.id, "name_key": spelled, "first_at": at}
        batch.insert(prospect_identifiers, row, keep=True)


def _identifier(each: Identifier, at: datetime) -> dict[str, Any]:
    trust = "relay" if each.kind == "thread" else "own"
    return {"id": each.id, "kind": each.kind, "value": each.value, "trust": trust, "trust_reason": "", "first_at": at}


def own_edits(row: Row[Any]) -> dict[str, Any]:
    """What was entered about this very prospect, without what it has from those merged into it."""
    own = {field: entry.get("over") if "of" in entry else entry for field, entry in row.edits.items()}
    return {field: entry for field, entry in own.items() if entry is not None}


def _write_root(
    connection: Connection,
    root: uuid.UUID,
    leads: list[tuple[Lead, datetime, uuid.UUID]],
    edits: dict[str, Any],
    ignored: frozenset[str],
    shared: frozenset[str],
) -> None:
    golden: survivors.Golden = {}
    names: list[list[str]] = []
    for lead, at, inquiry in leads:
        golden = survivors.combine(golden, survivors.record(lead, at, inquiry, ignored, shared))
        if lead.name is not None and (lead.name.value.given or lead.name.value.family):
            parts = [lead.name.value.given, lead.name.value.family, lead.name.value.suffix]
            if parts not in names:
                names.append(parts)
    golden = survivors.with_edited_name(golden, edits)
    values: dict[str, Any] = {"golden": golden, "names": names, "edits": edits, "version": prospects.c.version + 1}
    if leads:
        values |= {"first_at": min(each[1] for each in leads), "last_at": max(each[1] for each in leads)}
    connection.execute(update(prospects).where(prospects.c.id == root).values(**values))
