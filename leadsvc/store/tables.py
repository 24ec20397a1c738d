"""Every table, with its states constrained in the schema (SPEC §1, §2).

What is fact and what is projection: ``receipts``, ``inquiries`` (with ``revisions`` and ``fates``),
``match_decisions``, ``attempts``, ``outcomes`` and ``audit`` are facts and only ever appended to, but for states.
``root_id`` of prospects and cards is a projection of the merge and unmerge decisions: a merge moves no row, it points
one root at another. A raw touch is an inquiry seen as a marketing event, so it needs no table that could disagree
(view ``touches``).

One long module, so that the schema is read in one place, as a migration is.

Over 400 lines because a schema is read as one piece.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from leadsvc.model import Channel, ContactType, DeliveryState, ReceiptState
from leadsvc.store.types import Json, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TASK_STATES = ("open", "done", "cancelled")
STAGES = ("new", "contacted", "tour_scheduled", "toured", "applied", "approved", "leased", "moved_in", "lost")
OUTCOMES = (
    "contacted",
    "tour_scheduled",
    "toured",
    "no_show",
    "applied",
    "approved",
    "denied",
    "cancelled",
    "leased",
    "moved_in",
    "lost",
    "reopened",
)
DELIVERY_KINDS = ("prospect", "event", "task", "merge", "unmerge")
DECISION_KINDS = ("assign", "merge", "unmerge", "rehome", "household", "keep_apart", "place")
VERDICTS = ("join", "new", "review", "merge", "unmerge", "related", "apart", "placed")
TRUST_VERDICTS = ("", "pass", "fail", "none", "released")
TRUSTS = ("own", "relay", "shared", "placeholder")
REOPENED = ("lead", "revision", "value", "key", "verdict", "traced", "model")
IDENTIFIER_KINDS = ("email", "phone", "thread")
FETCH_KINDS = ("facebook_lead", "sns_certificate", "sns_subscription")
FETCH_STATES = ("pending", "done", "gone")
FATES = ("revision", "redelivery", "rejected")
NAME_KINDS = ("property", "unit", "floor_plan", "agent", "source", "source_name")
CREDENTIAL_KINDS = ("bearer", "basic", "hmac", "url")
SCOPES = ("feed", "staff:read", "staff:write")


def one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    """The column holds one of these words; the constraint is named after the column."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True)


def _time(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, UtcDateTime, nullable=null)


def _text(name: str, default: str | None = "") -> Column[str]:
    if default is None:
        return Column(name, Text, nullable=False)
    return Column(name, Text, nullable=False, server_default=default)


def _json(name: str, default: str = "{}") -> Column[object]:
    return Column(name, Json, nullable=False, server_default=text(f"'{default}'"))


def _count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=str(default))


receipts = Table(
    "receipts",
    metadata,
    _id(),
    _time("received_at"),
    _text("feed", None),
    _text("channel", None),
    _text("content_type"),
    _json("headers"),
    Column("body", LargeBinary, nullable=False),
    _text("body_sha256", None),
    _text("authenticated"),
    Column("delivery_key", Text),  # Idempotency-Key, scoped to the credential that sent it
    Column("state", String(12), nullable=False, server_default="pending"),
    _text("cause"),
    _text("detail"),
    _text("map_id"),
    _count("map_version"),
    _count("leads_found"),
    Column("answer", Json),  # what the sender was told, kept for the same key sent again
    _count("failures"),  # times that processing failed for a reason of ours
    _time("processed_at", null=True),
    _time("erased_at", null=True),
    Column("trust", String(8), nullable=False, server_default=""),  # of a mail's sender; empty: nobody is claimed
    _text("trust_reason"),
    one_of("trust", TRUST_VERDICTS),
    one_of("channel", tuple(Channel)),
    one_of("state", tuple(ReceiptState)),
    CheckConstraint("(state = 'pending') = (processed_at IS NULL)", name="processed"),
    UniqueConstraint("feed", "delivery_key"),
    Index(
        "ix_receipts_open",
        "received_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_receipts_state_received_at", "state", "received_at"),
    Index("ix_receipts_feed_received_at", "feed", "received_at"),
)

sources = Table(
    "sources",
    metadata,
    Column("slug", Text, primary_key=True),
    _text("name", None),
    _text("category", None),
    _text("network"),
    one_of("category", ("ils", "website", "search", "social", "referral", "drive_by", "other")),
)

properties = Table(
    "properties",
    metadata,
    _id(),
    _text("destination", None),
    _text("remote_id", None),
    _text("name", None),
    _text("street"),
    _text("city"),
    _text("state"),
    _text("postal_code"),
    _text("time_zone", None),
    _text("region"),
    _text("asset_class"),
    _json("office_hours"),
    _text("office_phone"),
    _text("mailbox_tag"),
    _json("listing_ids"),
    Column("managed_from", Date),
    Column("managed_to", Date),  # the last day on which leads for it are ours
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("destination", "remote_id"),
)

property_aliases = Table(
    "property_aliases",
    metadata,
    _id(),
    Column("property_id", ForeignKey("properties.id"), nullable=False, index=True),
    _text("alias", None),
    Column("valid_from", Date),
    Column("valid_to", Date),  # inclusive: the last day on which the alias meant this property
    _text("origin", None),
    one_of("origin", ("pms", "learned")),
)

floor_plans = Table(
    "floor_plans",
    metadata,
    _id(),
    Column("property_id", ForeignKey("properties.id"), nullable=False),
    _text("remote_id", None),
    _text("name", None),
    Column("bedrooms", Float),
    Column("bathrooms", Float),
    Column("rent_cents", BigInteger),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("property_id", "remote_id"),
)

units = Table(
    "units",
    metadata,
    _id(),
    Column("property_id", ForeignKey("properties.id"), nullable=False),
    _text("remote_id", None),
    _text("number", None),
    Column("floor_plan_id", ForeignKey("floor_plans.id")),
    _json("listing_ids"),
    Column("available_on", Date),  # the first day it can be moved into, while it is to let
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("property_id", "remote_id"),
)

agents = Table(
    "agents",
    metadata,
    _id(),
    _text("destination", None),
    _text("remote_id", None),
    _text("name", None),
    _json("properties", "[]"),  # remote ids of the properties the agent works at
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("destination", "remote_id"),
)

remote_names = Table(  # pick lists of a destination: its source names, event types …
    "remote_names",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    _text("remote_id"),  # where the vendor numbers its names, so that a new name is seen to be an old one's
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

config_changes = Table(  # what changed in a destination's configuration from one reading to the next; append-only
    "config_changes",
    metadata,
    _id(),
    _text("destination", None),
    _text("kind", None),
    _text("remote_id", None),
    _text("what", None),
    _json("before"),
    _json("after"),
    _time("at"),
    one_of("what", ("added", "renamed", "retired", "revived", "sold", "changed")),
    Index("ix_config_changes_destination_at", "destination", "at"),
)

stray_outcomes = Table(  # outcomes of remote cards that are none of ours yet
    "stray_outcomes",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("card_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("at", UtcDateTime, primary_key=True),
    _text("reason"),
    _text("person_id"),
    _time("seen_at"),
    _time("asked_at", null=True),  # when it was last looked for whose card it is
    Index("ix_stray_outcomes_seen_at", "seen_at"),
)

prospects = Table(
    "prospects",
    metadata,
    _id(),
    _text("key", None),
    Column("root_id", Uuid, nullable=False, index=True),
    _json("names", "[]"),  # distinct [given, family, suffix] under which this prospect wrote
    _json("golden"),  # field -> {value, raw, rule, inquiry, why}
    _json("edits"),  # field -> {value, by, at}: what an agent entered wins (SPEC §6)
    _text("standing"),  # resident, applicant, former … as the PMS says
    _count("version", 1),
    _time("first_at"),
    _time("last_at"),
    UniqueConstraint("key"),
    one_of("standing", ("", "prospect", "applicant", "resident", "former", "opted_out")),
)

identifiers = Table(
    "identifiers",
    metadata,
    _id(),  # digest of kind and value, so that a look-up needs no round trip
    _text("kind", None),
    _text("value", None),
    Column("trust", Text, nullable=False, server_default="own"),
    _text("trust_reason"),
    _json("marks", "[]"),  # first names and seasons seen with it, of each up to one more than make it a hub
    _time("first_at"),
    one_of("kind", IDENTIFIER_KINDS),
    one_of("trust", TRUSTS),
    UniqueConstraint("kind", "value"),
)

prospect_identifiers = Table(
    "prospect_identifiers",
    metadata,
    Column("prospect_id", ForeignKey("prospects.id"), primary_key=True),
    Column("identifier_id", ForeignKey("identifiers.id"), primary_key=True),
    _text("name_key"),  # folded name it was first seen with: a shared value is only looked up together with it
    _time("first_at"),
    Index("ix_prospect_identifiers_identifier_id_name_key", "identifier_id", "name_key"),
)

guest_cards = Table(
    "guest_cards",
    metadata,
    _id(),
    _text("key", None),
    Column("prospect_id", ForeignKey("prospects.id"), nullable=False, index=True),
    Column("root_id", Uuid, nullable=False, index=True),
    Column("property_id", ForeignKey("properties.id")),  # null: unplaced
    _text("property_hint"),
    Column("unit_id", ForeignKey("units.id")),
    Column("floor_plan_id", ForeignKey("floor_plans.id")),
    _text("first_source", None),
    _text("first_campaign"),
    Column("stage", Text, nullable=False, server_default="new"),
    Column("may_be", Uuid),  # the prospect this one may be, while a person has not decided
    _json("flags", "[]"),
    _time("opened_at"),
    _time("last_at"),
    _count("version", 1),
    one_of("stage", STAGES),
    UniqueConstraint("key"),
    Index(
        "ix_guest_cards_last_at",
        "last_at",
        "id",
        sqlite_where=text("id = root_id"),
        postgresql_where=text("id = root_id"),
    ),
    Index(
        "ix_guest_cards_property_id_last_at",
        "property_id",
        "last_at",
        "id",
        sqlite_where=text("id = root_id"),
        postgresql_where=text("id = root_id"),
    ),
)

inquiries = Table(
    "inquiries",
    metadata,
    _id(),
    Column("receipt_id", ForeignKey("receipts.id"), nullable=False),
    Column("position", Integer, nullable=False),  # place of the lead in its receipt
    _text("feed", None),
    Column("external_id", Text),
    Column("content_key", Uuid, nullable=False),  # source + property + message, for re-deliveries (P2)
    Column("prospect_id", ForeignKey("prospects.id"), nullable=False, index=True),
    Column("guest_card_id", ForeignKey("guest_cards.id"), nullable=False, index=True),
    Column("decision_id", Uuid, nullable=False),
    Column("property_id", ForeignKey("properties.id")),
    _text("source", None),
    _text("campaign"),
    _text("contact_type", None),
    _time("occurred_at"),
    _time("received_at"),
    _count("revision", 1),
    Column("content_receipt_id", Uuid, nullable=False),  # whose bytes say what the inquiry says now
    _time("content_at"),
    _text("map_id", None),
    Column("map_version", Integer, nullable=False),
    _json("lead"),
    _json("placement"),
    _json("flags", "[]"),
    Column("unmapped", Boolean, nullable=False, server_default=text("false")),  # its unknown names are to be gathered
    _json("trace", "[]"),  # what the resolver compares of it
    Column("unsettled", Boolean, nullable=False, server_default=text("true")),  # its neighbourhood is to be looked at
    one_of("contact_type", tuple(ContactType)),
    UniqueConstraint("receipt_id", "position"),
    UniqueConstraint("feed", "external_id"),
    Index("ix_inquiries_content_key_received_at", "content_key", "received_at"),
    Index("ix_inquiries_property_id_occurred_at", "property_id", "occurred_at"),
    Index("ix_inquiries_occurred_at", "occurred_at"),
    Index("ix_inquiries_unmapped", "id", sqlite_where=text("unmapped"), postgresql_where=text("unmapped")),
    Index("ix_inquiries_unsettled", "id", sqlite_where=text("unsettled"), postgresql_where=text("unsettled")),
)

match_keys = Table(  # by equal keys inquiries find each other; no foreign key, because every lead writes a dozen
    "match_keys",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("inquiry_id", Uuid, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

match_verdicts = Table(  # what a person said of two inquiries, both ways round; a projection of match_decisions
    "match_verdicts",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("other_id", Uuid, primary_key=True),
    Column("decision_id", Uuid, primary_key=True, index=True),
    _text("verdict", None),
    one_of("verdict", ("same", "apart")),
    sqlite_with_rowid=False,
)

reopenings = Table(  # inquiries around which who is who is to be decided again
    "reopenings",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    _text("why", None),
    _time("asked_at"),
    _count("failures"),
    one_of("why", REOPENED),
    Index("ix_reopenings_failures_asked_at", "failures", "asked_at"),
)

identity_models = Table(  # weights and frequencies by which decisions were made
    "identity_models",
    metadata,
    Column("version", Text, primary_key=True),
    _time("made_at"),
    _text("made_by", None),
    _json("content"),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    Index(
        "uq_identity_models_active", "active", unique=True, sqlite_where=text("active"), postgresql_where=text("active")
    ),
)

revisions = Table(  # every content an inquiry had before its present one
    "revisions",
    metadata,
    Column("inquiry_id", ForeignKey("inquiries.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("receipt_id", ForeignKey("receipts.id"), nullable=False),
    _json("lead"),
    _text("why", None),
    _time("replaced_at"),
    one_of("why", ("sender", "replay")),
)

rulings = Table(  # what a person said a receipt is; the newest counts whenever it is read again
    "rulings",
    metadata,
    _id(),
    Column("receipt_id", ForeignKey("receipts.id"), nullable=False, index=True),
    Column("seq", BigInteger, nullable=False),
    _time("at"),
    _text("verdict", None),
    _json("entered"),  # field -> text, in place of what the readers found
    _text("decided_by", None),
    one_of("verdict", ("lead", "not_lead")),
)

fates = Table(  # leads of a receipt that did not become an inquiry of their own
    "fates",
    metadata,
    Column("receipt_id", ForeignKey("receipts.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _text("fate", None),
    Column("inquiry_id", ForeignKey("inquiries.id"), index=True),
    _text("reason", None),
    _json("lead"),
    one_of("fate", FATES),
    CheckConstraint("(fate = 'rejected') = (inquiry_id IS NULL)", name="target"),
)

match_decisions = Table(
    "match_decisions",
    metadata,
    _id(),
    Column("seq", BigInteger, nullable=False),  # the order in which decisions were made; times may be equal
    _time("at"),
    _text("kind", None),
    _text("verdict", None),
    Column("inquiry_id", Uuid, index=True),
    Column("prospect_id", Uuid, nullable=False, index=True),
    Column("other_prospect_id", Uuid, index=True),
    Column("undoes", Uuid),
    _text("rule", None),
    _text("sentence", None),
    _json("evidence", "[]"),
    _text("rules_version", None),
    _text("decided_by", None),
    one_of("kind", DECISION_KINDS),
    one_of("verdict", VERDICTS),
)

tasks = Table(
    "tasks",
    metadata,
    _id(),
    Column("guest_card_id", ForeignKey("guest_cards.id"), nullable=False, index=True),
    _text("kind", None),
    Column("state", Text, nullable=False, server_default="open"),
    _text("reason"),
    _text("title", None),
    _text("body"),
    _text("assignee"),
    _time("due_at"),
    Column("inquiry_id", ForeignKey("inquiries.id")),
    _count("version", 1),
    _time("created_at"),
    one_of("kind", ("first_contact", "tour", "place_lead", "correct_destination")),
    one_of("state", TASK_STATES),
    Index(
        "uq_tasks_open_first_contact",
        "guest_card_id",
        unique=True,
        sqlite_where=text("state = 'open' AND kind = 'first_contact'"),
        postgresql_where=text("state = 'open' AND kind = 'first_contact'"),
    ),
)

outcomes = Table(
    "outcomes",
    metadata,
    _id(),
    Column("guest_card_id", ForeignKey("guest_cards.id"), nullable=False, index=True),
    _text("kind", None),
    _time("at"),
    _text("origin", None),  # a destination's name, or entered
    _text("detail"),
    _text("recorded_by", None),
    _time("recorded_at"),
    one_of("kind", OUTCOMES),
    UniqueConstraint("guest_card_id", "kind", "at"),
    Index("ix_outcomes_kind_at", "kind", "at"),
)

destinations = Table(  # run-time state of a configured account
    "destinations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False, server_default="active"),
    _text("reason"),
    _count("failures"),
    _time("open_until", null=True),  # circuit: nothing is tried before
    _time("not_before", null=True),  # the account itself asked for so long a rest
    _time("last_success_at", null=True),
    _text("outcomes_cursor"),  # how far is read what became of cards there
    _time("outcomes_at", null=True),  # when that was asked last
    _time("synced_at", null=True),  # when its configuration was asked last
    one_of("state", ("active", "paused")),
)

rate_limits = Table(  # how many calls an account takes in a window; shared by all processes
    "rate_limits",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("window", Text, primary_key=True),
    Column("step_us", BigInteger, nullable=False),  # time that one call uses up
    Column("slack_us", BigInteger, nullable=False),  # time that may be used up ahead
    Column("used_until_us", BigInteger, nullable=False, server_default="0"),  # microseconds since 1970
)

correction_days = Table(  # corrections made by themselves at a destination on one of its days
    "correction_days",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("on_day", Date, primary_key=True),
    _count("used"),
)

mailboxes = Table(  # run-time state of a configured mailbox
    "mailboxes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("uidvalidity", BigInteger, nullable=False, server_default="0"),
    Column("last_uid", BigInteger, nullable=False, server_default="0"),  # this one and all below are done with
    _json("failing"),  # UID -> times that it could not be taken
    _text("holder"),  # the process that reads it now
    _time("held_until", null=True),
    _time("last_success_at", null=True),
    _time("last_mail_at", null=True),
    _text("trouble"),  # what it suffers from, empty when well
    _text("detail"),
    _count("failures"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    Column("poisoned", BigInteger, nullable=False, server_default="0"),
    _count("resyncs"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    _text("destination", None),
    Column("guest_card_id", ForeignKey("guest_cards.id"), nullable=False, index=True),
    Column("lane_id", Uuid, nullable=False),  # the card whose order it keeps: the root, so that merged cards queue up
    Column("seq", BigInteger, nullable=False),
    _text("kind", None),
    Column("subject_id", Uuid, nullable=False),
    _count("version", 1),
    Column("state", Text, nullable=False, server_default="pending"),
    _text("cause"),
    _time("due_at"),
    _count("attempts"),
    _count("failures"),  # attempts that count against the retry schedule; an open circuit uses none up
    _time("lease_until", null=True),
    _text("lease_owner"),
    _text("remote_id"),
    _text("outcome"),
    _text("message"),
    Column("receipt_id", Uuid),
    _time("created_at"),
    _time("acknowledged_at", null=True),
    _time("unsure_at", null=True),  # since then something may be written there that no answer tells of
    _json("override"),  # values that a person gave for this delivery alone, by field
    Column("released", Boolean, nullable=False, server_default=text("false")),  # it passed the daily cap, or was let
    Column("unmetered", Boolean, nullable=False, server_default=text("false")),  # a person let it cost more calls
    one_of("kind", DELIVERY_KINDS),
    one_of("state", tuple(DeliveryState)),
    CheckConstraint("(state = 'in_flight') = (lease_until IS NOT NULL)", name="lease"),
    CheckConstraint("(state = 'held') <= (cause <> '')", name="cause"),
    CheckConstraint("(state = 'acknowledged') = (acknowledged_at IS NOT NULL)", name="acknowledged"),
    UniqueConstraint("destination", "kind", "subject_id", "version"),
    # One delivery in flight per card and destination: two workers can never push out of order, or one row twice.
    Index(
        "uq_deliveries_in_flight",
        "destination",
        "lane_id",
        unique=True,
        sqlite_where=text("state = 'in_flight'"),
        postgresql_where=text("state = 'in_flight'"),
    ),
    Index(
        "ix_deliveries_due",
        "destination",
        "due_at",
        "seq",
        sqlite_where=text("state IN ('pending', 'retry')"),
        postgresql_where=text("state IN ('pending', 'retry')"),
    ),
    Index(
        "ix_deliveries_lane",
        "destination",
        "lane_id",
        "seq",
        sqlite_where=text("state NOT IN ('acknowledged', 'cancelled')"),
        postgresql_where=text("state NOT IN ('acknowledged', 'cancelled')"),
    ),
    Index("ix_deliveries_state", "state"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _time("started_at"),
    _time("finished_at", null=True),
    _text("outcome"),
    _text("code"),
    _text("message"),
    _count("calls"),  # remote calls it made
)

remote_refs = Table(
    "remote_refs",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("entity_id", Uuid, primary_key=True),
    Column("remote_id", Text, primary_key=True),
    Column("live", Boolean, nullable=False, server_default=text("true")),
    # The record is another card's, of the same household, on which this one's person stands too.
    Column("shared", Boolean, nullable=False, server_default=text("false")),
    _text("standing"),
    _text("source"),  # the source as the destination has it, beside ours
    _json("pushed"),  # values we wrote there last: still ours to correct as long as nobody changed them
    _time("at"),
    one_of("kind", ("card", "person", "event", "task")),
    Index("ix_remote_refs_entity_id", "entity_id"),
)

fetches = Table(  # what a receipt only names and we have to ask for
    "fetches",
    metadata,
    _id(),  # made of feed, kind and ref, so that a hook sent again owes nothing new
    _text("feed", None),
    _text("kind", None),
    _text("ref", None),
    Column("receipt_id", Uuid),  # the receipt that named it
    Column("state", String(8), nullable=False, server_default="pending"),
    _text("cause"),
    _text("detail"),
    _count("failures"),
    _time("due_at"),
    _time("lease_until", null=True),
    _time("created_at"),
    _time("done_at", null=True),
    Column("found_id", Uuid),  # the receipt that what came back has become
    _text("content"),  # a certificate
    one_of("kind", FETCH_KINDS),
    one_of("state", FETCH_STATES),
    CheckConstraint("(state = 'pending') = (done_at IS NULL)", name="done"),
    Index(
        "ix_fetches_due_at",
        "due_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_fetches_receipt_id", "receipt_id"),
)

refusals = Table(  # web hooks that did not prove who they are from
    "refusals",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("on_day", Date, primary_key=True),
    _count("count"),
    _time("last_at"),
)

exceptions = Table(
    "exceptions",
    metadata,
    _id(),
    _text("kind", None),
    _text("subject_kind", None),
    Column("subject_id", Uuid, nullable=False),
    _text("cause", None),
    _text("detail", None),
    _text("owner"),
    _time("opened_at"),
    _time("resolved_at", null=True),
    _text("resolved_by"),
    _text("resolution"),
    one_of(
        "kind",
        (
            "quarantined",
            "match_review",
            "held_delivery",
            "dead_delivery",
            "unplaced_card",
            "unmapped_name",
            "account",
            "stuck",
            "mailbox",
            "poison_mail",
            "drift",
            "unsure_reading",
        ),
    ),
    Index(
        "uq_exceptions_open",
        "kind",
        "subject_id",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(
        "ix_exceptions_opened_at",
        "opened_at",
        "id",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
)

credentials = Table(
    "credentials",
    metadata,
    _id(),
    Column("feed", Text),  # null for staff
    _text("kind", None),
    _text("scope", None),
    _text("label"),
    _text("prefix", None),
    _text("digest", None),
    _json("allowed_ips", "[]"),
    Column("test", Boolean, nullable=False, server_default=text("false")),
    _time("created_at"),
    _time("revoked_at", null=True),
    one_of("kind", CREDENTIAL_KINDS),
    one_of("scope", SCOPES),
    CheckConstraint("(scope = 'feed') = (feed IS NOT NULL)", name="feed"),
    UniqueConstraint("digest"),
)

imports = Table(  # files read in by command: how far, and what became of their rows
    "imports",
    metadata,
    _id(),
    _text("file_sha256", None),
    _text("path", None),
    _text("map_id", None),
    Column("map_version", Integer, nullable=False),
    _text("feed", None),
    _text("sheet"),
    Column("push", Boolean, nullable=False),
    Column("state", Text, nullable=False, server_default="running"),
    _count("rows_read"),  # the last row of the file that is written
    Column("rejects_bytes", BigInteger, nullable=False, server_default="0"),
    _json("counters"),
    _time("started_at"),
    _time("updated_at"),
    _time("finished_at", null=True),
    one_of("state", ("running", "finished", "abandoned")),
    UniqueConstraint("file_sha256", "map_id", "feed", "sheet"),
)

feed_hours = Table(  # what came by each feed in each hour, by the field map that read it (empty: none did)
    "feed_hours",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("map_id", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    _count("receipts"),
    _count("leads"),
    _count("unread"),
)

field_days = Table(  # in how many leads of a day a field held a value; field '' counts the leads
    "field_days",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("map_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("field", Text, primary_key=True),
    _count("leads"),
)

feed_watch = Table(  # what is known of a feed and field map: what it usually sends, and how it is now
    "feed_watch",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("map_id", Text, primary_key=True),
    _text("state", None),
    _text("cause"),
    _text("detail"),
    _time("since", null=True),
    _time("first_at", null=True),
    _time("last_at", null=True),
    Column("last_good", Uuid),
    Column("first_bad", Uuid),
    Column("expected", Float, nullable=False, server_default="0"),
    _json("memory"),
    _time("read_to", null=True),  # receipts from before are counted
    _time("acknowledged_at", null=True),
    _time("muted_until", null=True),
    _text("muted_by"),
    _count("version"),
    _time("updated_at"),
    one_of("state", ("ok", "late", "silent", "degraded", "learning", "never")),
)

counters = Table(  # numbers that tell processes that something they keep in memory has changed
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    _id(),
    _text("login", None),
    _text("password_hash"),
    _text("role", None),
    _time("created_at"),
    _time("disabled_at", null=True),
    one_of("role", ("agent", "marketer", "ops", "admin")),
    UniqueConstraint("login"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("role", None),
    _time("expires_at"),
    _time("used_at", null=True),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _time("at"),
    _text("actor", None),
    _text("action", None),
    _text("subject_kind"),
    _text("subject"),
    _json("detail"),
    Index("ix_audit_at", "at"),
)

unmapped_names = Table(  # what was sent and nobody knows, until a person says what it means
    "unmapped_names",
    metadata,
    _id(),  # digest of kind, scope and key
    _text("kind", None),
    _text("scope"),  # the property of a unit, plan or agent; the destination of a source's name there
    _text("key", None),  # folded
    _text("text", None),  # as it was first sent
    _text("feed"),
    _text("source"),
    Column("receipt_id", Uuid),  # a sample
    _time("first_seen_at"),
    Column("state", Text, nullable=False, server_default="open"),
    _time("answered_at", null=True),
    _text("answered_by"),
    one_of("kind", NAME_KINDS),
    one_of("state", ("open", "answered", "ignored", "taken_back")),
    Index("ix_unmapped_names_state_first_seen_at", "state", "first_seen_at"),
)

name_sightings = Table(  # who waits for the answer: an inquiry; for the name of a source at a destination, a card
    "name_sightings",
    metadata,
    Column("name_id", ForeignKey("unmapped_names.id"), primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    _time("at"),
    Column("state", Text, nullable=False, server_default="waiting"),
    one_of("state", ("waiting", "mended", "left")),
    Index(
        "ix_name_sightings_waiting",
        "name_id",
        "subject_id",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("ix_name_sightings_subject_id", "subject_id"),
)

name_answers = Table(  # what a person said that a name means; in force on the days given, until revoked
    "name_answers",
    metadata,
    _id(),
    Column("name_id", ForeignKey("unmapped_names.id"), nullable=False, index=True),
    _text("kind", None),
    _text("scope"),
    _text("key", None),
    _text("text", None),
    _text("target", None),  # id of a property, unit or plan; an agent's remote id; a source's slug or its name there
    Column("valid_from", Date),
    Column("valid_to", Date),  # inclusive
    _time("made_at"),
    _text("made_by", None),
    _time("revoked_at", null=True),
    _text("revoked_by"),
    one_of("kind", NAME_KINDS),
)
