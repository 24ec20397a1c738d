"""All inquiries that have to be judged together with one: its prospect's, and whatever any of them is linked to.

Closed under links, so that what is found out about a neighbourhood is what would be found out about the whole store
(SPEC §6: a function of the inquiries, the verdicts and one model).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import Connection, select

from leadsvc.pipeline.deciding import candidates, crowd_behind, to_meet
from leadsvc.resolve.engine import FLOOR, LARGEST, TIGHTER, TIGHTEST, Score, in_order, odds, partition, score, who
from leadsvc.resolve.keys import CAP, given_root, keys
from leadsvc.resolve.levels import HUB, Usable, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.person import Identifier, counted
from leadsvc.resolve.roots import follow
from leadsvc.resolve.trace import Trace, number
from leadsvc.store.known import Known, Wanted, look, meet
from leadsvc.store.tables import inquiries, match_verdicts, prospects

_FAR_BACK = datetime(1, 1, 10, tzinfo=UTC)


class TooLarge(Exception):
    """The neighbourhood cannot be taken apart into such as can be judged together."""


@dataclass(slots=True)
class Judged:
    """What the engine says of a neighbourhood. ``roots``: its prospects; ``people``: inquiries that are one person;
    ``reviews``, ``households``: pairs of inquiries standing for two people."""

    known: Known
    roots: set[uuid.UUID]
    people: list[set[uuid.UUID]] = field(default_factory=list)
    reviews: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)
    households: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)

    def told_by(self, root: uuid.UUID) -> list[uuid.UUID]:
        """The inquiries of a prospect that can be compared."""
        return [each for each in self.known.members.get(root, ()) if each in self.known.traces]


class Neighbourhood:
    """Grows around one prospect; :meth:`judged` then takes it apart."""

    def __init__(self, connection: Connection, model: Model, root: uuid.UUID) -> None:
        self.connection, self.model = connection, model
        self.known = Known()
        self.inside: set[uuid.UUID] = set()
        self._usable: dict[uuid.UUID, Usable] = {}
        self._odds: dict[tuple[uuid.UUID, uuid.UUID], float] = {}
        self._met: set[uuid.UUID] = set()
        self._standing: dict[uuid.UUID, list[uuid.UUID]] = {}
        self._parts: list[list[uuid.UUID]] = []
        self._floor = FLOOR
        while not self._grown(root):
            self._floor += TIGHTER
            if self._floor > TIGHTEST:
                raise TooLarge

    def judged(self) -> Judged:
        """Everything inside, taken apart into people, component by component."""
        found = Judged(self.known, self.inside)
        traces, crowd = self.known.traces, crowd_behind(self.known)
        for part in self._parts:
            together = [traces[each] for each in part]
            told = partition(together, self.model, crowd, same=self.known.same, apart=self.known.apart)
            clusters = [{uuid.UUID(each) for each in cluster} for cluster in told.clusters]
            found.people += [set().union(*(self._standing[each] for each in cluster)) for cluster in clusters]
            found.reviews += [(uuid.UUID(one), uuid.UUID(other)) for one, other, _ in told.reviews]
            found.households += [(uuid.UUID(one), uuid.UUID(other)) for one, other, _ in told.households]
        return found

    def score(self, one: uuid.UUID, other: uuid.UUID) -> Score:
        """How two inquiries compare."""
        return score(self._as_compared(one), self._as_compared(other), self.model)

    # -- growing ------------------------------------------------------------------------------------------------------

    def _grown(self, root: uuid.UUID) -> bool:
        """Everything linked with ``root`` beyond the floor; whether it can be judged. Stops as soon as it is too much:
        a prospect is looked at whole, however many inquiries it has."""
        self.inside, frontier = set(), {root}
        self._meet(frontier)
        most = LARGEST
        while frontier:
            self.inside |= frontier
            if self._crowded:
                found = len(self._alike())
                most = max(most, found) if self.inside == {root} else most
                if found > most:
                    return False
            frontier = self._around(frontier) - self.inside
        self._standing = self._alike()
        self._parts = self._components()
        return all(len(each) <= LARGEST for each in self._parts)

    @property
    def _crowded(self) -> bool:
        return self._floor > FLOOR or sum(len(self.known.members[each]) for each in self.inside) > LARGEST

    def _alike(self) -> dict[uuid.UUID, list[uuid.UUID]]:
        """The inquiries inside, each with those that count once with it: itself alone unless they are too many."""
        inside = [each for root in self.inside for each in self._told(root)]
        if not self._crowded:
            return {each: [each] for each in inside}
        ruled = {uuid.UUID(each) for pair in (*self.known.same, *self.known.apart) for each in pair}
        found: dict[object, list[uuid.UUID]] = defaultdict(list)
        for trace in in_order(self.known.traces[each] for each in inside):
            own = uuid.UUID(trace.id)
            found[(None if own in ruled else who(self._as_compared(own))) or own].append(own)
        return {ids[0]: ids for ids in found.values()}

    def _meet(self, roots: Collection[uuid.UUID]) -> None:
        new = set(roots) - self._met
        meet(self.connection, self.known, new, _nothing())
        self._met |= new

    def _around(self, frontier: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """The prospects linked with one of ``frontier``, or joined with it by a verdict."""
        fresh = [each for root in sorted(frontier) for each in self._told(root)]
        traces = [self.known.traces[each] for each in fresh]
        near = look(
            self.connection,
            _nothing(
                {key for trace in traces for key in keys(trace)},
                {each.id for trace in traces for each in _values(trace)},
            ),
        )
        self.known.keyed.update(near.keyed)
        self.known.homes = near.homes | self.known.homes
        self.known.traces = near.traces | self.known.traces
        called, often = self._called(fresh), self._often(near, traces)
        self._meet(to_meet(self.known, traces, self.model) | called | often)
        return (
            called
            | {self.known.homes[other] for one in fresh for other in self._candidates(one) if self._linked(one, other)}
            | {root for root in often - self.inside if self._chained([*fresh, *self._told(root)])}
        )

    def _often(self, near: Known, traces: Iterable[Trace]) -> set[uuid.UUID]:
        """The prospects behind values of ``traces`` that too many inquiries have for a key, but few people."""
        for value, seen in near.marks.items():
            self.known.marks[value] |= seen
        busy = {each.id for trace in traces for each in _values(trace) if self._busy(each)}
        return {root for identifier in busy - near.shared for root in near.behind.get(identifier, ())}

    def _busy(self, value: Identifier) -> bool:
        """Whether the key of a contact value says nothing, as too many inquiries have it, though it is no hub."""
        having = self.known.keyed.get(number(f"{value.kind[0]}|{value.value}"), ())
        return len(having) > CAP and crowd_behind(self.known)(value.value) <= HUB

    def _chained(self, told: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """Each of ``told`` with the next of the same busy value and first name, where the two are linked."""
        having: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
        traces = in_order(self.known.traces[each] for each in told)
        for trace in sorted(traces, key=lambda each: given_root(each.given)):
            for value in _values(trace):
                if self._busy(value):
                    having[value.id].append(uuid.UUID(trace.id))
        return [pair for ids in having.values() for pair in pairwise(ids) if self._linked(*pair)]

    def _told(self, root: uuid.UUID) -> list[uuid.UUID]:
        return [each for each in self.known.members[root] if each in self.known.traces]

    def _called(self, fresh: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """The prospects of inquiries that a person said are one with one of ``fresh``."""
        of = match_verdicts.c.inquiry_id.in_(fresh) & (match_verdicts.c.verdict == "same")
        statement = (
            select(prospects.c.root_id)
            .join(inquiries, inquiries.c.prospect_id == prospects.c.id)
            .join(match_verdicts, match_verdicts.c.other_id == inquiries.c.id)
            .where(of)
        )
        return set(self.connection.execute(statement).scalars())

    def _candidates(self, inquiry: uuid.UUID) -> set[uuid.UUID]:
        """Those that share a key with it and belong to a prospect that is loaded."""
        found = candidates(self.known, self.known.traces[inquiry])
        return {each for each in found if each in self.known.traces and self.known.homes[each] in self._met}

    def _linked(self, one: uuid.UUID, other: uuid.UUID) -> bool:
        pair = min(one, other), max(one, other)
        if pair not in self._odds:
            self._odds[pair] = odds(self._as_compared(one), self._as_compared(other), self.model)[0]
        return self._odds[pair] > self._floor

    def _as_compared(self, inquiry: uuid.UUID) -> Usable:
        """Only of those whose prospect is loaded: the crowds behind their values are known."""
        if inquiry not in self._usable:
            masked = self.model.frequencies.masked
            self._usable[inquiry] = usable(self.known.traces[inquiry], crowd_behind(self.known), masked)
        return self._usable[inquiry]

    # -- taking apart -------------------------------------------------------------------------------------------------

    def _components(self) -> list[list[uuid.UUID]]:
        """Inquiries linked with each other, directly or through others; of those that count once the first."""
        stands = {each: first for first, ids in self._standing.items() for each in ids}
        everybody = sorted(stands)
        edges = [
            (one, other)
            for one in everybody
            for other in sorted(self._candidates(one) & stands.keys())
            if one < other and self._linked(one, other)
        ]
        edges += self._chained(everybody)
        edges += [(uuid.UUID(one), uuid.UUID(other)) for one, other in sorted(self.known.same)]
        groups: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
        firsts = [(stands[one], stands[other]) for one, other in edges if {one, other} <= stands.keys()]
        for each, root in follow(firsts, self._standing).items():
            groups[root].append(each)
        return list(groups.values())


def _values(trace: Trace) -> list[Identifier]:
    """The contact values of a trace."""
    return [*counted(trace), *(Identifier.of("thread", each) for each in trace.threads)]


def _nothing(keys: Collection[int] = (), identifiers: Collection[uuid.UUID] = ()) -> Wanted:
    """A look-up by keys and values alone."""
    return Wanted("", identifiers, keys, (), (), uuid.UUID(int=0), _FAR_BACK, _FAR_BACK)
