"""MITS lead management as the simulated vendors take and give it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from lxml import etree

from leadsvc.simulators.records import Doc, Records, now

Node = etree._Element

LENGTHS = {"FirstName": 50, "LastName": 50, "Email": 80, "PhoneNumber": 20, "Comments": 1000, "Comment": 1000}
ORDER = ("LastUpdateDate", "Customers", "CustomerPreferences", "Events")
_NONE = "1753-01-01T00:00:00"


def local_name(node: Node) -> str:
    """The name of an element without its namespace."""
    return etree.QName(node).localname


def find(node: Node | None, *path: str) -> Node | None:
    """Step by step the first child of each name."""
    for wanted in path:
        node = next((each for each in node if local_name(each) == wanted), None) if node is not None else None
    return node


def words(node: Node | None, *path: str) -> str:
    """The text at the end of a path; empty where there is none."""
    found = find(node, *path)
    return (found.text or "").strip() if found is not None else ""


def parse(body: bytes | str) -> Node | None:
    """A document, or ``None``."""
    raw = body.encode() if isinstance(body, str) else body
    try:
        return etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


@dataclass(slots=True)
class Inquiry:
    """The one prospect of a document: its ids, the values that are there, its events, and what is wrong with it.
    ``others``: its further customers, each with its names, address, number and ids."""

    ids: dict[str, tuple[str, str]] = field(default_factory=dict)
    values: Doc = field(default_factory=dict)
    others: list[Doc] = field(default_factory=list)
    events: list[Doc] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def inquiry(document: Node) -> Inquiry:
    """Read a ``LeadManagement`` document as strictly as its schema is."""
    found = Inquiry()
    prospect = find(document, "Prospects", "Prospect")
    customer = find(prospect, "Customers", "Customer")
    if local_name(document) != "LeadManagement" or prospect is None or customer is None:
        found.mistakes.append("Required node Customer was not found.")
        return found
    places = [ORDER.index(local_name(each)) for each in prospect if local_name(each) in ORDER]
    if places != sorted(places):
        found.mistakes.append("The elements of Prospect are not in the order of the schema.")
    found.ids = _ids(customer)
    found.values = _person(found, customer)
    more = [each for each in find(prospect, "Customers") or () if local_name(each) == "Customer"][1:]
    found.others = [{**_person(found, each), "ids": _ids(each)} for each in more]
    _preferences(found, find(prospect, "CustomerPreferences"))
    found.events = [_event(each) for each in find(prospect, "Events") or () if local_name(each) == "Event"]
    for node in prospect.iter():
        longest = LENGTHS.get(local_name(node))
        if longest is not None and len(node.text or "") > longest:
            found.mistakes.append(f"{local_name(node)} is longer than {longest} characters.")
    return found


def _ids(customer: Node) -> dict[str, tuple[str, str]]:
    each = [one for one in customer.iterchildren() if local_name(one) == "Identification"]
    return {one.get("IDType", ""): (one.get("IDValue", ""), one.get("OrganizationName", "")) for one in each}


def _person(found: Inquiry, customer: Node) -> Doc:
    values: Doc = {}
    for tag, ours in (("FirstName", "first_name"), ("LastName", "last_name")):
        if find(customer, "Name", tag) is None:
            found.mistakes.append(f"Required node {tag} was not found.")
        values[ours] = words(customer, "Name", tag)
    for ours, said in (("phone", words(customer, "Phone", "PhoneNumber")), ("email", words(customer, "Email"))):
        if said:
            values[ours] = said
    return values


def _preferences(found: Inquiry, node: Node | None) -> None:
    texts = {
        "move_in": words(node, "TargetMoveInDate")[:10],
        "floor_plan_ref": words(node, "DesiredFloorplan"),
        "unit_ref": words(node, "DesiredUnit"),
        "comment": words(node, "Comment"),
    }
    found.values |= {ours: said for ours, said in texts.items() if said}
    rooms, rent = find(node, "DesiredNumBedrooms"), find(node, "DesiredRent")
    if rooms is not None:
        exact = rooms.get("Exact")
        found.values |= {"bedrooms_min": rooms.get("Min", exact), "bedrooms_max": rooms.get("Max", exact)}
    if rent is not None and re.fullmatch(r"\d+(\.\d\d)?", rent.get("Max", "")):
        found.values["budget_max_cents"] = round(float(rent.get("Max", "0")) * 100)


def _event(node: Node) -> Doc:
    by_id = find(node, "Agent", "AgentID")
    name = find(node, "Agent", "AgentName")
    agent = f"{words(name, 'FirstName')} {words(name, 'LastName')}".strip()
    number = find(node, "EventID")
    return {
        "kind": node.get("EventType", ""),
        "at": node.get("EventDate", ""),
        "number": number.get("IDValue", "0") if number is not None else "0",
        "agent_ref": (by_id.get("IDValue", "") if by_id is not None else "") or agent,
        "reason": words(node, "EventReasons"),
        "first": words(node, "FirstContact").lower() == "true",
        "text": words(node, "Comments"),
        "source_name": words(node, "TransactionSource"),
    }


def keep_event(records: Records, card: Doc, event: Doc) -> None:
    """Append an event to a card; one that names an event of the card's takes its place."""
    number = str(event.get("number") or "0")
    old = records.get("event", number)
    key = number if old is not None and old["card_id"] == card["card_id"] else records.number("event", 6)
    kept = {name: value for name, value in event.items() if name != "number"}
    records.put("event", key, {**kept, "event_id": key, "card_id": card["card_id"], "made": now()})


def keep_people(records: Records, card: Doc, others: list[Doc]) -> Doc:
    """Append further customers to a card; one that names the third-party id of somebody there takes their place."""
    people = list(card.get("people", ()))
    for one in others:
        key, whose = one["ids"].get("ThirdPartyID", ("", ""))
        said = {name: value for name, value in one.items() if name != "ids"}
        old = next((each for each in people if key and each["our_key"] == key), None)
        if old is not None:
            old |= said
        else:
            person_id = records.number("person", prefix="r")
            people.append({"person_id": person_id, "our_key": key, "organization": whose, **said})
    return records.change("card", card["card_id"], people=people, updated_at=now()) if others else card


def zone(records: Records, property_id: str) -> ZoneInfo:
    """Where a property is."""
    home = records.get("property", property_id) or {}
    return ZoneInfo(str((home.get("raw") or {}).get("time_zone") or "UTC"))


def local_time(moment: str, where: ZoneInfo) -> str:
    """A UTC time of the records on a property's clock, without offset."""
    at = datetime.fromisoformat(moment).astimezone(where)
    return at.replace(tzinfo=None, microsecond=0).isoformat()


def local_now(where: ZoneInfo) -> str:
    """The time on a property's clock, without offset."""
    return local_time(datetime.now(UTC).isoformat(), where)


def tag(name: str, text: object = None, inner: str = "", **attributes: object) -> str:
    """One element; ``inner`` is XML already."""
    said = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items() if value is not None)
    body = inner + (escape(str(text)) if text not in (None, "") else "")
    return f"<{name}{said}>{body}</{name}>" if body else f"<{name}{said} />"


def american(phone: str) -> str:
    """A number as an agent's screen shows it."""
    digits = re.sub(r"\D", "", phone)[-10:]
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if len(digits) == 10 else phone


def prospect_xml(
    card: Doc,
    ids: str,
    kind: str,
    events: list[Doc],
    updated: str,
    *,
    comment_max: int = 22,
    agents_by_id: bool = False,
    person_ids: Callable[[Doc], str] = lambda person: "",
) -> str:
    """One ``Prospect`` of an answer: every node there, empty or with a day of 1753 where nothing is known.
    ``person_ids``: the identifications of a further customer."""
    move_in = f"{card['move_in']}T00:00:00" if card["move_in"] else _NONE
    lease = tag("Lease", inner=tag("ExpectedMoveInDate", move_in) + tag("ActualMoveIn", _NONE))
    customers = tag("Customer", inner=ids + _contact(card) + lease, Type=kind)
    for person in card.get("people", ()):
        customers += tag("Customer", inner=person_ids(person) + _contact(person), Type="roommate")
    low, high = card["bedrooms_min"], card["bedrooms_max"]
    rooms = {"Exact": low} if low is not None and low == high else {"Min": low, "Max": high}
    rent = tag("DesiredRent", Max=f"{card['budget_max_cents'] / 100:.2f}") if card["budget_max_cents"] else ""
    unit = tag("DesiredUnit", card["unit_ref"]) if card["unit_ref"] else ""
    preferences = (
        tag("TargetMoveInDate", move_in) + tag("DesiredFloorplan", card["floor_plan_ref"]) + unit + rent
        + tag("DesiredNumBedrooms", **rooms) + tag("Comment", card["comment"][:comment_max])
    )  # fmt: skip
    return tag(
        "Prospect",
        inner=tag("LastUpdateDate", updated)
        + tag("Customers", inner=customers)
        + tag("CustomerPreferences", inner=preferences)
        + tag("Events", inner="".join(event_xml(event, by_id=agents_by_id) for event in events)),
    )


def _contact(person: Doc) -> str:
    number, email = person.get("phone"), person.get("email")
    name = tag("NamePrefix") + tag("FirstName", person["first_name"]) + tag("MiddleName")
    phone = tag("Phone", inner=tag("PhoneNumber", american(number)), PhoneType="cell") if number else ""
    return tag("Name", inner=name + tag("LastName", person["last_name"])) + phone + tag("Email", email)


def event_xml(event: Doc, *, by_id: bool = False) -> str:
    """One ``Event`` of an answer."""
    whose = str(event.get("agent_ref") or "")
    first, _, last = whose.partition(" ")
    name = tag("AgentName", inner=tag("FirstName", first or "None") + tag("LastName", last or "None"))
    agent = tag("Agent", inner=tag("AgentID", IDValue=whose) if by_id else name)
    return tag(
        "Event",
        inner=tag("EventID", IDType="", IDValue=event["event_id"])
        + agent
        + tag("EventReasons", event.get("reason") or "None")
        + tag("FirstContact", "true" if event.get("first") else "false")
        + tag("Comments", event["text"])
        + tag("TransactionSource", event.get("source_name")),
        EventType=event["kind"],
        EventDate=event["at"],
    )
