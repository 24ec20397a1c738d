"""What is read off a lead before the store is asked: where it belongs, who wrote it, by what it is found again."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as made_by
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadsvc.attribution import clock
from leadsvc.config import Account, Policy
from leadsvc.ids import digest_uuid, uuid7
from leadsvc.leadjson import to_json
from leadsvc.model import HintKind, Lead, Value
from leadsvc.normalize.dates import LOCAL
from leadsvc.places import Missing, Placement, Rule, name_key
from leadsvc.resolve.keys import keys
from leadsvc.resolve.model import Model
from leadsvc.resolve.person import Identity
from leadsvc.resolve.trace import Trace, bearer, of_lead
from leadsvc.store.known import Told, folded
from leadsvc.store.queries.portfolio import Portfolio

HISTORY_FLAG = "history"
"""Marks an inquiry that was put on record from a file of old ones."""

NAME_IS_TOWN = "name_is_the_callers_town"
"""Notes that what stood in the field of the name was left out; see :func:`leadsvc.resolve.trace.bearer`."""

_SPOKEN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Context:
    """What the planner is told about the world. ``history_before``: what renters did before that time is put on record
    only, without a task and without a delivery. ``model``: by which it is decided who is who."""

    receipt_id: uuid.UUID
    feed: str
    received_at: datetime
    now: datetime
    portfolio: Portfolio
    policy: Policy
    accounts: Mapping[str, Account]
    message_id: str = ""
    history_before: datetime | None = None
    model: Model = made_by(default_factory=Model.default)


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A name that the configuration does not have: what it was meant to name, where (the id of a property, or empty),
    and how it was written. ``answered``: a person has said what it means, and the lead was read so."""

    kind: str
    scope: str
    text: str
    answered: bool = False

    @property
    def key(self) -> str:
        return name_key(self.text)

    @property
    def id(self) -> uuid.UUID:
        return digest_uuid("name", self.kind, self.scope, self.key)


@dataclass(frozen=True, slots=True)
class Seen:
    """One lead with all that is read off it before the store is asked. ``id``: of the inquiry, should it become one;
    ``trace``: the lead as it is compared, under that id."""

    id: uuid.UUID
    position: int
    lead: Lead
    placement: Placement
    identity: Identity
    occurred_at: datetime
    flags: tuple[str, ...]
    external_id: str | None
    content_key: uuid.UUID
    encoded: Mapping[str, Any]
    trace: Trace
    names: tuple[Unmapped, ...] = ()

    @property
    def words(self) -> list[str]:
        """What must be locked so that no twin of this lead is planned at the same time."""
        met = [f"k:{key}" for key in keys(self.trace)]
        met += [f"i:{each.id}" for each in self.identity.identifiers]
        return [*met, f"c:{self.content_key}", *([f"x:{self.external_id}"] if self.external_id else [])]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one lead: accepted (``verdict``: join, new or review), duplicate or revised."""

    position: int
    status: str
    inquiry_id: uuid.UUID
    card_key: str
    prospect_key: str
    sentence: str
    verdict: str = ""


def see(context: Context, position: int, lead: Lead) -> Seen:
    """Place and key a lead."""
    occurred_at, flag = clock(lead.occurred_at.value if lead.occurred_at else None, context.received_at)
    lead, sources = credited(context.portfolio, lead, occurred_at)
    placement = context.portfolio.directory.place(lead, occurred_at.date())
    if lead.occurred_at is not None and lead.occurred_at.rule == LOCAL and not flag:
        home = context.portfolio.properties.get(placement.property_id) if placement.property_id else None
        occurred_at = _on_clock(occurred_at, home.time_zone if home else "UTC")
        lead = replace(lead, occurred_at=Value(occurred_at, lead.occurred_at.raw, "time:property"))
    external = lead.external_id.value if lead.external_id else None
    if external is None and context.message_id:
        external = f"message-id:{context.message_id}#{position}"
    inquiry_id, own = uuid7(), context.portfolio.own_values
    home = context.portfolio.properties.get(placement.property_id) if placement.property_id else None
    at, region = placed_at(placement.property_id), home.region if home else ""
    if lead.name is not None and bearer(lead.name.value, region) is None:
        lead = replace(lead, name=None, notes=(*lead.notes, NAME_IS_TOWN))
    trace = of_lead(inquiry_id.hex, lead, occurred_at, at, region, own)
    return Seen(
        inquiry_id,
        position,
        lead,
        placement,
        Identity.of(lead, own, trace),
        occurred_at,
        (f"clock_{flag.value}",) if flag else (),
        external,
        content_key(lead, placement.property_id),
        to_json(lead),
        trace,
        (*sources, *unmapped(placement, lead)),
    )


def placed_at(property_id: uuid.UUID | None) -> str:
    """A property as traces name it."""
    return property_id.hex if property_id else ""


def credited(portfolio: Portfolio, lead: Lead, at: datetime, sent: str = "") -> tuple[Lead, tuple[Unmapped, ...]]:
    """The lead with the source that people said is meant, and the name of its source where it is no known one.
    ``sent``: the source as it was sent, where the lead holds an answer already."""
    source = sent or lead.source
    if not portfolio.sources or source in portfolio.sources:
        return lead, ()
    said = portfolio.directory.answers.target("source", "", source, at.date())
    return replace(lead, source=said or source), (Unmapped("source", "", source, bool(said)),)


def unmapped(placement: Placement, lead: Lead) -> tuple[Unmapped, ...]:
    """What the lead names and the configuration does not have. Of an unknown property the name by which the next lead
    will most likely call it; a text that fits several, or a contradiction, is no unknown name."""
    if placement.property_id is None:
        if placement.rule is not Rule.UNKNOWN or not lead.property_hints:
            return ()
        hints = [value.value for value in lead.property_hints]
        best = min(hints, key=lambda each: _LASTING.index(each.kind))
        return (Unmapped("property", "", " ".join(best.text.split())),)
    scope = str(placement.property_id)
    left = [Unmapped(kind.value, scope, text) for kind, text in placement.unresolved if kind is not Missing.PROPERTY]
    return (*left, *(Unmapped(kind.value, scope, text, answered=True) for kind, text in placement.answered))


_LASTING = (
    HintKind.PROPERTY_ID,
    HintKind.NAME,
    HintKind.MAILBOX_TAG,
    HintKind.ADDRESS,
    HintKind.LISTING_ID,
)


def _on_clock(moment: datetime, zone: str) -> datetime:
    """The time at which the clocks of ``zone`` showed the figures of ``moment``."""
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def content_key(lead: Lead, property_id: uuid.UUID | None) -> uuid.UUID:
    """Source, property, message and name: the same for a form call-back and the mail about it.

    The name is part of it because many renters send the same ready-made message; whoever is recognised by an address or
    a number is compared with their own inquiries instead (:func:`repeats`).
    """
    where = str(property_id) if property_id else hint(lead)
    message = _spoken(lead.message.value) if lead.message else ""
    kind = "" if message else lead.contact_type.value
    return digest_uuid("content", lead.source, where, message, kind, spelled(lead))


def _spoken(message: str) -> str:
    """What of a message is compared: words and numbers, however they are set."""
    return " ".join(_SPOKEN.findall(message.casefold()))


def spelled(lead: Lead) -> str:
    """The renter's name as it is kept beside an identifier."""
    name = lead.name.value if lead.name else None
    return folded(name.given, name.family) if name else ""


def hint(lead: Lead) -> str:
    """The text under which an unplaced card waits."""
    return " ".join(lead.property_hints[0].value.text.split()) if lead.property_hints else ""


def repeats(seen: Seen, told: Told) -> bool:
    """Whether ``seen`` says what its renter said before: same source, property and message."""
    before = told.lead
    if before["source"] != seen.lead.source:
        return False
    if told.property_id is not None and seen.placement.property_id is not None:
        same_place = told.property_id == seen.placement.property_id
    else:
        hints = before.get("property_hints") or [{"value": {"text": ""}}]
        same_place = " ".join(hints[0]["value"]["text"].split()) == hint(seen.lead)
    said = _spoken(before.get("message", {}).get("value", ""))
    spoken = _spoken(seen.lead.message.value) if seen.lead.message else ""
    same_kind = bool(said) or before["contact_type"] == seen.lead.contact_type.value
    return same_place and said == spoken and same_kind


def placed(placement: Placement, names: Iterable[Unmapped] = ()) -> dict[str, Any]:
    """A placement as it is kept with the inquiry, with the unknown names that are still to be gathered."""
    return {
        "names": [[each.kind, each.scope, each.text, each.answered] for each in names],
        "sentence": placement.sentence,
        "unit_id": str(placement.unit_id) if placement.unit_id else None,
        "floor_plan_id": str(placement.floor_plan_id) if placement.floor_plan_id else None,
        "agent_ref": placement.agent_ref,
        "unresolved": [[kind.value, text] for kind, text in placement.unresolved],
        "candidates": [{"property_id": str(each.property_id), "why": each.why} for each in placement.candidates],
    }


def substance(lead: Mapping[str, Any]) -> dict[str, Any]:
    """What the sender said, without what depends on when it was read: the raw form of every value."""
    said: dict[str, Any] = {}
    for field, value in lead.items():
        if field in {"occurred_at", "map_id", "map_version", "confidence", "notes", "unused", "sure"}:
            continue
        if isinstance(value, list):
            said[field] = [each["raw"] if isinstance(each, dict) and "raw" in each else each for each in value]
        else:
            said[field] = value["raw"] if isinstance(value, dict) and "raw" in value else value
    return said
