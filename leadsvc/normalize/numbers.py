"""Small numbers people write in words and spans: bedrooms, rent, lease terms, occupants. Money is integer cents."""

from __future__ import annotations

import json
import re

from leadsvc.model import Range, Value
from leadsvc.normalize.text import compatible, given

_WORDS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "twelve": "12", "eighteen": "18", "single": "1", "double": "2",
    "uno": "1", "una": "1", "dos": "2", "tres": "3", "deux": "2", "trois": "3",
}  # fmt: skip
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})(?=\b|bed|bath)")
_STUDIO = re.compile(r"\b(?:studio|efficiency|bachelor|estudio)s?\b")
_NUMBER = r"(?<![\d.,$])\d{1,2}(?:\.\d{1,2})?(?![\d,]*\d)"
_BETWEEN = r"\s*(?:beds?|bedrooms?|br|bd|baths?|bathrooms?|ba)?\s*(?:-|to|thru|through|or|and|/|,|&|\u2044)+\s*"
_SPAN = re.compile(rf"({_NUMBER}){_BETWEEN}({_NUMBER})(?:{_BETWEEN}({_NUMBER}))?(?:{_BETWEEN}({_NUMBER}))?")
_OPEN = re.compile(
    rf"({_NUMBER})\s*(?:beds?|bedrooms?|br|bd|baths?|bathrooms?|ba)?\s*(?:\+|plus\b|or more|and up|or above|or larger"
    rf"|or bigger|minimum\b|min\b)|(?:at least|minimum(?: of)?|min\.?|no less than)\s*({_NUMBER})"
)
_CAPPED = re.compile(
    rf"(?:up to|at most|under|maximum(?: of)?|max\.?|no more than|not more than)\s*({_NUMBER})"
    rf"|({_NUMBER})\s*(?:beds?|bedrooms?|br|bd|baths?|bathrooms?)?\s*(?:max\b|maximum\b|or less|or fewer|or under)"
)
_ABOVE, _BELOW = (
    re.compile(rf"(?<!no )(?<!not )more than\s*({_NUMBER})"),
    re.compile(rf"(?:less|fewer) than\s*({_NUMBER})"),
)
_ONE = re.compile(_NUMBER)
_ROOM_CAP = 10
# "1,2": two counts, which with a comma between them look like one number.
_LISTED = re.compile(r"(?<![\d.$])\b\d,(?=\d\b(?!\.\d))")
_NEGATIVE = re.compile(r"^\s*-\s*\d")
# "1 + den" and "2 bed + office" are no "one or more".
_EXTRA_ROOM = re.compile(r"\s*(?:\+|plus|and|&|with)\s*(?:a\s+)?(?:den|office|loft|study|sunroom|balcony|flex)\b")
_BATHS = re.compile(rf"[/,|&+x ]*({_NUMBER}(?:\s*-\s*{_NUMBER})?\+?)\s*-?(?:bath|ba\b|full bath).*")
_HALF = re.compile(r"(\d)?\s*\u00bd|(\d)[\s-]+1\s?[/\u2044]\s?2(?!\d)")

_TERM = re.compile(
    rf"(?<!\d)({_NUMBER})(?!\d)(?:\s*(?:-|to|or|/)\s*{_NUMBER})?\s*\+?\s*-?\s*"
    r"(an?s?\b|year|yr|a\u00f1o|month|mo|mes|week|wk|day|semester|m\b|y\b)?"
)
_MONTHLY = re.compile(r"month[- ]?(?:to|2|by)[- ]?month|\bmtm\b|\bm2m\b|\bm-t-m\b|mes a mes|mois par mois")
_YEARLY = re.compile(r"\b(?:a|full|per|whole) year\b|\b(?:yearly|annual|annually|year[- ]to[- ]year|twelve-month)\b")
_YEARS = frozenset({"year", "yr", "an", "ans", "a\u00f1o", "y"})
_NO_MONTHS = frozenset({"week", "wk", "day", "semester"})

_MONEY = re.compile(r"(?<![\d.])(\d{1,3}(?:,\d{3})+|[1-9] \d{3}(?!\d)|\d{1,7})(\.\d{1,2}(?!\d))?(?!\.?\d)\s?(k\b)?")
# "1-1.5k": the thousands are meant for both.
_SHORT_THOUSANDS = re.compile(r"(?<![\d.,])(\d(?:\.\d{1,2})?)\s?(?=(?:-|to)\s?\$?\s?\d(?:\.\d{1,2})?\s?k\b)")
# A monthly rent outside this is an income, a price or a slip.
_RENT_CENTS = (10_000, 2_500_000)
_PER_WEEK = re.compile(r"(?:/|\bper\b|\ba\b|\beach\b)\s?(?:week|wk)\b|\bweekly\b|\bpw\b")
_PER_YEAR = re.compile(r"(?:/|\bper\b|\ba\b|\beach\b)\s?(?:year|yr)\b|\b(?:yearly|annual|annually)\b")
_LEAST = re.compile(
    r"\bat least|\bfrom\b|\bminimum|\bmin\b|(?<!not )(?<!nothing )\b(?:above|over)\b|(?<!no )(?<!not )\bmore than"
    r"|\+|\band up\b|\bor more\b|\bno less|\bstarting"
)

_ME = re.compile(r"\b(?:me|myself|i|only me|just me|by myself)\b")
_GROUP = re.compile(
    r"\b(?:husband|wife|spouse|partner|boyfriend|girlfriend|bf|gf|fianc\u00e9e?|fiancee?|roommate|flatmate|friend|son"
    r"|daughter|child|kid|baby|infant|toddler|teenager|mother|father|mom|dad|brother|sister|cousin|grandma|grandpa"
    r"|grandmother|grandfather|coworker|adult|newborn)\b"
)
_COUNTED = re.compile(
    r"(\d{1,2}|\ban?\b)\s*(?:small |young |little |other |more |year[- ]old )*(?:adult|child|kid|infant|teen|toddler"
    r"|bab|minor|newborn|roommate|friend|son\b|sons\b|daughter|occupant|person|people|ni[n\u00f1]o|adult[oe]|enfant)"
)
_OF_US = re.compile(r"(?:the |all )?(\d{1,2}) of us\b|\b(?:family|party|group|household) of (\d{1,2})\b")


def rooms(text: str) -> Value[Range] | None:
    """Bedrooms wanted: ``"studio"`` 0-0, ``"2"`` 2-2, ``"1-2"`` 1-2, ``"3+"`` 3 and more. ``None`` when nothing usable
    is said ("Any", 47), and for a Quebec count of all rooms ("4\u00bd")."""
    if _HALF.search(text) or _NEGATIVE.match(compatible(text)):
        return None
    cleaned = _EXTRA_ROOM.sub(" ", _BATHS.sub(" ", _LISTED.sub(r"\g<0> ", _prepared(text))))
    found = _room_range(cleaned) if cleaned.strip() else None
    return Value(found, text, "rooms:range") if found else None


def baths(text: str) -> Value[Range] | None:
    """The same for bathrooms, where a half counts: ``"1\u00bd"`` and ``"1.5"`` are 1.5."""
    cleaned = _prepared(_HALF.sub(lambda match: f"{match[1] or match[2] or 0}.5", text))
    found = _room_range(cleaned) if cleaned else None
    return Value(found, text, "rooms:range") if found else None


def beds_baths(text: str) -> tuple[Value[Range] | None, Value[Range] | None]:
    """``"2/2"``, ``"2x2"``, ``"2 Bed / 1 Bath"``, ``"2 Beds 1.5 Baths"``, ``"/1"``, ``"Studio/1"``: bedrooms and
    bathrooms."""
    cleaned = _prepared(_HALF.sub(lambda match: f"{match[1] or match[2] or 0}.5", text))
    bath = re.search(rf"({_NUMBER}(?:\s*-\s*{_NUMBER})?\+?)\s*-?(?:bath|ba\b|full bath)", cleaned)
    if bath:
        beds_text, baths_text = cleaned[: bath.start()], bath[1]
    elif match := re.fullmatch(r"(.*\S)?\s*[/|x]\s*(.*)", cleaned):
        beds_text, baths_text = match[1] or "", match[2]
    else:
        beds_text, baths_text = cleaned, ""
    beds_text = beds_text.strip(" /,|&x")
    return rooms(beds_text) if beds_text else None, baths(baths_text) if baths_text.strip() else None


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
    if match := _ABOVE.search(text):
        low, high = float(match[1]) + 1, None
    elif match := _BELOW.search(text):
        low, high = None, float(match[1]) - 1
    elif match := _CAPPED.search(text):
        low, high = None, float(match[1] or match[2])
    elif match := _OPEN.search(text):
        low, high = float(match[1] or match[2]), None
    elif match := _SPAN.search(text):
        numbers = [float(number) for number in match.groups() if number]
        low, high = min(numbers), max(numbers)
    elif match := _ONE.search(text):
        low = high = float(match[0])
    elif studio:
        low, high = 0.0, None if re.search(r"\+|or more|or larger|and up", text) else 0.0
    else:
        return None
    if studio:
        low = 0.0
    return Range(low, high) if max(low or 0, high or 0) <= _ROOM_CAP and (high is None or high >= 0) else None


def amount_cents(text: str) -> int | None:
    """The first amount of money in ``text``, in cents, ``None`` when there is none or it cannot be a monthly rent."""
    found = _amounts(text)
    return found[0] if found else None


def budget(text: str) -> Value[Range] | None:
    """What a renter wants to pay a month, in cents. One bare amount is the most; ``"at least $900"`` the least. What is
    said of a week or a year is turned into a month's."""
    found = _amounts(text)
    if not found:
        return None
    if len(found) > 1:
        low, high = sorted(found[:2])
        return Value(Range(low, high), text, "budget:span")
    if _LEAST.search(re.sub(r"\+\s*(?=[a-z])", " ", compatible(text).lower())):
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
    plain = compatible(text)[:200].lower()
    plain = _SHORT_THOUSANDS.sub(r"\1k ", plain)
    months = 1.0
    if _PER_WEEK.search(plain):
        months = 12 / 52
    elif _PER_YEAR.search(plain):
        months = 12.0
    cents = []
    for match in _MONEY.finditer(plain):
        whole = int(match[1].replace(",", "").replace(" ", ""))
        value = whole * 100 + (int(match[2][1:].ljust(2, "0")) if match[2] else 0)
        if match[3]:
            value = round(float(f"{whole}{match[2] or ''}") * 100_000)
        value = round(value / months)
        if _RENT_CENTS[0] <= value <= _RENT_CENTS[1]:
            cents.append(value)
    return cents


def lease_months(text: str) -> Value[int] | None:
    """A lease term in months: ``"12 months"``, ``"1 year"``, ``"18"``; the first of a span; 1 to 60."""
    cleaned = _prepared(text)
    if _MONTHLY.search(cleaned):
        return Value(1, text, "lease:month_to_month")
    if re.search(r"\d{3}", cleaned):
        return None
    match = _TERM.search(cleaned)
    if match is None:
        return Value(12, text, "lease:year") if _YEARLY.search(cleaned) else None
    if match[2] in _NO_MONTHS:
        return None
    months = float(match[1]) * (12 if match[2] in _YEARS else 1)
    return Value(int(months), text, "lease:months") if months.is_integer() and 1 <= months <= 60 else None


def occupants(text: str) -> Value[int] | None:
    """How many people will live there: ``"3"``, ``"2 adults, 1 child"``, ``"me and my wife"``; 1 to 20."""
    cleaned = _prepared(text)
    if match := _OF_US.search(cleaned):
        return _people(int(match[1] or match[2]), text, "occupants:words")
    counted = _COUNTED.findall(cleaned)
    spoken = _ME.search(cleaned)
    if spoken and not re.search(r"\d", cleaned):
        # "couple" and "my wife and I": whoever writes counts too.
        return _people(1 + len(_GROUP.findall(cleaned)), text, "occupants:words")
    if counted:
        rest = _COUNTED.sub(" ", cleaned)
        # "2 + 1 baby": the bare number counts as well.
        bare = re.search(r"(?:^|[^\d.])(\d{1,2})\s*(?:\+|and|plus|&|,)", rest) if len(counted) == 1 else None
        total = sum(int(number) if number.isdigit() else 1 for number in counted)
        return _people(total + (int(bare[1]) if bare else 0) + bool(spoken), text, "occupants:count")
    if re.search(r"\b(?:couple|pair)\b", cleaned):
        return _people(2, text, "occupants:words")
    numbers = re.findall(r"\d{1,3}", cleaned)[:1]
    return _people(int(numbers[0]), text, "occupants:count") if numbers else None


def _people(total: int, text: str, rule: str) -> Value[int] | None:
    return Value(total, text, rule) if 1 <= total <= 20 else None


def yes_no(text: str) -> bool | None:
    """``True``, ``False``, or ``None`` when ``text`` is neither."""
    cleaned = given(text).lower().strip(" .!")
    if cleaned in _YES:
        return True
    return False if cleaned in _NO else None


_YES = frozenset({
    "yes", "y", "yeah", "yep", "yup", "true", "1", "on", "t", "x", "checked", "si", "s\u00ed", "oui", "sim", "ja",
    "accepted", "agreed", "granted", "opt-in", "\u2713", "\u2714",
})  # fmt: skip
_NO = frozenset({
    "no", "n", "nope", "nah", "false", "0", "off", "f", "unchecked", "non", "nein", "n\u00e3o", "declined", "denied",
    "opt-out",
})  # fmt: skip
