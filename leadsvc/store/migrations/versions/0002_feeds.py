"""every source: mailboxes, what has to be fetched, and how far a mail's sender can be trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadsvc.store.types import Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EXCEPTION_KINDS = (
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
)


def upgrade() -> None:
    _exception_kinds()
    _backfill_and_drift()
    # Written out, because SQLite takes a constraint with a new column and never afterwards, and receipts are too many
    # to be copied.
    op.execute(
        "ALTER TABLE receipts ADD COLUMN trust VARCHAR(8) DEFAULT '' NOT NULL"
        " CONSTRAINT ck_receipts_trust CHECK (trust IN ('', 'pass', 'fail', 'none', 'released'))"
    )
    op.execute("ALTER TABLE receipts ADD COLUMN trust_reason TEXT DEFAULT '' NOT NULL")
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_uid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failing", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("held_until", UtcDateTime(), nullable=True),
        sa.Column("last_success_at", UtcDateTime(), nullable=True),
        sa.Column("last_mail_at", UtcDateTime(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("poisoned", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("resyncs", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailboxes")),
    )
    _fetches()
    _names()
    _rulings()


def _rulings() -> None:
    op.create_table(
        "rulings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("entered", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('lead', 'not_lead')", name=op.f("ck_rulings_verdict")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_rulings_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulings")),
    )
    op.create_index("ix_rulings_receipt_id", "rulings", ["receipt_id"])


def _fetches() -> None:
    op.create_table(
        "fetches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(8), server_default="pending", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("found_id", sa.Uuid(), nullable=True),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('facebook_lead', 'sns_certificate', 'sns_subscription')", name=op.f("ck_fetches_kind")
        ),
        sa.CheckConstraint("state IN ('pending', 'done', 'gone')", name=op.f("ck_fetches_state")),
        sa.CheckConstraint("(state = 'pending') = (done_at IS NULL)", name=op.f("ck_fetches_done")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fetches")),
    )
    pending = sa.text("state = 'pending'")
    op.create_index("ix_fetches_due_at", "fetches", ["due_at"], sqlite_where=pending, postgresql_where=pending)
    op.create_index("ix_fetches_receipt_id", "fetches", ["receipt_id"])
    op.create_table(
        "refusals",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "cause", "on_day", name=op.f("pk_refusals")),
    )


def _backfill_and_drift() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("map_id", sa.Text(), nullable=False),
        sa.Column("map_version", sa.Integer(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), server_default="", nullable=False),
        sa.Column("push", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("rows_read", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejects_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counters", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'finished', 'abandoned')", name=op.f("ck_imports_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint(
            "file_sha256", "map_id", "feed", "sheet", name=op.f("uq_imports_file_sha256_map_id_feed_sheet")
        ),
    )
    op.create_table(
        "feed_hours",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("map_id", sa.Text(), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("receipts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leads", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unread", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("feed", "map_id", "hour", name=op.f("pk_feed_hours")),
    )
    op.create_table(
        "field_days",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("map_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("leads", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("feed", "map_id", "day", "field", name=op.f("pk_field_days")),
    )
    op.create_table(
        "feed_watch",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("map_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("first_at", UtcDateTime(), nullable=True),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.Column("last_good", sa.Uuid(), nullable=True),
        sa.Column("first_bad", sa.Uuid(), nullable=True),
        sa.Column("expected", sa.Float(), server_default="0", nullable=False),
        sa.Column("memory", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("read_to", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("muted_until", UtcDateTime(), nullable=True),
        sa.Column("muted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ok', 'late', 'silent', 'degraded', 'learning', 'never')", name=op.f("ck_feed_watch_state")
        ),
        sa.PrimaryKeyConstraint("feed", "map_id", name=op.f("pk_feed_watch")),
    )


def _names() -> None:
    op.add_column("inquiries", sa.Column("unmapped", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    unmapped = sa.text("unmapped")
    op.create_index("ix_inquiries_unmapped", "inquiries", ["id"], sqlite_where=unmapped, postgresql_where=unmapped)
    kinds = "kind IN ('property', 'unit', 'floor_plan', 'agent', 'source', 'source_name')"
    op.create_table(
        "unmapped_names",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(kinds, name=op.f("ck_unmapped_names_kind")),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'ignored', 'taken_back')", name=op.f("ck_unmapped_names_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmapped_names")),
    )
    op.create_index("ix_unmapped_names_state_first_seen_at", "unmapped_names", ["state", "first_seen_at"])
    op.create_table(
        "name_sightings",
        sa.Column("name_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'mended', 'left')", name=op.f("ck_name_sightings_state")),
        sa.ForeignKeyConstraint(["name_id"], ["unmapped_names.id"], name=op.f("fk_name_sightings_name_id")),
        sa.PrimaryKeyConstraint("name_id", "subject_id", name=op.f("pk_name_sightings")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_name_sightings_waiting",
        "name_sightings",
        ["name_id", "subject_id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_name_sightings_subject_id", "name_sightings", ["subject_id"])
    op.create_table(
        "name_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(kinds, name=op.f("ck_name_answers_kind")),
        sa.ForeignKeyConstraint(["name_id"], ["unmapped_names.id"], name=op.f("fk_name_answers_name_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_answers")),
    )
    op.create_index("ix_name_answers_name_id", "name_answers", ["name_id"])


def _exception_kinds() -> None:
    kinds = ", ".join(f"'{kind}'" for kind in EXCEPTION_KINDS)
    with op.batch_alter_table("exceptions") as batch:
        # On SQLite the table is copied, and a constraint that nobody names anew is not copied with it.
        if op.get_bind().dialect.name == "postgresql":
            batch.drop_constraint(op.f("ck_exceptions_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_exceptions_kind"), f"kind IN ({kinds})")
