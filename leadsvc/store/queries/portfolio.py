"""The operator's properties as one immutable picture, as the PMS last described them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from leadsvc.places import AgentRow, Alias, Answer, Directory, FloorPlanRow, PropertyRow, UnitRow
from leadsvc.store.tables import (
    agents,
    counters,
    floor_plans,
    name_answers,
    properties,
    property_aliases,
    sources,
    units,
)


@dataclass(frozen=True, slots=True)
class PropertyInfo:
    """What follow-up and delivery need to know of a property."""

    id: uuid.UUID
    name: str
    destination: str
    remote_id: str
    time_zone: str
    office_hours: Mapping[str, str]
    agents: tuple[str, ...]
    region: str = ""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """``version`` grows with every change, so that processes notice. ``own_values``: phones that are the operator's.
    ``sources``: slugs of the advertisers that are known."""

    version: int
    directory: Directory
    properties: Mapping[uuid.UUID, PropertyInfo]
    own_values: frozenset[str]
    sources: frozenset[str] = frozenset()


def portfolio_version(connection: Connection) -> int:
    found = connection.execute(select(counters.c.value).where(counters.c.name == "portfolio")).scalar()
    return int(found or 0)


def load_portfolio(connection: Connection) -> Portfolio:
    """Read all of it: a handful of statements, done when the version has changed."""
    version = portfolio_version(connection)
    aliases: dict[uuid.UUID, list[Alias]] = defaultdict(list)
    for row in connection.execute(select(property_aliases)):
        aliases[row.property_id].append(Alias(row.alias, row.valid_from, row.valid_to))
    answers = _answers(connection)
    for answer in answers:
        if answer.kind == "property":
            alias = Alias(answer.text, answer.valid_from, answer.valid_to)
            aliases[uuid.UUID(answer.target)].append(alias)
    rows = list(connection.execute(select(properties).where(properties.c.active)))
    staffed = list(connection.execute(select(agents).where(agents.c.active).order_by(agents.c.remote_id)))
    homes = {(row.destination, row.remote_id): row.id for row in rows}
    directory = Directory(
        properties=tuple(_property(row, tuple(aliases[row.id])) for row in rows),
        units=tuple(
            UnitRow(
                row.id, row.property_id, row.number, row.remote_id, row.floor_plan_id, tuple(row.listing_ids.values())
            )
            for row in connection.execute(select(units).where(units.c.active))
        ),
        floor_plans=tuple(
            FloorPlanRow(row.id, row.property_id, row.remote_id, row.name, row.bedrooms or 0, row.bathrooms or 0)
            for row in connection.execute(select(floor_plans).where(floor_plans.c.active))
        ),
        agents=tuple(
            AgentRow(
                row.remote_id,
                row.name,
                frozenset(homes[row.destination, each] for each in row.properties if (row.destination, each) in homes),
            )
            for row in staffed
        ),
        answers=answers,
    )
    staff: dict[tuple[str, str], list[str]] = defaultdict(list)
    for agent in staffed:
        for remote_id in agent.properties:
            staff[agent.destination, remote_id].append(agent.remote_id)
    infos = {
        row.id: PropertyInfo(
            row.id,
            row.name,
            row.destination,
            row.remote_id,
            row.time_zone,
            row.office_hours,
            tuple(staff[row.destination, row.remote_id]),
            row.region,
        )
        for row in rows
    }
    own = frozenset(row.office_phone for row in rows if row.office_phone)
    return Portfolio(version, directory, infos, own, frozenset(connection.execute(select(sources.c.slug)).scalars()))


def _answers(connection: Connection) -> tuple[Answer, ...]:
    """What people said that names mean, oldest first."""
    statement = select(name_answers).where(name_answers.c.revoked_at.is_(None))
    return tuple(
        Answer(row.kind, row.scope, row.key, row.text, row.target, row.valid_from, row.valid_to)
        for row in connection.execute(statement.order_by(name_answers.c.made_at, name_answers.c.id))
    )


def _property(row: Any, aliases: tuple[Alias, ...]) -> PropertyRow:
    return PropertyRow(
        id=row.id,
        remote_id=row.remote_id,
        name=row.name,
        time_zone=row.time_zone,
        street=row.street,
        city=row.city,
        state=row.state,
        postal_code=row.postal_code,
        mailbox_tag=row.mailbox_tag,
        aliases=aliases,
        office_phone=row.office_phone,
        listing_ids=row.listing_ids,
        managed_from=row.managed_from,
        managed_to=row.managed_to,
    )
