"""the words of leadsvc."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadsvc.store.types import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("properties", Json, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("destination", "remote_id", name=op.f("uq_agents_destination_remote_id")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)

    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("allowed_ips", Json, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(scope = 'feed') = (feed IS NOT NULL)", name=op.f("ck_credentials_feed")),
        sa.CheckConstraint("kind IN ('bearer', 'basic', 'hmac', 'url')", name=op.f("ck_credentials_kind")),
        sa.CheckConstraint("scope IN ('feed', 'staff:read', 'staff:write')", name=op.f("ck_credentials_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("digest", name=op.f("uq_credentials_digest")),
    )
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_until", UtcDateTime(), nullable=True),
        sa.Column("last_success_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'paused')", name=op.f("ck_destinations_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destinations")),
    )
    op.create_table(
        "exceptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("resolution", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('quarantined', 'match_review', 'held_delivery', 'dead_delivery', 'unplaced_card', "
            "'unmapped_name', 'account', 'stuck')",
            name=op.f("ck_exceptions_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exceptions")),
    )
    op.create_index(
        "ix_exceptions_opened_at",
        "exceptions",
        ["opened_at", "id"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "uq_exceptions_open",
        "exceptions",
        ["kind", "subject_id"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )

    op.create_table(
        "identifiers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), server_default="own", nullable=False),
        sa.Column("trust_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('email', 'phone', 'thread')", name=op.f("ck_identifiers_kind")),
        sa.CheckConstraint("trust IN ('own', 'relay', 'shared', 'placeholder')", name=op.f("ck_identifiers_trust")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identifiers")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_identifiers_kind_value")),
    )
    op.create_table(
        "match_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=True),
        sa.Column("prospect_id", sa.Uuid(), nullable=False),
        sa.Column("other_prospect_id", sa.Uuid(), nullable=True),
        sa.Column("undoes", sa.Uuid(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("evidence", Json, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("rules_version", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('assign', 'merge', 'unmerge', 'rehome', 'household', 'keep_apart', 'place')",
            name=op.f("ck_match_decisions_kind"),
        ),
        sa.CheckConstraint(
            "verdict IN ('join', 'new', 'review', 'merge', 'unmerge', 'related', 'apart', 'placed')",
            name=op.f("ck_match_decisions_verdict"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_decisions")),
    )
    op.create_index(op.f("ix_match_decisions_inquiry_id"), "match_decisions", ["inquiry_id"], unique=False)
    op.create_index(
        op.f("ix_match_decisions_other_prospect_id"), "match_decisions", ["other_prospect_id"], unique=False
    )
    op.create_index(op.f("ix_match_decisions_prospect_id"), "match_decisions", ["prospect_id"], unique=False)

    op.create_table(
        "properties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), server_default="", nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("postal_code", sa.Text(), server_default="", nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("asset_class", sa.Text(), server_default="", nullable=False),
        sa.Column("office_hours", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("office_phone", sa.Text(), server_default="", nullable=False),
        sa.Column("mailbox_tag", sa.Text(), server_default="", nullable=False),
        sa.Column("listing_ids", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("managed_from", sa.Date(), nullable=True),
        sa.Column("managed_to", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_properties")),
        sa.UniqueConstraint("destination", "remote_id", name=op.f("uq_properties_destination_remote_id")),
    )
    op.create_table(
        "prospects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("names", Json, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("golden", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("edits", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("standing", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "standing IN ('', 'prospect', 'applicant', 'resident', 'former', 'opted_out')",
            name=op.f("ck_prospects_standing"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prospects")),
        sa.UniqueConstraint("key", name=op.f("uq_prospects_key")),
    )
    op.create_index(op.f("ix_prospects_root_id"), "prospects", ["root_id"], unique=False)

    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), server_default="", nullable=False),
        sa.Column("headers", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("authenticated", sa.Text(), server_default="", nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=12), server_default="pending", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("map_id", sa.Text(), server_default="", nullable=False),
        sa.Column("map_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leads_found", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", Json, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("processed_at", UtcDateTime(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(state = 'pending') = (processed_at IS NULL)", name=op.f("ck_receipts_processed")),
        sa.CheckConstraint("channel IN ('http', 'email', 'file', 'manual')", name=op.f("ck_receipts_channel")),
        sa.CheckConstraint(
            "state IN ('pending', 'processed', 'duplicate', 'not_lead', 'quarantined', 'rejected')",
            name=op.f("ck_receipts_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("feed", "delivery_key", name=op.f("uq_receipts_feed_delivery_key")),
    )
    op.create_index("ix_receipts_feed_received_at", "receipts", ["feed", "received_at"], unique=False)
    op.create_index(
        "ix_receipts_open",
        "receipts",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_receipts_state_received_at", "receipts", ["state", "received_at"], unique=False)

    op.create_table(
        "remote_names",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.PrimaryKeyConstraint("destination", "kind", "name", name=op.f("pk_remote_names")),
    )
    op.create_table(
        "remote_refs",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("standing", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("pushed", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('card', 'person', 'event', 'task')", name=op.f("ck_remote_refs_kind")),
        sa.PrimaryKeyConstraint("destination", "kind", "entity_id", "remote_id", name=op.f("pk_remote_refs")),
    )
    op.create_index("ix_remote_refs_entity_id", "remote_refs", ["entity_id"], unique=False)

    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_links")),
    )
    op.create_table(
        "sources",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "category IN ('ils', 'website', 'search', 'social', 'referral', 'drive_by', 'other')",
            name=op.f("ck_sources_category"),
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_sources")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("role IN ('agent', 'marketer', 'ops', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    op.create_table(
        "floor_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("property_id", sa.Uuid(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bedrooms", sa.Float(), nullable=True),
        sa.Column("bathrooms", sa.Float(), nullable=True),
        sa.Column("rent_cents", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_floor_plans_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floor_plans")),
        sa.UniqueConstraint("property_id", "remote_id", name=op.f("uq_floor_plans_property_id_remote_id")),
    )
    op.create_table(
        "property_aliases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("property_id", sa.Uuid(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.CheckConstraint("origin IN ('pms', 'learned')", name=op.f("ck_property_aliases_origin")),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_property_aliases_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_property_aliases")),
    )
    op.create_index(op.f("ix_property_aliases_property_id"), "property_aliases", ["property_id"], unique=False)

    op.create_table(
        "prospect_identifiers",
        sa.Column("prospect_id", sa.Uuid(), nullable=False),
        sa.Column("identifier_id", sa.Uuid(), nullable=False),
        sa.Column("name_key", sa.Text(), server_default="", nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifiers.id"], name=op.f("fk_prospect_identifiers_identifier_id")
        ),
        sa.ForeignKeyConstraint(["prospect_id"], ["prospects.id"], name=op.f("fk_prospect_identifiers_prospect_id")),
        sa.PrimaryKeyConstraint("prospect_id", "identifier_id", name=op.f("pk_prospect_identifiers")),
    )
    op.create_index(
        "ix_prospect_identifiers_identifier_id_name_key",
        "prospect_identifiers",
        ["identifier_id", "name_key"],
        unique=False,
    )

    op.create_table(
        "units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("property_id", sa.Uuid(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("floor_plan_id", sa.Uuid(), nullable=True),
        sa.Column("listing_ids", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.ForeignKeyConstraint(["floor_plan_id"], ["floor_plans.id"], name=op.f("fk_units_floor_plan_id")),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_units_property_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("property_id", "remote_id", name=op.f("uq_units_property_id_remote_id")),
    )
    op.create_table(
        "guest_cards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("prospect_id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("property_id", sa.Uuid(), nullable=True),
        sa.Column("property_hint", sa.Text(), server_default="", nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("floor_plan_id", sa.Uuid(), nullable=True),
        sa.Column("first_source", sa.Text(), nullable=False),
        sa.Column("first_campaign", sa.Text(), server_default="", nullable=False),
        sa.Column("stage", sa.Text(), server_default="new", nullable=False),
        sa.Column("may_be", sa.Uuid(), nullable=True),
        sa.Column("flags", Json, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "stage IN ('new', 'contacted', 'tour_scheduled', 'toured', 'applied', 'approved', 'leased', "
            "'moved_in', 'lost')",
            name=op.f("ck_guest_cards_stage"),
        ),
        sa.ForeignKeyConstraint(["floor_plan_id"], ["floor_plans.id"], name=op.f("fk_guest_cards_floor_plan_id")),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_guest_cards_property_id")),
        sa.ForeignKeyConstraint(["prospect_id"], ["prospects.id"], name=op.f("fk_guest_cards_prospect_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_guest_cards_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_cards")),
        sa.UniqueConstraint("key", name=op.f("uq_guest_cards_key")),
    )
    op.create_index(
        "ix_guest_cards_last_at",
        "guest_cards",
        ["last_at", "id"],
        unique=False,
        sqlite_where=sa.text("id = root_id"),
        postgresql_where=sa.text("id = root_id"),
    )
    op.create_index(
        "ix_guest_cards_property_id_last_at",
        "guest_cards",
        ["property_id", "last_at", "id"],
        unique=False,
        sqlite_where=sa.text("id = root_id"),
        postgresql_where=sa.text("id = root_id"),
    )
    op.create_index(op.f("ix_guest_cards_prospect_id"), "guest_cards", ["prospect_id"], unique=False)
    op.create_index(op.f("ix_guest_cards_root_id"), "guest_cards", ["root_id"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("guest_card_id", sa.Uuid(), nullable=False),
        sa.Column("lane_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("lease_owner", sa.Text(), server_default="", nullable=False),
        sa.Column("remote_id", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'acknowledged') = (acknowledged_at IS NOT NULL)", name=op.f("ck_deliveries_acknowledged")
        ),
        sa.CheckConstraint("(state = 'held') <= (cause <> '')", name=op.f("ck_deliveries_cause")),
        sa.CheckConstraint("(state = 'in_flight') = (lease_until IS NOT NULL)", name=op.f("ck_deliveries_lease")),
        sa.CheckConstraint(
            "kind IN ('prospect', 'event', 'task', 'merge', 'unmerge')", name=op.f("ck_deliveries_kind")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'in_flight', 'acknowledged', 'retry', 'held', 'dead', 'cancelled')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(["guest_card_id"], ["guest_cards.id"], name=op.f("fk_deliveries_guest_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "destination",
            "kind",
            "subject_id",
            "version",
            name=op.f("uq_deliveries_destination_kind_subject_id_version"),
        ),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["destination", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'retry')"),
        postgresql_where=sa.text("state IN ('pending', 'retry')"),
    )
    op.create_index(op.f("ix_deliveries_guest_card_id"), "deliveries", ["guest_card_id"], unique=False)
    op.create_index(
        "ix_deliveries_lane",
        "deliveries",
        ["destination", "lane_id", "seq"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('acknowledged', 'cancelled')"),
        postgresql_where=sa.text("state NOT IN ('acknowledged', 'cancelled')"),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state"], unique=False)
    op.create_index(
        "uq_deliveries_in_flight",
        "deliveries",
        ["destination", "lane_id"],
        unique=True,
        sqlite_where=sa.text("state = 'in_flight'"),
        postgresql_where=sa.text("state = 'in_flight'"),
    )

    op.create_table(
        "inquiries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("content_key", sa.Uuid(), nullable=False),
        sa.Column("prospect_id", sa.Uuid(), nullable=False),
        sa.Column("guest_card_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("property_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), server_default="", nullable=False),
        sa.Column("contact_type", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("content_receipt_id", sa.Uuid(), nullable=False),
        sa.Column("content_at", UtcDateTime(), nullable=False),
        sa.Column("map_id", sa.Text(), nullable=False),
        sa.Column("map_version", sa.Integer(), nullable=False),
        sa.Column("lead", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("placement", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("flags", Json, server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint(
            "contact_type IN ('form', 'email', 'call', 'text', 'chat', 'walk_in', 'tour_booking')",
            name=op.f("ck_inquiries_contact_type"),
        ),
        sa.ForeignKeyConstraint(["guest_card_id"], ["guest_cards.id"], name=op.f("fk_inquiries_guest_card_id")),
        sa.ForeignKeyConstraint(["property_id"], ["properties.id"], name=op.f("fk_inquiries_property_id")),
        sa.ForeignKeyConstraint(["prospect_id"], ["prospects.id"], name=op.f("fk_inquiries_prospect_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_inquiries_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiries")),
        sa.UniqueConstraint("feed", "external_id", name=op.f("uq_inquiries_feed_external_id")),
        sa.UniqueConstraint("receipt_id", "position", name=op.f("uq_inquiries_receipt_id_position")),
    )
    op.create_index("ix_inquiries_content_key_received_at", "inquiries", ["content_key", "received_at"], unique=False)
    op.create_index(op.f("ix_inquiries_guest_card_id"), "inquiries", ["guest_card_id"], unique=False)
    op.create_index("ix_inquiries_occurred_at", "inquiries", ["occurred_at"], unique=False)
    op.create_index("ix_inquiries_property_id_occurred_at", "inquiries", ["property_id", "occurred_at"], unique=False)
    op.create_index(op.f("ix_inquiries_prospect_id"), "inquiries", ["prospect_id"], unique=False)

    op.create_table(
        "outcomes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guest_card_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('contacted', 'tour_scheduled', 'toured', 'no_show', 'applied', 'approved', "
            "'denied', 'cancelled', 'leased', 'moved_in', 'lost', 'reopened')",
            name=op.f("ck_outcomes_kind"),
        ),
        sa.ForeignKeyConstraint(["guest_card_id"], ["guest_cards.id"], name=op.f("fk_outcomes_guest_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint("guest_card_id", "kind", "at", name=op.f("uq_outcomes_guest_card_id_kind_at")),
    )
    op.create_index(op.f("ix_outcomes_guest_card_id"), "outcomes", ["guest_card_id"], unique=False)
    op.create_index("ix_outcomes_kind_at", "outcomes", ["kind", "at"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempts")),
    )
    op.create_table(
        "fates",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lead", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("(fate = 'rejected') = (inquiry_id IS NULL)", name=op.f("ck_fates_target")),
        sa.CheckConstraint("fate IN ('revision', 'redelivery', 'rejected')", name=op.f("ck_fates_fate")),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"], name=op.f("fk_fates_inquiry_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_fates_receipt_id")),
        sa.PrimaryKeyConstraint("receipt_id", "position", name=op.f("pk_fates")),
    )
    op.create_index(op.f("ix_fates_inquiry_id"), "fates", ["inquiry_id"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("lead", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("replaced_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("why IN ('sender', 'replay')", name=op.f("ck_revisions_why")),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"], name=op.f("fk_revisions_inquiry_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_revisions_receipt_id")),
        sa.PrimaryKeyConstraint("inquiry_id", "revision", name=op.f("pk_revisions")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guest_card_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("assignee", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('first_contact', 'tour', 'place_lead', 'correct_destination')", name=op.f("ck_tasks_kind")
        ),
        sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f("ck_tasks_state")),
        sa.ForeignKeyConstraint(["guest_card_id"], ["guest_cards.id"], name=op.f("fk_tasks_guest_card_id")),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"], name=op.f("fk_tasks_inquiry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_guest_card_id"), "tasks", ["guest_card_id"], unique=False)
    op.create_index(
        "uq_tasks_open_first_contact",
        "tasks",
        ["guest_card_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open' AND kind = 'first_contact'"),
        postgresql_where=sa.text("state = 'open' AND kind = 'first_contact'"),
    )
    _search_indexes(op.get_bind().dialect.name)
    op.execute(
        "CREATE VIEW touches AS SELECT id, prospect_id, guest_card_id, property_id, source, campaign, contact_type,"
        " occurred_at, received_at FROM inquiries"
    )


def _search_indexes(dialect: str) -> None:
    """Search by a beginning of a name and by the end of a phone number; expressions differ between databases."""
    if dialect == "postgresql":
        for part in ("family", "given"):
            expression = f"lower(golden #>> '{{name,value,{part}}}') text_pattern_ops"
            op.execute(f"CREATE INDEX ix_prospects_{part} ON prospects ({expression})")
        op.execute("CREATE INDEX ix_identifiers_phone_tail ON identifiers (right(value, 7)) WHERE kind = 'phone'")
    else:
        for part in ("family", "given"):
            expression = f"lower(json_extract(golden, '$.name.value.{part}'))"
            op.execute(f"CREATE INDEX ix_prospects_{part} ON prospects ({expression})")
        op.execute("CREATE INDEX ix_identifiers_phone_tail ON identifiers (substr(value, -7)) WHERE kind = 'phone'")


def downgrade() -> None:
    raise RuntimeError("the first revision has nothing to go back to; drop the database instead")
