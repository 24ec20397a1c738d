"""Times and numbers as a place writes them: clocks without offset, phones without their country, amounts. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from leadsvc.workers.destinations.verdicts import sound

_MARK = re.compile(r"\[ref ([\w.:-]{3,80})\]")
_NOT_DIGITS = re.compile(r"\D")
ISO = "%Y-%m-%dT%H:%M:%S"
_FORMS = (ISO, "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")


def zone(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for one that is blank or unknown."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        return ZoneInfo("UTC")


def written(at: datetime, time_zone: str, form: str = ISO) -> str:
    """``at`` on the clocks of ``time_zone``, in a vendor's form, without offset."""
    return at.astimezone(zone(time_zone)).strftime(form)


def moment_at(text: str, time_zone: str, *forms: str) -> datetime | None:
    """The UTC time of what a place wrote; one with an offset of its own keeps it. ``None`` for no time."""
    text = text.strip()
    try:
        if re.search(r"(?:Z|[+-]\d\d:?\d\d)$", text) and "T" in text:
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    for form in (*forms, *_FORMS):
        try:
            return datetime.strptime(text[:26], form).replace(tzinfo=zone(time_zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def day(text: str, *forms: str) -> str:
    """The ISO date of what a place wrote; empty for no date, and for those that stand for none."""
    at = moment_at(text, "UTC", *forms)
    return at.date().isoformat() if at is not None and 1926 < at.year < 2200 else ""


def e164(phone: str) -> str:
    """A phone as we hold it: ten digits are North American, anything else keeps what it has."""
    digits = _NOT_DIGITS.sub("", phone)
    if len(digits) == 10 and "+" not in phone:
        return f"+1{digits}"
    return f"+{digits}" if digits else ""


def ten_digits(phone: str) -> str:
    """A North American phone without its country; another with it."""
    return phone.removeprefix("+1") if re.fullmatch(r"\+1\d{10}", phone) else phone


def unmarked(text: str) -> tuple[str, str]:
    """A text without our mark, and the key that it carried (the first of several)."""
    found = _MARK.search(text)
    return sound(_MARK.sub("", text)).strip(), found[1] if found else ""


def cents(amount: str) -> str:
    """An amount of money as text of integer cents; empty where there is none."""
    digits = re.fullmatch(r"\s*\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.(\d{1,4}))?\s*", amount)
    if not digits:
        return ""
    value = int(digits[1].replace(",", "")) * 100 + int(f"{digits[2] or '0'}00"[:2])
    return str(value) if value else ""


def money(value: int) -> str:
    """Integer cents as an amount with two decimals."""
    return f"{value // 100}.{value % 100:02d}"
