"""Business time of a property: when is a follow-up due, and how long did an answer take, counting open hours only.

Office hours are written as ``{"mon-fri": "09:00-18:00", "sat": "10:00-12:00, 13:00-17:00", "sun": "closed"}`` in the
property's local time. Days that are not named are closed; no hours at all means that time never stops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, pairwise, takewhile

from leadsvc.errors import ConfigurationError
from leadsvc.normalize.zones import local_day, parse_local, to_utc

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY_MINUTES = 24 * 60

# For each weekday from Monday: (open, close) in minutes after local midnight, in order, not overlapping.
Week = tuple[tuple[tuple[int, int], ...], ...]


def parse_office_hours(office_hours: Mapping[str, str]) -> Week | None:
    """The week that ``office_hours`` describe; ``None`` when they are empty, which means always open.

    :class:`ConfigurationError` names the entry that cannot be read, or says that the week has no open time.
    """
    return _week(tuple(sorted(office_hours.items())))


def due_in_business_hours(start: datetime, minutes: int, zone: str, office_hours: Mapping[str, str]) -> datetime:
    """The instant (UTC) at which ``minutes`` of open time have passed since the aware instant ``start``.

    ``0`` gives ``start`` itself when open, else the next opening; time that runs out at closing is due at closing.
    ValueError for negative ``minutes``.
    """
    if minutes < 0:
        raise ValueError("minutes until due must not be negative")
    start, week, left = to_utc(start), parse_office_hours(office_hours), timedelta(minutes=minutes)
    if week is None:
        return start + left
    for opens, closes in _open_spans(start, zone, week):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    raise OverflowError("the due time lies beyond the calendar")


def business_seconds_between(start: datetime, end: datetime, zone: str, office_hours: Mapping[str, str]) -> int:
    """Whole seconds of open time from ``start`` to ``end`` (aware instants); 0 when ``end`` is not after ``start``."""
    week = parse_office_hours(office_hours)
    if week is None:
        return max(0, int((end - start).total_seconds()))
    total = timedelta()
    for opens, closes in takewhile(lambda span: span[0] < end, _open_spans(start, zone, week)):
        total += min(closes, end) - opens
    return int(total.total_seconds())


def business_minutes_between(start: datetime, end: datetime, zone: str, office_hours: Mapping[str, str]) -> int:
    """Whole minutes of open time from ``start`` to ``end`` (aware instants); 0 when ``end`` is not after ``start``."""
    return business_seconds_between(start, end, zone, office_hours) // 60


def _open_spans(start: datetime, zone: str, week: Week) -> Iterator[tuple[datetime, datetime]]:
    """Open spans from ``start`` on, in order and apart, as UTC instants, until the calendar ends.

    Opening and closing are wall-clock times turned into instants one by one, so a day on which the clock changes is
    as long as it really was.
    """
    first, closed_since = local_day(start, zone).toordinal(), start
    for ordinal in takewhile(lambda number: number < date.max.toordinal(), count(first)):
        day = date.fromordinal(ordinal)
        for opens, closes in week[day.weekday()]:
            # A span moved on by a skipped hour may reach into the next one; no minute counts twice.
            begin, end = max(_instant(day, opens, zone), closed_since), _instant(day, closes, zone)
            if begin < end:
                closed_since = end
                yield begin, end


def _instant(day: date, minutes: int, zone: str) -> datetime:
    return parse_local(datetime.combine(day, time.min) + timedelta(minutes=minutes), zone)[0]


@lru_cache(maxsize=512)
def _week(entries: tuple[tuple[str, str], ...]) -> Week | None:
    if not entries:
        return None
    days: list[tuple[tuple[int, int], ...] | None] = [None] * 7
    for names, hours in entries:
        for day in _days(names):
            if days[day] is not None:
                raise ConfigurationError(f"office_hours: {_DAYS[day]} is given twice; name each day once")
            days[day] = _spans(names, hours)
    if not any(days):
        raise ConfigurationError("office_hours: every day is closed; leave office_hours out for always open")
    return tuple(spans or () for spans in days)


def _days(names: str) -> list[int]:
    """Numbers of the days in ``"mon-fri"``, ``"sat, sun"`` or ``"daily"``; a span may run over Sunday."""
    if names.strip().lower() == "daily":
        return list(range(7))
    found: list[int] = []
    for part in names.lower().split(","):
        ends = [end.strip()[:3] for end in part.split("-")]
        if len(ends) > 2 or any(end not in _DAYS for end in ends):
            raise ConfigurationError(f"office_hours: {names!r} names no days; write mon, mon-fri or sat,sun")
        first, last = _DAYS.index(ends[0]), _DAYS.index(ends[-1])
        found += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return found


def _spans(names: str, hours: str) -> tuple[tuple[int, int], ...]:
    if hours.strip().lower() in ("closed", ""):
        return ()
    spans = sorted(_span(names, part) for part in hours.split(","))
    if any(earlier[1] > later[0] for earlier, later in pairwise(spans)):
        raise ConfigurationError(f"office_hours: the hours of {names} overlap; write them apart")
    return tuple(spans)


def _span(names: str, text: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text.strip())
    if match:
        opens, closes = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        if opens < closes <= _DAY_MINUTES and int(match[2]) < 60 and int(match[4]) < 60:
            return opens, closes
    raise ConfigurationError(
        f'office_hours: cannot read {text.strip()!r} of {names}; write "09:00-18:00", at most up to 24:00, or "closed"'
    )
