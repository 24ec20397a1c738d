"""Leads as JSON and back: the shape in which the store keeps what a map read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

from leadsvc.model import (
    CoContact,
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

Encoder = Callable[[Any], Any]


def encode(thing: Any) -> Any:
    """Any value of the model as JSON types; empty fields are left out."""
    return _encoder(thing.__class__)(thing)


@cache
def _encoder(kind: type[Any]) -> Encoder:
    """How things of this type are encoded; looked up once a type because every field of every lead passes here."""
    if issubclass(kind, Enum):
        return lambda thing: thing.value
    if issubclass(kind, (str, bool, int, float, type(None))):
        return lambda thing: thing
    if issubclass(kind, (date, datetime)):
        return lambda thing: thing.isoformat()
    if issubclass(kind, tuple):
        return lambda thing: [encode(each) for each in thing]
    if issubclass(kind, Mapping):
        return lambda thing: {str(key): encode(value) for key, value in thing.items()}
    if issubclass(kind, Value):
        return lambda thing: {"value": encode(thing.value), "raw": thing.raw, "rule": thing.rule}
    if is_dataclass(kind):
        return _dataclass_encoder(tuple(each.name for each in fields(kind)))
    raise TypeError(f"{kind.__name__} has no JSON form")


def _dataclass_encoder(names: tuple[str, ...]) -> Encoder:
    def encode_fields(thing: Any) -> dict[str, Any]:
        encoded = {}
        for name in names:
            value = getattr(thing, name)
            if value is None or (not value and not isinstance(value, (int, float))):  # a number may be nought
                continue
            encoded[name] = encode(value)
        return encoded

    return encode_fields


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
    "co_contacts": lambda data: CoContact(
        data.get("name", ""), tuple(data.get("emails", ())), tuple(data.get("phones", ()))
    ),
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
