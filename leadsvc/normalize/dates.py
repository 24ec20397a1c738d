"""Days and times out of what people and senders write. The day that "today" means is handed in, never asked of a clock.

Slashed days are month/day/year. A day that does not exist, or that stands for "no date", is no day: never a guess.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

from leadsvc.model import MoveIn, Value
from leadsvc.normalize.data import placeholders
from leadsvc.normalize.text import compatible, given

_MAX = 200
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = rf"(?P<mon>{'|'.join(_FULL)}|{'|'.join(_MONTHS)}|sept)\b\.?"
_YEAR = r"(?P<year>\d{4}|'?\d{2})"

_COMPACT = re.compile(r"(?<!\d)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?!\d)")
_ISO = re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)")
_SLASHED = re.compile(
    r"(?<![\d/])(?P<month>\d{1,2})\s?([/.-])\s?(?P<day>\d{1,2})\s?\2\s?(?P<year>\d{4}|\d{2})(?![\d/])"
)
_MONTH_DAY = re.compile(rf"\b{_MONTH}\s*(?P<day>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?(?:\s*,?\s*{_YEAR})?(?!\d)")
_DAY_MONTH = re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?[\s-]+{_MONTH}(?:[\s,-]+{_YEAR})?(?!\d)")
_MONTH_YEAR = re.compile(rf"\b{_MONTH}[\s,/-]*(?P<year>\d{{4}})\b")
_NUMERIC_MONTH_YEAR = re.compile(r"^(?P<month>\d{1,2})\s?[/-]\s?(?P<year>\d{4})$")
_SHORT = re.compile(r"^(?P<month>\d{1,2})\s?/\s?(?P<day>\d{1,2})$")
_MONTH_ONLY = re.compile(rf"\b{_MONTH}")

_NOW = re.compile(
    r"\b(?:asap|a\.s\.a\.p\.?|as soon as (?:possible|i can|we can|available)|immediate(?:ly)?|right away|right now|now"
    r"|today|urgent(?:ly)?|at once|straight ?away|ready to move)\b"
)
_SPAN_UNITS = {"day": 1, "week": 7, "month": 30}
_RELATIVE = re.compile(
    r"(?:(?P<low>\d{1,3})\s*(?:-|to)\s*)?(?P<high>\d{1,3}|a|an|one|two|three|a couple(?: of)?|a few)\s*\+?\s*"
    r"(?P<unit>day|week|month)s?\b"
)
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "a couple": 2, "a couple of": 2, "a few": 3}
_NEGATED = re.compile(r"\bnot (?:now|yet|sure|today|immediate)")
_UNSURE = re.compile(r"\b(?:flexible|no rush|just looking|undecided|anytime|any time)\b")
# A move-in further back is a birthday or a default, further ahead a slip.
_YEARS_BACK, _YEARS_AHEAD = 3, 6


def day(text: str, today: date) -> date | None:
    """The one day ``text`` names, or ``None``. Relative words are not days here; see :func:`move_in`."""
    cleaned = _prepared(text)
    found = _days(cleaned, today)
    return found[0] if found else None


def move_in(text: str, today: date) -> Value[MoveIn] | None:
    """When a renter wants to move in, with the renter's words kept; ``None`` when nothing is said.

    "ASAP" is ``today``; "within 30 days" 30 days on; a bare month its first day; two days are the earliest and the
    latest. ``on`` is ``None`` for words that name no day ("flexible", 13/40/2026, 1900-01-01).
    """
    words = given(text[: _MAX * 2])[:_MAX]
    if not words:
        return None
    cleaned = _prepared(words)
    rules: tuple[tuple[str, Callable[[str, date], tuple[date | None, date | None] | None]], ...] = (
        ("date", _dated), ("words", _spoken), ("span", _relative), ("month", _vague),
    )  # fmt: skip
    for rule, reader in rules:
        found = reader(cleaned, today)
        if found is not None:
            return Value(MoveIn(found[0], found[1], words), text, f"move_in:{rule}")
    other = _foreign(cleaned, today) if not _looks_numeric(cleaned) else None
    return Value(MoveIn(other, None, words), text, "move_in:dateparser" if other else "move_in:unread")


def moment(text: str) -> Value[datetime] | None:
    """An aware time from ISO 8601 or a mail's Date; ``None`` when it has no offset (whose clock was it?)."""
    cleaned = compatible(text).strip()[:80]
    if not cleaned:
        return None
    found = _moment(cleaned)
    if found is None or found.tzinfo is None or not 2000 <= found.year <= 2100:
        return None
    return Value(found, text, "time:aware")


def local_slot(text: str, today: date) -> str | None:
    """A wished time as ISO text: with its offset when it has one, else the property's local time; a day alone stays a
    day. ``"May 19 at 2:00 PM"`` -> ``"2026-05-19T14:00:00"``. Without a year the next such day is meant."""
    cleaned = compatible(given(text))[:_MAX]
    if not cleaned:
        return None
    parsed = _moment(cleaned)
    if parsed is not None and re.search(r"\d[T ]\d", cleaned):
        return parsed.isoformat()
    lower = _prepared(cleaned)
    on = day(lower, today)
    if on is None:
        return None
    clock = re.search(r"\b(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*([ap])\.?\s?m\b|\b(\d{1,2}):(\d{2})\b", lower)
    if clock is None:
        return on.isoformat()
    hour, minute = int(clock[1] or clock[4]), int(clock[2] or clock[5] or 0)
    if clock[3]:
        hour = hour % 12 + (12 if clock[3] == "p" else 0)
    return f"{on.isoformat()}T{hour:02}:{minute:02}:00" if hour < 24 and minute < 60 else on.isoformat()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass  # not ISO: the form mails use is next
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _prepared(text: str) -> str:
    return " ".join(compatible(text)[:_MAX].lower().replace("\u2019", "'").split())


def _looks_numeric(text: str) -> bool:
    return not any(c.isalpha() for c in text)


def _dated(text: str, today: date) -> tuple[date | None, date | None] | None:
    found = _days(text, today)
    if found is None:
        return None
    if not found:
        return None, None
    latest = found[1] if len(found) > 1 and found[1] > found[0] else None
    return found[0], latest


def _days(text: str, today: date) -> list[date] | None:
    """Every day written out in ``text``, in order, by the first notation that is met; ``None`` when none is met, an
    empty list when the days written do not exist ("Feb 30, 2026" is not February)."""
    if text in placeholders().dates:
        return []
    if text.isdigit() and len(text) == 8 and int(text[:4]) < 1900:
        # 03012026: some forms leave the slashes out.
        text = f"{text[:2]}/{text[2:4]}/{text[4:]}"
    for pattern in (_ISO, _SLASHED, _MONTH_DAY, _DAY_MONTH, _COMPACT, _SHORT):
        matches = list(pattern.finditer(text))[:2]
        if matches:
            days = [_built(match.groupdict(), today) for match in matches]
            return [on for on in days if on is not None]
    return None


def _built(parts: Mapping[str, str | None], today: date) -> date | None:
    month = int(parts["month"] or 0) if parts.get("month") else _month_number(parts.get("mon") or "")
    number = int(parts["day"] or 0)
    year_text = (parts.get("year") or "").lstrip("'")
    try:
        if not year_text:
            on = date(today.year, month, number)
            # "March 1" written in November is next year's; a few days ago is a slip.
            return on if on >= today - timedelta(days=14) else date(today.year + 1, month, number)
        year = int(year_text)
        on = date(year + 2000 if year < 100 else year, month, number)
    except ValueError:
        return None
    return on if _sensible(on, today) else None


def _sensible(on: date, today: date) -> bool:
    in_reach = today.year - _YEARS_BACK <= on.year <= today.year + _YEARS_AHEAD
    return in_reach and on.isoformat() not in placeholders().dates


def _month_number(word: str) -> int:
    return _MONTHS.index(word[:3]) + 1


def _spoken(text: str, today: date) -> tuple[date, date | None] | None:
    if _NEGATED.search(text):
        return None
    if "tomorrow" in text:
        return today + timedelta(days=1), None
    if _NOW.search(text):
        return today, None
    if re.search(r"\bnext month\b", text):
        first = _next_month(today)
        return first, _end_of(first)
    if re.search(r"\bnext week\b", text):
        return today + timedelta(days=7), None
    if re.search(r"\bend of (?:the|this) month\b", text):
        return _end_of(today), None
    if re.search(r"\bthis month\b", text):
        return today, _end_of(today)
    return None


def _relative(text: str, today: date) -> tuple[date, date | None] | None:
    match = _RELATIVE.search(text)
    if match is None or _UNSURE.search(text):
        return None
    high = _later(today, match["high"], match["unit"])
    # "30-60 days": not before the first, not after the second. "0-30 days" reads like "within 30 days".
    if match["low"] and int(match["low"]):
        return _later(today, match["low"], match["unit"]), high
    return high, None


def _later(today: date, count: str, unit: str) -> date:
    number = _COUNTS.get(count) or int(count)
    if unit == "month":
        index = today.month - 1 + number
        year, month = today.year + index // 12, index % 12 + 1
        return date(year, month, min(today.day, monthrange(year, month)[1]))
    return today + timedelta(days=number * _SPAN_UNITS[unit])


def _vague(text: str, today: date) -> tuple[date, date | None] | None:
    """A month without a day: its first day, and its last as the latest."""
    if (match := _MONTH_YEAR.search(text)) or (match := _NUMERIC_MONTH_YEAR.search(text)):
        parts = match.groupdict()
        first = _built({**parts, "day": "1"}, today)
        return (first, _end_of(first)) if first else None
    match = _MONTH_ONLY.search(text)
    # "may" and "mar" are words too ("we may move"): a bare one counts only in a short answer.
    if match is None or (match["mon"] in ("may", "mar") and len(text.split()) > 4 and "in may" not in text):
        return None
    month = _month_number(match["mon"])
    first = date(today.year + (month < today.month), month, 1)
    return first, _end_of(first)


def _next_month(today: date) -> date:
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def _end_of(on: date) -> date:
    return on.replace(day=monthrange(on.year, on.month)[1])


def _foreign(text: str, today: date) -> date | None:
    """Other languages and rarer forms, at a hundred times the cost: only short texts that hold a day's number."""
    if len(text) > 40 or not re.search(r"(?<!\d)\d{1,2}(?!\d)", text) or _UNSURE.search(text):
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
    return found.date() if found is not None and _sensible(found.date(), today) else None
