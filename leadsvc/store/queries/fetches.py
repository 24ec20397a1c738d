"""What a receipt only names and we have to ask for (leads of Facebook, certificates and subscriptions of SNS), and web
hooks that did not prove who they are from.

A fetch is taken under a lease by a conditional update, so any number of workers may look for due ones.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from leadsvc.ids import digest_uuid, uuid7
from leadsvc.model import Pointer
from leadsvc.store.tables import exceptions, fetches, refusals

KIND_TROUBLE = "stuck"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fetch that is ours until the lease ends."""

    id: uuid.UUID
    feed: str
    kind: str
    ref: str
    receipt_id: uuid.UUID | None
    failures: int
    created_at: datetime


def fetch_row(feed: str, kind: str, ref: str, now: datetime, receipt_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The row of something to be fetched; the same feed, kind and ref are the same fetch."""
    identity = digest_uuid("fetch", feed, kind, ref)
    return {
        "id": identity,
        "feed": feed,
        "kind": kind,
        "ref": ref,
        "receipt_id": receipt_id,
        "due_at": now,
        "created_at": now,
    }


def ask_anew(connection: Connection, row: Mapping[str, Any]) -> None:
    """Ask for ``row``'s thing, also where it came before."""
    anew = {"state": "pending", "done_at": None, "failures": 0, "cause": "", "detail": "", "lease_until": None}
    anew |= {"due_at": row["due_at"], "receipt_id": row["receipt_id"]}
    statement = _insert(connection, fetches).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=anew))


def want(connection: Connection, row: Mapping[str, Any]) -> None:
    """Ask for ``row``'s thing unless it has been asked for."""
    connection.execute(_insert(connection, fetches).values(**row).on_conflict_do_nothing())


def revive(connection: Connection, feed: str, pointers: Sequence[Pointer], now: datetime) -> None:
    """Ask again for what was given up, and at once for what waits."""
    ids = [digest_uuid("fetch", feed, each.kind, each.ref) for each in pointers]
    waits = (fetches.c.state == "gone") | ((fetches.c.state == "pending") & fetches.c.lease_until.is_(None))
    again = {"state": "pending", "done_at": None, "due_at": now, "failures": 0, "cause": "", "detail": ""}
    connection.execute(update(fetches).where(fetches.c.id.in_(ids), waits).values(**again))


def take(connection: Connection, feeds: Sequence[str], now: datetime, limit: int, lease: timedelta) -> list[Wanted]:
    """Take up to ``limit`` due fetches of these feeds; nobody else may have them for the length of ``lease``."""
    free = or_(fetches.c.lease_until.is_(None), fetches.c.lease_until < now)
    due = (
        select(fetches.c.id)
        .where(fetches.c.state == "pending", fetches.c.due_at <= now, fetches.c.feed.in_(feeds), free)
        .order_by(fetches.c.due_at, fetches.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(due).scalars())
    if not ids:
        return []
    taken = connection.execute(
        update(fetches)
        .where(fetches.c.id.in_(ids), fetches.c.state == "pending", free)
        .values(lease_until=now + lease)
        .returning(fetches)
    ).all()
    return [
        Wanted(row.id, row.feed, row.kind, row.ref, row.receipt_id, row.failures, row.created_at)
        for row in sorted(taken, key=lambda row: (row.due_at, row.id))
    ]


def release(connection: Connection, taken: Sequence[Wanted]) -> None:
    """Give back what was taken and not asked for."""
    mine = fetches.c.id.in_([each.id for each in taken]) & (fetches.c.state == "pending")
    connection.execute(update(fetches).where(mine).values(lease_until=None))


def done(connection: Connection, wanted: Wanted, now: datetime, **values: object) -> bool:
    """Close a fetch with what came of it; ``False`` when somebody else has closed it."""
    came = {"state": "done", "done_at": now, "lease_until": None, "cause": "", "detail": ""} | values
    mine = update(fetches).where(fetches.c.id == wanted.id, fetches.c.state == "pending")
    return connection.execute(mine.values(**came)).rowcount == 1


def later(connection: Connection, wanted: Wanted, due_at: datetime, cause: str, detail: str, *, failed: bool) -> None:
    """Put a fetch off."""
    values = {"due_at": due_at, "lease_until": None, "cause": cause, "detail": detail}
    mine = update(fetches).where(fetches.c.id == wanted.id, fetches.c.state == "pending")
    connection.execute(mine.values(**values, failures=fetches.c.failures + int(failed)))


def put_off(connection: Connection, feed: str, due_at: datetime, cause: str, detail: str) -> None:
    """Let every waiting fetch of a feed wait at least until ``due_at``: what hinders one hinders all."""
    waiting = (fetches.c.feed == feed) & (fetches.c.state == "pending") & (fetches.c.due_at < due_at)
    values = {"due_at": due_at, "cause": cause, "detail": detail}
    connection.execute(update(fetches).where(waiting).values(**values))


def hasten(connection: Connection, feed: str, now: datetime) -> None:
    """Let what was put off for the feed's sake come now."""
    waiting = (fetches.c.feed == feed) & (fetches.c.state == "pending") & (fetches.c.cause != "")
    connection.execute(update(fetches).where(waiting, fetches.c.lease_until.is_(None)).values(due_at=now, cause=""))


def next_due(connection: Connection) -> datetime | None:
    """When the next fetch falls due."""
    waiting = (fetches.c.state == "pending") & fetches.c.lease_until.is_(None)
    found: datetime | None = connection.execute(select(func.min(fetches.c.due_at)).where(waiting)).scalar()
    return found


def certificate(connection: Connection, url: str) -> str:
    """The PEM text fetched from ``url``, empty when there is none yet."""
    mine = (fetches.c.kind == "sns_certificate") & (fetches.c.ref == url) & (fetches.c.state == "done")
    return connection.execute(select(fetches.c.content).where(mine).limit(1)).scalar() or ""


def overview(connection: Connection) -> Sequence[RowMapping]:
    """Fetches by feed, kind, state and cause, with how many and since when."""
    words = (fetches.c.feed, fetches.c.kind, fetches.c.state, fetches.c.cause)
    counted = select(*words, func.count().label("count"), func.min(fetches.c.created_at).label("since"))
    return connection.execute(counted.group_by(*words).order_by(*words)).mappings().all()


def refused(connection: Connection, feed: str, cause: str, now: datetime) -> None:
    """Count a web hook of ``feed`` that did not prove who it is from."""
    row = {"feed": feed, "cause": cause, "on_day": now.date(), "count": 1, "last_at": now}
    more = {"count": refusals.c.count + 1, "last_at": now}
    statement = _insert(connection, refusals).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=["feed", "cause", "on_day"], set_=more))


def refusals_since(connection: Connection, since: date) -> Sequence[RowMapping]:
    """Refused web hooks by feed and cause."""
    words = (refusals.c.feed, refusals.c.cause)
    counted = select(*words, func.sum(refusals.c.count).label("count"), func.max(refusals.c.last_at).label("last_at"))
    recent = counted.where(refusals.c.on_day >= since).group_by(*words).order_by(*words)
    return connection.execute(recent).mappings().all()


def trouble(
    connection: Connection, subject_kind: str, subject_id: uuid.UUID, cause: str, detail: str, now: datetime
) -> None:
    """Open an exception, unless the same is open already."""
    row = {"id": uuid7(), "kind": KIND_TROUBLE, "subject_kind": subject_kind, "subject_id": subject_id}
    statement = _insert(connection, exceptions).values(**row, cause=cause, detail=detail, opened_at=now)
    connection.execute(statement.on_conflict_do_nothing())


def solved(connection: Connection, subject_id: uuid.UUID, resolution: str, by: str, now: datetime) -> None:
    """Close what :func:`trouble` opened."""
    mine = (exceptions.c.subject_id == subject_id) & exceptions.c.resolved_at.is_(None)
    closed = {"resolved_at": now, "resolved_by": by, "resolution": resolution}
    connection.execute(update(exceptions).where(mine).values(**closed))


def hook_trouble(feed: str) -> uuid.UUID:
    """The subject of exceptions about a feed's signatures."""
    return digest_uuid("hook", feed)


def feed_trouble(feed: str) -> uuid.UUID:
    """The subject of exceptions about what hinders a feed's fetches."""
    return digest_uuid("fetches", feed)


def _insert(connection: Connection, table: Any) -> Any:  # the two dialects' inserts have no common type
    return (pg_insert if connection.dialect.name == "postgresql" else sqlite_insert)(table)
