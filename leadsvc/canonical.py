"""Canonical JSON: the one format that is ours, its schema, and the way from an object to a lead.

Values go through the same normalisers as those of field maps. Unknown keys are kept in ``Lead.unused``, never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from leadsvc.model import (
    Consent,
    ContactType,
    EmailAddress,
    HintKind,
    ItemError,
    Lead,
    PersonName,
    Pets,
    PhoneNumber,
    PropertyHint,
    Range,
    TourRequest,
    Value,
)
from leadsvc.normalize import dates, names, numbers
from leadsvc.normalize.address import split_address
from leadsvc.normalize.emails import emails
from leadsvc.normalize.pets import pets
from leadsvc.normalize.phones import phones
from leadsvc.normalize.sensitive import is_sensitive
from leadsvc.normalize.sources import slug, source_of
from leadsvc.normalize.text import as_text, label_text, line, message, storable_json

MAP_ID = "canonical"
MAP_VERSION = 1
MAX_ITEMS = 1_000
_DEFAULT_SOURCE = "partner"


def _text(limit: int, help_text: str) -> fields.String:
    return fields.String(allow_none=True, validate=validate.Length(max=limit), metadata={"description": help_text})


class RangeField(fields.Raw):
    """A number, words such as "2+" or "studio", or ``{"min": …, "max": …}`` with either side left out."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, dict)):
            raise ValidationError('Give a number, text, or {"min": number, "max": number}.')
        if isinstance(value, dict):
            for side in ("min", "max"):
                if not isinstance(value.get(side), (int, float, type(None))) or isinstance(value.get(side), bool):
                    raise ValidationError(f'"{side}" must be a number.')
        return value


class PersonSchema(Schema):
    class Meta:
        unknown = INCLUDE

    given = _text(200, "Given name.")
    family = _text(200, "Family name.")
    name = _text(300, "Whole name, when it is not known in parts; couples are told apart.")


class PropertySchema(Schema):
    class Meta:
        unknown = INCLUDE

    id = _text(200, "The property's id in the PMS.")
    listing_id = _text(200, "The listing's id in the feed.")
    name = _text(300, "Marketing name.")
    address = _text(300, "Street address, best with city, state and postal code.")


class TourSchema(Schema):
    class Meta:
        unknown = INCLUDE

    slots = fields.List(
        fields.String(validate=validate.Length(max=100)), allow_none=True, validate=validate.Length(max=20)
    )
    kind = _text(40, "in_person, video or self_guided.")


class ConsentSchema(Schema):
    class Meta:
        unknown = INCLUDE

    purpose = fields.String(required=True, validate=validate.OneOf(["text", "call", "email"]))
    granted = fields.Boolean(required=True)
    wording = _text(2_000, "What the renter agreed to.")
    at = fields.AwareDateTime(allow_none=True)


class LeadSchema(Schema):
    """One lead. At least one usable e-mail address or telephone number is needed."""

    class Meta:
        unknown = INCLUDE

    person = fields.Nested(PersonSchema, allow_none=True)
    email = _text(320, "E-mail address of the renter.")
    emails = fields.List(
        fields.String(validate=validate.Length(max=320)), allow_none=True, validate=validate.Length(max=10)
    )
    phone = _text(60, "Telephone number; without a country code it is taken for a US number.")
    phones = fields.List(
        fields.String(validate=validate.Length(max=60)), allow_none=True, validate=validate.Length(max=10)
    )
    property = fields.Nested(PropertySchema, allow_none=True)
    unit = _text(100, "Unit number.")
    floor_plan = _text(200, "Floor plan, code or name.")
    agent = _text(200, "Leasing agent who was asked for, name or PMS id.")
    bedrooms = RangeField(allow_none=True, metadata={"description": "Bedrooms wanted; a studio is 0."})
    bathrooms = RangeField(allow_none=True)
    move_in = _text(200, 'A date, or the renter\'s words ("ASAP", "mid June").')
    budget = RangeField(allow_none=True, metadata={"description": "Rent a month, in currency units."})
    occupants = fields.Integer(allow_none=True, validate=validate.Range(0, 50))
    pets = fields.Raw(allow_none=True, metadata={"description": "true, false, or words."})
    lease_term_months = fields.Integer(allow_none=True, validate=validate.Range(0, 120))
    tour = fields.Nested(TourSchema, allow_none=True)
    message = _text(20_000, "The renter's own words.")
    contact_type = _text(40, "form, email, call, text, chat, walk_in or tour_booking.")
    source = _text(100, "The advertiser to credit.")
    campaign = _text(300, "Campaign of the advertiser.")
    utm = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), allow_none=True)
    consents = fields.List(fields.Nested(ConsentSchema), allow_none=True, validate=validate.Length(max=10))
    external_id = _text(200, "The sender's own id of this lead; sending it again makes a revision.")
    thread_id = _text(200, "The sender's id of the conversation.")
    occurred_at = fields.AwareDateTime(allow_none=True, metadata={"description": "When the renter acted, with offset."})
    language = _text(20, "Language of the renter, like en or es-MX.")


_SCHEMA = LeadSchema()


def leads_from_canonical(
    obj: object, received_at: datetime
) -> tuple[tuple[Lead, ...], tuple[int, ...], tuple[ItemError, ...]]:
    """The leads of one canonical object or of a list of up to 1,000, the place of each, and why others were refused.

    Errors are by JSON pointer below the item, ``""`` for the item itself.
    """
    items = obj if isinstance(obj, list) else [obj]
    if not 1 <= len(items) <= MAX_ITEMS:
        return (), (), (ItemError(0, {"": (f"Send 1 to {MAX_ITEMS:,} leads, not {len(items):,}.",)}),)
    leads: list[Lead] = []
    positions: list[int] = []
    errors: list[ItemError] = []
    for index, item in enumerate(items):
        try:
            lead = _lead(storable_json(item), received_at)
        except ValidationError as error:
            errors.append(ItemError(index, _pointers(error.messages)))
        except RecursionError:
            errors.append(ItemError(index, {"": ("The lead is nested too deep.",)}))
        else:
            leads.append(lead)
            positions.append(index)
    return tuple(leads), tuple(positions), tuple(errors)


def _pointers(messages: Any, prefix: str = "") -> dict[str, tuple[str, ...]]:
    if isinstance(messages, list):
        return {prefix: tuple(str(text) for text in messages)}
    found: dict[str, tuple[str, ...]] = {}
    for key, inner in messages.items():
        name = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")[:100]
        found.update(_pointers(inner, prefix + name))
    return found


def _lead(item: object, received_at: datetime) -> Lead:
    if not isinstance(item, dict):
        raise ValidationError({"_schema": ["A lead must be a JSON object with named fields."]})
    data: dict[str, Any] = _SCHEMA.load(item)
    today = (data.get("occurred_at") or received_at).date()
    addresses, numbers_found, notes = _identity(data)
    people = _people(data.get("person") or {})
    place = data.get("property") or {}
    contact, contact_notes = _contact_type(data.get("contact_type"))
    unit = data.get("unit") or split_address(place.get("address") or "").unit
    return Lead(
        source=source_of(data.get("source") or "") or slug(data.get("source") or "") or _DEFAULT_SOURCE,
        contact_type=contact,
        format="json",
        map_id=MAP_ID,
        map_version=MAP_VERSION,
        confidence=1.0,
        name=people[0] if people else None,
        emails=addresses,
        phones=numbers_found,
        co_applicants=people[1:],
        property_hints=_hints(place),
        unit_hint=_short(unit),
        floor_plan_hint=_short(data.get("floor_plan")),
        agent_hint=_short(data.get("agent")),
        bedrooms=_rooms(data.get("bedrooms")),
        bathrooms=_rooms(data.get("bathrooms")),
        move_in=dates.move_in(data.get("move_in") or "", today),
        budget_cents=_budget(data.get("budget")),
        occupants=numbers.occupants(as_text(data.get("occupants"))),
        pets=_pets(data.get("pets")),
        lease_term_months=numbers.lease_months(as_text(data.get("lease_term_months"))),
        tour=_tour(data.get("tour"), today),
        message=message(data.get("message") or ""),
        campaign=_short(data.get("campaign")) or _short((data.get("utm") or {}).get("campaign")),
        utm={key[:50]: value[:200] for key, value in (data.get("utm") or {}).items() if value},
        consents=_consents(data.get("consents") or []),
        external_id=_short(data.get("external_id")),
        thread_id=_short(data.get("thread_id")),
        occurred_at=_occurred(data.get("occurred_at")),
        language=(data.get("language") or "").lower(),
        notes=(*notes, *contact_notes),
        unused=tuple(str(key)[:100] for key in data if key not in _SCHEMA.fields and not is_sensitive(str(key)))[:20],
    )


def _identity(
    data: Mapping[str, Any],
) -> tuple[tuple[Value[EmailAddress], ...], tuple[Value[PhoneNumber], ...], tuple[str, ...]]:
    """Addresses and numbers. What is no address at all is the sender's mistake and refused; a placeholder or a stub of
    a number is dropped with a note as long as there is another way to reach the renter."""
    faults: dict[str, list[str]] = {}
    found_emails: dict[str, Value[EmailAddress]] = {}
    found_phones: dict[str, Value[PhoneNumber]] = {}
    notes: list[str] = []
    for pointer, text in _given(data, "email", "emails"):
        values = emails(text)
        found_emails.update({value.value.key: value for value in values})
        if not values and "@" not in text:
            faults[pointer] = ["This is not an e-mail address. Send one like name@example.com, or leave it out."]
        elif not values:
            notes.append("email_unusable")
    for pointer, text in _given(data, "phone", "phones"):
        numbers_found, dropped = phones(text)
        found_phones.update({value.value.e164: value for value in numbers_found})
        notes.extend(dropped or (("phone_unusable",) if not numbers_found else ()))
        if not numbers_found:
            faults.setdefault(pointer, []).append("This is not a telephone number that can be called.")
    if not found_emails and not found_phones:
        faults.setdefault("_schema", []).append("Send at least one usable email or phone; nobody could be reached.")
        raise ValidationError(faults)
    if wrong := {key: text for key, text in faults.items() if key.startswith("email")}:
        raise ValidationError(wrong)
    return tuple(found_emails.values()), tuple(found_phones.values()), tuple(dict.fromkeys(notes))


def _given(data: Mapping[str, Any], one: str, many: str) -> list[tuple[str, str]]:
    found = [(one, data.get(one) or "")] + [(many, text) for text in data.get(many) or []]
    return [(pointer, text) for pointer, text in found if text.strip()]


def _people(person: Mapping[str, Any]) -> tuple[Value[PersonName], ...]:
    return names.person(person.get("given") or "", person.get("family") or "", person.get("name") or "")


def _contact_type(text: str | None) -> tuple[ContactType, tuple[str, ...]]:
    """An unknown word is kept as a note, never a refusal (SPEC §3)."""
    if not text:
        return ContactType.FORM, ()
    try:
        return ContactType(text.strip().lower()), ()
    except ValueError:
        return ContactType.FORM, ("contact_type_unknown",)


def _short(text: str | None) -> Value[str] | None:
    return label_text(text) if text else None


def _hints(place: Mapping[str, Any]) -> tuple[Value[PropertyHint], ...]:
    kinds = (
        ("id", HintKind.PROPERTY_ID),
        ("listing_id", HintKind.LISTING_ID),
        ("name", HintKind.NAME),
        ("address", HintKind.ADDRESS),
    )
    found = ((kind, line(place.get(key) or ""), place.get(key)) for key, kind in kinds)
    return tuple(
        Value(PropertyHint(kind, text), str(raw), f"canonical:{kind.value}") for kind, text, raw in found if text
    )


def _rooms(value: Any) -> Value[Range] | None:
    if isinstance(value, dict):
        low, high = value.get("min"), value.get("max")
        if (low is None and high is None) or not all(side is None or 0 <= side <= 10 for side in (low, high)):
            return None
        return Value(Range(_float(low), _float(high)), as_text(value), "rooms:fields")
    return numbers.rooms(as_text(value))


def _budget(value: Any) -> Value[Range] | None:
    if isinstance(value, dict):
        return numbers.budget_between(as_text(value.get("min")), as_text(value.get("max")))
    return numbers.budget(as_text(value))


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _pets(value: Any) -> Value[Pets] | None:
    if isinstance(value, dict):
        has = value.get("has")
        return (
            Value(Pets(has, line(as_text(value.get("details")))[:200]), as_text(value), "pets:fields")
            if isinstance(has, bool)
            else None
        )
    return pets(as_text(value))


def _tour(tour: Mapping[str, Any] | None, today: Any) -> Value[TourRequest] | None:
    if tour is None:
        return None
    slots = tuple(slot for slot in (dates.local_slot(text, today) for text in tour.get("slots") or ()) if slot)
    return Value(TourRequest(slots, tour.get("kind") or ""), as_text(dict(tour)), "tour:fields")


def _consents(rows: list[Mapping[str, Any]]) -> tuple[Value[Consent], ...]:
    return tuple(
        Value(
            Consent(row["purpose"], row["granted"], line(row.get("wording") or ""), row.get("at")),
            row["purpose"],
            "consent:fields",
        )
        for row in rows
    )


def _occurred(at: datetime | None) -> Value[datetime] | None:
    return Value(at, at.isoformat(), "time:aware") if at is not None else None
