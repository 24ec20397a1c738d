"""Entrata's wire: the parameters that are sent, and its leads in our words. Mountain Time throughout. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadsvc.workers.destinations.base import CardKind, ConfigItem, OutcomeKind, RemoteCard, RemotePerson
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.lenient import pick, remote_id, within
from leadsvc.workers.destinations.local import cents, day, e164, moment_at, ten_digits, unmarked, written
from leadsvc.workers.destinations.rest import Json, objects, text
from leadsvc.workers.destinations.vendors.entrata.verdict import lead_id, person_id, prospects

ZONE = "America/Denver"
MOMENT = "%m/%d/%YT%H:%M:%S"
DAY = "%m/%d/%Y"
COMMENT_MAX = 2000
TEXT_MAX = 1900
GUEST_CARD = "10"
VISIT = "17"
TOUR, APPOINTMENT = "454", "453"
_PAST = timedelta(minutes=1)
# Marks of what hangs on a card begin so; any other is a card's own.
_ENTRIES = ("IN-", "TK-")
_MARKS = re.compile(r"\[ref ([\w.:-]{3,80})\]")
# Operation -> endpoint, method and its version.
METHODS = {
    "send_leads": ("leads", "sendLeads", "r1"),
    "update_leads": ("leads", "updateLeads", "r1"),
    "get_leads_by_email": ("leads", "getLeads", "r1"),
    "get_leads_by_phone": ("leads", "getLeads", "r1"),
    "get_lead": ("leads", "getLeads", "r1"),
    "get_leads_outcomes": ("leads", "getLeads", "r1"),
    "get_lead_pick_lists": ("leads", "getLeadPickLists", "r1"),
    "get_properties": ("properties", "getProperties", "r1"),
    "get_floor_plans": ("properties", "getFloorPlans", "r1"),
    "get_units": ("propertyunits", "getUnitsAvailabilityAndPricing", "r1"),
    "get_status": ("status", "getStatus", "r1"),
}


def whole(value: str) -> int | str:
    """An id as the number that Entrata wants, or as it is where it is none."""
    return int(value) if value.isascii() and value.isdigit() else value


def moment_there(at: datetime) -> str:
    """A time on Entrata's clocks."""
    return written(at, ZONE, MOMENT)


def just_now(now: datetime) -> str:
    """When a lead was made: a little in the past, for a time to come is refused."""
    return moment_there(now - _PAST)


def person(values: Values) -> Json:
    """The customer of a lead, of what ``values`` say."""
    name = {"firstName": values.get("first_name", ""), "lastName": values.get("last_name", "")}
    phone = {"cellPhoneNumber": ten_digits(str(values["phone"]))} if values.get("phone") else {}
    return _full({"name": _full(name), "phone": phone, "email": values.get("email", "")})


def preferences(values: Values) -> Json:
    """What the renter looks for."""
    rooms = sorted(
        {int(values[name]) for name in ("bedrooms_min", "bedrooms_max") if values.get(name) not in (None, "")}
    )
    rent = values.get("budget_max_cents")
    wanted: dict[str, object] = {
        "desiredMoveInDate": _theirs(str(values.get("move_in", ""))),
        "desiredRent": {"max": str(int(rent) // 100)} if rent else {},
        "desiredNumBedrooms": [str(each) for each in rooms] if len(rooms) > 1 else "".join(map(str, rooms)),
    }
    return _full(wanted)


def _theirs(iso: str) -> str:
    return f"{iso[5:7]}/{iso[8:10]}/{iso[:4]}" if re.fullmatch(r"\d{4}-\d\d-\d\d", iso) else ""


def _full(part: Mapping[str, object]) -> Json:
    """A part without what is blank."""
    return {name: value for name, value in part.items() if value not in ("", None, {}, [])}


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a lead. ``at``: when it is or was, UTC; ``due``: an appointment's time as it stands there."""

    event_id: str
    type_id: str
    name: str
    text: str
    at: datetime | None
    due: str
    result: str

    @property
    def ours(self) -> bool:
        return bool(unmarked(self.text)[1])


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead with its events; ``keys``: ours of all guest cards that are marked on it, the first one first."""

    card: RemoteCard
    events: tuple[Event, ...]
    keys: tuple[str, ...]
    lease_id: str
    lease_status: str
    status_id: str
    reason: str


def leads(result: object, property_ref: str, sources: Mapping[str, str]) -> list[Lead]:
    """The leads of a result. ``sources``: names by id."""
    return [_lead(one, property_ref, sources) for one in prospects(result) if lead_id(one)]


def _lead(item: Json, property_ref: str, sources: Mapping[str, str]) -> Lead:
    events = tuple(_event(one) for one in objects(within(item, "events", "event")) if one)
    in_order = sorted(events, key=lambda one: (one.at is None, one.at, one.event_id))
    marks = [(one, key) for one in in_order for key in _MARKS.findall(one.text)]
    keys = tuple(dict.fromkeys(key for _, key in marks if not key.startswith(_ENTRIES)))
    comment = next((unmarked(one.text)[0] for one, key in marks if keys and key == keys[0]), "")
    customers = objects(within(item, "customers", "customer"))
    wishes = pick(item, "customerPreferences")
    source = remote_id(pick(item, "leadSourceId", "originatingLeadSourceId"))
    rooms = sorted(
        int(each) for each in _texts(pick(wishes, "desiredNumBedrooms")) if each.isascii() and each.isdigit()
    )
    person = _person(customers[0] if customers else {})
    fields = {
        **person,
        "move_in": day(text(pick(wishes, "targetMoveInDate", "desiredMoveInDate")), DAY),
        "bedrooms_min": str(rooms[0]) if rooms else "",
        "bedrooms_max": str(rooms[-1]) if rooms else "",
        "budget_max_cents": cents(text(pick(wishes, "desiredMaxRent"))),
        "source_name": text(pick(item, "leadSource")) or sources.get(source, source),
        "comment": comment,
    }
    lease = next(iter(objects(pick(item, "lease"))), {})
    status, lease_status = text(pick(item, "status")), text(pick(lease, "status"))
    card = RemoteCard(
        card_id=lead_id(item),
        person_id=person_id(item),
        status=_kind(status, lease_status),
        raw_status=status,
        property_ref=property_ref,
        our_key=keys[0] if keys else "",
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=tuple(filter(None, (fields["email"],))),
        phones=tuple(filter(None, (person["phone"],))),
        source=fields["source_name"],
        entered_by=text(pick(item, "leasingAgent")),
        updated_at=moment_at(text(pick(item, "lastUpdatedDate", "createdOn")), ZONE, MOMENT),
        fields={name: value for name, value in fields.items() if value},
        others=tuple(_other(one) for one in customers[1:]),
    )
    reason = text(pick(item, "cancellationReason", "lostReason", "eventReason", "reason"))
    return Lead(
        card, events, keys, remote_id(pick(lease, "leaseId")), lease_status, text(pick(item, "statusId")), reason
    )


def _other(customer: Json) -> RemotePerson:
    fields = {name: value for name, value in _person(customer).items() if value}
    return RemotePerson(person_id=remote_id(pick(customer, "customerId")), fields=fields)


def _person(customer: Json) -> dict[str, str]:
    numbers = (e164(text(pick(customer, each))) for each in _PHONES)
    return {
        "first_name": text(pick(customer, "firstName")),
        "last_name": text(pick(customer, "lastName")),
        "email": text(pick(customer, "email")),
        "phone": next(filter(None, numbers), ""),
    }


_PHONES = ("cellPhoneNumber", "mobilePhoneNumber", "personalPhoneNumber", "homePhoneNumber", "phoneNumber")


def _texts(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [part.strip() for each in found for part in text(each).split(",")]


def _event(item: Json) -> Event:
    due, start = text(pick(item, "appointmentDate")), text(pick(item, "timeFrom"))
    at = text(pick(item, "date"))
    return Event(
        event_id=remote_id(pick(item, "eventId", "id")),
        type_id=text(pick(item, "typeId")),
        name=text(pick(item, "type")),
        text=text(pick(item, "comments")),
        at=moment_at(at, ZONE, MOMENT),
        due=f"{due}T{start}"[:16] if due else at[:16],
        result=text(pick(item, "eventResult")),
    )


# -- what became of leads ---------------------------------------------------------------------------------------------

_STATUSES: tuple[tuple[str, CardKind, OutcomeKind | None], ...] = (
    ("guest card", CardKind.PROSPECT, None),
    ("lead", CardKind.PROSPECT, None),
    ("application started", CardKind.PROSPECT, None),
    ("application denied", CardKind.CLOSED, OutcomeKind.DENIED),
    ("application approved", CardKind.APPLICANT, OutcomeKind.APPROVED),
    ("application cancelled", CardKind.CLOSED, OutcomeKind.CANCELLED),
    ("application", CardKind.APPLICANT, OutcomeKind.APPLIED),
    ("lease started", CardKind.APPLICANT, OutcomeKind.APPROVED),
    ("lease", CardKind.APPLICANT, OutcomeKind.LEASED),
    ("cancel", CardKind.CLOSED, OutcomeKind.CANCELLED),
    ("archived", CardKind.CLOSED, OutcomeKind.LOST),
    ("lost", CardKind.CLOSED, OutcomeKind.LOST),
)
_LEASES = {"current": CardKind.RESIDENT, "notice": CardKind.RESIDENT, "past": CardKind.FORMER}

_EVENTS: tuple[tuple[str, OutcomeKind], ...] = (
    ("onsite visit", OutcomeKind.TOURED),
    ("visit", OutcomeKind.TOURED),
    ("tour", OutcomeKind.TOURED),
    ("self-guided", OutcomeKind.TOURED),
    ("virtual", OutcomeKind.TOURED),
    ("call", OutcomeKind.CONTACTED),
    ("outgoing", OutcomeKind.CONTACTED),
    ("email", OutcomeKind.CONTACTED),
    ("text", OutcomeKind.CONTACTED),
    ("chat", OutcomeKind.CONTACTED),
)
_NOT_COME = re.compile(r"no.?show|did not|missed", re.IGNORECASE)
_CALLED_OFF = re.compile(r"cancel", re.IGNORECASE)


def _kind(status: str, lease_status: str) -> CardKind:
    if lease_status.lower() in _LEASES:
        return _LEASES[lease_status.lower()]
    low = status.lower()
    return next(
        (kind for word, kind, _ in _STATUSES if low.startswith(word)), CardKind.OTHER if low else CardKind.PROSPECT
    )


def status_outcome(lead: Lead, by_id: Mapping[str, OutcomeKind]) -> OutcomeKind | None:
    """What the status of a lead says became of it. Names can be edited by each client: ``by_id``, the account's own
    table, comes first; a name that no table knows is ``other``."""
    if lead.lease_status.lower() in ("current", "notice"):
        return OutcomeKind.MOVED_IN
    if lead.status_id in by_id:
        return by_id[lead.status_id]
    low = lead.card.raw_status.lower()
    if not low:
        return None
    return next((kind for word, _, kind in _STATUSES if low.startswith(word)), OutcomeKind.OTHER)


def event_outcome(event: Event) -> OutcomeKind | None:
    """What an event that somebody there noted says became of the lead."""
    low = event.name.lower()
    kind = next((kind for word, kind in _EVENTS if low.startswith(word) or f" {word}" in low), None)
    if kind is not OutcomeKind.TOURED:
        return kind
    if _NOT_COME.search(event.result):
        return OutcomeKind.NO_SHOW
    if _CALLED_OFF.search(event.result):
        return OutcomeKind.CANCELLED
    return OutcomeKind.TOURED if event.result else OutcomeKind.TOUR_SCHEDULED


def told_of(names: Mapping[str, str]) -> list[str]:
    """The ids of at most five event types worth asking for: guest cards and visits, then what says more."""
    useful = [key for key, name in names.items() if event_outcome(Event("", key, name, "", None, "", "x")) is not None]
    return list(dict.fromkeys((GUEST_CARD, VISIT, *useful)))[:5]


def status_table(option: str) -> dict[str, OutcomeKind]:
    """An account's own table of statuses, ``9=leased,6=lost``; what it says wrongly is left out."""
    pairs = (part.partition("=") for part in option.split(","))
    known = OutcomeKind._value2member_map_
    return {key.strip(): OutcomeKind(kind.strip()) for key, _, kind in pairs if kind.strip() in known}


# -- configuration ----------------------------------------------------------------------------------------------------


def attributes(item: Json) -> Json:
    """An entry of a pick list, wherever its id and name stand."""
    inner = item.get("@attributes")
    return inner if isinstance(inner, Mapping) else item


def pick_list(result: object, holder: str, item: str) -> dict[str, str]:
    """Names by id of one list among the pick lists; those of a property lie under its id."""
    homes = pick(result, "Property")
    places = [result, homes, *(homes.values() if isinstance(homes, Mapping) else ())]
    found: dict[str, str] = {}
    for place in places:
        for one in objects(within(place, holder, item)):
            key = remote_id(pick(attributes(one), "Id"))
            if key:
                found[key] = text(pick(attributes(one), "name"))
    return found


def properties(result: object) -> tuple[ConfigItem, ...]:
    return tuple(
        ConfigItem(
            remote_id=text(pick(one, "PropertyID")),
            name=text(pick(one, "MarketingName")),
            active=text(pick(one, "IsDisabled")) not in ("1", "true") and pick(one, "IsDisabled") is not True,
        )
        for one in objects(within(result, "PhysicalProperty", "Property"))
        if text(pick(one, "PropertyID"))
    )


def floor_plans(result: object, home: str) -> tuple[ConfigItem, ...]:
    found = []
    for one in objects(within(result, "FloorPlans", "FloorPlan")):
        key = text(within(one, "Identification", "IDValue")) or text(pick(one, "Id"))
        off = pick(one, "IsDisabled")
        if key:
            active = off is not True and text(off) not in ("1", "true")
            found.append(ConfigItem(remote_id=key, name=text(pick(one, "Name")), active=active, parent=home))
    return tuple(found)


def units(result: object, home: str) -> tuple[ConfigItem, ...]:
    found = []
    for one in objects(within(result, "PropertyUnits", "PropertyUnit")):
        for space in objects(pick(one, "UnitSpace")) or [one]:
            number = text(pick(space, "UnitNumber"))
            key = remote_id(pick(attributes(space), "Id")) or number
            if key:
                found.append(ConfigItem(remote_id=key, name=number or key, parent=home))
    return tuple(found)
