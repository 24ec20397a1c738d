"""Writing a MITS lead management document, in the ways in which vendors and versions differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.mits import TEXT_MAX, Companion, Event, Identification, national, one_line, stamp
from leadsvc.workers.destinations.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What differs between vendors and versions. ``namespace`` of the document; ``agents_by``: ``name`` or ``id``;
    ``event_ids``: whether a new event says so, by the id ``0``."""

    namespace: str = ""
    agents_by: str = "name"
    event_ids: bool = True


class _Writer:
    """Appends elements of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}" if namespace else ""

    def add(self, parent: Node, tag: str, words: str | None = None, **attributes: str) -> Node:
        node = etree.SubElement(
            parent, f"{self._prefix}{tag}", {key: one_line(value) for key, value in attributes.items()}
        )
        if words is not None:
            node.text = words if words == " " else one_line(words)
        return node


def document(
    dialect: Dialect,
    ids: Sequence[Identification],
    values: Values,
    events: Sequence[Event],
    updated_at: datetime | None = None,
    beside: Sequence[Companion] = (),
) -> Node:
    """``LeadManagement`` with one prospect. ``values`` by our field names; source and agent belong to the events.
    ``beside``: who is a customer of it too."""
    namespace = dialect.namespace
    root = etree.XML(f'<LeadManagement xmlns="{namespace}"/>' if namespace else "<LeadManagement/>")
    write = _Writer(namespace)
    prospect = write.add(write.add(root, "Prospects"), "Prospect")
    if updated_at is not None:
        write.add(prospect, "LastUpdateDate", stamp(updated_at))
    customers = write.add(prospect, "Customers")
    _customer(write, customers, "prospect", ids, values)
    for one in beside:
        _customer(write, customers, "roommate", one.ids, one.values)
    _preferences(write, prospect, values)
    if events:
        holder = write.add(prospect, "Events")
        for event in events:
            _event(write, holder, dialect, event)
    return root


def _customer(
    write: _Writer, parent: Node, kind: str, ids: Sequence[Identification], values: Mapping[str, str | int]
) -> None:
    customer = write.add(parent, "Customer", Type=kind)
    for one in ids:
        organization = {"OrganizationName": one.organization} if one.organization else {}
        write.add(customer, "Identification", IDType=one.kind, IDValue=one.value, **organization)
    name = write.add(customer, "Name")
    # A name that is missing is refused, a blank one is taken.
    write.add(name, "FirstName", _words(values, "first_name") or " ")
    write.add(name, "LastName", _words(values, "last_name") or " ")
    if phone := national(_words(values, "phone")):
        write.add(write.add(customer, "Phone", PhoneType="cell"), "PhoneNumber", phone[:20])
    if email := _words(values, "email"):
        write.add(customer, "Email", email)
    if move_in := _words(values, "move_in"):
        write.add(write.add(customer, "Lease"), "ExpectedMoveInDate", move_in)


def _preferences(write: _Writer, prospect: Node, values: Values) -> None:
    texts = (("TargetMoveInDate", "move_in"), ("DesiredFloorplan", "floor_plan_ref"), ("DesiredUnit", "unit_ref"))
    rooms = _range(values.get("bedrooms_min"), values.get("bedrooms_max"))
    budget = values.get("budget_max_cents")
    comment = _words(values, "comment")
    if not (rooms or budget or comment or any(_words(values, ours) for _, ours in texts)):
        return
    holder = write.add(prospect, "CustomerPreferences")
    for tag, ours in texts:
        if words := _words(values, ours):
            write.add(holder, tag, words)
    if budget:
        write.add(holder, "DesiredRent", Max=dollars(int(budget)))
    if rooms:
        write.add(holder, "DesiredNumBedrooms", **rooms)
    if comment:
        write.add(holder, "Comment", comment[:TEXT_MAX])


def _words(values: Mapping[str, str | int], name: str) -> str:
    return one_line(str(values.get(name) or ""))


def _range(low: str | int | None, high: str | int | None) -> dict[str, str]:
    if low is None and high is None:
        return {}
    if str(low) == str(high):
        return {"Exact": str(low)}
    return {name: str(value) for name, value in (("Min", low), ("Max", high)) if value is not None}


def dollars(cents: int) -> str:
    """Money as it is written: whole dollars where there are no cents."""
    return str(cents // 100) if cents % 100 == 0 else f"{cents / 100:.2f}"


def _event(write: _Writer, parent: Node, dialect: Dialect, event: Event) -> None:
    node = write.add(parent, "Event", EventType=event.kind, EventDate=stamp(event.at))
    if dialect.event_ids or event.event_id not in ("", "0"):
        write.add(node, "EventID", IDValue=event.event_id or "0")
    if event.agent:
        _agent(write, write.add(node, "Agent"), dialect, event.agent)
    if event.reason:
        write.add(node, "EventReasons", event.reason)
    write.add(node, "FirstContact", "true" if event.first_contact else "false")
    write.add(node, "Comments", one_line(event.text)[:TEXT_MAX])
    if event.source:
        write.add(node, "TransactionSource", event.source)


def _agent(write: _Writer, node: Node, dialect: Dialect, agent: str) -> None:
    if dialect.agents_by == "id":
        write.add(node, "AgentID", IDValue=agent)
        return
    first_name, _, last_name = agent.partition(" ")
    name = write.add(node, "AgentName")
    write.add(name, "FirstName", first_name[:50])
    write.add(name, "LastName", last_name[:50] or " ")
