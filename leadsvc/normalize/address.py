"""A postal address taken apart, and the key under which two spellings of one street address are equal. Pure.

``split_address("88 Bayview Ter #11, Tacoma, WA 98402")`` finds street, unit, city, state and postal code;
``street_key("88 Bayview Terrace Apt 11")`` is ``"88 bayview terrace"``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from leadsvc.normalize.streets import (
    BUILDING_WORDS,
    DIRECTIONS,
    NAME_WORDS,
    NUMBER_WORDS,
    ORDINALS,
    STATE_CODES,
    STATES,
    STRONG_SUFFIXES,
    SUFFIXES,
    UNIT_WORDS,
)

# Nobody's address is longer; what is, is prose that someone put into the field.
_MAX_LENGTH = 300

_POSTAL = re.compile(r"(?:^|[\s,])(\d{5})(?:-?\d{4})?\s*$|(?:^|[\s,])([A-Za-z]\d[A-Za-z])[ -]?(\d[A-Za-z]\d)\s*$")
_COUNTRY = re.compile(r"[\s,]+(?:usa|u\.s\.a\.|united states(?: of america)?|us|canada)\s*$", re.IGNORECASE)
_UNIT = re.compile(
    rf"(?:(?:^|[\s,])(?:{'|'.join(UNIT_WORDS)})\b\.?\s*#?|#)\s*"
    r"(?P<unit>[\w-]*\d[\w-]*|[A-Za-z]{1,2})(?=$|[\s,])",
    re.IGNORECASE,
)
_BUILDING = re.compile(
    rf"(?:^|[\s,])(?:{'|'.join(BUILDING_WORDS)})\b\.?\s*#?\s*(?P<building>[\w-]+)(?=$|[\s,])",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\d+(?:-\d+)?(?:st|nd|rd|th)?\b|[^\W_]+")
_PUNCTUATION = re.compile(r"[\W_]+")
_APOSTROPHES = str.maketrans("", "", "'\u2019")
_SILENT = _APOSTROPHES | str.maketrans("", "", ".")


@dataclass(frozen=True, slots=True)
class Address:
    """Parts as written (white space tidied); a part that was not found is empty. ``state`` is the two-letter code,
    ``postal_code`` five digits (the +4 dropped) or ``A1A 1A1``. ``street`` starts with the house number."""

    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""


def fold(text: str) -> str:
    """``text`` for comparing: lower case, accents and apostrophes gone, other punctuation one space."""
    plain = _without_accents(text.casefold()).replace("&", " and ").translate(_APOSTROPHES)
    return " ".join(_PUNCTUATION.sub(" ", plain).split())


def city_key(text: str) -> str:
    """A city for comparing: "St. Louis" and "Saint Louis" are equal, "N Little Rock" and "North Little Rock" too."""
    return " ".join(DIRECTIONS.get(word) or NAME_WORDS.get(word, word) for word in fold(text).split())


# A lead's address is read several times over, and a listing's comes again and again.
@lru_cache(maxsize=2048)
def split_address(text: str) -> Address:
    """Read one North American address, with or without commas or line breaks, a place's name before it allowed.

    Never fails: what cannot be told is left empty, and text longer than 300 characters is not an address.
    """
    if len(text) > _MAX_LENGTH:
        return Address()
    rest = _COUNTRY.sub("", _tidy(text))
    rest, postal_code = _take_postal(rest)
    rest, state = _take_state(rest, anywhere=bool(postal_code))
    rest, unit = _take_unit(rest)
    segments = [segment.strip() for segment in rest.split(",") if segment.strip()]
    place = next((i for i, segment in enumerate(segments) if _is_street(segment)), None)
    if place is None:
        city = segments[-1] if segments and (state or postal_code) else ""
        return Address("", unit, city, state, postal_code)
    street, tail = segments[place], segments[place + 1 :]
    street, city = (street, tail[-1]) if tail else _cut_city(street)
    if not state and city[-3:-2] == " " and city[-2:].upper() in STATE_CODES:
        city, state = city[:-3], city[-2:].upper()
    return Address(street, unit, city, state, postal_code)


def street_key(text: str) -> str:
    """House number and street in full, lower-case words: equal for spellings of one address, else different.

    ``"4100 Cedar Hollow Dr. Apt 22"`` -> ``"4100 cedar hollow drive"``. Empty when ``text`` has no house number.
    """
    street = split_address(text).street
    tokens = _TOKEN.findall(_without_accents(street).lower().translate(_SILENT))
    if len(tokens) < 2:
        return ""
    number, words = NUMBER_WORDS.get(tokens[0], tokens[0]), tokens[1:]
    end = _suffix_index(words)
    full = [_word(word, index, end) for index, word in enumerate(words)]
    return " ".join([number, *full])


@dataclass(frozen=True, slots=True)
class StreetParts:
    """A street key taken apart: ``"600 north oakline avenue"`` is 600, oakline, avenue, north."""

    number: str
    name: str
    suffix: str
    direction: str


def street_parts(key: str) -> StreetParts:
    """The parts of what :func:`street_key` returned; ``suffix`` and ``direction`` are empty where there is none."""
    number, *words = key.split() or [""]
    directions = []
    if len(words) > 2 and words[0] in DIRECTIONS:
        directions.append(words.pop(0))
    if len(words) > 1 and words[-1] in DIRECTIONS:
        directions.append(words.pop())
    suffix = words.pop() if len(words) > 1 and words[-1] in SUFFIXES else ""
    if directions == [] and len(words) > 1 and words[0] in DIRECTIONS:
        directions.append(words.pop(0))
    return StreetParts(number, " ".join(words), suffix, " ".join(directions))


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _tidy(text: str) -> str:
    text = re.sub(r"[\r\n;|\u2022]+|\s[-\u2013\u2014]\s", ",", text)
    return re.sub(r"\s+", " ", text).strip(" ,.")


def _take_postal(text: str) -> tuple[str, str]:
    match = _POSTAL.search(text)
    if match is None:
        return text, ""
    code = match.group(1) or f"{match.group(2)} {match.group(3)}".upper()
    return text[: match.start()].rstrip(" ,"), code


def _take_state(text: str, *, anywhere: bool) -> tuple[str, str]:
    """The state at the end. Without a postal code behind it, only after a comma: "100 Main St, Alabama CT" is rare,
    "12 Oak Ct" is not."""
    words = text.replace(",", " , ").split()
    for length in (1, 2, 3):
        tail = words[-length:]
        if len(words) <= length - 1 or "," in tail:
            break
        name = " ".join(tail).lower().replace(".", "")
        code = name.upper() if name.upper() in STATE_CODES else STATES.get(name, "")
        after_comma = len(words) > length and words[-length - 1] == ","
        if code and (anywhere or after_comma or (length == 1 and _clear_state(words))):
            return " ".join(words[:-length]).replace(" ,", ",").rstrip(" ,"), code
    return text, ""


def _clear_state(words: list[str]) -> bool:
    """A bare capital code after a comma-separated city ("…, Tulsa OK"), which no street suffix is."""
    return "," in words and words[-1].isupper() and words[-1].lower() not in SUFFIXES


def _take_unit(text: str) -> tuple[str, str]:
    building = _BUILDING.search(text)
    if building:
        text = f"{text[: building.start()]} {text[building.end() :]}"
    match = _UNIT.search(text)
    # The house number is what is left; "Unit 5" with nothing else is a unit all the same.
    unit = match.group("unit") if match else ""
    if match:
        text = f"{text[: match.start()].rstrip()} {text[match.end() :].lstrip()}"
    if building:
        unit = f"{building.group('building')}-{unit}" if unit else building.group("building")
    return re.sub(r"\s+,", ",", re.sub(r"\s+", " ", text)).strip(" ,"), unit


def _is_street(segment: str) -> bool:
    words = fold(segment).split()
    if len(words) < 2:
        return False
    return words[0][0].isdigit() or (words[0] in NUMBER_WORDS and words[-1] in SUFFIXES)


def _suffix_index(words: list[str]) -> int:
    """Where the suffix stands in the words after the house number: last, or before a trailing direction; else -1."""
    last = len(words) - 1
    if last > 1 and words[last] in DIRECTIONS and words[last - 1] in SUFFIXES:
        return last - 1
    return last if last > 0 and words[last] in SUFFIXES else -1


def _word(word: str, index: int, suffix_index: int) -> str:
    if index == suffix_index:
        return SUFFIXES[word]
    if word in DIRECTIONS:
        return DIRECTIONS[word]
    return ORDINALS.get(word) or NAME_WORDS.get(word) or SUFFIXES.get(word, word)


def _cut_city(street: str) -> tuple[str, str]:
    """Without commas: the street ends after its first sure suffix (and the suffixes and direction right behind it)."""
    words = street.split()
    bare = [word.lower().strip(".") for word in words]
    first = 3 if bare[1:2] and bare[1] in DIRECTIONS else 2
    for index in range(first, len(words) - 1):
        if SUFFIXES.get(bare[index]) not in STRONG_SUFFIXES:
            continue
        end = index + 1
        # "Park Place Dr Tulsa" has two; the second of "Main St St Louis" is a saint.
        while end < len(words) and bare[end] != "st" and SUFFIXES.get(bare[end]) in STRONG_SUFFIXES:
            end += 1
        # "Main St S Dallas" is South Main Street; "Main St South Bend" is not: a full word counts only at the end.
        if end < len(words) and bare[end] in DIRECTIONS and (len(bare[end]) <= 2 or end == len(words) - 1):
            end += 1
        return " ".join(words[:end]), " ".join(words[end:])
    return street, ""
