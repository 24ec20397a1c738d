"""Lines of the inbox. What belongs to many cards is fetched for all of them at once, never card by card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, case, func, select

from leadsvc.store.queries.people import person_at, person_columns
from leadsvc.store.queries.shapes import CardRow, PmsState, Property, Task
from leadsvc.store.tables import deliveries, guest_cards, inquiries, properties, prospects, sources, tasks

_NEWEST = 20  # inquiries of a card whose sources become chips
ATTENTION = ("dead", "held", "retry", "in_flight", "pending", "acknowledged")
"""Delivery states, the one that a person should know of first."""

holder = prospects.alias("root_prospect")
_other = prospects.alias("other_prospect")
_other_root = prospects.alias("other_root")


def root_cards() -> Select[Any]:
    """Guest cards beside the person they belong to now, their property and the person they may be."""
    return (
        select(
            *(guest_cards.c[name] for name in _CARD),
            *person_columns(holder, "holder"),
            *person_columns(_other_root, "maybe"),
            properties.c.name.label("property_name"),
            properties.c.time_zone,
            properties.c.remote_id.label("property_remote_id"),
        )
        .join(prospects, prospects.c.id == guest_cards.c.prospect_id)
        .join(holder, holder.c.id == prospects.c.root_id)
        .outerjoin(properties, properties.c.id == guest_cards.c.property_id)
        .outerjoin(_other, _other.c.id == guest_cards.c.may_be)
        .outerjoin(_other_root, _other_root.c.id == _other.c.root_id)
    )


_CARD = (
    "id",
    "key",
    "root_id",
    "prospect_id",
    "property_id",
    "property_hint",
    "stage",
    "flags",
    "first_source",
    "opened_at",
    "last_at",
)


def card_row(row: RowMapping) -> CardRow:
    """One row of :func:`root_cards`, without what belongs to it."""
    person = person_at(row, "holder")
    if person is None:
        raise LookupError("a guest card without its prospect")  # the inner join above excludes it
    place = None
    if row["property_id"] is not None:
        place = Property(row["property_id"], row["property_name"], row["time_zone"], row["property_remote_id"])
    return CardRow(
        id=row["id"],
        key=row["key"],
        person=person,
        property=place,
        property_hint=row["property_hint"],
        stage=row["stage"],
        flags=row["flags"],
        first_source=row["first_source"],
        opened_at=row["opened_at"],
        last_at=row["last_at"],
        may_be=person_at(row, "maybe"),
    )


def card_rows(connection: Connection, found: Sequence[RowMapping]) -> list[CardRow]:
    """Rows of :func:`root_cards` with inquiries, open tasks and deliveries: three statements more."""
    roots = {row["root_id"] for row in found}
    if not roots:
        return []
    told, todo, pushed = _inquiries(connection, roots), _open_tasks(connection, roots), _pms(connection, roots)
    return [
        replace(
            card_row(row),
            **told.get(row["root_id"], {}),
            tasks=todo.get(row["root_id"], ()),
            pms=pushed.get(row["root_id"], ()),
        )
        for row in found
    ]


def _inquiries(connection: Connection, roots: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    newest = (inquiries.c.occurred_at.desc(), inquiries.c.id.desc())
    rank = func.row_number().over(partition_by=guest_cards.c.root_id, order_by=newest)
    ranked = (
        select(
            guest_cards.c.root_id,
            inquiries.c.id,
            inquiries.c.source,
            inquiries.c.contact_type,
            rank.label("place"),
            func.count().over(partition_by=guest_cards.c.root_id).label("total"),
        )
        .join(guest_cards, guest_cards.c.id == inquiries.c.guest_card_id)
        .where(guest_cards.c.root_id.in_(roots))
        .subquery()
    )
    statement = (
        select(ranked, sources.c.name, case((ranked.c.place == 1, inquiries.c.lead)).label("lead"))
        .join(inquiries, inquiries.c.id == ranked.c.id)
        .outerjoin(sources, sources.c.slug == ranked.c.source)
        .where(ranked.c.place <= _NEWEST)
        .order_by(ranked.c.place)
    )
    told: dict[UUID, dict[str, Any]] = {}
    for row in connection.execute(statement).mappings():
        known = told.setdefault(row["root_id"], {"sources": ()})
        if row["place"] == 1:
            message = (row["lead"] or {}).get("message") or {}
            known.update(
                inquiries=row["total"], last_contact=row["contact_type"], last_message=str(message.get("value") or "")
            )
        chip = (row["source"], row["name"] or row["source"])
        if chip not in known["sources"]:
            known["sources"] += (chip,)
    return told


def _open_tasks(connection: Connection, roots: Collection[UUID]) -> dict[UUID, list[Task]]:
    statement = (
        select(guest_cards.c.root_id, *task_columns())
        .join(guest_cards, guest_cards.c.id == tasks.c.guest_card_id)
        .where(guest_cards.c.root_id.in_(roots), tasks.c.state == "open")
        .order_by(tasks.c.due_at, tasks.c.id)
    )
    todo: dict[UUID, list[Task]] = defaultdict(list)
    for root, *values in connection.execute(statement):
        todo[root].append(Task(*values))
    return todo


def task_columns() -> list[Any]:
    """The columns of a :class:`Task`, in its order."""
    return [tasks.c[name] for name in Task.__dataclass_fields__]


def _pms(connection: Connection, roots: Collection[UUID]) -> dict[UUID, list[PmsState]]:
    """Per card and destination the state that needs attention most; cancelled deliveries say nothing."""
    order = case({state: place for place, state in enumerate(ATTENTION)}, value=deliveries.c.state)
    statement = (
        select(
            guest_cards.c.root_id,
            deliveries.c.destination,
            func.min(order),
            func.max(deliveries.c.cause),
            func.max(case((deliveries.c.kind == "prospect", deliveries.c.remote_id), else_="")),
        )
        .join(guest_cards, guest_cards.c.id == deliveries.c.guest_card_id)
        .where(guest_cards.c.root_id.in_(roots), deliveries.c.state != "cancelled")
        .group_by(guest_cards.c.root_id, deliveries.c.destination)
        .order_by(deliveries.c.destination)
    )
    pushed: dict[UUID, list[PmsState]] = defaultdict(list)
    for root, destination, place, cause, remote_id in connection.execute(statement):
        pushed[root].append(PmsState(destination, ATTENTION[place], cause, remote_id))
    return pushed
