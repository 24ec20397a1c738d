"""The changes of one transaction while they are planned: each row is written once, however many leads touch it.

One module, because every kind of row has to be known to the one that decides in which order all are written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Executable, update

from leadsvc import outbox
from leadsvc.ids import next_number, public_key, uuid7
from leadsvc.normalize.hours import due_in_business_hours
from leadsvc.outbox import SHELVED, Hold, Owed
from leadsvc.pipeline.stages import restore_cards
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.tracing import SEVERAL
from leadsvc.resolve.person import Card, Identifier, Person
from leadsvc.store.bulk import Batch
from leadsvc.store.known import Known, Told
from leadsvc.store.queries.portfolio import PropertyInfo
from leadsvc.store.tables import (
    deliveries,
    exceptions,
    guest_cards,
    identifiers,
    inquiries,
    match_decisions,
    name_sightings,
    prospect_identifiers,
    prospects,
    reopenings,
    revisions,
    tasks,
    unmapped_names,
)

if TYPE_CHECKING:
    from leadsvc.pipeline.seen import Context, Seen, Unmapped
    from leadsvc.resolve.trace import Trace


class Working:
    """Collects new and changed rows; :meth:`finish` hands them to the batch, :meth:`flush` writes everything."""

    def __init__(self, known: Known, context: Context) -> None:
        self.known = known
        self.context = context
        self.batch = Batch()
        self.card_rows: dict[uuid.UUID, dict[str, Any]] = {}
        self.rebuild: set[uuid.UUID] = set()
        self._merged: dict[uuid.UUID, uuid.UUID] = {}
        self._folded: dict[uuid.UUID, uuid.UUID] = {}
        self._versions: dict[uuid.UUID, int] = {}
        self._cards: dict[uuid.UUID, Card] = {}
        self._task_rows: dict[uuid.UUID, dict[str, Any]] = {}
        self._task_changes: dict[uuid.UUID, tuple[int, dict[str, Any]]] = {}
        self._identifier_rows: dict[uuid.UUID, dict[str, Any]] = {}
        self._inquiry_rows: dict[uuid.UUID, dict[str, Any]] = {}
        self._inquiry_changes: dict[uuid.UUID, tuple[int, dict[str, Any]]] = {}
        self._links: set[tuple[uuid.UUID, uuid.UUID]] = set()
        self._after: list[Executable] = []
        self._edited: set[uuid.UUID] = set()
        self._firsts: dict[uuid.UUID, dict[str, Any]] = {}
        self._staged: set[uuid.UUID] = set()
        self._standing: set[uuid.UUID] = set()
        self._stored: dict[uuid.UUID, frozenset[uuid.UUID]] = {}
        self._reopened: dict[uuid.UUID, str] = {}
        self._traces: dict[uuid.UUID, Trace] = {}
        self._identifier_changes: dict[uuid.UUID, dict[str, Any]] = {}

    # -- prospects ----------------------------------------------------------------------------------------------------

    def root(self, person: uuid.UUID) -> uuid.UUID:
        """The prospect that ``person`` is part of by now."""
        while person in self._merged:
            person = self._merged[person]
        return person

    def new_person(self, at: datetime) -> Person:
        person = Person(uuid7(), public_key("PR"), 1, at, at, new=True)
        person.members = {person.id}
        self.known.persons[person.id] = person
        self._versions[person.id] = 1
        return person

    def touch(self, person: Person, card: Card, at: datetime) -> None:
        """Something happened at ``at``: prospect and card are written at the end."""
        person.first_at, person.last_at = min(person.first_at, at), max(person.last_at, at)
        card.opened_at, card.last_at = min(card.opened_at, at), max(card.last_at, at)
        self._versions.setdefault(person.id, person.version)
        self._cards[card.id] = card

    def changed(self, person: Person) -> None:
        self._versions.setdefault(person.id, person.version)

    def absorb(self, survivor: Person, loser: Person) -> None:
        """Point the loser's root at the survivor; called before the survivor takes over the loser's members."""
        for each in (survivor, loser):
            self._stored.setdefault(each.id, frozenset(each.members))
        self._merged[loser.id] = survivor.id
        self.stand(survivor.id)
        self.known.recent[survivor.id] += self.known.recent.pop(loser.id, [])
        self.known.members[survivor.id] += self.known.members.pop(loser.id, [])
        self.changed(survivor)
        self.changed(loser)

    def stand(self, person: uuid.UUID) -> None:
        """What this person is to us (resident, opted out …) may be something else by now."""
        self._standing.add(person)

    def rewrite_edits(self, person: Person) -> None:
        """What agents entered about somebody merged into ``person`` counts for it from now on."""
        self._edited.add(person.id)

    def link(self, person: Person, identifier: Identifier, name: str, now: datetime) -> None:
        self.enter(identifier)
        if (person.id, identifier.id) not in self._links:
            self._links.add((person.id, identifier.id))
            row = {"prospect_id": person.id, "identifier_id": identifier.id, "name_key": name, "first_at": now}
            self.batch.insert(prospect_identifiers, row, keep=True)

    def enter(self, identifier: Identifier) -> None:
        """Put a value on record, unless it is."""
        if identifier.id in self.known.stored:
            return
        self.known.stored.add(identifier.id)
        row = {
            "id": identifier.id,
            "kind": identifier.kind,
            "value": identifier.value,
            "trust": "relay" if identifier.kind == "thread" else "own",
            "trust_reason": "",
            "marks": [],
            "first_at": self.context.now,
        }
        self._identifier_rows[identifier.id] = row
        self.batch.insert(identifiers, row, keep=True)

    def mark_shared(self, identifier: uuid.UUID) -> None:
        """A value with too many names behind it loses its weight, from now on and for everybody."""
        self.known.shared.add(identifier)
        # Whoever has another value is shown with that one from now on.
        self.rebuild |= self.known.behind.get(identifier, set())
        self._change_identifier(identifier, {"trust": "shared", "trust_reason": SEVERAL})

    def marked(self, identifier: uuid.UUID, marks: Iterable[str]) -> None:
        """This is what was seen with a value."""
        self._change_identifier(identifier, {"marks": sorted(marks)})

    def _change_identifier(self, identifier: uuid.UUID, values: Mapping[str, Any]) -> None:
        if identifier in self._identifier_rows:
            self._identifier_rows[identifier].update(values)
        else:
            self._identifier_changes.setdefault(identifier, {}).update(values)

    # -- cards and tasks ----------------------------------------------------------------------------------------------

    def card(self, person: Person, card_id: uuid.UUID) -> Card:
        """The root card that ``card_id`` is part of by now."""
        root = self._root_card(card_id)
        return next(each for each in person.cards if each.id == root)

    def _root_card(self, card_id: uuid.UUID) -> uuid.UUID:
        while card_id in self._folded:
            card_id = self._folded[card_id]
        return card_id

    def new_card(self, card: Card, row: dict[str, Any]) -> None:
        self.card_rows[card.id] = row
        self._cards[card.id] = card

    def fold(self, keep: Card, gone: Card) -> None:
        """Point the root of one card at another; its open deliveries queue up behind the survivor's. Called before the
        survivor takes over the other's members."""
        for each in (keep, gone):
            self._stored.setdefault(each.id, frozenset(each.members))
        self._folded[gone.id] = keep.id
        if keep.stage != "new" or gone.stage != "new":
            self._staged.add(keep.id)
            self.stand(keep.prospect_id)
        self._cards[keep.id] = keep
        self._cards[gone.id] = gone
        waiting = ("pending", "retry", "held", "dead")
        lane = deliveries.c.lane_id == gone.id
        self.after(update(deliveries).where(lane, deliveries.c.state.in_(waiting)).values(lane_id=keep.id))

    def wake(self, card: Card) -> None:
        """What was shelved of ``card`` is owed from now on, before anything that is owed later."""
        card.asleep = False
        shelved = (deliveries.c.state == "cancelled") & (deliveries.c.cause == SHELVED.cause)
        placed = {"state": "pending", "cause": "", "due_at": self.context.now}
        unplaced = {"state": "held", "cause": "unplaced_card"}
        mine = deliveries.c.guest_card_id.in_(list(card.members))
        self.after(update(deliveries).where(mine, shelved).values(**(placed if card.property_id else unplaced)))

    def rename_first(self, card: Card, source: str, campaign: str) -> None:
        """An older inquiry of a sleeping card came to light: the first touch of its cycle is another."""
        first = {"first_source": source, "first_campaign": campaign}
        if card.id in self.card_rows:
            self.card_rows[card.id].update(first)
        else:
            self._firsts[card.id] = first

    def bump(self, card: Card) -> None:
        """The card's record differs from what was last owed: a new version of it is owed."""
        card.version += 1
        self._cards[card.id] = card

    def first_contact(
        self,
        card_id: uuid.UUID,
        property_id: uuid.UUID | None,
        inquiry_id: uuid.UUID,
        body: str,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """The row of a first-contact task: assignee of the property, due in its business hours, counted from ``at``
        (now)."""
        policy, now = self.context.policy, at or self.context.now
        info = self.context.portfolio.properties.get(property_id) if property_id else None
        zone, hours = (info.time_zone, info.office_hours) if info else ("UTC", {})
        return {
            "id": uuid7(),
            "guest_card_id": card_id,
            "kind": "first_contact",
            "state": "open",
            "reason": "",
            "title": policy.first_contact_title,
            "body": body,
            "assignee": info.agents[card_id.int % len(info.agents)] if info and info.agents else "",
            "due_at": due_in_business_hours(now, policy.first_contact_minutes, zone, hours),
            "inquiry_id": inquiry_id,
            "version": 1,
            "created_at": now,
        }

    def new_task(self, card: Card, row: dict[str, Any]) -> None:
        self._task_rows[row["id"]] = row
        self.batch.insert(tasks, row)

    def correct_by_hand(self, card: Card, inquiry_id: uuid.UUID, title: str, body: str) -> None:
        """Ask a person to put right in the destination what cannot be put right from here."""
        row = self.first_contact(card.id, card.property_id, inquiry_id, body)
        self.batch.insert(tasks, row | {"kind": "correct_destination", "title": title})

    def move_task(self, card: Card, body: str, inquiry_id: uuid.UUID) -> None:
        """One open task follows the newest inquiry; its deadline stays the earliest (the renter has waited since)."""
        self._change_task(card, {"body": body, "inquiry_id": inquiry_id})

    def assign_task(self, card: Card, agent: str) -> None:
        """The task goes to that agent (the PMS's id)."""
        self._change_task(card, {"assignee": agent})

    def hasten_task(self, card: Card, due_at: datetime) -> None:
        self._change_task(card, {"due_at": due_at})

    def _change_task(self, card: Card, values: dict[str, Any]) -> None:
        if card.task is None:
            return
        card.task["due_at"] = values.get("due_at", card.task["due_at"])
        task_id = card.task["id"]
        if task_id in self._task_rows:
            self._task_rows[task_id].update(values)
            return
        original, before = self._task_changes.get(task_id, (card.task["version"], {}))
        card.task["version"] = original + 1
        self._task_changes[task_id] = (original, before | values | {"version": original + 1})

    def cancel_task(self, card: Card, reason: str) -> None:
        if card.task is None:
            return
        task_id = card.task["id"]
        values = {"state": "cancelled", "reason": reason}
        if task_id in self._task_rows:
            self._task_rows[task_id].update(values)
        else:
            original = self._task_changes.pop(task_id, (card.task["version"], {}))[0]
            self.batch.update(tasks, {"id": task_id, "version": original}, values | {"version": original + 1})
        owed = deliveries.c.subject_id == task_id
        waiting = deliveries.c.state.in_(("pending", "retry", "held"))
        cancelled = {"state": "cancelled", "cause": reason}
        self.after(update(deliveries).where(owed, deliveries.c.kind == "task", waiting).values(**cancelled))
        card.task = None

    # -- facts --------------------------------------------------------------------------------------------------------

    def decision(
        self,
        decision_id: uuid.UUID,
        *,
        kind: str,
        verdict: str,
        prospect_id: uuid.UUID,
        rule: str,
        sentence: str,
        evidence: Sequence[Mapping[str, Any]],
        inquiry_id: uuid.UUID | None = None,
        other: uuid.UUID | None = None,
        undoes: uuid.UUID | None = None,
        decided_by: str = "rules",
    ) -> None:
        self.batch.insert(
            match_decisions,
            {
                "id": decision_id,
                "seq": next_number(),
                "at": self.context.now,
                "kind": kind,
                "verdict": verdict,
                "inquiry_id": inquiry_id,
                "prospect_id": prospect_id,
                "other_prospect_id": other,
                "undoes": undoes,
                "rule": rule,
                "sentence": sentence,
                "evidence": evidence,
                "rules_version": self.context.model.version,
                "decided_by": decided_by,
            },
        )

    def new_inquiry(self, row: dict[str, Any]) -> None:
        self._inquiry_rows[row["id"]] = row
        self.batch.insert(inquiries, row)

    def retraced(self, inquiry_id: uuid.UUID, trace: Trace) -> None:
        """The inquiry is compared otherwise from now on, and looked at again."""
        if inquiry_id in self._inquiry_rows:
            self._inquiry_rows[inquiry_id] |= {"trace": trace.to_json(), "unsettled": True}
        else:
            self._traces[inquiry_id] = trace

    def reopen(self, inquiry_id: uuid.UUID, why: str) -> None:
        """Who is who around the inquiry is to be decided again, by :mod:`.settling`."""
        self._reopened.setdefault(inquiry_id, why)

    def revise(self, told: Told, new: Mapping[str, Any], seen: Seen, why: str) -> None:
        """Keep the old content as a revision and put the new one in its place."""
        old = {
            "inquiry_id": told.id,
            "revision": told.revision,
            "receipt_id": told.content_receipt_id,
            "lead": told.lead,
            "why": why,
            "replaced_at": self.context.now,
        }
        self.batch.insert(revisions, old)
        lead = seen.lead
        values = {
            "lead": new,
            "revision": told.revision + 1,
            "content_receipt_id": self.context.receipt_id,
            "content_at": self.context.received_at,
            "map_id": lead.map_id,
            "map_version": lead.map_version,
            "campaign": lead.campaign.value if lead.campaign else "",
            "content_key": seen.content_key,
        }
        if told.id in self._inquiry_rows:
            self._inquiry_rows[told.id].update(values)
        else:
            original = self._inquiry_changes.get(told.id, (told.revision, {}))[0]
            self._inquiry_changes[told.id] = (original, values)
        self.rebuild.add(self.root(told.person))

    def exception(self, kind: str, subject_kind: str, subject_id: uuid.UUID, cause: str, detail: str) -> None:
        """Open an exception, unless the same one is open already."""
        row = {
            "id": uuid7(),
            "kind": kind,
            "subject_kind": subject_kind,
            "subject_id": subject_id,
            "cause": cause,
            "detail": detail,
            "opened_at": self.context.now,
        }
        self.batch.insert(exceptions, row, keep=True)

    def sighting(
        self,
        names: Iterable[Unmapped],
        subject_id: uuid.UUID,
        *,
        feed: str,
        source: str,
        receipt: uuid.UUID,
        at: datetime,
    ) -> None:
        """An inquiry that came at ``at`` had these unknown names: whoever says what they mean finds it."""
        for name in names:
            row = {"id": name.id, "kind": name.kind, "scope": name.scope, "key": name.key, "text": name.text[:300]}
            row |= {"feed": feed, "source": source, "receipt_id": receipt, "first_seen_at": at}
            self.batch.insert(unmapped_names, row, keep=True)
            state = "mended" if name.answered else "waiting"
            seen = {"name_id": name.id, "subject_id": subject_id, "at": at, "state": state}
            self.batch.insert(name_sightings, seen, keep=True)

    def owe(
        self, card: Card, owed: list[Owed], info: PropertyInfo | None, hold: Hold | None, lane: uuid.UUID | None = None
    ) -> None:
        self.owe_by_id(card.id, owed, info, SHELVED if card.asleep else hold, lane)

    def owe_by_id(
        self,
        card_id: uuid.UUID,
        owed: list[Owed],
        info: PropertyInfo | None,
        hold: Hold | None,
        lane: uuid.UUID | None = None,
    ) -> None:
        """Put deliveries into the outbox, in this order behind what the lane holds already."""
        context = self.context
        where = (info.destination, info.remote_id) if info else ("", "")
        receipt_id = context.receipt_id if context.receipt_id.int else None
        for account in outbox.takers(context.accounts, *where):
            for row in outbox.rows(
                account, card_id, lane or card_id, owed, now=context.now, receipt_id=receipt_id, hold=hold
            ):
                self.batch.insert(deliveries, row, keep=True)

    # -- writing ------------------------------------------------------------------------------------------------------

    def after(self, statement: Executable) -> None:
        """Run ``statement`` once the rows are written."""
        self._after.append(statement)

    def finish(self) -> None:
        for person_id, version in self._versions.items():
            self._write_person(self.known.persons[person_id], version)
        for card in self._cards.values():
            self._write_card(card)
        for identifier_id, changed in self._identifier_changes.items():
            self.batch.update(identifiers, {"id": identifier_id}, changed)
        for inquiry_id, trace in self._traces.items():
            values = {"trace": trace.to_json(), "unsettled": True}
            if inquiry_id in self._inquiry_changes:
                self._inquiry_changes[inquiry_id][1].update(values)
            else:
                self.batch.update(inquiries, {"id": inquiry_id}, values)
        for inquiry_id, why in self._reopened.items():
            row = {"inquiry_id": inquiry_id, "why": why, "asked_at": self.context.now, "failures": 0}
            self.batch.insert(reopenings, row, keep=True)
        for inquiry_id, (revision, values) in self._inquiry_changes.items():
            self.batch.update(inquiries, {"id": inquiry_id, "revision": revision}, values)
        for task_id, (version, values) in self._task_changes.items():
            self.batch.update(tasks, {"id": task_id, "version": version}, values)

    def flush(self, connection: Connection) -> None:
        self.batch.flush(connection)
        for card_id, first in self._firsts.items():
            connection.execute(update(guest_cards).where(guest_cards.c.id == card_id).values(**first))
        after, self._after = self._after, []
        for statement in after:
            connection.execute(statement)
        restore_cards(connection, {self._root_card(card) for card in self._staged})
        if self._standing:
            restore_standing(connection, self._standing)

    def _write_person(self, person: Person, version: int) -> None:
        root = self.root(person.id)
        values = {
            "root_id": root,
            "names": person.raw_names,
            "golden": person.golden,
            "first_at": person.first_at,
            "last_at": person.last_at,
        }
        if person.id in self._edited:
            values["edits"] = person.edits
        if person.new:
            self.batch.insert(prospects, {"id": person.id, "key": person.key} | values)
            return
        if root != person.id:
            self.batch.update(
                prospects, {"id": person.id, "version": version}, {"root_id": root, "version": version + 1}
            )
            for member in sorted(self._stored[person.id] - {person.id}):
                self.batch.update(prospects, {"id": member, "root_id": person.id}, {"root_id": root})
            return
        self.batch.update(prospects, {"id": person.id, "version": version}, values | {"version": version + 1})

    def _write_card(self, card: Card) -> None:
        root = self._root_card(card.id)
        moved = {
            "root_id": root,
            "property_id": card.property_id,
            "property_hint": card.hint,
            "opened_at": card.opened_at,
            "last_at": card.last_at,
            "version": card.version,
        }
        if card.id in self.card_rows:
            self.batch.insert(guest_cards, self.card_rows[card.id] | moved)
            return
        self.batch.update(guest_cards, {"id": card.id}, moved)
        if root != card.id:
            for member in sorted(self._stored[card.id] - {card.id}):
                self.batch.update(guest_cards, {"id": member}, {"root_id": root})
