"""A whole leadsvc in front of every vendor's simulator: configuration read, leads delivered, corrected, read back.

A CRM, which has no properties of its own, stands beside the simulated PMS and follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from leadsvc.config import Account, Settings
from leadsvc.store.tables import deliveries, exceptions, inquiries, outcomes, remote_refs, tasks
from leadsvc.workers.destinations import capabilities
from leadsvc.workers.destinations.base import Capabilities, OutcomeKind
from tests.benches import BENCHED, Bench, starter_of
from tests.destinations_fixtures import SimPmsBench, simpms, simpms_process  # noqa: F401  # fixtures
from tests.renters import Office
from tests.world import running_world

ROSA = ("Rosa Lindqvist", "rosa.lindqvist@example.com", "0120")
KEN = ("Ken Mori", "ken.mori@example.com", "0177")
CRMS = frozenset({"hubspot", "salesforce", "webhook"})
PROPERTIES = {
    "chd001": {"name": "Cedar Hollow", "time_zone": "America/Chicago"},
    "olf": {"name": "Oakline Lofts", "time_zone": "America/New_York"},
}
"""What the operator says of its properties: not every vendor lists them, and few tell their time zone."""
VENDORS = [each for each in BENCHED if each != "simpms"]


@dataclass(frozen=True)
class Desk:
    """An office and the vendor that it delivers to."""

    office: Office
    bench: Bench

    @property
    def can(self) -> Capabilities:
        return capabilities(self.bench.vendor)

    def states(self) -> set[tuple[str, str]]:
        mine = deliveries.c.destination == "vendor"
        return {(row["state"], row["cause"]) for row in self.office.world.rows(deliveries, mine)}

    def settle(self, minutes: int = 5) -> None:
        """Deliver, also what waits because the vendor shows things late or another account comes first."""
        for _ in range(minutes):
            self.office.settle()
            self.office.forward(minutes=1)

    def live(self, message: str) -> int:
        return self.bench.live_cards(self.office.card(message)["key"])

    def card(self, message: str) -> str:
        """The vendor's id of the card of this lead."""
        mine = (remote_refs.c.destination == "vendor") & (remote_refs.c.kind == "card") & remote_refs.c.live
        card = self.office.card(message)["id"]
        (ref,) = self.office.world.rows(remote_refs, mine, remote_refs.c.entity_id == card)
        return str(ref["remote_id"])

    def events(self, message: str) -> int:
        key = f"IN-{self.office.inquiry(message).id.hex[-12:]}"
        return self.bench.events(self.card(message), key)

    def tasks(self, message: str) -> int:
        (row,) = self.office.world.rows(tasks, tasks.c.guest_card_id == self.office.card(message)["id"])
        return self.bench.tasks(self.card(message), f"TK-{row['id'].hex[-12:]}")


def account(bench: Bench, settings: Settings) -> Settings:
    known = bench.profile
    made = Account(
        name="vendor",
        vendor=known.vendor,
        base_url=known.base_url,
        api_key=known.api_key,
        credentials=known.credentials,
        options=known.options,
        sources=known.sources,
        fallback_source=known.fallback_source,
        concurrency=4,
        limits={"1s": 5_000},  # the test's clock stands still
        properties=PROPERTIES,
    )
    if known.vendor in CRMS:
        beside = replace(made, follows=("pms",), follower_creates=True)
        return replace(settings, accounts={"pms": settings.accounts["pms"], "vendor": beside})
    return replace(settings, accounts={"vendor": made})


@pytest.fixture(scope="module", params=VENDORS)
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
