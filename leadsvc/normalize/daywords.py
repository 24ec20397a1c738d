"""Days that are said in words: at once, in two weeks, next Friday, the 15th, a month without a day.

All text is expected as :func:`leadsvc.normalize.daytext.prepared` gives it; each reader answers ``(day, latest)`` or
``None`` when its words are not there.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from leadsvc.normalize.daytext import MONTH, MONTHS, built_from

Span = tuple[date | None, date | None]

_NOW = re.compile(
    r"\b(?:asap|a\.s\.a\.p\.?|as soon as (?:possible|i can|we can|available)|immediate\w*|right away|right now|now"
    r"|today|tonight|urgent\w*|at once|straight ?away|ready to move|soonest"
    r"|lo antes posible|cuanto antes|inmediat\w*|ahora|hoy|des que possible|maintenant|aujourd'hui|tout de suite"
    r"|sofort|agora|imediat\w*)\b"
)
_NEGATED = re.compile(r"\bnot (?:now|yet|sure|today|immediate)")
UNSURE = re.compile(r"\b(?:flexible|no rush|just looking|undecided|anytime|any time)\b")

_COUNTS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "a couple": 2, "a couple of": 2, "couple of": 2, "a few": 3, "few": 3, "un": 1, "una": 1,
    "une": 1, "dos": 2, "deux": 2, "tres": 3, "trois": 3,
}  # fmt: skip
_COUNT = rf"\d{{1,3}}|(?<![a-z])(?:{'|'.join(sorted(_COUNTS, key=len, reverse=True))})(?![a-z])"
_UNITS = {
    "day": "day", "dia": "day", "jour": "day", "week": "week", "wk": "week", "semana": "week", "semaine": "week",
    "month": "month", "mo": "month", "mth": "month", "mes": "month", "mois": "month", "year": "year", "yr": "year",
    "ano": "year",
}  # fmt: skip
_UNIT = rf"(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))})(?:e?s)?\b"
_LOW_UNIT = _UNIT.replace("?P<unit>", "?:")
_RELATIVE = re.compile(rf"(?:(?P<low>{_COUNT})\s*(?:{_LOW_UNIT})?\s*(?:-|to|or)\s*)?(?P<high>{_COUNT})\s*\+?\s*{_UNIT}")
_NEXT_SPAN = re.compile(rf"\b(?:within|in|over|during) (?:the )?(?:next|coming) {_UNIT}")
_COUNTED_FROM_NOW = re.compile(r"\bfrom (?:now|today)\b|\bfrom this\b")
_DAYS_OF = {"day": 1, "week": 7}

_NEXT_MONTH = re.compile(r"\b(?:next month|proximo mes|mes que viene|mois prochain|nachsten monat)\b")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(
    rf"(?:\b(?P<which>this|next|coming|on)\s+)?\b(?P<day>{'|'.join(_WEEKDAYS)}|tues|thurs?|weds?)\b"
    r"|(?:^|\b(?P<which3>this|next|coming|on)\s+)(?P<day3>mon|tue|wed|thu|fri|sat|sun)\b"
)
_ORDINAL = re.compile(
    r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)\b(?! (?:floor|choice|time|level|street|bed|unit))"
    r"(?:\s+(?:of|de)\s+(?:the\s+)?(?P<which>next|this|coming)?\s*month)?"
)
_FIRST_OF = re.compile(r"\bfirst of (?:the )?(?P<which>next|this|coming)?\s*month\b|\bbeginning of (?:the )?month\b")

_SINGLE_MONTH = re.compile(rf"{MONTH}(?:[\s,/-]*(?:of|de|del)?\s*(?P<year>\d{{4}}(?!\d)|'\d{{2}}(?!\d)))?(?!\s*\d)")
_NUMERIC_MONTH = re.compile(r"(?P<month>\d{1,2})\s?[/-]\s?(?P<year>\d{4})|(?P<year_first>\d{4})[-/](?P<later>\d{1,2})")
# These are words too ("we may move"): a bare one counts only in a short answer.
_ALSO_WORDS = ("may", "mar", "march", "mai", "mars")


def spoken(text: str, today: date) -> Span | None:
    """ "ASAP", "tomorrow", "next month", "this Friday", "the 15th"."""
    if _NEGATED.search(text) or _COUNTED_FROM_NOW.search(text) or _NEXT_SPAN.search(text):
        return None
    if re.search(r"\bend of (?:the |this )?month\b|\bfin (?:de|du) mes|\bfin de mois", text):
        return end_of(today), None
    if re.search(r"\bend of next month\b", text):
        return end_of(_next_month(today)), None
    if (on := day_said(text, today)) is not None:
        return on, None
    if _NEXT_MONTH.search(text):
        first = _next_month(today)
        return first, end_of(first)
    if re.search(r"\b(?:next week|proxima semana|semaine prochaine)\b", text):
        return today + timedelta(days=7), None
    if re.search(r"\bthis week\b", text):
        return today, today + timedelta(days=6 - today.weekday())
    if re.search(r"\b(?:this month|este mes|ce mois)\b", text):
        return today, end_of(today)
    return None


def day_said(text: str, today: date) -> date | None:
    """One day in words, for a move or a visit: "today", "tomorrow", "next Tuesday", "the 15th"."""
    if _NOW.search(text):
        return today
    if re.search(r"\b(?:tomorrow|manana|demain)\b", text):
        return today + timedelta(days=1)
    if (weekend := re.search(r"\b(this|next|coming) weekend\b", text)) is not None:
        saturday = today + timedelta(days=max(0, 5 - today.weekday()) if today.weekday() < 6 else 0)
        return saturday + timedelta(days=7 if weekend[1] == "next" else 0)
    if (match := _WEEKDAY.search(text)) is not None:
        wanted = (match["day"] or match["day3"])[:3]
        number = next(index for index, name in enumerate(_WEEKDAYS) if name.startswith(wanted))
        if (match["which"] or match["which3"]) == "next":
            return today + timedelta(days=7 - today.weekday() + number)
        return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    return _day_of_month(text, today)


def _day_of_month(text: str, today: date) -> date | None:
    if len(text.split()) > 8:
        return None
    first, match = _FIRST_OF.search(text), _ORDINAL.search(text)
    if first is None and match is None:
        return None
    number = int(match["day"]) if match else 1
    which = (match["which"] if match else first["which"] if first else "") or ""
    month = _next_month(today) if which == "next" else today.replace(day=1)
    for _ in range(3):
        if number <= monthrange(month.year, month.month)[1] and (on := month.replace(day=number)) >= today:
            return on
        month = _next_month(month)
    return None


def relative(text: str, today: date) -> Span | None:
    """ "within 30 days" (30 days on), "30-60 days" (from the first to the second), "in a couple of weeks"."""
    if UNSURE.search(text):
        return None
    if (soon := _NEXT_SPAN.search(text)) is not None:
        return _later(today, "1", soon["unit"]), None
    match = _RELATIVE.search(text)
    if match is None or re.search(r"\b(?:ago|for the last)\b", text):
        return None
    high = _later(today, match["high"], match["unit"])
    # "30-60 days": not before the first, not after the second. "0-30 days" reads like "within 30 days".
    if match["low"] and match["low"] != "0":
        return _later(today, match["low"], match["unit"]), high
    return high, None


def _later(today: date, count: str, unit: str) -> date:
    number, what = _COUNTS.get(count) or int(count), _UNITS[unit]
    if what in _DAYS_OF:
        return today + timedelta(days=number * _DAYS_OF[what])
    index = today.month - 1 + number * (12 if what == "year" else 1)
    year, month = today.year + index // 12, index % 12 + 1
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def vague(text: str, today: date) -> Span | None:
    """A month without a day: its first day, and its last as the latest; of two months the last of the second."""
    if (match := _NUMERIC_MONTH.fullmatch(text)) is not None:
        parts = {"month": match["month"] or match["later"], "year": match["year"] or match["year_first"], "day": "1"}
        first = built_from(parts, today)
        return (first, end_of(first)) if first else (None, None)
    matches = list(_SINGLE_MONTH.finditer(text))[:2]
    short = len(text.split()) <= 4
    matches = [each for each in matches if short or each["mon"] not in _ALSO_WORDS or f"in {each['mon']}" in text]
    if not matches:
        return None
    year = next((each["year"] for each in reversed(matches) if each["year"]), None)
    first = _first_of(MONTHS[matches[0]["mon"]], year, today)
    if first is None:
        return None, None
    last = date(first.year, MONTHS[matches[-1]["mon"]], 1)
    if last < first:
        last = last.replace(year=first.year + 1)
    return first, end_of(last)


def _first_of(month: int, year: str | None, today: date) -> date | None:
    if year:
        return built_from({"month": str(month), "day": "1", "year": year}, today)
    return date(today.year + (month < today.month), month, 1)


def _next_month(today: date) -> date:
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def end_of(on: date) -> date:
    """The last day of the month of ``on``."""
    return on.replace(day=monthrange(on.year, on.month)[1])
