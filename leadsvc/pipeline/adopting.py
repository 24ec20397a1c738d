"""Whose a record of the PMS is that an agent entered there: asked of the engine like any lead, written nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from leadsvc.canonical import leads_from_canonical
from leadsvc.pipeline.deciding import Decider
from leadsvc.pipeline.intake import Intake, concerned, wanted
from leadsvc.pipeline.seen import Context, see
from leadsvc.pipeline.working import Working
from leadsvc.resolve.person import open_at
from leadsvc.store.known import look, meet


@dataclass(frozen=True, slots=True)
class Record:
    """A person's record there. ``property_ref`` is the PMS's id of the property; phones are E.164."""

    given: str
    family: str
    email: str
    phone: str
    property_ref: str
    at: datetime

    @property
    def tells(self) -> bool:
        """Whether it says enough of a person to look for one."""
        return bool(self.email or self.phone) or bool(self.given and self.family)

    def canonical(self) -> Mapping[str, Any]:
        said = {"given": self.given, "family": self.family}
        lead: dict[str, Any] = {"person": {name: value for name, value in said.items() if value}}
        lead |= {name: value for name, value in (("email", self.email), ("phone", self.phone)) if value}
        lead |= {"source": "pms", "contact_type": "other", "occurred_at": self.at.isoformat()}
        return lead | {"property": {"id": self.property_ref}} if self.property_ref else lead


def whose_card(connection: Connection, intake: Intake, record: Record, now: datetime) -> uuid.UUID | None:
    """The guest card (a root) that covered ``record.at`` at its property, of the person whom the engine is sure of;
    ``None`` when it is not, or the person had none there then."""
    if not record.tells:
        return None
    context = Context(
        uuid.UUID(int=0),
        "",
        now,
        now,
        intake.portfolio(),
        intake.settings.policy,
        intake.settings.accounts,
        model=intake.model(),
    )
    leads, _, _ = leads_from_canonical(record.canonical(), now)
    if not leads:
        return None
    seen = see(context, 0, leads[0])
    asked = wanted(context, [seen], now, now)
    known = look(connection, asked)
    meet(connection, known, concerned(known, context, [seen]), asked)
    decision = Decider(context, known, Working(known, context)).decide(seen, seen.trace)
    if decision.verdict != "join" or decision.person is None:
        return None
    cycle = timedelta(days=context.policy.cycle_days)
    there = [
        card
        for card in known.persons[decision.person].cards
        if card.property_id == seen.placement.property_id and card.covers(record.at, cycle)
    ]
    return open_at(there, record.at).id if there else None
