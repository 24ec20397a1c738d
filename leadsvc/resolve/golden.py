"""The golden record: which value survives, by rule per field, with the reason beside it (SPEC §6).

The rules are data (:mod:`.survivorship`). A record is made of one inquiry (:func:`record`), and records combine: each
field keeps the values that were behind, so that two records come to the same one in any order and grouping, and late
arrivals change nothing they should not. An agent's edit is kept apart and always wins (:func:`shown`).

A field has ``value``, what it was made from (``raw``, ``rule``, ``inquiry``, ``at``, ``source``), what it is compared
by (``trust``, ``full``, ``relay``, ``shared``, ``edited``, ``place``), ``key`` (what makes two values the same),
``said`` (inquiries that told it, at most eight, where it counts how many), ``why`` it is shown, and ``others``: the
values behind it, the best first, in the same form without ``why`` and ``others``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from leadsvc.leadjson import encode
from leadsvc.model import Lead, PersonName, Value
from leadsvc.resolve.survivorship import FIELDS, Rule, rules

Golden = dict[str, Any]
Told = dict[str, Any]

_CONTACTS = ("name", "email", "phone")
_SAID = 8
"""An inquiry more than these makes no value stronger. The smallest ids are kept, which any order of combining keeps."""

_BEHIND = 2
"""Values of a field that are compared one by one: the two best are all that combining needs."""

_NOBODY: frozenset[str] = frozenset()


def record(
    lead: Lead,
    at: datetime,
    inquiry: uuid.UUID,
    ignored: frozenset[str] = _NOBODY,
    shared: Collection[str] = _NOBODY,
) -> Golden:
    """The golden record of one inquiry alone, which the renter made at ``at``. ``ignored``: values that are the
    operator's own and nobody's. ``shared``: keys of addresses and numbers that many people use."""
    common = {"inquiry": str(inquiry), "at": at.astimezone(UTC).isoformat(), "source": lead.source}
    common["trust"] = rules().tier(lead)
    emails = [each for each in lead.emails if each.value.key not in ignored]
    phones = [each for each in lead.phones if each.value.e164 not in ignored]
    told: dict[str, list[Told]] = {name: [] for name in FIELDS}
    if lead.name is not None:
        name = lead.name.value
        told["name"].append(
            _told(lead.name, common, _name_key(name), full=_spelled(name.given) + _spelled(name.family))
        )
    for place, mail in enumerate(emails):
        key = mail.value.key
        value = Value(mail.value.address, mail.raw, mail.rule)
        flags = {"relay": mail.value.relay, "shared": key in shared, "place": place}
        told["email"].append(_told(value, common, key, **flags))
    for place, call in enumerate(phones):
        key = call.value.e164
        value_ = Value(key, call.raw, call.rule)
        told["phone"].append(_told(value_, common, key, shared=key in shared, place=place))
    for field in FIELDS:
        wish = getattr(lead, field, None) if field not in _CONTACTS else None
        if wish is not None:
            told[field].append(_told(wish, common, _text(encode(wish.value)), full=_FULL.get(field, _one)(wish.value)))
    golden: Golden = {field: _settled(field, each) for field, each in told.items() if each}
    for field, values in (
        ("emails", [each.value.address for each in emails]),
        ("phones", [each.value.e164 for each in phones]),
    ):
        if values:
            golden[field] = sorted(set(values))
    return golden


def _told(value: Value[Any], common: Mapping[str, str], key: str, **more: Any) -> Told:
    flags = {"full": 0, "relay": False, "shared": False, "edited": False, "place": 0} | more
    told = {"value": encode(value.value), "raw": value.raw, "rule": value.rule, **common, "key": key, **flags}
    return told | {"said": [common["inquiry"]]}


def _name_key(name: PersonName) -> str:
    return "|".join(part.casefold() for part in (name.given, name.family, name.suffix))


def _spelled(part: str) -> int:
    """How much of a name is told: nothing, an initial, a name."""
    return min(len(part.rstrip(".")), 2)


def _one(_value: Any) -> int:
    return 1


_FULL: Mapping[str, Callable[[Any], int]] = {
    "move_in": lambda wish: int(wish.on is not None),
    "pets": lambda wish: int(bool(wish.details)),
    **dict.fromkeys(
        ("bedrooms", "bathrooms", "budget_cents"), lambda wish: (wish.low is not None) + (wish.high is not None)
    ),
}


def combine(one: Golden, other: Golden) -> Golden:
    """Two records as one; associative, commutative and idempotent."""
    merged = dict(one)
    for field, theirs in other.items():
        ours = merged.get(field)
        if ours is None:
            merged[field] = theirs
        elif isinstance(theirs, list):
            merged[field] = sorted({*ours, *theirs})
        elif ours != theirs:
            merged[field] = _settled(field, [*_values(field, ours), *_values(field, theirs)])
    return merged


def _values(field: str, entry: Mapping[str, Any]) -> list[Told]:
    """All values of a field, without what was worked out from comparing them."""
    best = {name: value for name, value in entry.items() if name not in {"why", "others"}}
    return [best if "key" in best else _of_old(field, best), *entry.get("others", ())]


def _of_old(field: str, entry: Mapping[str, Any]) -> Told:
    """A value that a version kept alone, without what it is compared by; `leadsvc rebuild` makes it anew."""
    value = entry["value"]
    parts = [str(value.get(part, "")) for part in ("given", "family", "suffix")] if field == "name" else []
    edited = entry["rule"] == "edited"
    key = "edited" if edited else "|".join(parts).casefold() if parts else value if field in _CONTACTS else _text(value)
    told = {name: entry[name] for name in ("value", "raw", "rule", "inquiry", "at")} | {"source": "", "trust": ""}
    flags = {"key": key, "full": 0, "relay": False, "shared": False, "edited": edited, "place": 0}
    return told | flags | {"said": [entry["inquiry"]] if entry["inquiry"] else []}


def _settled(field: str, told: Iterable[Told]) -> dict[str, Any]:
    rule = rules().fields[field]
    counted = "frequency" in rule.by
    values: dict[str, Told] = {}
    for each in told if counted else [each | {"said": []} for each in told]:
        values[each["key"]] = _joined(values[each["key"]], each, rule) if each["key"] in values else each
    ranked = list(values.values())
    if len(ranked) > 1:  # most are told once, and what decides a tie costs more than all the rest
        ranked.sort(key=lambda each: (_rank(each, rule.by, rule), *_tie(each)), reverse=True)
    best, others = ranked[0], ranked[1 : None if rule.keeps_all else _BEHIND]
    return best | {"why": _why(best, others, rule), "others": others}


def _joined(one: Told, other: Told, rule: Rule) -> Told:
    """The same value told twice: the better telling of it, by what each tells alone."""
    alone = [each for each in rule.by if each not in {"frequency", "unshared"}]
    best = max((one, other), key=lambda each: (_rank(each, alone, rule), *_tie(each)))
    return best | {"shared": one["shared"] or other["shared"], "said": sorted({*one["said"], *other["said"]})[:_SAID]}


def _rank(told: Told, by: Iterable[str], rule: Rule) -> tuple[Any, ...]:
    return tuple(_MEASURES[each](told, rule) for each in by)


def _tie(told: Told) -> tuple[str, int, str, str]:
    """What decides where no rule does: the later telling, the first of an inquiry, and at last anything definite."""
    alone = {name: value for name, value in told.items() if name not in {"said", "shared"}}
    return told["at"], -told["place"], told["inquiry"], _text(alone)


_MEASURES: Mapping[str, Callable[[Told, Rule], Any]] = {
    "agent_edit": lambda told, _rule: told["edited"],
    "source_trust": lambda told, rule: rule.trust.get(told["trust"], 0),
    "own": lambda told, _rule: not told["relay"],
    "unshared": lambda told, _rule: not told["shared"],
    "completeness": lambda told, _rule: told["full"],
    "recency": lambda told, _rule: told["at"],
    "frequency": lambda told, _rule: len(told["said"]),
}


def _why(best: Told, others: list[Told], rule: Rule) -> str:
    """In words, what put the best value before the next."""
    if best["edited"]:
        return "entered by an agent"
    if not others:
        return "the only one told"
    decided = next((each for each in rule.by if _MEASURES[each](best, rule) != _MEASURES[each](others[0], rule)), "")
    if decided == "source_trust":
        return f"{best['trust'] or 'of another kind'} counts before {others[0]['trust'] or 'of another kind'}"
    if decided == "frequency":
        return f"told by {len(best['said'])} inquiries, the next by {len(others[0]['said'])}"
    return _WHY.get(decided, "told first in the inquiry")


_WHY = {
    "own": "their own address before a masked one",
    "unshared": "theirs alone before one that many people use",
    "completeness": "the most complete",
    "recency": "the newest",
}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def with_edited_name(golden: Golden, edits: Mapping[str, Any]) -> Golden:
    """The record under the name that an agent entered, so that it is found by it; it outranks what sources say. A name
    entered before that is no longer among ``edits`` goes."""
    told = [each for each in _values("name", golden["name"]) if not each["edited"]] if "name" in golden else []
    edit = edits.get("name")
    if edit is not None:
        common = {"inquiry": "", "at": edit["at"], "source": "", "trust": ""}
        entered = _told(Value(edit["value"], "", "edited"), common, "edited", edited=True)
        told.append(entered | {"said": []})
    rest = {field: entry for field, entry in golden.items() if field != "name"}
    return {"name": _settled("name", told), **rest} if told else rest


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
