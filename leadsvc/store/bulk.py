"""A set of rows written together: one statement on PostgreSQL, one a table on SQLite.

On PostgreSQL all inserts and updates of a :class:`Batch` become one statement of data-modifying common table
expressions fed by ``unnest`` arrays. Its text depends only on which tables take part, never on the number of rows, so
it is prepared once; a hundred leads cost the round trips of one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
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
            connection.execute(_sqlite_insert(table, tuple(rows[0]), keep), rows)
        for (table, where, values), rows in self._updates.items():
            result = connection.execute(_plain_update(table, where, values), rows)
            if result.rowcount != len(rows):
                raise Conflict(f"a row of {table.name} changed meanwhile")
        return len(self._inserts) + len(self._updates)

    def _flush_postgresql(self, connection: Connection) -> int:
        shape = (
            tuple((table, tuple(rows[0]), keep) for (table, keep), rows in self._inserts.items()),
            tuple(self._updates),
        )
        arrays: list[Any] = []
        for (table, _), rows in self._inserts.items():
            arrays += [_array(table.c[name], [row[name] for row in rows]) for name in rows[0]]
        for (table, where, values), rows in self._updates.items():
            arrays += [_array(table.c[name], [row[f"w_{name}"] for row in rows]) for name in where]
            arrays += [_array(table.c[name], [row[f"v_{name}"] for row in rows]) for name in values]
        counts = connection.exec_driver_sql(_statement(shape), tuple(arrays)).one()
        for (table, _, _), rows, count in zip(self._updates, self._updates.values(), counts[1:], strict=True):
            if count != len(rows):
                raise Conflict(f"a row of {table.name} changed meanwhile")
        return 1


@cache
def _order() -> dict[str, int]:
    return {table.name: number for number, table in enumerate(metadata.sorted_tables)}


@cache
def _sqlite_insert(table: Table, names: tuple[str, ...], keep: bool) -> Any:
    statement = sqlite_insert(table).values({name: bindparam(name) for name in names})
    return statement.on_conflict_do_nothing() if keep else statement


@cache
def _plain_update(table: Table, where: tuple[str, ...], values: tuple[str, ...]) -> Any:
    statement = table.update().values({name: bindparam(f"v_{name}") for name in values})
    for name in where:
        statement = statement.where(table.c[name] == bindparam(f"w_{name}"))
    return statement


_ELEMENTS: dict[type[Any], str] = {
    Uuid: "uuid",
    Text: "text",
    String: "text",
    BigInteger: "bigint",
    Integer: "integer",
    Boolean: "boolean",
    LargeBinary: "bytea",
    Float: "double precision",
    Date: "date",
    UtcDateTime: "timestamptz",
}


def _element(column: Column[Any]) -> str:
    """The PostgreSQL type of one element; JSON travels as text and is cast where it lands."""
    return "text" if column.type is Json else _ELEMENTS[type(column.type)]


def _array(column: Column[Any], values: Sequence[Any]) -> list[Any]:
    if column.type is Json:
        return [
            None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values
        ]
    return [str(value) if value.__class__.__module__.startswith("leadsvc") else value for value in values]


@cache
def _statement(shape: tuple[tuple[Any, ...], tuple[Any, ...]]) -> str:
    inserts, updates = shape
    parts = [_insert_part(f"i{n}", table, names, keep) for n, (table, names, keep) in enumerate(inserts)]
    parts += [_update_part(f"u{n}", table, where, values) for n, (table, where, values) in enumerate(updates)]
    counts = ["1"] + [f"(SELECT count(*) FROM u{n})" for n in range(len(updates))]
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def _unnest(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(f"%s::{_element(column)}[]" for column in columns)


def _cast(column: Column[Any], name: str) -> str:
    return f"{name}::jsonb" if column.type is Json else name


def _insert_part(name: str, table: Table, columns: tuple[str, ...], keep: bool) -> str:
    chosen = [table.c[each] for each in columns]
    aliases = [f"c{n}" for n in range(len(chosen))]
    selected = ", ".join(_cast(column, alias) for column, alias in zip(chosen, aliases, strict=True))
    conflict = " ON CONFLICT DO NOTHING" if keep else ""
    return (
        f"{name} AS (INSERT INTO {table.name} ({', '.join(columns)}) SELECT {selected}"
        f" FROM unnest({_unnest(chosen)}) AS r({', '.join(aliases)}){conflict})"
    )


def _update_part(name: str, table: Table, where: tuple[str, ...], values: tuple[str, ...]) -> str:
    keys = [table.c[each] for each in where]
    changed = [table.c[each] for each in values]
    k = [f"k{n}" for n in range(len(keys))]
    v = [f"v{n}" for n in range(len(changed))]
    sets = ", ".join(f"{each.name} = {_cast(each, f'r.{alias}')}" for each, alias in zip(changed, v, strict=True))
    found = " AND ".join(f"t.{each.name} = r.{alias}" for each, alias in zip(keys, k, strict=True))
    return (
        f"{name} AS (UPDATE {table.name} AS t SET {sets} FROM unnest({_unnest([*keys, *changed])})"
        f" AS r({', '.join([*k, *v])}) WHERE {found} RETURNING 1)"
    )
