"""The schema: what migrations make is what the code expects, words are constrained, anybody may upgrade."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
    inspect,
    text,
)

from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.store import Store, migrate
from leadsvc.store.migrate import revisions
from leadsvc.store.tables import metadata
from leadsvc.store.types import UtcDateTime
from tests.servers import PostgreSQL

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    yield made
    made.close()


BY_EXPRESSION = {"ix_identifiers_phone_tail", "ix_prospects_family", "ix_prospects_given"}
"""Search by parts of values: written by hand for each database, so that the code cannot know them."""


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_what_migrations_make_is_what_the_code_expects(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    assert [each for each in differences if not (each[0] == "remove_index" and each[1].name in BY_EXPRESSION)] == []


def test_what_is_searched_by_parts_is_indexed(store: Store) -> None:
    catalogue = "SELECT name FROM sqlite_master" if store.sqlite else "SELECT indexname FROM pg_indexes"
    with store.read() as connection:
        assert set(connection.execute(text(catalogue)).scalars()) >= BY_EXPRESSION


def test_every_constraint_of_the_code_is_in_the_database(store: Store) -> None:
    wanted = {
        (table.name, str(each.name))
        for table in metadata.sorted_tables
        for each in table.constraints
        if isinstance(each, CheckConstraint)
    }
    inspector = inspect(store.engine)
    found = {
        (table.name, str(each["name"]))
        for table in metadata.sorted_tables
        for each in inspector.get_check_constraints(table.name)
    }
    assert wanted == found


def words() -> list[tuple[str, str]]:
    """(table, column) of everything that may only hold certain words."""
    return [
        (table.name, str(each.name).removeprefix(f"ck_{table.name}_"))
        for table in metadata.sorted_tables
        for each in sorted(table.constraints, key=lambda each: str(each.name))
        if isinstance(each, CheckConstraint) and " IN (" in str(each.sqltext)
    ]


SOMETHING = {
    Uuid: uuid.UUID(int=1),
    UtcDateTime: NOW,
    LargeBinary: b"",
    Integer: 1,
    Boolean: True,
    BigInteger: 1,
    Text: "x",
    String: "x",
}


def a_row(table: Table) -> dict[str, Any]:
    """Something for every column that needs a value."""
    needed = [each for each in table.columns if not each.nullable and each.server_default is None]
    return {each.name: SOMETHING[type(each.type)] for each in needed}


@pytest.mark.parametrize(("name", "column"), words(), ids=str)
def test_a_wrong_word_is_refused(store: Store, name: str, column: str) -> None:
    table = metadata.tables[name]
    with pytest.raises(Conflict) as caught:
        insert(store, table, a_row(table) | {column: "nonsense"})
    assert "nonsense" not in str(caught.value)


def insert(store: Store, table: Table, row: dict[str, Any]) -> None:
    """Only words are asked about here: both databases check them before they look at references."""
    with store.write(Commit.ADMIN) as connection:
        if store.sqlite:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        connection.execute(table.insert().values(**row))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("receipts", {"channel": "http", "state": "processed"}),
        ("receipts", {"channel": "http", "state": "pending", "processed_at": NOW}),
        ("fates", {"fate": "rejected", "inquiry_id": uuid.UUID(int=1)}),
        ("fates", {"fate": "redelivery", "inquiry_id": None}),
        ("deliveries", {"kind": "event", "state": "held", "cause": ""}),
        ("deliveries", {"kind": "event", "state": "in_flight", "lease_until": None}),
        ("deliveries", {"kind": "event", "state": "pending", "lease_until": NOW}),
        ("deliveries", {"kind": "event", "state": "acknowledged", "acknowledged_at": None}),
        ("credentials", {"kind": "bearer", "scope": "feed", "feed": None}),
        ("credentials", {"kind": "bearer", "scope": "staff:read", "feed": "zillow"}),
    ],
    ids=str,
)
def test_states_that_contradict_themselves_are_refused(store: Store, name: str, values: dict[str, Any]) -> None:
    table = metadata.tables[name]
    with pytest.raises(Conflict):
        insert(store, table, a_row(table) | values)
    with store.read() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() == 0  # noqa: S608  # our own names


def test_an_upgrade_may_be_repeated(store_url: str, store: Store) -> None:
    migrate(store_url)
    with store.read() as connection:
        have, need = revisions(connection)
    assert have == need is not None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'leadsvc.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = f"empty_{uuid.uuid4().hex[:8]}"
    yield server.create(name)
    server.drop(name)


def test_processes_that_start_at_once_may_all_upgrade(empty_url: str) -> None:
    failed: list[BaseException] = []

    def start() -> None:
        try:
            migrate(empty_url)
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test shall see it
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    store = Store(empty_url)
    with store.read() as connection:
        have, need = revisions(connection)
    store.close()
    assert have == need
