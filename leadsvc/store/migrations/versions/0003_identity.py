"""the identity resolver: traces and keys of inquiries, verdicts, the queue of re-openings, models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadsvc.store.types import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _traces()
    op.add_column("destinations", sa.Column("outcomes_cursor", sa.Text(), server_default="", nullable=False))
    op.add_column("destinations", sa.Column("outcomes_at", UtcDateTime(), nullable=True))
    op.create_table(
        "match_verdicts",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('same', 'apart')", name=op.f("ck_match_verdicts_verdict")),
        sa.PrimaryKeyConstraint("inquiry_id", "other_id", "decision_id", name=op.f("pk_match_verdicts")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_match_verdicts_decision_id", "match_verdicts", ["decision_id"])
    _old_verdicts()
    op.create_table(
        "reopenings",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "why IN ('lead', 'revision', 'value', 'key', 'verdict', 'traced', 'model')",
            name=op.f("ck_reopenings_why"),
        ),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_reopenings")),
    )
    op.create_index("ix_reopenings_failures_asked_at", "reopenings", ["failures", "asked_at"])
    op.create_table(
        "identity_models",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("content", Json, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_identity_models")),
    )
    active = sa.text("active")
    op.create_index(
        "uq_identity_models_active",
        "identity_models",
        ["active"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )


def _traces() -> None:
    """Inquiries that are there already are traced and settled by the sweep, a batch at a time: they may be many."""
    op.add_column("inquiries", sa.Column("trace", Json, server_default=sa.text("'[]'"), nullable=False))
    op.add_column("inquiries", sa.Column("unsettled", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    unsettled = sa.text("unsettled")
    op.create_index("ix_inquiries_unsettled", "inquiries", ["id"], sqlite_where=unsettled, postgresql_where=unsettled)
    op.create_table(
        "match_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("key", "inquiry_id", name=op.f("pk_match_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_match_keys_inquiry_id", "match_keys", ["inquiry_id"])
    op.add_column("identifiers", sa.Column("marks", Json, server_default=sa.text("'[]'"), nullable=False))


def _old_verdicts() -> None:
    """What people said before, of the first inquiry that came to either prospect."""
    op.execute(
        """
        INSERT INTO match_verdicts (inquiry_id, other_id, decision_id, verdict)
        SELECT one.id, other.id, d.id, CASE WHEN d.kind = 'merge' THEN 'same' ELSE 'apart' END
        FROM match_decisions d
        JOIN inquiries one ON one.id = (
          SELECT q.id FROM inquiries q WHERE q.prospect_id = d.prospect_id ORDER BY q.received_at, q.id LIMIT 1)
        JOIN inquiries other ON other.id = (
          SELECT q.id FROM inquiries q WHERE q.prospect_id = d.other_prospect_id ORDER BY q.received_at, q.id LIMIT 1)
        LEFT JOIN match_decisions taken_back ON taken_back.id = d.undoes
        WHERE (d.kind = 'merge' AND d.decided_by <> 'rules'
               AND NOT EXISTS (SELECT 1 FROM match_decisions u WHERE u.undoes = d.id))
           OR d.kind = 'keep_apart'
           OR (d.kind = 'unmerge' AND taken_back.decided_by = 'rules')
        """
    )
    op.execute(
        "INSERT INTO match_verdicts (inquiry_id, other_id, decision_id, verdict)"
        " SELECT other_id, inquiry_id, decision_id, verdict FROM match_verdicts"
    )
