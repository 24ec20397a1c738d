"""Old receipts under other field maps: what would be read differently, field by field. Reads only."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, tuple_

from leadsvc import leadjson
from leadsvc.flat import row_of
from leadsvc.model import Lead, Reading, Verdict
from leadsvc.pipeline.intake import Intake
from leadsvc.store.tables import inquiries, receipts

# What a reading says of itself, not of the lead.
_ASIDE = frozenset({"lead", "map", "map_version", "confidence", "notes", "unused"})
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One flat key of one lead: ``change`` is gained, lost or changed; for a whole payload the key is ``verdict`` (or
    ``leads``, when their number differs)."""

    receipt: uuid.UUID
    position: int
    map_id: str
    key: str
    change: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Reread:
    """What came of one receipt."""

    receipt: uuid.UUID
    map_id: str
    differences: tuple[Difference, ...]


def reread(
    intake: Intake, since: datetime, until: datetime | None = None, feed: str = "", map_id: str = ""
) -> Iterator[Reread]:
    """Every receipt from ``since`` on, oldest first, read with the maps of ``intake`` and held against what it gave
    when it was processed. ``map_id`` keeps those that were, or now are, read by that map."""
    last: tuple[datetime, uuid.UUID] | None = None
    while True:
        with intake.store.read() as connection:
            rows = _page(connection, since, until, feed, last)
            held = _held(connection, [row.id for row in rows])
        for row in rows:
            reading = intake.read(intake.load(row.id))
            if map_id in ("", row.map_id, reading.map_id):
                found = tuple(_differences(row, held.get(row.id, {}), reading))
                yield Reread(row.id, reading.map_id or row.map_id, found)
        if len(rows) < _PAGE:
            return
        last = (rows[-1].received_at, rows[-1].id)


def _page(
    connection: Connection, since: datetime, until: datetime | None, feed: str, last: tuple[datetime, uuid.UUID] | None
) -> Sequence[Any]:
    columns = (receipts.c.id, receipts.c.received_at, receipts.c.state, receipts.c.map_id)
    statement = select(*columns).where(receipts.c.state != "pending", receipts.c.received_at >= since)
    if until is not None:
        statement = statement.where(receipts.c.received_at < until)
    if feed:
        statement = statement.where(receipts.c.feed == feed)
    if last is not None:
        statement = statement.where(tuple_(receipts.c.received_at, receipts.c.id) > tuple_(*last))
    return connection.execute(statement.order_by(receipts.c.received_at, receipts.c.id).limit(_PAGE)).all()


def _held(connection: Connection, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[int, Lead]]:
    """The leads whose present content came from these receipts. A redelivery's content is another receipt's."""
    found: dict[uuid.UUID, dict[int, Lead]] = {}
    columns = (inquiries.c.content_receipt_id, inquiries.c.position, inquiries.c.lead)
    for row in connection.execute(select(*columns).where(inquiries.c.content_receipt_id.in_(ids))):
        found.setdefault(row.content_receipt_id, {})[row.position] = leadjson.from_json(row.lead)
    return found


def _differences(row: Any, held: dict[int, Lead], reading: Reading) -> Iterator[Difference]:
    was = Verdict.LEADS.value if row.state in ("processed", "duplicate") else row.state
    now = {"quarantine": "quarantined"}.get(reading.verdict.value, reading.verdict.value)
    if was != now:
        yield Difference(row.id, 0, reading.map_id, "verdict", "changed", was, now)
        return
    read = dict(zip(reading.positions, reading.leads, strict=True))
    if held and set(held) - set(read):
        yield Difference(row.id, 0, reading.map_id, "leads", "changed", len(held), len(read))
    for position in sorted(set(held) & set(read)):
        yield from _fields(row.id, position, row_of(held[position]), row_of(read[position]), reading.map_id)


def _fields(
    receipt: uuid.UUID, position: int, before: dict[str, Any], after: dict[str, Any], map_id: str
) -> Iterator[Difference]:
    for key in after:
        was, now = before.get(key), after[key]
        if key in _ASIDE or was == now:
            continue
        change = "gained" if was in (None, [], {}, "") else "lost" if now in (None, [], {}, "") else "changed"
        yield Difference(receipt, position, map_id, key, change, was, now)
