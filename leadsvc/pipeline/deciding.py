"""Whom a lead belongs to, given what the store knows: candidates are gathered by key, the engine decides."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from leadsvc.model import ContactType
from leadsvc.pipeline.seen import Context, Seen, repeats
from leadsvc.pipeline.working import Working
from leadsvc.resolve.decide import Decision, decide, may_link
from leadsvc.resolve.joining import place
from leadsvc.resolve.keys import CAP, crowd_of, keys, marks
from leadsvc.resolve.levels import Crowd, spellings, usable
from leadsvc.resolve.likeness import Given
from leadsvc.resolve.model import Model
from leadsvc.resolve.trace import Trace
from leadsvc.store.known import Known, Told

# Contact types in which an empty message says nothing about whether two contacts are one.
_ALWAYS_NEW = {ContactType.CALL, ContactType.WALK_IN, ContactType.CHAT, ContactType.TEXT}

MOST_COMPARED = 60
"""Inquiries of one prospect that a new lead is compared with; the neighbourhood as a whole is looked at later."""


def crowd_behind(known: Known, trace: Trace | None = None) -> Crowd:
    """How many people are behind a value, with the writer of a new ``trace``."""
    own = set(marks(trace)) if trace else set()
    mine = {*trace.emails, *trace.phones} if trace else set()

    def crowd(value: str) -> int:
        seen = known.marks.get(value, set())
        return crowd_of(seen | own if value in mine else seen)

    return crowd


def candidates(known: Known, trace: Trace) -> set[uuid.UUID]:
    """Inquiries that share a key with ``trace``; a key that too many have leads to nobody."""
    own = uuid.UUID(trace.id)
    found: set[uuid.UUID] = set()
    for key in keys(trace):
        having = known.keyed.get(key, set())
        if len(having | {own}) <= CAP:
            found |= having
    return found - {own}


def to_meet(known: Known, traces: Iterable[Trace], model: Model, certain: Collection[uuid.UUID] = ()) -> set[uuid.UUID]:
    """The prospects that have to be loaded before anything is decided about ``traces``, with those that are ``certain``
    to be."""
    roots = set(certain)
    for trace in traces:
        crowd = crowd_behind(known, trace)
        mine = usable(trace, crowd, model.frequencies.masked)
        for inquiry in candidates(known, trace) & known.traces.keys():
            if known.homes[inquiry] not in roots and may_link(mine, known.traces[inquiry], crowd, model):
                roots.add(known.homes[inquiry])
    return roots


class Decider:
    """Looks at :class:`Known` and at what was planned so far; changes nothing."""

    def __init__(self, context: Context, known: Known, work: Working) -> None:
        self.context = context
        self.known = known
        self.work = work

    def decide(self, seen: Seen, trace: Trace) -> Decision:
        """Join, review or new, with what speaks for it. ``trace``: the lead as it is compared, with the id of its
        inquiry, which may be on record already."""
        groups, crowd = self._groups(seen, trace), crowd_behind(self.known, trace)
        placed = place(trace, groups, self.context.model, crowd, same=self.known.same, apart=self.known.apart)
        return decide(placed, self.known.persons, known_by=bool(seen.identity.identifiers))

    def _groups(self, seen: Seen, trace: Trace) -> dict[uuid.UUID, Sequence[Trace]]:
        known, root = self.known, self.work.root
        roots = {root(known.homes[each]) for each in candidates(known, trace) if each in known.homes}
        for each in seen.identity.identifiers:
            if each.id not in known.shared:
                roots |= {root(person) for person in known.behind.get(each.id, ())}
        own = uuid.UUID(trace.id)
        groups: dict[uuid.UUID, Sequence[Trace]] = {}
        for person in roots & known.persons.keys():
            rows = [
                known.traces[each] for each in known.members.get(person, ()) if each != own and each in known.traces
            ]
            if rows:
                groups[person] = telling(rows)
        return groups

    def _near(self, seen: Seen, inquiries: Iterable[Told]) -> list[Told]:
        """Those of ``inquiries`` that are close enough in time to be the same contact: by the renter's own time, and by
        arrival where one of the two does not tell its time."""
        if not seen.lead.message and seen.lead.contact_type in _ALWAYS_NEW:
            return []
        window = timedelta(hours=self.context.policy.redelivery_hours)
        now = self.context.received_at
        return [
            told
            for told in inquiries
            if abs(told.occurred_at - seen.occurred_at) <= window
            or (abs(told.received_at - now) <= window and (seen.flags or told.occurred_at == told.received_at))
        ]

    def _same_content(self, seen: Seen) -> list[Told]:
        """Inquiries that somebody of the same name made with the same content at about the same time."""
        return self._near(seen, self.known.contents.get(seen.content_key, ()))

    def twin(self, seen: Seen, decision: Decision) -> Told | None:
        """The inquiry that this lead repeats (P2)."""
        if decision.verdict != "join":
            return None
        same = {decision.person, *decision.merge}
        twins = [told for told in self._same_content(seen) if self.work.root(told.person) in same]
        own = [told for person in same if person for told in self.known.recent.get(person, ())]
        twins += [told for told in self._near(seen, own) if repeats(seen, told)]
        traces = self.known.traces
        twins = [told for told in twins if told.id not in traces or may_repeat(seen, traces[told.id])]
        return min(twins, key=lambda told: (told.received_at, told.id), default=None)


def may_repeat(seen: Seen, other: Trace) -> bool:
    """Whether two leads of one person with one content can be one delivered twice: nobody signs with another first name
    meanwhile, or has changed every address or number; and saying nothing is not saying the same."""
    one = seen.trace
    if spellings(one.spelled, one.suffix, other.spelled, other.suffix)[0] in {Given.DIFFERENT, Given.OTHER}:
        return False
    both = ((one.emails, other.emails), (one.phones, other.phones), (one.threads, other.threads))
    shared = any(set(ours) & set(theirs) for ours, theirs in both)
    return shared or bool(seen.lead.message and not any(ours and theirs for ours, theirs in both[:2]))


def telling(rows: list[Trace], most: int = MOST_COMPARED) -> list[Trace]:
    """At most so many traces of one prospect: of those who say the same of their writer the newest."""
    if len(rows) <= most:
        return rows
    latest: dict[tuple[object, ...], Trace] = {}
    for each in sorted(rows, key=lambda row: (row.at, row.id)):
        who = (each.given, each.family, each.suffix, each.emails, each.threads, each.phones)
        latest.pop(who, None)
        latest[who] = each
    return list(latest.values())[-most:]
