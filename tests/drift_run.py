"""``python -m tests.drift_run``: a quarter of 40 simulated feeds with cuts, changed layouts and quiet weeks.

Arrivals are Poisson with each feed's own week (closed nights, weekends, a lunch dip) at 0.2 to 200 a day, after eight
weeks in which they are learned. Nothing of the detectors is known here but :class:`leadsvc.drift.Stream`, which is
driven as the service drives it: leads as they come, a look at every stream each ten minutes, rhythms learned anew every
night.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

from rich.console import Console
from rich.table import Table

from leadsvc.drift import Cause, Rhythm, Stream, learn
from leadsvc.drift.rhythm import hour_of_week

START = datetime(2026, 1, 5, tzinfo=UTC)
LEARNING = timedelta(weeks=8)
QUARTER = timedelta(days=91)
LOOK = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
FIELDS = {"name": 0.98, "email": 0.93, "phone": 0.8, "property": 0.995, "message": 0.75, "move_in": 0.6, "pets": 0.2}


@dataclass(frozen=True)
class Event:
    """Something seeded: ``kind`` cut, lost_field, unread, invalid or quiet; ``feed`` -1 is all of them."""

    kind: str
    feed: int
    start: datetime
    end: datetime


@dataclass
class Feed:
    """A simulated sender: ``rates`` an hour by hour of the week, ``mixed``: it shares a mailbox with others."""

    number: int
    rates: list[float]
    fields: dict[str, float]
    mixed: bool

    def rate(self, at: datetime) -> float:
        return self.rates[hour_of_week(at)]


@dataclass
class Outcome:
    """What a run came to. ``delays``: per cut hours until the alarm, arrivals missed, the longest usual gap in hours,
    hours until it was shown as late, and by how much that was later than two expected gaps and an hour."""

    delays: list[tuple[float, ...]] = field(default_factory=list)
    layout_delays: list[int] = field(default_factory=list)
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)
    false_alarms: int = 0
    quiet_alarms: int = 0
    feed_quarters: float = 0.0

    def told_right(self) -> tuple[int, int]:
        """How many alarms named the right cause, of all there were, those of quiet weeks included."""
        right = sum(count for (kind, cause), count in self.causes.items() if _RIGHT.get(kind) == cause)
        return right, sum(count for (_, cause), count in self.causes.items() if cause != "none yet")


def feeds(rng: random.Random, count: int) -> list[Feed]:
    made = []
    for number in range(count):
        daily = 0.2 * 1000 ** (number / max(count - 1, 1))
        opens, closes = rng.randint(6, 10), rng.randint(18, 23)
        weekend, night, lunch = rng.uniform(0.3, 1.2), rng.uniform(0.02, 0.2), rng.uniform(0.6, 1.0)
        shape = [
            (weekend if hour >= 120 else 1.0)
            * (night if not opens <= hour % 24 < closes else lunch if hour % 24 == 12 else 1.0)
            for hour in range(168)
        ]
        scale = daily * 7 / sum(shape)
        fill = {name: min(0.999, max(0.02, rng.gauss(share, 0.05))) for name, share in FIELDS.items()}
        made.append(Feed(number, [each * scale for each in shape], fill, mixed=number % 3 == 0))
    return made


def events(rng: random.Random, count: int, begins: datetime) -> list[Event]:
    """A quiet week and two holidays for all, then one thing to about half of the feeds each."""
    quiet = begins + timedelta(days=rng.randint(20, 70))
    found = [Event("quiet", -1, quiet, quiet + timedelta(days=7))]
    for day in rng.sample(range(91), 2):
        found.append(Event("quiet", -1, begins + timedelta(days=day), begins + timedelta(days=day + 1)))
    struck = rng.sample(range(count), count * 6 // 10)
    for place, number in enumerate(struck):
        start = begins + timedelta(days=rng.uniform(5, 45))
        kind = ("cut", "lost_field", "unread", "cut", "invalid")[place % 5]
        found.append(Event(kind, number, start, begins + QUARTER))
    return found


def busy(all_events: Sequence[Event], at: datetime) -> float:
    return 0.35 if any(each.kind == "quiet" and each.start <= at < each.end for each in all_events) else 1.0


def struck(all_events: Sequence[Event], feed: int, at: datetime) -> str:
    return next((each.kind for each in all_events if each.feed == feed and each.start <= at < each.end), "")


def arrivals(rng: random.Random, feed: Feed, all_events: Sequence[Event], until: datetime) -> Iterator[datetime]:
    """By thinning: a process with a changing rate."""
    top, at = max(feed.rates), START
    while True:
        at += _HOUR * rng.expovariate(top)
        if at >= until:
            return
        if rng.random() * top < feed.rate(at) * busy(all_events, at) and struck(all_events, feed.number, at) != "cut":
            yield at


class Run:
    """One quarter."""

    def __init__(self, seed: int, count: int) -> None:
        self.rng = random.Random(seed)
        self.begins = START + LEARNING
        self.until = self.begins + QUARTER
        self.feeds = feeds(self.rng, count)
        self.events = events(self.rng, count, self.begins)
        self.streams = [Stream() for _ in self.feeds]
        self.hours: list[Counter[datetime]] = [Counter() for _ in self.feeds]
        self.total: Counter[datetime] = Counter()
        hours = int((self.until - START) / _HOUR) + 2
        self.by_hour = [[0] * hours for _ in self.feeds]
        self.all_by_hour = [0] * hours
        self.all = self.streams[0].rhythm
        self.alarmed: dict[int, Cause] = {}
        self.late: dict[int, datetime] = {}
        self.outcome = Outcome(feed_quarters=float(count))
        self.leads: Counter[int] = Counter()
        self.done: set[int] = set()

    def run(self) -> Outcome:
        queue = sorted(
            (at, feed.number) for feed in self.feeds for at in arrivals(self.rng, feed, self.events, self.until)
        )
        place, now = 0, START
        while now < self.until:
            now += LOOK
            while place < len(queue) and queue[place][0] <= now:
                self._arrive(*queue[place])
                place += 1
            if now.hour == 3 and now.minute == 0 and now >= START + timedelta(weeks=2):
                self._learn(now)
            if now >= self.begins:
                self._look(now)
        self._missed()
        return self.outcome

    def _arrive(self, at: datetime, number: int) -> None:
        feed, stream, kind = self.feeds[number], self.streams[number], struck(self.events, number, at)
        hour = at.replace(minute=0, second=0, microsecond=0)
        receipt = f"{number}-{at.isoformat()}"
        if kind:
            self.leads[number] += 1
        if kind == "unread":
            stream.perhaps(receipt) if feed.mixed else stream.unreadable(at, receipt)
            if not feed.mixed:
                self._count(number, hour)
            return
        self._count(number, hour)
        told = {name: self.rng.random() < share for name, share in feed.fields.items()}
        told["!doubtful"] = self.rng.random() < (0.9 if kind == "invalid" else 0.03)
        if kind == "lost_field":
            told["phone"] = told["message"] = False
        stream.lead(at, receipt, told, ())

    def _count(self, number: int, hour: datetime) -> None:
        self.hours[number][hour] += 1
        self.total[hour] += 1
        place = int((hour - START) / _HOUR)
        self.by_hour[number][place] += 1
        self.all_by_hour[place] += 1

    def _learn(self, now: datetime) -> None:
        since = max(START, now - timedelta(weeks=12))
        days = (now - since).days
        expected = [self.all.expected(since + timedelta(days=n), since + timedelta(days=n + 1)) for n in range(days)]
        came = [0.0] * days
        for hour, count in self.total.items():
            if since <= hour and (n := (hour - since).days) < days:
                came[n] += count
        quiet = [min(1.0, (c + 6) / (e + 6)) if e else 1.0 for c, e in zip(came, expected, strict=True)]
        for number, stream in enumerate(self.streams):
            if number not in self.alarmed:
                stream.rhythm = learn(self.hours[number], since, now, quiet)
        rates = zip(*(each.rhythm.rates for each in self.streams), strict=True)
        self.all = Rhythm(tuple(sum(row) for row in rates), sum(each.rhythm.weight for each in self.streams))

    def _siblings(self, number: int, since: datetime, now: datetime) -> tuple[float, float]:
        since = since.replace(minute=0, second=0, microsecond=0)
        place = int((since - START) / _HOUR)
        came = sum(self.all_by_hour[place:]) - sum(self.by_hour[number][place:])
        due = self.all.expected(since, now) - self.streams[number].rhythm.expected(since, now)
        for other, cause in self.alarmed.items():
            if other != number and cause is Cause.SOURCE_DOWN:
                due -= self.streams[other].rhythm.expected(since, now)
        return float(came), max(due, 0.0)

    def _look(self, now: datetime) -> None:
        for number, stream in enumerate(self.streams):
            if stream.last_at is None or number in self.done:
                continue
            if stream.rhythm.expected(stream.last_at, now) < 1.5 and not stream.shares.alarmed:
                self._settle(number, None, now)
                continue
            times = (stream.last_at, now - timedelta(days=1))
            condition = stream.condition(now, [self._siblings(number, since, now) for since in times])
            if condition.state in ("late", "silent"):
                self.late.setdefault(number, now)
            self._settle(number, condition.cause if condition.alarm else None, now)

    def _settle(self, number: int, cause: Cause | None, now: datetime) -> None:
        if cause is None:
            self.alarmed.pop(number, None)
            last = self.streams[number].last_at
            if last is not None and now - last < LOOK:
                self.late.pop(number, None)
            return
        if self.alarmed.get(number) is cause:
            return
        self.alarmed[number] = cause
        event = next((each for each in self.events if each.feed == number and each.start <= now), None)
        if event is None:
            self.outcome.false_alarms += 1
            if busy(self.events, now) < 1:
                self.outcome.quiet_alarms += 1
                self.outcome.causes["quiet", cause] += 1
            return
        self.outcome.causes[event.kind, cause] += 1
        self.done.add(number)
        if event.kind == "cut":
            self._delay(number, event, now)
        else:
            self.outcome.layout_delays.append(self.leads[number])

    def _delay(self, number: int, event: Event, now: datetime) -> None:
        feed, stream = self.feeds[number], self.streams[number]
        last = stream.last_at
        assert last is not None
        true = Rhythm(tuple(feed.rates), math.inf)
        usual = math.log(max(true.weekly * 13, 2.0))
        longest = _until(true, last, usual)
        shown = (self.late.get(number, now) - last) / _HOUR
        bound = _until(stream.rhythm, last, 2.0) + 1.0
        hours = (now - last) / _HOUR
        self.outcome.delays.append((hours, true.expected(last, now), longest, shown, shown - bound))

    def _missed(self) -> None:
        for event in self.events:
            if event.feed >= 0 and event.feed not in self.done:
                self.outcome.causes[event.kind, "none yet"] += 1


def _until(rhythm: Rhythm, since: datetime, arrivals_due: float) -> float:
    """Hours from ``since`` until that many arrivals were due."""
    at = since
    while rhythm.expected(since, at) < arrivals_due:
        at += LOOK if rhythm.weekly > 20 else _HOUR * 4
    return (at - since) / _HOUR


def main() -> int:
    """Run the seeds and print the figures."""
    parser = argparse.ArgumentParser(description="A simulated quarter of feeds: delays, false alarms, causes.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--feeds", type=int, default=40)
    chosen = parser.parse_args()
    runs = [Run(chosen.first + number, chosen.feeds).run() for number in range(chosen.seeds)]
    show(runs, Console(width=140))
    return 0


def show(runs: Sequence[Outcome], console: Console) -> None:
    cuts = [each for run in runs for each in run.delays]
    quarters = sum(run.feed_quarters for run in runs)
    causes: Counter[tuple[str, str]] = Counter()
    for run in runs:
        causes.update(run.causes)
    table = Table("figure", "value", title=f"Drift: {len(runs)} quarters of simulated feeds")
    table.add_row("false alarms a feed and quarter", f"{sum(run.false_alarms for run in runs) / quarters:.3f}")
    table.add_row("… of them in quiet weeks and holidays", str(sum(run.quiet_alarms for run in runs)))
    table.add_row("arrivals missed until the alarm, median / most", _two([each[1] for each in cuts]))
    table.add_row("hours until the alarm, median / most", _two([each[0] for each in cuts]))
    table.add_row("hours until shown as late, median / most", _two([each[3] for each in cuts]))
    table.add_row("shown as late within 2 expected gaps + 1 h", _within(cuts, lambda row: row[4] <= LOOK / _HOUR))
    table.add_row("alarm within 2 expected gaps + 1 h", _within(cuts, lambda row: row[0] - row[3] <= LOOK / _HOUR))
    table.add_row("alarm within 2 longest usual gaps + 1 h", _within(cuts, lambda row: row[0] <= 2 * row[2] + 1))
    told_after = [each for run in runs for each in run.layout_delays]
    table.add_row("leads until a changed layout is told, median / most", _two(told_after))
    pairs = [run.told_right() for run in runs]
    right, told = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    table.add_row("causes told right", f"{right}/{told} = {right / max(told, 1):.1%}")
    console.print(table)
    confusion = Table("what happened", *_COLUMNS, title="Causes")
    for kind in ("cut", "unread", "lost_field", "invalid", "quiet"):
        confusion.add_row(kind, *(str(causes[kind, column]) for column in _COLUMNS))
    console.print(confusion)


_COLUMNS = (Cause.SOURCE_DOWN.value, Cause.LAYOUT_CHANGED.value, "none yet")
_RIGHT = {"cut": "source_down", "unread": "layout_changed", "lost_field": "layout_changed", "invalid": "layout_changed"}


def _two(values: Sequence[float]) -> str:
    return f"{median(values):.1f} / {max(values):.1f}" if values else "-"


def _within(rows: Sequence[tuple[float, ...]], holds: object) -> str:
    assert callable(holds)
    good = sum(bool(holds(row)) for row in rows)
    return f"{good}/{len(rows)}"


if __name__ == "__main__":
    sys.exit(main())
