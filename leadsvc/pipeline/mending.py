"""What an answer about a name mends: everything that came with it is read again, with what is said of it now.

Works in batches of one commit each. Who still waits is in the store, so that any process can go on after another died;
the sweep does.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select, update

from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.leadjson import from_json, to_json
from leadsvc.model import Lead
from leadsvc.outbox import Owed
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.placing import owe_if_nothing_was, place
from leadsvc.pipeline.seen import Context, Unmapped, content_key, credited, hint, placed, unmapped
from leadsvc.pipeline.unplacing import placed_by, unplace
from leadsvc.pipeline.working import Working
from leadsvc.places import Placement, name_key
from leadsvc.resolve.person import Card, Person
from leadsvc.store.known import Known, load_persons
from leadsvc.store.queries.portfolio import portfolio_version
from leadsvc.store.tables import (
    exceptions,
    guest_cards,
    inquiries,
    name_sightings,
    prospects,
    unmapped_names,
)

BATCH = 50
_TRIES = 20
_ASKED = 100
_GATHERED = 200
_MENDED, _LEFT = "mended", "left"


class Mender:
    """Mends those who waited. Thread-safe."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.store, self.clock = intake, intake.store, intake.clock
        self._looked = -1

    def round(self, batches: int = 20) -> int:
        """Gather names, ask for every open one, mend up to so many batches; returns how many subjects were mended."""
        while self._gather() == _GATHERED:
            pass
        self._look_again()
        self._ask()
        done = 0
        for _ in range(batches):
            name_id = self._next()
            if name_id is None:
                break
            done += self.batch(name_id)
        return done

    def _gather(self) -> int:
        """Put the unknown names of new inquiries into the queue; returns of how many. Intake only marks them, so that
        a name that a thousand leads have costs the thousand nothing."""
        marked = select(inquiries).where(inquiries.c.unmapped).order_by(inquiries.c.id).limit(_GATHERED)
        with self.store.read() as connection:
            rows = connection.execute(marked).all()
        if not rows:
            return 0
        with self.store.write(Commit.MEND) as connection:
            work = Working(Known(), self._context())
            for row in rows:
                names = [Unmapped(*name) for name in row.placement.get("names", ())]
                work.sighting(
                    names, row.id, feed=row.feed, source=row.source, receipt=row.receipt_id, at=row.received_at
                )
            work.flush(connection)
            done = inquiries.c.id.in_([row.id for row in rows])
            connection.execute(update(inquiries).where(done).values(unmapped=False))
        return len(rows)

    def _look_again(self) -> None:
        """A name that the configuration has by now needs no person: a unit that was added, a property renamed."""
        portfolio = self.intake.portfolio()
        if portfolio.version == self._looked:
            return
        today, kinds = self.clock().date(), ("property", "unit", "floor_plan", "agent")
        asked = select(unmapped_names).where(unmapped_names.c.state == "open")
        with self.store.read() as connection:
            rows = connection.execute(asked.where(unmapped_names.c.kind.in_((*kinds, "source")))).all()
        known = [
            row.id
            for row in rows
            if (row.kind == "source" and row.text in portfolio.sources)
            or (row.kind in kinds and portfolio.directory.knows(row.kind, row.scope, row.text, today))
        ]
        if known:
            now = self.clock()
            with self.store.write(Commit.MEND) as connection:
                mine = unmapped_names.c.id.in_(known) & (unmapped_names.c.state == "open")
                answered = {"state": "answered", "answered_at": now, "answered_by": "configuration"}
                connection.execute(update(unmapped_names).where(mine).values(**answered))
                read_again = name_sightings.c.name_id.in_(known) & (name_sightings.c.state == "left")
                connection.execute(update(name_sightings).where(read_again).values(state="waiting"))
                which = exceptions.c.subject_id.in_(known) & (exceptions.c.kind == "unmapped_name")
                closed = {"resolved_at": now, "resolved_by": "configuration", "resolution": "known by now"}
                connection.execute(update(exceptions).where(which, exceptions.c.resolved_at.is_(None)).values(**closed))
        self._looked = portfolio.version

    def _next(self) -> uuid.UUID | None:
        waiting = (name_sightings.c.name_id == unmapped_names.c.id) & (name_sightings.c.state == "waiting")
        told = unmapped_names.c.state.in_(("answered", "taken_back"))
        # A name that was taken back before anybody came with it is asked again all the same.
        statement = select(unmapped_names.c.id).where(
            told, exists().where(waiting) | (unmapped_names.c.state == "taken_back")
        )
        with self.store.read() as connection:
            return connection.execute(statement.limit(1)).scalar()

    def _ask(self) -> None:
        """Every open name is an exception: somebody must say what it means. (An unplaced card is one of its own.)"""
        asked = (exceptions.c.subject_id == unmapped_names.c.id) & exceptions.c.resolved_at.is_(None)
        unasked = select(unmapped_names).where(
            unmapped_names.c.state == "open",
            unmapped_names.c.kind != "property",
            ~exists().where(asked, exceptions.c.kind == "unmapped_name"),
        )
        with self.store.read() as connection:
            rows = connection.execute(unasked.limit(_ASKED)).all()
        if not rows:
            return
        with self.store.write(Commit.MEND) as connection:
            work = Working(Known(), self._context())
            for row in rows:
                what = row.kind.replace("_", " ")
                detail = f"The {what} {row.text} is not known here: say on the mapping page what it means."
                work.exception("unmapped_name", "name", row.id, row.kind, detail)
            work.flush(connection)

    def batch(self, name_id: uuid.UUID) -> int:
        """Mend one batch of those who wait for this name; returns how many there were."""
        with self.store.read() as connection:
            if portfolio_version(connection) != self.intake.portfolio().version:
                self.intake.forget_portfolio()
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.MEND) as connection:
                    return self._batch(connection, name_id)
            except Conflict:
                continue
        raise Conflict("the cards of these leads keep changing; the sweep tries again")

    def _batch(self, connection: Connection, name_id: uuid.UUID) -> int:
        own = select(unmapped_names).where(unmapped_names.c.id == name_id).with_for_update()
        name = connection.execute(own).one()
        if name.state not in ("answered", "taken_back"):
            return 0
        mine = (name_sightings.c.name_id == name_id) & (name_sightings.c.state == "waiting")
        waiting = list(
            connection.execute(
                select(name_sightings.c.subject_id).where(mine).order_by(name_sightings.c.subject_id).limit(BATCH)
            ).scalars()
        )
        reading = _Reading(connection, Working(Known(), self._context()), name)
        found = reading.cards(waiting) if name.kind == "source_name" else reading.inquiries(waiting)
        for state in (_MENDED, _LEFT):
            those = [subject for subject in waiting if found.get(subject, _LEFT) == state]
            which = (name_sightings.c.name_id == name_id) & name_sightings.c.subject_id.in_(those)
            connection.execute(update(name_sightings).where(which).values(state=state))
        if len(waiting) < BATCH:
            _finish(connection, name)
        return len(waiting)

    def _context(self) -> Context:
        now, settings = self.clock(), self.intake.settings
        return Context(uuid.UUID(int=0), "", now, now, self.intake.portfolio(), settings.policy, settings.accounts)


def _finish(connection: Connection, name: Row[Any]) -> None:
    """Everybody was read: a name that is still unknown to somebody (on the day on which it was used) is asked again."""
    left = select(func.count()).where(name_sightings.c.name_id == name.id, name_sightings.c.state == _LEFT)
    if name.state == "taken_back" or connection.execute(left.select_from(name_sightings)).scalar_one():
        connection.execute(update(unmapped_names).where(unmapped_names.c.id == name.id).values(state="open"))


class _Reading:
    """One batch, read again."""

    def __init__(self, connection: Connection, work: Working, name: Row[Any]) -> None:
        self.connection, self.work, self.name = connection, work, name
        self._changed: dict[uuid.UUID, Card] = {}
        self._placed: list[Card] = []
        self._flags: dict[uuid.UUID, list[str]] = {}

    # -- those who came with a name -----------------------------------------------------------------------------------

    def inquiries(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Inquiry -> mended or left."""
        rows = self.connection.execute(
            select(inquiries, prospects.c.root_id.label("person"))
            .join(prospects, prospects.c.id == inquiries.c.prospect_id)
            .where(inquiries.c.id.in_(ids))
            .order_by(inquiries.c.occurred_at, inquiries.c.id)
        ).all()
        self._load({row.person for row in rows})
        read = {"property": self._property, "source": self._source}.get(self.name.kind, self._room)
        found = {}
        for row in rows:
            person = self.work.known.persons[row.person]
            found[row.id] = read(row, from_json(row.lead), person, self.work.card(person, row.guest_card_id))
        self._write()
        return found

    def _load(self, people: set[uuid.UUID]) -> None:
        self.work.known.persons.update(load_persons(self.connection, people))
        cards = [card.id for person in self.work.known.persons.values() for card in person.cards]
        rows = self.connection.execute(select(guest_cards.c.id, guest_cards.c.flags).where(guest_cards.c.id.in_(cards)))
        self._flags = {row.id: list(row.flags) for row in rows}

    def _placement(self, row: Row[Any], lead: Lead) -> Placement:
        return self.work.context.portfolio.directory.place(lead, row.occurred_at.date())

    def _property(self, row: Row[Any], lead: Lead, person: Person, card: Card) -> str:
        placement = self._placement(row, lead)
        if card.property_id is not None and card.property_id != placement.property_id:
            decision = placed_by(self.connection, self.name.id, person, card)
            if decision is None or not unplace(self.connection, self.work, person, card, hint(lead), decision):
                # Somebody else said where it is, or it was told there already: it stays.
                return _MENDED
        if placement.property_id is None:
            self._keep(row, placement)
            return _LEFT
        if card.property_id is None:
            because = [{"field": "answer", "level": "name", "ours": str(self.name.id)}]
            sentence = f"A person said what the name means: {placement.sentence}"
            decided_by = self.name.answered_by or "rules"
            self.work.changed(person)
            self._placed.append(card)
            card = place(
                self.work,
                person,
                card,
                placement.property_id,
                sentence=sentence,
                decided_by=decided_by,
                because=because,
            )
        self._keep(row, placement)
        self._rooms(card, row, placement)
        # Now that the property is known, what it does not know is asked about it.
        self.work.sighting(
            unmapped(placement, lead),
            row.id,
            feed=row.feed,
            source=row.source,
            receipt=row.receipt_id,
            at=row.received_at,
        )
        return _MENDED

    def _room(self, row: Row[Any], lead: Lead, _person: Person, card: Card) -> str:
        """A unit, a floor plan or an agent."""
        placement = self._placement(row, lead)
        unknown = {(kind.value, name_key(text)) for kind, text in placement.unresolved}
        self._keep(row, placement)
        self._rooms(card, row, placement)
        return _LEFT if (self.name.kind, self.name.key) in unknown else _MENDED

    def _rooms(self, card: Card, row: Row[Any], placement: Placement) -> None:
        """The card follows where it has nothing, or what it has from this very inquiry."""
        before = row.placement
        unit, plan = card.unit_id, card.floor_plan_id
        if unit is None or str(unit) == before.get("unit_id"):
            unit = placement.unit_id
        if plan is None or str(plan) == before.get("floor_plan_id"):
            plan = placement.floor_plan_id
        unknown = {f"unknown_{kind.value}" for kind, _ in placement.unresolved if kind.value != "property"}
        known = {f"unknown_{kind}" for kind in ("unit", "floor_plan", "agent")} - unknown
        flags = sorted((set(self._flags.get(card.id, ())) - known) | unknown)
        if (unit, plan, flags) != (card.unit_id, card.floor_plan_id, sorted(self._flags.get(card.id, ()))):
            card.unit_id, card.floor_plan_id, self._flags[card.id] = unit, plan, flags
            self._changed[card.id] = card
        self._agent(card, before.get("agent_ref") or "", placement.agent_ref)

    def _agent(self, card: Card, before: str, now: str) -> None:
        if before == now or card.task is None:
            return
        info = self.work.context.portfolio.properties.get(card.property_id) if card.property_id else None
        usual = info.agents[card.id.int % len(info.agents)] if info and info.agents else ""
        self.work.assign_task(card, now or usual)
        self._changed[card.id] = card

    def _keep(self, row: Row[Any], placement: Placement) -> None:
        self.work.after(update(inquiries).where(inquiries.c.id == row.id).values(placement=placed(placement)))

    def _source(self, row: Row[Any], lead: Lead, person: Person, card: Card) -> str:
        lead, names = credited(self.work.context.portfolio, lead, row.occurred_at, self.name.text)
        if lead.source != row.source:
            values = {"source": lead.source, "lead": to_json(lead), "content_key": content_key(lead, row.property_id)}
            self.work.after(update(inquiries).where(inquiries.c.id == row.id).values(**values))
            first = guest_cards.c.id.in_(list(card.members)) & (guest_cards.c.first_source == row.source)
            self.work.after(update(guest_cards).where(first).values(first_source=lead.source))
            self.work.changed(person)
            self._changed[card.id] = card
        return _LEFT if names and not names[0].answered else _MENDED

    # -- cards that went out under the fallback of a source -----------------------------------------------------------

    def cards(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Card -> mended, for every card: each is told anew, under the name that its source has now."""
        root, home = guest_cards.alias("root"), prospects.alias("home")
        rows = self.connection.execute(
            select(guest_cards.c.id, root.c.id.label("root"), home.c.root_id.label("person"))
            .join(root, root.c.id == guest_cards.c.root_id)
            .join(home, home.c.id == root.c.prospect_id)
            .where(guest_cards.c.id.in_(ids))
        ).all()
        self._load({row.person for row in rows})
        for row in rows:
            card = next(card for card in self.work.known.persons[row.person].cards if card.id == row.root)
            self._changed[card.id] = card
        self._write()
        return dict.fromkeys(ids, _MENDED if self.name.state == "answered" else _LEFT)

    # -- writing ------------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        work = self.work
        for card in self._changed.values():
            values = {
                "unit_id": card.unit_id,
                "floor_plan_id": card.floor_plan_id,
                "flags": self._flags.get(card.id, []),
            }
            work.after(update(guest_cards).where(guest_cards.c.id == card.id).values(**values))
            work.bump(card)
            info = work.context.portfolio.properties.get(card.property_id) if card.property_id else None
            if info is not None:
                owed = [Owed("prospect", card.id, card.version)]
                if card.task is not None:
                    owed.append(Owed("task", card.task["id"], card.task["version"]))
                work.owe(card, owed, info, None)
        work.finish()
        work.flush(self.connection)
        for card in self._placed:
            owe_if_nothing_was(self.connection, work, card)
        work.flush(self.connection)
