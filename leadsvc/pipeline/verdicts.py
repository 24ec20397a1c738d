"""What a person said of two prospects, kept as what it says of their inquiries: prospects come apart and together, and
what was said holds all the same (SPEC §6)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Select, Uuid, delete, exists, insert, literal, select, union_all

from leadsvc.store.tables import inquiries, match_verdicts, reopenings
from leadsvc.store.types import UtcDateTime

if TYPE_CHECKING:
    from leadsvc.pipeline.working import Working

SAME, APART = "same", "apart"

Told = Select[tuple[uuid.UUID]]
"""Ids of inquiries."""

_EACH = 12
"""Inquiries of either side that a verdict is kept for, the oldest: it holds however either turns out to be divided."""


def record(work: Working, decision_id: uuid.UUID, verdict: str, ours: Told, theirs: Told) -> None:
    """Keep, once the rows of ``work`` are written, what a decision says of these inquiries."""
    mine, others = ours.limit(_EACH).subquery(), theirs.limit(_EACH).subquery()
    said = literal(decision_id, Uuid), literal(verdict)
    both = mine.join(others, mine.c.id != others.c.id)
    pairs = union_all(
        select(mine.c.id, others.c.id.label("other"), *said).select_from(both),
        select(others.c.id, mine.c.id.label("other"), *said).select_from(both),
    )
    columns = ["inquiry_id", "other_id", "decision_id", "verdict"]
    work.after(insert(match_verdicts).from_select(columns, pairs))
    ask_again(work, ours, theirs)


def told_by(members: Collection[uuid.UUID], but: Collection[uuid.UUID] = ()) -> Told:
    """The inquiries of these prospects (members, not roots only), the oldest first, without those in ``but``."""
    mine = inquiries.c.prospect_id.in_(sorted(members)) & inquiries.c.id.not_in(sorted(but))
    return select(inquiries.c.id).where(mine).order_by(inquiries.c.received_at, inquiries.c.id)


def ask_again(work: Working, *told: Told) -> None:
    """Who is who around these inquiries is to be decided again."""
    for each in told:
        first = each.limit(1).subquery()
        row = select(first.c.id, literal("verdict"), literal(work.context.now, UtcDateTime))
        row = row.where(~exists().where(reopenings.c.inquiry_id == first.c.id))
        work.after(insert(reopenings).from_select(["inquiry_id", "why", "asked_at"], row))


def forget(connection: Connection, decision_id: uuid.UUID) -> None:
    """The decision was taken back: what it said is said no longer."""
    connection.execute(delete(match_verdicts).where(match_verdicts.c.decision_id == decision_id))
