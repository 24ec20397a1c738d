"""Taking what is due next costs the same however much was delivered before, and a push is so many statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text, update

from leadsvc.faults import Commit
from leadsvc.ids import next_number, uuid7
from leadsvc.store import Store
from leadsvc.store.tables import attempts, deliveries
from leadsvc.workers.claim import claim, release_expired
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.push import Pushed
from leadsvc.workers.results import Cost, Finished
from tests.bench_push import backlog, delivered, noop, pushed, settings
from tests.counting import counting

WAITING, DELIVERED = 64 * 3, 4000


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    yield made
    made.close()


def test_a_backlog_costs_few_statements_and_commits(store: Store, store_url: str, tmp_path: Path) -> None:
    backlog(store, WAITING)
    with noop() as pms:
        deliverer = Deliverer(store, settings(store_url, tmp_path, pms), lambda: datetime.now(UTC))
        with counting(store.engine) as count:
            drained = deliverer.drain("pms")
        deliverer.close()
    assert (drained.pushed, drained.failed) == (WAITING, 0)
    assert count.statements / WAITING <= 6, "one alone takes nineteen"
    assert count.commits / WAITING <= 0.5, "claims and results, each of many"


def test_one_alone_costs_two_commits(store: Store, store_url: str, tmp_path: Path) -> None:
    backlog(store, 1)
    with noop() as pms:
        deliverer = Deliverer(store, settings(store_url, tmp_path, pms), lambda: datetime.now(UTC))
        deliverer.destination("pms")
        with counting(store.engine) as count:
            assert deliverer.drain("pms").pushed == 1
        deliverer.close()
    assert count.statements <= 24, "and a look whether there is more"
    assert count.commits == 3, "claimed, pushed, and that look"


def test_a_result_that_cannot_be_written_delays_no_other(store: Store, store_url: str, tmp_path: Path) -> None:
    backlog(store, 3)
    deliverer = Deliverer(store, settings(store_url, tmp_path, "http://127.0.0.1:9"), lambda: datetime.now(UTC))
    taken = deliverer.take("pms")
    results = [Result(outcome=Outcome.ACCEPTED, card_id=text) for text in ("c1", "half of a character: \ud800", "c3")]
    finished = [Finished(each, Pushed(result), Cost(1)) for each, result in zip(taken, results, strict=True)]
    with pytest.raises(UnicodeEncodeError):
        deliverer.record(finished)
    with store.read() as connection:
        told = {row.id: row.state for row in connection.execute(select(deliveries.c.id, deliveries.c.state))}
    assert [told[each.id] for each in taken] == ["acknowledged", "in_flight", "acknowledged"]


def test_a_late_result_is_not_that_of_the_next_attempt(store: Store, store_url: str, tmp_path: Path) -> None:
    """The lease ran out and the same worker took it again; what the first attempt comes to is only kept on record."""
    backlog(store, 1)
    deliverer = Deliverer(store, settings(store_url, tmp_path, "http://127.0.0.1:9"), lambda: datetime.now(UTC))
    [first] = deliverer.take("pms")
    with store.write(Commit.SWEEP) as connection:
        assert release_expired(connection, datetime.now(UTC) + timedelta(days=1)) == 1
        connection.execute(update(deliveries).values(due_at=datetime.now(UTC)))
    [second] = deliverer.take("pms")
    deliverer.record([Finished(first, Pushed(Result(outcome=Outcome.ACCEPTED, card_id="c1")), Cost(1))])
    with store.read() as connection:
        row = connection.execute(select(deliveries)).one()
        told = connection.execute(select(attempts.c.outcome).order_by(attempts.c.number)).scalars().all()
    assert (row.state, row.attempts, second.attempt) == ("in_flight", 2, 2)
    assert told == ["accepted", ""]


def test_taking_looks_at_what_waits_and_not_at_what_was_delivered(store: Store) -> None:
    """The plan of the very statement, with some leads waiting among many delivered."""
    backlog(store, DELIVERED, state="acknowledged")
    backlog(store, DELIVERED // 2)
    with store.write(Commit.SWEEP) as connection:
        connection.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", hear)
    with store.write(Commit.CLAIM) as connection:
        assert len(claim(connection, "pms", "test", datetime.now(UTC), 64, timedelta(minutes=5))) == 64
        event.remove(store.engine, "before_cursor_execute", hear)
        word = "EXPLAIN QUERY PLAN " if store.sqlite else "EXPLAIN "
        plans = [
            "\n".join(str(row) for row in connection.exec_driver_sql(word + statement, parameters))
            for statement, parameters in asked
            if statement.startswith("SELECT deliveries.id")
        ]
    assert len(plans) == 2
    assert "ix_deliveries_due" in plans[0], plans[0]
    for plan in plans:
        assert not re.search(r"SCAN (deliveries|before)\b(?! USING)|Seq Scan on deliveries", plan), plan


def test_taking_touches_as_much_of_the_store_beside_twelve_times_as_many_delivered(pg_database: str) -> None:
    """``LEADSVC_BENCH_DELIVERED`` of the bench measures the same with millions."""
    store = Store(pg_database)
    backlog(store, WAITING)
    backlog(store, 1, state="acknowledged")
    delivered(store, 1, DELIVERED)
    few = _pages(store)
    delivered(store, DELIVERED + 1, 11 * DELIVERED)
    many = _pages(store)
    store.close()
    assert few > 64
    assert many <= 1.5 * few, "indexes may be a level deeper"


def _pages(store: Store) -> int:
    """Pages that are looked at to take what is due, by the server's own count."""
    asked: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", hear)
    with store.read() as connection:
        assert len(claim(connection, "pms", "test", datetime.now(UTC), 64, timedelta(minutes=5))) == 64
    event.remove(store.engine, "before_cursor_execute", hear)
    pages = 0
    with store.read() as connection:
        for statement, parameters in asked:
            if "deliveries" in statement and not statement.startswith("INSERT"):
                told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
                plan = told.scalar_one()[0]["Plan"]
                pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return pages


def test_no_statement_of_a_drain_walks_what_grows(sqlite_database: str, tmp_path: Path) -> None:
    """Without statistics too: nobody makes any on SQLite, and it then trusts whatever index there is."""
    store = Store(sqlite_database)
    backlog(store, WAITING)
    asked: dict[str, Any] = {}

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            asked[statement] = parameters[0] if many else parameters

    with noop() as pms:
        deliverer = Deliverer(store, settings(sqlite_database, tmp_path, pms), lambda: datetime.now(UTC))
        event.listen(store.engine, "before_cursor_execute", hear)
        assert deliverer.drain("pms").pushed == WAITING
        deliverer.next_due("pms")
        event.remove(store.engine, "before_cursor_execute", hear)
        deliverer.close()
    with store.read() as connection:
        plans = {
            statement: [
                row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            ]
            for statement, parameters in asked.items()
        }
    store.close()
    assert len(plans) > 15
    for statement, plan in plans.items():
        for step in plan:
            grows = re.match(
                r"(SCAN|SEARCH) (deliveries|before|attempts|remote_refs|guest_cards|prospects|tasks)\b", step
            )
            walks = grows and (grows[1] == "SCAN" or "ix_deliveries_state" in step or "(destination=?)" in step)
            # The first of an index of what waits is read without walking it.
            assert not walks or "min(" in statement, f"{statement}\n{plan}"


def test_what_has_to_wait_does_not_hide_what_is_free(store: Store) -> None:
    """Hundreds of the longest waiting are held up by their own cards; those behind them are taken."""
    backlog(store, 300)
    with store.write(Commit.SWEEP) as connection:
        long_ago = datetime(2026, 1, 1, tzinfo=UTC)
        columns = {name: deliveries.c[name] for name in ("destination", "guest_card_id", "lane_id", "created_at")}
        for row in connection.execute(select(deliveries)).all():
            copied = {name: row._mapping[name] for name in columns}
            event_ = {"id": uuid7(), "seq": next_number(), "kind": "event", "subject_id": uuid7(), "due_at": long_ago}
            connection.execute(insert(deliveries).values(**copied, **event_))
        connection.execute(update(deliveries).where(deliveries.c.kind == "prospect").values(state="held", cause="x"))
    backlog(store, 10)
    with store.write(Commit.CLAIM) as connection:
        taken = claim(connection, "pms", "test", datetime.now(UTC), 64, timedelta(minutes=5))
    assert len(taken) == 10


def test_a_limit_below_what_could_be_pushed_is_what_is_pushed(store: Store, store_url: str, tmp_path: Path) -> None:
    """By the machine's clock: what leaves in two seconds is what the account allows, not what we could."""
    backlog(store, WAITING)
    with noop() as pms:
        done = pushed(store, settings(store_url, tmp_path, pms, {"1s": 20}), 2.0)
    assert 0 < done.calls <= 20 + 5
