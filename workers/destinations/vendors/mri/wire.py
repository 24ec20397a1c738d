"""MRI's wire: the entries that are sent, and its guest cards in our words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from leadsvc.workers.destinations.base import CardKind, ConfigItem, OutcomeKind, RemoteCard, RemoteOutcome
from leadsvc.workers.destinations.entries import mark
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.lenient import fold, pick, remote_id
from leadsvc.workers.destinations.local import day, e164, moment_at, unmarked
from leadsvc.workers.destinations.rest import Json, objects, text
from leadsvc.workers.destinations.verdicts import sound

GUEST_CARDS = "MRI_S-PMRM_GuestCardsBySiteID"
INTERACTIONS = "MRI_S-PMRM_ResidentialInteractionsByNameID"
RESIDENTS = "MRI_S-PMRM_ResidentsByPropertyID"
PENDING = "MRI_S-PMRM_PendingMoveIns"
PROPERTIES = "MRI_S-PMRM_PropertiesByEntityID"
TOP = 300
NOTES_MAX = 30
INTERACTION_MAX = 1000
KINDS: Mapping[str, str] = {
    "email": "EM",
    "form": "EM",
    "call": "PH",
    "text": "TX",
    "chat": "CH",
    "walk_in": "WI",
    "tour_booking": "EM",
    "note": "EM",
}
_PERSON = ("NameID", "FirstName", "LastName", "PropertyID", "Notes", "Email", "Phone", "Type")
_WISHES = ("DidNotLeaseReason", "Beds", "Baths", "DesiredMoveInDate", "TotalOccupants", "DesiredLeaseTerm", "VisitDate")
_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")


def document(api: str, entry: Mapping[str, object]) -> bytes:
    """The XML of one entry of an API; a part in it is an entry of its own."""
    root = etree.Element(api.lower())
    _fill(etree.SubElement(root, "entry"), entry)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _fill(node: etree._Element, entry: Mapping[str, object]) -> None:
    for name, value in entry.items():
        child = etree.SubElement(node, name)
        if isinstance(value, Mapping):
            _fill(etree.SubElement(child, "entry"), value)
        else:
            child.text = sound(str(value)).replace("\ufffe", "").replace("\uffff", "")


def phone_there(phone: str) -> str:
    """A phone as MRI writes them."""
    found = _NORTH_AMERICAN.fullmatch(phone)
    return f"{found[1]}-{found[2]}-{found[3]}" if found else phone


def marked_first(text: str, key: str, longest: int) -> str:
    """Our mark with as much of ``text`` behind it as fits: what is cut at the end is never the mark."""
    return f"{mark(key)} {sound(text)}"[:longest].strip()


def new_entry(values: Values, key: str, home: str, today: date, longest: int) -> Json:
    """The entry of a new guest card."""
    wishes = {**dict.fromkeys(_WISHES, ""), "VisitDate": today.isoformat()}
    blank = {**dict.fromkeys(_PERSON, ""), "PropertyID": home, "Type": "P", "Notes": marked_first("", key, longest)}
    return over({**blank, "ProspectiveTenant": wishes}, values)


def over(entry: Json, values: Values) -> Json:
    """An entry with ``values`` written over it."""
    names = {"first_name": "FirstName", "last_name": "LastName", "email": "Email"}
    person = {theirs: values[ours] for ours, theirs in names.items() if ours in values}
    if "phone" in values:
        person["Phone"] = phone_there(str(values["phone"]))
    wished = {"bedrooms_max": "Beds", "move_in": "DesiredMoveInDate"}
    part = entry.get("ProspectiveTenant")
    wishes = {**(part if isinstance(part, Mapping) else {})}
    wishes |= {theirs: values[ours] for ours, theirs in wished.items() if ours in values}
    return {**entry, **person, "ProspectiveTenant": wishes}


def entry_of(item: Json) -> Json:
    """An entry as it can be sent back, out of one that was read: all that the API takes, and nothing else."""
    wishes = tenant(item)
    inner = {name: text(pick(wishes, name)) for name in _WISHES}
    inner |= {name: day(inner[name]) for name in ("DesiredMoveInDate", "VisitDate")}
    return {**{name: text(pick(item, name)) for name in _PERSON}, "ProspectiveTenant": inner}


def tenant(item: Json) -> Json:
    """The prospective-tenant part of a guest card."""
    part = pick(item, "ProspectiveTenant")
    inner = pick(part, "entry")
    found = objects(part if inner is None else inner)
    return found[0] if found else {}


_KINDS = {"a": CardKind.APPLICANT, "r": CardKind.RESIDENT, "p": CardKind.PROSPECT, "": CardKind.PROSPECT}


def remote_card(item: Json) -> RemoteCard:
    """A guest card in our words."""
    wishes = tenant(item)
    phone = e164(text(pick(item, "Phone")))
    letter = text(pick(item, "Type", "ProspectApplicantResident"))
    lost = text(pick(wishes, "DidNotLeaseReason"))
    kind = _KINDS.get(letter.lower(), CardKind.OTHER)
    beds = text(pick(wishes, "Beds"))
    fields = {
        "first_name": text(pick(item, "FirstName")),
        "last_name": text(pick(item, "LastName")),
        "email": text(pick(item, "Email")),
        "phone": phone,
        "move_in": day(text(pick(wishes, "DesiredMoveInDate"))),
        "bedrooms_max": beds.removesuffix(".0"),
    }
    own = remote_id(pick(item, "NameID"))
    return RemoteCard(
        card_id=own,
        person_id=own,
        status=CardKind.CLOSED if lost and kind is CardKind.PROSPECT else kind,
        raw_status=letter,
        property_ref=text(pick(item, "PropertyID")),
        our_key=unmarked(text(pick(item, "Notes")))[1],
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=tuple(filter(None, (fields["email"],))),
        phones=tuple(filter(None, (phone,))),
        updated_at=moment_at(text(pick(item, "LastUpdateDate", "LastUpdate")), "UTC"),
        fields={name: value for name, value in fields.items() if value},
    )


def following(value: object) -> dict[str, str]:
    """What the next page is asked for with: only the place is taken from the link, never where it leads to."""
    link = text(pick(value, "nextLink", "odata.nextLink"))
    try:
        asked = parse_qs(urlsplit(link).query) if link else {}
    except ValueError:
        return {}
    return {name: asked[name][0] for name in ("$skip", "_next") if asked.get(name)}


# -- what became of guest cards ---------------------------------------------------------------------------------------

_STATUSES: Mapping[str, OutcomeKind] = {
    "contacted": OutcomeKind.CONTACTED,
    "appointment": OutcomeKind.TOUR_SCHEDULED,
    "visited": OutcomeKind.TOURED,
    "toured": OutcomeKind.TOURED,
    "noshow": OutcomeKind.NO_SHOW,
    "approved": OutcomeKind.APPROVED,
    "denied": OutcomeKind.DENIED,
    "cancelled": OutcomeKind.CANCELLED,
    "canceled": OutcomeKind.CANCELLED,
    "lost": OutcomeKind.LOST,
}
_LETTERS = {"a": OutcomeKind.APPLIED, "r": OutcomeKind.MOVED_IN}


def outcome(item: Json, time_zone: str, table: Mapping[str, OutcomeKind]) -> RemoteOutcome | None:
    """What a record of the residents' list says became of a guest card: its status by the account's own ``table``
    first, a reason not to lease, else what kind of record it is. ``None`` for a prospect of whom nothing is said."""
    own = remote_id(pick(item, "NameId", "ResidentNameID"))
    at = moment_at(text(pick(item, "LastUpdateDate")), time_zone)
    status, letter = text(pick(item, "Status")), text(pick(item, "ProspectApplicantResident")).lower()
    reason = text(pick(item, "DidNotLeaseReason"))
    kind: OutcomeKind | None = _LETTERS.get(letter)
    if kind is None and reason:
        kind = OutcomeKind.LOST
    elif kind is None and status:
        kind = table.get(status.casefold()) or _STATUSES.get(fold(status), OutcomeKind.OTHER)
    if kind is None or at is None or not own:
        return None
    word = status or letter.upper()
    return RemoteOutcome(
        card_id=own,
        person_id=own,
        kind=kind,
        at=at,
        raw_status=word,
        lease_id=remote_id(pick(item, "LeaseId")),
        reason=reason,
        remote_ref=f"{own}:{letter}:{word}:{reason}",
    )


def pending(item: Json, time_zone: str) -> RemoteOutcome | None:
    """A lease that is signed and not moved into."""
    own = remote_id(pick(item, "ResidentID", "NameID"))
    at = moment_at(text(pick(item, "LastUpdateDate", "LeaseSignDate", "ScheduledMoveInDate")), time_zone)
    if not own or at is None:
        return None
    lease = remote_id(pick(item, "LeaseID"))
    status = text(pick(item, "ResidentStatus"))
    return RemoteOutcome(
        card_id=own,
        person_id=own,
        kind=OutcomeKind.LEASED,
        at=at,
        raw_status=status,
        lease_id=lease,
        remote_ref=f"{own}:lease:{lease or status}",
    )


def status_table(option: str) -> dict[str, OutcomeKind]:
    """An account's own table of statuses, ``V=toured,L=lost``; what it says wrongly is left out."""
    pairs = (part.partition("=") for part in option.split(","))
    known = OutcomeKind._value2member_map_
    return {name.strip().casefold(): OutcomeKind(kind.strip()) for name, _, kind in pairs if kind.strip() in known}


def kind_table(option: str) -> dict[str, str]:
    """Codes of interactions by contact type, as in ``email=EM,call=PH``, over the usual ones."""
    pairs = (part.partition("=") for part in option.split(","))
    return {**KINDS, **{kind.strip(): code.strip() for kind, _, code in pairs if kind.strip() and code.strip()}}


def config_item(item: Json, ids: tuple[str, ...], names: tuple[str, ...], parent: str) -> ConfigItem | None:
    own = text(pick(item, *ids))
    return ConfigItem(remote_id=own, name=text(pick(item, *names)) or own, parent=parent) if own else None
