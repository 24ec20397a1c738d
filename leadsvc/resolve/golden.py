"""The golden record: which value survives, by rule per field, with the reason beside it (SPEC §6).

Every field remembers when its value was said, so that two records combine in any order to the same result and late
arrivals change nothing they should not. An agent's edit is kept apart and always wins (:func:`shown`).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from leadsvc.leadjson import encode
from leadsvc.model import Lead, Value

Golden = dict[str, Any]

_EDITED = 9
_NEWEST = ("move_in", "bedrooms", "bathrooms", "budget_cents", "occupants", "pets", "lease_term_months")


def record(lead: Lead, at: datetime, inquiry: uuid.UUID, ignored: frozenset[str] = frozenset()) -> Golden:
    """The golden record of one inquiry alone. ``ignored``: values that are the operator's own and nobody's."""
    golden: Golden = {}
    if lead.name is not None:
        name = lead.name.value
        golden["name"] = _entry(
            lead.name, at, inquiry, bool(name.given) + bool(name.family), "most complete, then newest"
        )
    emails = [each for each in lead.emails if each.value.key not in ignored]
    phones = [each for each in lead.phones if each.value.e164 not in ignored]
    real = [each for each in emails if not each.value.relay]
    masked = [each for each in emails if each.value.relay]
    for rank, found in ((1, real), (0, masked)):
        if found and "email" not in golden:
            value = Value(found[0].value.address, found[0].raw, found[0].rule)
            golden["email"] = _entry(value, at, inquiry, rank, "own address before a masked one, then newest")
    if phones:
        value = Value(phones[0].value.e164, phones[0].raw, phones[0].rule)
        golden["phone"] = _entry(value, at, inquiry, 0, "newest")
    for field in _NEWEST:
        wish = getattr(lead, field)
        if wish is not None:
            golden[field] = _entry(wish, at, inquiry, 0, "newest")
    for field, values in (
        ("emails", [each.value.address for each in emails]),
        ("phones", [each.value.e164 for each in phones]),
    ):
        if values:
            golden[field] = values
    return golden


def _entry(value: Value[Any], at: datetime, inquiry: uuid.UUID, rank: int, why: str) -> dict[str, Any]:
    return {
        "value": encode(value.value),
        "raw": value.raw,
        "rule": value.rule,
        "inquiry": str(inquiry),
        "at": at.astimezone(UTC).isoformat(),  # compared as text
        "rank": rank,
        "why": why,
    }


def combine(one: Golden, other: Golden) -> Golden:
    """Two records as one; associative and commutative."""
    merged = dict(one)
    for field, theirs in other.items():
        ours = merged.get(field)
        if ours is None:
            merged[field] = theirs
        elif isinstance(theirs, list):
            merged[field] = sorted({*ours, *theirs})
        else:
            merged[field] = theirs if _precedes(theirs, ours) else ours
    return merged


def _precedes(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Rank, then time. A re-delivery tells the same inquiry at the same time: then the text decides, in any order."""
    first, second = (one["rank"], one["at"], one["inquiry"]), (other["rank"], other["at"], other["inquiry"])
    if first != second:
        return first > second
    return one != other and json.dumps(one, sort_keys=True) > json.dumps(other, sort_keys=True)


def with_edited_name(golden: Golden, edits: Mapping[str, Any]) -> Golden:
    """The record under the name that an agent entered, so that it is found by it; it outranks what sources say."""
    edit = edits.get("name")
    if edit is None:
        return golden
    entry = {"value": edit["value"], "raw": "", "rule": "edited", "inquiry": "", "at": edit["at"], "rank": _EDITED}
    return combine(golden, {"name": entry | {"why": "entered by an agent"}})


def edits_of(root: str, edits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What agents entered about a prospect and all that was merged into it: per field the newest edit.

    ``edits``: member -> the edits of its row. An edit of another member than ``root`` says so in ``of``, and keeps the
    root's own, if there is one, in ``over``: a merge may be taken back.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for member in sorted(edits):
        for field, entry in edits[member].items():
            plain = {name: value for name, value in entry.items() if name not in {"of", "over"}}
            found.setdefault(field, []).append(plain | {"of": entry.get("of", member)})
            if "over" in entry:
                found[field].append(entry["over"] | {"of": member})
    merged: dict[str, Any] = {}
    for field, entries in found.items():
        newest = max(entries, key=lambda each: (each["at"], each["of"] == root, each["of"]))
        own = [each for each in entries if each["of"] == root]
        merged[field] = newest | ({"over": _unnamed(own[0])} if own and newest not in own else {})
    return {field: _unnamed(entry) if entry["of"] == root else entry for field, entry in merged.items()}


def _unnamed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "of"}


def shown(golden: Golden, edits: Mapping[str, Any]) -> dict[str, Any]:
    """The record as people and destinations see it: plain values, edits first."""
    plain = {field: entry["value"] if isinstance(entry, dict) else entry for field, entry in golden.items()}
    return plain | {field: edit["value"] for field, edit in edits.items()}
