"""What the store knows about the leads of one receipt: three look-ups by index, whatever the number of leads.

Read after the locks are taken, inside the transaction that will write.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Text, Uuid, and_, cast, literal, null, or_, select, text, union_all

from leadsvc.ids import lock_number
from leadsvc.resolve.names import fold, name_key
from leadsvc.resolve.person import Card, Identifier, Person
from leadsvc.store.tables import (
    guest_cards,
    identifiers,
    inquiries,
    match_decisions,
    prospect_identifiers,
    prospects,
    tasks,
)
from leadsvc.store.types import Json, UtcDateTime

# How far back the same message can be a re-delivery; the exact hours are the policy's.
_CONTENT_HORIZON = timedelta(days=7)


@dataclass(slots=True)
class Told:
    """An inquiry that is on record already."""

    id: uuid.UUID
    person: uuid.UUID
    card: uuid.UUID
    content_key: uuid.UUID
    occurred_at: datetime
    received_at: datetime
    revision: int
    receipt_id: uuid.UUID
    position: int
    content_receipt_id: uuid.UUID
    content_at: datetime
    lead: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """Everything the planner may look at; it adds what it plans, so that later leads of a receipt see it."""

    persons: dict[uuid.UUID, Person] = field(default_factory=dict)
    behind: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=lambda: defaultdict(set))
    shared: set[uuid.UUID] = field(default_factory=set)
    stored: set[uuid.UUID] = field(default_factory=set)
    external: dict[str, Told] = field(default_factory=dict)
    contents: dict[uuid.UUID, list[Told]] = field(default_factory=lambda: defaultdict(list))
    receipt: dict[int, Told] = field(default_factory=dict)


def lock(connection: Connection, words: Iterable[str]) -> None:
    """Hold every word until the transaction ends, in one order for everybody. SQLite has one writer and needs none."""
    if connection.dialect.name != "postgresql":
        return
    numbers = sorted({lock_number(word) for word in words})
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n", (numbers,))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The keys to look up: identifiers with the folded name they came with, external ids of a feed, contents."""

    feed: str
    identifiers: Collection[tuple[uuid.UUID, str]]
    external: Collection[str]
    contents: Collection[uuid.UUID]
    receipt_id: uuid.UUID


def load(connection: Connection, wanted: Wanted, received_at: datetime) -> Known:
    """Look up everything ``wanted`` at once, for a receipt of that time."""
    known = Known()
    roots: set[uuid.UUID] = set()
    for row in connection.execute(_find(wanted, received_at)):
        if row.what == "identifier":
            known.stored.add(row.identifier_id)
            if row.trust == "shared":
                known.shared.add(row.identifier_id)
            if row.root_id is not None:
                known.behind[row.identifier_id].add(row.root_id)
                roots.add(row.root_id)
            continue
        told = Told(
            row.inquiry_id,
            row.root_id,
            row.card_id,
            row.content_key,
            row.occurred_at,
            row.received_at,
            row.revision,
            row.receipt_id,
            row.position,
            row.content_receipt_id,
            row.content_at,
            row.lead or {},
        )
        roots.add(row.root_id)
        if row.what == "external":
            known.external[row.external_id] = told
        elif row.what == "receipt":
            known.receipt[row.position] = told
        else:
            known.contents[row.content_key].append(told)
    if roots:
        known.persons = load_persons(connection, roots)
    return known


def _find(wanted: Wanted, received_at: datetime) -> Any:
    branches: list[Select[Any]] = []
    ids = [identifier for identifier, _ in wanted.identifiers]
    if ids:
        names = sorted({name for _, name in wanted.identifiers})
        # A value that many share is looked up together with the name only: never a scan of everybody behind a desk.
        behind = (
            select(
                literal("identifier").label("what"),
                identifiers.c.id.label("identifier_id"),
                identifiers.c.trust.label("trust"),
                prospects.c.root_id.label("root_id"),
                *_no_inquiry(),
            )
            .select_from(
                identifiers.outerjoin(
                    prospect_identifiers,
                    and_(
                        prospect_identifiers.c.identifier_id == identifiers.c.id,
                        or_(identifiers.c.trust.in_(("own", "relay")), prospect_identifiers.c.name_key.in_(names)),
                    ),
                ).outerjoin(prospects, prospects.c.id == prospect_identifiers.c.prospect_id)
            )
            .where(identifiers.c.id.in_(ids))
        )
        branches.append(behind)
    if wanted.external:
        match = and_(inquiries.c.feed == wanted.feed, inquiries.c.external_id.in_(wanted.external))
        branches.append(_told("external", match))
    if wanted.contents:
        recent = inquiries.c.received_at.between(received_at - _CONTENT_HORIZON, received_at + _CONTENT_HORIZON)
        branches.append(_told("content", and_(inquiries.c.content_key.in_(wanted.contents), recent)))
    branches.append(_told("receipt", inquiries.c.receipt_id == wanted.receipt_id))
    return union_all(*branches)


def _no_inquiry() -> list[Any]:
    kinds = {
        "inquiry_id": Uuid,
        "card_id": Uuid,
        "content_key": Uuid,
        "external_id": Text,
        "occurred_at": UtcDateTime,
        "received_at": UtcDateTime,
    }
    empty: list[Any] = [cast(null(), kind).label(name) for name, kind in kinds.items()]
    receipt: list[Any] = [
        literal(0).label("revision"),
        cast(null(), Uuid).label("receipt_id"),
        literal(0).label("position"),
    ]
    receipt += [cast(null(), Uuid).label("content_receipt_id"), cast(null(), UtcDateTime).label("content_at")]
    return [*empty, *receipt, cast(null(), Json).label("lead")]


def _told(what: str, condition: Any) -> Select[Any]:
    from_ = inquiries.join(prospects, prospects.c.id == inquiries.c.prospect_id).join(
        guest_cards, guest_cards.c.id == inquiries.c.guest_card_id
    )
    return (
        select(
            literal(what).label("what"),
            cast(null(), Uuid).label("identifier_id"),
            literal("").label("trust"),
            prospects.c.root_id,
            inquiries.c.id.label("inquiry_id"),
            guest_cards.c.root_id.label("card_id"),
            inquiries.c.content_key,
            inquiries.c.external_id,
            inquiries.c.occurred_at,
            inquiries.c.received_at,
            inquiries.c.revision,
            inquiries.c.receipt_id,
            inquiries.c.position,
            inquiries.c.content_receipt_id,
            inquiries.c.content_at,
            (cast(null(), Json) if what == "content" else inquiries.c.lead).label("lead"),
        )
        .select_from(from_)
        .where(condition)
    )


def load_persons(connection: Connection, roots: Collection[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """The prospects at ``roots``: identifiers, root cards, open first-contact tasks, 'keep apart' verdicts."""
    persons: dict[uuid.UUID, Person] = {}
    for row in connection.execute(_persons(roots)):
        person = persons.get(row.id)
        if person is None:
            person = persons[row.id] = Person(
                row.id, row.key, row.version, row.first_at, row.last_at, golden=row.golden, standing=row.standing
            )
            person.raw_names = [list(each) for each in row.names]
            person.names = [name_key(*each) for each in row.names]
        person.members.add(row.member_id)
        if row.identifier_id is not None:
            person.identifiers[row.identifier_id] = Identifier(row.identifier_id, row.kind, row.value)
    _load_cards(connection, persons)
    if len(persons) > 1:
        _load_apart(connection, persons)
    return persons


def _load_cards(connection: Connection, persons: dict[uuid.UUID, Person]) -> None:
    members: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for row in connection.execute(_cards(persons)):
        members[row.root_id].add(row.id)
        if row.root_id != row.id:
            continue
        task = None
        if row.task_id is not None:
            task = {"id": row.task_id, "due_at": row.task_due_at, "version": row.task_version}
        card = Card(
            row.id,
            row.key,
            row.prospect_id,
            row.property_id,
            row.property_hint,
            row.opened_at,
            row.last_at,
            row.stage,
            row.version,
            task=task,
            unit_id=row.unit_id,
            floor_plan_id=row.floor_plan_id,
        )
        persons[row.person_id].cards.append(card)
    for person in persons.values():
        for card in person.cards:
            card.members = members[card.id]


def _persons(roots: Collection[uuid.UUID]) -> Select[Any]:
    member = prospects.alias("member")
    return (
        select(
            prospects.c.id,
            prospects.c.key,
            prospects.c.version,
            prospects.c.names,
            prospects.c.golden,
            prospects.c.standing,
            prospects.c.first_at,
            prospects.c.last_at,
            member.c.id.label("member_id"),
            identifiers.c.id.label("identifier_id"),
            identifiers.c.kind,
            identifiers.c.value,
        )
        .select_from(
            prospects.join(member, member.c.root_id == prospects.c.id)
            .outerjoin(prospect_identifiers, prospect_identifiers.c.prospect_id == member.c.id)
            .outerjoin(identifiers, identifiers.c.id == prospect_identifiers.c.identifier_id)
        )
        .where(prospects.c.id.in_(roots))
    )


def _cards(roots: Collection[uuid.UUID]) -> Select[Any]:
    opened = and_(tasks.c.guest_card_id == guest_cards.c.id, tasks.c.state == "open", tasks.c.kind == "first_contact")
    return (
        select(
            guest_cards,
            prospects.c.root_id.label("person_id"),
            tasks.c.id.label("task_id"),
            tasks.c.due_at.label("task_due_at"),
            tasks.c.version.label("task_version"),
        )
        .select_from(guest_cards.join(prospects, prospects.c.id == guest_cards.c.prospect_id).outerjoin(tasks, opened))
        .where(prospects.c.root_id.in_(roots))
    )


def _load_apart(connection: Connection, persons: dict[uuid.UUID, Person]) -> None:
    one, other = prospects.alias("one"), prospects.alias("other")
    statement = (
        select(one.c.root_id, other.c.root_id.label("other_root"))
        .select_from(
            match_decisions.join(one, one.c.id == match_decisions.c.prospect_id).join(
                other, other.c.id == match_decisions.c.other_prospect_id
            )
        )
        .where(match_decisions.c.kind == "keep_apart", one.c.root_id.in_(persons), other.c.root_id.in_(persons))
    )
    for row in connection.execute(statement):
        persons[row.root_id].apart.add(row.other_root)
        persons[row.other_root].apart.add(row.root_id)


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
