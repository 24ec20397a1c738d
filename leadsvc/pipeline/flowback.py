"""What an agent typed over in the PMS becomes what we show, too: the PMS is the system of record (SPEC §9)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from leadsvc.ids import uuid7
from leadsvc.resolve.golden import shown, with_edited_name
from leadsvc.store.tables import audit, prospects


def take_edits(
    connection: Connection, person: uuid.UUID, typed: Mapping[str, str], destination: str, now: datetime
) -> list[str]:
    """Enter what an agent ``typed`` at ``destination`` (first_name, last_name, email, phone) as edits of the prospect
    that ``person`` is part of; returns the fields that show another value now."""
    root = select(prospects.c.root_id).where(prospects.c.id == person).scalar_subquery()
    row = connection.execute(select(prospects).where(prospects.c.id == root).with_for_update()).mappings().one()
    fresh = {
        field: {"value": value, "by": f"an agent in {destination}", "at": now.isoformat()}
        for field, value in _values(typed, shown(row["golden"], row["edits"])).items()
    }
    if not fresh:
        return []
    edits = dict(row["edits"]) | fresh
    values = {"edits": edits, "golden": with_edited_name(row["golden"], edits), "version": prospects.c.version + 1}
    connection.execute(update(prospects).where(prospects.c.id == row["id"]).values(**values))
    about = {"subject_kind": "prospect", "subject": row["key"], "detail": {"fields": sorted(fresh)}}
    connection.execute(audit.insert().values(id=uuid7(), at=now, actor=destination, action="edit", **about))
    return sorted(fresh)


def _values(typed: Mapping[str, str], now: Mapping[str, Any]) -> dict[str, Any]:
    """The edits that ``typed`` comes to, without those that say what is shown already."""
    values: dict[str, Any] = {name: typed[name] for name in ("email", "phone") if typed.get(name)}
    old = now.get("name") or {}
    given, family = (typed.get(name) or old.get(part, "") for name, part in _PARTS)
    if (given, family) != (old.get("given", ""), old.get("family", "")):
        whole = {"given": given, "family": family, "suffix": old.get("suffix", "")}
        values["name"] = whole | {"text": " ".join(filter(None, whole.values()))}
    return {name: value for name, value in values.items() if value != now.get(name)}


_PARTS = (("first_name", "given"), ("last_name", "family"))
