"""What every destination can be asked, and the one shape of its answers (SPEC §9).

An adapter translates these values to one vendor's wire and back. It never decides whether a remote record *is* our
person: the caller looks with ``find_prospect``, decides, and passes the record as ``known``. All calls block; none
raises for what the vendor or the network did, that is a :class:`Result`. Times are aware UTC, money integer cents,
phones E.164; a ``*_ref`` is the vendor's own id of a thing of its configuration. This is one piece, so that whoever
writes an adapter has one file to read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

Around = Callable[[str], None]
"""Told ``before OP`` and ``after OP`` around each remote call; what it raises goes through to the caller."""


class Outcome(StrEnum):
    """What to do after one answer."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    RETRY = "retry"
    REJECT = "reject"
    AUTH = "auth"
    PARTIAL = "partial"


class CardKind(StrEnum):
    """What the person of a remote card is to the property now."""

    PROSPECT = "prospect"
    APPLICANT = "applicant"
    RESIDENT = "resident"
    FORMER = "former"
    CLOSED = "closed"
    OTHER = "other"


class ConfigKind(StrEnum):
    PROPERTY = "property"
    FLOOR_PLAN = "floor_plan"
    UNIT = "unit"
    AGENT = "agent"
    SOURCE = "source"


class OutcomeKind(StrEnum):
    """What became of a card (SPEC §1, *outcome*); ``OTHER`` is a word of the vendor that no table knows."""

    CONTACTED = "contacted"
    TOUR_SCHEDULED = "tour_scheduled"
    TOURED = "toured"
    NO_SHOW = "no_show"
    APPLIED = "applied"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    LEASED = "leased"
    MOVED_IN = "moved_in"
    LOST = "lost"
    REOPENED = "reopened"
    OTHER = "other"


class UpdateMode(StrEnum):
    """How a remote record is changed: whole import again, named fields, whole record, fields under a version, or
    only a few fields."""

    REIMPORT = "reimport"
    PATCH = "patch"
    REPLACE = "replace"
    VERSIONED = "versioned"
    NARROW = "narrow"


class NativeKey(StrEnum):
    """What makes a repeated create safe at the vendor; ``NONE`` means look before every write."""

    THIRD_PARTY = "thirdparty"
    EXTERNAL_ID = "external_id"
    ID_PROPERTY = "idProperty"
    IDEMPOTENCY_KEY = "idempotency_key"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One answer, judged.

    ``verify_first`` (with ``retry``): the write may have happened, look before writing again. ``verified`` is false
    while a read-back is owed. ``empty``: a read that found nothing. ``fallbacks`` names fields sent with the account's
    fallback instead of our value, ``kept`` fields where the remote's own value stays, ``written`` what we changed.
    ``field_errors`` maps our field names to the vendor's words; ``message`` holds no personal data and no secret.
    ``items`` (with ``partial``) is in the order of the request.
    """

    outcome: Outcome
    card_id: str = ""
    person_id: str = ""
    event_id: str = ""
    task_id: str = ""
    version: str = ""
    verified: bool = True
    retry_after_s: float | None = None
    verify_first: bool = False
    code: str = ""
    message: str = ""
    field_errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    items: tuple[Result, ...] = ()
    empty: bool = False
    fallbacks: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    raw_ref: str = ""

    @property
    def remote_id(self) -> str:
        """The id of what the operation writes: task, else event, else card."""
        return self.task_id or self.event_id or self.card_id

    @property
    def ok(self) -> bool:
        """Whether the thing asked for is there now."""
        return self.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE)


CARD_FIELDS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "move_in",
    "bedrooms_min",
    "bedrooms_max",
    "budget_max_cents",
    "floor_plan_ref",
    "unit_ref",
    "source_name",
    "agent_ref",
    "comment",
)
"""The fields of :class:`CardPush` that may leave; an account's ``allowed_fields`` can only narrow them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a vendor can do: data that the caller plans with and the documentation is made of, never code.

    ``label``: its name for people. ``returns_card_id``: always, sometimes, never. ``verify``: none, search or get.
    ``fields``: those of :data:`CARD_FIELDS` that it has a place for; ``fixed``: those that are never changed after the
    record was made. ``find_by``: fields of :class:`Query` that can be searched. ``required``: fields of
    :class:`CardPush` without which it refuses a card. ``max_len``: characters by field. ``enumerations``: the only
    values of a field. ``co_prospects``: whether one record can stand for several people who rent together.
    ``limits``: calls allowed by window, such as ``{"1s": 8}``. ``read_back_delay_s``: how long a write may stay
    invisible. ``time_zone_rule``: ``utc``, ``property`` (local to the property, without offset) or an IANA name.
    ``credentials``, ``options``: what an account needs and may set, by name, each with what it is. ``on_duplicate``,
    ``ids``: sentences on what the vendor does with a person it has, and on its ids. ``corrections``: which are made
    by themselves, by :data:`CORRECTIONS`; a sentence says what a person does there instead, an empty one nothing.
    """

    label: str = ""
    native_key: NativeKey
    returns_card_id: str
    update_mode: UpdateMode
    verify: str
    silent_dedupe: bool = False
    needs_source: bool = False
    needs_agent: bool = False
    has_task: bool = False
    has_appointment: bool = False
    has_event: bool = False
    can_merge: bool = False
    co_prospects: bool = False
    batch_max: int = 1
    fields: tuple[str, ...] = CARD_FIELDS
    fixed: tuple[str, ...] = ()
    find_by: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    enumerations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    max_len: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    token_life_s: int | None = None
    time_zone_rule: str = "utc"
    read_back_delay_s: float = 0.0
    credentials: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    on_duplicate: str = ""
    ids: str = ""
    corrections: Mapping[str, str] = field(default_factory=dict)


CORRECTIONS = ("merge", "unmerge", "contact", "source", "event")
"""Two cards become one, come apart again; a changed phone or e-mail; a changed first source; a corrected inquiry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One account at one vendor, from the operator's configuration.

    ``sources`` maps our source slug to the exact name in the PMS; what it lacks goes out as ``fallback_source``.
    ``fallback_agent`` stands in for an agent the PMS refuses (empty: leave unassigned). ``read_back``: read every
    write again, so that an answer that changed nothing is noticed. ``credentials``, ``options``: by the names of the
    vendor's :class:`Capabilities`. ``properties``: remote ids of all properties the account serves; ``time_zones``:
    where these are, by IANA name, as far as it is known.
    """

    name: str
    vendor: str
    base_url: str
    api_key: str = field(repr=False, default="")
    credentials: Mapping[str, str] = field(repr=False, default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    time_zones: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 15.0
    max_answer_bytes: int = 4 * 1024 * 1024
    max_connections: int = 10
    sources: Mapping[str, str] = field(default_factory=dict)
    fallback_source: str = ""
    fallback_agent: str = ""
    last_name_placeholder: str = "Unknown"
    allowed_fields: frozenset[str] = frozenset(CARD_FIELDS)
    read_back: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(each for each in (self.api_key, *self.credentials.values()) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAt:
    """Where a remote card is: its id, and what some vendors want to know beside it; ``email`` and ``phone`` are for
    those that can only be asked by them. ``delivery_key``: of what a call that writes is an attempt, see
    :class:`CardPush`."""

    card_id: str
    property_ref: str = ""
    our_key: str = ""
    person_id: str = ""
    email: str = field(repr=False, default="")
    phone: str = field(repr=False, default="")
    delivery_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPush:
    """A guest card to create or update.

    ``our_key`` is ours for ever and marks the remote record; ``person_key`` joins cards of one person over properties.
    ``source_name`` is our source slug, or with ``source_named`` the very name that the PMS has for it. ``last_pushed``
    are the values of the last acknowledged push: a remote value equal to them is still ours to correct; any other stays
    as it is. ``time_zone`` is the property's, by IANA name. ``unsure``: an earlier attempt may have written it.
    ``delivery_key``: the same at each attempt of one delivery, another for the next; for vendors that know no other
    mark of a repetition.
    """

    our_key: str
    property_ref: str
    time_zone: str = "UTC"
    person_key: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    move_in: date | None = None
    bedrooms_min: int | None = None
    bedrooms_max: int | None = None
    budget_max_cents: int | None = None
    floor_plan_ref: str = ""
    unit_ref: str = ""
    source_name: str = ""
    source_named: bool = False
    agent_ref: str = ""
    comment: str = ""
    last_pushed: Mapping[str, str] = field(default_factory=dict)
    unsure: bool = False
    delivery_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPush:
    """One entry for the history of a card; ``kind`` is a contact type or ``note``. ``unsure``: an earlier attempt may
    have written it."""

    our_event_key: str
    kind: str
    at: datetime
    text: str
    source_name: str = ""
    source_named: bool = False
    agent_ref: str = ""
    time_zone: str = "UTC"
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPush:
    """A follow-up; ``kind`` is ``task`` or ``appointment``, ``priority`` low, normal or high. ``unsure``: an earlier
    attempt may have written it."""

    our_task_key: str
    title: str
    due_at: datetime
    text: str = ""
    assignee_ref: str = ""
    priority: str = "normal"
    kind: str = "task"
    time_zone: str = "UTC"
    unsure: bool = False
    delivery_key: str = ""


PERSON_FIELDS = ("first_name", "last_name", "email", "phone")
"""Those of :data:`CARD_FIELDS` that belong to a person; the others belong to the home that is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePerson:
    """Somebody who stands on a remote card beside the person whose card it is. ``fields``: by the names of
    :data:`PERSON_FIELDS`, as text. ``our_key`` where the vendor shows it."""

    person_id: str = ""
    our_key: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCard:
    """A card as the vendor shows it. ``fields`` holds the values by the names of :data:`CARD_FIELDS`, as text;
    ``agent_fields`` those known to have been set by a person there. ``merged_into``: the card that replaced it.
    ``others``: the people on it beside the first."""

    card_id: str
    person_id: str
    status: CardKind
    property_ref: str
    our_key: str = ""
    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    source: str = ""
    entered_by: str = ""
    updated_at: datetime | None = None
    version: str = ""
    merged_into: str = ""
    raw_status: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    agent_fields: frozenset[str] = frozenset()
    others: tuple[RemotePerson, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigItem:
    """One thing of the vendor's configuration; ``parent`` is the property of a plan, unit or agent."""

    remote_id: str
    name: str
    code: str = ""
    active: bool = True
    parent: str = ""
    raw: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPage:
    """A page of configuration; ``next_cursor`` is empty on the last one."""

    items: tuple[ConfigItem, ...] = ()
    next_cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOutcome:
    """Something that became of a card, with the vendor's own word for it."""

    card_id: str
    kind: OutcomeKind
    at: datetime
    raw_status: str
    person_id: str = ""
    our_key: str = ""
    lease_id: str = ""
    reason: str = ""
    remote_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePage:
    """A page of outcomes, oldest first. ``cursor`` is where to go on reading, also when nothing came; ``more`` is
    true while another page is waiting."""

    items: tuple[RemoteOutcome, ...] = ()
    cursor: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for. ``our_key`` or ``remote_id`` decide alone when they find something; else everything that
    has the ``email`` or the ``phone`` within ``property_ref`` (empty: at any property)."""

    our_key: str = ""
    remote_id: str = ""
    email: str = ""
    phone: str = ""
    property_ref: str = ""


class Destination(Protocol):
    """One account at one vendor. Safe to use from several threads; one writer at a time per card is the caller's
    duty."""

    @property
    def capabilities(self) -> Capabilities: ...

    def check(self) -> Result:
        """Whether the address answers and the credentials work; cheap, changes nothing."""
        ...

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        """One page of the vendor's configuration."""
        ...

    def find_prospect(self, query: Query) -> tuple[Result, tuple[RemoteCard, ...]]:
        """Live cards that match, newest change first; ``empty`` when there are none."""
        ...

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        """One card, merged ones too; ``empty`` when the vendor does not know it."""
        ...

    def put_prospect(self, card: CardPush, known: RemoteCard | None) -> Result:
        """Create (``known`` is ``None``) or fill the blanks of ``known``. A record that already carries
        ``card.our_key`` is never made a second time."""
        ...

    def add_co_prospect(self, at: CardAt, card: CardPush) -> Result:
        """Let the person of ``card`` stand on the record at ``at`` too, marked by ``card.our_key``; only the
        :data:`PERSON_FIELDS` are written. ``duplicate`` when they stand there already, whoever wrote that: by our
        key, or by name with address or number. A record that takes nobody more is a reject with the code
        ``not_shareable``."""
        ...

    def find_event(self, at: CardAt, our_event_key: str) -> Result:
        """``event_id`` of our event on the card, or ``empty``."""
        ...

    def add_event(self, at: CardAt, event: EventPush) -> Result:
        """Append to the history once; ``duplicate`` when it is there already."""
        ...

    def find_task(self, at: CardAt, our_task_key: str) -> Result:
        """``task_id`` of our task on the card, or ``empty``."""
        ...

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        """Create the task, or move the one that carries our key."""
        ...

    def merge_cards(self, loser: CardAt, survivor: CardAt) -> Result:
        """Let the survivor stand for both; ``duplicate`` when that is so already."""
        ...

    def unmerge_card(self, at: CardAt) -> Result:
        """Take a merged card out again; ``duplicate`` when it stands alone already."""
        ...

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        """What became of cards from ``since`` on, continued from ``cursor`` where given."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...
