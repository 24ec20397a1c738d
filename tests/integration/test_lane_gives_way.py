"""However much there is to deliver to an account, it is asked in between what became of its cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leadsvc.store.tables import deliveries
from tests.benches.simpms import SimPmsBench
from tests.processes import eventually
from tests.system import people
from tests.system.test_lanes import say
from tests.world import World, running_world

RENTERS = 16


@pytest.fixture
def world(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(
        sqlite_database, tmp_path, simpms, configure=lambda usual: replace(usual, sweep_s=0.05, outcomes_s=1.0)
    ) as made:
        yield made


def test_outcomes_are_read_while_a_long_line_is_told(world: World) -> None:
    for number in range(RENTERS):
        say(world, f"letter {number}", email=people.email(number))
    world.pms.fault("add_event", "answer_late", seconds=0.3, times=RENTERS)

    def asked_again() -> bool:
        world.clock.forward(seconds=2)
        return world.pms.requests().count("pull_outcomes") >= 3

    world.loop.start()
    try:
        eventually(asked_again, "the account is asked while much is owed", 20)
        assert world.count(deliveries, deliveries.c.state == "pending") > 0
        owed = deliveries.c.state.in_(("pending", "retry", "in_flight"))
        eventually(lambda: world.count(deliveries, owed) == 0, "everything is told", 30)
    finally:
        world.loop.stop()
    world.assert_balanced()
    assert world.pms.state()["counts"]["events"] == RENTERS
