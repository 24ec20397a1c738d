"""The audit log, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from leadsvc.store.queries import paging
from leadsvc.store.queries.shapes import Json
from leadsvc.store.tables import audit


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did or saw what. ``detail`` holds keys and ids."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject: str
    detail: Json


@dataclass(frozen=True, slots=True)
class AuditPage:
    """``before`` is the cursor of the next page, ``None`` on the last one."""

    rows: Sequence[AuditRow]
    before: str | None


def list_audit(
    connection: Connection, *, actor: str = "", subject: str = "", before: str | None = None, limit: int = 100
) -> AuditPage:
    """Audit rows of everyone or one actor, about anything or one subject. Raises :class:`leadsvc.errors.Reject` for a
    cursor that is none."""
    own = audit.c
    statement = select(*(own[name] for name in AuditRow.__dataclass_fields__))
    statement = statement.order_by(own.at.desc(), own.id.desc()).limit(limit + 1)
    if actor:
        statement = statement.where(own.actor == actor)
    if subject:
        statement = statement.where(own.subject == subject)
    if before:
        statement = statement.where(paging.older(own.at, own.id, before))
    rows = [AuditRow(*row) for row in connection.execute(statement)]
    more = len(rows) > limit
    shown = rows[:limit]
    return AuditPage(shown, paging.encode(shown[-1].at, shown[-1].id) if more else None)
