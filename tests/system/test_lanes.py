"""Deliveries of cards that are merged while something of them is under way: in order, and nobody waits in a ring."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from leadsvc.store.tables import attempts, deliveries
from leadsvc.workers.claim import Claimed
from leadsvc.workers.draining import Prepared
from leadsvc.workers.results import Finished
from tests.benches.simpms import SimPmsBench
from tests.system import people
from tests.system.history import violations
from tests.world import FIRST, World, running_world


@pytest.fixture
def world(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(store_url, tmp_path, simpms) as made:
        yield made


def say(world: World, message: str, occurred_at: str = "", **contact: str) -> None:
    lead: dict[str, object] = {
        "person": people.name(1),
        "property": {"id": "chd001"},
        "source": "website",
        "contact_type": "form",
        "message": message,
    }
    when = {"occurred_at": occurred_at} if occurred_at else {}
    assert world.send(json.dumps(lead | when | contact).encode(), "application/json", "canonical").status == 200


def two_cards(world: World) -> tuple[Claimed, Claimed]:
    """Two prospects whose cards are taken by a worker; the second one will survive: it is older."""
    say(world, "first", email=people.email(1))
    say(world, "second", occurred_at=(FIRST - timedelta(days=45)).isoformat(), phone=people.phone(1))
    one, other = world.loop.deliverer.take("pms")
    return one, other


def push(world: World, claimed: Claimed) -> bool:
    """Push one alone; whether it is done."""
    deliverer = world.loop.deliverer

    def hand_in(finished: Finished, *, wait: bool) -> None:
        deliverer.record([finished])

    return deliverer.attempt(Prepared(claimed), hand_in)


def bridge(world: World) -> None:
    say(world, "bridge", email=people.email(1), phone=people.phone(1))


def assert_one(world: World) -> None:
    state = world.pms.state()
    assert state["counts"]["live_people"] == 4
    assert state["counts"]["events"] == 3
    assert {row["state"] for row in world.rows(deliveries)} <= {"acknowledged", "cancelled"}
    assert violations(state) == []
    world.assert_balanced()


def test_an_event_of_the_merged_card_does_not_block_the_card_it_waits_for(world: World) -> None:
    one, other = two_cards(world)
    assert push(world, one)
    world.loop.deliverer.give_back([other])
    bridge(world)
    world.settle()
    assert_one(world)
    assert {row["outcome"] for row in world.rows(attempts)} <= {"accepted", "duplicate", "released"}


def test_the_merge_waits_for_the_push_of_the_merged_card(world: World) -> None:
    one, other = two_cards(world)
    world.loop.deliverer.give_back([other])
    bridge(world)
    world.settle()
    assert world.count(deliveries, deliveries.c.state == "acknowledged") == 0, "its family is at work"
    world.loop.deliverer.give_back([one])
    world.settle()
    assert_one(world)


def test_a_card_merged_before_its_push_began_is_left_to_its_new_lane(world: World) -> None:
    one, other = two_cards(world)
    bridge(world)
    assert not push(world, one)
    assert push(world, other)
    world.settle()
    assert_one(world)


def test_a_card_of_which_the_push_was_on_its_way_is_merged_there_too(world: World) -> None:
    one, other = two_cards(world)
    assert push(world, one)
    assert push(world, other)
    bridge(world)
    world.settle()
    assert world.pms.requests().count("merge_cards") == 1
    assert_one(world)
