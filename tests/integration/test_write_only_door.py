"""A whole leadsvc in front of a door that takes leads and can never be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leadsvc.config import Account
from leadsvc.simulators.realpage import CREDENTIALS
from leadsvc.store.tables import exceptions
from tests.benches import Bench, WireBench
from tests.benches.simpms import SimPmsBench
from tests.integration.desk_support import KEN, ROSA, Desk, running_desk

VENDOR = "realpage"


@pytest.fixture
def desk(bench: Bench, sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Desk]:
    def by_the_door(made: Account) -> Account:
        return replace(made, credentials={"apikey": CREDENTIALS["apikey"]}, options={"door": "ilm"})

    with running_desk(sqlite_database, tmp_path, simpms, bench, by_the_door) as made:
        yield made


def test_a_renter_is_handed_in_once_however_often_they_write(desk: Desk, bench: WireBench) -> None:
    desk.office.lead("a", *ROSA, source="zillow")
    desk.office.lead("b", *KEN, home="olf")
    desk.office.forward(minutes=3)
    desk.office.lead("c", *ROSA, source="apartments_com")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert bench.requests().count("ilm_lead") == 2


def test_a_lost_answer_waits_for_a_person(desk: Desk, bench: WireBench) -> None:
    bench.fault("ilm_lead", "commit_then_drop")
    desk.office.lead("a", *ROSA)
    desk.settle(3)
    for _ in range(3):
        desk.office.forward(minutes=40)
        desk.settle(2)
    assert bench.requests().count("ilm_lead") == 1
    assert ("acknowledged", "") not in desk.states()
    assert desk.office.world.count(exceptions, exceptions.c.resolved_at.is_(None)) >= 1
