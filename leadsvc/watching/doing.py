"""What a person does about a feed that drifts: look after it, keep it quiet for a while, say that it is right so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from leadsvc.config import Settings
from leadsvc.drift import NO_RHYTHM, Stream
from leadsvc.errors import NotFound
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.store import Store
from leadsvc.store.tables import audit, exceptions, feed_hours, feed_watch
from leadsvc.watching.counting import save
from leadsvc.watching.watch import drift_id

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """One line of the health of feeds. ``day`` and ``usual``: leads of the last 24 hours, and how many were to be
    expected. ``state`` is also ``never``, for a configured feed by which nothing ever came."""

    feed: str
    map_id: str
    state: str
    cause: str
    detail: str
    since: datetime | None
    last_at: datetime | None
    day: int
    usual: float
    muted_until: datetime | None
    acknowledged_at: datetime | None


class Feeds:
    """How the feeds are, and what people do about it."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock

    def health(self) -> list[FeedHealth]:
        """Every stream, and every configured feed that never sent anything; what is wrong comes first."""
        now = self.clock()
        with self.store.read() as connection:
            rows = connection.execute(select(feed_watch).where(feed_watch.c.map_id != "")).mappings().all()
            came = _last_day(connection, now)
        found = [_line(row, came.get((row["feed"], row["map_id"]), 0), now) for row in rows]
        heard = {each.feed for each in found}
        for name, feed in self.settings.feeds.items():
            if name not in heard:
                found.append(FeedHealth(name, feed.map, "never", "", "", None, None, 0, 0.0, None, None))
        return sorted(found, key=lambda each: (_ORDER.index(each.state), each.feed, each.map_id))

    def ill(self) -> list[str]:
        """The feeds that fell silent or changed, but for muted ones."""
        wrong = feed_watch.c.state.in_(("silent", "degraded"))
        heard = feed_watch.c.muted_until.is_(None) | (feed_watch.c.muted_until <= self.clock())
        with self.store.read() as connection:
            return sorted(set(connection.execute(select(feed_watch.c.feed).where(wrong, heard)).scalars()))

    def mute(self, feed: str, map_id: str, days: float, actor: str) -> int:
        """Open no exception about this feed (empty ``map_id``: all it sends) for that many days; 0 ends it."""
        until = self.clock() + days * _DAY if days > 0 else None
        return self._change(feed, map_id, actor, "mute", {"muted_until": until, "muted_by": actor if until else ""})

    def acknowledge(self, feed: str, map_id: str, actor: str) -> int:
        """Say that somebody looks after it."""
        return self._change(feed, map_id, actor, "acknowledge", {"acknowledged_at": self.clock()})

    def accept(self, feed: str, map_id: str, actor: str) -> int:
        """What it sends now is right, and usual from now on."""
        return self._change(feed, map_id, actor, "accept", {})

    def _change(self, feed: str, map_id: str, actor: str, action: str, values: dict[str, Any]) -> int:
        now = self.clock()
        with self.store.write(Commit.WATCH) as connection:
            mine = (feed_watch.c.feed == feed) & (feed_watch.c.map_id != "")
            if map_id:
                mine &= feed_watch.c.map_id == map_id
            rows = connection.execute(select(feed_watch).where(mine)).mappings().all()
            if not rows:
                known = " ".join((feed, map_id)).strip()
                raise NotFound(f"nothing was ever heard of {known}; see `leadsvc drift list`")
            for row in rows:
                if action == "accept":
                    _accept(connection, row, now)
                elif action == "acknowledge":
                    subject = exceptions.c.subject_id == drift_id(row["feed"], row["map_id"])
                    open_ = subject & (exceptions.c.kind == "drift") & exceptions.c.resolved_at.is_(None)
                    connection.execute(update(exceptions).where(open_).values(owner=actor))
            if values:
                connection.execute(update(feed_watch).where(mine).values(**values))
            note = {"id": uuid7(), "at": now, "actor": actor, "action": f"drift_{action}", "subject_kind": "feed"}
            connection.execute(insert(audit).values(**note, subject=feed, detail={"map": map_id}))
            return len(rows)


_ORDER = ("silent", "degraded", "late", "never", "learning", "ok")


def _line(row: RowMapping, came: int, now: datetime) -> FeedHealth:
    kept = Stream.of(row["memory"])
    usual = kept.rhythm.expected(now - _DAY, now) if kept.rhythm is not NO_RHYTHM else 0.0
    muted = row["muted_until"] if row["muted_until"] and row["muted_until"] > now else None
    return FeedHealth(
        row["feed"],
        row["map_id"],
        row["state"],
        row["cause"],
        row["detail"],
        row["since"],
        row["last_at"],
        came,
        usual,
        muted,
        row["acknowledged_at"],
    )


def _last_day(connection: Connection, now: datetime) -> dict[tuple[str, str], int]:
    since = (now - _DAY).replace(minute=0, second=0, microsecond=0)
    asked = (
        select(feed_hours.c.feed, feed_hours.c.map_id, func.sum(feed_hours.c.leads))
        .where(feed_hours.c.hour >= since)
        .group_by(feed_hours.c.feed, feed_hours.c.map_id)
    )
    return {(feed, map_id): int(leads) for feed, map_id, leads in connection.execute(asked)}


def _accept(connection: Connection, row: RowMapping, now: datetime) -> None:
    stream = Stream.of(row["memory"])
    stream.accept()
    memory = stream.to_json() | {"learned_at": row["memory"].get("learned_at")}
    save(connection, row["feed"], row["map_id"], stream, now, memory=memory)
