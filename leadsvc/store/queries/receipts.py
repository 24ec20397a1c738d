"""Receipts: the list and one delivery exactly as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, literal, select, union_all

from leadsvc.errors import NotFound
from leadsvc.store.queries.shapes import Json
from leadsvc.store.tables import fates, guest_cards, inquiries, receipts


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One delivery without its bytes."""

    id: UUID
    received_at: datetime
    feed: str
    channel: str
    content_type: str
    state: str
    cause: str
    detail: str
    map_id: str
    map_version: int
    leads_found: int
    failures: int
    processed_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one lead of a receipt: ``inquiry``, ``revision``, ``redelivery`` or ``rejected``. ``card_key`` is
    empty for the last."""

    position: int
    fate: str
    reason: str
    inquiry_id: UUID | None
    card_key: str
    source: str
    lead: Json


@dataclass(frozen=True, slots=True)
class ReceiptDetail:
    row: ReceiptRow
    headers: Json
    body: bytes
    body_sha256: str
    authenticated: str
    delivery_key: str
    answer: Json | None
    fates: Sequence[Fate]
    trust: str = ""
    trust_reason: str = ""


_ROW = tuple(ReceiptRow.__dataclass_fields__)


def receipt_detail(connection: Connection, receipt_id: UUID) -> ReceiptDetail:
    """One receipt with its bytes and the fate of every lead in it, in two statements. Raises :class:`NotFound`."""
    own = receipts.c
    extra = ("headers", "body", "body_sha256", "authenticated", "delivery_key", "answer", "trust", "trust_reason")
    statement = select(*(own[name] for name in (*_ROW, *extra))).where(own.id == receipt_id)
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no receipt {receipt_id}.")
    return ReceiptDetail(
        row=ReceiptRow(**{name: row[name] for name in _ROW}),
        headers=row["headers"],
        body=row["body"],
        body_sha256=row["body_sha256"],
        authenticated=row["authenticated"],
        delivery_key=row["delivery_key"] or "",
        answer=row["answer"],
        fates=_fates(connection, receipt_id),
        trust=row["trust"],
        trust_reason=row["trust_reason"],
    )


def _fates(connection: Connection, receipt_id: UUID) -> list[Fate]:
    made: Select[Any] = select(
        inquiries.c.position,
        literal("inquiry").label("fate"),
        literal("").label("reason"),
        inquiries.c.id.label("inquiry_id"),
        inquiries.c.guest_card_id.label("card_id"),
        inquiries.c.source,
        inquiries.c.lead,
    ).where(inquiries.c.receipt_id == receipt_id)
    other = (
        select(
            fates.c.position,
            fates.c.fate,
            fates.c.reason,
            fates.c.inquiry_id,
            inquiries.c.guest_card_id,
            inquiries.c.source,
            fates.c.lead,
        )
        .outerjoin(inquiries, inquiries.c.id == fates.c.inquiry_id)
        .where(fates.c.receipt_id == receipt_id)
    )
    both = union_all(made, other).subquery()
    statement = (
        select(both, guest_cards.c.key)
        .outerjoin(guest_cards, guest_cards.c.id == both.c.card_id)
        .order_by(both.c.position)
        .limit(1000)
    )
    return [
        Fate(row.position, row.fate, row.reason, row.inquiry_id, row.key or "", row.source or "", row.lead)
        for row in connection.execute(statement)
    ]
