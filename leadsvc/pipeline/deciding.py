"""Whom a lead belongs to, given what the store knows: the candidates are looked at, the rules decide."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from leadsvc.model import ContactType
from leadsvc.pipeline.seen import Context, Seen, repeats
from leadsvc.pipeline.working import Working
from leadsvc.resolve import decide as rules
from leadsvc.resolve.names import distinct
from leadsvc.resolve.person import Identity
from leadsvc.store.known import Known, Told

# Contact types in which an empty message says nothing about whether two contacts are one.
_ALWAYS_NEW = {ContactType.CALL, ContactType.WALK_IN, ContactType.CHAT, ContactType.TEXT}


class Decider:
    """Looks at :class:`Known` and at what was planned so far; changes nothing but a value's trust."""

    def __init__(self, context: Context, known: Known, work: Working) -> None:
        self.context = context
        self.known = known
        self.work = work

    def decide(self, seen: Seen) -> rules.Decision:
        """Join, review or new, with what speaks for it."""
        identity, known = seen.identity, self.known
        candidates: set[uuid.UUID] = set()
        lone = True
        for each in identity.identifiers:
            behind = {self.work.root(person) for person in known.behind.get(each.id, ())}
            if each.id not in known.shared and self._is_shared(each.kind, identity, behind):
                self.work.mark_shared(each.id)
            candidates |= behind
            lone = lone and not (each.kind == "phone" and len(behind) > 1)
        spoken = self._same_content(seen) if seen.lead.message else []  # saying nothing is not saying the same
        same_content = {self.work.root(told.person) for told in spoken}
        findings = []
        for person_id in candidates | same_content:
            person = known.persons[person_id]
            finding = rules.judge(
                identity,
                person,
                shared=known.shared,
                same_content=person_id in same_content,
                same_place=any(card.property_id == seen.placement.property_id for card in person.cards),
                lone=lone,
            )
            if finding is not None:
                findings.append(finding)
        return rules.decide(identity, findings, known.persons)

    def _is_shared(self, kind: str, identity: Identity, behind: set[uuid.UUID]) -> bool:
        """More distinct names behind one value than a household has: a desk, a call centre, a made-up address."""
        if kind == "thread":
            return False
        names = [name for person in behind for name in self.known.persons[person].names]
        return distinct([*names, identity.name]) > self.context.policy.shared_after_names

    def _near(self, seen: Seen, inquiries: Iterable[Told]) -> list[Told]:
        """Those of ``inquiries`` that are close enough in time to be the same contact: by the renter's own time, and by
        arrival where one of the two does not tell its time."""
        if not seen.lead.message and seen.lead.contact_type in _ALWAYS_NEW:
            return []
        window = timedelta(hours=self.context.policy.redelivery_hours)
        now = self.context.received_at
        return [
            told
            for told in inquiries
            if abs(told.occurred_at - seen.occurred_at) <= window
            or (abs(told.received_at - now) <= window and (seen.flags or told.occurred_at == told.received_at))
        ]

    def _same_content(self, seen: Seen) -> list[Told]:
        """Inquiries that somebody of the same name made with the same content at about the same time."""
        return self._near(seen, self.known.contents.get(seen.content_key, ()))

    def twin(self, seen: Seen, decision: rules.Decision) -> Told | None:
        """The inquiry that this lead repeats (P2)."""
        if decision.verdict != "join":
            return None
        same = {decision.person, *decision.merge}
        twins = [told for told in self._same_content(seen) if self.work.root(told.person) in same]
        own = [told for person in same if person for told in self.known.recent.get(person, ())]
        twins += [told for told in self._near(seen, own) if repeats(seen, told)]
        return min(twins, key=lambda told: (told.received_at, told.id), default=None)
