"""The recorded exchanges of a vendor under ``tests/fixtures/contract``: what it answers, and what to conclude."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "fixtures" / "contract"
RECEIVED_AT = datetime(2026, 3, 14, 15, 22, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One answer. ``outcome``: as in the manifest, ``ok`` and ``empty`` for reads."""

    vendor: str
    op: str
    name: str
    read: bool
    status: int
    headers: Mapping[str, str]
    body: bytes | None
    outcome: str
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.op}-{self.name}"

    @property
    def full_id(self) -> str:
        return f"{self.vendor}-{self.id}"

    @property
    def context(self) -> dict[str, object]:
        return {"received_at": RECEIVED_AT, "sent": True, "read": self.read}


def cases(vendor: str) -> list[Case]:
    """All recorded answers of a vendor."""
    manifest = json.loads((FOLDER / vendor / "manifest.json").read_text(encoding="utf-8"))
    return [
        Case(
            vendor,
            operation["op"],
            each["case"],
            operation["kind"] == "read",
            each["status"],
            each.get("headers") or {},
            (FOLDER / vendor / each["body"]).read_bytes() if each.get("body") else None,
            each["outcome"],
            each.get("expect") or {},
        )
        for operation in manifest["operations"]
        for each in operation["responses"]
    ]
