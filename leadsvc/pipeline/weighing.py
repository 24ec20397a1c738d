"""Weights and thresholds, tried on everything that is on record before they are put in force."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from json import dumps

from sqlalchemy import Connection, select

from leadsvc.dedup import Columns, Outcome, gather, resolve
from leadsvc.dedup.blocks import Block, block
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.fit import FEW
from leadsvc.errors import NotFound, Reject
from leadsvc.pipeline.deciding import crowd_behind
from leadsvc.resolve.engine import Score, score
from leadsvc.resolve.levels import Usable, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.trace import Trace
from leadsvc.store.known import load_known
from leadsvc.store.tables import guest_cards, inquiries, match_verdicts, prospects

_ROWS = 5_000
_MOST = 200  # inquiries of one prospect that are compared
_KEY = re.compile(r"(?:PR|GC)-[0-9A-Z]{6,}", re.IGNORECASE)


# -- two inquiries ----------------------------------------------------------------------------------------------------


def explained(connection: Connection, one: str, other: str, model: Model) -> Score:
    """How two inquiries compare under a model. Each is the id of an inquiry, or the key of a prospect or guest card, of
    whose inquiries the two are taken that speak loudest. Raises :class:`NotFound`."""
    ours, theirs = (_named(connection, each) for each in (one, other))
    known = load_known(connection, {*ours.values(), *theirs.values()})
    crowd = crowd_behind(known)

    def told(inquiry: uuid.UUID) -> Usable:
        return usable(known.traces[inquiry], crowd, model.frequencies.masked)

    scores = [
        score(told(mine), told(his), model)
        for mine in ours.keys() & known.traces.keys()
        for his in theirs.keys() & known.traces.keys()
        if mine != his
    ]
    if not scores:
        raise NotFound("these are one inquiry: name two")
    return max(scores, key=lambda each: each.same)


def _named(connection: Connection, name: str) -> dict[uuid.UUID, uuid.UUID]:
    """The inquiries that a name stands for -> the prospect of each."""
    told = select(inquiries.c.id, prospects.c.root_id).join(prospects, prospects.c.id == inquiries.c.prospect_id)
    if _KEY.fullmatch(name):
        table = prospects if name.upper().startswith("PR") else guest_cards
        root = select(table.c.root_id).where(table.c.key == name.upper()).scalar_subquery()
        members = select(table.c.id).where(table.c.root_id == root)
        home = inquiries.c.prospect_id if table is prospects else inquiries.c.guest_card_id
        told = told.where(home.in_(members)).order_by(inquiries.c.received_at, inquiries.c.id).limit(_MOST)
    else:
        told = told.where(inquiries.c.id == _uuid(name))
    found = {row.id: row.root_id for row in connection.execute(told)}
    if not found:
        raise NotFound(f"there is no inquiry, prospect or guest card {name}")
    return found


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(f"{text!r} is no id of an inquiry and no key of a prospect or guest card (PR-…, GC-…)") from None


# -- everything on record ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """All inquiries, and what people have said of pairs of them (by row)."""

    columns: Columns
    same: frozenset[tuple[int, int]] = frozenset()
    apart: frozenset[tuple[int, int]] = frozenset()


def on_record(connection: Connection) -> Record:
    """Everything that a store holds, as the engine compares it."""
    columns = gather(_blocks(connection))
    row_of = {id: row for row, id in enumerate(columns.ids)}
    said: dict[tuple[int, int], str] = {}
    for row in connection.execute(select(match_verdicts).order_by(match_verdicts.c.decision_id)):
        one, other = row_of.get(row.inquiry_id.hex), row_of.get(row.other_id.hex)
        if one is not None and other is not None:
            said[min(one, other), max(one, other)] = row.verdict  # the last that was said holds
    same, apart = ({pair for pair, verdict in said.items() if verdict == each} for each in ("same", "apart"))
    return Record(columns, frozenset(same), frozenset(apart))


def _blocks(connection: Connection) -> Iterator[Block]:
    statement = select(inquiries.c.id, inquiries.c.trace).execution_options(yield_per=_ROWS)
    rows = iter(connection.execute(statement))
    while part := list(islice(rows, _ROWS)):
        yield block([Trace.from_json(row.id.hex, row.trace) for row in part if row.trace])


def refitted(record: Record, start: Model, cores: Cores, at: datetime) -> Outcome:
    """Weights learned from the record, without labels but with reviewers' verdicts, and what they say of it. Raises
    :class:`Reject` where there is too little to learn from."""
    if len(record.columns) < FEW:
        text = f"{len(record.columns)} inquiries are on record; from {FEW} on they tell more than the shipped weights."
        raise Reject(409, "Too few inquiries to learn from", text, code="too_few")
    found = resolve(record.columns, start, cores, same=record.same, apart=record.apart)
    model = replace(found.model, join=start.join, review=start.review)
    digest = blake2b(dumps(model.to_json(), sort_keys=True).encode(), digest_size=4).hexdigest()
    return replace(found, model=replace(model, version=f"fit-{at:%Y%m%d}-{digest}"))


@dataclass(frozen=True)
class Difference:
    """What another model would change. ``joined`` and ``parted``: pairs of rows that stand for people who would become
    one, or would come apart, the most certain first, with how they compare under the other model."""

    people: tuple[int, int]
    reviews: tuple[int, int]
    households: tuple[int, int]
    inquiries: int
    joined: list[tuple[int, int, Score]]
    parted: list[tuple[int, int, Score]]


def what_if(record: Record, now: Model, then: Model, cores: Cores) -> Difference:
    """Judge everything on record under both models."""
    before, after = (
        resolve(record.columns, model, cores, fit=False, same=record.same, apart=record.apart) for model in (now, then)
    )
    joined, parted = _moved(before, after), _moved(after, before)
    touched = {row for pair in (*joined, *parted) for row in pair}
    return Difference(
        (len(set(before.people.tolist())), len(set(after.people.tolist()))),
        (len(before.reviews), len(after.reviews)),
        (len(before.households), len(after.households)),
        len(touched),
        _scored(record.columns, joined, then),
        _scored(record.columns, parted, then),
    )


def _moved(before: Outcome, after: Outcome) -> list[tuple[int, int]]:
    """For each person after, one pair of rows for every further person before that it is made of."""
    first_of: dict[int, dict[int, int]] = {}
    for row, (was, now) in enumerate(zip(before.people.tolist(), after.people.tolist(), strict=True)):
        first_of.setdefault(now, {}).setdefault(was, row)
    return [(rows[0], other) for rows in (list(each.values()) for each in first_of.values()) for other in rows[1:]]


def _scored(columns: Columns, pairs: list[tuple[int, int]], model: Model) -> list[tuple[int, int, Score]]:
    def told_by(row: int) -> Usable:
        return usable(columns.trace(row), columns.crowd, model.frequencies.masked)

    told = [(one, other, score(told_by(one), told_by(other), model)) for one, other in pairs]
    return sorted(told, key=lambda each: (-abs(each[2].same), each[0], each[1]))
