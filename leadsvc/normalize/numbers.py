"""Small numbers people write in words and spans: bedrooms, rent, lease terms, occupants. Money is integer cents."""

from __future__ import annotations

import json
import re

from leadsvc.model import Range, Value
from leadsvc.normalize.text import compatible, given

_WORDS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "twelve": "12", "single": "1",
}  # fmt: skip
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b")
_STUDIO = re.compile(r"\b(?:studio|efficiency|bachelor|loft studio)s?\b")
_NUMBER = r"\d{1,2}(?:\.\d{1,2})?"
_SPAN = re.compile(rf"({_NUMBER})\s*(?:-|to|or|and|/|,|&)\s*({_NUMBER})")
_OPEN = re.compile(rf"({_NUMBER})\s*(?:\+|plus\b|or more|and up|or above)|(?:at least|minimum|min\.?)\s*({_NUMBER})")
_CAPPED = re.compile(rf"(?:up to|at most|maximum|max\.?|under)\s*({_NUMBER})")
_ONE = re.compile(_NUMBER)
_ROOM_CAP = 10

_TERM = re.compile(
    rf"(?<!\d)({_NUMBER})(?!\d)(?:\s*(?:-|to|or|/)\s*{_NUMBER})?\s*\+?\s*-?\s*(year|yr|month|mo|week|day)?"
)
_MONEY = re.compile(r"\$?\s?(\d{1,3}(?:,\d{3})+|\d{1,7})(\.\d{1,2}(?!\d))?\s?(k\b)?")
# A monthly rent outside this is an income, a price or a slip.
_RENT_CENTS = (10_000, 2_500_000)


def rooms(text: str) -> Value[Range] | None:
    """Bedrooms or bathrooms wanted: ``"studio"`` 0-0, ``"2"`` 2-2, ``"1-2"`` 1-2, ``"3+"`` 3 and more. ``None`` when
    nothing usable is said ("Any", 47)."""
    cleaned = _prepared(text)
    if not cleaned:
        return None
    found = _room_range(cleaned)
    return Value(found, text, "rooms:range") if found else None


def beds_baths(text: str) -> tuple[Value[Range] | None, Value[Range] | None]:
    """``"2/2"``, ``"2 Bed / 1 Bath"``, ``"2 Beds 1.5 Baths"``, ``"/1"``, ``"Studio/1"``: bedrooms and bathrooms."""
    cleaned = _prepared(text)
    bath = re.search(rf"({_NUMBER}(?:\s*-\s*{_NUMBER})?\+?)\s*(?:bath|ba\b)", cleaned)
    if bath:
        beds, baths = cleaned[: bath.start()], bath[1]
    elif "/" in cleaned:
        beds, _, baths = cleaned.partition("/")
    else:
        beds, baths = cleaned, ""
    beds = beds.strip(" /,|&")
    return rooms(beds) if beds else None, rooms(baths) if baths.strip() else None


def _prepared(text: str) -> str:
    cleaned = given(_json_list(compatible(text)))[:100].lower().replace("_", " ")
    return _WORD.sub(lambda match: _WORDS[match[0]], cleaned)


def _json_list(text: str) -> str:
    """``'["1","2"]'`` as ``"1,2"``: some senders put a JSON list into a text field."""
    if not text.startswith("["):
        return text
    try:
        values = json.loads(text[:500])
    except (ValueError, RecursionError):
        return text
    numbers = sorted(str(value) for value in values if isinstance(value, (str, int, float)))
    return "-".join(numbers[:1] + numbers[-1:] if len(numbers) > 1 else numbers)


def _room_range(text: str) -> Range | None:
    studio = bool(_STUDIO.search(text))
    low: float | None
    high: float | None
    if match := _OPEN.search(text):
        low, high = float(match[1] or match[2]), None
    elif match := _CAPPED.search(text):
        low, high = None, float(match[1])
    elif match := _SPAN.search(text):
        low, high = sorted((float(match[1]), float(match[2])))
    elif match := _ONE.search(text):
        low = high = float(match[0])
    elif studio:
        low = high = 0.0
    else:
        return None
    if studio:
        low = 0.0
    return Range(low, high) if max(low or 0, high or 0) <= _ROOM_CAP else None


def amount_cents(text: str) -> int | None:
    """The first amount of money in ``text``, in cents, ``None`` when there is none or it cannot be a monthly rent."""
    found = _amounts(text)
    return found[0] if found else None


def budget(text: str) -> Value[Range] | None:
    """What a renter wants to pay a month, in cents. One bare amount is the most; ``"at least $900"`` the least."""
    found = _amounts(text)
    if not found:
        return None
    lower = text.lower()
    if len(found) > 1:
        low, high = sorted(found[:2])
        return Value(Range(low, high), text, "budget:span")
    if re.search(r"at least|from|minimum|\bmin\b|above|over|\+\s*$", lower):
        return Value(Range(found[0], None), text, "budget:least")
    return Value(Range(None, found[0]), text, "budget:most")


def budget_between(low_text: str, high_text: str) -> Value[Range] | None:
    """The same from two fields; a missing or impossible side is open."""
    low, high = amount_cents(low_text), amount_cents(high_text)
    if low is None and high is None:
        return None
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Value(Range(low, high), f"{low_text} - {high_text}".strip(" -"), "budget:fields")


def _amounts(text: str) -> list[int]:
    cents = []
    for match in _MONEY.finditer(compatible(text)[:200].lower()):
        whole = int(match[1].replace(",", ""))
        value = whole * 100 + (int(match[2][1:].ljust(2, "0")) if match[2] else 0)
        if match[3]:
            value = round(float(f"{whole}{match[2] or ''}") * 100_000)
        if _RENT_CENTS[0] <= value <= _RENT_CENTS[1]:
            cents.append(value)
    return cents


def lease_months(text: str) -> Value[int] | None:
    """A lease term in months: ``"12 months"``, ``"1 year"``, ``"18"``; the first of a span; 1 to 60."""
    cleaned = _prepared(text)
    if re.search(r"month[- ]to[- ]month|\bmtm\b|\bm2m\b", cleaned):
        return Value(1, text, "lease:month_to_month")
    match = _TERM.search(cleaned)
    if match is None or match[2] in ("week", "day"):
        return None
    months = float(match[1]) * (12 if match[2] in ("year", "yr") else 1)
    return Value(int(months), text, "lease:months") if months.is_integer() and 1 <= months <= 60 else None


def occupants(text: str) -> Value[int] | None:
    """How many people will live there: ``"3"``, ``"2 adults, 1 child"``, ``"just me"``; 1 to 20."""
    cleaned = _prepared(text)
    if re.search(r"\bjust me\b|\bmyself\b|\bonly me\b", cleaned):
        return Value(1, text, "occupants:words")
    parts = re.findall(r"(\d{1,2})\s*(?:adult|child|kid|infant|teen|toddler|bab)", cleaned)
    numbers = parts or re.findall(r"\d{1,3}", cleaned)[:1]
    total = sum(int(number) for number in numbers)
    return Value(total, text, "occupants:count") if 1 <= total <= 20 else None


def yes_no(text: str) -> bool | None:
    """``True``, ``False``, or ``None`` when ``text`` is neither."""
    cleaned = given(text).lower().strip(" .!")
    if cleaned in ("yes", "y", "true", "1", "on", "t", "x", "checked", "si", "sí"):
        return True
    return False if cleaned in ("no", "n", "false", "0", "off", "f", "unchecked") else None
