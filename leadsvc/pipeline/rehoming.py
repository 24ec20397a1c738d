"""Inquiries that came while two people were one: each goes to whom, and to which card, its own evidence names (P4).

They are judged again in the order in which they came, against what the people are known by without them, so that the
end is as if the two had never been one. One module, as a replay is one walk over one set of people, cards and
inquiries.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from leadsvc.ids import public_key, uuid7
from leadsvc.pipeline.deciding import crowd_behind, telling
from leadsvc.pipeline.merging import RULES, SETTLED
from leadsvc.pipeline.seen import HISTORY_FLAG
from leadsvc.pipeline.working import Working
from leadsvc.resolve.joining import place
from leadsvc.resolve.person import Card, Person, open_at
from leadsvc.resolve.roots import follow
from leadsvc.resolve.stage import stage_after
from leadsvc.resolve.trace import Trace
from leadsvc.store.known import load_known
from leadsvc.store.tables import (
    deliveries,
    guest_cards,
    inquiries,
    match_decisions,
    outcomes,
    prospects,
    tasks,
)

OPEN = ("pending", "retry", "held", "dead")
_BY_HAND = "A person said that this inquiry is somebody else's"
_SENTENCE = "After the two were parted, its own evidence names this person"
_STRAYED = "The guest card it was put on turned out to be another person's"


@dataclass(frozen=True, slots=True)
class Moved:
    """An inquiry that went from one root card to another; the same twice when the card itself went along."""

    inquiry_id: uuid.UUID
    from_card: uuid.UUID
    to_card: uuid.UUID


@dataclass(slots=True)
class Rehomed:
    """What moved, and cards that nothing is told on any more -> the card that stands for each now."""

    moved: list[Moved] = field(default_factory=list)
    folded: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    def people(self, connection: Connection) -> set[uuid.UUID]:
        """Root prospects that are told other things now."""
        statement = (
            select(prospects.c.root_id)
            .join(inquiries, inquiries.c.prospect_id == prospects.c.id)
            .where(inquiries.c.id.in_([each.inquiry_id for each in self.moved]))
        )
        return set(connection.execute(statement).scalars())

    @property
    def cards(self) -> set[uuid.UUID]:
        """Root cards that are told other things now."""
        return {card for each in self.moved for card in (each.from_card, each.to_card)} - set(self.folded)


@dataclass(frozen=True, slots=True)
class Given:
    """An inquiry that a person gave to who leaves, undoing the decision that had placed it."""

    inquiry_id: uuid.UUID
    undoes: uuid.UUID
    by: str


@dataclass(frozen=True, slots=True)
class Parting:
    """Two prospects that are two again: their roots, the number of the decision that made them one, a prospect that was
    of both meanwhile, and the merges of that time as (gone, kept, number)."""

    stays: uuid.UUID
    leaves: uuid.UUID
    since: int
    anchor: uuid.UUID
    edges: Sequence[tuple[uuid.UUID, uuid.UUID, int]] = ()
    given: Given | None = None

    def concerns(self, home: uuid.UUID, number: int) -> bool:
        """Whether somebody with that home was one of the two at the decision with that number."""
        then = follow([(gone, kept) for gone, kept, made in self.edges if made < number])
        return number > self.since and then.get(home, home) == then.get(self.anchor, self.anchor)


@dataclass(slots=True)
class _Kept:
    """A card as far as it was judged: what is told on it, what happened on it, whether it was there before."""

    card: Card
    told: list[datetime]
    happened: Sequence[Any]  # rows of kind, at, recorded_at, in order

    def as_of(self, at: datetime) -> Card:
        """The card as it stood when an inquiry came at ``at``."""
        before = [each for each in self.happened if each.recorded_at <= at]
        active = [*self.told, *(min(each.at, each.recorded_at) for each in before)]
        stage = stage_after(each.kind for each in before)
        return replace(self.card, stage=stage, opened_at=min(self.told), last_at=max(active))


def rehome(connection: Connection, work: Working, parting: Parting, later: list[Row[Any]]) -> Rehomed:
    """Judge everything that came meanwhile (:func:`came_later`); what belongs elsewhere moves, at once."""
    return _Parted(connection, work, parting, later).run() if later else Rehomed()


_came = match_decisions.alias("came")


def arrivals() -> Select[Any]:
    """Inquiries with the number and the time (``seq``, ``at``) at which each came, in that order."""
    first = (_came.c.inquiry_id == inquiries.c.id) & (_came.c.kind == "assign") & (_came.c.rule != SETTLED)
    return select(inquiries, _came.c.seq, _came.c.at).join(_came, first).order_by(_came.c.seq)


def came_later(connection: Connection, parting: Parting) -> list[Row[Any]]:
    """What came while the two were one, with the number and time at which each came; where a person put one, it
    stays. Also strays: those on a card that is the other's now, because it was the one open when an earlier parting
    gave them to their person."""
    given = parting.given.inquiry_id if parting.given else None
    now = match_decisions.alias("now")
    owner = prospects.alias("owner")
    stray = owner.c.root_id != prospects.c.root_id
    rows = connection.execute(
        arrivals()
        .add_columns(stray.label("stray"), now.c.decided_by)
        .join(now, now.c.id == inquiries.c.decision_id)
        .join(prospects, prospects.c.id == inquiries.c.prospect_id)
        .join(guest_cards, guest_cards.c.id == inquiries.c.guest_card_id)
        .join(owner, owner.c.id == guest_cards.c.prospect_id)
        .where(
            (prospects.c.root_id.in_((parting.stays, parting.leaves)) & stray)
            | (prospects.c.root_id == parting.stays)
            & ((inquiries.c.id == given) | ((_came.c.seq > parting.since) & (now.c.decided_by == RULES))),
        )
    ).all()
    return [row for row in rows if row.stray or row.id == given or parting.concerns(row.prospect_id, row.seq)]


@dataclass(frozen=True, slots=True)
class Because:
    """Why an inquiry is given to another prospect, as the decision says it."""

    rule: str
    sentence: str
    evidence: Sequence[Mapping[str, Any]] = ()
    undoes: uuid.UUID | None = None
    by: str = RULES


class Replay(ABC):
    """Gives inquiries of one prospect to those they belong to, one after the other in the order in which they came, and
    to the cards that would have been open then."""

    def __init__(
        self,
        connection: Connection,
        work: Working,
        stays: uuid.UUID,
        others: Collection[uuid.UUID],
        later: Sequence[Row[Any]],
    ) -> None:
        """``later``: the inquiries in question, all of ``stays`` now; ``others``: roots they may go to."""
        self.connection, self.work, self.stays, self.later = connection, work, stays, later
        self.cycle = timedelta(days=work.context.policy.cycle_days)
        self.known = load_known(connection, {stays, *others})
        self.persons = self.known.persons
        self.told: dict[uuid.UUID, list[Trace]] = {}
        self.kept: dict[uuid.UUID, _Kept] = {}
        self.empty: dict[uuid.UUID, Card] = {}
        self.root_card: dict[uuid.UUID, uuid.UUID] = {}
        self.done = Rehomed()
        left_out = {row.id for row in later}
        for person in self.persons.values():
            self._forget(person, left_out)

    def run(self) -> Rehomed:
        for row in self.later:
            self._place(row)
        for card in self.empty.values():
            self._fold_away(card)
        return self.done

    def _forget(self, person: Person, left_out: Collection[uuid.UUID]) -> None:
        """Leave the person as known from its inquiries but those in question."""
        told = self.connection.execute(
            select(inquiries.c.id, inquiries.c.guest_card_id, inquiries.c.occurred_at)
            .join(prospects, prospects.c.id == inquiries.c.prospect_id)
            .where(prospects.c.root_id == person.id)
        ).all()
        times: dict[uuid.UUID, list[datetime]] = defaultdict(list)
        for row in told:
            if row.id not in left_out:
                times[row.guest_card_id].append(row.occurred_at)
        members = self.known.members.get(person.id, ())
        self.told[person.id] = [self.known.traces[each] for each in members if each not in left_out]
        known = [at for each in times.values() for at in each]
        person.first_at = min(known, default=person.first_at)
        cards, person.cards = person.cards, []
        for card in cards:
            self.root_card |= dict.fromkeys(card.members, card.id)
            on_it = [at for member in card.members for at in times[member]]
            self._keep(person, card, on_it) if on_it else self.empty.update({card.id: card})

    def _keep(self, person: Person, card: Card, told: list[datetime]) -> None:
        happened = self.connection.execute(
            select(outcomes.c.kind, outcomes.c.at, outcomes.c.recorded_at)
            .where(outcomes.c.guest_card_id.in_(card.members))
            .order_by(outcomes.c.at, outcomes.c.id)
        ).all()
        self.kept[card.id] = _Kept(card, told, happened)
        person.cards.append(card)

    # -- one inquiry --------------------------------------------------------------------------------------------------

    def _place(self, row: Row[Any]) -> None:
        person = self.whose(row)
        was = self.root_card[row.guest_card_id]
        home = row.prospect_id if row.prospect_id in person.members else person.id
        target = self._card(person, row, was, home)
        self.kept[target].told.append(row.occurred_at)
        if target != was or home != row.prospect_id:
            self._move(row, home, target)
            self.done.moved.append(Moved(row.id, was, target))
        self.told[person.id].append(self.known.traces[row.id])

    @abstractmethod
    def whose(self, row: Row[Any]) -> Person:
        """To whom an inquiry goes."""

    @abstractmethod
    def because(self, row: Row[Any]) -> Because:
        """Why, where it does not stay."""

    def newcomer(self, at: datetime) -> Person:
        """A prospect of its own."""
        person = Person(uuid7(), public_key("PR"), 1, at, at)
        insert_person(self.connection, person.id, person.key, at)
        self.persons[person.id], self.told[person.id] = person, []
        return person

    def _card(self, person: Person, row: Row[Any], was: uuid.UUID, home: uuid.UUID) -> uuid.UUID:
        """The card that covers it; else the one that was opened for it, which goes along; else a new one, of ``home``:
        who has it also once another merge is taken back."""
        hint = self.empty[was].hint if was in self.empty else self.kept[was].card.hint
        open_then = [
            card
            for card in (self.kept[each.id].as_of(row.at) for each in person.cards)
            if (card.property_id, card.hint) == (row.property_id, hint) and card.covers(row.occurred_at, self.cycle)
        ]
        if open_then:
            return open_at(open_then, row.occurred_at).id
        if was in self.empty:
            card = self.empty.pop(was)
            self._keep(person, card, [])
            mine = guest_cards.c.id.in_(card.members) & guest_cards.c.prospect_id.not_in(person.members | {person.id})
            self.connection.execute(update(guest_cards).where(mine).values(prospect_id=home))
            return card.id
        card = self._new_card(home, row, hint)
        self._keep(person, card, [])
        return card.id

    def _new_card(self, home: uuid.UUID, row: Row[Any], hint: str) -> Card:
        card_id = new_card(self.connection, self.work, row, home, row.at)
        card = Card(card_id, "", home, row.property_id, hint, row.occurred_at, row.occurred_at, "new", 1)
        card.members = {card_id}
        self.root_card[card_id] = card_id
        return card

    def _move(self, row: Row[Any], home: uuid.UUID, card_id: uuid.UUID) -> None:
        decision_id, why = uuid7(), self.because(row)
        self.work.decision(
            decision_id,
            kind="rehome",
            verdict="join",
            inquiry_id=row.id,
            prospect_id=home,
            other=row.prospect_id,
            undoes=why.undoes,
            rule=why.rule,
            sentence=why.sentence,
            evidence=list(why.evidence),
            decided_by=why.by,
        )
        values: dict[str, Any] = {"prospect_id": home, "decision_id": decision_id}
        if self.root_card[row.guest_card_id] != card_id:
            values["guest_card_id"] = card_id
        self.connection.execute(update(inquiries).where(inquiries.c.id == row.id).values(**values))

    # -- cards that nothing is told on any more -----------------------------------------------------------------------

    def _fold_away(self, card: Card) -> None:
        """Its inquiries went to a card that was there before: so does what else hangs on it."""
        to = next(each.to_card for each in reversed(self.done.moved) if each.from_card == card.id)
        self.done.folded[card.id] = to
        keep = self.kept[to].card
        decision_id = uuid7()
        rows: list[Mapping[str, Any]] = [
            {"field": "card", "level": "folded", "ours": str(to), "theirs": str(each)} for each in sorted(card.members)
        ]
        self.work.decision(
            decision_id,
            kind="place",
            verdict="placed",
            prospect_id=keep.prospect_id,
            rule="parted",
            sentence="Nothing is told on this guest card any more; it goes with what was",
            evidence=rows,
        )
        mine = guest_cards.c.id.in_(card.members)
        home = select(guest_cards.c.prospect_id).where(guest_cards.c.id == to).scalar_subquery()
        self.connection.execute(update(guest_cards).where(mine).values(prospect_id=home, root_id=to))
        waiting = deliveries.c.guest_card_id.in_(card.members) & deliveries.c.state.in_(OPEN)
        self.connection.execute(update(deliveries).where(waiting).values(lane_id=to))
        todo = tasks.c.guest_card_id.in_(card.members) & (tasks.c.state == "open")
        gone = {"state": "cancelled", "reason": f"merged:{decision_id}", "version": tasks.c.version + 1}
        self.connection.execute(update(tasks).where(todo, tasks.c.kind == "first_contact").values(**gone))


class _Parted(Replay):
    """After two were parted: judged by what people are known by without the inquiries in question; each teaches what
    the next is judged by."""

    def __init__(self, connection: Connection, work: Working, parting: Parting, later: list[Row[Any]]) -> None:
        super().__init__(connection, work, parting.stays, {parting.leaves}, later)
        self.parting, self.leaves, self.given = parting, parting.leaves, parting.given

    def whose(self, row: Row[Any]) -> Person:
        """Whom the engine would have joined it to; a person of its own when nobody."""
        if self._is_given(row):
            return self.persons[self.leaves]
        if self._only_strayed(row):
            return next(each for each in self.persons.values() if row.prospect_id in each.members)
        known, model = self.known, self.work.context.model
        groups = {person: telling(rows) for person, rows in self.told.items() if rows}
        trace = known.traces[row.id]
        placed = place(trace, groups, model, crowd_behind(known), same=known.same, apart=known.apart)
        if placed.verdict == "join" and placed.group is not None:
            return self.persons[placed.group]
        return self.newcomer(row.occurred_at)

    def because(self, row: Row[Any]) -> Because:
        if self.given is not None and self._is_given(row):
            return Because("by_hand", _BY_HAND, undoes=self.given.undoes, by=self.given.by)
        return Because("parted", _STRAYED if self._only_strayed(row) else _SENTENCE)

    def _only_strayed(self, row: Row[Any]) -> bool:
        """Whose it is was never in question, only the card it is on."""
        asked = row.decided_by == RULES and self.parting.concerns(row.prospect_id, row.seq)
        return bool(row.stray) and not asked

    def _is_given(self, row: Row[Any]) -> bool:
        return self.given is not None and self.given.inquiry_id == row.id


def insert_person(connection: Connection, person: uuid.UUID, key: str, at: datetime) -> None:
    """A prospect of its own, known by nothing yet."""
    row = {"id": person, "key": key, "root_id": person, "names": [], "golden": {}, "edits": {}}
    connection.execute(prospects.insert().values(**row, first_at=at, last_at=at))


def new_card(connection: Connection, work: Working, row: Row[Any], person: uuid.UUID, at: datetime) -> uuid.UUID:
    """A card of ``person`` for an inquiry that came at ``at``, with a first-contact task of its own unless it is
    history."""
    from_card = connection.execute(select(guest_cards).where(guest_cards.c.id == row.guest_card_id)).mappings().one()
    card_id = uuid7()
    values = dict(from_card) | {
        "id": card_id,
        "root_id": card_id,
        "key": public_key("GC"),
        "prospect_id": person,
        "first_source": row.source,
        "first_campaign": row.campaign,
        "stage": "new",
        "may_be": None,
        "opened_at": row.occurred_at,
        "last_at": row.occurred_at,
        "version": 1,
    }
    connection.execute(guest_cards.insert().values(**values))
    message = (row.lead.get("message") or {}).get("value", "")
    if HISTORY_FLAG not in row.flags:
        task = work.first_contact(card_id, row.property_id, row.id, message, at)
        connection.execute(tasks.insert().values(**task))
    if row.property_id is None:
        detail = "The property of this inquiry is unknown. Choose the property, and the lead goes out."
        work.exception("unplaced_card", "guest_card", card_id, "unknown_property", detail)
    return card_id
