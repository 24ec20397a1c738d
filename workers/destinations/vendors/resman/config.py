"""ResMan's sources and employees. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadsvc.workers.destinations.base import ConfigItem
from leadsvc.workers.destinations.lenient import pick
from leadsvc.workers.destinations.rest import text as scalar


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a property by name, and when they were read (monotonic seconds)."""

    ids: Mapping[str, str]
    read_at: float

    def name(self, source_id: str) -> str:
        return next((name for name, key in self.ids.items() if key == source_id), source_id)


def source(item: Mapping[str, object], home: str) -> ConfigItem:
    key, name = scalar(pick(item, "ID", "ProspectSourceID", "SourceID")), scalar(pick(item, "Name"))
    return ConfigItem(remote_id=key, name=name or key, active=_active(item), parent=home, raw=item)


def employee(item: Mapping[str, object], home: str) -> ConfigItem:
    key = scalar(pick(item, "PersonID", "EmployeeID", "ID"))
    parts = (scalar(pick(item, "FirstName")), scalar(pick(item, "LastName")))
    name = " ".join(filter(None, parts)) or scalar(pick(item, "Name")) or key
    return ConfigItem(remote_id=key, name=name, active=_active(item), parent=home, raw=item)


def _active(item: Mapping[str, object]) -> bool:
    told = pick(item, "IsActive", "Active")
    return not (told is False or scalar(told).lower() in ("false", "0", "no"))
