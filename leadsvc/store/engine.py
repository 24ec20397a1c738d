"""Connections and transactions on SQLite and PostgreSQL; one way to write: ``store.write(Commit.X)``."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from leadsvc.errors import ConfigurationError, Conflict, Unavailable
from leadsvc.faults import Commit, passing

# serialization_failure, deadlock_detected, lock_not_available
_RACES = {"40001", "40P01", "55P03"}


class Store:
    """A database. Thread-safe; make one per process, after any fork.

    On SQLite there is one writer at a time: writers of this process queue on a lock (fair, unlike SQLite's busy
    loop) and ``BEGIN IMMEDIATE`` queues processes.
    """

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        self.url = _with_driver(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = threading.Lock()
        self.engine = _sqlite_engine(self.url) if self.sqlite else _postgresql_engine(self.url, pool_size)

    @contextlib.contextmanager
    def write(self, commit: Commit) -> Iterator[Connection]:
        """A transaction that commits at the end of the block or not at all.

        Raises :class:`Conflict` when another transaction won a race (run the block again) and :class:`Unavailable`
        when the database cannot be reached.
        """
        with (
            self._writer if self.sqlite else contextlib.nullcontext(),
            _translated(),
            self.engine.connect() as connection,
        ):
            if self.sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            passing(commit, "before")
            connection.commit()
            passing(commit, "after")

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading one consistent picture; whatever it changes is rolled back."""
        with _translated(), self.engine.connect() as connection:
            if self.sqlite:
                connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    def ping(self) -> None:
        """Raise :class:`Unavailable` unless the database answers."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"constraint: {_constraint(error)}") from error
    except (OperationalError, InterfaceError) as error:
        if _is_race(error):
            raise Conflict("another transaction was first") from error
        raise Unavailable("the database does not answer; try again") from error
    except PoolTimeout as error:
        raise Unavailable("every connection to the database is in use; try again") from error


def _constraint(error: DBAPIError) -> str:
    diagnostics = getattr(error.orig, "diag", None)
    return str(getattr(diagnostics, "constraint_name", None) or type(error.orig).__name__)


def _is_race(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.OperationalError):
        return "locked" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) in _RACES


def _with_driver(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "LEADSVC_DATABASE_URL: this is no address of a database; write sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigurationError(f"LEADSVC_DATABASE_URL: {backend} is not supported; use sqlite:/// or postgresql://")
    return parsed.set(drivername="postgresql+psycopg" if backend == "postgresql" else "sqlite")


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # The writer's lock and BEGIN IMMEDIATE make 30 s a limit for other processes only.
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql_engine(url: URL, pool_size: int) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,  # an error must not carry what a row holds
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 5,
            "application_name": "leadsvc",
            "options": "-c timezone=UTC -c lock_timeout=10s",
        },
    )
