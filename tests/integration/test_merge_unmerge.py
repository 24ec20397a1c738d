"""Merging and taking it back (P4): whatever happens around it, afterwards it is as if it had not been.

Random histories of leads, merges, outcomes, pushes and unmerges are played twice: once as they are, once without the
merges that were taken back. Both worlds must look the same, but for audit, decisions and deliveries, and the books must
balance at every step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from leadsvc.store.tables import guest_cards, identifiers, inquiries, prospect_identifiers, prospects, tasks
from tests.destinations_fixtures import SimPmsBench, simpms, simpms_process  # noqa: F401  # fixtures
from tests.renters import Office, running_office


@pytest.fixture
def office(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:  # noqa: F811
    with running_office(store_url, tmp_path, simpms) as made:
        yield made
        made.assert_sound()


def likeness(office: Office) -> str:
    """Everything but ids, versions, audit, decisions and deliveries, with each thing named by its leads."""
    told = {row["id"]: str(row["lead"]["message"]["value"]) for row in office.world.rows(inquiries)}
    people = named(office, prospects, "prospect_id", told)
    cards = named(office, guest_cards, "guest_card_id", told)
    root_people = office.world.rows(prospects, prospects.c.root_id == prospects.c.id)
    root_cards = office.world.rows(guest_cards, guest_cards.c.root_id == guest_cards.c.id)
    todo = office.world.rows(tasks, tasks.c.state != "cancelled", tasks.c.kind == "first_contact")
    picture = {
        "people": {leads(people[row["id"]]): person(row, told) for row in root_people},
        "cards": {leads(cards[row["id"]]): card(row) for row in root_cards},
        "tasks": sorted([leads(cards[root_of(office, row["guest_card_id"])]), *task(row, told)] for row in todo),
        "identifiers": known_by(office, people),
    }
    return json.dumps(picture, sort_keys=True, default=str, indent=1)


def leads(names: list[str]) -> str:
    return " ".join(sorted(names))


def task(row: Any, told: dict[UUID, str]) -> list[Any]:
    return [row["state"], row["body"], str(row["due_at"]), told.get(row["inquiry_id"])]


def named(office: Office, table: Any, home: str, told: dict[UUID, str]) -> dict[UUID, list[str]]:
    root = {row["id"]: row["root_id"] for row in office.world.rows(table)}
    found: dict[UUID, list[str]] = {each: [] for each in root.values()}
    for row in office.world.rows(inquiries):
        found[root[row[home]]].append(told[row["id"]])
    return found


def person(row: Any, told: dict[UUID, str]) -> dict[str, Any]:
    golden = json.dumps(row["golden"])
    for inquiry, message in told.items():
        golden = golden.replace(str(inquiry), message)
    names = sorted(map(str, row["names"]))
    return {"golden": golden, "names": names, "first": row["first_at"], "last": row["last_at"], "edits": row["edits"]}


def card(row: Any) -> dict[str, Any]:
    names = ("stage", "opened_at", "last_at", "property_id", "property_hint", "first_source")
    return {name: row[name] for name in names}


def root_of(office: Office, card_id: UUID) -> UUID:
    root: UUID = office.world.rows(guest_cards, guest_cards.c.id == card_id)[0]["root_id"]
    return root


def known_by(office: Office, people: dict[UUID, list[str]]) -> dict[str, list[str]]:
    statement = (
        select(prospects.c.root_id, identifiers.c.value)
        .join(prospect_identifiers, prospect_identifiers.c.prospect_id == prospects.c.id)
        .join(identifiers, identifiers.c.id == prospect_identifiers.c.identifier_id)
        .distinct()
    )
    with office.world.services.store.read() as connection:
        rows = list(connection.execute(statement))
    return {leads(people[root]): sorted(v for each, v in rows if each == root) for root in people}


# -- histories --------------------------------------------------------------------------------------------------------

RENTERS = [
    ("Rosa Berg", "rosa@example.com", "0120"),
    ("Rosa Berg", "rosa@example.com", None),
    ("Rosa Berg", "rb@example.com", None),
    ("Anders Lind", "anders@example.com", "0122"),
    ("Ken Mori", None, "0123"),
]
HOMES = ["chd001", "chd001", "olf", "Nowhere Gardens"]
OUTCOMES = ["contacted", "toured", "lost", "applied", "leased"]

LEAD = st.tuples(st.just("lead"), st.sampled_from(RENTERS), st.sampled_from(HOMES))
MERGE = st.tuples(st.just("merge"), st.integers(0, 5), st.integers(0, 5))
UNDO = st.tuples(st.just("undo"), st.integers(0, 3))
OUTCOME = st.tuples(st.just("outcome"), st.integers(0, 9), st.sampled_from(OUTCOMES))
DONE = st.tuples(st.just("done"), st.integers(0, 9))
PASS = st.tuples(st.just("pass"), st.sampled_from([1, 20, 70]))
PUSH = st.just(("push",))
STEPS = st.lists(LEAD | LEAD | LEAD | MERGE | MERGE | UNDO | OUTCOME | DONE | PASS | PUSH, max_size=14)
Step = tuple[Any, ...]


@dataclass
class Play:
    """A history as it is played. ``script`` is what happened in words that do not depend on ids, so that it can be
    played again without some of its merges."""

    office: Office
    push: bool = True
    script: list[Step] = field(default_factory=list)
    merges: dict[int, UUID] = field(default_factory=dict)
    leads: int = 0

    def do(self, step: Step) -> None:
        before = len(self.script)
        getattr(self, f"_{step[0]}")(*step[1:])
        if len(self.script) == before:
            self.script.append(("nothing",))
        self.office.forward(minutes=1)
        self.office.world.assert_balanced()

    def founders(self, table: Any, home: Any) -> list[str]:
        """The first lead of each root, of those that were told to the root itself: the name by which a person means
        it, with or without what was merged into it."""
        with self.office.world.services.store.read() as connection:
            statement = (
                select(inquiries.c.lead, home).join(table, table.c.id == home).where(table.c.id == table.c.root_id)
            )
            rows = list(connection.execute(statement.order_by(inquiries.c.id)))
        first: dict[UUID, str] = {}
        for lead, root in rows:
            first.setdefault(root, lead["message"]["value"])
        return sorted(first.values(), key=lambda name: int(name[1:]))

    def _lead(self, renter: tuple[str, str | None, str | None], home: str) -> None:
        self.script.append(("lead", renter, home))
        self.office.lead(f"m{self.leads}", *renter, home=home)
        self.leads += 1

    def _merge(self, one: int, other: int) -> None:
        people = self.founders(prospects, inquiries.c.prospect_id)
        if people and one % len(people) != other % len(people):
            loser, survivor = people[one % len(people)], people[other % len(people)]
            self._join(loser, survivor)

    def _join(self, loser: str, survivor: str) -> None:
        self.merges[len(self.script)] = self.office.merge(loser, survivor)
        self.script.append(("join", loser, survivor))

    def _undo(self, which: int) -> None:
        if self.merges:
            at = sorted(self.merges)[which % len(self.merges)]
            self.office.unmerge(self.merges.pop(at))
            self.script[at] = ("nothing",)

    def _nothing(self) -> None:
        """A minute passes."""

    def _outcome(self, which: int, kind: str) -> None:
        cards = self.founders(guest_cards, inquiries.c.guest_card_id)
        if cards:
            self._happened(cards[which % len(cards)], kind)

    def _happened(self, message: str, kind: str) -> None:
        self.script.append(("happened", message, kind))
        self.office.outcome(message, kind)

    def _done(self, which: int) -> None:
        cards = self.founders(guest_cards, inquiries.c.guest_card_id)
        if cards:
            self._finished(cards[which % len(cards)])

    def _finished(self, message: str) -> None:
        self.script.append(("finished", message))
        mine = tasks.c.guest_card_id == self.office.card(message)["id"]
        for row in self.office.world.rows(tasks, mine, tasks.c.state == "open", tasks.c.kind == "first_contact"):
            self.office.actions.complete_task(row["id"], "ana")

    def _pass(self, days: int) -> None:
        self.script.append(("pass", days))
        self.office.forward(days=days)

    def _push(self) -> None:
        self.script.append(("push",))
        if self.push:
            self.office.settle()


def played(office: Office, steps: list[Step], push: bool = True) -> Play:
    office.clear()
    play = Play(office, push)
    for step in steps:
        play.do(step)
    return play


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(steps=STEPS)
def test_as_if_it_had_not_been(office: Office, steps: list[Step]) -> None:
    play = played(office, steps)
    for _ in range(len(play.merges)):
        play.do(("undo", len(steps)))
    office.settle()
    office.assert_sound()
    people, by_hand = office.remote_people(), office.world.count(tasks, tasks.c.kind == "correct_destination")
    found = likeness(office)
    played(office, play.script)
    office.settle()
    assert likeness(office).splitlines() == found.splitlines()
    # Where a record was entered as the other person's, only a person can tell the PMS, and is asked to.
    assert office.remote_people() == people or by_hand
