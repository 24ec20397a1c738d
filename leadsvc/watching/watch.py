"""Looks at every feed once a minute: counts what came, judges it, opens and closes exceptions of the kind ``drift``."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from leadsvc.config import Feed, Settings
from leadsvc.drift import NO_RHYTHM, Cause, Condition, Rhythm, Stream, all_silent, learn
from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.ids import digest_uuid, uuid7
from leadsvc.logs import logger
from leadsvc.store import Store
from leadsvc.store.tables import exceptions, feed_hours, feed_watch
from leadsvc.watching.counting import BATCH, count, save
from leadsvc.watching.sentences import NOTHING, sentence

log = logger("watch")

Key = tuple[str, str]

_EVERY_SWEEPS = 12
_BATCHES = 5
_HORIZON = timedelta(weeks=12)
_DAY = timedelta(days=1)
_RECENT = timedelta(days=35)
_RELEARN, _RELEARN_NEW = timedelta(hours=20), timedelta(hours=1)
_SURE = 40.0
_WORTH_A_LOOK = 1.5
_EVERYTHING = ("*", "")


def drift_id(feed: str, map_id: str) -> uuid.UUID:
    """The subject of a feed's drift exception: one open alert a stream."""
    return digest_uuid("drift", feed, map_id)


@dataclass(frozen=True, slots=True)
class _Watched:
    row: RowMapping
    stream: Stream


class Watch:
    """Any process may run it at any time; of two that look at once one has an effect."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self._every = timedelta(seconds=settings.sweep_s * _EVERY_SWEEPS)
        self._next: datetime | None = None

    def round_if_due(self) -> int:
        """A round, unless one was made within the last dozen sweeps."""
        now = self.clock()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + self._every
        try:
            return self.round()
        except Conflict:
            return 0  # another process looks at the feeds; so does this one next time

    def round(self) -> int:
        """Count everything that came and judge every stream; returns how many exceptions were opened."""
        now = self.clock()
        known = {feed.name for feed in self.settings.feeds.values() if self._count(feed, now)}
        if len(known) < len(self.settings.feeds):
            self._next = now  # the rest at the next sweep; deliveries do not wait for statistics
        with self.store.write(Commit.WATCH) as connection:
            return _Judge(connection, known, now, complete=len(known) == len(self.settings.feeds)).run()

    def _count(self, feed: Feed, now: datetime) -> bool:
        """Count a bounded number of receipts; says whether nothing is left. A feed that is counted in part is not
        judged: its last lead is not known yet."""
        for _ in range(_BATCHES):
            with self.store.write(Commit.WATCH) as connection:
                if count(connection, feed, now) < BATCH // 2:
                    return True
        return False


class _Judge:
    """One look at all streams, in one transaction."""

    def __init__(self, connection: Connection, feeds: set[str], now: datetime, *, complete: bool) -> None:
        self.connection, self.now, self.complete = connection, now, complete
        rows = connection.execute(select(feed_watch).where(feed_watch.c.map_id != "")).mappings().all()
        self.watched: dict[Key, _Watched] = {
            (row["feed"], row["map_id"]): _Watched(row, Stream.of(row["memory"]))
            for row in rows
            if row["feed"] in feeds
        }
        self.open: dict[uuid.UUID, Any] = {
            row.subject_id: row
            for row in connection.execute(
                select(exceptions.c.subject_id, exceptions.c.cause, exceptions.c.detail).where(
                    exceptions.c.kind == "drift", exceptions.c.resolved_at.is_(None)
                )
            )
        }
        self.opened = 0

    def run(self) -> int:
        relearned = self._learn()
        everything = _sum(each.stream.rhythm for each in self.watched.values())
        came = self._came()
        silent_all = self._nothing_arrives(everything)
        for key, watched in self.watched.items():
            condition = self._condition(key, watched, everything, came)
            if silent_all and condition.cause in (Cause.SOURCE_DOWN, Cause.MARKET_QUIET):
                condition = Condition("late", Cause.NOTHING_ARRIVES, expected=condition.expected)
            self._keep(key, watched, condition, learned=key in relearned)
        return self.opened

    # -- what is usual ------------------------------------------------------------------------------------------------

    def _learn(self) -> set[Key]:
        due = {key for key, each in self.watched.items() if self._is_due(each)}
        if not due:
            return due
        since = self.now - _HORIZON
        hours: dict[Key, dict[datetime, int]] = defaultdict(dict)
        total: dict[datetime, int] = defaultdict(int)
        asked = select(feed_hours.c.feed, feed_hours.c.map_id, feed_hours.c.hour, feed_hours.c.receipts)
        for feed, map_id, hour, number in self.connection.execute(asked.where(feed_hours.c.hour >= since)):
            hours[feed, map_id][hour] = number
            total[hour] += number
        usual = _sum(each.stream.rhythm for each in self.watched.values())
        for key in due:
            each = self.watched[key]
            first = max(since, each.row["first_at"] or self.now)
            each.stream.rhythm = learn(hours[key], first, self.now, _busy(total, usual, first, self.now))
        return due

    def _is_due(self, watched: _Watched) -> bool:
        """Once a day, sooner while little is known; never while it is silent, which is not how it usually is."""
        row = watched.row
        if row["state"] == "silent" or row["first_at"] is None:
            return False
        pause = _RELEARN if watched.stream.rhythm.weight >= _SURE else _RELEARN_NEW
        learned = row["memory"].get("learned_at")
        return learned is None or self.now - datetime.fromisoformat(learned) >= pause

    # -- how it is ----------------------------------------------------------------------------------------------------

    def _came(self) -> list[tuple[Key, datetime, int]]:
        asked = select(feed_hours.c.feed, feed_hours.c.map_id, feed_hours.c.hour, feed_hours.c.receipts)
        recent = asked.where(feed_hours.c.hour >= self.now - _RECENT, feed_hours.c.receipts > 0)
        found = [((row.feed, row.map_id), row.hour, row.receipts) for row in self.connection.execute(recent)]
        return [each for each in found if each[0] in self.watched]

    def _condition(
        self, key: Key, watched: _Watched, everything: Rhythm, came: list[tuple[Key, datetime, int]]
    ) -> Condition:
        stream, last = watched.stream, watched.stream.last_at
        if last is None:
            return stream.condition(self.now, ())
        if stream.rhythm.expected(last, self.now) < _WORTH_A_LOOK:
            return stream.condition(self.now, ())
        siblings = [self._siblings(key, since, everything, came) for since in (last, self.now - _DAY)]
        return stream.condition(self.now, siblings, self._usual_unread(key[0], last))

    def _siblings(
        self, key: Key, since: datetime, everything: Rhythm, came: list[tuple[Key, datetime, int]]
    ) -> tuple[float, float]:
        """What the others brought since then, and were expected to; those known to be down are left out."""
        since = max(since, self.now - _RECENT).replace(minute=0, second=0, microsecond=0)
        out = {other for other, each in self.watched.items() if each.row["state"] == "silent"} | {key}
        brought = sum(number for other, hour, number in came if hour >= since and other not in out)
        due = everything.expected(since, self.now)
        due -= sum(self.watched[other].stream.rhythm.expected(since, self.now) for other in out)
        return float(brought), max(due, 0.0)

    def _usual_unread(self, feed: str, last: datetime) -> float:
        """Payloads that nobody could read and that this feed would have sent since then, going by the weeks before."""
        since = last - timedelta(weeks=8)
        mine = (feed_hours.c.feed == feed) & (feed_hours.c.map_id == "")
        period = feed_hours.c.hour.between(since, last - timedelta(hours=1))
        asked = select(func.sum(feed_hours.c.unread)).where(mine, period)
        return float(self.connection.execute(asked).scalar() or 0) * ((self.now - last) / (last - since))

    def _nothing_arrives(self, everything: Rhythm) -> bool:
        """Every feed silent at once is no coincidence: our own door, our own mailbox, our own network."""
        times = [each.stream.last_at for each in self.watched.values() if each.stream.last_at is not None]
        if len(times) < 2 or not self.complete:
            return False
        expected = everything.expected(max(times), self.now)
        silent = all_silent(expected)
        detail = sentence(_EVERYTHING, Condition("silent", Cause.NOTHING_ARRIVES, expected=expected), max(times), "")
        self._exception(_EVERYTHING, Cause.NOTHING_ARRIVES if silent else None, detail, muted=False)
        return silent

    # -- what follows -------------------------------------------------------------------------------------------------

    def _keep(self, key: Key, watched: _Watched, condition: Condition, *, learned: bool) -> None:
        row, stream = watched.row, watched.stream
        cause = condition.cause.value if condition.cause else ""
        detail = sentence(key, condition, stream.last_at, stream.last_good) if cause else NOTHING
        muted = row["muted_until"] is not None and row["muted_until"] > self.now
        self._exception(key, condition.cause if condition.alarm else None, detail, muted=muted)
        same = (row["state"], row["cause"]) == (condition.state, cause)
        if same and not learned and not cause:
            return
        values: dict[str, Any] = {
            "state": condition.state,
            "cause": cause,
            "detail": detail,
            "since": row["since"] if same and row["since"] else self.now,
            "first_bad": uuid.UUID(condition.first_bad) if condition.first_bad else None,
            "expected": condition.expected,
        }
        if not condition.alarm:
            values["acknowledged_at"] = None
        memory = stream.to_json()
        memory["learned_at"] = self.now.isoformat() if learned else row["memory"].get("learned_at")
        save(self.connection, *key, stream, self.now, **values | {"memory": memory})

    def _exception(self, key: Key, cause: Cause | None, detail: str, *, muted: bool) -> None:
        subject = drift_id(*key)
        found = self.open.get(subject)
        mine = (
            (exceptions.c.kind == "drift") & (exceptions.c.subject_id == subject) & exceptions.c.resolved_at.is_(None)
        )
        if found is None and cause is not None and not muted:
            row = {
                "id": uuid7(),
                "kind": "drift",
                "subject_kind": "feed",
                "subject_id": subject,
                "cause": cause.value,
                "detail": detail,
                "opened_at": self.now,
            }
            self.connection.execute(insert(exceptions).values(**row))
            self.opened += 1
            log.warning("feed_drifts", feed=key[0], map=key[1], cause=cause.value)
        elif found is not None and (cause is None or muted):
            word = "muted" if muted and cause else "it is as usual again"
            closed = {"resolved_at": self.now, "resolved_by": "watch", "resolution": word}
            self.connection.execute(update(exceptions).where(mine).values(**closed))
        elif found is not None and cause is not None and found.cause != cause.value:
            self.connection.execute(update(exceptions).where(mine).values(cause=cause.value, detail=detail))


def _sum(rhythms: Any) -> Rhythm:
    known = [each for each in rhythms if each.weight > 0]
    if not known:
        return NO_RHYTHM
    rates = zip(*(each.rates for each in known), strict=True)
    return Rhythm(tuple(sum(row) for row in rates), sum(each.weight for each in known))


_DAMPING = 6.0


def _busy(total: Mapping[datetime, int], usual: Rhythm, since: datetime, until: datetime) -> list[float]:
    """How busy the market was on each whole day, by all feeds together; 1 until enough is known."""
    days = (until - since).days
    came = [0.0] * days
    for hour, number in total.items():
        if hour >= since and (day := (hour - since).days) < days:
            came[day] += number
    if usual.weight < _SURE:
        return [1.0] * days
    due = [usual.expected(since + day * _DAY, since + (day + 1) * _DAY) for day in range(days)]
    return [min(1.0, (one + _DAMPING) / (other + _DAMPING)) for one, other in zip(came, due, strict=True)]
