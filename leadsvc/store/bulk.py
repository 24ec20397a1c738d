"""A set of rows written together: one statement on PostgreSQL, one a table on SQLite.

On PostgreSQL all inserts and updates of a :class:`Batch` become one statement of data-modifying common table
expressions, each fed by one JSON parameter. Its text depends only on which tables take part, never on the number of
rows, so it is prepared once; a hundred leads cost the round trips of one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    Float,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as SQLiteDialect
from sqlalchemy.sql.schema import Column

from leadsvc.errors import Conflict
from leadsvc.store.tables import metadata
from leadsvc.store.types import Json, UtcDateTime

Row = Mapping[str, Any]


class Batch:
    """Collects rows; :meth:`flush` writes them, referenced tables before those that refer to them."""

    def __init__(self) -> None:
        self._inserts: dict[tuple[Table, bool], list[Row]] = {}
        self._updates: dict[tuple[Table, tuple[str, ...], tuple[str, ...]], list[Row]] = {}

    def insert(self, table: Table, row: Row, *, keep: bool = False) -> None:
        """Add a row. ``keep``: when its primary key exists already, leave the stored row as it is."""
        self._inserts.setdefault((table, keep), []).append(row)

    def update(self, table: Table, where: Row, values: Row) -> None:
        """Change the one row that has the values of ``where``; none such at flush time means :class:`Conflict`."""
        key = (table, tuple(where), tuple(values))
        row = {f"w_{name}": value for name, value in where.items()} | {
            f"v_{name}": value for name, value in values.items()
        }
        self._updates.setdefault(key, []).append(row)

    def flush(self, connection: Connection) -> int:
        """Write everything; returns the number of statements. :class:`Conflict` when an update misses its row."""
        if not self._inserts and not self._updates:
            return 0
        self._inserts = dict(sorted(self._inserts.items(), key=lambda item: (_order()[item[0][0].name], item[0][1])))
        statements = (
            self._flush_postgresql(connection)
            if connection.dialect.name == "postgresql"
            else self._flush_each(connection)
        )
        self._inserts.clear()
        self._updates.clear()
        return statements

    def _flush_each(self, connection: Connection) -> int:
        for (table, keep), rows in self._inserts.items():
            text, converters = _sqlite_insert(table, tuple(rows[0]), keep)
            connection.exec_driver_sql(text, _converted(rows, converters))
        for (table, where, values), rows in self._updates.items():
            text, converters = _sqlite_update(table, where, values)
            result = connection.exec_driver_sql(text, _converted(rows, converters))
            if result.rowcount != len(rows):
                raise Conflict(f"a row of {table.name} changed meanwhile")
        return len(self._inserts) + len(self._updates)

    def _flush_postgresql(self, connection: Connection) -> int:
        shape = (
            tuple((table, tuple(rows[0]), keep) for (table, keep), rows in self._inserts.items()),
            tuple(self._updates),
        )
        documents = [_document(rows) for rows in (*self._inserts.values(), *self._updates.values())]
        counts = connection.exec_driver_sql(_statement(shape), tuple(documents)).one()
        for (table, _, _), rows, count in zip(self._updates, self._updates.values(), counts[1:], strict=True):
            if count != len(rows):
                raise Conflict(f"a row of {table.name} changed meanwhile")
        return 1


@cache
def _order() -> dict[str, int]:
    return {table.name: number for number, table in enumerate(metadata.sorted_tables)}


Converters = list[tuple[str, Callable[[Any], Any]]]


def _converted(rows: Sequence[Row], converters: Converters) -> list[tuple[Any, ...]]:
    return [tuple(convert(row[name]) for name, convert in converters) for row in rows]


@cache
def _sqlite_insert(table: Table, names: tuple[str, ...], keep: bool) -> tuple[str, Converters]:
    marks = ", ".join("?" * len(names))
    conflict = " ON CONFLICT DO NOTHING" if keep else ""
    text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}){conflict}"
    return text, [(name, _converter(table.c[name])) for name in names]


@cache
def _sqlite_update(table: Table, where: tuple[str, ...], values: tuple[str, ...]) -> tuple[str, Converters]:
    sets, found = (", ".join(f"{name} = ?" for name in values), " AND ".join(f"{name} = ?" for name in where))
    changed = [(f"v_{name}", _converter(table.c[name])) for name in values]
    keys = [(f"w_{name}", _converter(table.c[name])) for name in where]
    return f"UPDATE {table.name} SET {sets} WHERE {found}", changed + keys


_SQLITE = SQLiteDialect()


def _converter(column: Column[Any]) -> Callable[[Any], Any]:
    """How SQLAlchemy writes a value of ``column`` to SQLite."""
    return column.type.dialect_impl(_SQLITE).bind_processor(_SQLITE) or _itself


def _itself(value: Any) -> Any:
    return value


_ELEMENTS: dict[type[Any], str] = {
    Uuid: "uuid",
    Text: "text",
    String: "text",
    BigInteger: "bigint",
    Integer: "integer",
    Boolean: "boolean",
    Float: "double precision",
    Date: "date",
    UtcDateTime: "timestamptz",
}


def _element(column: Column[Any]) -> str:
    """The PostgreSQL type of a column."""
    return "jsonb" if column.type is Json else _ELEMENTS[type(column.type)]


def _document(rows: Sequence[Row]) -> str:
    """Rows as JSON, whose values PostgreSQL reads as the types of their columns."""
    return json.dumps(rows, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


@cache
def _statement(shape: tuple[tuple[Any, ...], tuple[Any, ...]]) -> str:
    inserts, updates = shape
    parts = [_insert_part(f"i{n}", table, names, keep) for n, (table, names, keep) in enumerate(inserts)]
    parts += [_update_part(f"u{n}", table, where, values) for n, (table, where, values) in enumerate(updates)]
    counts = ["1"] + [f"(SELECT count(*) FROM u{n})" for n in range(len(updates))]
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def _insert_part(name: str, table: Table, columns: tuple[str, ...], keep: bool) -> str:
    listed = ", ".join(columns)
    conflict = " ON CONFLICT DO NOTHING" if keep else ""
    return (
        f"{name} AS (INSERT INTO {table.name} ({listed}) SELECT {listed}"
        f" FROM json_populate_recordset(NULL::{table.name}, %s::json){conflict})"
    )


def _update_part(name: str, table: Table, where: tuple[str, ...], values: tuple[str, ...]) -> str:
    sets = ", ".join(f"{each} = r.v_{each}" for each in values)
    found = " AND ".join(f"t.{each} = r.w_{each}" for each in where)
    columns = [f"w_{each} {_element(table.c[each])}" for each in where]
    columns += [f"v_{each} {_element(table.c[each])}" for each in values]
    return (
        f"{name} AS (UPDATE {table.name} AS t SET {sets} FROM json_to_recordset(%s::json)"
        f" AS r({', '.join(columns)}) WHERE {found} RETURNING 1)"
    )
