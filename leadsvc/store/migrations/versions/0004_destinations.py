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
    op.add_column("attempts", sa.Column("calls", sa.Integer(), server_default="0", nullable=False))
