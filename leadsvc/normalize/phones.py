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
    r"(?P<number>(?:\+|\b00|\b011[ -])?[(\[]?\d[\d \t().\[\]\-_\u00b7]{4,28}\d)"
    r"(?:[\s,;)(]{0,3}(?:ext(?:ension|n)?|x|poste|;ext=|\#|(?:press|then|option|opt|dial)\b)\s?[.:#=]?\s?(?P<ext>\d{1,7})\b"
    r"|,{1,4}(?P<pause>\d{1,7})\#?(?!\d))?",
    re.IGNORECASE,
)
# "text me at 253…", "my cell is …"; not "I called 253…" and not "your office number".
_OWN = re.compile(
    r"(?:\b(?:call|text|txt|reach|ring|phone|whatsapp)(?:\s+or\s+(?:call|text))?\s+(?:me|us)\b"
    r"|\b(?:my|our)\s+(?:(?:cell|mobile|phone|work|home|direct|new|tel)\s+)*(?:cell|mobile|phone|number|num|tel|line|digits)\b"
    r"|(?:^|\n)[^\S\n]*+(?:cell|mobile|phone|tel|ph|c|m)\s*[:.#])"
    r"[^\n\d]{0,40}(?P<number>\+?[\d(][\d().\s\-\u2010-\u2015]{8,20}\d(?:\s*(?:x|ext)\.?\s*\d{1,6})?)(?!\d)",
    re.IGNORECASE,
)
# North American numbers: neither the area code nor the exchange starts with 0 or 1.
_NANP = re.compile(r"[2-9]\d{2}[2-9]\d{6}")
_NANP_REGIONS = frozenset({"US", "CA"})
# Numbers as nearly all are written, whose reading needs no more than their digits.
_AS_USUAL = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d{2})\)?[ .-]?([2-9]\d{2})[ .-]?(\d{4})", re.ASCII)
_NANP_AS_TYPED = re.compile(r"(?:\+?1[\s.\-_]*)?[(\[]?[2-9]\d{2}[)\]]?[\s.\-_]*[2-9]\d{2}[\s.\-_]*\d{4}(?!\d)")
# "918/555-0141": a slash behind the area code; between two numbers it stays.
_SLASHED = re.compile(r"(?<!\d)(\d{3}\)?)/(?=\d{3}[-. ]?\d{4}(?!\d))")
# "1-800-FLOWERS", "(918) 555-RENT": letters of a keypad stand for digits only where they fill up a number.
_VANITY = re.compile(
    r"(?<![\w-])(?:\+?1[\s.-]?)?\(?[2-9]\d{2}\)?[\s.-]?(?:[2-9]\d{2}[\s.-]?[A-Z]{4}|[A-Z]{7}|[A-Z]{3}[\s.-][A-Z]{4})(?![\w-])"
)
# A day or a time in a field that should hold a number.
_DAY = re.compile(r"\b(?:19|20)\d{2}-[01]\d-[0-3]\d(?:[ T][0-2]?\d)?")


def phones(text: str, region: str = "US") -> tuple[tuple[Value[PhoneNumber], ...], tuple[str, ...]]:
    """Every usable number in ``text`` in order, and notes about what was dropped.

    ``"706-555-0127 / 706-555-0128 x4"`` gives two numbers, the second with extension 4. Stubs of fewer than ten digits
    and placeholders (5555555555, 1234567890) give none. ``region`` is the country of numbers without a prefix.
    """
    if region in _NANP_REGIONS and (plain := _AS_USUAL.fullmatch(text.strip())) is not None:
        digits = "".join(plain.groups())
        if not _is_placeholder(digits):
            return (Value(PhoneNumber(f"+1{digits}"), text, "phone:e164"),), ()
    # A number that went through a spreadsheet or a JSON float: 9185550141.0.
    cleaned = compatible(text[:_MAX]).strip().removesuffix(".0")
    cleaned = _SLASHED.sub(r"\1-", _DAY.sub(" ", cleaned))
    found: dict[str, Value[PhoneNumber]] = {}
    notes: list[str] = []
    for match in _CANDIDATE.finditer(cleaned):
        for number in _pieces(match["number"]):
            phone = _number(number, match["ext"] or match["pause"] or "", region)
            if phone is not None:
                found.setdefault(phone.e164, Value(phone, text[:_MAX], "phone:e164"))
            elif STUB_DROPPED not in notes:
                notes.append(STUB_DROPPED)
    if not found and (vanity := _VANITY.search(cleaned)):
        spelled = phonenumbers.convert_alpha_characters_in_number(vanity[0])
        if (phone := _number(spelled, "", region)) is not None:
            return (Value(phone, text[:_MAX], "phone:letters"),), ()
    if not found and not notes and any(c.isdigit() for c in cleaned):
        notes.append(STUB_DROPPED)
    return tuple(found.values()), tuple(notes)


def _pieces(number: str) -> list[str]:
    """Numbers that stand beside each other with only blanks between: more digits than one number can have."""
    if sum(c.isdigit() for c in number) < 20:
        return [number]
    return _NANP_AS_TYPED.findall(number) or re.split(r"[ \t]{2,}", number)


def _number(text: str, extension: str, region: str) -> PhoneNumber | None:
    text = text.replace("_", "-")
    digits = re.sub(r"\D", "", text)
    if digits.startswith("00") and len(digits) >= 12:
        # What the rest of the world dials before a country.
        text = "+" + digits[2:]
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


def own_number(text: str) -> str:
    """The number in free text that its writer calls their own ("text me at 253…"); empty when there is none."""
    match = _OWN.search(text)
    return " ".join(match["number"].split()) if match else ""
