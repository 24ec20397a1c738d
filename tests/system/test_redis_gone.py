"""Redis is a nudge and never the truth: emptied or gone, nothing is lost and only time is (P1)."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.benches.simpms import SimPmsBench
from tests.processes import Process, eventually, free_port
from tests.processes import running as running_process
from tests.servers import redis_binary
from tests.system import people
from tests.system.history import violations
from tests.system.town import Town, town

pytestmark = pytest.mark.slow
SWEEP_S = 3.0


@contextlib.contextmanager
def redis_on(port: int, folder: Path) -> Iterator[Process]:
    """A Redis that can be killed and started again at the same address."""
    command = [redis_binary(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with running_process(command, cwd=folder) as process, redis.Redis(port=port) as client:
        process.until(lambda: _pongs(client), "Redis answers PING")
        yield process


def _pongs(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def send(made: Town, numbers: range) -> None:
    made.all([("site", {"person": people.name(n), "email": people.email(n), "message": f"m{n}"}) for n in numbers])


def latency(made: Town, number: int) -> float:
    """Seconds from the answer of the API until the PMS has the person."""
    before = made.pms.state()["counts"]["live_people"]
    send(made, range(number, number + 1))
    started = time.monotonic()
    eventually(lambda: made.pms.state()["counts"]["live_people"] > before, "the PMS has it", 30)
    return time.monotonic() - started


def test_redis_emptied_killed_and_back(pg_database: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(redis_on(port, tmp_path))
        made = stack.enter_context(
            town(tmp_path / "town", pg_database, simpms, workers=1, redis_url=url, sweep_s=SWEEP_S, lease_s=30)
        )
        with redis.Redis(port=port) as client:
            eventually(lambda: client.smembers("rq:workers"), "the worker listens for nudges")
            made.settle()
            nudged = [latency(made, number) for number in range(1, 6)]
            assert sorted(nudged)[2] < SWEEP_S / 2, f"nudges arrive before the sweep: {nudged}"
            send(made, range(10, 20))
            client.flushall()
            send(made, range(20, 30))
            client.flushall()
        made.settle()
        first.kill()
        send(made, range(30, 50))
        made.settle()
        assert made.pms.state()["counts"]["live_people"] == 3 + 5 + 40
        stack.enter_context(redis_on(port, tmp_path))
        again = itertools.count(50)
        eventually(lambda: latency(made, next(again)) < SWEEP_S / 4, "nudges arrive again", 30)
        made.settle()
        assert made.number("SELECT count(*) FROM inquiries") == next(again) - 5
        assert violations(made.pms.state()) == []
        made.assert_balanced()
