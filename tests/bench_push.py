"""Pushing, measured: a backlog against a destination that costs nothing, beside the bare HTTP client doing the same
calls, and what taking the next deliveries costs as the outbox grows."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx2
from sqlalchemy import ColumnElement, Connection, Uuid, cast, func, insert, literal, select, type_coerce

from leadsvc.config import Account, Settings
from leadsvc.faults import Commit
from leadsvc.ids import next_number, uuid7
from leadsvc.store import Store
from leadsvc.store.tables import attempts, deliveries, destinations, guest_cards, properties, prospects
from leadsvc.workers.accounts import limits
from leadsvc.workers.claim import claim, give_back
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.throttle import configure
from tests.processes import ROOT

CONCURRENCY = 8
_OWNER = "bench"
_LEASE = timedelta(minutes=5)
_AT_ONCE = 5000
_IN_ONE = 500_000


@contextlib.contextmanager
def noop() -> Iterator[str]:
    """The address of a destination that says yes to everything."""
    command = [sys.executable, "-m", "tests.noop_pms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def settings(url: str, var: Path, pms: str, most: Mapping[str, int] | None = None) -> Settings:
    """One account at ``pms``, with ``most`` calls by window."""
    sources = {"zillow": "Zillow.com"}
    account = Account("pms", "simpms", pms, "key", concurrency=CONCURRENCY, sources=sources, limits=dict(most or {}))
    return Settings(var=var, database_url=url, secret_key="bench", accounts={"pms": account})


def backlog(store: Store, count: int, *, state: str = "pending") -> None:
    """``count`` cards that are owed to the account, or were delivered long ago (``acknowledged``)."""
    now = datetime.now(UTC) - timedelta(hours=1)
    home = _home(store, now)
    done = {"acknowledged_at": now} if state == "acknowledged" else {}
    for first in range(0, count, _AT_ONCE):
        people, cards, owed = [], [], []
        for _ in range(first, min(first + _AT_ONCE, count)):
            person, card = uuid7(), uuid7()
            email = f"p{person.hex[-12:]}@example.com"
            name = {"value": {"given": "Ada", "family": "Okafor"}}
            golden = {"name": name, "email": {"value": email}, "phone": {"value": "+17065550123"}}
            people.append(
                {"id": person, "key": f"PR-{person.hex}", "root_id": person, "golden": golden}
                | {"first_at": now, "last_at": now}
            )
            cards.append(
                {"id": card, "key": f"GC-{card.hex}", "prospect_id": person, "root_id": card}
                | {"property_id": home, "first_source": "zillow", "opened_at": now, "last_at": now}
            )
            owed.append(
                {"id": uuid7(), "destination": "pms", "guest_card_id": card, "lane_id": card, "seq": next_number()}
                | {"kind": "prospect", "subject_id": card, "state": state, "due_at": now, "created_at": now}
                | done
            )
        with store.write(Commit.INTAKE) as connection:
            for table, rows in ((prospects, people), (guest_cards, cards), (deliveries, owed)):
                connection.execute(insert(table), rows)


def delivered(store: Store, first: int, count: int) -> None:
    """``count`` deliveries of long ago, numbered from ``first``, each of a lane of its own and with its attempt: made
    within the database out of one that was delivered, and analysed as the server's housekeeper would."""
    for start in range(first, first + count, _IN_ONE):
        _copied(store, start, min(_IN_ONE, first + count - start))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if store.sqlite else "VACUUM ANALYZE deliveries")
        if not store.sqlite:
            connection.exec_driver_sql("VACUUM ANALYZE attempts")


def _copied(store: Store, start: int, count: int) -> None:
    numbers = select(literal(start).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < start + count - 1))
    with store.write(Commit.INTAKE) as connection:
        done = connection.execute(select(deliveries.c.id).where(deliveries.c.state == "acknowledged").limit(1))
        model = done.scalar_one()
        if not store.sqlite:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # what they point at is there
        own = {"id": _numbered(store, 1, numbers.c.n), "lane_id": _numbered(store, 2, numbers.c.n)}
        own |= {"subject_id": _numbered(store, 3, numbers.c.n), "seq": numbers.c.n}
        columns = [own.get(column.name, column).label(column.name) for column in deliveries.columns]
        copied = select(*columns).select_from(numbers.join(deliveries, deliveries.c.id == model))
        connection.execute(insert(deliveries).from_select([each.name for each in columns], copied))
        told = select(_numbered(store, 1, numbers.c.n), literal(1), deliveries.c.created_at, literal("accepted"))
        told = told.select_from(numbers.join(deliveries, deliveries.c.id == model))
        connection.execute(insert(attempts).from_select(["delivery_id", "number", "started_at", "outcome"], told))


def _numbered(store: Store, kind: int, number: ColumnElement[int]) -> ColumnElement[uuid.UUID]:
    """An id made of a number, in its order as ids are that are made in the order of time."""
    if store.sqlite:
        return type_coerce(func.printf(f"{kind:08x}%024x", number), Uuid())
    return cast(literal(f"{kind:08x}") + func.lpad(func.to_hex(number), 24, "0"), Uuid())


def _home(store: Store, now: datetime) -> uuid.UUID:
    home = uuid7()
    row = {"id": home, "destination": "pms", "remote_id": f"home-{home.hex[-6:]}", "name": "Chandler Oaks"}
    with store.write(Commit.SYNC) as connection:
        connection.execute(insert(properties).values(**row, time_zone="UTC", active=True))
        if connection.execute(destinations.select()).first() is None:
            connection.execute(insert(destinations).values(name="pms", outcomes_at=now))
    return home


@dataclass(frozen=True)
class Pushed:
    """Deliveries and remote calls a second."""

    rate: float
    calls: float


def pushed(store: Store, made: Settings, seconds: float) -> Pushed:
    """Drain the backlog for so long, as a worker's loop would."""
    deliverer = Deliverer(store, made, lambda: datetime.now(UTC))
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    with store.write(Commit.SWEEP) as connection:
        configure(connection, "pms", limits(made.accounts["pms"]))
        before = _calls(connection)
    done = 0
    try:
        deliverer.destination("pms")
        started = time.perf_counter()
        timer.start()
        while not stop.is_set():
            drained = deliverer.drain("pms", stop=stop)
            assert drained.failed == 0, drained
            done += drained.pushed
            due = deliverer.next_due("pms")
            assert due is not None, "the backlog is longer than the measurement"
            stop.wait(max((due - datetime.now(UTC)).total_seconds(), 0))
        took = time.perf_counter() - started
    finally:
        timer.cancel()
        deliverer.close()
    with store.read() as connection:
        return Pushed(done / took, (_calls(connection) - before) / took)


def _calls(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.sum(attempts.c.calls), 0))).scalar_one())


def bare(url: str, seconds: float, calls: int) -> float:
    """As many calls a delivery by the HTTP client alone, at the same concurrency; deliveries a second."""
    end = time.perf_counter() + seconds
    writes = {"first_name": "Ada", "last_name": "Okafor", "email": "a@example.com", "phone": "+17065550123"}
    with httpx2.Client(base_url=url, limits=httpx2.Limits(max_connections=CONCURRENCY), trust_env=False) as client:

        def work(_: int) -> int:
            done = 0
            while time.perf_counter() < end:
                for _call in range(calls - 1):
                    client.get("/api/v1/guest-cards", params={"email": "a@example.com"}).json()
                client.post("/api/v1/guest-cards", json=writes).json()
                done += 1
            return done

        with ThreadPoolExecutor(CONCURRENCY) as pool:
            return sum(pool.map(work, range(CONCURRENCY))) / seconds


def taking(store: Store, times: int = 15, warm: int = 5) -> float:
    """Milliseconds to take the next deliveries, median after the first ``warm``; they are given back."""
    took = []
    with store.write(Commit.SWEEP) as connection:
        configure(connection, "pms", {})
    for _ in range(warm + times):
        now = datetime.now(UTC)
        started = time.perf_counter()
        with store.write(Commit.CLAIM) as connection:
            taken = claim(connection, "pms", _OWNER, now, 64, _LEASE)
        took.append(time.perf_counter() - started)
        assert len(taken) == 64
        with store.write(Commit.CLAIM) as connection:
            give_back(connection, taken, _OWNER, now)
    return median(took[warm:]) * 1000
