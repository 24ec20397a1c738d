"""A whole leadsvc in front of every vendor's simulator: configuration read, leads delivered, corrected, read back."""

from __future__ import annotations

import pytest

from leadsvc.store.tables import deliveries, exceptions, inquiries, outcomes
from leadsvc.workers.destinations.base import OutcomeKind
from tests.benches import BENCHED
from tests.integration.desk_support import KEN, ROSA, Desk

VENDORS = [each for each in BENCHED if each != "simpms"]


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_leads_arrive_once_with_their_history_and_task(desk: Desk) -> None:
    desk.office.lead("a", *ROSA, source="zillow")
    desk.office.lead("b", *KEN, home="olf")
    desk.office.forward(minutes=3)
    desk.office.lead("c", *ROSA, source="apartments_com")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert (desk.live("a"), desk.live("b"), desk.office.person("a")["id"]) == (1, 1, desk.office.person("c")["id"])
    if desk.can.has_event:
        assert [desk.events(each) for each in "abc"] == [1, 1, 1]
    if desk.can.has_task or desk.can.has_appointment or desk.can.has_event:
        assert (desk.tasks("a"), desk.tasks("b")) == (1, 1)


def test_a_bad_day_makes_nobody_twice(desk: Desk) -> None:
    desk.bench.fault("create", "commit_then_drop", times=2)
    desk.office.lead("a", *ROSA)
    desk.settle(3)
    for _ in range(4):
        desk.office.forward(minutes=40)
        desk.settle(3)
    assert desk.states() == {("acknowledged", "")}
    assert desk.live("a") == 1
    assert desk.office.world.count(exceptions, exceptions.c.resolved_at.is_(None)) == 0


def test_what_cannot_be_corrected_there_is_a_persons_work(desk: Desk) -> None:
    desk.office.lead("a", *ROSA)
    desk.office.lead("b", *KEN)
    desk.settle()
    merged = desk.office.merge("b", "a")
    desk.settle()
    dead = [row for row in desk.office.world.rows(deliveries) if row["state"] == "dead"]
    asked = desk.office.world.count(exceptions, exceptions.c.resolved_at.is_(None))
    if desk.can.can_merge:
        assert (dead, asked) == ([], 0)
    else:
        assert {row["cause"] for row in dead} == {"cannot_merge"}
        assert asked == len(dead) == 1
        assert desk.can.corrections["merge"], "the documentation says what a person does"
    desk.office.unmerge(merged)
    desk.settle()
    assert desk.office.people() == {frozenset("a"), frozenset("b")}


def test_what_became_of_a_card_is_read_back(desk: Desk) -> None:
    word = desk.bench.words.get(OutcomeKind.TOURED, "")
    if not word:
        pytest.skip("the vendor tells nothing of tours")
    desk.office.lead("a", *ROSA)
    desk.settle()
    desk.bench.agent_edits(desk.card("a"), {}, word)
    desk.settle(3)
    told = desk.office.world.rows(outcomes)
    assert ("toured", "vendor") in {(row["kind"], row["origin"]) for row in told}
    assert desk.office.card("a")["stage"] == "toured"
    assert desk.office.world.count(inquiries) == 1
