"""A CRM beside the PMS: told after it, never so that two systems that exchange prospects get one person twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from leadsvc.config import Settings
from leadsvc.store.tables import deliveries, exceptions
from leadsvc.workers.following import PATIENCE
from tests.benches.simpms import SimPmsBench, running_simpms
from tests.renters import Office
from tests.world import running_world

ROSA = ("Rosa Lindqvist", "rosa.lindqvist@example.com", "0120")
_THERE_BEFORE = 3


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimPmsBench]:
    with running_simpms(tmp_path_factory.mktemp("crm")) as bench:
        yield bench


@dataclass(frozen=True)
class Both:
    """An office whose PMS has a CRM beside it."""

    office: Office
    crm: SimPmsBench

    def told(self) -> int:
        return int(self.crm.state()["counts"]["live_people"]) - _THERE_BEFORE

    def states(self) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = {"pms": set(), "crm": set()}
        for row in self.office.world.rows(deliveries):
            found[row["destination"]].add((row["state"], row["cause"]))
        return found


def with_crm(crm: SimPmsBench, settings: Settings, **more: Any) -> Settings:
    beside = replace(settings.accounts["pms"], name="crm", base_url=crm.url, follows=("pms",), **more)
    return replace(settings, accounts={"crm": beside, **settings.accounts})


@pytest.fixture(params=[True, False], ids=["may_create", "waits"])
def both(
    request: pytest.FixtureRequest,
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    crm: SimPmsBench,
) -> Iterator[Both]:
    crm.reset()
    configure = partial(with_crm, crm, follower_creates=request.param)
    with running_world(store_url, tmp_path, simpms, configure=configure) as world:
        made = Both(Office(world), crm)
        yield made
        made.office.assert_sound()


may_create = pytest.mark.parametrize("both", [True], indirect=True)
waits = pytest.mark.parametrize("both", [False], indirect=True)


def test_nothing_is_told_before_the_pms_has_it(both: Both) -> None:
    both.office.world.pms.fault("create", "status", status=503, times=3)
    both.office.lead("a", *ROSA)
    both.office.settle()
    assert both.told() == 0
    assert ("retry", "waits_for_home") in both.states()["crm"]
    assert "create_card" not in both.crm.requests()


@may_create
def test_it_is_told_after_the_pms_with_its_history(both: Both) -> None:
    both.office.lead("a", *ROSA)
    both.office.settle()
    both.office.forward(minutes=2)
    both.office.settle()
    assert both.states() == {"pms": {("acknowledged", "")}, "crm": {("acknowledged", "")}}
    assert both.told() == both.office.remote_people() == 1
    counts = both.crm.state()["counts"]
    assert (counts["events"], counts["tasks"]) == (1, 1)
    ours = [each for each in both.crm.state()["cards"] if each["third_party_id"]]
    assert [(each["agent_id"], each["unit_id"], each["floor_plan_id"]) for each in ours] == [(None, None, None)]


@waits
def test_what_the_pms_passes_on_is_waited_for_and_then_updated(both: Both) -> None:
    both.office.lead("a", *ROSA)
    both.office.settle()
    both.office.forward(minutes=2)
    both.office.settle()
    assert ("retry", "waits_for_prospect") in both.states()["crm"]
    assert both.told() == 0
    words = {"property_id": "chd001", "first_name": "Rosa", "last_name": "Lindqvist", "source": "Zillow.com"}
    both.crm.control("POST", "guest-cards", words | {"email": ROSA[1], "entered_by": "sync"})
    both.office.forward(hours=1, minutes=1)
    both.office.settle()
    assert both.states()["crm"] == {("acknowledged", "")}
    assert both.told() == 1


@waits
def test_a_person_is_asked_once_it_is_late(both: Both) -> None:
    both.office.lead("a", *ROSA)
    both.office.settle()
    both.office.forward(seconds=PATIENCE.total_seconds() + 7200)
    both.office.settle()
    assert ("held", "waits_for_prospect") in both.states()["crm"]
    (asked,) = both.office.world.rows(exceptions, exceptions.c.kind == "held_delivery")
    assert "follower_creates" in asked["detail"]
    assert both.told() == 0


@may_create
def test_an_unplaced_card_is_owed_to_both_once_it_has_its_property(both: Both) -> None:
    both.office.lead("a", *ROSA, home="Nowhere Gardens")
    both.office.settle()
    assert both.states() == {"pms": {("held", "unplaced_card")}, "crm": {("held", "unplaced_card")}}
    home = next(iter(both.office.world.services.intake.portfolio().properties))
    both.office.actions.place_card(both.office.card("a")["key"], home, "ana")
    both.office.settle()
    both.office.world.clock.now += timedelta(minutes=2)
    both.office.settle()
    assert both.states() == {"pms": {("acknowledged", "")}, "crm": {("acknowledged", "")}}
    assert both.told() == 1


@may_create
def test_a_merge_is_told_to_both(both: Both) -> None:
    both.office.lead("a", *ROSA)
    both.office.lead("b", "Ken Mori", "ken@example.com", "0177")
    both.office.settle()
    both.office.forward(minutes=2)
    both.office.settle()
    merged = both.office.merge("b", "a")
    both.office.settle()
    assert (both.told(), both.office.remote_people()) == (1, 1)
    both.office.unmerge(merged)
    both.office.settle()
    both.office.forward(minutes=2)
    both.office.settle()
    assert (both.told(), both.office.remote_people()) == (2, 2)
