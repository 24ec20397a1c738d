"""A whole leadsvc in front of a door that takes leads and can never be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leadsvc.config import Settings
from leadsvc.simulators.realpage import CREDENTIALS
from leadsvc.store.tables import exceptions
from tests.benches import WireBench
from tests.benches.realpage import start
from tests.destinations_fixtures import SimPmsBench, simpms, simpms_process  # noqa: F401  # fixtures
from tests.integration.test_every_vendor_delivers import KEN, ROSA, Desk, account
from tests.renters import Office
from tests.world import running_world


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireBench]:
    with start(tmp_path_factory.mktemp("realpage")) as bench:
        yield bench


@pytest.fixture
def desk(
    running: WireBench,
    sqlite_database: str,
    tmp_path: Path,
    simpms: SimPmsBench,  # noqa: F811
) -> Iterator[Desk]:
    running.reset()

    def configure(settings: Settings) -> Settings:
        made = account(running, settings)
        known = {"apikey": CREDENTIALS["apikey"]}
        door = replace(made.accounts["vendor"], credentials=known, options={"door": "ilm"})
        return replace(made, accounts={"vendor": door})

    with running_world(sqlite_database, tmp_path, simpms, configure=configure) as world:
        made = Desk(Office(world), running)
        yield made
        made.office.assert_sound()


def test_a_renter_is_handed_in_once_however_often_they_write(desk: Desk, running: WireBench) -> None:
    desk.office.lead("a", *ROSA, source="zillow")
    desk.office.lead("b", *KEN, home="olf")
    desk.office.forward(minutes=3)
    desk.office.lead("c", *ROSA, source="apartments_com")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert running.requests().count("ilm_lead") == 2


def test_a_lost_answer_waits_for_a_person(desk: Desk, running: WireBench) -> None:
    running.fault("ilm_lead", "commit_then_drop")
    desk.office.lead("a", *ROSA)
    desk.settle(3)
    for _ in range(3):
        desk.office.forward(minutes=40)
        desk.settle(2)
    assert running.requests().count("ilm_lead") == 1
    assert ("acknowledged", "") not in desk.states()
    assert desk.office.world.count(exceptions, exceptions.c.resolved_at.is_(None)) >= 1
