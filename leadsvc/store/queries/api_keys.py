"""Statements about credentials: live ones for checking, all for listing, and the changes an operator makes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from leadsvc.ids import uuid7
from leadsvc.store.tables import audit, credentials


def live(connection: Connection) -> Sequence[Row[Any]]:
    """Every credential that is not revoked, oldest first."""
    return connection.execute(
        select(credentials)
        .where(credentials.c.revoked_at.is_(None))
        .order_by(credentials.c.created_at, credentials.c.id)
    ).all()


def everything(connection: Connection) -> Sequence[Row[Any]]:
    """Every credential ever made, by feed and age."""
    return connection.execute(select(credentials).order_by(credentials.c.feed, credentials.c.created_at)).all()


def by_prefix(connection: Connection, prefix: str) -> Row[Any] | None:
    """The live credential shown with ``prefix``."""
    return connection.execute(
        select(credentials).where(credentials.c.prefix == prefix, credentials.c.revoked_at.is_(None))
    ).one_or_none()


def twins(connection: Connection, like: Row[Any]) -> int:
    """How many live credentials do the same job as ``like`` (itself included): two while one replaces the other."""
    same = and_(
        *(credentials.c[name].is_not_distinct_from(getattr(like, name)) for name in ("feed", "kind", "scope", "label"))
    )
    return len(connection.execute(select(credentials.c.id).where(same, credentials.c.revoked_at.is_(None))).all())


def add(connection: Connection, row: Mapping[str, Any], at: datetime, actor: str) -> None:
    """Keep a credential made by :func:`leadsvc.security.issue`, and say so in the audit log."""
    connection.execute(insert(credentials).values(created_at=at, **row))
    note(connection, at, actor, "credential.create", row["prefix"], {"feed": row["feed"], "kind": row["kind"]})


def revoke(connection: Connection, identity: uuid.UUID, prefix: str, at: datetime, actor: str) -> None:
    """End a credential; whoever holds it is refused once the processes have looked again (5 s at most)."""
    connection.execute(update(credentials).where(credentials.c.id == identity).values(revoked_at=at))
    note(connection, at, actor, "credential.revoke", prefix, {})


def note(
    connection: Connection, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """One audit row about a credential."""
    connection.execute(
        insert(audit).values(
            id=uuid7(), at=at, actor=actor, action=action, subject_kind="credential", subject=subject, detail=detail
        )
    )
