"""What is asked about a neighbourhood: cards that may be of another person, and proposed households, brought up to
what the engine says now."""

from __future__ import annotations

import uuid
from typing import Any, Self

from sqlalchemy import Connection, select, update

from leadsvc.ids import uuid7
from leadsvc.pipeline.merging import RULES, SETTLED
from leadsvc.pipeline.neighbourhood import Judged, Neighbourhood
from leadsvc.pipeline.working import Working
from leadsvc.resolve.decide import kept_apart, lower_first
from leadsvc.resolve.person import Card
from leadsvc.store.tables import deliveries, exceptions, guest_cards, inquiries


class Questions:
    """Cards in review and proposed households, brought up to what the engine says now."""

    def __init__(self, connection: Connection, work: Working, near: Neighbourhood, found: Judged) -> None:
        """``work``: holds the prospects of the neighbourhood as they are after merges and splits."""
        self.connection, self.work, self.near, self.found = connection, work, near, found
        self.known = work.known
        self.reviews = self.households = 0
        self.person_of = {inquiry: work.root(root) for root, ids in self.known.members.items() for inquiry in ids}

    def ask(self) -> Self:
        """Open, keep and withdraw."""
        asked = self._asked()
        wanted = {self._people(*pair): pair for pair in self.found.reviews}
        for card, row in asked.items():
            pair = frozenset((self.person_of_card(card), self.work.root(row.may_be)))
            if pair in wanted:
                del wanted[pair]
            elif len(pair) == 2 and row.may_be in self.known.persons:
                self._withdraw(row)
        for people, (one, other) in sorted(wanted.items(), key=lambda each: each[1]):
            if len(people) == 2 and not kept_apart(*(self.known.persons[each] for each in people)):
                self._review(one, other)
        for one, other in self.found.households:
            people = self._people(one, other)
            if len(people) == 2 and people not in self.known.mates:
                self.known.mates.add(people)
                self._household(one, other)
        return self

    def _people(self, one: uuid.UUID, other: uuid.UUID) -> frozenset[uuid.UUID]:
        return frozenset((self.person_of[one], self.person_of[other]))

    def person_of_card(self, card_id: uuid.UUID) -> uuid.UUID:
        return next(
            self.work.root(person.id)
            for person in self.known.persons.values()
            for card in person.cards
            if card_id in card.members
        )

    def _asked(self) -> dict[uuid.UUID, Any]:
        """Cards of these people about which a question is open."""
        cards = [each for person in self.known.persons.values() for card in person.cards for each in card.members]
        rows = self.connection.execute(
            select(guest_cards.c.id, guest_cards.c.may_be).where(
                guest_cards.c.id.in_(cards), guest_cards.c.may_be.is_not(None)
            )
        )
        return {row.id: row for row in rows}

    def _withdraw(self, row: Any) -> None:
        """Nobody needs to be asked any more: they are two."""
        now = self.work.context.now
        asked = (exceptions.c.subject_id == row.id) & (exceptions.c.kind == "match_review")
        closed = {"resolved_at": now, "resolved_by": RULES, "resolution": "different people"}
        self.work.after(update(exceptions).where(asked, exceptions.c.resolved_at.is_(None)).values(**closed))
        held = (
            (deliveries.c.guest_card_id == row.id) & (deliveries.c.state == "held") & (deliveries.c.cause == "review")
        )
        self.work.after(update(deliveries).where(held).values(state="pending", cause="", due_at=now))
        self.work.after(update(guest_cards).where(guest_cards.c.id == row.id).values(may_be=None))
        self.reviews += 1

    def _review(self, one: uuid.UUID, other: uuid.UUID) -> None:
        """Ask about the card of the newer of the two. Its push is not held: it has left, or waits already."""
        traces = self.known.traces
        older, newer = sorted((one, other), key=lambda each: (traces[each].at, traces[each].id))
        card = self._card_of(newer)
        person, maybe = (self.known.persons[self.person_of[each]] for each in (newer, older))
        before = select(exceptions.c.id).where(exceptions.c.subject_id == card.id, exceptions.c.kind == "match_review")
        if self.connection.execute(before).first() is not None:
            return  # it is asked already, or a person has closed the question
        score = self.near.score(newer, older)
        self.work.after(update(guest_cards).where(guest_cards.c.id == card.id).values(may_be=maybe.id))
        detail = f"{person.key} may be {maybe.key}: {score.sentence}. Say whether they are the same person."
        self.work.exception("match_review", "guest_card", card.id, SETTLED, detail)
        self.work.decision(
            uuid7(),
            kind="assign",
            verdict="review",
            inquiry_id=newer,
            prospect_id=person.id,
            other=maybe.id,
            rule=SETTLED,
            sentence=score.sentence,
            evidence=list(score.evidence()),
        )
        self.reviews += 1

    def _card_of(self, inquiry: uuid.UUID) -> Card:
        statement = select(guest_cards.c.root_id).join(inquiries, inquiries.c.guest_card_id == guest_cards.c.id)
        card_id = self.connection.execute(statement.where(inquiries.c.id == inquiry)).scalar_one()
        return self.work.card(self.known.persons[self.person_of[inquiry]], card_id)

    def _household(self, one: uuid.UUID, other: uuid.UUID) -> None:
        score = self.near.score(one, other)
        self.work.decision(
            uuid7(),
            kind="household",
            verdict="related",
            prospect_id=self.person_of[one],
            other=self.person_of[other],
            rule=SETTLED,
            sentence=f"Perhaps one household: {lower_first(score.sentence)}",
            evidence=list(score.evidence()),
        )
        self.households += 1
