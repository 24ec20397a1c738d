"""The simulated PMS's own file: one SQLite database, many reading threads, one writer at a time."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import g, has_app_context

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS config (
    kind TEXT, id TEXT, name TEXT, parent TEXT, active INTEGER, raw TEXT, place INTEGER, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS persons (person_id TEXT PRIMARY KEY, third_party_person_id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS cards (
    card_id TEXT PRIMARY KEY, person_id TEXT, property_id TEXT, third_party_id TEXT, kind TEXT, status TEXT,
    first_name TEXT, last_name TEXT, email TEXT, phone TEXT, move_in TEXT, bedrooms_min INTEGER, bedrooms_max INTEGER,
    budget_max_cents INTEGER, floor_plan_id TEXT, unit_id TEXT, source TEXT, agent_id TEXT, comment TEXT,
    entered_by TEXT, created_at TEXT, updated_at TEXT, version INTEGER, merged_into TEXT,
    agent_fields TEXT DEFAULT '[]', absorbed TEXT DEFAULT '{}');
CREATE INDEX IF NOT EXISTS cards_third ON cards (third_party_id);
CREATE INDEX IF NOT EXISTS cards_email ON cards (email);
CREATE INDEX IF NOT EXISTS cards_phone ON cards (phone);
CREATE TABLE IF NOT EXISTS people (
    person_id TEXT PRIMARY KEY, card_id TEXT, third_party_id TEXT, first_name TEXT, last_name TEXT, email TEXT,
    phone TEXT);
CREATE INDEX IF NOT EXISTS people_card ON people (card_id);
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY, card_id TEXT, reference TEXT, kind TEXT, at TEXT, text TEXT, source TEXT, agent_id TEXT,
    created_at TEXT);
CREATE INDEX IF NOT EXISTS events_card ON events (card_id);
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY, card_id TEXT, reference TEXT, kind TEXT, title TEXT, text TEXT, due_at TEXT,
    assignee_id TEXT, priority TEXT, status TEXT, created_at TEXT, updated_at TEXT);
CREATE INDEX IF NOT EXISTS tasks_card ON tasks (card_id);
CREATE TABLE IF NOT EXISTS outcomes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, card_id TEXT, kind TEXT, at TEXT, by_whom TEXT, lease_id TEXT, reason TEXT);
"""
_TABLES = ("config", "persons", "cards", "people", "events", "tasks", "outcomes")


def now() -> str:
    """The time as the API shows it: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class State:
    """Opens the file, fills it from the configuration once, and hands out one connection per request."""

    def __init__(self, path: Path, config: Mapping[str, Any]) -> None:
        self._path = path
        self._config = config
        with contextlib.closing(self._open()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)
            if connection.execute("SELECT 1 FROM config LIMIT 1").fetchone() is None:
                self._load(connection)
            connection.commit()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        # A simulator that loses its last second to a power cut is fine; to a kill it loses nothing in WAL mode.
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    @property
    def connection(self) -> sqlite3.Connection:
        """This request's connection; closed by :func:`close` when the request ends."""
        if "connection" not in g:
            g.connection = self._open()
        connection: sqlite3.Connection = g.connection
        return connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction. A fault may have asked for the work to be thrown away (``g.pretend``)."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        if has_app_context() and g.get("pretend"):
            connection.rollback()
        else:
            connection.commit()

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query as plain dicts."""
        return [dict(row) for row in self.connection.execute(sql, values)]

    def row(self, sql: str, *values: object) -> Row | None:
        """The first row of a query, or ``None``."""
        found = self.connection.execute(sql, values).fetchone()
        return None if found is None else dict(found)

    def new_id(self, prefix: str, table: str, column: str) -> str:
        """An id nothing has; random, so that a write thrown away does not lend its id to the next one."""
        while True:
            candidate = f"{prefix}{1_000_000 + secrets.randbelow(9_000_000)}"
            # Table and column are words of this package, never of a request.
            if self.row(f"SELECT 1 FROM {table} WHERE {column} = ?", candidate) is None:  # noqa: S608 - see above
                return candidate

    def reset(self) -> None:
        """Back to what the configuration says."""
        with self.writing() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are the tuple above
            self._load(connection)

    def _load(self, connection: sqlite3.Connection) -> None:
        for place, (kind, one) in enumerate(_config_rows(self._config)):
            connection.execute(
                "INSERT INTO config VALUES (?, ?, ?, ?, 1, ?, ?)",
                (kind, one["id"], one["name"], one["parent"], json.dumps(one["raw"]), place),
            )
            if one["raw"].get("active") is False:
                connection.execute("UPDATE config SET active = 0 WHERE kind = ? AND id = ?", (kind, one["id"]))
        for person in self._config.get("people_already_there", ()):
            _insert_known(connection, person)


def close(_: BaseException | None = None) -> None:
    """Ends this request's connection."""
    connection: sqlite3.Connection | None = g.pop("connection", None)
    if connection is not None:
        connection.close()


def _config_rows(config: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    for home in config.get("properties", ()):
        raw = {key: value for key, value in home.items() if key not in ("floor_plans", "units")}
        yield "property", {"id": home["id"], "name": home["name"], "parent": "", "raw": raw}
        for plan in home.get("floor_plans", ()):
            yield "floor_plan", {"id": plan["id"], "name": plan["name"], "parent": home["id"], "raw": plan}
        for unit in home.get("units", ()):
            yield "unit", {"id": unit["id"], "name": unit["number"], "parent": home["id"], "raw": unit}
    for agent in config.get("agents", ()):
        yield "agent", {"id": agent["id"], "name": agent["name"], "parent": "", "raw": agent}
    for number, source in enumerate(config.get("sources", ()), 1):
        yield "source", {"id": f"src{number}", "name": source, "parent": "", "raw": {"name": source}}


def _insert_known(connection: sqlite3.Connection, person: Mapping[str, Any]) -> None:
    """Somebody who was a resident, applicant or prospect before the first lead came."""
    card_id = str(person["card_id"])
    first, _, last = str(person["name"]).partition(" ")
    person_id = f"r{card_id[1:]}"
    at = now()
    connection.execute("INSERT INTO persons VALUES (?, NULL)", (person_id,))
    connection.execute(
        "INSERT INTO cards (card_id, person_id, property_id, kind, status, first_name, last_name, email, phone, source,"
        " entered_by, created_at, updated_at, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        (card_id, person_id, person["property"], person["kind"], person["kind"], first, last, person.get("email"),
         person.get("phone"), person.get("source"), person.get("entered_by", "migration"), at, at),
    )  # fmt: skip
