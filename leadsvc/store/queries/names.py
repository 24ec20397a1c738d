"""The mapping queue: unknown names with what they may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, select

from leadsvc.errors import NotFound
from leadsvc.places import Option, Suggestion, suggest
from leadsvc.store.tables import (
    agents,
    floor_plans,
    name_answers,
    name_sightings,
    properties,
    remote_names,
    sources,
    units,
    unmapped_names,
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer in force."""

    target: str
    label: str
    valid_from: date | None
    valid_to: date | None
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class NameRow:
    """One name of the queue. ``where`` tells the property or destination it was meant for; ``seen`` who came with it,
    ``waiting`` how many of them an answer would mend, ``last_seen_at`` when the last of them came; ``choices`` are all
    that it may be mapped to."""

    id: UUID
    kind: str
    text: str
    scope: str
    where: str
    feed: str
    source: str
    receipt_id: UUID | None
    first_seen_at: datetime
    last_seen_at: datetime
    seen: int
    waiting: int
    state: str
    suggestions: Sequence[Suggestion]
    choices: Sequence[Option]
    answers: Sequence[Answered]


@dataclass(frozen=True, slots=True)
class NamePage:
    """``counts`` are open names by kind."""

    names: Sequence[NameRow]
    counts: Mapping[str, int]
    more: bool


def list_names(
    connection: Connection, *, kind: str | None = None, state: str = "open", limit: int = 50, offset: int = 0
) -> NamePage:
    """The names of the queue in that state, those who make most leads wait first."""
    counted = _counted().subquery()
    statement = _names(counted).order_by(counted.c.waiting.desc(), unmapped_names.c.first_seen_at, unmapped_names.c.id)
    shown = ("open", "taken_back") if state == "open" else (state,)
    statement = statement.where(unmapped_names.c.state.in_(shown))
    if kind:
        statement = statement.where(unmapped_names.c.kind == kind)
    rows = connection.execute(statement.limit(limit + 1).offset(offset)).all()
    by_kind = (
        select(unmapped_names.c.kind, func.count())
        .where(unmapped_names.c.state.in_(("open", "taken_back")))
        .group_by(unmapped_names.c.kind)
    )
    counts = {row[0]: row[1] for row in connection.execute(by_kind.order_by(unmapped_names.c.kind))}
    return NamePage(_with_choices(connection, rows[:limit]), counts, len(rows) > limit)


def name_detail(connection: Connection, name_id: UUID) -> NameRow:
    """One name. Raises :class:`NotFound`."""
    counted = _counted().where(name_sightings.c.name_id == name_id).subquery()
    row = connection.execute(_names(counted).where(unmapped_names.c.id == name_id)).one_or_none()
    if row is None:
        raise NotFound("there is no such name in the mapping queue")
    return _with_choices(connection, [row])[0]


def _counted() -> Any:
    waiting = func.sum(case((name_sightings.c.state != "mended", 1), else_=0))
    return select(
        name_sightings.c.name_id,
        func.count().label("seen"),
        waiting.label("waiting"),
        func.max(name_sightings.c.at).label("last_seen_at"),
    ).group_by(name_sightings.c.name_id)


def _names(counted: Any) -> Any:
    return select(unmapped_names, counted.c.seen, counted.c.waiting, counted.c.last_seen_at).outerjoin(
        counted, counted.c.name_id == unmapped_names.c.id
    )


def _with_choices(connection: Connection, rows: Sequence[Row[Any]]) -> list[NameRow]:
    choices: dict[tuple[str, str], tuple[Option, ...]] = {}
    homes = {str(row.id): row.name for row in connection.execute(select(properties.c.id, properties.c.name))}
    given = select(name_answers).where(
        name_answers.c.name_id.in_([row.id for row in rows]), name_answers.c.revoked_at.is_(None)
    )
    said = list(connection.execute(given.order_by(name_answers.c.made_at)))
    found = []
    for row in rows:
        if (row.kind, row.scope) not in choices:
            choices[row.kind, row.scope] = options(connection, row.kind, row.scope)
        there = choices[row.kind, row.scope]
        labels = {each.target: each.label for each in there}
        answers = [
            Answered(a.target, labels.get(a.target, a.target), a.valid_from, a.valid_to, a.made_at, a.made_by)
            for a in said
            if a.name_id == row.id
        ]
        found.append(
            NameRow(
                row.id,
                row.kind,
                row.text,
                row.scope,
                homes.get(row.scope, row.scope),
                row.feed,
                row.source,
                row.receipt_id,
                row.first_seen_at,
                row.last_seen_at or row.first_seen_at,
                row.seen or 0,
                row.waiting or 0,
                row.state,
                suggest(row.text.replace("_", " "), there),
                there,
                answers,
            )
        )
    return found


def options(connection: Connection, kind: str, scope: str) -> tuple[Option, ...]:
    """Everything a name of that kind may be mapped to. ``scope``: the property's id, or the destination."""
    return _OPTIONS[kind](connection, scope)


def _properties(connection: Connection, _scope: str) -> tuple[Option, ...]:
    rows = connection.execute(select(properties).where(properties.c.active).order_by(properties.c.name))
    return tuple(
        Option(
            str(row.id),
            row.name,
            (row.remote_id, row.mailbox_tag),
            ", ".join(filter(None, (row.street, row.city, row.state))),
            row.street,
        )
        for row in rows
    )


def _units(connection: Connection, scope: str) -> tuple[Option, ...]:
    mine = (units.c.property_id == UUID(scope)) & units.c.active
    rows = connection.execute(select(units).where(mine).order_by(units.c.number))
    return tuple(Option(str(row.id), row.number, (row.remote_id,)) for row in rows)


def _plans(connection: Connection, scope: str) -> tuple[Option, ...]:
    mine = (floor_plans.c.property_id == UUID(scope)) & floor_plans.c.active
    rows = connection.execute(select(floor_plans).where(mine).order_by(floor_plans.c.name))
    return tuple(Option(str(row.id), row.name, (row.remote_id, _layout(row)), _layout(row)) for row in rows)


def _layout(row: Row[Any]) -> str:
    if row.bedrooms is None:
        return ""
    return "studio" if row.bedrooms == 0 else f"{row.bedrooms:g} bedroom"


def _agents(connection: Connection, scope: str) -> tuple[Option, ...]:
    home = connection.execute(
        select(properties.c.destination, properties.c.remote_id).where(properties.c.id == UUID(scope))
    ).one_or_none()
    if home is None:
        return ()
    rows = connection.execute(
        select(agents).where(agents.c.destination == home.destination, agents.c.active).order_by(agents.c.name)
    )
    return tuple(Option(row.remote_id, row.name, (row.remote_id,)) for row in rows if home.remote_id in row.properties)


def _sources(connection: Connection, _scope: str) -> tuple[Option, ...]:
    rows = connection.execute(select(sources).order_by(sources.c.name))
    return tuple(Option(row.slug, row.name, (row.slug,), row.category) for row in rows)


def _source_names(connection: Connection, scope: str) -> tuple[Option, ...]:
    mine = (remote_names.c.destination == scope) & (remote_names.c.kind == "source") & remote_names.c.active
    rows = connection.execute(select(remote_names.c.name).where(mine).order_by(remote_names.c.name)).scalars()
    return tuple(Option(name, name) for name in rows)


_OPTIONS = {
    "property": _properties,
    "unit": _units,
    "floor_plan": _plans,
    "agent": _agents,
    "source": _sources,
    "source_name": _source_names,
}
