"""What inquiries are found and compared by: traces, keys, first names behind values. Kept with the inquiries, and made
anew when what they rest on changes.

Whoever changes what an inquiry says marks it ``unsettled``; :func:`retrace`, called by :mod:`.settling`, does the rest.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, func, select, update

from leadsvc.leadjson import from_json
from leadsvc.model import Lead
from leadsvc.resolve.keys import CAP, crowd_of, keys, marks
from leadsvc.resolve.levels import HUB
from leadsvc.resolve.person import counted
from leadsvc.resolve.trace import Trace, joined, number, of_lead
from leadsvc.store.bulk import Batch
from leadsvc.store.known import keyed
from leadsvc.store.tables import (
    fates,
    identifiers,
    inquiries,
    match_keys,
    properties,
    prospect_identifiers,
    reopenings,
)

if TYPE_CHECKING:
    from leadsvc.pipeline.working import Working

BY_ID = "same id of the sender"
SEVERAL = "several names write from it"


# -- while leads are planned ------------------------------------------------------------------------------------------


def enter(work: Working, trace: Trace, person: uuid.UUID) -> None:
    """A new inquiry of ``person`` can be found from now on."""
    known, inquiry = work.known, uuid.UUID(trace.id)
    known.traces[inquiry], known.homes[inquiry] = trace, person
    known.members[person].append(inquiry)
    _key(work, inquiry, keys(trace))
    _mark(work, trace, inquiry)


def add(work: Working, inquiry: uuid.UUID, trace: Trace) -> None:
    """An inquiry was delivered again: it is found by what is new in ``trace``, too."""
    before = work.known.traces.get(inquiry)
    if before is None:
        return
    after = joined(before, trace)
    if after != before:
        _change(work, inquiry, after)


def replace_by(work: Working, inquiry: uuid.UUID, trace: Trace) -> None:
    """An inquiry was corrected. Keys that it has no more stay until it is settled: they lead to a comparison only."""
    _change(work, inquiry, trace)


def _change(work: Working, inquiry: uuid.UUID, trace: Trace) -> None:
    before = work.known.traces.get(inquiry)
    work.known.traces[inquiry] = trace
    work.retraced(inquiry, trace)
    _key(work, inquiry, sorted(set(keys(trace)) - (set(keys(before)) if before else set())))
    _mark(work, trace, inquiry)


def _key(work: Working, inquiry: uuid.UUID, wanted: Iterable[int]) -> None:
    """A key that one more inquiry makes too common leads to nobody any more: who met by it is looked at again."""
    for key in wanted:
        having = work.known.keyed[key]
        if inquiry in having:
            continue
        having.add(inquiry)
        work.batch.insert(match_keys, {"key": key, "inquiry_id": inquiry}, keep=True)
        if len(having) == CAP + 1:
            for each in having:
                work.reopen(each, "key")


def _mark(work: Working, trace: Trace, inquiry: uuid.UUID) -> None:
    """Count the writer behind every value of the trace. One more behind a value changes what the value is worth, also
    for those who came before; one more than a household has makes it a hub, which is worth nothing."""
    known = work.known
    for identifier in counted(trace):
        before = known.marks[identifier.value]
        after = with_marks(before, marks(trace))
        if after == before:
            continue
        known.marks[identifier.value] = after
        work.enter(identifier)
        work.marked(identifier.id, after)
        if crowd_of(after) == crowd_of(before):
            continue
        letter = "e" if identifier.kind == "email" else "p"
        having = known.keyed.get(number(f"{letter}|{identifier.value}"), set())
        if len(having) <= CAP:
            for each in having - {inquiry}:
                work.reopen(each, "value")
        for person in {work.root(each) for each in known.behind.get(identifier.id, ())}:
            for each in known.members.get(person, [])[:1]:
                work.reopen(each, "value")
        if crowd_of(after) > HUB and identifier.id not in known.shared:
            work.mark_shared(identifier.id)


def with_marks(seen: Collection[str], more: Iterable[str]) -> set[str]:
    """What was seen with a value, with ``more``; of a hub nothing more is worth knowing."""
    return set(seen) if crowd_of(seen) > HUB else {*seen, *more}


# -- out of the facts -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """An inquiry on record with everything that was ever delivered of it, its own content first."""

    row: Any  # of inquiries, with the region of the property
    leads: Sequence[Lead]

    def trace(self, ignored: frozenset[str]) -> Trace:
        row = self.row
        place, region = row.property_id.hex if row.property_id else "", row.region or ""
        first, *again = (of_lead(row.id.hex, lead, row.occurred_at, place, region, ignored) for lead in self.leads)
        for each in again:
            first = joined(first, each)
        return first


def kept(connection: Connection, which: Any) -> list[Kept]:
    """The inquiries that fit the condition ``which``, oldest first."""
    own = (
        select(
            inquiries.c.id,
            inquiries.c.prospect_id,
            inquiries.c.occurred_at,
            inquiries.c.property_id,
            inquiries.c.lead,
            inquiries.c.trace,
            inquiries.c.unsettled,
            properties.c.region,
        )
        .outerjoin(properties, properties.c.id == inquiries.c.property_id)
        .where(which)
        .order_by(inquiries.c.occurred_at, inquiries.c.id)
    )
    # What comes again under the same id says nothing new, and nothing at all once the sender has corrected it.
    repeated = fates.c.fate == "redelivery", fates.c.reason.not_like(f"{BY_ID}%")
    again = select(fates.c.inquiry_id, fates.c.lead).join(inquiries, inquiries.c.id == fates.c.inquiry_id)
    told: dict[uuid.UUID, list[Lead]] = defaultdict(list)
    rows = connection.execute(own).all()
    for row in connection.execute(again.where(which, *repeated).order_by(fates.c.receipt_id, fates.c.position)):
        told[row.inquiry_id].append(from_json(row.lead))
    return [Kept(row, [from_json(row.lead), *told[row.id]]) for row in rows]


def retrace(connection: Connection, found: Iterable[Kept], ignored: frozenset[str]) -> set[uuid.UUID]:
    """Bring traces, keys and names of these inquiries up to date, and put into the queue who has to be looked at again:
    who was marked so, whose trace is another now, and who met by a key or a value that means another thing now. Returns
    the inquiries whose trace was out of date though they were not marked."""
    found = list(found)
    changed = [_Change(each.row, each.trace(ignored)) for each in found]
    changed = [each for each in changed if each.trace.to_json() != each.row.trace]
    batch = Batch()
    again = dict.fromkeys([each.row.id for each in found if each.row.unsettled], "lead")
    again |= dict.fromkeys([each.row.id for each in changed], "traced")
    if changed:
        for each in changed:
            batch.update(inquiries, {"id": each.row.id}, {"trace": each.trace.to_json()})
        again = dict.fromkeys(_keyed(connection, batch, changed), "key") | again
        again = dict.fromkeys(_marked(connection, [each.trace for each in changed]), "value") | again
    now = datetime.now(UTC)
    for inquiry, why in again.items():
        batch.insert(reopenings, {"inquiry_id": inquiry, "why": why, "asked_at": now, "failures": 0}, keep=True)
    batch.flush(connection)
    marked = [each.row.id for each in found if each.row.unsettled]
    if marked:
        connection.execute(update(inquiries).where(inquiries.c.id.in_(marked)).values(unsettled=False))
    return {each.row.id for each in changed if not each.row.unsettled}


class _Change:
    """An inquiry whose trace is another now, with the keys that came and went."""

    def __init__(self, row: Row[Any], trace: Trace) -> None:
        self.row, self.trace = row, trace
        before = set(keys(Trace.from_json(row.id.hex, row.trace))) if row.trace else set[int]()
        self.gained, self.lost = set(keys(trace)) - before, before - set(keys(trace))


def _keyed(connection: Connection, batch: Batch, changed: Sequence[_Change]) -> set[uuid.UUID]:
    """Write keys; returns who met by a key that passed the cap, one way or the other."""
    gained, lost = Counter[int](), Counter[int]()
    for each in changed:
        gained.update(each.gained)
        lost.update(each.lost)
        for key in sorted(each.gained):
            batch.insert(match_keys, {"key": key, "inquiry_id": each.row.id}, keep=True)
    having = keyed(connection, gained.keys() | lost.keys())
    for each in changed:
        if each.lost:
            gone = (match_keys.c.inquiry_id == each.row.id) & match_keys.c.key.in_(each.lost)
            connection.execute(delete(match_keys).where(gone))
    passed = {key for key, more in gained.items() if len(having.get(key, ())) <= CAP < len(having.get(key, ())) + more}
    many = [key for key in lost if len(having.get(key, ())) > CAP]
    if many:
        counted = select(match_keys.c.key, func.count()).where(match_keys.c.key.in_(many)).group_by(match_keys.c.key)
        passed |= {key for key, left in connection.execute(counted) if left <= CAP}
    return {inquiry for key in passed for inquiry in having[key]}


def _marked(connection: Connection, traces: Iterable[Trace]) -> set[uuid.UUID]:
    """Count who is behind values; returns one inquiry of each prospect behind a value that is worth less now."""
    wanted: dict[uuid.UUID, set[str]] = defaultdict(set)
    for trace in traces:
        for identifier in counted(trace):
            wanted[identifier.id].update(marks(trace))
    grown = []
    stored = select(identifiers.c.id, identifiers.c.marks, identifiers.c.trust).where(identifiers.c.id.in_(wanted))
    for row in connection.execute(stored) if wanted else ():
        before, after = set(row.marks), with_marks(row.marks, sorted(wanted[row.id]))
        if after == before:
            continue
        hub = crowd_of(after) > HUB and row.trust == "own"
        trust = {"trust": "shared", "trust_reason": SEVERAL} if hub else {}
        connection.execute(update(identifiers).where(identifiers.c.id == row.id).values(marks=sorted(after), **trust))
        if crowd_of(after) > crowd_of(before):
            grown.append(row.id)
    if not grown:
        return set()
    behind = (
        select(inquiries.c.prospect_id, inquiries.c.id)
        .join(prospect_identifiers, prospect_identifiers.c.prospect_id == inquiries.c.prospect_id)
        .where(prospect_identifiers.c.identifier_id.in_(grown))
    )
    return set({row.prospect_id: row.id for row in connection.execute(behind)}.values())
