"""Random histories of one office, played twice: once as they are, once without the merges that were taken back.

Both worlds must look the same, but for audit, decisions and deliveries, and the books must balance at every step.
"""

from __future__ import annotations

import contextlib
import difflib
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from leadsvc.errors import Reject
from leadsvc.store.tables import guest_cards, identifiers, inquiries, prospect_identifiers, prospects, tasks
from tests.renters import Office


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
    kept = {name: row[name] for name in ("first_at", "last_at", "edits")}
    # That somebody is a prospect to the PMS, it says when it is told of a card again: a matter of deliveries.
    kept["standing"] = row["standing"].replace("prospect", "")
    return {"golden": golden, "names": names} | kept


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


# -- what happens ----------------------------------------------------------------------------------------------------

RENTERS = [
    ("Rosa Berg", "rosa@example.com", "0120"),
    ("Rosa Berg", "rosa@example.com", None),
    ("Rosa Berg", "rb@example.com", None),
    ("Anders Lind", "anders@example.com", "0122"),
    ("Ken Mori", None, "0123"),
]
HOMES = ["chd001", "chd001", "olf", "Nowhere Gardens"]
OUTCOMES = ["contacted", "toured", "lost", "applied", "leased"]

Step = tuple[Any, ...]


@dataclass
class Play:
    """A history as it is played. ``script`` is what happened in words that do not depend on ids, so that it can be
    played again without some of its merges."""

    office: Office
    script: list[Step] = field(default_factory=list)
    merges: dict[int, UUID] = field(default_factory=dict)
    leads: int = 0
    parted: bool = False

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

    def _edit(self, which: int, name: str, value: Any) -> None:
        people = self.founders(prospects, inquiries.c.prospect_id)
        if people:
            self._entered(people[which % len(people)], name, value)

    def _entered(self, message: str, name: str, value: Any) -> None:
        self.script.append(("entered", message, name, value))
        self.office.edit(message, name, value)

    def _split(self, which: int) -> None:
        """Give one inquiry to somebody of their own, where its person has another."""
        told = sorted(row["lead"]["message"]["value"] for row in self.office.world.rows(inquiries))
        if told:
            self._given(told[which % len(told)])

    def _given(self, message: str) -> None:
        self.script.append(("given", message))
        self.parted = True
        with contextlib.suppress(Reject):  # the only inquiry of its person
            self.office.actions.split(self.office.inquiry(message).id, "ana")

    def _apart(self, one: int, other: int) -> None:
        people = self.founders(prospects, inquiries.c.prospect_id)
        if people and one % len(people) != other % len(people):
            self._parted(people[one % len(people)], people[other % len(people)])

    def _parted(self, one: str, other: str) -> None:
        self.script.append(("parted", one, other))
        self.parted = True
        self.office.apart(one, other)

    def _pass(self, days: int) -> None:
        self.script.append(("pass", days))
        self.office.forward(days=days)

    def _push(self) -> None:
        self.script.append(("push",))
        self.office.settle()


def as_if_it_had_not_been(office: Office, play: Play) -> None:
    """Take back every merge of ``play``, then play the rest again: both ways must end alike."""
    while play.merges:
        play.do(("undo", 0))
    office.settle()
    office.assert_sound()
    people, by_hand = office.remote_people(), office.world.count(tasks, tasks.c.kind == "correct_destination")
    found = likeness(office)
    office.clear()
    again = Play(office)
    for step in play.script:
        again.do(step)
    office.settle()
    differ = difflib.unified_diff(found.splitlines(), likeness(office).splitlines(), "taken back", "had not been")
    assert not (told := "\n".join(differ)), told
    # Where a record was entered as the other person's, only a person can tell the PMS, and is asked to.
    assert office.remote_people() == people or by_hand, "the PMS has other people, and nobody is asked to mend it"


SMALL = st.integers(0, 9)
NAME = {"given": "Rosalind", "family": "Berg", "suffix": "", "text": "Rosalind Berg"}
EDITS = (("phone", "+19185550199"), ("email", "ana.says@example.com"), ("name", NAME), ("standing", "opted_out"))


class Histories(RuleBasedStateMachine):
    """What people, renters and the PMS may do, in any order. Nobody splits or keeps apart while somebody is merged:
    what that would mean without the merge, nobody could say. Once that was said, nobody writes any more: whom a lead
    belongs to that fits two people who are kept apart is a question for a person."""

    office: Office

    def __init__(self) -> None:
        super().__init__()
        self.office.clear()
        self.play = Play(self.office)

    @precondition(lambda self: not self.play.parted)
    @rule(renter=st.sampled_from(RENTERS), home=st.sampled_from(HOMES))
    def lead(self, renter: tuple[str, str | None, str | None], home: str) -> None:
        self.play.do(("lead", renter, home))

    @precondition(lambda self: not self.play.parted)
    @rule(renter=st.sampled_from(RENTERS), home=st.sampled_from(HOMES))
    def another_lead(self, renter: tuple[str, str | None, str | None], home: str) -> None:
        self.play.do(("lead", renter, home))

    @precondition(lambda self: self.play.leads > 1)
    @rule(one=SMALL, other=SMALL)
    def merge(self, one: int, other: int) -> None:
        self.play.do(("merge", one, other))

    @precondition(lambda self: self.play.merges)
    @rule(which=SMALL)
    def unmerge(self, which: int) -> None:
        self.play.do(("undo", which))

    @precondition(lambda self: self.play.leads > 1 and not self.play.merges)
    @rule(which=SMALL)
    def split(self, which: int) -> None:
        self.play.do(("split", which))

    @precondition(lambda self: self.play.leads > 1 and not self.play.merges)
    @rule(one=SMALL, other=SMALL)
    def keep_apart(self, one: int, other: int) -> None:
        self.play.do(("apart", one, other))

    @precondition(lambda self: self.play.leads)
    @rule(which=SMALL, kind=st.sampled_from(OUTCOMES))
    def outcome(self, which: int, kind: str) -> None:
        self.play.do(("outcome", which, kind))

    @precondition(lambda self: self.play.leads)
    @rule(which=SMALL)
    def task_done(self, which: int) -> None:
        self.play.do(("done", which))

    @precondition(lambda self: self.play.leads)
    @rule(which=SMALL, edit=st.sampled_from(EDITS))
    def edit(self, which: int, edit: tuple[str, Any]) -> None:
        self.play.do(("edit", which, *edit))

    @rule(days=st.sampled_from([1, 20, 70]))
    def time_passes(self, days: int) -> None:
        self.play.do(("pass", days))

    @rule()
    def push(self) -> None:
        self.play.do(("push",))

    def teardown(self) -> None:
        as_if_it_had_not_been(self.office, self.play)


def run(office: Office, histories: int, steps: int = 16, fixed: bool = False) -> None:
    """So many histories of so many steps in one office; raises AssertionError with the shortest that goes wrong.
    ``fixed``: the same ones each time."""

    class Here(Histories):
        pass

    Here.office = office
    chosen = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        derandomize=fixed,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Here, settings=chosen)
