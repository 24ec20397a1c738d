"""What the store knows about the leads of one receipt: one look-up by index, whatever the number of leads.

Read after the locks are taken, inside the transaction that will write.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from leadsvc.ids import lock_number
from leadsvc.resolve.names import fold, name_key
from leadsvc.resolve.person import Card, Identifier, Person
from leadsvc.store.lookup import lookup, people

# How far back the same message can be a re-delivery; the exact hours are the policy's.
_CONTENT_HORIZON = timedelta(days=7)


@dataclass(slots=True)
class Told:
    """An inquiry that is on record already. ``lead`` is left out of those found by their content."""

    id: UUID
    person: UUID
    card: UUID
    occurred_at: datetime
    received_at: datetime
    revision: int
    receipt_id: UUID
    position: int
    content_receipt_id: UUID
    content_at: datetime
    property_id: UUID | None
    lead: Mapping[str, Any]


@dataclass(slots=True)
class Known:
    """Everything the planner may look at; it adds what it plans, so that later leads of a receipt see it.

    ``contents``: inquiries by source, property, message and name; ``recent``: those of a prospect.
    """

    persons: dict[UUID, Person] = field(default_factory=dict)
    behind: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    shared: set[UUID] = field(default_factory=set)
    stored: set[UUID] = field(default_factory=set)
    external: dict[str, Told] = field(default_factory=dict)
    contents: dict[UUID, list[Told]] = field(default_factory=lambda: defaultdict(list))
    recent: dict[UUID, list[Told]] = field(default_factory=lambda: defaultdict(list))
    receipt: dict[int, Told] = field(default_factory=dict)
    revised: set[UUID] = field(default_factory=set)  # inquiries that this receipt, read again, has corrected before


# The look-ups that follow go by index however small the tables looked when PostgreSQL planned them: a plan is kept as
# long as its connection, and tables grow meanwhile.
_LOCK = (
    "SELECT set_config(name, 'off', true), NULL FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin',"
    " 'enable_mergejoin', 'jit']) AS name"
    " UNION ALL SELECT NULL, pg_advisory_xact_lock(n)::text FROM unnest(%s::bigint[]) AS n"
)


def lock(connection: Connection, words: Iterable[str]) -> None:
    """Hold every word until the transaction ends, in one order for everybody. SQLite has one writer and needs none."""
    if connection.dialect.name != "postgresql":
        return
    numbers = sorted({lock_number(word) for word in words})
    connection.exec_driver_sql(_LOCK, ("{" + ",".join(map(str, numbers)) + "}",))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The keys to look up: identifiers with the folded name they came with, external ids of a feed, contents."""

    feed: str
    identifiers: Collection[tuple[UUID, str]]
    external: Collection[str]
    contents: Collection[UUID]
    receipt_id: UUID


def load(connection: Connection, wanted: Wanted, since: datetime, until: datetime) -> Known:
    """Look up everything ``wanted`` at once, for leads of between these times."""
    parameters = {
        "identifiers": json.dumps([identifier.hex for identifier, _ in wanted.identifiers]),
        "names": json.dumps(sorted({name for _, name in wanted.identifiers})),
        "external": json.dumps(list(wanted.external)),
        "contents": json.dumps([content.hex for content in wanted.contents]),
        "feed": wanted.feed,
        "receipt_id": wanted.receipt_id.hex,
        "since": _moment(since - _CONTENT_HORIZON),
        "until": _moment(until + _CONTENT_HORIZON),
    }
    rows = _rows(connection, lookup(connection.dialect.name), parameters)
    known = Known()
    for row in rows["identifier"]:
        identifier = UUID(row["id"])
        known.stored.add(identifier)
        if row["trust"] == "shared":
            known.shared.add(identifier)
        if row["root"] is not None:
            known.behind[identifier].add(UUID(row["root"]))
    known.receipt = {row["position"]: _told(row) for row in rows["receipt"]}
    known.revised = {UUID(row["id"]) for row in rows["revised"]}
    known.external = {row["external"]: _told(row) for row in rows["external"]}
    for row in rows["content"]:
        known.contents[UUID(row["content"])].append(_told(row))
    for row in rows["recent"]:
        told = _told(row)
        known.recent[told.person].append(told)
    known.persons = _persons(rows)
    return known


def load_persons(connection: Connection, roots: Collection[UUID]) -> dict[UUID, Person]:
    """The prospects at ``roots`` with identifiers, root cards, open first-contact tasks, and 'keep apart' verdicts."""
    parameters = {"roots": json.dumps([root.hex for root in roots])}
    return _persons(_rows(connection, people(connection.dialect.name), parameters))


Rows = dict[str, list[dict[str, Any]]]


def _rows(connection: Connection, statement: str, parameters: dict[str, str]) -> Rows:
    """The JSON objects by what they are."""
    rows: Rows = defaultdict(list)
    for what, row in connection.exec_driver_sql(statement, parameters):
        rows[what].append(json.loads(row) if isinstance(row, str) else row)
    return rows


def _moment(moment: datetime) -> str:
    """A time as both databases read it: UTC, which SQLite keeps without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _maybe(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _told(row: dict[str, Any]) -> Told:
    return Told(
        UUID(row["id"]),
        UUID(row["root"]),
        UUID(row["card"]),
        _time(row["occurred_at"]),
        _time(row["received_at"]),
        row["revision"],
        UUID(row["receipt"]),
        row["position"],
        UUID(row["content_receipt"]),
        _time(row["content_at"]),
        _maybe(row["property"]),
        row["lead"] or {},
    )


def _persons(rows: Rows) -> dict[UUID, Person]:
    persons: dict[UUID, Person] = {}
    for row in rows["person"]:
        person = Person(
            UUID(row["id"]),
            row["key"],
            row["version"],
            _time(row["first_at"]),
            _time(row["last_at"]),
            golden=row["golden"],
            standing=row["standing"],
            edits=row["edits"],
        )
        person.raw_names = [list(each) for each in row["names"]]
        person.names = [name_key(*each) for each in row["names"]]
        persons[person.id] = person
    for row in rows["member"]:
        person = persons[UUID(row["root"])]
        person.members.add(UUID(row["id"]))
        person.edited = person.edited or bool(row["edited"])
        if row["identifier"] is not None:
            identifier = Identifier(UUID(row["identifier"]), row["kind"], row["value"])
            person.identifiers[identifier.id] = identifier
            if row["id"] == row["root"]:
                person.own.add(identifier.id)
    _add_cards(persons, rows["card"])
    for row in rows["apart"]:
        one, other = UUID(row["one"]), UUID(row["other"])
        persons[one].apart.add(other)
        persons[other].apart.add(one)
    return persons


def _add_cards(persons: dict[UUID, Person], rows: list[dict[str, Any]]) -> None:
    members: dict[str, set[UUID]] = defaultdict(set)
    awake = set()
    for row in rows:
        members[row["root"]].add(UUID(row["id"]))
        if not row["asleep"]:
            awake.add(row["root"])
    for row in rows:
        if row["root"] != row["id"]:
            continue
        task = None
        if row["task"] is not None:
            task = {"id": UUID(row["task"]), "due_at": _time(row["due_at"]), "version": row["task_version"]}
        card = Card(
            UUID(row["id"]),
            row["key"],
            UUID(row["prospect"]),
            _maybe(row["property"]),
            row["hint"],
            _time(row["opened_at"]),
            _time(row["last_at"]),
            row["stage"],
            row["version"],
            task=task,
            unit_id=_maybe(row["unit"]),
            floor_plan_id=_maybe(row["floor_plan"]),
            asleep=row["root"] not in awake,
        )
        card.members = members[row["root"]]
        persons[UUID(row["person"])].cards.append(card)


def folded(given: str, family: str) -> str:
    """The text under which a name is kept beside an identifier."""
    return " ".join((*fold(given), *fold(family)))


def bump(connection: Connection, counter: str) -> None:
    """Tell other processes that what ``counter`` names has changed."""
    connection.execute(
        text(
            "INSERT INTO counters (name, value) VALUES (:name, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
        ),
        {"name": counter},
    )
