"""What a person does: place, merge, unmerge, keep apart, replay, retry, edit. Each leaves a row in the audit log.

``dry_run`` plans the same and rolls back. Raises :class:`NotFound` for keys that do not exist and :class:`Reject` for
what cannot be done, with a sentence that says why. One module, as each act is one transaction of the same make and the
list of them is what a person may do.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, delete, insert, or_, select, update

from leadsvc.errors import Conflict, NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.model import ReceiptState
from leadsvc.outbox import CALL_BUDGET, CORRECTIONS_CAP, Owed
from leadsvc.pipeline import verdicts
from leadsvc.pipeline.households import part_household, say_household
from leadsvc.pipeline.impact import decided_about, measured
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.merging import merge_persons, settle_review
from leadsvc.pipeline.naming import Names
from leadsvc.pipeline.parting import unmerge
from leadsvc.pipeline.placing import owe_if_nothing_was, place
from leadsvc.pipeline.seen import Context
from leadsvc.pipeline.splitting import split
from leadsvc.pipeline.stages import write_outcome
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.tray import Tray, release
from leadsvc.pipeline.trusting import RELEASED
from leadsvc.pipeline.working import Working
from leadsvc.resolve.golden import with_edited_name
from leadsvc.resolve.person import Card, Person
from leadsvc.resolve.stage import STANDINGS
from leadsvc.store.known import Known, bump, load_persons
from leadsvc.store.tables import (
    audit,
    deliveries,
    exceptions,
    fates,
    guest_cards,
    inquiries,
    match_decisions,
    properties,
    property_aliases,
    prospects,
    receipts,
    tasks,
)

_TRIES = 20
_EDITABLE = ("name", "email", "phone", "standing")


def _lifted() -> dict[str, ColumnElement[bool]]:
    """What a person's word lets a delivery pass: what it was held for."""
    held = deliveries.c.state == "held"
    return {
        "released": or_(deliveries.c.released, and_(held, deliveries.c.cause == CORRECTIONS_CAP)),
        "unmetered": or_(deliveries.c.unmetered, and_(held, deliveries.c.cause == CALL_BUDGET)),
    }


class DryRun(Exception):
    """Carries the impact out of a transaction that must not be kept."""


class Actions:
    """Thread-safe; shares the store and the portfolio with :class:`Intake`."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.store = intake.store
        self.clock = intake.clock
        self._window = intake.settings.policy.attribution_window_days
        self.tray = Tray(intake)
        self.names = Names(intake)

    # -- prospects ----------------------------------------------------------------------------------------------------

    def merge(self, prospect_key: str, into_key: str, actor: str, dry_run: bool = False) -> dict[str, Any]:
        """Let ``into_key`` stand for both people. Undo with :meth:`unmerge` and the decision it returns."""

        def act(connection: Connection) -> dict[str, Any]:
            work, (loser, survivor) = self._two(connection, prospect_key, into_key)
            return measured(
                connection, (loser.id, survivor.id), self._window, lambda: merged(connection, work, loser, survivor)
            )

        def merged(connection: Connection, work: Working, loser: Person, survivor: Person) -> dict[str, Any]:
            decision = merge_persons(
                work,
                survivor=survivor,
                loser=loser,
                rule="by_hand",
                sentence="A person decided that they are the same",
                evidence=[],
                decided_by=actor,
            )
            cards = [card.key for card in loser.cards]
            work.finish()
            work.flush(connection)
            self._audit(connection, actor, "merge", "prospect", prospect_key, {"into": into_key})
            done = {"prospect": into_key, "merged": prospect_key, "cards": cards}
            return done if dry_run else done | {"decision": str(decision)}

        return self._run(act, dry_run)

    def unmerge(self, decision_id: uuid.UUID | str, actor: str, dry_run: bool = False) -> dict[str, Any]:
        """Take a merge or a single join back, whenever it was made; what came later goes to whom its evidence names
        (P4)."""

        decision_id = uuid.UUID(str(decision_id))

        def act(connection: Connection) -> dict[str, Any]:
            kind = connection.execute(
                select(match_decisions.c.kind).where(match_decisions.c.id == decision_id)
            ).scalar()
            undo = split if kind in {"assign", "rehome"} else unmerge
            people = decided_about(connection, decision_id)
            context = self._context()
            impact = measured(connection, people, self._window, lambda: undo(connection, context, decision_id, actor))
            self._audit(connection, actor, "unmerge", "decision", str(decision_id), {})
            return impact

        return self._run(act, dry_run)

    def split(self, inquiry_id: uuid.UUID, actor: str, dry_run: bool = False) -> dict[str, Any]:
        """Say that one inquiry is somebody else's: undoes the decision by which it is where it is."""
        with self.store.read() as connection:
            found = select(inquiries.c.decision_id).where(inquiries.c.id == inquiry_id)
            decision = connection.execute(found).scalar()
        if decision is None:
            raise NotFound(f"there is no inquiry {inquiry_id}")
        return self.unmerge(decision, actor, dry_run)

    def household(
        self, prospect_key: str, other_key: str, verdict: str, actor: str, dry_run: bool = False
    ) -> dict[str, Any]:
        """Say whether two people look for a home together (``related``) or do not (``apart``). It sticks, whatever is
        proposed later. A household is two people, whom no rule joins."""

        def act(connection: Connection) -> dict[str, Any]:
            work, (one, other) = self._two(connection, prospect_key, other_key)
            say_household(work, one, other, verdict, actor)
            if verdict == "apart":
                part_household(connection, work, one, other)
            work.flush(connection)
            self._audit(connection, actor, "household", "prospect", prospect_key, {"other": other_key, "is": verdict})
            return {"prospect": one.key, "other": other.key, "household": verdict}

        return self._run(act, dry_run)

    def keep_apart(self, prospect_key: str, other_key: str, actor: str, dry_run: bool = False) -> dict[str, Any]:
        """Say that two prospects are different people; no rule will join them again."""

        def act(connection: Connection) -> dict[str, Any]:
            work, (one, other) = self._two(connection, prospect_key, other_key)
            decision_id = uuid7()
            work.decision(
                decision_id,
                kind="keep_apart",
                verdict="apart",
                prospect_id=one.id,
                other=other.id,
                rule="by_hand",
                sentence="A person decided that they are different people",
                evidence=[],
                decided_by=actor,
            )
            ours, theirs = verdicts.told_by(one.members), verdicts.told_by(other.members)
            verdicts.record(work, decision_id, verdicts.APART, ours, theirs)
            settle_review(work, one.members | other.members, actor, "different people")
            work.flush(connection)
            self._audit(connection, actor, "keep_apart", "prospect", prospect_key, {"other": other_key})
            return {"prospect": prospect_key, "other": other_key, "verdict": "apart"}

        return self._run(act, dry_run)

    def edit_prospect(self, prospect_key: str, field: str, value: Any, actor: str) -> dict[str, Any]:
        """An agent's own value: it wins over everything a source says."""
        if field not in _EDITABLE:
            raise Reject(
                422, "Not editable", f"{field} cannot be edited; choose one of {', '.join(_EDITABLE)}", code="field"
            )
        if field == "standing" and value not in STANDINGS:
            raise Reject(422, "Unknown standing", f"choose one of {', '.join(STANDINGS[1:])}", code="standing")

        def act(connection: Connection) -> dict[str, Any]:
            row = self._root(connection, prospects, prospect_key)
            edits = dict(row["edits"]) | {field: {"value": value, "by": actor, "at": self.clock().isoformat()}}
            golden = with_edited_name(row["golden"], edits)
            changes = {"edits": edits, "golden": golden, "version": prospects.c.version + 1}
            connection.execute(update(prospects).where(prospects.c.id == row["id"]).values(**changes))
            restore_standing(connection, (row["id"],))
            self._owe_again(connection, row["id"])
            self._audit(connection, actor, "edit", "prospect", prospect_key, {"field": field})
            return {"prospect": prospect_key, "field": field}

        return self._run(act, False)

    # -- cards --------------------------------------------------------------------------------------------------------

    def place_card(
        self, card_key: str, property_id: uuid.UUID, actor: str, learn_alias: bool = False
    ) -> dict[str, Any]:
        """Say which property an unplaced card is about; what was held leaves."""

        def act(connection: Connection) -> dict[str, Any]:
            row = self._root(connection, guest_cards, card_key)
            home = connection.execute(select(properties).where(properties.c.id == property_id)).mappings().one_or_none()
            if home is None:
                raise NotFound("there is no such property; choose one of the list")
            if row["property_id"] is not None:
                raise Reject(409, "Already placed", f"{card_key} has a property already", code="placed")
            work, person, card = self._card(connection, row)
            kept = place(work, person, card, property_id, sentence="A person chose the property", decided_by=actor)
            work.changed(person)
            work.finish()
            work.flush(connection)
            owe_if_nothing_was(connection, work, card)
            work.flush(connection)
            if learn_alias and row["property_hint"]:
                alias = {"id": uuid7(), "property_id": property_id, "alias": row["property_hint"], "origin": "learned"}
                connection.execute(insert(property_aliases).values(**alias))
                bump(connection, "portfolio")
            self._audit(connection, actor, "place", "guest_card", card_key, {"property": home["remote_id"]})
            return {"guest_card": kept.key, "property": home["name"]}

        done = self._run(act, False)
        self.intake.forget_portfolio()
        return done

    def _card(self, connection: Connection, row: RowMapping) -> tuple[Working, Person, Card]:
        home = select(prospects.c.root_id).where(prospects.c.id == row["prospect_id"])
        root = connection.execute(home).scalar_one()
        known = Known(persons=load_persons(connection, {root}))
        person = known.persons[root]
        return Working(known, self._context()), person, next(card for card in person.cards if card.id == row["id"])

    def record_outcome(self, card_key: str, kind: str, at: datetime, actor: str, detail: str = "") -> dict[str, Any]:
        """What became of a card: contacted, toured, leased … entered by hand."""

        def act(connection: Connection) -> dict[str, Any]:
            card = self._root(connection, guest_cards, card_key)
            write_outcome(
                connection, card["id"], kind, at, origin="entered", detail=detail, actor=actor, now=self.clock()
            )
            self._audit(connection, actor, "outcome", "guest_card", card_key, {"kind": kind})
            return {"guest_card": card_key, "outcome": kind, "at": at.isoformat()}

        return self._run(act, False)

    def complete_task(self, task_id: uuid.UUID, actor: str) -> dict[str, Any]:
        def act(connection: Connection) -> dict[str, Any]:
            done = connection.execute(
                update(tasks)
                .where(tasks.c.id == task_id, tasks.c.state == "open")
                .values(state="done", reason=f"by {actor}", version=tasks.c.version + 1)
            )
            if not done.rowcount:
                raise NotFound("there is no such open task")
            self._audit(connection, actor, "complete", "task", str(task_id), {})
            return {"task": str(task_id), "state": "done"}

        return self._run(act, False)

    # -- receipts, deliveries, exceptions -----------------------------------------------------------------------------

    def replay(
        self, receipt_ids: Iterable[uuid.UUID], actor: str, dry_run: bool = False, trust: bool = False
    ) -> list[dict[str, Any]]:
        """Read stored bytes again with the present maps. Nothing is doubled: what exists is found by receipt and
        position, and what is read differently becomes a revision. ``trust``: the sender of a mail is genuine, whatever
        its verdict; that stays so."""
        return [self._replay(receipt_id, actor, dry_run, trust) for receipt_id in receipt_ids]

    def _replay(self, receipt_id: uuid.UUID, actor: str, dry_run: bool, trust: bool) -> dict[str, Any]:
        receipt = self.intake.load(receipt_id)
        before = receipt.state
        if dry_run:
            reading = self.intake.read(replace(receipt, trust=RELEASED) if trust else receipt)
            told = {"receipt": str(receipt_id), "before": before.value, "would_be": reading.verdict.value}
            return told | {"map": reading.map_id, "version": reading.map_version, "leads": len(reading.leads)}
        with self.store.write(Commit.ACTION) as connection:
            connection.execute(
                update(receipts)
                .where(receipts.c.id == receipt_id, receipts.c.state != "pending")
                .values(state="pending", processed_at=None, answer=None, **({"trust": RELEASED} if trust else {}))
            )
            connection.execute(delete(fates).where(fates.c.receipt_id == receipt_id, fates.c.fate != "revision"))
            self._audit(connection, actor, "release" if trust else "replay", "receipt", str(receipt_id), {})
        self.intake.process(receipt_id)
        after = self.intake.load(receipt_id).state
        if after is not ReceiptState.QUARANTINED:
            with self.store.write(Commit.ACTION) as connection:
                self._resolve(connection, exceptions.c.subject_id == receipt_id, actor, f"replayed: {after.value}")
        return {"receipt": str(receipt_id), "before": before.value, "after": after.value}

    def retry_delivery(
        self,
        delivery_id: uuid.UUID,
        actor: str,
        *,
        override: Mapping[str, str] | None = None,
        not_there: bool = False,
    ) -> dict[str, Any]:
        """Try a dead, held or waiting delivery at once, with its whole schedule before it again. Of the limits of its
        account only that which held it is lifted.

        ``override``: values that go out with this delivery instead of the card's. ``not_there``: a person looked, and
        no earlier attempt has written it.
        """
        values: dict[str, Any] = {"state": "pending", "cause": "", "due_at": self.clock(), "failures": 0}
        values |= _lifted() | ({"override": dict(override)} if override else {})
        values |= {"unsure_at": None} if not_there else {}
        detail = {"fields": sorted(override or ()), "not_there": not_there} if override or not_there else {}
        return self._move(delivery_id, ("dead", "held", "retry"), values, "retry", actor, detail)

    def retry_deliveries(self, delivery_ids: Sequence[uuid.UUID], actor: str) -> set[uuid.UUID]:
        """:meth:`retry_delivery` of many dead or held ones at once; returns those that were there to be moved."""

        def act(connection: Connection) -> dict[str, Any]:
            mine = deliveries.c.id.in_(delivery_ids) & deliveries.c.state.in_(("dead", "held"))
            values = {"state": "pending", "cause": "", "due_at": self.clock(), "failures": 0} | _lifted()
            moved = connection.execute(update(deliveries).where(mine).values(**values).returning(deliveries.c.id))
            found = list(moved.scalars())
            self._resolve(connection, exceptions.c.subject_id.in_(found), actor, "retry")
            same = {"at": self.clock(), "actor": actor, "action": "retry", "subject_kind": "delivery", "detail": {}}
            if found:
                connection.execute(insert(audit), [{"id": uuid7(), "subject": str(each)} | same for each in found])
            return {"moved": found}

        return set(self._run(act, False)["moved"])

    def cancel_delivery(self, delivery_id: uuid.UUID, actor: str) -> dict[str, Any]:
        """Give a delivery up; what comes after it on the card goes on."""
        values = {"state": "cancelled", "cause": f"by {actor}"}
        return self._move(delivery_id, ("dead", "held", "retry", "pending"), values, "cancel", actor)

    def _move(
        self,
        delivery_id: uuid.UUID,
        states: tuple[str, ...],
        values: dict[str, Any],
        action: str,
        actor: str,
        detail: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        def act(connection: Connection) -> dict[str, Any]:
            moved = connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery_id, deliveries.c.state.in_(states))
                .values(**values)
            )
            if not moved.rowcount:
                raise NotFound(f"there is no delivery to {action}: it is done, cancelled or being pushed")
            self._resolve(connection, exceptions.c.subject_id == delivery_id, actor, action)
            self._audit(connection, actor, action, "delivery", str(delivery_id), detail or {})
            return {"delivery": str(delivery_id), "state": values["state"]}

        done = self._run(act, False)
        self.intake.nudge()
        return done

    def resolve(self, exception_id: uuid.UUID, actor: str, resolution: str) -> dict[str, Any]:
        """Close an exception with a word on why."""

        def act(connection: Connection) -> dict[str, Any]:
            if not self._resolve(connection, exceptions.c.id == exception_id, actor, resolution):
                raise NotFound("there is no such open exception")
            release(connection, exception_id, self.clock())
            self._audit(connection, actor, "resolve", "exception", str(exception_id), {})
            return {"exception": str(exception_id), "resolution": resolution}

        return self._run(act, False)

    # -- shared -------------------------------------------------------------------------------------------------------

    def _run(self, act: Any, dry_run: bool) -> dict[str, Any]:
        for _ in range(_TRIES):
            impact: dict[str, Any] = {}
            try:
                with self.store.write(Commit.ACTION) as connection:
                    impact = act(connection)
                    if dry_run:
                        raise DryRun
            except DryRun:
                return impact | {"dry_run": True}
            except Conflict:
                continue
            self.intake.nudge()
            return impact
        raise Conflict("the same rows keep changing; try again")

    def _context(self) -> Context:
        now = self.clock()
        settings = self.intake.settings
        world = self.intake.portfolio(), settings.policy, settings.accounts
        return Context(uuid.UUID(int=0), "", now, now, *world, model=self.intake.model())

    def _persons(self, connection: Connection, *keys: str) -> tuple[Working, list[Person]]:
        roots = [self._root(connection, prospects, key)["id"] for key in keys]
        known = Known(persons=load_persons(connection, set(roots)))
        return Working(known, self._context()), [known.persons[root] for root in roots]

    def _two(self, connection: Connection, prospect_key: str, other_key: str) -> tuple[Working, list[Person]]:
        work, (one, other) = self._persons(connection, prospect_key, other_key)
        if one.id == other.id:
            raise Reject(409, "Already one prospect", f"{prospect_key} is part of {other_key}", code="same_prospect")
        return work, [one, other]

    def _root(self, connection: Connection, table: Table, key: str) -> RowMapping:
        own = table.alias("own")
        statement = select(table).join(own, own.c.root_id == table.c.id).where(own.c.key == key)
        row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no {table.name.rstrip('s').replace('_', ' ')} {key}")
        return row

    def _owe_again(self, connection: Connection, prospect_id: uuid.UUID) -> None:
        """The prospect changed: every live card of it is owed anew."""
        persons = load_persons(connection, {prospect_id})
        work = Working(Known(persons=persons), self._context())
        for card in persons[prospect_id].cards:
            info = work.context.portfolio.properties.get(card.property_id) if card.property_id else None
            if info is not None:
                work.bump(card)
                work.owe(card, [Owed("prospect", card.id, card.version)], info, None)
        work.finish()
        work.flush(connection)

    def _resolve(self, connection: Connection, which: Any, actor: str, resolution: str) -> int:
        values = {"resolved_at": self.clock(), "resolved_by": actor, "resolution": resolution}
        found = connection.execute(update(exceptions).where(which, exceptions.c.resolved_at.is_(None)).values(**values))
        return found.rowcount

    def _audit(
        self, connection: Connection, actor: str, action: str, kind: str, subject: str, detail: Mapping[str, Any]
    ) -> None:
        row = {"id": uuid7(), "at": self.clock(), "actor": actor, "action": action, "subject_kind": kind}
        connection.execute(insert(audit).values(**row, subject=subject, detail=dict(detail)))
