"""What the source report reads: touches of whole persons, conversions, places. A fixed number of statements for any
amount of data; touches are streamed.

Persons and cards are their roots, so that a merge or its undoing changes the next report and no stored figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, String, and_, exists, func, select, text, type_coerce, union

from leadsvc.reports.ledger import Id, Reached, Seen
from leadsvc.store.tables import (
    guest_cards,
    identifiers,
    inquiries,
    outcomes,
    properties,
    prospect_identifiers,
    prospects,
    sources,
)

_BATCH = 5_000
# A cursor is planned for its first rows unless told that all will be read; sorting a month should not need the disk.
_WHOLE_ANSWER = "SELECT set_config('cursor_tuple_fraction', '1', true), set_config('work_mem', '64MB', true)"


@dataclass(frozen=True, slots=True)
class Place:
    """A property. ``raw`` is its id as the other functions here give it."""

    id: UUID
    raw: Id
    name: str
    remote_id: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Asked:
    """``since`` (included) to ``until`` (excluded) covers every local month asked for; nothing after ``now`` counts.
    ``conversion`` is a kind of outcome, or ``lead``."""

    since: datetime
    until: datetime
    now: datetime
    conversion: str
    property_id: UUID | None = None
    unplaced: bool = False

    def covers(self, at: Any, place: Any) -> ColumnElement[bool]:
        """Whether something at these columns can be in the report."""
        within: list[ColumnElement[bool]] = [at >= self.since, at < self.until, at <= self.now]
        if self.property_id is not None:
            within.append(place == self.property_id)
        if self.unplaced:
            within.append(place.is_(None))
        return and_(*within)


def places(connection: Connection) -> Mapping[UUID, Place]:
    """Every property, also those no longer managed: their history stays."""
    columns = (
        properties.c.id,
        _raw(properties.c.id).label("raw"),
        properties.c.name,
        properties.c.remote_id,
        properties.c.time_zone,
    )
    return {row.id: Place(*row) for row in connection.execute(select(*columns))}


def source_names(connection: Connection) -> Mapping[str, str]:
    """Slug to name; a source that nobody has named is shown by its slug."""
    return {row.slug: row.name for row in connection.execute(select(sources.c.slug, sources.c.name))}


def touches(connection: Connection, asked: Asked) -> Iterator[tuple[Id, list[Seen]]]:
    """Person by person every touch up to ``now`` of whoever touched or converted in the months asked for, in the order
    of :attr:`leadsvc.attribution.Touch.order` (intake has judged the senders' clocks)."""
    person = prospects.c.root_id
    statement = (
        select(
            _raw(person),
            _raw(guest_cards.c.root_id),
            _raw(inquiries.c.property_id),
            inquiries.c.occurred_at,
            inquiries.c.source,
            inquiries.c.campaign,
        )
        .join(prospects, prospects.c.id == inquiries.c.prospect_id)
        .join(guest_cards, guest_cards.c.id == inquiries.c.guest_card_id)
        .where(person.in_(_persons(asked)), inquiries.c.occurred_at <= asked.now)
        .order_by(person, inquiries.c.occurred_at, inquiries.c.received_at, inquiries.c.id)
    )
    if connection.dialect.name == "postgresql":
        connection.execute(text(_WHOLE_ANSWER))
    rows = connection.execution_options(yield_per=_BATCH).execute(statement)
    for root, own in groupby(rows, key=itemgetter(0)):
        yield root, [Seen(*row[1:]) for row in own]


def _raw(column: Any) -> Any:
    """An id as the driver gives it: making UUIDs of hundreds of thousands costs more than reading them."""
    return type_coerce(column, String)


def _persons(asked: Asked) -> Any:
    touched = (
        select(prospects.c.root_id)
        .join(inquiries, inquiries.c.prospect_id == prospects.c.id)
        .where(asked.covers(inquiries.c.occurred_at, inquiries.c.property_id))
    )
    if asked.conversion == "lead":
        return touched.distinct()
    converted = _reached(asked).subquery()
    return union(touched, select(converted.c.person))


def reached(connection: Connection, asked: Asked) -> dict[Id, list[Reached]]:
    """Conversions by person: of each guest card the first outcome of the kind, where it falls into the months asked
    for. What two destinations both report, or a merge brought together, is one conversion."""
    found: dict[Id, list[Reached]] = {}
    if asked.conversion == "lead":
        return found
    for person, card, place, at in connection.execute(_reached(asked).order_by("at", "card")):
        found.setdefault(person, []).append(Reached(card, place, at))
    return found


def _reached(asked: Asked) -> Select[Any]:
    card, root = guest_cards.alias("outcome_card"), guest_cards.alias("root_card")
    earlier, its_card = outcomes.alias("earlier"), guest_cards.alias("earlier_card")
    before = (
        select(earlier.c.id)
        .join(its_card, its_card.c.id == earlier.c.guest_card_id)
        .where(its_card.c.root_id == card.c.root_id, earlier.c.kind == outcomes.c.kind, earlier.c.at < outcomes.c.at)
    )
    return (
        select(
            _raw(prospects.c.root_id).label("person"),
            _raw(root.c.id).label("card"),
            _raw(root.c.property_id).label("place"),
            func.min(outcomes.c.at).label("at"),
        )
        .join(card, card.c.id == outcomes.c.guest_card_id)
        .join(root, root.c.id == card.c.root_id)
        .join(prospects, prospects.c.id == root.c.prospect_id)
        .where(outcomes.c.kind == asked.conversion, asked.covers(outcomes.c.at, root.c.property_id), ~exists(before))
        .group_by(prospects.c.root_id, root.c.id, root.c.property_id)
    )


def unidentified(connection: Connection, asked: Asked) -> frozenset[Id]:
    """Of the persons in the report those of whom only relay addresses, or nothing at all, are known."""
    member = prospects.alias("member")
    real = (
        select(prospect_identifiers.c.prospect_id)
        .join(identifiers, identifiers.c.id == prospect_identifiers.c.identifier_id)
        .join(member, member.c.id == prospect_identifiers.c.prospect_id)
        .where(
            member.c.root_id == prospects.c.id,
            identifiers.c.kind.in_(("email", "phone")),
            identifiers.c.trust.in_(("own", "shared")),
        )
    )
    statement = select(_raw(prospects.c.id)).where(prospects.c.id.in_(_persons(asked)), ~exists(real))
    return frozenset(connection.execute(statement).scalars())


def public_keys(connection: Connection, cards: Sequence[Id]) -> list[tuple[Id, str]]:
    """(card, its public key), by public key."""
    found: list[tuple[Id, str]] = []
    for start in range(0, len(cards), _BATCH):
        some = guest_cards.c.id.in_([UUID(str(card)) for card in cards[start : start + _BATCH]])
        found += [
            tuple(row) for row in connection.execute(select(_raw(guest_cards.c.id), guest_cards.c.key).where(some))
        ]
    return sorted(found, key=itemgetter(1))
