"""A vendor that joins two of our cards by a rule of its own: both stay known to us, and a person is asked to look."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from leadsvc.store.tables import exceptions
from tests.benches import Bench, starter_of
from tests.destinations_fixtures import SimPmsBench, simpms, simpms_process  # noqa: F401  # fixtures
from tests.integration.test_every_vendor_delivers import Desk, account
from tests.renters import Office
from tests.world import running_world

SHARED = "the.lindqvists@example.com"


@pytest.fixture(scope="module", params=["entrata", "realpage"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with starter_of(request.param)(tmp_path_factory.mktemp(request.param)) as bench:
        yield bench


@pytest.fixture
def desk(running: Bench, sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Desk]:  # noqa: F811
    running.reset()
    with running_world(sqlite_database, tmp_path, simpms, configure=partial(account, running)) as world:
        made = Desk(Office(world), running)
        yield made
        made.office.assert_sound()


def test_a_couple_with_one_address(desk: Desk) -> None:
    desk.office.lead("a", "Rosa Lindqvist", SHARED, "0120")
    desk.settle()
    desk.office.lead("b", "Gustav Lindqvist", SHARED, "0177")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert desk.office.person("a")["id"] != desk.office.person("b")["id"]
    assert desk.card("a") == desk.card("b")
    assert desk.events("b") == 1
    told = [row for row in desk.office.world.rows(exceptions) if row["cause"] == "correct_by_hand"]
    assert len(told) == 1
    assert desk.card("a") in told[0]["detail"]
    assert SHARED not in told[0]["detail"]
