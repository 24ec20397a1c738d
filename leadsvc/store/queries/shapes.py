"""What the read statements return. Times are aware UTC; ids are inner ids; keys are what people see.

JSON of a lead or a golden record stays a mapping: its shape is that of ``leadsvc.leadjson``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Property:
    """A property as cards show it. ``time_zone`` is an IANA name."""

    id: UUID
    name: str
    time_zone: str
    remote_id: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    id: UUID
    kind: str
    state: str
    title: str
    body: str
    assignee: str
    reason: str
    due_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PmsState:
    """What one destination knows of a card: ``state`` is the one that needs attention most (dead before held …)."""

    destination: str
    state: str
    cause: str = ""
    remote_id: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """One prospect row. ``golden`` is the record by rule, ``edits`` what an agent entered and wins."""

    id: UUID
    key: str
    root_id: UUID
    standing: str
    golden: Json
    edits: Json
    first_at: datetime
    last_at: datetime

    @property
    def name(self) -> str:
        return text_of(self.golden, self.edits, "name")

    @property
    def email(self) -> str:
        return text_of(self.golden, self.edits, "email")

    @property
    def phone(self) -> str:
        return text_of(self.golden, self.edits, "phone")


@dataclass(frozen=True, slots=True)
class CardRow:
    """One line of the inbox: a root card with everything merged into it."""

    id: UUID
    key: str
    person: Person
    property: Property | None
    property_hint: str
    stage: str
    flags: Sequence[str]
    first_source: str
    opened_at: datetime
    last_at: datetime
    may_be: Person | None
    inquiries: int = 0
    sources: Sequence[tuple[str, str]] = ()  # slug, name: newest first, each once
    last_contact: str = ""  # contact type of the newest inquiry
    last_message: str = ""
    tasks: Sequence[Task] = ()  # open ones, due first
    pms: Sequence[PmsState] = ()


@dataclass(frozen=True, slots=True)
class CardPage:
    """``before`` is the cursor of the next page, ``None`` on the last one."""

    cards: Sequence[CardRow]
    before: str | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A content that is not an inquiry of its own: an earlier revision (``revised``) or a re-delivery of one."""

    inquiry_id: UUID
    kind: str  # earlier, revision, redelivery
    number: int
    receipt_id: UUID
    why: str
    at: datetime
    lead: Json


@dataclass(frozen=True, slots=True)
class Inquiry:
    id: UUID
    card_id: UUID
    prospect_id: UUID
    decision_id: UUID
    receipt_id: UUID
    position: int
    feed: str
    external_id: str
    source: str
    source_name: str
    campaign: str
    contact_type: str
    occurred_at: datetime
    received_at: datetime
    revision: int
    map_id: str
    map_version: int
    lead: Json
    placement: Json
    flags: Sequence[str]
    receipt_channel: str
    receipt_state: str
    others: Sequence[Earlier] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    id: UUID
    at: datetime
    kind: str
    verdict: str
    inquiry_id: UUID | None
    prospect_id: UUID
    other_prospect_id: UUID | None
    undoes: UUID | None
    rule: str
    sentence: str
    evidence: Sequence[Json]
    rules_version: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Delivery:
    id: UUID
    destination: str
    kind: str
    version: int
    state: str
    cause: str
    due_at: datetime
    attempts: int
    remote_id: str
    outcome: str
    message: str
    created_at: datetime
    acknowledged_at: datetime | None
    tries: Sequence[Attempt] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: str
    at: datetime
    origin: str
    detail: str
    recorded_by: str


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """An id at a destination; ``standing`` and ``source`` are what it says there."""

    destination: str
    kind: str
    remote_id: str
    live: bool
    standing: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CardLink:
    """A guest card seen from elsewhere."""

    id: UUID
    key: str
    root_id: UUID
    prospect_id: UUID
    property_name: str
    stage: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CardDetail:
    """Everything about one card and what is merged into it; ``asked`` is the key the caller came with."""

    asked: str
    row: CardRow
    family: Sequence[CardLink]  # the cards that are one card now, the root first
    inquiries: Sequence[Inquiry]  # in the order they occurred
    decisions: Sequence[Decision]  # oldest first
    people: Mapping[UUID, Person]  # by prospect id: the family and everyone a decision names
    elsewhere: Sequence[CardLink]  # cards of the same person at other properties or in other cycles
    related: Sequence[CardLink]  # cards of household members and of people this one may be
    tasks: Sequence[Task]
    outcomes: Sequence[Outcome]
    deliveries: Sequence[Delivery]
    refs: Sequence[RemoteRef]


@dataclass(frozen=True, slots=True)
class ProspectDetail:
    """One person: the root, everyone merged into it, their cards and the decisions about them."""

    asked: str
    person: Person
    family: Sequence[Person]
    identifiers: Sequence[tuple[str, str, str, str]]  # kind, value, trust, reason
    cards: Sequence[CardLink]
    decisions: Sequence[Decision]
    people: Mapping[UUID, Person]
    sources: Sequence[tuple[str, str, int]] = field(default=())  # slug, name, inquiries


def text_of(golden: Json, edits: Json, name: str) -> str:
    """The value of an identity field as text: what an agent entered, else the golden record's; empty when unknown."""
    entry = edits.get(name) or golden.get(name) or {}
    value = entry.get("value") if isinstance(entry, Mapping) else entry
    if isinstance(value, Mapping):
        whole = " ".join(str(value.get(part) or "") for part in ("given", "family", "suffix")).strip()
        value = value.get("text") or whole or value.get("address") or value.get("e164")
    return str(value) if value else ""
