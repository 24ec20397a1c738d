"""The checked-in table: which samples are sent and what must become of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from leadsvc.config import packaged
from leadsvc.demo.accounts import id_there

_TYPES = {".form": "application/x-www-form-urlencoded", ".json": "application/json", ".eml": "message/rfc822"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One lead to send. ``pms_fails``: how many times the PMS refuses to create its card."""

    id: str
    file: str
    feed: str
    shows: str
    status: str
    effect: str
    person: str = ""
    pms_fails: int = 0

    @property
    def content_type(self) -> str:
        return _TYPES[Path(self.file).suffix]


@dataclass(frozen=True, slots=True)
class Someone:
    """A person there must be at the end."""

    name: str
    property: str | None
    inquiries: int
    sources: tuple[str, ...]
    pms: str
    phone: str = ""
    standing: str = ""
    related_to: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    samples: tuple[Sample, ...]
    people: tuple[Someone, ...]
    exceptions: Mapping[str, int]
    pms_people: int


def read_story(vendor: str = "simpms") -> Story:
    """The table that ships with leadsvc, as it is with ``vendor`` as the PMS."""
    data: Mapping[str, Any] = YAML(typ="safe").load(packaged("demo/story.yaml").read_text(encoding="utf-8"))
    otherwise = data["vendors"].get(vendor, {})
    return Story(
        tuple(Sample(**row) for row in data["samples"]),
        tuple(
            Someone(**{**row, "sources": tuple(row["sources"]), "pms": id_there(vendor, row["pms"])})
            for row in data["people"]
        ),
        dict(otherwise.get("exceptions", data["exceptions"])),
        otherwise.get("pms_people", data["pms_people"]),
    )


def content(sample: Sample, folder: Path, now: datetime) -> bytes:
    """The bytes to send. A mail gets the date of the first run and keeps it, so that a second run sends the same."""
    kept = folder / sample.id
    if kept.exists():
        return kept.read_bytes()
    body = packaged(f"demo/leads/{sample.file}").read_bytes()
    # A mail's date has no fraction: the next whole second keeps it after what was sent before it.
    body = body.replace(b"@DATE@", format_datetime(now + timedelta(seconds=1)).encode())
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(body)
    return body
