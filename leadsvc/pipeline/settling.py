"""Re-openings: who is who in a neighbourhood is decided again, with everything that is known by now (SPEC §6).

The synchronous path decides about one lead by what is near it. What may have to be decided otherwise later is queued
there; here each queued inquiry's neighbourhood is judged as a whole, and the difference is carried out: merges and
splits with all that follows from them, proposals where a person has worked. When the queue is empty, the store's people
are what the engine says of all its inquiries at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.ids import public_key, uuid7
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.merging import RULES, SETTLED, merge_persons
from leadsvc.pipeline.neighbourhood import Judged, Neighbourhood, TooLarge
from leadsvc.pipeline.questions import Questions
from leadsvc.pipeline.rehoming import Because, Rehomed, Replay, arrivals, insert_person
from leadsvc.pipeline.seen import Context
from leadsvc.pipeline.splitting import follow_up
from leadsvc.pipeline.tracing import kept, retrace
from leadsvc.pipeline.working import Working
from leadsvc.resolve.decide import hinders, kept_apart, lower_first, survivor_of
from leadsvc.resolve.engine import Score
from leadsvc.resolve.person import Person
from leadsvc.store.known import Known, load_known
from leadsvc.store.tables import (
    exceptions,
    inquiries,
    prospects,
    reopenings,
)

GATHERED = 200
"""Inquiries that are traced and queued in one commit."""

_TRIES = 20
_GIVE_UP = 5
_MOVED = "Looked at together with all that is near it, this inquiry is somebody else's"


@dataclass(slots=True)
class Settled:
    """What settling came to. ``gathered``: inquiries put into the queue; ``reopened``: neighbourhoods looked at;
    ``given_up``: those left to a person because of their size, or because they failed time and again."""

    gathered: int = 0
    reopened: int = 0
    merges: int = 0
    splits: int = 0
    proposals: int = 0
    reviews: int = 0
    households: int = 0
    given_up: int = 0

    def __iadd__(self, other: Settled) -> Settled:
        for name, value in zip(self.__slots__, astuple(other), strict=True):
            setattr(self, name, getattr(self, name) + value)
        return self

    @property
    def changed(self) -> bool:
        return any((self.merges, self.splits, self.proposals, self.reviews, self.households))


class Settler:
    """Works off the queue; any number of processes may. Thread-safe."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.store, self.clock = intake, intake.store, intake.clock

    def round(self, most: int = 50) -> Settled:
        """Gather a batch, settle up to so many neighbourhoods."""
        done = Settled(gathered=self.gather())
        while done.reopened < most and (one := self.one()) is not None:
            done += one
        if done.changed:
            self.intake.nudge()
        return done

    def waiting(self) -> int:
        """How many inquiries are to be looked at."""
        marked = select(func.count()).select_from(inquiries).where(inquiries.c.unsettled)
        queued = select(func.count()).select_from(reopenings).where(reopenings.c.failures < _GIVE_UP)
        with self.store.read() as connection:
            return int(connection.execute(marked).scalar_one() + connection.execute(queued).scalar_one())

    def gather(self) -> int:
        """Bring the traces of marked inquiries up to date and queue them; returns how many there were."""
        marked = select(inquiries.c.id).where(inquiries.c.unsettled).order_by(inquiries.c.id).limit(GATHERED)
        with self.store.read() as connection:
            if connection.execute(marked).first() is None:
                return 0
        with self.store.write(Commit.SETTLE) as connection:
            return self._gather(connection)

    def _gather(self, connection: Connection) -> int:
        marked = select(inquiries.c.id).where(inquiries.c.unsettled).order_by(inquiries.c.id).limit(GATHERED)
        ids = list(connection.execute(marked.with_for_update(skip_locked=True)).scalars())
        retrace(connection, kept(connection, inquiries.c.id.in_(ids)), self.intake.portfolio().own_values)
        return len(ids)

    def one(self) -> Settled | None:
        """Settle the neighbourhood of the inquiry that waits longest; ``None`` when nothing waits."""
        taken: uuid.UUID | None = None
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.SETTLE) as connection:
                    taken = _next(connection)
                    return None if taken is None else self.settle(connection, taken)
            except Conflict:
                continue
        return self._put_off(taken) if taken is not None else None

    def settle(self, connection: Connection, inquiry: uuid.UUID) -> Settled:
        """Settle the neighbourhood of one inquiry and take all that is in it out of the queue."""
        root = connection.execute(
            select(prospects.c.root_id)
            .join(inquiries, inquiries.c.prospect_id == prospects.c.id)
            .where(inquiries.c.id == inquiry)
        ).scalar()
        connection.execute(delete(reopenings).where(reopenings.c.inquiry_id == inquiry))
        if root is None:  # erased meanwhile
            return Settled(reopened=1)
        context = self._context()
        _take_out(connection, {root})
        try:
            near = Neighbourhood(connection, context.model, root)
            if _take_out(connection, near.inside):  # what was asked of them may be newer than what was read
                near = Neighbourhood(connection, context.model, root)
        except TooLarge:
            return _too_large(connection, context, inquiry)
        return _CarryingOut(connection, context, near).run()

    def rehearse(self) -> Settled:
        """What settling everything would come to; nothing is kept. Holds other writers up on SQLite."""
        done = Settled()
        with self.store.read() as connection:
            while gathered := self._gather(connection):
                done.gathered += gathered
            while (inquiry := _next(connection)) is not None:
                done += self.settle(connection, inquiry)
        return done

    def _put_off(self, inquiry: uuid.UUID) -> Settled:
        """The same rows kept changing: later, and after everything else."""
        with self.store.write(Commit.SETTLE) as connection:
            failed = update(reopenings).where(reopenings.c.inquiry_id == inquiry)
            connection.execute(failed.values(failures=reopenings.c.failures + 1))
        return Settled(reopened=1)

    def _context(self) -> Context:
        now, settings = self.clock(), self.intake.settings
        return Context(
            uuid.UUID(int=0),
            "",
            now,
            now,
            self.intake.portfolio(),
            settings.policy,
            settings.accounts,
            model=self.intake.model(),
        )


def _next(connection: Connection) -> uuid.UUID | None:
    """The inquiry that waits longest and that nobody else is at."""
    first = (
        select(reopenings.c.inquiry_id)
        .where(reopenings.c.failures < _GIVE_UP)
        .order_by(reopenings.c.failures, reopenings.c.asked_at, reopenings.c.inquiry_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found: uuid.UUID | None = connection.execute(first).scalar()
    return found


def _take_out(connection: Connection, roots: Iterable[uuid.UUID]) -> bool:
    """Before anything of these prospects is read: what is asked from now on is asked anew. Returns whether anything
    was asked."""
    theirs = (
        select(reopenings.c.inquiry_id)
        .join(inquiries, inquiries.c.id == reopenings.c.inquiry_id)
        .join(prospects, prospects.c.id == inquiries.c.prospect_id)
        .where(prospects.c.root_id.in_(sorted(roots)))
        .with_for_update(of=reopenings, skip_locked=True)
    )
    ids = list(connection.execute(theirs).scalars())
    if ids:
        connection.execute(delete(reopenings).where(reopenings.c.inquiry_id.in_(ids)))
    return bool(ids)


def _too_large(connection: Connection, context: Context, inquiry: uuid.UUID) -> Settled:
    work = Working(Known(), context)
    detail = (
        "More inquiries are linked with this one than can be judged together: somebody should look whether a value that"
        " many people share connects them."
    )
    work.exception("stuck", "inquiry", inquiry, "neighbourhood_too_large", detail)
    work.flush(connection)
    return Settled(reopened=1, given_up=1)


class _CarryingOut:
    """The difference between what the engine says of a neighbourhood and the prospects there are."""

    def __init__(self, connection: Connection, context: Context, near: Neighbourhood) -> None:
        self.connection, self.context, self.near = connection, context, near
        self.found: Judged = near.judged()
        self.done = Settled(reopened=1)
        self.cluster_of = {each: number for number, ids in enumerate(self.found.people) for each in ids}
        self.home = {each: root for root in self.found.roots for each in self.found.told_by(root)}

    def run(self) -> Settled:
        stays, leaving = self._plan()
        people = self._split(stays, leaving)
        known = load_known(self.connection, {*self.found.roots, *people.values()})
        work = Working(known, self.context)
        self._merge(work, people)
        self._ask(work)
        work.finish()
        work.flush(self.connection)
        return self.done

    def _ask(self, work: Working) -> None:
        asked = Questions(self.connection, work, self.near, self.found).ask()
        self.done.reviews, self.done.households = asked.reviews, asked.households

    def _plan(self) -> tuple[dict[int, list[uuid.UUID]], dict[uuid.UUID, dict[int, list[uuid.UUID]]]]:
        """Cluster -> the prospects that stay with it; prospect -> what leaves it, by cluster."""
        stays: dict[int, list[uuid.UUID]] = {}
        leaving: dict[uuid.UUID, dict[int, list[uuid.UUID]]] = {}
        for root in sorted(self.found.roots):
            parts: dict[int, list[uuid.UUID]] = {}
            for each in self.found.told_by(root):
                parts.setdefault(self.cluster_of[each], []).append(each)
            if not parts:
                continue
            main = max(parts, key=lambda number: self._weight(parts[number]))
            stays.setdefault(main, []).append(root)
            others = {number: ids for number, ids in parts.items() if number != main}
            if others and self.found.known.persons[root].worked:
                self._propose_split(root, others)
                for ids in others.values():
                    self.cluster_of |= dict.fromkeys(ids, main)
            elif others:
                leaving[root] = others
        return stays, leaving

    def _weight(self, ids: list[uuid.UUID]) -> tuple[int, int, str]:
        """The larger part stays, of equals the older."""
        first = min((self.found.known.traces[each] for each in ids), key=lambda trace: (trace.at, trace.id))
        return len(ids), -first.at, first.id

    # -- splits -------------------------------------------------------------------------------------------------------

    def _split(
        self, stays: Mapping[int, list[uuid.UUID]], leaving: Mapping[uuid.UUID, Mapping[int, list[uuid.UUID]]]
    ) -> dict[int, uuid.UUID]:
        """Let everything leave; returns who stands for each cluster."""
        persons = self.found.known.persons
        people = {number: survivor_of(persons[each] for each in roots).id for number, roots in stays.items()}
        self.roots = {number: list(roots) for number, roots in stays.items()}
        for root, parts in leaving.items():
            _hold_still(self.connection, persons[root])
            to: dict[uuid.UUID, uuid.UUID] = {}
            for number, ids in sorted(parts.items()):
                if number not in people:
                    people[number] = self._newcomer(ids)
                    self.roots[number] = [people[number]]
                to |= dict.fromkeys(ids, people[number])
            work = Working(Known(), self.context)
            moves = _Moves(self.connection, work, root, to, self._why(root, to))
            rehomed: Rehomed = moves.run()
            follow_up(self.connection, work, root, rehomed)
            self.done.splits += len(parts)
        return people

    def _newcomer(self, ids: Iterable[uuid.UUID]) -> uuid.UUID:
        person = uuid7()
        first = min(self.found.known.traces[each].at for each in ids)
        at = datetime.fromtimestamp(first, self.context.now.tzinfo)
        insert_person(self.connection, person, public_key("PR"), at)
        return person

    def _why(self, root: uuid.UUID, to: Mapping[uuid.UUID, uuid.UUID]) -> dict[uuid.UUID, Score]:
        """For each inquiry that leaves how it compares with what it leaves."""
        left = [each for each in self.found.told_by(root) if each not in to]
        return {each: self._loudest(each, left) for each in to}

    def _loudest(self, inquiry: uuid.UUID, others: Iterable[uuid.UUID]) -> Score:
        scores = [self.near.score(inquiry, other) for other in others]
        return max(scores, key=lambda each: each.same)

    # -- merges -------------------------------------------------------------------------------------------------------

    def _merge(self, work: Working, people: Mapping[int, uuid.UUID]) -> None:
        persons = work.known.persons
        for number, roots in sorted(self.roots.items()):
            survivor = persons[people[number]]
            for root in sorted(set(roots) - {survivor.id}):
                loser = persons[root]
                hindrance = hinders(survivor, loser)
                if hindrance:
                    self._propose_merge(work, survivor, loser, hindrance)
                    continue
                score = self._between(survivor.id, root)
                merge_persons(
                    work,
                    survivor=survivor,
                    loser=loser,
                    rule=SETTLED,
                    sentence=f"Looked at together: {lower_first(score.sentence)}",
                    evidence=score.evidence(),
                    decided_by=RULES,
                )
                self.done.merges += 1

    def _between(self, one: uuid.UUID, other: uuid.UUID) -> Score:
        """How the two inquiries compare that speak loudest for two prospects being one."""
        ours, theirs = ([each for each in self.home if self.home[each] == root] for root in (one, other))
        scores = [self.near.score(mine, his) for mine in ours for his in theirs]
        return max(scores, key=lambda each: each.same)

    # -- what a person has worked on ----------------------------------------------------------------------------------

    def _propose_merge(self, work: Working, one: Person, other: Person, hindrance: str) -> None:
        if kept_apart(one, other):
            return
        detail = f"{one.key} and {other.key} may be one person, but {hindrance}."
        self._propose(work, other, "bridge_refused", detail)

    def _propose_split(self, root: uuid.UUID, parts: Mapping[int, list[uuid.UUID]]) -> None:
        person, work = self.found.known.persons[root], Working(Known(), self.context)
        count = sum(len(ids) for ids in parts.values())
        what = "1 inquiry" if count == 1 else f"{count} inquiries"
        detail = f"{what} of {person.key} may be somebody else's, but a person has worked on this prospect."
        self._propose(work, person, "split_refused", detail)
        work.flush(self.connection)

    def _propose(self, work: Working, person: Person, cause: str, detail: str) -> None:
        still = exceptions.c.resolved_at.is_(None) & (exceptions.c.kind == "match_review")
        asked = select(exceptions.c.id).where(exceptions.c.subject_id == person.id, still)
        if self.connection.execute(asked).first() is None:
            work.exception("match_review", "prospect", person.id, cause, detail)
            self.done.proposals += 1


class _Moves(Replay):
    """Inquiries of one prospect that go to others, as the engine says."""

    def __init__(
        self,
        connection: Connection,
        work: Working,
        root: uuid.UUID,
        to: Mapping[uuid.UUID, uuid.UUID],
        scores: Mapping[uuid.UUID, Score],
    ) -> None:
        rows = connection.execute(arrivals().where(inquiries.c.id.in_(to))).all()
        super().__init__(connection, work, root, set(to.values()), rows)
        self.to, self.scores = to, scores

    def whose(self, row: Row[Any]) -> Person:
        return self.persons[self.to[row.id]]

    def because(self, row: Row[Any]) -> Because:
        return Because(SETTLED, _MOVED, self.scores[row.id].evidence())


def _hold_still(connection: Connection, person: Person) -> None:
    """A lead that is just joining this prospect looks again; if one just has, so do we."""
    mine = (prospects.c.id == person.id) & (prospects.c.version == person.version)
    if connection.execute(update(prospects).where(mine).values(version=person.version + 1)).rowcount != 1:
        raise Conflict("the prospect changed meanwhile")
