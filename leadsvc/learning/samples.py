"""Sample payloads with the values a person expects of them. Pure: the bytes were read by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadsvc.errors import Quarantine
from leadsvc.model import Delivered
from leadsvc.normalize.records import Record
from leadsvc.parsers import records
from leadsvc.reading import inside_out


@dataclass(frozen=True)
class Sample:
    """One payload that holds one lead. ``wanted`` has the keys of :func:`leadsvc.flat.row_of` that are asserted."""

    name: str
    record: Record
    received_at: datetime
    wanted: Mapping[str, Any]


def sample_of(name: str, delivered: Delivered, wanted: Mapping[str, Any]) -> Sample:
    """Raises :class:`Quarantine` for what cannot be read or does not hold exactly one lead."""
    if wanted.get("lead") is False or "leads" in wanted:
        raise Quarantine("unsuitable", "learn from samples that hold exactly one lead each")
    found = records(delivered.body, delivered.content_type, delivered.headers)
    if len(found) != 1:
        raise Quarantine("unsuitable", f"it holds {len(found)} records; learn from samples that hold one")
    # Of a mail that was handed on, the one inside is the sender's.
    record = next(iter(inside_out(found[0])))
    return Sample(name, record, delivered.received_at, wanted)
