"""The weights and frequencies by which it is decided who is who, as versions in the store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leadsvc.resolve.model import Frequencies, Model
from leadsvc.store.known import bump
from leadsvc.store.tables import counters, identity_models, inquiries

_COUNTER = "identity"


def model_version(connection: Connection) -> int:
    """A number that grows when another model is put in force."""
    found = connection.execute(select(counters.c.value).where(counters.c.name == _COUNTER)).scalar()
    return int(found or 0)


def active_model(connection: Connection) -> Model | None:
    """The model in force; ``None`` where the one that ships with the program is."""
    row = connection.execute(select(identity_models.c.content).where(identity_models.c.active)).scalar()
    return _read(row) if row else None


def activate(connection: Connection, model: Model, made_by: str, now: datetime) -> None:
    """Put a model in force. Everything is looked at again under it, by and by."""
    connection.execute(update(identity_models).where(identity_models.c.active).values(active=False))
    known = select(identity_models.c.version).where(identity_models.c.version == model.version)
    if connection.execute(known).first() is None:
        row = {"version": model.version, "made_at": now, "made_by": made_by, "content": _written(model)}
        connection.execute(insert(identity_models).values(**row, active=True))
    else:
        mine = identity_models.c.version == model.version
        connection.execute(update(identity_models).where(mine).values(active=True))
    connection.execute(update(inquiries).where(~inquiries.c.unsettled).values(unsettled=True))
    bump(connection, _COUNTER)


def _written(model: Model) -> dict[str, Any]:
    return {"weights": model.to_json(), "frequencies": model.frequencies.to_json()}


def _read(content: dict[str, Any]) -> Model:
    return Model.from_json(content["weights"], Frequencies.from_json(content["frequencies"]))
