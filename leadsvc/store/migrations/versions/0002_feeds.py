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
)


def upgrade() -> None:
    _exception_kinds()
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


def _exception_kinds() -> None:
    kinds = ", ".join(f"'{kind}'" for kind in EXCEPTION_KINDS)
    with op.batch_alter_table("exceptions") as batch:
        # On SQLite the table is copied, and a constraint that nobody names anew is not copied with it.
        if op.get_bind().dialect.name == "postgresql":
            batch.drop_constraint(op.f("ck_exceptions_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_exceptions_kind"), f"kind IN ({kinds})")
