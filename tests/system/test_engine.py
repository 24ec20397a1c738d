"""The delivery engine against a simulated PMS over the wire, with the clock in the test's hand: how much an account is
asked, when it is left alone, what is not known to be written, and what one account may do to another."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadsvc.config import Account, Settings
from leadsvc.store.tables import attempts, deliveries, destinations, exceptions, rate_limits
from leadsvc.workers.build import build_loop
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.destinations.vendors.simpms import SimPms
from leadsvc.workers.schedule import CIRCUIT_AFTER
from tests.benches.simpms import SimPmsBench, running_simpms
from tests.processes import eventually
from tests.system import people
from tests.system.history import violations
from tests.world import FIRST, World, running_world

pytestmark = pytest.mark.slow
HERE_BEFORE = 3  # people the simulated PMS knows from the start


def with_account(settings: Settings, **words: Any) -> Settings:
    return replace(settings, accounts={"pms": replace(settings.accounts["pms"], **words)})


@pytest.fixture
def world(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(store_url, tmp_path, simpms) as made:
        yield made


def say(world: World, person: int, message: str = "hello", home: str = "chd001", **contact: str) -> None:
    lead = {
        "person": people.name(person),
        "property": {"id": home},
        "source": "website",
        "contact_type": "form",
        "message": message,
    }
    body = json.dumps(lead | (contact or {"email": people.email(person)})).encode()
    assert world.send(body, "application/json", "canonical").status == 200


def states(world: World) -> set[str]:
    return {row["state"] for row in world.rows(deliveries)}


def calls(world: World) -> int:
    return len(world.pms.requests())


# -- how much ---------------------------------------------------------------------------------------------------------


def test_two_hosts_share_the_limit_of_an_account(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
) -> None:
    """A backlog drains as fast as the limit allows, and no faster, however many workers there are."""
    limit, people_ = 20, 12
    with running_world(
        store_url, tmp_path, simpms, configure=lambda made: with_account(made, limits={"1s": limit}, sync_hours=720)
    ) as world:
        for number in range(people_):
            say(world, number)
        other = Deliverer(world.services.store, world.settings, world.clock)
        started, begun, by_second = world.clock(), calls(world), list[int]()
        while states(world) != {"acknowledged"}:
            before = calls(world)
            world.loop.deliverer.drain("pms")
            other.drain("pms")
            by_second.append(calls(world) - before)
            due = [each.next_due("pms") for each in (world.loop.deliverer, other)]
            assert due[0] == due[1], "both hosts know the same"
            world.clock.now = due[0] or world.clock()
        other.close()
        made = calls(world) - begun
        took = (world.clock() - started) / timedelta(seconds=1)
        assert made <= limit * (took + 1) + 5
        assert made >= 0.8 * limit * took, f"{made} calls in {took:.1f} s"
        assert max(by_second) <= limit + 10, "what one moment sees"
        assert world.pms.state()["counts"]["live_people"] == people_ + HERE_BEFORE
        assert sum(row["calls"] for row in world.rows(attempts)) == made, "every call is on record"


def test_nothing_waits_by_sleeping(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    """The account's calls are used up for half an hour: a drain returns at once, and says when to come again."""
    with running_world(
        store_url, tmp_path, simpms, configure=lambda made: with_account(made, limits={"1h": 10})
    ) as world:
        for number in range(6):
            say(world, number)
        world.loop.deliverer.drain("pms")
        assert 1 <= world.count(deliveries, deliveries.c.state == "acknowledged") <= 2
        due = world.loop.deliverer.next_due("pms")
        assert due is not None
        assert timedelta(minutes=1) < due - world.clock() < timedelta(hours=1)
        assert world.count(attempts) == world.count(deliveries, deliveries.c.state == "acknowledged")


def test_what_the_account_does_not_use_is_not_counted(world: World) -> None:
    assert world.rows(rate_limits) == [], "the simulated PMS states no limits"
    say(world, 1)
    world.settle()
    assert states(world) == {"acknowledged"}


def test_a_rest_that_one_answer_asks_for_is_kept_by_the_whole_account(world: World) -> None:
    world.pms.fault("create_card", "status", status=429, retry_after="120")
    say(world, 1)
    world.settle()
    asked = calls(world)
    say(world, 2)
    world.settle()
    world.clock.forward(seconds=110)
    world.settle()
    assert calls(world) == asked, "nobody's lead goes there before"
    assert world.loop.deliverer.next_due("pms") == FIRST + timedelta(seconds=120)
    world.clock.forward(seconds=11)
    world.settle()
    assert states(world) == {"acknowledged"}
    assert world.pms.state()["counts"]["live_people"] == 2 + HERE_BEFORE


def test_quiet_hours_are_kept(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    quiet = {"quiet_hours": (time(9), time(12, 30)), "time_zone": "America/New_York"}  # FIRST is 11:00 there
    with running_world(store_url, tmp_path, simpms, configure=lambda made: with_account(made, **quiet)) as world:
        asked = calls(world)
        say(world, 1)
        world.settle()
        assert calls(world) == asked
        assert world.loop.deliverer.next_due("pms") == FIRST + timedelta(minutes=90)
        world.clock.forward(minutes=90)
        world.settle()
        assert states(world) == {"acknowledged"}


def test_a_lead_that_costs_too_much_waits_and_is_told(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
) -> None:
    with running_world(
        store_url, tmp_path, simpms, configure=lambda made: with_account(made, calls_per_lead=10)
    ) as world:
        for number in range(4):
            say(world, 1, f"question {number}")
            say(world, number + 10)
            world.settle()
        held = world.rows(deliveries, deliveries.c.state == "held")
        assert {row["cause"] for row in held} == {"call_budget"}
        assert len({row["guest_card_id"] for row in held}) == 1, "others are not concerned"
        told = world.rows(exceptions, exceptions.c.resolved_at.is_(None), exceptions.c.kind == "held_delivery")
        assert {row["subject_id"] for row in told} == {row["id"] for row in held}
        assert all("calls_per_lead" in row["detail"] for row in told)
        for row in held:
            world.services.actions.retry_delivery(row["id"], "tester")
        world.settle()
        passed = {row["id"]: row["state"] for row in world.rows(deliveries)}
        assert {passed[row["id"]] for row in held} == {"acknowledged"}, "a person's word lets them pass"
        lifted = [row for row in world.rows(deliveries) if row["unmetered"]]
        assert {row["id"] for row in lifted} == {row["id"] for row in held}
        assert not any(row["released"] for row in lifted), "the daily cap is another matter"
        while world.count(deliveries, deliveries.c.state != "acknowledged"):
            world.clock.forward(days=1)
            world.settle()
        assert world.rows(exceptions, exceptions.c.resolved_at.is_(None)) == []
        assert world.pms.state()["counts"]["events"] == 8


# -- when it is left alone --------------------------------------------------------------------------------------------


def test_what_is_owed_many_times_is_told_once(world: World) -> None:
    say(world, 1)
    for number in range(5):
        say(world, 1, f"and another question, the {number}th")
        world.clock.forward(minutes=1)
    world.settle()
    assert states(world) == {"acknowledged"}
    said = world.pms.requests()
    assert (said.count("create_card"), said.count("add_event"), said.count("create_task")) == (1, 6, 1)
    assert said.count("update_task") == 0, "the task says what the newest of its versions says"
    (task,) = world.pms.state()["tasks"]
    assert task["text"] == "and another question, the 4th"


def test_one_delivery_alone_tries_an_account_that_may_be_well_again(world: World) -> None:
    """The probe's answer is good and writes still fail: one delivery finds out, not all of them."""
    for number in range(20):
        say(world, number)
    world.pms.fault("create_card", "status", status=500, times=None)
    world.settle()
    opened = world.pms.requests().count("create_card")
    assert opened <= CIRCUIT_AFTER + world.settings.accounts["pms"].concurrency
    for _ in range(6):
        before = world.pms.requests().count("create_card")
        world.clock.forward(minutes=6)
        world.settle()
        assert world.pms.requests().count("create_card") - before <= 1
    tried = [row for row in world.rows(deliveries, deliveries.c.kind == "prospect") if row["failures"]]
    assert len(tried) <= opened + 6
    assert "dead" not in states(world)
    world.pms.control("DELETE", "faults")
    for _ in range(40):
        world.clock.forward(hours=3)
        world.settle()
    assert states(world) == {"acknowledged"}
    assert world.pms.state()["counts"]["live_people"] == 20 + HERE_BEFORE
    assert violations(world.pms.state()) == []


def test_only_one_process_probes(world: World) -> None:
    say(world, 1)
    world.pms.fault("*", "down")
    for _ in range(CIRCUIT_AFTER + 1):
        world.settle()
        world.clock.forward(seconds=40)
    [account] = world.rows(destinations)
    assert account["open_until"] is not None
    world.clock.forward(minutes=10)
    sweeps = [build_loop(world.services).sweep for _ in range(4)]
    before = world.pms.requests().count("check")
    threads = [threading.Thread(target=each.account, args=("pms",)) for each in sweeps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.pms.requests().count("check") - before <= 1
    for each in sweeps:
        each.deliverer.close()


# -- side by side -----------------------------------------------------------------------------------------------------


def test_a_slow_account_starves_no_other(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
) -> None:
    """Both accounts have a backlog, one answers after a second each time: the other is done long before."""
    (tmp_path / "crm").mkdir()
    with running_simpms(tmp_path / "crm") as slow:

        def both(made: Settings) -> Settings:
            crm = Account(
                name="crm",
                vendor="simpms",
                base_url=slow.url,
                api_key=slow.profile.api_key,
                fallback_source="Unmapped - Review",
                concurrency=1,
                follows=("pms",),
                follower_creates=True,
            )
            return replace(made, accounts={"crm": crm, "pms": made.accounts["pms"]})

        with running_world(store_url, tmp_path, simpms, configure=both) as world:
            for number in range(10):
                say(world, number)
            assert {row["destination"] for row in world.rows(deliveries)} == {"pms", "crm"}
            slow.fault("*", "slow", seconds=1.0, times=None)
            loop = build_loop(world.services)
            loop.start()
            try:
                fast = (deliveries.c.destination == "pms") & (deliveries.c.state != "acknowledged")
                waits = (deliveries.c.destination == "crm") & (deliveries.c.state != "acknowledged")
                eventually(lambda: not world.count(deliveries, fast), "the account that answers is done")
                assert world.count(deliveries, waits) >= 10, "the slow one is not, by far"
            finally:
                slow.control("DELETE", "faults")
                loop.stop()
            assert world.count(deliveries, deliveries.c.state == "in_flight") == 0


# -- what is not known to be written ----------------------------------------------------------------------------------


class Blind(SimPms):
    """A vendor that cannot be searched and whose writes carry no key: it makes a second guest card when asked twice."""

    CAPABILITIES = replace(SimPms.CAPABILITIES, find_by=("remote_id",))


class Tardy(SimPms):
    """A vendor that shows what was written after ten minutes."""

    CAPABILITIES = replace(SimPms.CAPABILITIES, read_back_delay_s=600.0)


def speaking(world: World, kind: type[SimPms]) -> None:
    deliverer = world.loop.deliverer
    deliverer._destinations["pms"] = kind(deliverer.profile("pms"))


def created(world: World) -> int:
    return world.pms.requests().count("create_card")


def test_where_presence_cannot_be_established_nothing_is_written_again(world: World) -> None:
    speaking(world, Blind)
    world.pms.fault("create_card", "commit_then_drop")
    say(world, 1)
    for _ in range(40):
        world.settle()
        world.clock.forward(hours=3)
    assert created(world) == 1
    [held] = world.rows(deliveries, deliveries.c.kind == "prospect")
    assert (held["state"], held["cause"]) == ("held", "presence_unknown")
    [told] = world.rows(exceptions, exceptions.c.resolved_at.is_(None))
    assert (told["kind"], told["subject_id"]) == ("held_delivery", held["id"])
    world.services.actions.retry_delivery(held["id"], "tester")
    world.settle()
    assert created(world) == 1, "a person's impatience proves nothing"
    assert world.pms.state()["counts"]["live_people"] == 1 + HERE_BEFORE


def test_a_blind_vendor_is_written_to_where_nothing_was_sent_before(world: World) -> None:
    speaking(world, Blind)
    for number in range(3):
        say(world, number)
    world.settle()
    assert states(world) == {"acknowledged"}
    assert created(world) == 3


def test_absent_is_what_is_absent_after_the_time_a_write_may_stay_invisible(world: World) -> None:
    speaking(world, Tardy)
    nothing = json.dumps({"guest_cards": []})
    world.pms.fault("create_card", "commit_then_drop")
    world.pms.fault("search_cards", "replay", body=nothing, times=None, headers={"Content-Type": "application/json"})
    say(world, 1)
    world.settle()
    [waits] = world.rows(deliveries, deliveries.c.kind == "prospect")
    assert waits["due_at"] >= FIRST + timedelta(minutes=10)
    world.clock.forward(minutes=4)
    world.services.actions.retry_delivery(waits["id"], "tester")
    world.settle()
    assert created(world) == 1, "not yet visible is not absent"
    [waits] = world.rows(deliveries, deliveries.c.kind == "prospect")
    assert waits["due_at"] == FIRST + timedelta(minutes=10)
    world.pms.control("DELETE", "faults")
    world.clock.forward(minutes=6)
    world.settle()
    assert created(world) == 1
    assert states(world) == {"acknowledged"}
    assert world.pms.state()["counts"]["live_people"] == 1 + HERE_BEFORE


def test_a_worker_that_died_leaves_a_doubt_behind(world: World) -> None:
    """It may have written before it died: a vendor that cannot be searched is not written to again."""
    speaking(world, Blind)
    say(world, 1)
    [taken] = world.loop.deliverer.take("pms")
    assert taken.kind == "prospect"
    world.clock.forward(seconds=world.settings.lease_s + 1)
    world.settle()
    [held] = world.rows(deliveries, deliveries.c.kind == "prospect")
    assert (held["state"], held["cause"]) == ("held", "presence_unknown")
    assert created(world) == 0
