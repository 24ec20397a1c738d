"""What changed in a PMS's configuration since it was read last, kept as history, and what of ours that breaks.

A source that was renamed there or an agent who left breaks a mapping long before the next lead stumbles over it; a
list that lost most of its entries is more likely a bad answer than a fire sale.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from leadsvc.config import Account
from leadsvc.ids import digest_uuid, uuid7
from leadsvc.store.tables import (
    agents,
    config_changes,
    exceptions,
    floor_plans,
    name_answers,
    properties,
    remote_names,
    units,
)

Thing = tuple[str, str]
"""Kind and remote id; of a plan or unit the remote id is ``PROPERTY/ID``."""

Snapshot = Mapping[Thing, Mapping[str, Any]]

_KEPT = 0.5
_FEW = 3


@dataclass(frozen=True, slots=True)
class Change:
    """``what``: added, renamed, retired, revived, sold or changed. ``before``, ``after``: the fields that differ."""

    kind: str
    remote_id: str
    what: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The change in words."""
        kind, old, new = self.kind.replace("_", " "), self.before.get("name"), self.after.get("name")
        if self.what == "renamed":
            return f"{kind} {self.remote_id} was {old!r} and is {new!r} now"
        if self.what == "changed":
            return f"{kind} {self.remote_id}: another {', '.join(sorted(self.after)).replace('_', ' ')}"
        called = f" ({new or old})" if new or old else ""
        return f"{kind} {self.remote_id}{called} was {self.what}"


def snapshot(connection: Connection, destination: str) -> dict[Thing, dict[str, Any]]:
    """Everything known of the configuration of ``destination``, as far as a change of it matters."""
    found: dict[Thing, dict[str, Any]] = {}
    homes: dict[uuid.UUID, str] = {}
    columns = ("name", "street", "city", "state", "postal_code", "time_zone", "managed_from", "managed_to", "active")
    for row in connection.execute(select(properties).where(properties.c.destination == destination)).mappings():
        found["property", row["remote_id"]] = _said(row, columns)
        homes[row["id"]] = row["remote_id"]
    for kind, table, fields in (
        ("floor_plan", floor_plans, ("name", "bedrooms", "bathrooms", "active")),
        ("unit", units, ("number", "active")),
    ):
        for row in connection.execute(select(table).where(table.c.property_id.in_(homes))).mappings():
            found[kind, f"{homes[row['property_id']]}/{row['remote_id']}"] = _said(row, fields)
    for row in connection.execute(select(agents).where(agents.c.destination == destination)).mappings():
        found["agent", row["remote_id"]] = _said(row, ("name", "properties", "active"))
    named = (remote_names.c.destination == destination) & (remote_names.c.kind == "source")
    for row in connection.execute(select(remote_names).where(named)).mappings():
        found["source", row["name"]] = _said(row, ("name", "remote_id", "active"))
    return found


def _said(row: Any, names: Collection[str]) -> dict[str, Any]:
    return {name: row[name].isoformat() if isinstance(row[name], date) else row[name] for name in names}


def changes(before: Snapshot, after: Snapshot, today: date) -> list[Change]:
    """What differs between two snapshots; nothing where nothing was known before."""
    if not before:
        return []
    found = [each for thing in sorted(after) for each in _change(thing, before.get(thing), after[thing], today)]
    return list(_with_renamed_sources(found, before, after))


def _change(thing: Thing, old: Mapping[str, Any] | None, new: Mapping[str, Any], today: date) -> Iterator[Change]:
    kind, remote_id = thing
    if old is None:
        if new["active"]:
            yield Change(kind, remote_id, "added", {}, {"name": new.get("name") or new.get("number", "")})
        return
    differ = {name for name in new if old.get(name) != new[name]}
    if "active" in differ:
        name = {"name": new.get("name") or new.get("number", "")}
        yield Change(kind, remote_id, "revived" if new["active"] else "retired", name, name)
    if not new["active"]:
        return
    if "managed_to" in differ and new["managed_to"] and new["managed_to"] <= today.isoformat():
        yield Change(kind, remote_id, "sold", {"managed_to": old["managed_to"]}, {"managed_to": new["managed_to"]})
    if "name" in differ:
        yield Change(kind, remote_id, "renamed", {"name": old["name"]}, {"name": new["name"]})
    rest = sorted(differ - {"active", "name"})
    if rest:
        yield Change(kind, remote_id, "changed", {n: old.get(n) for n in rest}, {n: new[n] for n in rest})


def _with_renamed_sources(found: Iterable[Change], before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """A source is known by its name; where the vendor's id stayed the same, retired and added is renamed."""
    ids = {row["remote_id"]: row["name"] for (kind, _), row in before.items() if kind == "source" and row["remote_id"]}
    new_names = {
        ids[row["remote_id"]]: row["name"]
        for (kind, _), row in after.items()
        if kind == "source" and row["active"] and ids.get(row["remote_id"], row["name"]) != row["name"]
    }
    for each in found:
        if each.kind == "source" and each.what == "retired" and each.remote_id in new_names:
            new = new_names[each.remote_id]
            yield Change("source", each.remote_id, "renamed", {"name": each.remote_id}, {"name": new})
        elif not (each.kind == "source" and each.what == "added" and each.remote_id in new_names.values()):
            yield each


def shrunk(before: Snapshot, offered: Mapping[str, Collection[Mapping[str, Any]]]) -> str:
    """Why the lists that a PMS gives now cannot be believed; empty when they can."""
    for kind in ("property", "source", "agent"):
        had = {remote_id for (each, remote_id), row in before.items() if each == kind and row["active"]}
        if kind == "source":
            has = {str(item["name"]) for item in offered.get(kind, ()) if item["active"]}
        else:
            has = {str(item["remote_id"]) for item in offered.get(kind, ()) if item["active"]}
        left = len(had & has)
        if len(had) > _FEW and left < len(had) * _KEPT:
            return f"of {len(had)} {kind.replace('_', ' ')} entries only {left} are left in its list"
    return ""


def keep_history(connection: Connection, destination: str, found: Iterable[Change], now: datetime) -> None:
    """Write the changes down; nothing of this is ever changed or deleted."""
    rows = [
        {
            "id": uuid7(),
            "destination": destination,
            "kind": each.kind,
            "remote_id": each.remote_id,
            "what": each.what,
            "before": dict(each.before),
            "after": dict(each.after),
            "at": now,
        }
        for each in found
    ]
    if rows:
        connection.execute(config_changes.insert(), rows)


# -- what it breaks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Broken:
    """Something of ours that points at what the PMS no longer has. ``subject`` tells one from another."""

    cause: str
    subject: str
    detail: str


def broken(connection: Connection, account: Account) -> list[Broken]:
    """What of the account's settings, and of what people said names mean, no longer holds."""
    renamed = _renamed(connection, account.name)
    named = (remote_names.c.destination == account.name) & (remote_names.c.kind == "source") & remote_names.c.active
    names = set(connection.execute(select(remote_names.c.name).where(named)).scalars())
    staff = _active(connection, agents, account.name)
    homes = _active(connection, properties, account.name)
    wrong: list[Broken] = []
    if names:
        for slug, name in sorted(account.sources.items()):
            if name not in names:
                wrong.append(Broken("source_gone", f"sources.{slug}", _no_source(account.name, name, renamed)))
        if account.fallback_source and account.fallback_source not in names:
            detail = _no_source(account.name, account.fallback_source, renamed)
            wrong.append(Broken("fallback_gone", "fallback_source", detail))
        wrong += _answers_gone(connection, account.name, names, renamed)
    agent = account.options.get("fallback_agent", "")
    if staff and agent and agent not in staff:
        detail = f"{account.name} no longer has the agent {agent} (options.fallback_agent): name another."
        wrong.append(Broken("agent_gone", "fallback_agent", detail))
    for remote_id in sorted(set(account.creates) - homes) if homes else ():
        detail = f"{account.name} no longer has the property {remote_id} (creates): take it out, or correct it there."
        wrong.append(Broken("property_gone", f"creates.{remote_id}", detail))
    return wrong


def _renamed(connection: Connection, destination: str) -> dict[str, str]:
    """Source names that were others' before -> what they became."""
    mine = (config_changes.c.destination == destination) & (config_changes.c.kind == "source")
    rows = select(config_changes).where(mine, config_changes.c.what == "renamed").order_by(config_changes.c.at)
    return {row.before["name"]: row.after["name"] for row in connection.execute(rows)}


def _active(connection: Connection, table: Any, destination: str) -> set[str]:
    mine = (table.c.destination == destination) & table.c.active
    return set(connection.execute(select(table.c.remote_id).where(mine)).scalars())


def _no_source(account: str, name: str, renamed: Mapping[str, str]) -> str:
    now = renamed.get(name)
    done = f"it is {now!r} there now" if now else "its list no longer has it"
    return f"{account} does not take the source name {name!r}: {done}. Leads of that source go out as the fallback."


def _answers_gone(
    connection: Connection, account: str, names: Collection[str], renamed: Mapping[str, str]
) -> Iterator[Broken]:
    in_force = (name_answers.c.scope == account) & name_answers.c.revoked_at.is_(None)
    said = select(name_answers).where(in_force, name_answers.c.kind == "source_name").order_by(name_answers.c.made_at)
    for row in {each.name_id: each for each in connection.execute(said)}.values():
        if row.target not in names:
            detail = f"{_no_source(account, row.target, renamed)} Say on the names page what {row.text} is there."
            yield Broken("source_gone", f"answer.{row.name_id}", detail)


CAUSES = ("source_gone", "fallback_gone", "agent_gone", "property_gone", "config_shrunk")


def tell(
    connection: Connection, account: str, wrong: Collection[Broken], now: datetime, only: Collection[str] = CAUSES
) -> None:
    """Open an exception for everything that is broken, close those (of the causes ``only``) of what holds again."""
    subjects = {digest_uuid("configuration", account, each.subject): each for each in wrong}
    mine = exceptions.c.subject_kind == f"configuration of {account}"
    still = mine & exceptions.c.resolved_at.is_(None) & exceptions.c.cause.in_(only)
    asked = {row.subject_id: row for row in connection.execute(select(exceptions).where(still))}
    over = [row.id for subject, row in asked.items() if subject not in subjects]
    closed = {"resolved_at": now, "resolved_by": "sync", "resolution": "it holds again"}
    connection.execute(update(exceptions).where(exceptions.c.id.in_(over)).values(**closed))
    for subject, each in subjects.items():
        if subject not in asked:
            row = {
                "id": uuid7(),
                "kind": "account",
                "subject_kind": f"configuration of {account}",
                "subject_id": subject,
            }
            connection.execute(exceptions.insert().values(**row, cause=each.cause, detail=each.detail, opened_at=now))
