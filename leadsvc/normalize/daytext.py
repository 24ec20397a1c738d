"""Days that are written out, in the notations of several languages. A day that does not exist is no day.

All text is expected as :func:`prepared` gives it. Slashed days are month/day/year; only dots and a number above twelve
in front make one day.month.year.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from leadsvc.normalize.data import placeholders
from leadsvc.normalize.text import compatible

MAX = 200

# Twelve names a language, then what else the months are called. Accents are gone by the time they are compared.
_LANGUAGES = """
    january february march april may june july august september october november december
    jan feb mar apr may jun jul aug sep oct nov dec
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
    janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro
    januar februar marz april mai juni juli august september oktober november dezember
"""
MONTHS: Mapping[str, int] = {word: index % 12 + 1 for index, word in enumerate(_LANGUAGES.split())} | {"sept": 9}
MONTH = rf"(?<![a-z])(?P<mon>{'|'.join(sorted(MONTHS, key=len, reverse=True))})(?![a-z])\.?"
# Two bare digits are a year unless they are an hour, the end of a span or a number of days.
_NO_YEAR = r"(?!\d|\s*(?::|[ap]\.?\s?m\b|-|to\b|st\b|nd\b|rd\b|th\b|days?|weeks?|or\b))"
YEAR = rf"(?P<year>\d{{4}}(?!\d)|'\d{{2}}(?!\d)|\d{{2}}{_NO_YEAR})"
_ORDINAL = r"(?:st|nd|rd|th|er|o|ro|a)?(?![a-z])"
_UNTIL = r"\s*(?:-|to|thru|through|until|till|or|and|&|/|al?|au)\s*(?:the )?"
_OF = r"(?:\s+(?:of|de|du|del|do))?"

_EPOCH = re.compile(r"\d{10}|\d{13}")
_COMPACT = re.compile(r"(?<!\d)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?=\D|$)")
_ISO = re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)")
_DOTTED = re.compile(r"(?<![\d.])(?P<day>1[3-9]|2\d|3[01])\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4}|\d{2})(?![\d.])")
_SLASHED = re.compile(
    r"(?<![\d/])(?P<month>\d{1,2})\s?([/.-])\s?(?P<day>\d{1,2})\s?\2\s?(?P<year>\d{4}|'?\d{2})(?![\d/])"
)
_SHORT = re.compile(r"(?<![\d/.])(?P<month>\d{1,2})\s?/\s?(?P<day>\d{1,2})(?:\s?/\s?(?P<year>\d{4}|'?\d{2}))?(?![\d/])")
_MONTH_DAYS = re.compile(
    rf"{MONTH}\s*(?P<day>\d{{1,2}}){_ORDINAL}{_UNTIL}(?P<until>\d{{1,2}}){_ORDINAL}(?!\d|\s*(?::|[ap]\.?\s?m\b))"
    rf"(?:\s*,?\s*{YEAR})?"
)
_MONTH_DAY = re.compile(rf"{MONTH}\s*(?P<day>\d{{1,2}})(?!\d|\s*:|\s?[ap]\.?m\b){_ORDINAL}(?:\s*,?\s*{YEAR})?")
_DAY_MONTH = re.compile(
    rf"(?<![\d:/.])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|o|ro)?{_OF}[\s.-]*{MONTH}"
    r"(?:[\s,-]*(?:of|de|del|do)?\s*(?P<year>\d{4}(?!\d)|'\d{2}(?!\d)))?"
)
# A move-in further back is a birthday or a default, further ahead a slip.
_YEARS_BACK, _YEARS_AHEAD = 3, 6
_SLIP_DAYS = 14


def prepared(text: str) -> str:
    """``text`` for reading: small letters, no accents, plain hyphens and apostrophes, one blank between words."""
    plain = compatible(text)[:MAX].lower().replace("\u2019", "'")
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(plain.split())


def days(text: str, today: date) -> list[date] | None:
    """Every day written out in ``text``, in order, at most two, by the first notation that is met; ``None`` when none
    is met, an empty list when the days written do not exist ("feb 30, 2026" is not February)."""
    if text in placeholders().dates:
        return []
    if _EPOCH.fullmatch(text):
        on = datetime.fromtimestamp(int(text[:10]), UTC).date()
        return [on] if sensible(on, today) else []
    if text.isdigit() and len(text) == 8 and int(text[:4]) < 1900:
        # 03012026: some forms leave the slashes out.
        text = f"{text[:2]}/{text[2:4]}/{text[4:]}"
    if (match := _MONTH_DAYS.search(text)) is not None:
        parts = match.groupdict()
        return _in_order([parts, {**parts, "day": parts["until"]}], today)
    slashed = _SHORT if _SLASHED.search(text) and len(_SHORT.findall(text)) > 1 else _SLASHED
    for pattern in (_ISO, _DOTTED, slashed, _MONTH_DAY, _DAY_MONTH, _COMPACT, _SHORT):
        matches = list(pattern.finditer(text))[:2]
        if matches:
            return _in_order([match.groupdict() for match in matches], today)
    return None


def _in_order(found: list[dict[str, str | None]], today: date) -> list[date]:
    """The days that exist; the year of the second counts for a first one without."""
    if len(found) > 1 and found[1].get("year") and not found[0].get("year"):
        found[0] = {**found[0], "year": found[1]["year"]}
    built = [on for on in (built_from(parts, today) for parts in found) if on is not None]
    if len(built) > 1 and built[1] < built[0] and not found[1].get("year"):
        later = dict(found[1]) | {"year": str(built[0].year + 1)}
        turned = built_from(later, today)
        return [built[0], turned] if turned and turned > built[0] and (turned - built[0]).days < 120 else built
    return built


def built_from(parts: Mapping[str, str | None], today: date) -> date | None:
    """The day that ``parts`` (month or mon, day, perhaps year, as text) mean; ``None`` when there is no such day."""
    month = int(parts["month"] or 0) if parts.get("month") else MONTHS.get(parts.get("mon") or "", 0)
    number = int(parts["day"] or 0)
    year_text = (parts.get("year") or "").lstrip("'")
    try:
        if not year_text:
            on = date(today.year, month, number)
            # "March 1" written in November is next year's; a few days ago is a slip.
            return on if on >= today - timedelta(days=_SLIP_DAYS) else date(today.year + 1, month, number)
        year = int(year_text)
        on = date(year + 2000 if year < 100 else year, month, number)
    except ValueError:
        return None
    return on if sensible(on, today) else None


def sensible(on: date, today: date) -> bool:
    """Whether ``on`` can be a wish, and is not what a form writes for "no date"."""
    in_reach = today.year - _YEARS_BACK <= on.year <= today.year + _YEARS_AHEAD
    return in_reach and on.isoformat() not in placeholders().dates
