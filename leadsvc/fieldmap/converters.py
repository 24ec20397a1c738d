"""The converters of the field-map language: text in, text out, by the names that a map calls them by. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from leadsvc.normalize.address import split_address
from leadsvc.normalize.mailtext import without_signature
from leadsvc.normalize.phones import own_number
from leadsvc.normalize.streets import UNIT_WORDS
from leadsvc.normalize.text import as_text, outer_unquoted, unquoted
from leadsvc.normalize.transcript import said_by


def _json_list(text: str) -> str:
    """``'["a","b"]'`` -> ``"a, b"``; other text as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return ", ".join(as_text(item) for item in value) if isinstance(value, list) else text


def _not_address(text: str) -> str:
    return "" if split_address(text).street else text


def _address(text: str) -> str:
    return text if split_address(text).street else ""


_CITY_LINE = re.compile(r"^[^\d,]{2,40},?\s+[A-Z]{2}\b\.?,?(?:\s+(?:\d{5}(?:-\d{4})?|[A-Z]\d[A-Z][ -]?\d[A-Z]\d))?$")
_UNIT_LINE = re.compile(rf"^(?:(?:{'|'.join(UNIT_WORDS)})\b\.?\s*#?|#)\s*[\w-]{{1,8}}$", re.IGNORECASE)


def _address_lines(text: str) -> str:
    """The address in a block: "600 Oakline Ave" above "Columbus, GA 31901" is one address, with "Apt 4" between them
    too. A street with a city is preferred to one without, for names may start with a number too."""
    rows = [row.strip() for row in text.split("\n") if row.strip()]
    streets = [index for index, row in enumerate(rows) if split_address(row).street]
    for index in streets:
        if split_address(rows[index]).state:
            return rows[index]
        city = index + 2 if _UNIT_LINE.match("".join(rows[index + 1 : index + 2])) else index + 1
        if city < len(rows) and _CITY_LINE.match(rows[city]):
            return ", ".join(rows[index : city + 1])
    return rows[streets[0]] if streets else ""


def _unslug(text: str) -> str:
    """``within_30_days`` as words: forms of advertisers answer multiple choice with slugs."""
    return text.replace("_", " ") if "_" in text and " " not in text.strip() and "@" not in text else text


CONVERTERS: Mapping[str, Callable[[str], str]] = {
    "unquote": unquoted,
    "outer_unquote": outer_unquoted,
    "own_words": lambda text: "\n".join(without_signature(text.split("\n"))).strip(),
    "after_first_line": lambda text: "\n".join(text.split("\n")[1:]).strip(),
    "first_line": lambda text: next((line for line in text.split("\n") if line.strip()), ""),
    "json_list": _json_list,
    "not_address": _not_address,
    "address": _address,
    "address_lines": _address_lines,
    "own_number": own_number,
    "one_line": lambda text: " ".join(text.split()),
    "unslug": _unslug,
    "visitor_words": lambda text: "\n".join(said_by(text.split("\n"), "")),
}
