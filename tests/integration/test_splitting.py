"""A single join taken back: the inquiry gets a person and a card of its own, and the two stay apart."""

from __future__ import annotations

import uuid

import pytest

from leadsvc.errors import Reject
from leadsvc.store.tables import deliveries, guest_cards, inquiries, match_decisions, tasks
from tests.integration.test_way_of_a_lead import cards, people, say
from tests.world import World


def joins(world: World) -> list[uuid.UUID]:
    rows = sorted(world.rows(match_decisions), key=lambda row: row["seq"])
    return [row["id"] for row in rows if row["kind"] == "assign" and row["verdict"] == "join"]


def test_a_wrong_join_after_the_push(world: World) -> None:
    say(world, phone="918-555-0140")
    say(world, phone="918-555-0140", email=None, person={"given": "R"}, message="second")
    world.settle()
    assert (people(world), cards(world)) == (1, 1)
    done = world.services.actions.unmerge(joins(world)[0], "tester")
    assert done["inquiries_rehomed"] == 1
    world.assert_balanced()
    world.settle()
    assert (people(world), cards(world), world.count(inquiries)) == (2, 2, 2)
    assert world.pms.state()["counts"]["live_people"] == 5
    assert world.count(tasks, tasks.c.kind == "first_contact", tasks.c.state == "open") == 2
    assert world.count(tasks, tasks.c.kind == "correct_destination") == 1
    assert {row["state"] for row in world.rows(deliveries)} <= {"acknowledged", "cancelled"}
    world.assert_balanced()


def test_what_came_later_by_its_evidence_goes_along(world: World) -> None:
    say(world, phone="918-555-0140", email="one@example.com")
    say(world, phone="918-555-0140", email="two@example.com", message="second")
    say(world, phone=None, email="two@example.com", message="third")
    assert people(world) == 1
    done = world.services.actions.unmerge(joins(world)[0], "tester")
    assert done["inquiries_rehomed"] == 2
    assert people(world) == 2
    world.assert_balanced()
    say(world, phone=None, email="two@example.com", message="fourth")
    assert people(world) == 2
    assert world.count(guest_cards, guest_cards.c.root_id == guest_cards.c.id) == 2
    world.assert_balanced()


def test_a_dry_run_changes_nothing(world: World) -> None:
    say(world)
    say(world, message="second")
    impact = world.services.actions.unmerge(joins(world)[0], "tester", dry_run=True)
    assert impact["dry_run"]
    assert people(world) == 1
    world.assert_balanced()


def test_the_only_inquiry_has_nobody_to_leave(world: World) -> None:
    say(world)
    first = world.rows(match_decisions)[0]["id"]
    with pytest.raises(Reject, match="no other inquiry"):
        world.services.actions.unmerge(first, "tester")


def test_a_correction_after_the_split_is_told(world: World) -> None:
    """What is told anew on another card, and what the sender corrects later, are two things owed."""
    say(world, phone="918-555-0140")
    say(world, phone="918-555-0140", email=None, message="second", external_id="two")
    world.settle()
    world.services.actions.unmerge(joins(world)[0], "tester")
    world.settle()
    say(world, phone="918-555-0140", email=None, message="second, corrected", external_id="two")
    world.settle()
    assert any("second, corrected" in event["text"] for event in world.pms.state()["events"])
    owed = [row["version"] for row in world.rows(deliveries) if row["kind"] == "event"]
    assert sorted(owed) == [-1, 1, 1, 2]
    world.assert_balanced()
