"""A lead as flat JSON keys: what ``leadsvc parse`` prints and what expectations of samples are written in. Pure."""

from __future__ import annotations

from typing import Any

from leadsvc.model import HintKind, Lead, Range, Value

# Which hint to show: what a person would look the property up by. In a payload for machines the listing's id is ours,
# from the feed we send; in a mail it is the portal's own number.
_BEST_HINT = (HintKind.PROPERTY_ID, HintKind.LISTING_ID, HintKind.NAME, HintKind.ADDRESS, HintKind.MAILBOX_TAG)
_BEST_IN_MAIL = (HintKind.PROPERTY_ID, HintKind.NAME, HintKind.ADDRESS, HintKind.LISTING_ID, HintKind.MAILBOX_TAG)


def row_of(lead: Lead) -> dict[str, Any]:
    """A lead as flat JSON; every key is always there, ``None`` when nothing is known."""
    name = lead.name.value if lead.name else None
    email = lead.emails[0].value if lead.emails else None
    phone = lead.phones[0].value if lead.phones else None
    move_in = _value(lead.move_in)
    tour = _value(lead.tour)
    pets = _value(lead.pets)
    consents = [consent.value for consent in lead.consents]
    return {
        "lead": True,
        "source": lead.source,
        "channel": lead.format,
        "contact_type": lead.contact_type.value,
        "external_id": _value(lead.external_id),
        "thread_id": _value(lead.thread_id),
        "first_name": (name.given or None) if name else None,
        "last_name": (name.family or None) if name else None,
        "suffix": (name.suffix or None) if name else None,
        "co_applicants": [person.value.text for person in lead.co_applicants],
        "email": email.address if email else None,
        "relay_email": bool(email and email.relay),
        "other_emails": [other.value.address for other in lead.emails[1:]],
        "phone_e164": phone.e164 if phone else None,
        "phone_extension": (phone.extension or None) if phone else None,
        "other_phones": [other.value.e164 for other in lead.phones[1:]],
        "property_hint": _property_hint(lead),
        "unit_hint": _value(lead.unit_hint),
        "floor_plan_hint": _value(lead.floor_plan_hint),
        **_span("bedrooms", lead.bedrooms),
        **_span("bathrooms", lead.bathrooms),
        "move_in_date": move_in.on.isoformat() if move_in and move_in.on else None,
        "move_in_latest": move_in.latest.isoformat() if move_in and move_in.latest else None,
        "move_in_words": move_in.words if move_in else None,
        **_span("budget", lead.budget_cents, divisor=100),
        "occupants": _value(lead.occupants),
        "has_pets": pets.has if pets else None,
        "pet_details": (pets.details or None) if pets else None,
        "lease_term_months": _value(lead.lease_term_months),
        "tour_requested": tour is not None,
        "tour_requested_at": tour.slots[0] if tour and tour.slots else None,
        "message": _value(lead.message),
        "campaign": _value(lead.campaign),
        "utm": dict(lead.utm),
        "consents": [{"purpose": consent.purpose, "granted": consent.granted} for consent in consents],
        "occurred_at": lead.occurred_at.value.isoformat() if lead.occurred_at else None,
        "confidence": lead.confidence,
        "map": lead.map_id,
        "map_version": lead.map_version,
        "notes": list(lead.notes),
        "unused": list(lead.unused),
    }


def _value(value: Value[Any] | None) -> Any:
    return None if value is None else value.value


def _span(name: str, value: Value[Range] | None, divisor: int = 1) -> dict[str, float | int | None]:
    low, high = (value.value.low, value.value.high) if value else (None, None)
    return {f"{name}_min": _plain(low, divisor), f"{name}_max": _plain(high, divisor)}


def _plain(number: float | None, divisor: int) -> float | int | None:
    if number is None:
        return None
    shown = number / divisor
    return int(shown) if float(shown).is_integer() else shown


def _property_hint(lead: Lead) -> str | None:
    by_kind = {hint.value.kind: hint.value.text for hint in reversed(lead.property_hints)}
    order = _BEST_IN_MAIL if lead.format == "email" else _BEST_HINT
    return next((by_kind[kind] for kind in order if kind in by_kind), None)
