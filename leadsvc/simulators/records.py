"""What a simulated vendor remembers: JSON documents by kind and id in a SQLite file of its own.

Guest cards, events, tasks and outcomes have one shape whatever the vendor, so that one bench can ask about them all; a
vendor's simulator adds keys of its own and translates to its wire:

``card``     ``card_id, person_id, our_key, property, status, first_name, last_name, email, phone, move_in,
bedrooms_min, bedrooms_max, budget_max_cents, floor_plan_ref, unit_ref, source_name, agent_ref, comment, entered_by,
merged_into``
``event``    ``event_id, card_id, kind, at, text, source_name, agent_ref``
``task``     ``task_id, card_id, kind, title, text, due_at, assignee_ref, status``
``outcome``  ``outcome_id, card_id, word, at, reason, lease_id, agent_id``

The configuration is ``property``, ``floor_plan``, ``unit``, ``agent`` and ``source``: ``id, name, parent, active,
place, raw``.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import g, has_app_context
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from leadsvc.errors import ConfigurationError

Doc = dict[str, Any]

CONFIG_KINDS = ("property", "floor_plan", "unit", "agent", "source")
_INDEXED = ("our_key", "email", "phone", "card_id")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS docs (
    kind TEXT, id TEXT, seq INTEGER PRIMARY KEY AUTOINCREMENT, made REAL, doc TEXT, UNIQUE (kind, id));
""" + "".join(
    f"CREATE INDEX IF NOT EXISTS docs_{name} ON docs (kind, json_extract(doc, '$.{name}'));\n" for name in _INDEXED
)


def now() -> str:
    """The time as records hold it: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Records:
    """The file of one simulator. Safe to use from several threads; writers wait for each other."""

    def __init__(self, path: Path, config: Mapping[str, Any]) -> None:
        self._config = config
        self._lock = threading.RLock()
        self._depth = 0
        self.visible_after_s = 0.0
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # A simulator that loses its last second to a power cut is fine; to a kill it loses nothing in WAL mode.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        if not self.all("property"):
            with self.writing():
                self._seed()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, undone by what is raised in it. A fault may have asked for the work to be thrown away."""
        with self._lock:
            self._depth += 1
            outermost = self._depth == 1
            try:
                if outermost:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
            except BaseException:
                if outermost:
                    self._connection.rollback()
                raise
            else:
                if outermost:
                    self._end()
            finally:
                self._depth -= 1

    def _end(self) -> None:
        if has_app_context() and g.get("pretend"):
            self._connection.rollback()
        else:
            self._connection.commit()

    def put(self, kind: str, key: str, doc: Mapping[str, Any]) -> Doc:
        """Keep a document under its id, in place of the one that was there."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO docs (kind, id, made, doc) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                (kind, key, datetime.now(UTC).timestamp(), json.dumps(doc)),
            )
        return dict(doc)

    def change(self, kind: str, key: str, **values: Any) -> Doc:
        """Set some values of a document that is there."""
        with self._lock:
            return self.put(kind, key, {**(self.get(kind, key) or {}), **values})

    def get(self, kind: str, key: str, *, delayed: bool = False) -> Doc | None:
        """The document with this id, or ``None``; ``delayed``: not before it may be seen."""
        found = self._rows("kind = ? AND id = ?", (kind, key), delayed)
        return found[0] if found else None

    def all(self, kind: str, *, delayed: bool = False, **equal: Any) -> list[Doc]:
        """The documents of a kind, oldest first, that have these values. ``delayed``: without those that are not to be
        seen yet (:attr:`visible_after_s`)."""
        # The names are keywords of this package's calls, never of a request.
        where = "".join(f" AND json_extract(doc, '$.{name}') = ?" for name in equal)
        return self._rows(f"kind = ?{where}", (kind, *equal.values()), delayed)

    def one(self, kind: str, *, delayed: bool = False, **equal: Any) -> Doc | None:
        """The first of :meth:`all`, or ``None``."""
        return next(iter(self.all(kind, delayed=delayed, **equal)), None)

    def _rows(self, where: str, values: tuple[Any, ...], delayed: bool) -> list[Doc]:
        if delayed and self.visible_after_s:
            where += " AND made <= ?"
            values = (*values, datetime.now(UTC).timestamp() - self.visible_after_s)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT doc FROM docs WHERE {where} ORDER BY seq",  # noqa: S608 - built above, values are bound
                values,
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def delete(self, kind: str, key: str) -> None:
        """Forget a document."""
        with self._lock:
            self._connection.execute("DELETE FROM docs WHERE kind = ? AND id = ?", (kind, key))

    def number(self, kind: str, digits: int = 7, prefix: str = "") -> str:
        """A free id: ``prefix`` and that many digits. Random, so that a write thrown away does not lend its id to the
        next one."""
        low = 10 ** (digits - 1)
        while True:
            candidate = f"{prefix}{low + secrets.randbelow(9 * low)}"
            if self.get(kind, candidate) is None:
                return candidate

    def reset(self) -> None:
        """Back to what the configuration says."""
        with self.writing():
            self._connection.execute("DELETE FROM docs")
            self.visible_after_s = 0.0
            self._seed()

    def config(self, kind: str, word: str, parent: str = "") -> Doc | None:
        """The live configuration entry with this id or name, of ``parent`` where it has one."""
        for item in self.all(kind):
            fits = not parent or not item["parent"] or item["parent"] == parent
            if word and word in (item["id"], item["name"]) and item["active"] and fits:
                return item
        return None

    def _seed(self) -> None:
        for place, (kind, item) in enumerate(_config_items(self._config), 1):
            self.put(kind, item["id"], {**item, "place": place})
        for person in self._config.get("people_already_there", ()):
            card = _known(person)
            self.put("card", card["card_id"], card)


def _item(key: str, name: str, parent: str, raw: Mapping[str, Any]) -> Doc:
    return {"id": key, "name": name, "parent": parent, "active": raw.get("active") is not False, "raw": dict(raw)}


def _config_items(config: Mapping[str, Any]) -> Iterator[tuple[str, Doc]]:
    for home in config.get("properties", ()):
        raw = {key: value for key, value in home.items() if key not in ("floor_plans", "units")}
        yield "property", _item(home["id"], home["name"], "", raw)
        for plan in home.get("floor_plans", ()):
            yield "floor_plan", _item(plan["id"], plan["name"], home["id"], plan)
        for unit in home.get("units", ()):
            yield "unit", _item(unit["id"], unit["number"], home["id"], unit)
    for agent in config.get("agents", ()):
        yield "agent", _item(agent["id"], agent["name"], "", agent)
    for number, source in enumerate(config.get("sources", ()), 1):
        yield "source", _item(f"src{number}", source, "", {"name": source})


def _known(person: Mapping[str, Any]) -> Doc:
    """Somebody who was a resident, applicant or prospect before the first lead came."""
    first, _, last = str(person["name"]).partition(" ")
    card_id, at = str(person["card_id"]), now()
    return {
        **new_card(property=person["property"], first_name=first, last_name=last),
        "card_id": card_id,
        "person_id": f"r{card_id[1:]}",
        "status": person["kind"],
        "email": person.get("email", ""),
        "phone": person.get("phone", ""),
        "source_name": person.get("source", ""),
        "entered_by": person.get("entered_by", "migration"),
        "created_at": at,
        "updated_at": at,
    }


def new_card(**values: Any) -> Doc:
    """A card with every key, blank where ``values`` say nothing."""
    at = now()
    blank = dict.fromkeys(
        ("card_id", "person_id", "our_key", "property", "first_name", "last_name", "email", "phone", "move_in",
         "floor_plan_ref", "unit_ref", "source_name", "agent_ref", "comment", "merged_into"), "",
    )  # fmt: skip
    numbers = dict.fromkeys(("bedrooms_min", "bedrooms_max", "budget_max_cents"))
    times = {"created_at": at, "updated_at": at, "version": 1}
    return {**blank, **numbers, **times, "status": "prospect", "entered_by": "api", **values}


def read_config(path: Path) -> Doc:
    """The YAML file that describes the operator; :class:`ConfigurationError` says what is wrong with it."""
    try:
        config = json.loads(json.dumps(YAML(typ="safe", pure=True).load(path), default=str))
    except (OSError, YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read as YAML; correct the file or name another") from error
    if not isinstance(config, dict) or not config.get("properties"):
        raise ConfigurationError(f"{path}: needs a list 'properties'; see leadsvc/demo/pms.yaml")
    return config
