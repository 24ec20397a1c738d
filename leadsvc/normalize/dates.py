"""Days and times out of what people and senders write. The day that "today" means is handed in, never asked of a clock.

Slashed days are month/day/year. A day that does not exist, or that stands for "no date", is no day: never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

from leadsvc.model import MoveIn, Value
from leadsvc.normalize.daytext import MAX, days, prepared, sensible
from leadsvc.normalize.daywords import UNSURE, Span, day_said, relative, spoken, vague
from leadsvc.normalize.text import compatible, given

_ISO_TIME = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]\d{2}")
_MAIL_TIME = re.compile(r"(?:[A-Za-z]{3},\s*)?\d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")
_CLOCK = re.compile(
    r"\b(?P<from>\d{1,2})(?::(?P<from_min>\d{2}))?\s*(?:-|to)\s*(?P<to>\d{1,2})(?::\d{2})?\s*(?P<span>[ap])\.?\s?m\b\.?"
    r"|\b(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::\d{2})?\s*(?P<half>[ap])\.?\s?m\b\.?"
    r"|\b(?P<hour24>\d{1,2})(?::|h)(?P<minute24>\d{2})(?::\d{2})?\b|\b(?P<noon>noon|midday)\b"
)


def day(text: str, today: date) -> date | None:
    """The one day ``text`` names, or ``None``. Relative words are not days here; see :func:`move_in`."""
    found = days(prepared(text), today)
    return found[0] if found else None


def move_in(text: str, today: date) -> Value[MoveIn] | None:
    """When a renter wants to move in, with the renter's words kept; ``None`` when nothing is said.

    "ASAP" is ``today``; "within 30 days" 30 days on; a bare month its first day; two days are the earliest and the
    latest. ``on`` is ``None`` for words that name no day ("flexible", 13/40/2026, 1900-01-01).
    """
    words = given(text[: MAX * 2])[:MAX]
    if not words:
        return None
    cleaned = prepared(words)
    rules: tuple[tuple[str, Callable[[str, date], Span | None]], ...] = (
        ("date", _dated), ("words", spoken), ("span", relative), ("month", vague),
    )  # fmt: skip
    for rule, reader in rules:
        found = reader(cleaned, today)
        if found is not None:
            return Value(MoveIn(found[0], found[1], words), text, f"move_in:{rule}")
    other = _foreign(cleaned, today) if any(c.isalpha() for c in cleaned) else None
    return Value(MoveIn(other, None, words), text, "move_in:dateparser" if other else "move_in:unread")


def _dated(text: str, today: date) -> Span | None:
    found = days(text, today)
    if found is None:
        return None
    if not found:
        return None, None
    return found[0], found[1] if len(found) > 1 and found[1] > found[0] else None


def moment(text: str) -> Value[datetime] | None:
    """An aware time from ISO 8601, a mail's Date or seconds since 1970; ``None`` when it has no offset (whose clock was
    it?)."""
    cleaned = compatible(text).strip()[:80]
    if not cleaned:
        return None
    found = datetime.fromtimestamp(int(cleaned[:10]), UTC) if _EPOCH.fullmatch(cleaned) else _moment(cleaned)
    if found is None or found.tzinfo is None or not 2000 <= found.year <= 2100:
        return None
    return Value(found, text, "time:aware")


LOCAL = "time:local"
"""The rule of a moment whose clock was not told: the figures of the property's clock, kept as if they were UTC."""


def local_moment(text: str, today: date) -> Value[datetime] | None:
    """A moment as tables write it, without an offset (rule :data:`LOCAL`); a day alone is its noon."""
    if (exact := moment(text)) is not None:
        return exact
    slot = local_slot(text, today)
    if slot is None:
        return None
    found = datetime.fromisoformat(slot if "T" in slot else f"{slot}T12:00:00")
    if not 2000 <= found.year <= 2100:
        return None
    return Value(found, text, "time:aware") if found.tzinfo else Value(found.replace(tzinfo=UTC), text, LOCAL)


def local_slot(text: str, today: date) -> str | None:
    """A wished time as ISO text: with its offset when it has one, else the property's local time; a day alone stays a
    day. ``"May 19 at 2:00 PM"`` -> ``"2026-05-19T14:00:00"``. Without a year the next such day is meant."""
    cleaned = compatible(given(text))[:MAX]
    if not cleaned:
        return None
    if _ISO_TIME.match(cleaned) or _MAIL_TIME.match(cleaned):
        exact = _moment(cleaned)
        if exact is not None:
            return exact.isoformat()
    lower = prepared(cleaned)
    clock = _CLOCK.search(lower)
    rest = f"{lower[: clock.start()]} {lower[clock.end() :]}" if clock else lower
    written = days(" ".join(rest.split()), today)
    on = (written[0] if written else None) if written is not None else day_said(rest, today)
    if on is None:
        return None
    time = _time(clock) if clock else None
    return f"{on.isoformat()}T{time}" if time else on.isoformat()


def _time(clock: re.Match[str]) -> str | None:
    """The hour that a span begins with, or the hour named, as ISO text."""
    if clock["noon"]:
        return "12:00:00"
    hour = int(clock["from"] or clock["hour"] or clock["hour24"])
    minute = int(clock["from_min"] or clock["minute"] or clock["minute24"] or 0)
    half = clock["span"] or clock["half"]
    if clock["span"] and hour % 12 > int(clock["to"]) % 12:
        half = "a" if half == "p" else "p"  # "11-1 pm" begins before noon
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02}:{minute:02}:00" if hour < 24 and minute < 60 else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass  # not ISO: the form mails use is next
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _foreign(text: str, today: date) -> date | None:
    """Other languages and rarer forms, at a hundred times the cost: only short texts that hold a day's number."""
    if len(text) > 40 or not re.search(r"(?<!\d)\d{1,2}(?!\d)", text) or UNSURE.search(text):
        return None
    import dateparser  # loads for half a second, and most processes never need it

    found = dateparser.parse(
        text,
        languages=["en", "es", "fr", "pt", "de"],
        settings={
            "DATE_ORDER": "MDY",
            "RELATIVE_BASE": datetime(today.year, today.month, today.day),
            "PREFER_DATES_FROM": "future",
            "REQUIRE_PARTS": ["day", "month"],
        },
    )
    return found.date() if found is not None and sensible(found.date(), today) else None
