"""Leads as JSON and back: the shape in which the store keeps what a map read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

from leadsvc.model import (
    Consent,
    ContactType,
    EmailAddress,
    HintKind,
    Lead,
    MoveIn,
    PersonName,
    Pets,
    PhoneNumber,
    PropertyHint,
    Range,
    TourRequest,
    Value,
)

_EMPTY: tuple[object, ...] = (None, (), "", {})


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def encode(thing: Any) -> Any:
    """Any value of the model as JSON types; empty fields are left out."""
    if thing is None or isinstance(thing, (bool, int, float)):
        return thing
    if isinstance(thing, Enum):
        return thing.value
    if isinstance(thing, str):
        return thing
    if isinstance(thing, (date, datetime)):
        return thing.isoformat()
    if isinstance(thing, tuple):
        return [encode(each) for each in thing]
    if isinstance(thing, Mapping):
        return {str(key): encode(value) for key, value in thing.items()}
    if isinstance(thing, Value):
        return {"value": encode(thing.value), "raw": thing.raw, "rule": thing.rule}
    if is_dataclass(thing):
        pairs = ((name, getattr(thing, name)) for name in _names(thing.__class__))
        return {name: encode(value) for name, value in pairs if value not in _EMPTY or value is False}
    raise TypeError(f"{type(thing).__name__} has no JSON form")


def to_json(lead: Lead) -> dict[str, Any]:
    """The lead as a JSON object."""
    encoded = encode(lead)
    if not isinstance(encoded, dict):
        raise TypeError("a lead is an object")
    return encoded


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _consent(data: Mapping[str, Any]) -> Consent:
    at = data.get("at")
    return Consent(
        data.get("purpose", ""),
        data.get("granted", False),
        data.get("wording", ""),
        datetime.fromisoformat(at) if at else None,
    )


_SINGLE: dict[str, Callable[[Any], Any]] = {
    "name": lambda data: PersonName(**data),
    "unit_hint": str,
    "floor_plan_hint": str,
    "agent_hint": str,
    "bedrooms": lambda data: Range(data.get("low"), data.get("high")),
    "bathrooms": lambda data: Range(data.get("low"), data.get("high")),
    "move_in": lambda data: MoveIn(_day(data.get("on")), _day(data.get("latest")), data.get("words", "")),
    "budget_cents": lambda data: Range(data.get("low"), data.get("high")),
    "occupants": int,
    "pets": lambda data: Pets(data.get("has", False), data.get("details", "")),
    "lease_term_months": int,
    "tour": lambda data: TourRequest(tuple(data.get("slots", ())), data.get("kind", "")),
    "message": str,
    "campaign": str,
    "external_id": str,
    "thread_id": str,
    "occurred_at": datetime.fromisoformat,
}
_MANY: dict[str, Callable[[Any], Any]] = {
    "emails": lambda data: EmailAddress(data.get("address", ""), data.get("key", ""), data.get("relay", False)),
    "phones": lambda data: PhoneNumber(data.get("e164", ""), data.get("extension", "")),
    "co_applicants": lambda data: PersonName(**data),
    "property_hints": lambda data: PropertyHint(HintKind(data["kind"]), data.get("text", "")),
    "consents": _consent,
}


def _value(data: Mapping[str, Any], build: Callable[[Any], Any]) -> Value[Any]:
    return Value(build(data["value"]), data["raw"], data["rule"])


def from_json(data: Mapping[str, Any]) -> Lead:
    """The lead that :func:`to_json` wrote, what it left out being empty."""
    known: dict[str, Any] = {"source": "", "format": "", "map_id": ""}
    for name, value in data.items():
        if name in _SINGLE:
            known[name] = _value(value, _SINGLE[name])
        elif name in _MANY:
            known[name] = tuple(_value(each, _MANY[name]) for each in value)
        elif name == "contact_type":
            known[name] = ContactType(value)
        elif name in {"notes", "unused"}:
            known[name] = tuple(value)
        else:
            known[name] = value
    return Lead(**known)
