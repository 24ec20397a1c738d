"""The tray: receipts that no lead was made of, by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from leadsvc.store.queries import paging
from leadsvc.store.tables import receipts

STATES = ("not_lead", "quarantined")
# Where the headers of a mail that name its sender are.
_HEAD = 16_384


@dataclass(frozen=True, slots=True)
class TrayRow:
    """One receipt; ``head`` are its first bytes, of which a page shows the sender's domain and nothing else."""

    id: UUID
    received_at: datetime
    feed: str
    channel: str
    state: str
    cause: str
    detail: str
    head: bytes


@dataclass(frozen=True, slots=True)
class TrayPage:
    """``counts`` are all receipts in the tray by class; ``before`` is the cursor of the next page."""

    rows: Sequence[TrayRow]
    counts: Mapping[str, int]
    before: str | None


def list_tray(
    connection: Connection, *, cause: str | None = None, before: str | None = None, limit: int = 50
) -> TrayPage:
    """What is in the tray, newest first, in two statements. Raises :class:`leadsvc.errors.Reject` for a cursor that is
    none."""
    own = receipts.c
    head = func.substr(own.body, 1, _HEAD).label("head")
    columns = (own.id, own.received_at, own.feed, own.channel, own.state, own.cause, own.detail, head)
    statement = select(*columns).where(own.state.in_(STATES)).order_by(own.received_at.desc(), own.id.desc())
    if cause:
        statement = statement.where(own.cause == cause)
    if before:
        statement = statement.where(paging.older(own.received_at, own.id, before))
    rows = [TrayRow(*row[:-1], head=bytes(row[-1] or b"")) for row in connection.execute(statement.limit(limit + 1))]
    counted = select(own.cause, func.count()).where(own.state.in_(STATES)).group_by(own.cause).order_by(own.cause)
    shown = rows[:limit]
    return TrayPage(
        shown,
        {row[0]: row[1] for row in connection.execute(counted)},
        paging.encode(shown[-1].received_at, shown[-1].id) if len(rows) > limit else None,
    )
