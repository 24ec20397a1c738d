"""What it costs to resolve one lead as it comes, beside the bare look-up, insert and commit, in stores of many sizes.

``python -m tests.bench online`` prints it. A store is filled by the service itself with :data:`BASE` leads of a
generated world; larger ones are copies of that within the database, in which nobody has a value in common with anybody
of another copy, as in a deployment of many cities. What is copied is what a lead is looked up in; deliveries, tasks
and decisions, which are only written, are not. ``LEADSVC_BENCH_STORED`` is the largest size (1,000,000).
"""

from __future__ import annotations

import json
import os
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zlib import crc32

from sqlalchemy import BigInteger, Column, Connection, Table, Uuid, text

from leadsvc.model import Channel, Delivered
from leadsvc.pipeline.settling import Settler
from leadsvc.receive import record_row, stored
from leadsvc.services import Services
from leadsvc.store.tables import (
    fates,
    guest_cards,
    identifiers,
    inquiries,
    match_keys,
    prospect_identifiers,
    prospects,
    receipts,
)
from tests.counting import counting
from tests.identity_world import World, as_canonical

BASE, LARGEST, SAMPLES = 10_000, int(os.environ.get("LEADSVC_BENCH_STORED", "1000000")), 300
_COPIED = (receipts, prospects, identifiers, prospect_identifiers, guest_cards, inquiries, fates, match_keys)
_SHARED = {"property_id", "unit_id", "floor_plan_id", "key"}  # what a copy has in common with its original
_TOLD_APART = {"key", "value", "external_id", "delivery_key"}  # texts by which rows are found


@dataclass(frozen=True)
class Cost:
    """Of one lead at one size: milliseconds of ours and of the bare work, and statements."""

    stored: int
    ours: tuple[float, ...]
    bare: tuple[float, ...]
    statements: tuple[int, ...]

    def ratio(self, share: float) -> float:
        return quantile(self.ours, share) / quantile(self.bare, share)


def quantile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def leads(count: int, homes: Sequence[str], seed: int = 41) -> Iterator[dict[str, Any]]:
    """Leads of a world in order of arrival, as canonical JSON, without those that nobody could be told by."""
    for values in World("world", count, seed).run()[0]:
        lead = as_canonical(values)
        if "email" not in lead and "phone" not in lead:
            continue
        home = homes[crc32(lead["property"]["id"].encode()) % len(homes)]
        yield lead | {"property": {"id": home}}


def sizes() -> list[int]:
    """Ten times as many each time, up to the largest."""
    found = [BASE]
    while found[-1] * 10 <= LARGEST:
        found.append(found[-1] * 10)
    return found


def rows(services: Services, sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """A line for each size; the first also settles what was filled in."""
    online = Online(services)
    online.fill()
    spent, statements = online.settle()
    name = "SQLite" if online.engine.dialect.name == "sqlite" else "PostgreSQL"
    base: Cost | None = None
    for size in sizes:
        if size > online.stored:
            online.grow(size)
        cost = online.cost()
        base = base or cost
        grown = quantile(cost.ours, 0.5) / quantile(base.ours, 0.5)
        yield (
            f"{name}, {size:,} stored",
            *(f"{quantile(values, share):.1f}" for share in (0.5, 0.95) for values in (cost.ours, cost.bare)),
            *(f"{cost.ratio(share):.1f}" for share in (0.5, 0.95)),
            f"{grown:.2f}",
            f"{statistics.median(cost.statements):.0f} to {max(cost.statements)}",
        )
    yield (
        f"{name}, settling, for each of {BASE:,}",
        f"{spent:.1f}",
        *[""] * 6,
        f"{statements:.1f}",
    )


HEAD = (
    "resolving one lead",
    "ms p50",
    "bare p50",
    "ms p95",
    "bare p95",
    "p50 ×",
    "p95 ×",
    "p50 against the first",
    "statements",
)


class Online:
    """One deployment whose store grows."""

    def __init__(self, services: Services) -> None:
        self.services, self.engine = services, services.store.engine
        self.feed = services.intake.settings.feeds["canonical"]
        homes = sorted(each.remote_id for each in services.intake.portfolio().properties.values())
        self.leads = leads(2 * BASE, homes)
        self.stored = self.bare_stored = 0
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE bare (id VARCHAR(36) PRIMARY KEY, value VARCHAR(80), body TEXT)"))
            connection.execute(text("CREATE INDEX bare_value ON bare (value)"))

    def fill(self) -> None:
        """The first :data:`BASE` leads, by the way every lead takes."""
        while self.stored < BASE:
            batch = list(islice(self.leads, 100))
            self.services.receiver.receive(self._delivered(batch), feed=self.feed, authenticated="bench")
            self.stored += len(batch)
        self._fill_bare()

    def settle(self) -> tuple[float, float]:
        """Settle everything and keep what was filled in for copies; milliseconds and statements for each lead."""
        settler, start = Settler(self.services.intake), time.perf_counter()
        with counting(self.engine) as count:
            while (part := settler.round()).gathered or part.reopened:
                pass
        spent = time.perf_counter() - start
        with self.engine.begin() as connection:
            for table in _COPIED:
                kept = f"CREATE TABLE original_{table.name} AS SELECT * FROM {table.name}"  # noqa: S608  # our tables
                connection.execute(text(kept))
        return spent * 1000 / self.stored, count.statements / self.stored

    def grow(self, size: int) -> None:
        """Copy what there is until about ``size`` leads are stored."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            else:
                connection.connection.create_function("moved", 2, _moved, deterministic=True)
            copies, have = round(size / BASE), round(self.stored / BASE)
            for table in _COPIED:
                _copy(connection, table, have, copies)
            self.stored = size
        self._fill_bare()
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("ANALYZE"))

    def cost(self) -> Cost:
        """Resolve some leads one by one, each followed by the bare work for it."""
        ours, bare, statements = [], [], []
        for number, lead in enumerate(islice(self.leads, SAMPLES)):
            delivered = self._delivered([lead])
            receipt = stored(delivered, self.feed)
            with self.engine.begin() as connection:
                connection.execute(receipts.insert().values(**record_row(receipt, delivered, "bench", None)))
            with counting(self.engine) as count:
                start = time.perf_counter()
                self.services.intake.process_stored(receipt)
                ours.append((time.perf_counter() - start) * 1000)
            statements.append(count.statements)
            start = time.perf_counter()
            with self.engine.begin() as connection:
                value = f"{number * 7919 % self.bare_stored}@example.com"
                connection.execute(text("SELECT id FROM bare WHERE value = :value"), {"value": value}).first()
                connection.execute(_BARE, _bare_row(f"{uuid.uuid4()}@example.com"))
            bare.append((time.perf_counter() - start) * 1000)
        return Cost(self.stored, tuple(ours), tuple(bare), tuple(statements))

    def _fill_bare(self) -> None:
        with self.engine.begin() as connection:
            for start in range(self.bare_stored, self.stored, 10_000):
                numbers = range(start, min(start + 10_000, self.stored))
                connection.execute(_BARE, [_bare_row(f"{each}@example.com") for each in numbers])
        self.bare_stored = self.stored

    @staticmethod
    def _delivered(batch: list[dict[str, Any]]) -> Delivered:
        return Delivered(json.dumps(batch).encode(), "application/json", Channel.HTTP, datetime.now(UTC))


_BARE = text("INSERT INTO bare VALUES (:id, :value, :body)")


def _bare_row(value: str) -> dict[str, str]:
    return {"id": str(uuid.uuid4()), "value": value, "body": "x" * 300}


def _moved(value: str, copy: int) -> str:
    """The id of a row's copy, on SQLite."""
    return f"{int(value, 16) ^ (copy << 64):032x}"


def _copy(connection: Connection, table: Table, first: int, end: int) -> None:
    names = [column.name for column in table.columns]
    told = ", ".join(_expression(column, connection.dialect.name) for column in table.columns)
    columns = ", ".join(f'"{name}"' for name in names)
    series = "generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS copy"
    if connection.dialect.name == "sqlite":
        series = "(WITH RECURSIVE n(copy) AS (SELECT :first UNION ALL SELECT copy + 1 FROM n WHERE copy < :last) "
        series += "SELECT copy FROM n) AS copies"
    statement = f"INSERT INTO {table.name} ({columns}) SELECT {told} FROM original_{table.name}, {series}"  # noqa: S608  # names of our tables
    connection.execute(text(statement), {"first": first, "last": end - 1})


def _expression(column: Column[Any], dialect: str) -> str:
    """What a copy has in a column: ids and what rows are found by are its own."""
    name = f'"{column.name}"'
    if isinstance(column.type, BigInteger):
        return f"{name} + copy * {10**16}" if column.name == "key" else name
    if isinstance(column.type, Uuid) and column.name not in _SHARED:
        if dialect == "sqlite":
            return f"CASE WHEN {name} IS NULL THEN NULL ELSE moved({name}, copy) END"
        return f"md5({name}::text || copy)::uuid"
    return f"{name} || '~' || copy" if column.name in _TOLD_APART else name
