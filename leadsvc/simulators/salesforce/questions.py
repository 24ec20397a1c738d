"""SOQL, as far as it is asked: which rows meet a condition, and how their fields are shown. Pure."""

from __future__ import annotations

import re
from typing import Any

from leadsvc.simulators.records import Doc

_TERM = re.compile(r"(?P<name>[\w.]+)\s*(?P<op>!=|>=|=)\s*(?P<value>'(?:[^'\\]|\\.)*'|\S+)")


def value_of(row: Doc, name: str) -> Any:
    first, _, rest = name.partition(".")
    value = row.get(first)
    return (value or {}).get(rest) if rest and (value is None or isinstance(value, dict)) else value


def nested(row: Doc) -> Doc:
    """``A.B`` as an object ``A`` with a field ``B``, as answers have it."""
    shown: Doc = {"attributes": {"type": "Lead"}}
    for name, value in row.items():
        first, _, rest = name.partition(".")
        if not rest:
            shown[first] = value
        elif value is not None:
            shown.setdefault(first, {})[rest] = value
    return shown


def meets(row: Doc, where: str) -> bool:
    """Whether a row meets ``term AND term AND (term OR term)``; quotes may hold anything."""
    if not where.strip():
        return True
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(where):
        if letter == "'" and where[place - 1] != "\\":
            quoted = not quoted
        if not quoted:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if depth == 0 and where.startswith(" AND ", place):
                parts.append(where[start:place])
                start = place + len(" AND ")
    parts.append(where[start:])
    return all(any(_true(row, term) for term in _TERM.finditer(part.strip().strip("()"))) for part in parts)


def _true(row: Doc, term: re.Match[str]) -> bool:
    value, said = value_of(row, term["name"]), term["value"].rstrip(")")
    if said == "null":
        return (value is None) == (term["op"] == "=")
    if said.startswith("'"):
        said = re.sub(r"\\(.)", r"\1", term["value"].rstrip(")")[1:-1])
    ours = str(value).lower() if isinstance(value, bool) else str(value or "")
    if term["op"] == ">=":
        return bool(ours) and ours[:19] >= said[:19]
    return (ours.lower() == said.lower()) == (term["op"] == "=")
