"""What Voyager's configuration answers hold, in our words. Pure."""

from __future__ import annotations

from leadsvc.workers.destinations.base import ConfigItem, ConfigKind
from leadsvc.workers.destinations.mits import attribute
from leadsvc.workers.destinations.tree import Node, children, every, first, name, said, text

_PROPERTY_FIELDS = ("MarketingName", "AddressLine1", "AddressLine2", "AddressLine3", "City", "State", "PostalCode")
_NAMES = {ConfigKind.AGENT: "agentname", ConfigKind.SOURCE: "sourcename"}
_RANGES = ("MarketRent", "SquareFeet", "EffectiveRent")
_GONE = ("occupied", "leased", "unavailable")


def properties(node: Node | None) -> tuple[ConfigItem, ...]:
    """The properties that are switched on for the interface."""
    items = []
    for each in every(node, "property"):
        code = said(each, "code", "propertycode")
        if code:
            raw: dict[str, object] = {field: said(each, field.lower()) for field in _PROPERTY_FIELDS}
            items.append(ConfigItem(remote_id=code, code=code, name=said(each, "marketingname") or code, raw=raw))
    return tuple(items)


def names(node: Node | None, kind: ConfigKind, home: str) -> tuple[ConfigItem, ...]:
    """Agents or sources of a property: they have no id but their name. An inactive one is kept, as not usable."""
    found: dict[str, ConfigItem] = {}
    for each in every(node, _NAMES[kind]):
        called = text(each)
        inactive = attribute(each, "InactiveDate")
        if called:
            raw = {"InactiveDate": inactive}
            found[called] = ConfigItem(remote_id=called, name=called, active=not inactive, parent=home, raw=raw)
    return tuple(found.values())


def homes(node: Node | None, kind: ConfigKind, home: str) -> tuple[ConfigItem, ...]:
    """Floor plans or units of a property."""
    tag = "floorplan" if kind is ConfigKind.FLOOR_PLAN else "ils_unit"
    make = _plan if kind is ConfigKind.FLOOR_PLAN else _unit
    found = [make(each, home) for each in every(node, tag) if attribute(each, "Id")]
    return tuple({item.remote_id: item for item in found}.values())


def _plan(node: Node, home: str) -> ConfigItem:
    key = attribute(node, "Id")
    raw: dict[str, object] = {"UnitCount": said(node, "unitcount")}
    for room in every(node, "room"):
        raw[f"{attribute(room, 'Type')}s"] = said(room, "count")
    for tag in _RANGES:
        limits = first(node, tag.lower())
        if limits is not None:
            raw[tag] = {"Min": attribute(limits, "Min"), "Max": attribute(limits, "Max")}
    return ConfigItem(remote_id=key, code=key, name=said(node, "name") or key, parent=home, raw=raw)


def _unit(node: Node, home: str) -> ConfigItem:
    key = attribute(node, "Id")
    raw: dict[str, object] = {"FloorplanID": attribute(node, "FloorplanID")}
    about = first(node, "information")
    for each in children(node if about is None else about):
        if text(each) and not children(each):
            raw[name(each)] = text(each)
    available = said(node, "unitleasedstatus", "unitoccupancystatus").lower()
    raw["available"] = not any(word in available for word in _GONE)
    raw["VacateDate"], raw["MadeReadyDate"] = (_day(first(node, tag)) for tag in ("vacatedate", "madereadydate"))
    return ConfigItem(remote_id=key, code=key, name=said(node, "unitid") or key, parent=home, raw=raw)


def _day(node: Node | None) -> str:
    parts = [attribute(node, part) for part in ("Year", "Month", "Day")]
    return "-".join(part.zfill(2) for part in parts) if all(parts) else ""
