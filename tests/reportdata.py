"""Rows for report tests, put straight into the tables: people, cards, touches and outcomes at chosen instants."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Integer, Table, Text, Uuid, insert, update

from leadsvc.ids import public_key, uuid7
from leadsvc.store.tables import (
    guest_cards,
    identifiers,
    inquiries,
    outcomes,
    properties,
    prospect_identifiers,
    prospects,
    receipts,
    sources,
)
from leadsvc.store.types import UtcDateTime

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    """``2026-03-31T15:00`` as an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _indifferent(table: Table) -> dict[str, Any]:
    """Something for every column that must have a value and that no report looks at."""
    anything: dict[type[object], Any] = {Uuid: uuid7(), UtcDateTime: _EPOCH, Text: "", Integer: 0}
    required = [each for each in table.columns if not each.nullable and each.server_default is None]
    return {each.name: anything[type(each.type)] for each in required if type(each.type) in anything}


class Lot:
    """Collects rows in memory; :meth:`save` inserts them all in a few statements."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[dict[str, Any]]] = {
            table: []
            for table in (
                receipts,
                sources,
                properties,
                prospects,
                identifiers,
                prospect_identifiers,
                guest_cards,
                inquiries,
                outcomes,
            )
        }
        self._receipt = uuid7()
        self._rows[receipts].append(
            {
                "id": self._receipt,
                "received_at": _EPOCH,
                "feed": "test",
                "channel": "file",
                "headers": {},
                "body": b"",
                "body_sha256": "",
                "state": "processed",
                "processed_at": _EPOCH,
            }
        )

    def save(self, connection: Connection) -> None:
        """Insert everything collected."""
        for table, rows in self._rows.items():
            if rows:
                connection.execute(insert(table), [_indifferent(table) | row for row in rows])

    def source(self, slug: str, name: str, category: str = "ils") -> None:
        self._rows[sources].append({"slug": slug, "name": name, "category": category})

    def place(self, name: str, zone: str) -> uuid.UUID:
        made = {"id": uuid7(), "destination": "pms", "remote_id": f"R-{name}", "name": name, "time_zone": zone}
        self._rows[properties].append(made | {"office_hours": {}, "listing_ids": {}})
        return made["id"]  # type: ignore[return-value]  # the dict's values are of two types

    def person(self, kind: str = "email", trust: str = "own") -> uuid.UUID:
        """A prospect known by one identifier; ``kind`` empty: by none."""
        who, what = uuid7(), uuid7()
        times = {"first_at": _EPOCH, "last_at": _EPOCH}
        row = {"id": who, "root_id": who, "key": public_key("PR"), "names": [], "golden": {}, "edits": {}}
        self._rows[prospects].append(row | times)
        if kind:
            value = {"id": what, "kind": kind, "value": f"{what}@example.com", "trust": trust, "first_at": _EPOCH}
            link = {"prospect_id": who, "identifier_id": what, "first_at": _EPOCH}
            self._rows[identifiers].append(value)
            self._rows[prospect_identifiers].append(link)
        return who

    def card(self, person: uuid.UUID, place: uuid.UUID | None, key: str = "") -> uuid.UUID:
        made = uuid7()
        row = {"id": made, "root_id": made, "key": key or public_key("GC"), "prospect_id": person, "property_id": place}
        rest = {"first_source": "", "flags": [], "opened_at": _EPOCH, "last_at": _EPOCH}
        self._rows[guest_cards].append(row | rest)
        return made

    def touch(
        self, card: uuid.UUID, source: str, at: datetime, campaign: str = "", received: datetime | None = None
    ) -> None:
        """An inquiry on ``card``, received when the renter acted unless ``received`` says otherwise."""
        of = self._card(card)
        row = {
            "id": uuid7(),
            "receipt_id": self._receipt,
            "position": len(self._rows[inquiries]),
            "feed": "test",
            "prospect_id": of["prospect_id"],
            "guest_card_id": card,
            "property_id": of["property_id"],
            "source": source,
            "campaign": campaign,
            "contact_type": "form",
            "occurred_at": at,
            "received_at": received or at,
            "lead": {},
            "placement": {},
            "flags": [],
        }
        self._rows[inquiries].append(row)

    def _card(self, card: uuid.UUID) -> Mapping[str, Any]:
        return next(row for row in reversed(self._rows[guest_cards]) if row["id"] == card)

    def outcome(self, card: uuid.UUID, kind: str, at: datetime, origin: str = "entered") -> None:
        row = {"id": uuid7(), "guest_card_id": card, "kind": kind, "at": at, "origin": origin}
        self._rows[outcomes].append(row | {"recorded_by": "test", "recorded_at": at})


def point(connection: Connection, table: Table, row: uuid.UUID, root: uuid.UUID) -> None:
    """What a merge does to a prospect or a card, and (``root`` is the row itself) what its undoing does."""
    connection.execute(update(table).where(table.c.id == row).values(root_id=root))
