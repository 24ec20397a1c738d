"""Telephone numbers to E.164. A number must be possible, not assigned: invented 555-01xx numbers pass."""

from __future__ import annotations

import re

import phonenumbers

from leadsvc.model import PhoneNumber, Value
from leadsvc.normalize.data import placeholders
from leadsvc.normalize.text import compatible

STUB_DROPPED = "phone_stub_dropped"
_MAX = 300
_CANDIDATE = re.compile(
    r"(?P<number>(?:\+|\b00|\b011[ -])?[(\[]?\d[\d \t().\[\]\-\u00b7]{4,28}\d)"
    r"(?:[\s,;)]{0,3}(?:ext(?:ension|n)?|x|poste|;ext=|\#)\s?[.:#=]?\s?(?P<ext>\d{1,7})\b)?",
    re.IGNORECASE,
)
# North American numbers: neither the area code nor the exchange starts with 0 or 1.
_NANP = re.compile(r"[2-9]\d{2}[2-9]\d{6}")


def phones(text: str, region: str = "US") -> tuple[tuple[Value[PhoneNumber], ...], tuple[str, ...]]:
    """Every usable number in ``text`` in order, and notes about what was dropped.

    ``"706-555-0127 / 706-555-0128 x4"`` gives two numbers, the second with extension 4. Stubs of fewer than ten digits
    and placeholders (5555555555, 1234567890) give none. ``region`` is the country of numbers without a prefix.
    """
    # A number that went through a spreadsheet or a JSON float: 9185550141.0.
    cleaned = compatible(text[:_MAX]).strip().removesuffix(".0")
    found: dict[str, Value[PhoneNumber]] = {}
    notes: list[str] = []
    for match in _CANDIDATE.finditer(cleaned):
        for number in _pieces(match["number"]):
            phone = _number(number, match["ext"] or "", region)
            if phone is not None:
                found.setdefault(phone.e164, Value(phone, text[:_MAX], "phone:e164"))
            elif STUB_DROPPED not in notes:
                notes.append(STUB_DROPPED)
    if not found and not notes and any(c.isdigit() for c in cleaned):
        notes.append(STUB_DROPPED)
    return tuple(found.values()), tuple(notes)


def _pieces(number: str) -> list[str]:
    """Numbers that stand beside each other with only blanks between: more digits than one number can have."""
    digits = sum(c.isdigit() for c in number)
    if digits < 20:
        return [number]
    parts = re.split(r"[ \t]{2,}", number)
    if len(parts) > 1:
        return parts
    plain = re.sub(r"\D", "", number)
    return [plain[:10], plain[10:]] if digits == 20 else [number]


def _number(text: str, extension: str, region: str) -> PhoneNumber | None:
    digits = re.sub(r"\D", "", text)
    if len(digits) < 10 or _is_placeholder(digits):
        return None
    try:
        parsed = phonenumbers.parse(text, region)
        if not phonenumbers.is_possible_number(parsed) and not text.lstrip().startswith("+"):
            # "44 20 7946 0958": an international number typed without its plus.
            parsed = phonenumbers.parse("+" + digits, None)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if parsed.country_code == 1 and not _NANP.fullmatch(str(parsed.national_number)):
        return None
    return PhoneNumber(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), extension)


def _is_placeholder(digits: str) -> bool:
    national = digits[-10:]
    return len(set(national)) == 1 or len(set(national[3:])) == 1 or national in placeholders().phones
