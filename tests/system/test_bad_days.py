"""What a PMS does on bad days, over the wire, with the clock in the test's hand: P1 and P5 hold, and P6 says so."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from leadsvc.app import prepare
from leadsvc.store.tables import deliveries, destinations, exceptions, match_decisions
from leadsvc.workers.destinations.vendors.simpms.wire import WRITES
from tests.benches.simpms import SimPmsBench, running_simpms
from tests.processes import eventually, free_port
from tests.renters import Office
from tests.system import people
from tests.system.history import violations
from tests.world import Clock, World, settings

pytestmark = pytest.mark.slow
HERE_BEFORE = 3  # people the simulated PMS knows from the start


@contextlib.contextmanager
def running(url: str, var: Path, pms: SimPmsBench, timeout_s: float = 5.0) -> Iterator[World]:
    pms.reset()
    configured = settings(url, var, pms)
    account = replace(configured.accounts["pms"], timeout_s=timeout_s, household="shared")
    configured = replace(configured, accounts={"pms": account})
    prepare(configured)
    world = World(configured, pms, Clock())
    try:
        yield world
    finally:
        world.close()


@pytest.fixture
def world(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running(sqlite_database, tmp_path, simpms) as made:
        yield made


def say(world: World, person: int, message: str, **contact: str) -> None:
    lead = {
        "person": people.name(person),
        "property": {"id": "chd001"},
        "source": "website",
        "contact_type": "form",
        "message": message,
    }
    body = json.dumps(lead | (contact or {"email": people.email(person)})).encode()
    assert world.send(body, "application/json", "canonical").status == 200


def patiently(world: World, days: float = 4) -> None:
    """Let time pass, from one due time to the next, until nothing is open."""
    until = world.clock() + timedelta(days=days)
    world.settle()
    while world.clock() < until and (due := world.loop.sweep.next_due()) is not None:
        # In the world's time a minute passes; what the PMS is still at is done by then.
        eventually(lambda: all(call["status"] for call in world.pms.state()["requests"]), "the PMS is idle")
        world.clock.now = due if due > world.clock() else world.clock() + timedelta(minutes=30)
        world.settle()


def outcomes(world: World) -> set[str]:
    return {row["state"] for row in world.rows(deliveries)}


def assert_whole(world: World, renters: int, inquiries: int) -> None:
    """Everybody is there once, with every inquiry told once, and everything in order."""
    state = world.pms.state()
    assert outcomes(world) <= {"acknowledged", "cancelled"}, outcomes(world)
    assert state["counts"]["live_people"] == renters + HERE_BEFORE
    assert state["counts"]["events"] == inquiries
    assert violations(state) == []
    world.assert_balanced()


def a_life(world: World) -> tuple[int, int]:
    """Leads that make every kind of write: new, again, joined, parted again, a couple. Returns records and events."""
    say(world, 1, "first")
    patiently(world)
    say(world, 1, "second", email=people.email(1), phone=people.phone(1))
    say(world, 2, "other", email=people.email(2))
    long_ago = (world.clock() - timedelta(days=45)).isoformat()  # a name alone does not join over such a time
    say(world, 2, "other phone", phone=people.phone(2), occurred_at=long_ago)
    patiently(world)
    say(world, 2, "bridge", email=people.email(2), phone=people.phone(2))
    patiently(world)
    [merge] = world.rows(match_decisions, match_decisions.c.kind == "merge")
    world.services.actions.unmerge(merge["id"], "tester")
    patiently(world)
    retold = world.count(match_decisions, match_decisions.c.kind == "rehome")
    say(world, 3, "she", email=people.email(3))
    patiently(world)
    say(world, 4, "he", email=people.email(3))
    office = Office(world)
    world.services.actions.household(office.key("he"), office.key("she"), "related", "tester")
    patiently(world)
    [(mate,)] = [card["people"] for card in world.pms.state()["cards"] if card["people"]]
    assert mate["third_party_id"]
    return 4, 7 + retold  # who stands on another's card has no record of their own


@pytest.mark.parametrize(
    "mode", ["commit_then_drop", "drop_before", "ok_noop", "html_error", "cut_body", "truncate_json"]
)
def test_every_write_goes_wrong_once(world: World, mode: str) -> None:
    for op in WRITES:
        world.pms.fault(op, mode)
    told = a_life(world)
    assert world.pms.state()["faults_left"] == 0
    assert_whole(world, *told)


@pytest.mark.parametrize("mode", ["answer_late", "slow"])
def test_every_write_is_answered_too_late(
    sqlite_database: str,
    tmp_path: Path,
    simpms: SimPmsBench,
    mode: str,
) -> None:
    with running(sqlite_database, tmp_path, simpms, timeout_s=0.4) as world:
        for op in WRITES:
            world.pms.fault(op, mode, seconds=0.8)
        told = a_life(world)
        assert world.pms.state()["faults_left"] == 0
        assert_whole(world, *told)


def test_the_pms_dies_and_comes_back(sqlite_database: str, tmp_path: Path) -> None:
    port = free_port()
    with running_simpms(tmp_path, port) as pms, running(sqlite_database, tmp_path, pms) as world:
        say(world, 1, "before")
        patiently(world)
        pms.process.kill()
        for number in range(2, 12):
            say(world, number, "meanwhile")
        world.settle()
        assert {row["failures"] for row in world.rows(deliveries)} <= {0, 1}
        with running_simpms(tmp_path, port) as again:
            world.pms = again
            patiently(world)
            assert_whole(world, 11, 11)


def test_a_week_without_the_pms(world: World) -> None:
    """The open circuit uses up no tries; afterwards all goes out, the longest waiting first."""
    say(world, 0, "before")
    patiently(world)
    world.pms.fault("*", "down")
    called = len(world.pms.state()["requests"])
    for hour in range(7 * 24):
        if hour % 12 == 0:
            say(world, 1 + hour // 12, "meanwhile")
        world.clock.forward(hours=1)
        world.settle()
    calls = len(world.pms.state()["requests"]) - called
    assert calls <= 7 * 24 + 10, "a destination that is down is asked for a sign of life and no more"
    assert "dead" not in outcomes(world)
    assert max(row["failures"] for row in world.rows(deliveries)) <= 1
    world.pms.control("DELETE", "faults")
    patiently(world)
    assert_whole(world, 15, 15)
    acknowledged = [row for row in world.rows(deliveries) if row["kind"] == "prospect"]
    assert len(acknowledged) == 15
    made = [card["third_party_id"] for card in world.pms.state()["cards"] if card["third_party_id"]]
    assert len(made) == len(set(made)) == 15


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_pms_says_when_to_come_again(world: World, form: str) -> None:
    after = "120" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=121), usegmt=True)
    world.pms.fault("create_card", "status", status=429, retry_after=after)
    say(world, 1, "hello")
    world.settle()
    world.clock.forward(seconds=90)
    world.settle()
    assert world.pms.requests().count("create_card") == 1, "not before the time it named"
    world.clock.forward(seconds=40)
    world.settle()
    assert world.pms.requests().count("create_card") == 2
    assert_whole(world, 1, 1)


def test_refused_credentials_pause_the_account_until_they_are_mended(world: World) -> None:
    world.pms.fault("*", "status", status=401, times=None)
    for number in range(6):
        say(world, number, "hello")
    world.settle()
    [account] = world.rows(destinations)
    assert account["state"] == "paused"
    [told] = world.rows(exceptions, exceptions.c.resolved_at.is_(None))
    assert (told["kind"], told["cause"]) == ("account", "auth")
    assert outcomes(world) <= {"held", "pending"}
    quiet = len(world.pms.requests())
    for _ in range(10):
        world.clock.forward(minutes=1)
        world.settle()
    assert len(world.pms.requests()) - quiet <= 20, "a paused account is asked for a sign of life only"
    assert max(row["attempts"] for row in world.rows(deliveries)) == 1
    world.pms.control("DELETE", "faults")
    world.clock.forward(minutes=1)
    patiently(world)
    assert world.rows(exceptions, exceptions.c.resolved_at.is_(None)) == []
    assert_whole(world, 6, 6)


def test_what_is_refused_for_good_is_an_exception_and_blocks_nobody_else(world: World) -> None:
    world.pms.fault("create_card", "status", status=422, times=1)
    say(world, 1, "refused")
    world.settle()
    say(world, 2, "taken")
    patiently(world, days=0.25)
    [dead] = world.rows(deliveries, deliveries.c.state == "dead")
    [told] = world.rows(exceptions, exceptions.c.resolved_at.is_(None))
    assert (told["kind"], told["subject_id"]) == ("dead_delivery", dead["id"])
    assert world.pms.state()["counts"]["live_people"] == 1 + HERE_BEFORE
    world.services.actions.retry_delivery(dead["id"], "tester")
    patiently(world)
    assert_whole(world, 2, 2)
