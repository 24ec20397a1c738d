"""destinations: rate limits, daily caps, doubt and corrections of deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadsvc.store.types import Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destinations", sa.Column("not_before", UtcDateTime(), nullable=True))
    op.create_table(
        "rate_limits",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("step_us", sa.BigInteger(), nullable=False),
        sa.Column("slack_us", sa.BigInteger(), nullable=False),
        sa.Column("used_until_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("destination", "window", name=op.f("pk_rate_limits")),
    )
    op.create_table(
        "correction_days",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("destination", "on_day", name=op.f("pk_correction_days")),
    )
    op.add_column("deliveries", sa.Column("unsure_at", UtcDateTime(), nullable=True))
    op.add_column("deliveries", sa.Column("override", Json, server_default=sa.text("'{}'"), nullable=False))
    op.add_column("deliveries", sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("deliveries", sa.Column("unmetered", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("attempts", sa.Column("calls", sa.Integer(), server_default="0", nullable=False))
    # With seq in it the next deliveries are read off the index, however many are due.
    op.drop_index("ix_deliveries_due", "deliveries")
    waiting = sa.text("state IN ('pending', 'retry')")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["destination", "due_at", "seq"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.add_column("destinations", sa.Column("synced_at", UtcDateTime(), nullable=True))
    op.add_column("remote_refs", sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("remote_names", sa.Column("remote_id", sa.Text(), server_default="", nullable=False))
    op.add_column("units", sa.Column("available_on", sa.Date(), nullable=True))
    op.create_table(
        "config_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("after", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "what IN ('added', 'renamed', 'retired', 'revived', 'sold', 'changed')", name=op.f("ck_config_changes_what")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config_changes")),
    )
    op.create_index("ix_config_changes_destination_at", "config_changes", ["destination", "at"])
    op.create_table(
        "stray_outcomes",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("person_id", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("destination", "card_id", "kind", "at", name=op.f("pk_stray_outcomes")),
    )
    op.create_index("ix_stray_outcomes_seen_at", "stray_outcomes", ["seen_at"])
