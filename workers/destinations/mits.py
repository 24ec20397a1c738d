"""MITS lead management: the document that Yardi and ResMan take, and what is in the ones they give. Pure.

Written strictly (the order of the elements, lengths, enumerations, one line, local times without offset) and read
leniently: prefixes, missing parts and one object for a list are forgiven; days before 1900 mean that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadsvc.workers.destinations.base import CardKind
from leadsvc.workers.destinations.lenient import remote_id
from leadsvc.workers.destinations.tree import Node, every, first, said, text
from leadsvc.workers.destinations.verdicts import sound

TEXT_MAX = 1000
MAX_LEN = {"first_name": 50, "last_name": 50, "email": 80, "phone": 20, "comment": TEXT_MAX, "event_text": TEXT_MAX}

_NOT_XML = re.compile("[\ufffe\uffff]")
_SPACES = re.compile(r"\s+")
_NO_DAY_BEFORE = 1900
_KINDS = {
    "guest": CardKind.PROSPECT,
    "prospect": CardKind.PROSPECT,
    "other": CardKind.PROSPECT,
    "applicant": CardKind.APPLICANT,
    "approved_applicant": CardKind.APPLICANT,
    "denied_applicant": CardKind.CLOSED,
    "canceled": CardKind.CLOSED,
    "cancelled": CardKind.CLOSED,
    "lost": CardKind.CLOSED,
    "customer": CardKind.RESIDENT,
    "future_resident": CardKind.RESIDENT,
    "current_resident": CardKind.RESIDENT,
    "resident": CardKind.RESIDENT,
    "former_resident": CardKind.FORMER,
}


# -- what a document is made of --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identification:
    """An id of the person at somebody: ours (``ThirdPartyID``), the vendor's, the property's."""

    kind: str
    value: str
    organization: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event to write or as it was read. ``at`` is local to the property; ``agent`` is an id or a name."""

    kind: str
    at: datetime
    text: str = ""
    source: str = ""
    agent: str = ""
    reason: str = ""
    event_id: str = "0"
    first_contact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A further customer of a prospect, to write or as it was read; ``values`` by our field names."""

    ids: tuple[Identification, ...] = ()
    values: Mapping[str, str | int] = field(default_factory=dict)

    def id(self, kind: str, organization: str = "") -> str:
        """See :meth:`Prospect.id`."""
        return _id(self.ids, kind, organization)


def one_line(words: str) -> str:
    """Text that any XML takes, on one line: some servers choke on a line break."""
    return _SPACES.sub(" ", _NOT_XML.sub("", sound(words))).strip()


def stamp(at: datetime) -> str:
    """A local time as it is written: no offset, no fractions."""
    return at.replace(tzinfo=None, microsecond=0).isoformat()


def local(at: datetime, zone: str) -> datetime:
    """``at`` on the clock of a property; UTC where the zone is not known."""
    return at.astimezone(_zone(zone)).replace(tzinfo=None, microsecond=0)


def instant(at: datetime, zone: str) -> datetime:
    """The moment at which a property's clock shows ``at``."""
    return at.replace(tzinfo=_zone(zone)).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def national(phone: str) -> str:
    """A number as North American systems keep it: ten digits where it is one of theirs, else with its country."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) == 11 and digits.startswith("1"):
        return digits[1:]
    return f"+{digits}" if phone.startswith("+") else digits


def e164(written: str) -> str:
    """A number in whatever way it is written, with its country; empty when there are no digits."""
    digits = re.sub(r"\D", "", written)
    if len(digits) == 10 and not written.lstrip().startswith("+"):
        return f"+1{digits}"
    return f"+{digits}" if digits else ""


# -- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One prospect as it was read; ``ids`` by the lower-case type of the identification, each with its organisation.
    ``values`` by our field names, as text. ``others``: its customers but the first. Times are local to the property."""

    ids: tuple[Identification, ...] = ()
    kind: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    updated_at: datetime | None = None
    others: tuple[Companion, ...] = ()

    def id(self, kind: str, organization: str = "") -> str:
        """The first id of a type, of one organisation where given and where the id names one."""
        return _id(self.ids, kind, organization)

    @property
    def status(self) -> CardKind:
        return _KINDS.get(self.kind, CardKind.OTHER)

    @property
    def name(self) -> str:
        return f"{self.values.get('first_name', '')} {self.values.get('last_name', '')}".strip()

    @property
    def first_event(self) -> Event | None:
        """How the contact began: what says so, else the earliest event."""
        said_so = [event for event in self.events if event.first_contact]
        return min(said_so or self.events, key=lambda event: event.at, default=None)


def _id(ids: Sequence[Identification], kind: str, organization: str) -> str:
    for one in ids:
        fits = not organization or not one.organization or one.organization.casefold() == organization.casefold()
        if one.kind == kind.lower() and fits:
            return one.value
    return ""


def prospects(result: Node | None) -> tuple[Prospect, ...]:
    """All prospects of an answer, in its order."""
    return tuple(_prospect(each) for each in every(result, "prospect"))


def _prospect(node: Node) -> Prospect:
    customers = every(node, "customer")
    customer = customers[0] if customers else node
    events = tuple(one for one in map(_read_event, every(node, "event")) if one is not None)
    phones, emails = _phones(customer), _emails(customer)
    values = _values(customer, node, emails, phones)
    begun = Prospect(events=events).first_event
    if begun is not None:
        values |= {"source_name": begun.source, "agent_ref": begun.agent}
        # The comment comes back cut; the first event may have it whole.
        if values["comment"] and begun.text.startswith(values["comment"].rstrip(".… ")):
            values["comment"] = begun.text
    return Prospect(
        ids=tuple(_identification(one) for one in every(customer, "identification")),
        kind=attribute(customer, "Type").lower(),
        values={key: value for key, value in values.items() if value},
        emails=emails,
        phones=phones,
        events=events,
        updated_at=moment(said(node, "lastupdatedate")),
        others=tuple(map(_companion, customers[1:])),
    )


def _companion(customer: Node) -> Companion:
    name = first(customer, "name")
    values = {
        "first_name": said(name, "firstname"),
        "last_name": said(name, "lastname"),
        "email": next(iter(_emails(customer)), ""),
        "phone": next(iter(_phones(customer)), ""),
    }
    return Companion(
        ids=tuple(_identification(one) for one in every(customer, "identification")),
        values={key: value for key, value in values.items() if value},
    )


def _phones(customer: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (e164(text(one)) for one in every(customer, "phonenumber")))))


def _emails(customer: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (text(one) for one in every(customer, "email")))))


def _values(customer: Node, node: Node, emails: Sequence[str], phones: Sequence[str]) -> dict[str, str]:
    preferences = first(node, "customerpreferences")
    name = first(customer, "name")
    rooms = first(preferences, "desirednumbedrooms")
    low, high, exact = (_count(rooms, each) for each in ("Min", "Max", "Exact"))
    wanted = day(said(preferences, "targetmoveindate")) or day(said(customer, "expectedmoveindate"))
    return {
        "first_name": said(name, "firstname"),
        "last_name": said(name, "lastname"),
        "email": emails[0] if emails else "",
        "phone": phones[0] if phones else "",
        "move_in": wanted.isoformat() if wanted else "",
        "bedrooms_min": exact or low,
        "bedrooms_max": exact or high,
        "budget_max_cents": _cents(first(preferences, "desiredrent")),
        "floor_plan_ref": said(preferences, "desiredfloorplan"),
        "unit_ref": said(preferences, "desiredunit"),
        "comment": said(preferences, "comment"),
    }


def _count(node: Node | None, name: str) -> str:
    digits = attribute(node, name).split(".")[0]
    return str(int(digits)) if digits.isascii() and digits.isdigit() and len(digits) < 4 else ""


def _cents(node: Node | None) -> str:
    for name in ("Max", "Exact"):
        written = re.sub(r"[$,\s]", "", attribute(node, name))
        if re.fullmatch(r"\d{1,9}(?:\.\d{1,4})?", written):
            cents = round(float(written) * 100)
            return str(cents) if cents else ""
    return ""


def _identification(node: Node) -> Identification:
    return Identification(
        attribute(node, "IDType").lower(), remote_id(attribute(node, "IDValue")), attribute(node, "OrganizationName")
    )


def _read_event(node: Node) -> Event | None:
    at = moment(attribute(node, "EventDate"))
    if at is None:
        return None
    agent = first(node, "agent")
    by_id = attribute(first(agent, "agentid"), "IDValue")
    by_name = f"{said(first(agent, 'agentname'), 'firstname')} {said(first(agent, 'agentname'), 'lastname')}".strip()
    return Event(
        kind=attribute(node, "EventType"),
        at=at,
        text=said(node, "comments"),
        source=said(node, "transactionsource"),
        agent=by_id or ("" if by_name == "None None" else by_name),
        reason=_reason(said(node, "eventreasons")),
        event_id=remote_id(attribute(first(node, "eventid"), "IDValue")),
        first_contact=said(node, "firstcontact").lower() in ("true", "1", "yes"),
    )


def _reason(words: str) -> str:
    return "" if words.lower() == "none" else words


def attribute(node: Node | None, name: str) -> str:
    """An attribute whatever the case and prefix of its name."""
    if node is None:
        return ""
    for key, value in node.attrib.items():
        if str(key).rpartition("}")[2].lower() == name.lower():
            return one_line(str(value))
    return ""


def moment(written: str) -> datetime | None:
    """A local time as it is written; ``None`` for one that means that there is none. An offset is taken away."""
    try:
        at = datetime.fromisoformat(written.strip())
    except ValueError:
        return None
    return at.replace(tzinfo=None) if at.year >= _NO_DAY_BEFORE else None


def day(written: str) -> date | None:
    """A day as it is written, with or without a time."""
    at = moment(written)
    return at.date() if at else None
