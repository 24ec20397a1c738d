"""What came by one feed since it was last looked at: counted by hour and day, and told to its streams.

Reads facts only, off the way of a lead. The place up to which was read moves in the same commit as the counts, so that
nothing counts twice."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, or_, select, update

from leadsvc.config import Feed
from leadsvc.drift import Stream
from leadsvc.errors import Conflict
from leadsvc.store.tables import feed_hours, feed_watch, field_days, inquiries, receipts

BATCH = 1000
_SETTLED = timedelta(seconds=10)
_GIVEN_UP = timedelta(minutes=10)
_HORIZON = timedelta(weeks=12)
_UNREAD = {"quarantined", "rejected"}
_FIELDS = (
    "name", "emails", "phones", "property_hints", "message", "move_in", "bedrooms", "bathrooms", "budget_cents",
    "occupants", "pets", "lease_term_months", "tour", "campaign", "external_id", "thread_id", "occurred_at",
    "unit_hint", "floor_plan_hint",
)  # fmt: skip


def count(connection: Connection, feed: Feed, now: datetime) -> int:
    """Count the next receipts of ``feed``; returns how many. Raises :class:`Conflict` when another process does."""
    place = _place(connection, feed.name, now)
    found = _receipts(connection, feed.name, place["read_to"] or now - _HORIZON, now)
    if not found:
        return 0
    counted = _Counted(feed, _streams(connection, feed.name))
    leads = _leads(connection, [row.id for row in found])
    for row in found:
        counted.add(row, leads.get(row.id, []))
    counted.write(connection, now)
    mine = (feed_watch.c.feed == feed.name) & (feed_watch.c.map_id == "")
    moved = {"read_to": found[-1].received_at, "version": place["version"] + 1}
    same = feed_watch.c.version == place["version"]
    if connection.execute(update(feed_watch).where(mine, same).values(**moved)).rowcount != 1:
        raise Conflict("another process counts this feed")
    return len(found)


def _place(connection: Connection, feed: str, now: datetime) -> Mapping[str, Any]:
    mine = (feed_watch.c.feed == feed) & (feed_watch.c.map_id == "")
    row = connection.execute(select(feed_watch.c.read_to, feed_watch.c.version).where(mine)).mappings().first()
    if row is not None:
        return dict(row)
    made = {"feed": feed, "map_id": "", "state": "never", "updated_at": now}
    connection.execute(insert(feed_watch).values(**made))
    return {"read_to": None, "version": 0}


def _receipts(connection: Connection, feed: str, since: datetime, now: datetime) -> Sequence[Any]:
    """In order of their arrival, up to one that is still being processed; what came out of a file is not news."""
    live = or_(receipts.c.delivery_key.is_(None), receipts.c.delivery_key.not_like("import:%"))
    statement = (
        select(receipts.c.id, receipts.c.received_at, receipts.c.state, receipts.c.map_id, receipts.c.failures)
        .where(receipts.c.feed == feed, receipts.c.received_at > since, receipts.c.received_at <= now - _SETTLED, live)
        .order_by(receipts.c.received_at, receipts.c.id)
        .limit(BATCH)
    )
    rows = list(connection.execute(statement))
    if len(rows) == BATCH and rows[0].received_at != rows[-1].received_at:
        rows = [row for row in rows if row.received_at != rows[-1].received_at]
    for number, row in enumerate(rows):
        if row.state == "pending" and now - row.received_at < _GIVEN_UP:
            return [each for each in rows[:number] if each.received_at < row.received_at]
    return rows


def _leads(connection: Connection, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    asked = select(inquiries.c.receipt_id, inquiries.c.lead, inquiries.c.property_id)
    for row in connection.execute(asked.where(inquiries.c.receipt_id.in_(ids))):
        found[row.receipt_id].append(row)
    return found


def _streams(connection: Connection, feed: str) -> dict[str, Stream]:
    mine = select(feed_watch.c.map_id, feed_watch.c.memory).where(feed_watch.c.feed == feed, feed_watch.c.map_id != "")
    return {row.map_id: Stream.of(row.memory) for row in connection.execute(mine)}


class _Counted:
    """The counts of one batch, and the streams as they are after it."""

    def __init__(self, feed: Feed, streams: dict[str, Stream]) -> None:
        self.feed = feed
        self.streams = streams
        self.changed: set[str] = set()
        self.firsts: dict[str, datetime] = {}
        self.hours: Counter[tuple[str, datetime, str]] = Counter()
        self.days: Counter[tuple[str, Any, str]] = Counter()

    def add(self, row: Any, leads: Sequence[Any]) -> None:
        map_id = self.feed.map or row.map_id
        hour = row.received_at.replace(minute=0, second=0, microsecond=0)
        if row.state in _UNREAD:
            self.hours[map_id, hour, "unread"] += 1
            if map_id:
                self._stream(map_id, row.received_at).unreadable(row.received_at, str(row.id))
            else:
                for other in self.streams.values():
                    other.perhaps(str(row.id))
                self.changed |= set(self.streams)
        elif map_id and row.state in ("processed", "duplicate"):
            self.hours[map_id, hour, "receipts"] += 1
            self.hours[map_id, hour, "leads"] += len(leads)
            stream = self._stream(map_id, row.received_at)
            stream.again(row.received_at)
            for lead in leads:
                told = _told(lead.lead, placed=lead.property_id is not None)
                stream.lead(row.received_at, str(row.id), told, _words(lead.lead))
                day = row.received_at.date()
                self.days.update((map_id, day, name) for name, so in told.items() if so)
                self.days[map_id, day, ""] += 1

    def _stream(self, map_id: str, at: datetime) -> Stream:
        self.changed.add(map_id)
        self.firsts.setdefault(map_id, at)
        return self.streams.setdefault(map_id, Stream())

    def write(self, connection: Connection, now: datetime) -> None:
        rows: dict[tuple[str, datetime], dict[str, int]] = defaultdict(dict)
        for (map_id, hour, what), number in self.hours.items():
            rows[map_id, hour][what] = number
        for (map_id, hour), numbers in rows.items():
            _add(connection, feed_hours, {"feed": self.feed.name, "map_id": map_id, "hour": hour}, numbers)
        for (map_id, day, name), number in self.days.items():
            key = {"feed": self.feed.name, "map_id": map_id, "day": day, "field": name}
            _add(connection, field_days, key, {"leads": number})
        for map_id in self.changed:
            save(connection, self.feed.name, map_id, self.streams[map_id], now, self.firsts.get(map_id))


def save(
    connection: Connection,
    feed: str,
    map_id: str,
    stream: Stream,
    now: datetime,
    first: datetime | None = None,
    **more: Any,
) -> None:
    """Keep what is known of a stream. ``first``: when it was first heard of, should it be new."""
    values = {"memory": stream.to_json(), "last_at": stream.last_at, "updated_at": now, **more}
    if stream.last_good:
        values["last_good"] = uuid.UUID(stream.last_good)
    mine = (feed_watch.c.feed == feed) & (feed_watch.c.map_id == map_id)
    if connection.execute(update(feed_watch).where(mine).values(**values)).rowcount == 0:
        made = {"feed": feed, "map_id": map_id, "state": "learning", "first_at": first, **values}
        connection.execute(insert(feed_watch).values(**made))


def _add(connection: Connection, table: Table, key: Mapping[str, Any], numbers: Mapping[str, int]) -> None:
    mine = [table.c[name] == value for name, value in key.items()]
    more = {name: table.c[name] + number for name, number in numbers.items()}
    if connection.execute(update(table).where(*mine).values(**more)).rowcount == 0:
        connection.execute(insert(table).values(**key, **numbers))


def _told(lead: Mapping[str, Any], *, placed: bool) -> dict[str, bool]:
    """What is so about a lead: fields that hold something; in bad cases, with a ``!``, that it is doubtful."""
    return {name: bool(lead.get(name)) for name in _FIELDS} | {
        "!doubtful": any(not note.startswith("missing:") for note in lead.get("notes") or ()),
        "!unplaced": not placed,
    }


def _words(lead: Mapping[str, Any]) -> list[str]:
    """Keys that nobody read and values that are one of a few."""
    keys = [f"key {key}" for key in (lead.get("unused") or ())[:20]]
    return [*keys, f"source {lead.get('source', '')}", f"contact type {lead.get('contact_type', '')}"]
