"""What the store knows about the leads of one receipt: two look-ups by index, whatever the number of leads.

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

from leadsvc.errors import Conflict
from leadsvc.ids import lock_number
from leadsvc.resolve.names import fold, name_key
from leadsvc.resolve.person import Card, Identifier, Person
from leadsvc.resolve.trace import Trace
from leadsvc.store import lookup as lookups

# How far back the same message can be a re-delivery; the exact hours are the policy's.
_CONTENT_HORIZON = timedelta(days=7)

Pair = tuple[str, str]
"""The ids of two inquiries, as traces have them."""


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

    ``contents``: inquiries by source, property, message and name; ``recent``: those of a prospect. ``keyed``: inquiries
    by key, one more than the cap at most; ``traces`` and ``homes``: how an inquiry is compared, and the prospect it
    belonged to; ``members``: all inquiries of a prospect. ``marks``: what was seen with a contact value
    (:func:`leadsvc.resolve.keys.marks`). ``same``, ``apart``: pairs of inquiries on which a person has decided;
    ``mates``: households that were proposed.
    """

    persons: dict[UUID, Person] = field(default_factory=dict)
    behind: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    shared: set[UUID] = field(default_factory=set)
    stored: set[UUID] = field(default_factory=set)
    external: dict[str, Told] = field(default_factory=dict)
    contents: dict[UUID, list[Told]] = field(default_factory=lambda: defaultdict(list))
    recent: dict[UUID, list[Told]] = field(default_factory=lambda: defaultdict(list))
    receipt: dict[int, Told] = field(default_factory=dict)
    keyed: dict[int, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    traces: dict[UUID, Trace] = field(default_factory=dict)
    homes: dict[UUID, UUID] = field(default_factory=dict)
    members: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    marks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    same: set[Pair] = field(default_factory=set)
    apart: set[Pair] = field(default_factory=set)
    mates: set[frozenset[UUID]] = field(default_factory=set)
    revised: set[UUID] = field(default_factory=set)  # inquiries that this receipt, read again, has corrected before


# The look-ups that follow go by index however small the tables looked when PostgreSQL planned them: a plan is kept as
# long as its connection, and tables grow meanwhile.
_LOCK = (
    "SELECT set_config(name, 'off', true), NULL FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin',"
    " 'enable_mergejoin', 'jit']) AS name"
    " UNION ALL SELECT NULL, pg_advisory_xact_lock_shared(n)::text FROM unnest(%s::bigint[]) AS n"
    " UNION ALL SELECT NULL, pg_advisory_xact_lock(n)::text FROM unnest(%s::bigint[]) AS n"
)

_MANY = 1_500
"""Words beyond which everything is locked: the server's table of locks is small, and shared by everybody."""


def lock(connection: Connection, words: Iterable[str]) -> None:
    """Hold every word until the transaction ends, in one order for everybody. SQLite has one writer and needs none."""
    if connection.dialect.name != "postgresql":
        return
    numbers, everything = sorted({lock_number(word) for word in words}), [lock_number("every lead")]
    shared, own = (everything, numbers) if len(numbers) <= _MANY else ([], everything)
    connection.exec_driver_sql(_LOCK, tuple("{" + ",".join(map(str, each)) + "}" for each in (shared, own)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look up: identifiers, the keys of traces, external ids of a feed, contents. ``since``, ``until``: about
    when the leads were received or written."""

    feed: str
    identifiers: Collection[UUID]
    keys: Collection[int]
    external: Collection[str]
    contents: Collection[UUID]
    receipt_id: UUID
    since: datetime
    until: datetime

    @property
    def period(self) -> dict[str, str]:
        return {"since": _moment(self.since - _CONTENT_HORIZON), "until": _moment(self.until + _CONTENT_HORIZON)}


def look(connection: Connection, wanted: Wanted) -> Known:
    """What the leads may have to do with: inquiries they may repeat, inquiries that share a key, and the prospects
    behind their identifiers. The prospects themselves are not loaded (:func:`meet`)."""
    parameters = {
        "identifiers": json.dumps([identifier.hex for identifier in wanted.identifiers]),
        "keys": json.dumps(list(wanted.keys)),
        "external": json.dumps(list(wanted.external)),
        "contents": json.dumps([content.hex for content in wanted.contents]),
        "feed": wanted.feed,
        "receipt_id": wanted.receipt_id.hex,
    }
    rows = _rows(connection, lookups.lookup(connection.dialect.name), parameters | wanted.period)
    known = Known()
    for row in rows["identifier"]:
        identifier = UUID(row["id"])
        known.stored.add(identifier)
        if row["trust"] == "shared":
            known.shared.add(identifier)
        if row["root"] is not None:
            known.behind[identifier].add(UUID(row["root"]))
    known.keyed |= _keyed(rows)
    _add_traces(known, rows["near"])
    _add_marks(known, rows["marks"])
    known.receipt = {row["position"]: _told(row) for row in rows["receipt"]}
    known.revised = {UUID(row["id"]) for row in rows["revised"]}
    known.external = {row["external"]: _told(row) for row in rows["external"]}
    for row in rows["content"]:
        known.contents[UUID(row["content"])].append(_told(row))
    return known


def keyed(connection: Connection, keys: Collection[int]) -> dict[int, set[UUID]]:
    """The inquiries that have each of these keys, one more than the cap at most."""
    return _keyed(_rows(connection, lookups.keyed(connection.dialect.name), {"keys": json.dumps(sorted(keys))}))


def _keyed(rows: Rows) -> dict[int, set[UUID]]:
    return {row["key"]: {UUID(each) for each in row["inquiries"]} for row in rows["key"]}


def told_roots(known: Known) -> set[UUID]:
    """The prospects whose inquiries the leads may repeat."""
    told = [
        *known.receipt.values(),
        *known.external.values(),
        *(each for row in known.contents.values() for each in row),
    ]
    return {each.person for each in told}


def meet(connection: Connection, known: Known, roots: Collection[UUID], wanted: Wanted) -> None:
    """Load the prospects at ``roots`` into ``known``, with all that deciding needs of them."""
    if not roots:
        return
    parameters = {"roots": json.dumps([root.hex for root in sorted(roots)])} | wanted.period
    rows = _rows(connection, lookups.neighbours(connection.dialect.name), parameters)
    known.persons |= _persons(rows)
    if len(rows["person"]) < len(roots):
        raise Conflict("a prospect was merged meanwhile")
    _add_traces(known, rows["trace"])
    for row in rows["trace"]:
        known.members[UUID(row["root"])].append(UUID(row["id"]))
    for row in rows["recent"]:
        told = _told(row)
        known.recent[told.person].append(told)
    _add_marks(known, rows["marks"])
    for pair, said in _said_last(rows["verdict"]).items():
        (known.same if said["verdict"] == "same" else known.apart).add(pair)
    known.mates |= {frozenset((UUID(row["one"]), UUID(row["other"]))) for row in rows["mate"]}


def _said_last(rows: Iterable[Mapping[str, Any]]) -> dict[Pair, Mapping[str, Any]]:
    """Of what people said of two inquiries the last, as ids of decisions are in order of time: two who were told apart
    and then merged by hand are one."""
    said: dict[Pair, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda each: str(each["decision"])):
        one, other = sorted((UUID(row["one"]).hex, UUID(row["other"]).hex))
        said[one, other] = row
    return said


def _add_traces(known: Known, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        inquiry = UUID(row["id"])
        known.homes[inquiry] = UUID(row["root"])
        if inquiry not in known.traces:
            known.traces[inquiry] = Trace.from_json(inquiry.hex, row["trace"])


def _add_marks(known: Known, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        known.marks[row["value"]].update(row["marks"])


def load_known(connection: Connection, roots: Collection[UUID]) -> Known:
    """The prospects at ``roots`` with all that deciding needs of them; none of their inquiries in full."""
    known = Known()
    never = datetime.min.replace(tzinfo=UTC) + _CONTENT_HORIZON
    meet(connection, known, roots, Wanted("", (), (), (), (), UUID(int=0), never, never))
    return known


def load_persons(connection: Connection, roots: Collection[UUID]) -> dict[UUID, Person]:
    """The prospects at ``roots`` with identifiers, root cards, open first-contact tasks, and whom they are to be kept
    apart from."""
    parameters = {"roots": json.dumps([root.hex for root in roots])}
    return _persons(_rows(connection, lookups.people(connection.dialect.name), parameters))


Rows = dict[str, list[dict[str, Any]]]


def _rows(connection: Connection, statement: str, parameters: dict[str, str]) -> Rows:
    """The JSON objects by what they are."""
    rows: Rows = defaultdict(list)
    for what, row in connection.exec_driver_sql(statement, parameters).all():
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
    for said in _said_last(rows["verdict"]).values():
        if said["verdict"] == "apart":
            one, other = UUID(said["root"]), UUID(said["theirs"])
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
