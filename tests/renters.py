"""Short words for tests about identity: leads are named by their message, and asked about by that name.

``office.lead("a", "Rosa Berg", "rosa@example.com", "0120")`` sends the lead *a*; ``office.people()`` is how the leads
fall into people, ``office.cards()`` how into guest cards.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, delete, select, update

from leadsvc.config import Policy
from leadsvc.faults import Commit
from leadsvc.pipeline.actions import Actions
from leadsvc.pipeline.answers import Answer
from leadsvc.pipeline.projections import rebuild
from leadsvc.resolve.model import Model
from leadsvc.store.queries.models import activate
from leadsvc.store.tables import (
    counters,
    destinations,
    exceptions,
    guest_cards,
    inquiries,
    match_decisions,
    metadata,
    prospects,
    tasks,
)
from tests.benches.simpms import SimPmsBench
from tests.world import FIRST, World, running_world

Parts = set[frozenset[str]]
_KEPT = {"properties", "property_aliases", "floor_plans", "units", "agents", "sources", "remote_names", "counters"}
_THERE_BEFORE = 3
"""People that the simulated PMS starts with."""


def parts(*words: str) -> Parts:
    """``parts("a b", "c")``: *a* and *b* together, *c* alone."""
    return {frozenset(each.split()) for each in words}


class Office:
    """A world, asked in the words of these tests."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.actions: Actions = world.services.actions

    # -- what happens -------------------------------------------------------------------------------------------------

    def lead(
        self,
        message: str | None,
        name: str | None = "Rosa Berg",
        email: str | None = None,
        phone: str | None = None,
        home: str = "chd001",
        **more: Any,
    ) -> str:
        """Send one; returns what the sender is told of it. ``phone``: the last four digits; ``home``: a property's id,
        or with a blank in it a name that the directory may not know."""
        return self.leads([written(message, name, email, phone, home, **more)])[0]

    def leads(self, items: list[dict[str, Any]]) -> list[str]:
        answer = self.deliver(items)
        assert answer.status == 200, answer.body
        return [str(each["status"]) for each in answer.body["leads"]]

    def deliver(self, items: list[dict[str, Any]]) -> Answer:
        return self.world.send(json.dumps(items).encode(), "application/json", "canonical")

    def settle(self) -> None:
        self.world.settle()

    def forward(self, **time: float) -> None:
        self.world.clock.forward(**time)

    def merge(self, one: str, into: str) -> uuid.UUID:
        """Let the person of the lead ``into`` stand for that of ``one`` too; returns the decision."""
        done = self.actions.merge(self.key(one), self.key(into), "tester")
        return uuid.UUID(done["decision"])

    def unmerge(self, decision: uuid.UUID) -> dict[str, Any]:
        return self.actions.unmerge(decision, "tester")

    def unjoin(self, message: str) -> dict[str, Any]:
        """Say that this lead is somebody else's than it was joined to."""
        return self.actions.unmerge(self.inquiry(message).decision_id, "tester")

    def apart(self, one: str, other: str) -> None:
        self.actions.keep_apart(self.key(one), self.key(other), "tester")

    def outcome(self, message: str, kind: str, at: datetime | None = None) -> None:
        self.actions.record_outcome(self.card(message)["key"], kind, at or self.world.clock(), "tester")

    def edit(self, message: str, field: str, value: Any) -> None:
        self.actions.edit_prospect(self.key(message), field, value, "ana")

    def wary(self) -> None:
        """From now on a person is asked wherever two could possibly be one."""
        self.think(review=0.01)

    def think(self, **other: Any) -> None:
        """Put a model in force that differs so from the one that ships."""
        model = replace(Model.default(), version="tested", **other)
        with self.world.services.store.write(Commit.ADMIN) as connection:
            activate(connection, model, "tester", self.world.clock())
        self.world.services.intake.forget_portfolio()

    # -- how it stands ------------------------------------------------------------------------------------------------

    def people(self) -> Parts:
        return self._parts(prospects, inquiries.c.prospect_id)

    def cards(self) -> Parts:
        return self._parts(guest_cards, inquiries.c.guest_card_id)

    def person(self, message: str) -> Mapping[str, Any]:
        """The prospect, at its root, that this lead belongs to."""
        return self._of(message, prospects, inquiries.c.prospect_id)

    def card(self, message: str) -> Mapping[str, Any]:
        return self._of(message, guest_cards, inquiries.c.guest_card_id)

    def key(self, message: str) -> str:
        return str(self.person(message)["key"])

    def inquiry(self, message: str) -> Row[Any]:
        (found,) = [row for row in self._told() if _message(row.lead) == message]
        return found

    def decided(self, message: str) -> Mapping[str, Any]:
        """The decision by which this lead is where it is."""
        return self.world.rows(match_decisions, match_decisions.c.id == self.inquiry(message).decision_id)[0]

    def open_tasks(self) -> dict[frozenset[str], str]:
        """The body of the open first-contact task of each card."""
        bodies = {row["guest_card_id"]: row["body"] for row in self.world.rows(tasks, tasks.c.state == "open")}
        whole = self._groups(guest_cards, inquiries.c.guest_card_id)
        return {messages: bodies[card] for card, messages in whole.items() if card in bodies}

    def asked(self, *kinds: str) -> list[str]:
        """The causes of the open exceptions of these kinds."""
        still = exceptions.c.resolved_at.is_(None)
        return sorted(row["cause"] for row in self.world.rows(exceptions, still, exceptions.c.kind.in_(kinds)))

    def remote(self) -> list[Any]:
        """The cards in the PMS that are ours and stand for themselves."""
        return [each for each in self.world.pms.state()["cards"] if each["third_party_id"] and not each["merged_into"]]

    def remote_people(self) -> int:
        """How many people the PMS has beyond those it started with."""
        return int(self.world.pms.state()["counts"]["live_people"]) - _THERE_BEFORE

    def assert_sound(self) -> None:
        """The books balance, and what is stored is what follows from the facts."""
        self.world.assert_balanced()
        with self.world.services.store.write(Commit.ACTION) as connection:
            differ = rebuild(connection, self.world.services.intake.portfolio().own_values)
        assert not any(differ.values()), differ

    def clear(self) -> None:
        """As after the first start, without starting anything."""
        with self.world.services.store.write(Commit.ADMIN) as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in {*_KEPT, destinations.name}:
                    connection.execute(delete(table))
            connection.execute(
                update(destinations).values(state="active", failures=0, open_until=None, last_success_at=None)
            )
            connection.execute(update(counters).values(value=counters.c.value + 1))
        self.world.services.intake.forget_portfolio()
        self.world.pms.reset()
        self.world.clock.now = FIRST

    # -- inside -------------------------------------------------------------------------------------------------------

    def _told(self) -> list[Row[Any]]:
        with self.world.services.store.read() as connection:
            return list(connection.execute(select(inquiries)))

    def _groups(self, table: Table, home: Any) -> dict[uuid.UUID, frozenset[str]]:
        found: dict[uuid.UUID, set[str]] = defaultdict(set)
        statement = select(table.c.root_id, inquiries.c.lead).join(inquiries, home == table.c.id)
        with self.world.services.store.read() as connection:
            for row in connection.execute(statement):
                found[row.root_id].add(_message(row.lead))
        return {root: frozenset(messages) for root, messages in found.items()}

    def _parts(self, table: Table, home: Any) -> Parts:
        return set(self._groups(table, home).values())

    def _of(self, message: str, table: Table, home: Any) -> Mapping[str, Any]:
        own = table.alias("own")
        inquiry = self.inquiry(message)
        member = inquiry.prospect_id if table is prospects else inquiry.guest_card_id
        with self.world.services.store.read() as connection:
            statement = select(table).join(own, own.c.root_id == table.c.id).where(own.c.id == member)
            return dict(connection.execute(statement).mappings().one())


_DESK = {"Bea": "Bynes", "Cal": "Coult", "Dov": "Katz", "Eva": "Lund", "Flo": "Ferris", "Gus": "Gant", "Hal": "Moss"}


def desk(office: Office) -> None:
    """Seven people with addresses of their own who all give the number of their office, 0150, on seven days."""
    for name, family in _DESK.items():
        office.lead(name, f"{name} {family}", f"{name}.{family}@example.com".lower(), "0150", home="olf")
        office.forward(days=1)


def written(
    message: str | None,
    name: str | None = "Rosa Berg",
    email: str | None = None,
    phone: str | None = None,
    home: str = "chd001",
    **more: Any,
) -> dict[str, Any]:
    """The canonical JSON of a lead."""
    lead: dict[str, Any] = {"source": "apartments_com", "contact_type": "form", "message": message}
    lead |= {"person": {"name": name}} if name else {}
    lead |= {"email": email} if email else {}
    lead |= {"phone": f"918-555-{phone}"} if phone else {}
    lead["property"] = {"name": home} if " " in home else {"id": home}
    return lead | more


def _message(lead: Mapping[str, Any]) -> str:
    return str((lead.get("message") or {}).get("value", ""))


@contextlib.contextmanager
def running_office(url: str, var: Path, pms: SimPmsBench, policy: Policy | None = None) -> Iterator[Office]:
    with running_world(url, var, pms, policy) as world:
        yield Office(world)
