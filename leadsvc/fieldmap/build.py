"""From the texts a map finds to one lead: every value through the same normalisers, nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from leadsvc.fieldmap.extract import Extractor, first_text
from leadsvc.fieldmap.paths import PART
from leadsvc.fieldmap.scene import Scene
from leadsvc.model import (
    CoContact,
    Consent,
    EmailAddress,
    HintKind,
    MoveIn,
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
from leadsvc.normalize.data import email_domains
from leadsvc.normalize.emails import emails, is_vendor, without_tag
from leadsvc.normalize.pets import pet_details, pets
from leadsvc.normalize.phones import phones
from leadsvc.normalize.records import KeyedRecord, MailRecord
from leadsvc.normalize.text import label_text, line, message

Fields = Mapping[str, tuple[Extractor, ...]]
T = TypeVar("T")
_MAX_SLOTS = 10
_MAX_PEOPLE = 10
_MAX_RAW = 500
# Filled crosswise is what holds the other value and nothing else: in running text a number may be anybody's.
_NUMBER_ALONE = re.compile(r"[\d +().\-]{7,30}")


@dataclass(frozen=True, slots=True)
class Reader:
    """The fields of a map applied to one scene. ``today`` is the renter's day, ``region`` where numbers without a
    country code are from."""

    fields: Fields
    scene: Scene
    today: date
    region: str
    relays: frozenset[str]

    def text(self, name: str) -> str:
        """The first text found for a field, empty when there is none."""
        alternatives = self.fields.get(name)
        return first_text(alternatives, self.scene) if alternatives else ""

    def texts(self, name: str) -> list[str]:
        """What every alternative of a field finds."""
        found = (alternative(self.scene) for alternative in self.fields.get(name, ()))
        return [text for text in found if text]

    def value(self, name: str, convert: Callable[[str], Value[T] | None]) -> Value[T] | None:
        """The first alternative that gives a value, not merely a text: "Not answered" leaves room for the next one."""
        for alternative in self.fields.get(name, ()):
            text = alternative(self.scene)
            if text and (value := convert(text)) is not None:
                return value
        return None

    def short(self, name: str) -> Value[str] | None:
        return self.value(name, lambda text: label_text(text, f"{name}:text"))


def read_people(reader: Reader) -> tuple[Value[PersonName], ...]:
    """The renter first, then whoever is named with them."""
    given, family = reader.text("given"), reader.text("family")
    found = names.person(given, family) if given or family else ()
    if not found or not found[0].value.family:
        found = _fuller(found, [names.people(text) for text in reader.texts("name")])
    rows = (row for text in reader.texts("co_applicant") for row in text.split("\n")[:_MAX_PEOPLE])
    others = [other for row in rows for other in names.people(row)]
    known = {person.value.text.casefold() for person in found}
    return (*found, *(other for other in others if other.value.text.casefold() not in known))


def read_co_contacts(reader: Reader) -> tuple[Value[CoContact], ...]:
    """How those who are along with the renter can be reached: a line each, its parts apart by :data:`PART`."""
    rows = [row for text in reader.texts("co_contact") for row in text.split("\n")[:_MAX_PEOPLE]]
    return tuple(found for row in dict.fromkeys(rows) if (found := _co_contact(row, reader.region)) is not None)


def _co_contact(row: str, region: str) -> Value[CoContact] | None:
    words, addresses, numbers_found = [], [], []
    for part in row.split(PART):
        if "@" in part:
            addresses += [each.value.address for each in emails(part)]
        elif found := phones(part, region)[0]:
            numbers_found += [each.value.e164 for each in found]
        else:
            words.append(part)
    if not addresses and not numbers_found:
        return None
    people = names.people(" ".join(words))
    name = people[0].value.text if people else ""
    contact = CoContact(name, tuple(dict.fromkeys(addresses)), tuple(dict.fromkeys(numbers_found)))
    return Value(contact, row[:_MAX_RAW], "co_contact:parts")


def _fuller(
    found: tuple[Value[PersonName], ...], others: Sequence[tuple[Value[PersonName], ...]]
) -> tuple[Value[PersonName], ...]:
    """The first name found, unless a later one says the same given name with a family name: a subject has "Omar",
    the display name "Omar Villanueva"."""
    for other in others:
        if not other:
            continue
        if not found:
            found = other
        elif other[0].value.family and not found[0].value.family and _same_given(found[0], other[0]):
            return other
    return found


def _same_given(one: Value[PersonName], other: Value[PersonName]) -> bool:
    return one.value.given.casefold().split()[:1] == other.value.given.casefold().split()[:1]


def read_emails(reader: Reader) -> tuple[Value[EmailAddress], ...]:
    """The renter's own addresses; only when there is none, the relay the renter can be reached through. Never the
    advertiser's, the receiving mailbox's or the listing contact's."""
    exclude = _not_the_renter(reader)
    relayed: tuple[Value[EmailAddress], ...] = ()
    swapped = (text for text in reader.texts("phone") if "@" in text and len(text.split()) == 1)
    for text in (*reader.texts("email"), *swapped):
        found = [_with_relay(value, reader.relays) for value in emails(text, exclude=exclude)]
        own = tuple(value for value in found if not value.value.relay and not is_vendor(value.value.address))
        if own:
            return own
        relayed = relayed or tuple(value for value in found if value.value.relay)
    return relayed


def _not_the_renter(reader: Reader) -> set[str]:
    exclude = {without_tag(value.value.address) for text in reader.texts("not_renter") for value in emails(text)}
    record = reader.scene.record
    if not isinstance(record, KeyedRecord):
        public = email_domains().public
        # Whoever forwarded the mail by hand is no renter either.
        forwarder = record.forwarder if isinstance(record, MailRecord) else ""
        own = record.recipients + ((forwarder,) if forwarder else ())
        for address in own:
            domain = address.rpartition("@")[2]
            exclude.add(without_tag(address))
            if domain not in public:
                exclude.add(f"@{domain}")
    return exclude


def _with_relay(value: Value[EmailAddress], relays: frozenset[str]) -> Value[EmailAddress]:
    address = value.value
    if address.relay or address.address.rpartition("@")[2] not in relays:
        return value
    return Value(EmailAddress(address.address, address.address, relay=True), value.raw, "email:relay")


def read_phones(reader: Reader) -> tuple[tuple[Value[PhoneNumber], ...], tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    swapped = (text for text in reader.texts("email") if _NUMBER_ALONE.fullmatch(text.strip()))
    for text in (*reader.texts("phone"), *swapped):
        found, dropped = phones(text, reader.region)
        if found:
            return found, ()
        notes = notes or dropped
    return (), notes


def read_property(reader: Reader) -> tuple[tuple[Value[PropertyHint], ...], Value[str] | None]:
    """Everything that points at the property, in the order of trust, and the unit when one is named."""
    hints: list[Value[PropertyHint]] = []
    for name, kind in _ID_HINTS:
        hints.extend(_hint(kind, text) for text in reader.texts(name)[:1] if line(text))
    unit = reader.short("unit")
    raw = reader.text("address")
    found = split_address(line(raw)) if raw else None
    street, city = reader.text("street"), reader.text("city")
    if street:
        parts = split_address(line(street))
        full = ", ".join(part for part in (parts.street or line(street), line(city), _state_and_code(reader)) if part)
        hints.append(Value(PropertyHint(HintKind.ADDRESS, full), street, "address:parts"))
        unit = unit or label_text(parts.unit)
    elif found is not None and found.street:
        tail = f"{found.state} {found.postal_code}".strip()
        full = ", ".join(part for part in (found.street, found.city, tail) if part)
        hints.append(Value(PropertyHint(HintKind.ADDRESS, full), raw, "address:line"))
        unit = unit or label_text(found.unit)
    if unit is not None:
        bare = re.sub(r"^(?:apartment|apt|unit|suite|ste|#|no)\b\.?\s*#?\s*|^#\s*", "", unit.value, flags=re.IGNORECASE)
        unit = Value(bare, unit.raw, "unit:bare") if bare else None
    return tuple(sorted(hints, key=lambda hint: _TRUST[hint.value.kind])), unit


_ID_HINTS = (
    ("property_id", HintKind.PROPERTY_ID),
    ("listing_id", HintKind.LISTING_ID),
    ("property_name", HintKind.NAME),
    ("mailbox_tag", HintKind.MAILBOX_TAG),
)
_TRUST = {kind: rank for rank, kind in enumerate(HintKind)}


def _hint(kind: HintKind, text: str) -> Value[PropertyHint]:
    return Value(PropertyHint(kind, line(text)[:300]), text, f"{kind.value}:text")


def _state_and_code(reader: Reader) -> str:
    return f"{line(reader.text('state'))} {line(reader.text('postal_code'))}".strip()


def read_rooms(reader: Reader) -> tuple[Value[Range] | None, Value[Range] | None]:
    beds, baths = reader.value("bedrooms", numbers.rooms), reader.value("bathrooms", numbers.baths)
    if text := reader.text("beds_baths"):
        both = numbers.beds_baths(text)
        beds, baths = beds or both[0], baths or both[1]
    return beds, baths


def read_move_in(reader: Reader) -> Value[MoveIn] | None:
    """The first alternative that names a day; else the first words said."""
    said: Value[MoveIn] | None = None
    for text in reader.texts("move_in"):
        value = dates.move_in(text, reader.today)
        if value is not None and value.value.on is not None:
            return value
        said = said or value
    return said


def read_budget(reader: Reader) -> Value[Range] | None:
    low, high = reader.text("budget_min"), reader.text("budget_max")
    if low or high:
        return numbers.budget_between(low, high)
    return reader.value("budget", numbers.budget)


def read_pets(reader: Reader) -> Value[Pets] | None:
    return reader.value("pet_details", pet_details) or reader.value("pets", pets)


def read_tour(reader: Reader) -> Value[TourRequest] | None:
    """Wanted times, or the bare wish to see the place."""
    raw = "\n".join(reader.texts("tour_slots"))
    wanted = [dates.local_slot(text, reader.today) for text in re.split(r"[\n;|]+", raw)[:_MAX_SLOTS]]
    slots = tuple(slot for slot in wanted if slot)
    kind = _tour_kind(reader.text("tour_kind"))
    asked = reader.text("tour_requested")
    if not slots and numbers.yes_no(asked) is not True and not re.search(r"tour", asked, re.IGNORECASE):
        return None
    return Value(TourRequest(slots, kind), raw or asked, "tour:slots" if slots else "tour:asked")


def _tour_kind(text: str) -> str:
    lower = text.lower()
    if "video" in lower or "virtual" in lower:
        return "video"
    if "self" in lower:
        return "self_guided"
    return "in_person" if "person" in lower or "guided" in lower else ""


def read_consents(reader: Reader, at: datetime | None) -> tuple[Value[Consent], ...]:
    found = []
    for purpose in ("text", "call", "email"):
        text = reader.text(f"consent_{purpose}")
        granted = numbers.yes_no(text)
        if granted is not None:
            wording = line(reader.text("consent_wording"))
            found.append(Value(Consent(purpose, granted, wording, at), text, "consent:yes_no"))
    return tuple(found)


def read_message(reader: Reader) -> Value[str] | None:
    return reader.value("message", message)


FIELDS = frozenset({
    "name", "given", "family", "co_applicant", "co_contact", "email", "not_renter", "phone",
    "property_id", "listing_id", "mailbox_tag", "property_name", "address", "street", "unit", "city", "state",
    "postal_code", "floor_plan", "agent", "bedrooms", "bathrooms", "beds_baths", "move_in", "budget", "budget_min",
    "budget_max", "occupants", "pets", "pet_details", "lease_term", "tour_requested", "tour_slots", "tour_kind",
    "message", "campaign", "external_id", "thread_id", "occurred_at", "language", "source", "contact_type",
    "consent_text", "consent_call", "consent_email", "consent_wording",
})  # fmt: skip
