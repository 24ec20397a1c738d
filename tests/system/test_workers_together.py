"""Several workers at one outbox: never one thing twice at once, always in order; and they leave in good order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benches.simpms import SimPmsBench
from tests.processes import eventually
from tests.system import people
from tests.system.history import violations
from tests.system.town import Town, lead, town

pytestmark = pytest.mark.slow
CONCURRENCY = 2


def send(made: Town, numbers: range, message: str) -> None:
    made.all([("site", {"person": people.name(n), "email": people.email(n), "message": message}) for n in numbers])


def test_two_workers_at_one_outbox(pg_database: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    """Calls take longer than it takes to look for work, so both workers meet the same rows all the time."""
    with town(tmp_path / "town", pg_database, simpms, workers=2, lease_s=30, sweep_s=0.1) as made:
        simpms.fault("*", "slow", seconds=0.02, times=None)
        for message in ("first", "second", "third"):
            send(made, range(1, 21), message)
        made.settle()
        state = simpms.state()
        assert violations(state) == []
        assert state["counts"]["live_people"] == 3 + 20
        assert state["counts"]["events"] == 60
        owners = [set(worker.output().split()) for worker in made.workers]
        assert all(any("delivery" in line for line in mine) for mine in owners), "both had work"
        assert made.number("SELECT count(*) FROM attempts WHERE outcome NOT IN ('accepted', 'duplicate')") == 0
        made.assert_balanced()


@pytest.mark.parametrize("inline", [True, False])
def test_a_stop_finishes_what_is_in_flight(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    inline: bool,
) -> None:
    """Ten seconds of work wait; what was begun is finished, the rest is free at once for the next worker."""
    with town(
        tmp_path / "town", store_url, simpms, workers=0 if inline else 1, lease_s=300, concurrency=CONCURRENCY
    ) as made:
        simpms.fault("create_card", "slow", seconds=0.5, times=None)
        leads = [lead(person=people.name(n), email=people.email(n), message="hello") for n in range(1, 21)]
        assert made.post("/v1/leads", b"[" + b",".join(leads) + b"]", "site").status == 200
        eventually(lambda: "create_card" in simpms.requests(), "the worker is at it")
        leaving = made.api if inline else made.workers[0]
        assert leaving is not None
        begun = simpms.requests().count("create_card")
        leaving.leave()
        calls = [call for call in simpms.state()["requests"] if call["op"] == "create_card"]
        assert all(call["status"] == 201 for call in calls), "every call was waited for"
        assert made.number("SELECT count(*) FROM deliveries WHERE state = 'in_flight'") == 0
        assert made.number("SELECT count(*) FROM attempts WHERE outcome = ''") == 0
        done = made.number("SELECT count(*) FROM deliveries WHERE state = 'acknowledged' AND kind = 'prospect'")
        assert len(calls) == done
        assert done <= begun + 2 * CONCURRENCY, "only what was begun"
        made.assert_balanced()
