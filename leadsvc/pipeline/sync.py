"""The PMS's own configuration, read-only with us: properties, plans, units, agents, source names (SPEC §9)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from leadsvc.config import Account
from leadsvc.ids import uuid7
from leadsvc.pipeline.configuration import Broken, Change, broken, changes, keep_history, shrunk, snapshot, tell
from leadsvc.store.known import bump
from leadsvc.store.tables import (
    agents,
    destinations,
    floor_plans,
    properties,
    property_aliases,
    remote_names,
    units,
)

Raw = Mapping[str, Any]


def upsert(connection: Connection, table: Table, row: Mapping[str, Any], key: tuple[str, ...]) -> None:
    """Insert ``row``, or bring the row with the same ``key`` up to date (its id stays)."""
    make = pg_insert if connection.dialect.name == "postgresql" else sqlite_insert
    changes = {name: value for name, value in row.items() if name not in key and name != "id"}
    connection.execute(make(table).values(**row).on_conflict_do_update(index_elements=list(key), set_=changes))


def keep(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert ``row`` unless there is one with its primary key."""
    make = pg_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(make(table).values(**row).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class Synced:
    """How many things of each kind there are, what changed since the last time, what of ours points at nothing now.
    ``refused``: why the lists were not taken over; then nothing was written but the exception."""

    counts: Mapping[str, int]
    changes: tuple[Change, ...] = ()
    broken: tuple[Broken, ...] = ()
    refused: str = ""


def take_over(
    connection: Connection,
    account: Account,
    config: Mapping[str, Collection[Raw]],
    now: datetime,
    *,
    believe: bool = False,
) -> Synced:
    """Write down what an account has (see :func:`write_configuration`), what changed, and what that breaks.

    Lists that lost most of their entries are refused unless a person says to ``believe`` them.
    """
    keep(connection, destinations, {"name": account.name})
    config = {**config, "property": _with_ours(account, config.get("property", ()))}
    if account.follows:  # properties are those of the account it follows
        config = {kind: items if kind == "source" else () for kind, items in config.items()}
    before = snapshot(connection, account.name)
    counts = {kind: len(items) for kind, items in config.items()}
    reason = "" if believe else shrunk(before, config)
    if reason:
        detail = f"{account.name}: {reason}. If that is so, run `leadsvc destinations sync {account.name} --believe`."
        tell(connection, account.name, [Broken("config_shrunk", "lists", detail)], now, only=("config_shrunk",))
        return Synced(counts, refused=reason)
    write_configuration(connection, account.name, config)
    found = changes(before, snapshot(connection, account.name), now.date())
    keep_history(connection, account.name, found, now)
    keep_former_names(connection, account.name, found)
    wrong = broken(connection, account)
    tell(connection, account.name, wrong, now)
    connection.execute(update(destinations).where(destinations.c.name == account.name).values(synced_at=now))
    return Synced(counts, tuple(found), tuple(wrong))


def _with_ours(account: Account, listed: Collection[Raw]) -> list[Raw]:
    """The properties that the vendor lists, each with what the settings say of it; and those that only they know."""
    found: dict[str, Raw] = {item["remote_id"]: item for item in listed}
    for remote_id, said in account.properties.items():
        item = found.get(remote_id) or {
            "remote_id": remote_id,
            "name": remote_id,
            "active": True,
            "parent": "",
            "raw": {},
        }
        name = said.get("name") or item["name"]
        found[remote_id] = {**item, "name": name, "raw": {**item["raw"], **said}}
    return list(found.values())


def keep_former_names(connection: Connection, destination: str, found: Iterable[Change]) -> None:
    """A property that was renamed there keeps its old name as an alias, unless another has that name now: listing
    services go on using it for months."""
    taken = set(connection.execute(select(properties.c.name).where(properties.c.active)).scalars())
    for each in found:
        if each.kind != "property" or each.what != "renamed" or each.before["name"] in taken:
            continue
        mine = (properties.c.destination == destination) & (properties.c.remote_id == each.remote_id)
        home = connection.execute(select(properties.c.id).where(mine)).scalar_one()
        has = (property_aliases.c.property_id == home) & (property_aliases.c.alias == each.before["name"])
        if connection.execute(select(property_aliases.c.id).where(has)).first() is None:
            row = {"id": uuid7(), "property_id": home, "alias": each.before["name"], "origin": "learned"}
            connection.execute(property_aliases.insert().values(**row))


def write_configuration(connection: Connection, destination: str, config: Mapping[str, Iterable[Raw]]) -> None:
    """Take over what ``destination`` says it has; what it no longer names becomes inactive, never deleted.

    ``config``: kind -> items as :class:`ConfigItem` gives them, each as a mapping with remote_id, name, active, parent
    and raw.
    """
    homes = _write_properties(connection, destination, list(config.get("property", ())))
    plans = _write_plans(connection, homes, list(config.get("floor_plan", ())))
    _write_units(connection, homes, plans, list(config.get("unit", ())))
    _write_agents(connection, destination, list(config.get("agent", ())))
    _write_names(connection, destination, list(config.get("source", ())))
    bump(connection, "portfolio")


def _write_properties(connection: Connection, destination: str, items: list[Raw]) -> dict[str, uuid.UUID]:
    connection.execute(update(properties).where(properties.c.destination == destination).values(active=False))
    for item in items:
        raw = item["raw"]
        address = raw.get("address") or {}
        row = {
            "id": uuid7(),
            "destination": destination,
            "remote_id": item["remote_id"],
            "name": item["name"],
            "street": address.get("street", ""),
            "city": address.get("city", ""),
            "state": address.get("state", ""),
            "postal_code": address.get("postal_code", ""),
            "time_zone": raw.get("time_zone") or "UTC",
            "region": raw.get("region", ""),
            "asset_class": raw.get("asset_class", ""),
            "office_hours": raw.get("office_hours") or {},
            "office_phone": raw.get("office_phone", ""),
            "mailbox_tag": raw.get("mailbox_tag", ""),
            "listing_ids": raw.get("listing_ids") or {},
            "managed_from": _day(raw.get("managed_from")),
            "managed_to": _day(raw.get("managed_to")),
            "active": item["active"],
        }
        upsert(connection, properties, row, ("destination", "remote_id"))
    statement = select(properties.c.remote_id, properties.c.id).where(properties.c.destination == destination)
    homes = {row.remote_id: row.id for row in connection.execute(statement)}
    for item in items:
        _write_aliases(connection, homes[item["remote_id"]], item["raw"])
    return homes


def _write_aliases(connection: Connection, home: uuid.UUID, raw: Raw) -> None:
    """The PMS's aliases are replaced; what was learned here stays."""
    theirs = (property_aliases.c.property_id == home) & (property_aliases.c.origin == "pms")
    connection.execute(delete(property_aliases).where(theirs))
    rows: list[tuple[str, date | None, date | None]] = [(alias, None, None) for alias in raw.get("aliases") or ()]
    rows += [(each["name"], _day(each.get("from")), _day(each.get("until"))) for each in raw.get("former_names") or ()]
    if rows:
        connection.execute(
            property_aliases.insert(),
            [
                {
                    "id": uuid7(),
                    "property_id": home,
                    "alias": name,
                    "valid_from": since,
                    "valid_to": until,
                    "origin": "pms",
                }
                for name, since, until in rows
            ],
        )


def _day(value: object) -> date | None:
    if isinstance(value, date) or value is None:
        return value
    return date.fromisoformat(str(value))


def _of_known_homes(homes: Mapping[str, uuid.UUID], items: Iterable[Raw]) -> list[Raw]:
    """Without those of properties that the account may not see."""
    return [item for item in items if item["parent"] in homes]


def _write_plans(
    connection: Connection, homes: Mapping[str, uuid.UUID], items: list[Raw]
) -> dict[tuple[str, str], uuid.UUID]:
    connection.execute(update(floor_plans).where(floor_plans.c.property_id.in_(homes.values())).values(active=False))
    for item in _of_known_homes(homes, items):
        row = {
            "id": uuid7(),
            "property_id": homes[item["parent"]],
            "remote_id": item["remote_id"],
            "name": item["name"],
            "bedrooms": item["raw"].get("bedrooms"),
            "bathrooms": item["raw"].get("bathrooms"),
            "rent_cents": item["raw"].get("rent_cents"),
            "active": item["active"],
        }
        upsert(connection, floor_plans, row, ("property_id", "remote_id"))
    names = {home: remote for remote, home in homes.items()}
    rows = connection.execute(select(floor_plans).where(floor_plans.c.property_id.in_(homes.values())))
    return {(names[row.property_id], row.remote_id): row.id for row in rows}


def _write_units(
    connection: Connection, homes: Mapping[str, uuid.UUID], plans: Mapping[tuple[str, str], uuid.UUID], items: list[Raw]
) -> None:
    connection.execute(update(units).where(units.c.property_id.in_(homes.values())).values(active=False))
    for item in _of_known_homes(homes, items):
        row = {
            "id": uuid7(),
            "property_id": homes[item["parent"]],
            "remote_id": item["remote_id"],
            "number": str(item["raw"].get("number") or item["name"]),
            "floor_plan_id": plans.get((item["parent"], str(item["raw"].get("floor_plan", "")))),
            "listing_ids": item["raw"].get("listing_ids") or {},
            "available_on": _day(item["raw"].get("available_on")),
            "active": item["active"],
        }
        upsert(connection, units, row, ("property_id", "remote_id"))


def _write_agents(connection: Connection, destination: str, items: list[Raw]) -> None:
    connection.execute(update(agents).where(agents.c.destination == destination).values(active=False))
    for item in items:
        row = {
            "id": uuid7(),
            "destination": destination,
            "remote_id": item["remote_id"],
            "name": item["name"],
            "properties": list(item["raw"].get("properties") or ([item["parent"]] if item["parent"] else [])),
            "active": item["active"],
        }
        upsert(connection, agents, row, ("destination", "remote_id"))


def _write_names(connection: Connection, destination: str, items: list[Raw]) -> None:
    connection.execute(update(remote_names).where(remote_names.c.destination == destination).values(active=False))
    for item in items:
        row = {"destination": destination, "kind": "source", "name": item["name"], "active": item["active"]}
        row["remote_id"] = item["remote_id"]
        upsert(connection, remote_names, row, ("destination", "kind", "name"))
