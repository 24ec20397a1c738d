"""The words of leadsvc as frozen values (SPEC §1, §5). No I/O, no decisions.

``Delivered`` is what came over a wire, ``Lead`` is what a field map made of it, ``Reading`` is the verdict on a whole
payload. Times are aware UTC datetimes unless a name says ``local``; money is integer cents; phones are E.164.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T", covariant=True)


class Channel(StrEnum):
    """How bytes reached us (not how the renter made contact: that is ``ContactType``)."""

    HTTP = "http"
    EMAIL = "email"
    FILE = "file"
    MANUAL = "manual"


class ContactType(StrEnum):
    FORM = "form"
    EMAIL = "email"
    CALL = "call"
    TEXT = "text"
    CHAT = "chat"
    WALK_IN = "walk_in"
    TOUR_BOOKING = "tour_booking"


class ReceiptState(StrEnum):
    PENDING = "pending"
    PROCESSED = "processed"
    DUPLICATE = "duplicate"
    NOT_LEAD = "not_lead"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class DeliveryState(StrEnum):
    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    ACKNOWLEDGED = "acknowledged"
    RETRY = "retry"
    HELD = "held"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """One cleaned value, what it was made from, and the rule that made it."""

    value: T
    raw: str
    rule: str


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name taken apart. ``given`` or ``family`` may be empty; ``text`` is the whole name as cleaned."""

    given: str = ""
    family: str = ""
    suffix: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """``address`` is what to write to; ``key`` the canonical form used for matching (dots and tags of providers
    that ignore them removed). ``relay``: a masked address that belongs to one conversation (SPEC §6)."""

    address: str
    key: str
    relay: bool = False


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    e164: str
    extension: str = ""


class HintKind(StrEnum):
    """What kind of text points at a property; the order is the order of trust."""

    PROPERTY_ID = "property_id"
    LISTING_ID = "listing_id"
    MAILBOX_TAG = "mailbox_tag"
    NAME = "name"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class PropertyHint:
    kind: HintKind
    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """Closed range; ``None`` on a side means open. Studio is 0."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MoveIn:
    """``on`` is the day read from ``words`` (``None`` when it cannot be told), ``latest`` the end of a span."""

    on: date | None
    latest: date | None
    words: str


@dataclass(frozen=True, slots=True)
class Pets:
    has: bool
    details: str = ""


@dataclass(frozen=True, slots=True)
class TourRequest:
    """``slots`` are ISO date-times; without offset they are local time of the property. ``kind``: in_person, video,
    self_guided or empty."""

    slots: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """``granted`` for ``purpose`` (text, call, email); ``wording`` is what the renter agreed to."""

    purpose: str
    granted: bool
    wording: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CoContact:
    """How somebody who is along with the renter can be reached. No evidence of who the renter is: a guarantor's or a
    roommate's number is never an identifier of theirs. ``name`` may be empty; ``phones`` are E.164."""

    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """One renter's one contact about one property, as a field map read it: the canonical fields of SPEC §5.

    ``source`` is the slug of the advertiser credited. ``external_id`` is the sender's own id of this lead,
    ``thread_id`` of the conversation. ``format`` is the shape it was read from: form, json, xml, email, csv.
    ``notes`` are things a person should know (kept short, no personal data): ``phone_stub_dropped`` and the like.
    ``unused`` lists keys or labels of the payload that the map did not read. ``sure`` says by field how sure the
    generic reader is of it (0 to 1); empty for leads that a map read. ``extras`` are sensitive answers that a
    destination needs by its configuration, by the words of their key; only that destination may be given them.
    """

    source: str
    contact_type: ContactType
    format: str
    map_id: str
    map_version: int
    confidence: float = 1.0
    name: Value[PersonName] | None = None
    emails: tuple[Value[EmailAddress], ...] = ()
    phones: tuple[Value[PhoneNumber], ...] = ()
    co_applicants: tuple[Value[PersonName], ...] = ()
    property_hints: tuple[Value[PropertyHint], ...] = ()
    unit_hint: Value[str] | None = None
    floor_plan_hint: Value[str] | None = None
    agent_hint: Value[str] | None = None
    bedrooms: Value[Range] | None = None
    bathrooms: Value[Range] | None = None
    move_in: Value[MoveIn] | None = None
    budget_cents: Value[Range] | None = None
    occupants: Value[int] | None = None
    pets: Value[Pets] | None = None
    lease_term_months: Value[int] | None = None
    tour: Value[TourRequest] | None = None
    message: Value[str] | None = None
    campaign: Value[str] | None = None
    utm: Mapping[str, str] = field(default_factory=dict)
    consents: tuple[Value[Consent], ...] = ()
    external_id: Value[str] | None = None
    thread_id: Value[str] | None = None
    occurred_at: Value[datetime] | None = None
    language: str = ""
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    sure: Mapping[str, float] = field(default_factory=dict)
    co_contacts: tuple[Value[CoContact], ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Bytes as they came, with what is known of how. ``map_hint`` is the map that the feed is configured with: only
    that map may claim the payload; ``None`` lets the recogniser choose among all."""

    body: bytes
    content_type: str
    channel: Channel
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    map_hint: str | None = None


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why one item of a payload was refused: JSON pointer of the field -> messages."""

    index: int
    errors: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Pointer:
    """A lead that a payload only names: its ``ref`` at the sender, who hands it out when asked (``kind``)."""

    kind: str
    ref: str


class Verdict(StrEnum):
    LEADS = "leads"
    NOT_LEAD = "not_lead"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a mail says of where it comes from, and what would bear it out.

    ``senders``: whom the claiming field map takes mail from (``name@domain``, ``@domain``, ``.domain``), none when it
    goes by other things; ``dkim_domains``: who signs what they send. ``written_from``: the addresses in From of the
    mail as it came, one unless it is malformed. ``results``: its Authentication-Results, from top to bottom.
    ``vouched``: what a provider that received it reports, by dkim, spf, dmarc, envelope_from.
    """

    map_id: str
    senders: tuple[str, ...] = ()
    dkim_domains: tuple[str, ...] = ()
    written_from: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    vouched: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a payload turned out to be.

    ``leads`` for ``Verdict.LEADS`` (``positions[i]`` is the place of ``leads[i]`` in the payload); ``cause`` is a
    stable word for the other two (``autoreply``, ``newsletter``, ``unknown_layout``, ``malformed`` …) and ``detail``
    says it to a person, without personal data. ``errors`` are refused items of a payload whose other items may be
    leads. ``pointers`` are leads that have yet to be fetched; ``message_id`` is the Message-ID of a mail without its
    brackets. ``claim`` is what a mail says of its sender, ``trust`` the verdict on it with its reason.
    """

    verdict: Verdict
    leads: tuple[Lead, ...] = ()
    positions: tuple[int, ...] = ()
    errors: tuple[ItemError, ...] = ()
    cause: str = ""
    detail: str = ""
    map_id: str = ""
    map_version: int = 0
    pointers: tuple[Pointer, ...] = ()
    message_id: str = ""
    claim: Claim | None = None
    trust: str = ""
    trust_reason: str = ""
