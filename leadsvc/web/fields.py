"""The stored fields of an inquiry as lines for a person: every field, none left out, the known ones in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from leadsvc.store.queries.shapes import Person
from leadsvc.web.words import clock_time, day, money, phone, word

_LABELS = {
    "email": "E-mail",
    "emails": "E-mail",
    "phones": "Phone",
    "standing": "Known as",
    "co_applicants": "Co-applicant",
    "co_contacts": "Co-applicant's contact",
    "property_hints": "Property as given",
    "unit_hint": "Unit",
    "floor_plan_hint": "Floor plan",
    "agent_hint": "Agent",
    "move_in": "Move-in",
    "budget_cents": "Budget",
    "lease_term_months": "Lease term",
    "tour": "Tour request",
    "utm": "Campaign link",
    "consents": "Consent",
    "external_id": "Sender's id",
    "thread_id": "Conversation id",
    "occurred_at": "Time given",
    "map_id": "Field map",
    "map_version": "Map version",
    "unused": "Not read by the map",
    "notes": "Notes",
    "sure": "How sure each is",
}
# Shown by the page itself beside the inquiry, or of no use to an agent: told with where each value came from.
_ELSEWHERE = {
    *("message", "source", "contact_type", "campaign"),
    *("map_id", "map_version", "confidence", "format", "unused", "notes", "sure"),
    *("external_id", "thread_id", "occurred_at", "language", "utm"),
}


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One stored value: ``shown`` in words, ``kept`` as stored, ``raw`` what it was made from, ``rule`` how."""

    name: str
    label: str
    shown: str
    kept: str
    raw: str
    rule: str


def label_of(name: str) -> str:
    """What a field is called on screen."""
    return _LABELS.get(name) or word(name)


def lines(lead: Mapping[str, Any], zone: str = "UTC") -> list[FieldLine]:
    """The fields of a stored lead, in stored order, one line per value: all but the sensitive answers, which one
    destination is owed and nobody else."""
    return [line for name, stored in lead.items() if name != "extras" for line in _of(name, stored, zone)]


def facts(every: list[FieldLine]) -> list[FieldLine]:
    """Those lines that an agent reads; the others are told in another place of the page."""
    return [line for line in every if line.name not in _ELSEWHERE]


def doubts(lead: Mapping[str, Any]) -> list[str]:
    """The labels of those fields that the generic reader is not sure of, the least sure first."""
    sure = lead.get("sure") or {}
    return [label_of(name) for name, level in sorted(sure.items(), key=lambda item: item[1]) if level < _DOUBTED]


# Below this a field is named on the page as one to compare.
_DOUBTED = 0.7


@dataclass(frozen=True, slots=True)
class Other:
    """A value that stood behind the one that is shown. ``trust``: how it reached us."""

    shown: str
    trust: str
    shared: bool
    inquiry: str


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """One field of the golden record with its provenance. ``inquiry`` is the id of the inquiry it came from; an edited
    field has ``by`` and ``at`` instead, and ``before`` is what the rules would show. ``others``: what stood behind."""

    name: str
    label: str
    shown: str
    raw: str = ""
    rule: str = ""
    why: str = ""
    inquiry: str = ""
    by: str = ""
    at: str = ""
    before: str = ""
    others: tuple[Other, ...] = ()


def identity(golden: Mapping[str, Any], edits: Mapping[str, Any], zone: str = "UTC") -> list[IdentityLine]:
    """The golden record, identity first; what an agent entered stands in place of what the rules chose."""
    first = [name for name in ("name", "phone", "email") if name in golden or name in edits]
    rest = [name for name in (*golden, *edits) if name not in {*first, "emails", "phones"}]
    return [_identity_line(name, golden.get(name), edits.get(name), zone) for name in dict.fromkeys((*first, *rest))]


def _identity_line(name: str, entry: Any, edit: Any, zone: str) -> IdentityLine:
    label = label_of(name)
    chosen = shown(name, entry.get("value"), zone) if isinstance(entry, Mapping) else _plain(entry or "")
    if isinstance(edit, Mapping):
        value, by, at = shown(name, edit.get("value"), zone), str(edit.get("by", "")), str(edit.get("at", ""))
        return IdentityLine(name, label, value, by=by, at=at, before=chosen)
    if not isinstance(entry, Mapping):
        return IdentityLine(name, label, chosen)
    raw, rule, why, inquiry = (str(entry.get(part, "")) for part in ("raw", "rule", "why", "inquiry"))
    others = tuple(
        Other(shown(name, each["value"], zone), each["trust"], each["shared"], each["inquiry"])
        for each in entry.get("others", ())[:_OTHERS]
    )
    return IdentityLine(name, label, chosen, "" if raw == chosen else raw, rule, why, inquiry, others=others)


_OTHERS = 5


@dataclass(frozen=True, slots=True)
class Side:
    """One field of two people beside each other; ``agree`` when both tell the same."""

    label: str
    ours: str
    theirs: str
    agree: bool


def side_by_side(one: Person, other: Person) -> list[Side]:
    """What two people are known as, field by field; what neither tells is left out."""
    ours = {line.name: line for line in identity(one.golden, one.edits)}
    theirs = {line.name: line for line in identity(other.golden, other.edits)}
    sides = []
    for name in dict.fromkeys((*ours, *theirs)):
        left, right = (side[name].shown if name in side else "" for side in (ours, theirs))
        sides.append(Side(label_of(name), left, right, bool(left) and left.casefold() == right.casefold()))
    return sides


def shown(name: str, value: Any, zone: str = "UTC") -> str:
    """A value of the field ``name`` in words; its JSON when the words do not fit it."""
    write = _WRITERS.get(name)
    if write is None:
        return _plain(value)
    try:
        return write(value, zone)
    except (AttributeError, KeyError, TypeError, ValueError):
        return _plain(value)  # a shape of an older version: shown as it is rather than not at all


def _of(name: str, stored: Any, zone: str) -> Iterator[FieldLine]:
    many = isinstance(stored, list) and all(_is_value(each) for each in stored)
    for each in stored if many else [stored]:
        if _is_value(each):
            value, raw, rule = each["value"], str(each.get("raw", "")), str(each.get("rule", ""))
        else:
            value, raw, rule = each, "", ""
        kept = _plain(value)
        yield FieldLine(name, label_of(name), shown(name, value, zone), kept, "" if raw == kept else raw, rule)


def _is_value(stored: Any) -> bool:
    return isinstance(stored, Mapping) and "value" in stored


def _plain(value: Any) -> str:
    """A stored value as text: objects as ``name: value`` pairs, lists joined."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " · ".join(f"{key}: {_plain(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(value: Any, _zone: str) -> str:
    parts = (value.get(part, "") for part in ("given", "family", "suffix"))
    return str(value.get("text") or " ".join(part for part in parts if part))


def _email(value: Any, _zone: str) -> str:
    return f"{value['address']}{' (masked address)' if value.get('relay') else ''}"


def _phone(value: Any, _zone: str) -> str:
    return phone(value["e164"]) + (f" ext. {value['extension']}" if value.get("extension") else "")


def _range(value: Any, unit: Callable[[float], str]) -> str:
    low, high = value.get("low"), value.get("high")
    if low is not None and high is not None:
        return unit(low) if low == high else f"{unit(low)} – {unit(high)}"
    return f"from {unit(low)}" if low is not None else f"up to {unit(high)}"


def _rooms(number: float) -> str:
    return f"{number:g}"


def _bedrooms(number: float) -> str:
    return "studio" if number == 0 else f"{number:g}"


def _move_in(value: Any, _zone: str) -> str:
    days = [day(date.fromisoformat(value[name])) for name in ("on", "latest") if value.get(name)]
    written = str(value.get("words") or "")
    span = " – ".join(dict.fromkeys(days))
    if not span or written in (value.get("on"), value.get("latest"), span):
        return f"“{written}”" if written and not span else span
    return f"{span} (“{written}”)" if written else span


def _pets(value: Any, _zone: str) -> str:
    details = value.get("details")
    return ("Yes" if value.get("has") else "No") + (f": {details}" if details else "")


def _tour(value: Any, zone: str) -> str:
    slots = ", ".join(_slot(slot, zone) for slot in value.get("slots", ()))
    kind = word(value["kind"]) if value.get("kind") else ""
    return " · ".join(part for part in (kind, slots) if part) or "Asked for"


def _slot(text: str, zone: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        hour = moment.hour % 12 or 12
        return f"{moment:%a} {moment.day} {moment:%b %Y}, {hour}:{moment:%M} {'pm' if moment.hour >= 12 else 'am'}"
    return clock_time(moment, zone)


def _consent(value: Any, zone: str) -> str:
    given = "agreed" if value.get("granted") else "did not agree"
    told = f"{word(value['purpose'])}: {given}"
    if value.get("at"):
        told += f", {clock_time(datetime.fromisoformat(value['at']), zone)}"
    return f"{told} — “{value['wording']}”" if value.get("wording") else told


_WRITERS: dict[str, Callable[[Any, str], str]] = {
    "name": _name,
    "co_applicants": _name,
    "co_contacts": lambda value, _zone: " · ".join(
        each for each in (value.get("name"), *value.get("emails", ()), *map(phone, value.get("phones", ()))) if each
    ),
    "emails": _email,
    "phones": _phone,
    "email": lambda value, _zone: str(value),
    "standing": lambda value, _zone: word(value) if value else "as the PMS says",
    "phone": lambda value, _zone: phone(value),
    "property_hints": lambda value, _zone: f"{value['text']} ({word(value['kind']).lower()})",
    "bedrooms": lambda value, _zone: _range(value, _bedrooms),
    "bathrooms": lambda value, _zone: _range(value, _rooms),
    "budget_cents": lambda value, _zone: _range(value, money),
    "move_in": _move_in,
    "pets": _pets,
    "tour": _tour,
    "consents": _consent,
    "lease_term_months": lambda value, _zone: f"{value} months" if value != 1 else "1 month",
    "occurred_at": lambda value, zone: clock_time(datetime.fromisoformat(value), zone),
}
