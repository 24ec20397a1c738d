"""What follows from the leads of one receipt: prospects, cards, inquiries, tasks, deliveries. Pure but for new ids.

The planner looks at :class:`Known` only, decides lead after lead (a later lead of the same receipt sees what an earlier
one did) and fills a :class:`Batch`. One module, as the steps of a lead share what was decided before them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from leadsvc.ids import public_key, uuid7
from leadsvc.leadjson import to_json
from leadsvc.normalize.hours import due_in_business_hours
from leadsvc.outbox import SHELVED, Hold, Owed
from leadsvc.pipeline import tracing
from leadsvc.pipeline.deciding import Decider
from leadsvc.pipeline.merging import merge_persons
from leadsvc.pipeline.placing import place
from leadsvc.pipeline.seen import HISTORY_FLAG, Context, Fate, Seen, hint, placed, spelled, substance
from leadsvc.pipeline.tracing import BY_ID
from leadsvc.pipeline.working import Working
from leadsvc.places import Missing
from leadsvc.reading import BY_HAND
from leadsvc.resolve import decide as rules
from leadsvc.resolve import golden as survivors
from leadsvc.resolve.names import name_key
from leadsvc.resolve.person import Card, Person, open_at
from leadsvc.resolve.stage import opting
from leadsvc.store.known import Known, Told
from leadsvc.store.queries.portfolio import PropertyInfo
from leadsvc.store.tables import (
    fates,
)

UNSURE = "unsure_reading"
_COMPARE = (
    "No field map knows this layout; it was read by the generic reader. Compare it with the original, then resolve."
)
_CORRECTED = f"{BY_ID}, changed content"


class Planner:
    """Plans the leads of one receipt into ``batch``; call :meth:`finish` once at the end."""

    def __init__(self, context: Context, known: Known, seen: Collection[Seen]) -> None:
        """``seen``: all that will be planned."""
        self.context = context
        self.known = known
        self._last = {each.external_id: each.position for each in seen if each.external_id}
        self._identifiers = [each for one in seen for each in one.identity.identifiers]
        self.work = Working(known, context)
        self.decider = Decider(context, known, self.work)

    @property
    def shared(self) -> set[str]:
        """Values of these leads that many people use."""
        shared = self.known.shared
        return {each.value for each in self._identifiers if each.id in shared} if shared else set()

    def plan(self, seen: Seen) -> Fate:
        """Decide one lead."""
        told = self.known.receipt.get(seen.position)
        if told is not None:
            return self._read_again(seen, told)
        told = self.known.external.get(seen.external_id) if seen.external_id else None
        if told is not None:
            return self._same_id(seen, told)
        decision = self.decider.decide(seen, seen.trace)
        twin = self.decider.twin(seen, decision)
        if twin is not None:
            return self._redelivered(seen, twin, "same renter, property, source and message within a day")
        return self._accept(seen, decision)

    def finish(self) -> None:
        """Write one row for every prospect and card that was changed."""
        self.work.finish()

    # -- what follows -------------------------------------------------------------------------------------------------

    def _accept(self, seen: Seen, decision: rules.Decision) -> Fate:
        inquiry_id, decision_id = seen.id, uuid7()
        person = self._person(seen, decision, inquiry_id)
        card, created = self._card(seen, person)
        if created and decision.verdict == "review" and decision.person is not None:
            self._under_review(card, person, decision)
        if card.asleep and not created and seen.occurred_at < card.opened_at:
            self.work.rename_first(card, seen.lead.source, seen.lead.campaign.value if seen.lead.campaign else "")
        golden_before = dict(person.golden)
        if opting(seen.lead.contact_type.value, _said(seen.encoded)) is not None:
            self.work.stand(person.id)
        self._learn(seen, person, inquiry_id, seen.occurred_at)
        tracing.enter(self.work, seen.trace, person.id)
        self.work.touch(person, card, seen.occurred_at)
        self._insert_inquiry(seen, inquiry_id, decision_id, person, card, unsettled=decision.reopen)
        self._insert_decision(decision_id, seen, inquiry_id, person, decision)
        if self._unsure(seen):
            self.work.exception(UNSURE, "inquiry", inquiry_id, UNSURE, _COMPARE)
        self._owe(seen, inquiry_id, card, created=created, changed=person.golden != golden_before, decision=decision)
        told = Told(
            inquiry_id,
            person.id,
            card.id,
            seen.occurred_at,
            self.context.received_at,
            1,
            self.context.receipt_id,
            seen.position,
            self.context.receipt_id,
            self.context.received_at,
            seen.placement.property_id,
            seen.encoded,
        )
        self.known.contents[seen.content_key].append(told)
        self.known.recent[person.id].append(told)
        if seen.external_id:
            self.known.external[seen.external_id] = told
        return Fate(seen.position, "accepted", inquiry_id, card.key, person.key, decision.sentence, decision.verdict)

    def _is_history(self, seen: Seen) -> bool:
        before = self.context.history_before
        return before is not None and seen.occurred_at < before

    def _person(self, seen: Seen, decision: rules.Decision, inquiry_id: uuid.UUID) -> Person:
        if decision.verdict != "join" or decision.person is None:
            return self.work.new_person(seen.occurred_at)
        person = self.known.persons[decision.person]
        for loser in decision.merge:
            sentence = f"One inquiry carries what both are known by: {rules.lower_first(decision.sentence)}"
            merge_persons(
                self.work,
                survivor=person,
                loser=self.known.persons[loser],
                rule="bridge",
                sentence=sentence,
                evidence=list(decision.evidence),
                decided_by="rules",
                inquiry_id=inquiry_id,
            )
        return person

    def _card(self, seen: Seen, person: Person) -> tuple[Card, bool]:
        cycle = timedelta(days=self.context.policy.cycle_days)
        wanted = "" if seen.placement.property_id else hint(seen.lead)
        open_cards = [
            card
            for card in person.cards
            if card.property_id == seen.placement.property_id
            and (card.property_id is not None or card.hint == wanted)
            and card.covers(seen.occurred_at, cycle)
        ]
        if open_cards:
            return open_at(open_cards, seen.occurred_at), False
        return self._new_card(seen, person, wanted), True

    def _new_card(self, seen: Seen, person: Person, hint_text: str) -> Card:
        card = Card(
            uuid7(),
            public_key("GC"),
            person.id,
            seen.placement.property_id,
            hint_text,
            seen.occurred_at,
            seen.occurred_at,
            "new",
            1,
            unit_id=seen.placement.unit_id,
            floor_plan_id=seen.placement.floor_plan_id,
            new=True,
            asleep=self._is_history(seen),
        )
        card.members = {card.id}
        person.cards.append(card)
        row = {
            "id": card.id,
            "key": card.key,
            "prospect_id": person.id,
            "root_id": card.id,
            "property_id": card.property_id,
            "property_hint": hint_text,
            "unit_id": card.unit_id,
            "floor_plan_id": card.floor_plan_id,
            "first_source": seen.lead.source,
            "first_campaign": seen.lead.campaign.value if seen.lead.campaign else "",
            "may_be": None,
            "flags": sorted(
                {f"unknown_{kind.value}" for kind, _ in seen.placement.unresolved if kind is not Missing.PROPERTY}
            ),
            "opened_at": seen.occurred_at,
            "last_at": seen.occurred_at,
        }
        self.work.new_card(card, row)
        if card.property_id is None:
            detail = f"{seen.placement.sentence}. Choose the property, and the lead goes out."
            self.work.exception("unplaced_card", "guest_card", card.id, "unknown_property", detail)
        return card

    def _under_review(self, card: Card, person: Person, decision: rules.Decision) -> None:
        self.work.card_rows[card.id]["may_be"] = decision.person
        other = self.known.persons[decision.person].key if decision.person else ""
        detail = f"{person.key} may be {other}: {decision.sentence}. Say whether they are the same person."
        self.work.exception("match_review", "guest_card", card.id, decision.rule, detail)

    def _learn(self, seen: Seen, person: Person, inquiry_id: uuid.UUID, at: datetime) -> None:
        """The prospect now answers to what this lead carried."""
        name = seen.lead.name.value if seen.lead.name else None
        written, own = spelled(seen.lead), self.context.portfolio.own_values
        for each in seen.identity.identifiers:
            if each.id not in person.own:
                person.own.add(each.id)
                person.identifiers[each.id] = each
                self.known.behind[each.id].add(person.id)
                self.work.link(person, each, written, self.context.now)
        if name is not None and (name.given or name.family):
            parts = [name.given, name.family, name.suffix]
            if parts not in person.raw_names:
                person.raw_names.append(parts)
                person.names.append(name_key(*parts))
        fresh = survivors.record(seen.lead, at, inquiry_id, own, self.shared)
        person.golden = survivors.combine(person.golden, fresh)

    def _insert_inquiry(
        self,
        seen: Seen,
        inquiry_id: uuid.UUID,
        decision_id: uuid.UUID,
        person: Person,
        card: Card,
        *,
        unsettled: bool,
    ) -> None:
        lead, context = seen.lead, self.context
        self.work.new_inquiry(
            {
                "id": inquiry_id,
                "receipt_id": context.receipt_id,
                "position": seen.position,
                "feed": context.feed,
                "external_id": seen.external_id,
                "content_key": seen.content_key,
                "prospect_id": person.id,
                "guest_card_id": card.id,
                "decision_id": decision_id,
                "property_id": seen.placement.property_id,
                "source": lead.source,
                "campaign": lead.campaign.value if lead.campaign else "",
                "contact_type": lead.contact_type.value,
                "occurred_at": seen.occurred_at,
                "received_at": context.received_at,
                "revision": 1,
                "content_receipt_id": context.receipt_id,
                "content_at": context.received_at,
                "map_id": lead.map_id,
                "map_version": lead.map_version,
                "lead": to_json(lead),
                "placement": placed(seen.placement, seen.names),
                "unmapped": bool(seen.names),
                "trace": seen.trace.to_json(),
                "unsettled": unsettled,
                "flags": [*seen.flags, *([HISTORY_FLAG] if self._is_history(seen) else [])],
            },
        )

    def _insert_decision(
        self, decision_id: uuid.UUID, seen: Seen, inquiry_id: uuid.UUID, person: Person, decision: rules.Decision
    ) -> None:
        self.work.decision(
            decision_id,
            kind="assign",
            verdict=decision.verdict,
            inquiry_id=inquiry_id,
            prospect_id=person.id,
            other=decision.person if decision.verdict == "review" else None,
            rule=decision.rule,
            sentence=decision.sentence,
            evidence=list(decision.evidence),
        )
        if decision.verdict != "join":
            for finding in decision.related:
                if frozenset((person.id, finding.person)) in self.known.mates:
                    continue
                self.known.mates.add(frozenset((person.id, finding.person)))
                sentence = f"Perhaps one household: {rules.lower_first(finding.sentence)}"
                self.work.decision(
                    uuid7(),
                    kind="household",
                    verdict="related",
                    inquiry_id=inquiry_id,
                    prospect_id=person.id,
                    other=finding.person,
                    rule=finding.rule,
                    sentence=sentence,
                    evidence=list(finding.evidence),
                )
        for other, hindrance in decision.proposals:
            detail = f"{person.key} and {self.known.persons[other].key} may be one person, but {hindrance}."
            self.work.exception("match_review", "prospect", other, "bridge_refused", detail)

    # -- follow-up and outbox -----------------------------------------------------------------------------------------

    def _owe(
        self, seen: Seen, inquiry_id: uuid.UUID, card: Card, *, created: bool, changed: bool, decision: rules.Decision
    ) -> None:
        info = self.context.portfolio.properties.get(card.property_id) if card.property_id else None
        hold = self._hold(seen, card, info, decision, created=created)
        history = self._is_history(seen)
        created = created or (not history and self._wake(card))
        owed: list[Owed] = []
        if created:
            owed.append(Owed("prospect", card.id, card.version))
        elif changed:
            self.work.bump(card)
            owed.append(Owed("prospect", card.id, card.version))
        if history:
            self.work.owe(card, owed, info, hold)
            self.work.owe(card, [Owed("event", inquiry_id, 1)], info, SHELVED)
            return
        owed.append(Owed("event", inquiry_id, 1))
        owed += self._task(seen, inquiry_id, card, created=created)
        self.work.owe(card, owed, info, hold)

    def _wake(self, card: Card) -> bool:
        """A renter known from history writes again: what was shelved is owed now. Says whether the card was asleep."""
        if not card.asleep:
            return False
        self.work.wake(card)
        self.work.bump(card)
        return True

    def _hold(
        self, seen: Seen, card: Card, info: PropertyInfo | None, decision: rules.Decision, *, created: bool
    ) -> Hold | None:
        if info is None:
            return Hold("unplaced_card")
        cause = "review" if decision.verdict == "review" and created else UNSURE if self._unsure(seen) else ""
        if not cause:
            return None
        account = self.context.accounts.get(info.destination)
        minutes = account.review_minutes if account else 0
        return Hold(cause, due_in_business_hours(self.context.now, minutes, info.time_zone, info.office_hours))

    def _unsure(self, seen: Seen) -> bool:
        """Whether a person should compare the lead with its original before it is believed."""
        lead = seen.lead
        return bool(lead.sure) and lead.confidence < self.context.policy.sure_enough and BY_HAND not in lead.notes

    def _task(self, seen: Seen, inquiry_id: uuid.UUID, card: Card, *, created: bool) -> list[Owed]:
        """One open first-contact task a card: made with the card, moved along by every further inquiry (SPEC §8)."""
        body = seen.lead.message.value if seen.lead.message else ""
        if card.task is not None:
            self.work.move_task(card, body, inquiry_id)
            return [Owed("task", card.task["id"], card.task["version"])]
        if not created:
            return []
        row = self.work.first_contact(card.id, card.property_id, inquiry_id, body)
        row["assignee"] = seen.placement.agent_ref or row["assignee"]
        card.task = {"id": row["id"], "due_at": row["due_at"], "version": 1}
        self.work.new_task(card, row)
        return [Owed("task", row["id"], 1)]

    # -- re-deliveries and revisions ----------------------------------------------------------------------------------

    def _same_id(self, seen: Seen, told: Told) -> Fate:
        same = substance(told.lead) == substance(seen.encoded)
        if told.id in self.known.revised:
            if self._is_content(seen, told) and not same:
                return self._revised(seen, told, "replay", fate=True)
            self._fate(seen, "revision", told.id, _CORRECTED)
            return self._unchanged(seen, told, "revised")
        if same:
            return self._redelivered(seen, told, f"{BY_ID}, same content", learn=False)
        if self.context.received_at < told.content_at or (self._is_history(seen) and not self._asleep(told)):
            return self._redelivered(seen, told, f"{BY_ID}, older than the content on record", learn=False)
        return self._revised(seen, told, "sender", fate=True)

    def _asleep(self, told: Told) -> bool:
        person = self.known.persons[self.work.root(told.person)]
        return self.work.card(person, told.card).asleep

    def _is_content(self, seen: Seen, told: Told) -> bool:
        """Whether the inquiry says what it says because of this very place of this receipt."""
        last = self._last.get(seen.external_id, seen.position) if seen.external_id else seen.position
        return told.content_receipt_id == self.context.receipt_id and seen.position == last

    def _redelivered(self, seen: Seen, told: Told, reason: str, *, learn: bool = True) -> Fate:
        person = self.known.persons[self.work.root(told.person)]
        card = self._place_late(seen, person, self.work.card(person, told.card))
        before = dict(person.golden)
        if learn:
            self._learn(seen, person, told.id, told.occurred_at)
            tracing.add(self.work, told.id, seen.trace)
            self._join_more(seen, person, told, "repetition", "What was delivered again connects them")
            card = self.work.card(person, card.id)
        self._heard_again(seen, told, card)
        if person.golden != before:
            self.work.touch(person, card, told.occurred_at)
            info = self.context.portfolio.properties.get(card.property_id) if card.property_id else None
            self.work.bump(card)
            owed = [Owed("prospect", card.id, card.version)]
            self.work.owe(card, owed, info, None if info else Hold("unplaced_card"))
        self._fate(seen, "redelivery", told.id, reason)
        return Fate(seen.position, "duplicate", told.id, card.key, person.key, reason)

    def _heard_again(self, seen: Seen, told: Told, card: Card) -> None:
        """What a file told first as history arrives as a lead: somebody has to call after all."""
        if self._is_history(seen) or not self._wake(card):
            return
        info = self.context.portfolio.properties.get(card.property_id) if card.property_id else None
        owed = [Owed("prospect", card.id, card.version), *self._task(seen, told.id, card, created=True)]
        self.work.owe(card, owed, info, None if info else Hold("unplaced_card"))

    def _revised(self, seen: Seen, told: Told, why: str, *, fate: bool) -> Fate:
        """The sender (or a newer map) corrects an inquiry: no new touch, no new task (P2)."""
        person = self.known.persons[self.work.root(told.person)]
        card = self._place_late(seen, person, self.work.card(person, told.card))
        new = seen.encoded
        old_message, message = _said(told.lead), _said(new)
        kind = seen.lead.contact_type.value
        if opting(kind, old_message) != opting(kind, message):
            self.work.stand(person.id)
        self.work.revise(told, new, seen, why)
        tracing.replace_by(self.work, told.id, replace(seen.trace, id=told.id.hex))
        self._join_more(seen, person, told, "revision", "A corrected inquiry connects them")
        self.work.touch(person, card, told.occurred_at)
        self.work.bump(card)
        owed = [Owed("prospect", card.id, card.version)]
        if message != old_message and why == "sender":
            owed.append(Owed("event", told.id, told.revision + 1))
        info = self.context.portfolio.properties.get(card.property_id) if card.property_id else None
        self.work.owe(card, owed, info, None if info else Hold("unplaced_card"))
        if fate:
            self._fate(seen, "revision", told.id, _CORRECTED)
        told.lead, told.revision = new, told.revision + 1
        told.content_receipt_id, told.content_at = self.context.receipt_id, self.context.received_at
        return Fate(seen.position, "revised", told.id, card.key, person.key, "changed content")

    def _join_more(self, seen: Seen, person: Person, told: Told, rule: str, why: str) -> None:
        """More contact values may connect the prospect to others, by the same rules as a new lead."""
        decision = self.decider.decide(seen, replace(seen.trace, id=told.id.hex))
        if decision.verdict != "join" or decision.person is None:
            return
        for other in sorted({decision.person, *decision.merge} - {person.id}):
            if not rules.hinders(person, self.known.persons[other]):
                merge_persons(
                    self.work,
                    survivor=person,
                    loser=self.known.persons[other],
                    rule=rule,
                    sentence=f"{why}: {rules.lower_first(decision.sentence)}",
                    evidence=list(decision.evidence),
                    decided_by="rules",
                )

    def _read_again(self, seen: Seen, told: Told) -> Fate:
        """Replay: the inquiry exists; what a newer map reads differently becomes a revision."""
        if self._is_content(seen, told) and substance(told.lead) != substance(seen.encoded):
            return self._revised(seen, told, "replay", fate=False)
        return self._unchanged(seen, told, "accepted")

    def _unchanged(self, seen: Seen, told: Told, status: str) -> Fate:
        person = self.known.persons[self.work.root(told.person)]
        card = self._place_late(seen, person, self.work.card(person, told.card))
        return Fate(seen.position, status, told.id, card.key, person.key, "unchanged")

    def _place_late(self, seen: Seen, person: Person, card: Card) -> Card:
        """A card that waited for its property gets it when the property is known by now."""
        if card.property_id is not None or seen.placement.property_id is None:
            return card
        self.work.changed(person)
        sentence = f"Known by now: {rules.lower_first(seen.placement.sentence)}"
        return place(self.work, person, card, seen.placement.property_id, sentence=sentence, decided_by="rules")

    def _fate(self, seen: Seen, fate: str, inquiry_id: uuid.UUID, reason: str) -> None:
        self.work.batch.insert(
            fates,
            {
                "receipt_id": self.context.receipt_id,
                "position": seen.position,
                "fate": fate,
                "inquiry_id": inquiry_id,
                "reason": reason,
                "lead": seen.encoded,
            },
            keep=True,
        )


def _said(lead: Mapping[str, Any]) -> str:
    return str(lead.get("message", {}).get("value") or "")
