"""What the store should have come to: the engine asked about all inquiries at once, without any of the store's ways."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import TypeVar

from sqlalchemy import select

from leadsvc.resolve.engine import linked, partition
from leadsvc.resolve.keys import CAP, crowd_of, keys, marks
from leadsvc.resolve.levels import usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.roots import follow
from leadsvc.resolve.trace import Trace
from leadsvc.store import Store
from leadsvc.store.tables import inquiries, match_verdicts, prospects

People = set[frozenset[uuid.UUID]]
Member = TypeVar("Member", str, uuid.UUID)


def people(store: Store) -> People:
    """The inquiries of each prospect."""
    found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    statement = select(prospects.c.root_id, inquiries.c.id).join(inquiries, inquiries.c.prospect_id == prospects.c.id)
    with store.read() as connection:
        for root, inquiry in connection.execute(statement):
            found[root].add(inquiry)
    return {frozenset(each) for each in found.values()}


def at_once(store: Store, model: Model | None = None) -> People:
    """What the engine says of all traces in the store, found by comparing everybody who shares a key."""
    model = model or Model.default()
    with store.read() as connection:
        rows = connection.execute(select(inquiries.c.id, inquiries.c.trace)).all()
        said = connection.execute(select(match_verdicts)).all()
    traces = {row.id: Trace.from_json(row.id.hex, row.trace) for row in rows}
    verdicts = {
        word: {(row.inquiry_id, row.other_id) for row in said if row.verdict == word} for word in ("same", "apart")
    }
    seen: dict[str, set[str]] = defaultdict(set)
    having: dict[int, list[uuid.UUID]] = defaultdict(list)
    for inquiry, trace in traces.items():
        for value in (*trace.emails, *trace.phones):
            seen[value] |= set(marks(trace))
        for key in keys(trace):
            having[key].append(inquiry)

    def crowd(value: str) -> int:
        return crowd_of(seen[value])

    rows_of = {each: usable(trace, crowd, model.frequencies.masked) for each, trace in traces.items()}
    edges = [
        (one, other)
        for ids in having.values()
        if len(ids) <= CAP
        for place, one in enumerate(ids)
        for other in ids[place + 1 :]
        if linked(rows_of[one], rows_of[other], model)
    ]
    parts: dict[uuid.UUID, list[Trace]] = defaultdict(list)
    for each, root in follow([*edges, *sorted(verdicts["same"])], sorted(traces)).items():
        parts[root].append(traces[each])
    pairs = {word: [(one.hex, other.hex) for one, other in each] for word, each in verdicts.items()}
    found: People = set()
    for part in parts.values():
        told = partition(part, model, crowd, same=pairs["same"], apart=pairs["apart"])
        found |= {frozenset(map(uuid.UUID, cluster)) for cluster in told.clusters}
    return found


def agreement(one: set[frozenset[Member]], other: set[frozenset[Member]]) -> float:
    """Pairwise F1 of two divisions of the same inquiries; 1 when nobody shares anything in either."""
    ours, theirs = ({(a, b) for group in people for a in group for b in group if a < b} for people in (one, other))
    if not ours and not theirs:
        return 1.0
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))
