"""Exceptions: what needs a person, with enough of its subject to say where to go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, case, func, select

from leadsvc.store.queries import paging
from leadsvc.store.queries.people import person_at, person_columns
from leadsvc.store.queries.shapes import Person
from leadsvc.store.tables import deliveries, exceptions, guest_cards, inquiries, prospects, receipts


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One exception. Of its subject whatever there is: ``card_key`` and ``person`` for cards, inquiries, prospects and
    deliveries, ``may_be`` for a match to review, ``receipt_id`` and ``feed`` for receipts, ``destination`` and
    ``delivery_state`` for deliveries."""

    id: UUID
    kind: str
    subject_kind: str
    subject_id: UUID
    cause: str
    detail: str
    owner: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    resolution: str
    card_key: str = ""
    property_hint: str = ""
    person: Person | None = None
    may_be: Person | None = None
    receipt_id: UUID | None = None
    feed: str = ""
    destination: str = ""
    delivery_kind: str = ""
    delivery_state: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """``before`` is the cursor of the next page, ``None`` on the last one; ``counts`` are open ones by kind."""

    exceptions: Sequence[ExceptionRow]
    counts: Mapping[str, int]
    before: str | None


_ROW = (
    "id",
    "kind",
    "subject_kind",
    "subject_id",
    "cause",
    "detail",
    "owner",
    "opened_at",
    "resolved_at",
    "resolved_by",
    "resolution",
)


def list_exceptions(
    connection: Connection,
    *,
    kind: str | None = None,
    resolved: bool = False,
    before: str | None = None,
    limit: int = 50,
) -> ExceptionPage:
    """Open (or resolved) exceptions, newest first, in two statements. Raises :class:`leadsvc.errors.Reject` for a
    cursor that is none."""
    own = exceptions.c
    statement = _with_subjects().order_by(own.opened_at.desc(), own.id.desc()).limit(limit + 1)
    statement = statement.where(own.resolved_at.is_not(None) if resolved else own.resolved_at.is_(None))
    if kind:
        statement = statement.where(own.kind == kind)
    if before:
        statement = statement.where(paging.older(own.opened_at, own.id, before))
    rows = [_exception_at(row) for row in connection.execute(statement).mappings()]
    counted = select(own.kind, func.count()).where(own.resolved_at.is_(None)).group_by(own.kind).order_by(own.kind)
    more = len(rows) > limit
    shown = rows[:limit]
    return ExceptionPage(
        shown,
        {row[0]: row[1] for row in connection.execute(counted)},
        paging.encode(shown[-1].opened_at, shown[-1].id) if more else None,
    )


_root = prospects.alias("root_prospect")
_other = prospects.alias("other_prospect")


def _with_subjects() -> Select[Any]:
    def subject(kind: str) -> ColumnElement[UUID]:
        return case((exceptions.c.subject_kind == kind, exceptions.c.subject_id))

    # One equality per join, so that each is a look-up by primary key; OR would make it a scan.
    receipt = func.coalesce(inquiries.c.receipt_id, subject("receipt"))
    card = func.coalesce(deliveries.c.guest_card_id, inquiries.c.guest_card_id, subject("guest_card"))
    person = func.coalesce(guest_cards.c.prospect_id, subject("prospect"))
    return (
        select(
            *(exceptions.c[name] for name in _ROW),
            guest_cards.c.key.label("card_key"),
            guest_cards.c.property_hint,
            *person_columns(_root, "holder"),
            *person_columns(_other, "maybe"),
            receipts.c.id.label("receipt_id"),
            receipts.c.feed,
            deliveries.c.destination,
            deliveries.c.kind.label("delivery_kind"),
            deliveries.c.state.label("delivery_state"),
        )
        .select_from(exceptions)
        .outerjoin(deliveries, deliveries.c.id == subject("delivery"))
        .outerjoin(inquiries, inquiries.c.id == subject("inquiry"))
        .outerjoin(receipts, receipts.c.id == receipt)
        .outerjoin(guest_cards, guest_cards.c.id == card)
        .outerjoin(prospects, prospects.c.id == person)
        .outerjoin(_root, _root.c.id == prospects.c.root_id)
        .outerjoin(_other, _other.c.id == guest_cards.c.may_be)
    )


def _exception_at(row: RowMapping) -> ExceptionRow:
    return ExceptionRow(
        **{name: row[name] for name in _ROW},
        card_key=row["card_key"] or "",
        property_hint=row["property_hint"] or "",
        person=person_at(row, "holder"),
        may_be=person_at(row, "maybe"),
        receipt_id=row["receipt_id"],
        feed=row["feed"] or "",
        destination=row["destination"] or "",
        delivery_kind=row["delivery_kind"] or "",
        delivery_state=row["delivery_state"] or "",
    )
