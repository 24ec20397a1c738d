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
from leadsvc.store.tables import deliveries
from leadsvc.workers.claim import claim
from leadsvc.workers.deliver import Deliverer
from tests.bench_push import backlog, noop, pushed, settings
from tests.counting import counting

WAITING, DELIVERED = 64 * 3, 4000


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url)
    yield made
    made.close()


def test_a_push_costs_few_statements_and_two_commits_in_all(store: Store, store_url: str, tmp_path: Path) -> None:
    backlog(store, WAITING)
    with noop() as pms:
        deliverer = Deliverer(store, settings(store_url, tmp_path, pms), lambda: datetime.now(UTC))
        with counting(store.engine) as count:
            drained = deliverer.drain("pms")
        deliverer.close()
    assert (drained.pushed, drained.failed) == (WAITING, 0)
    assert count.statements / WAITING <= 15
    assert count.commits / WAITING <= 1.1, "results, and one claim for many"


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
