"""The mapping queue: unknown names are gathered, suggested for, answered, and whoever waited is mended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert

from leadsvc.errors import NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.pipeline.mending import BATCH
from leadsvc.pipeline.naming import Said
from leadsvc.store.known import bump
from leadsvc.store.queries.names import NameRow, list_names, name_detail, options
from leadsvc.store.tables import (
    audit,
    deliveries,
    exceptions,
    floor_plans,
    guest_cards,
    inquiries,
    name_answers,
    name_sightings,
    properties,
    tasks,
    units,
)
from leadsvc.workers.deliver import profile
from leadsvc.workers.syncing import sync
from tests.system import people
from tests.world import World

HOME = "chd001"


def lead(number: int, **more: Any) -> dict[str, Any]:
    return {
        "source": "apartments_com",
        "person": people.name(number),
        "email": people.email(number),
        "message": f"Question {number}",
        "property": {"id": HOME},
    } | more


def send(world: World, *leads: Mapping[str, Any]) -> None:
    answer = world.send(json.dumps(list(leads)).encode(), "application/json", "canonical")
    assert answer.status == 200, answer.body


def queue(world: World, kind: str | None = None, state: str = "open") -> list[NameRow]:
    with world.services.store.read() as connection:
        return list(list_names(connection, kind=kind, state=state).names)


def only(world: World, kind: str) -> NameRow:
    (found,) = queue(world, kind)
    return found


def home(world: World, remote_id: str = HOME) -> Mapping[str, Any]:
    (row,) = world.rows(properties, properties.c.remote_id == remote_id)
    return row


def answer(world: World, name: NameRow, target: object, **days: date) -> dict[str, Any]:
    return world.services.actions.names.answer(name.id, Said(str(target), **days), "ana")


def test_an_unknown_property_is_asked_for_once_and_mends_everybody(world: World) -> None:
    send(world, *(lead(n, property={"name": "Cedar Holow Flats"}) for n in range(3)))
    world.settle()
    name = only(world, "property")
    assert (name.text, name.seen, name.waiting) == ("Cedar Holow Flats", 3, 3)
    assert name.suggestions[0].target == str(home(world)["id"])
    assert "cedar" in name.suggestions[0].why.lower()
    assert world.count(exceptions, exceptions.c.kind == "unplaced_card", exceptions.c.resolved_at.is_(None)) == 3
    done = answer(world, name, home(world)["id"])
    assert (done["mended"], done["waiting"]) == (3, 0)
    world.settle()
    assert {row["property_id"] for row in world.rows(guest_cards)} == {home(world)["id"]}
    assert {row["property_id"] for row in world.rows(inquiries)} == {home(world)["id"]}
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    assert world.count(exceptions, exceptions.c.resolved_at.is_(None)) == 0
    assert {row["assignee"] != "" for row in world.rows(tasks)} == {True}
    assert queue(world) == []
    assert world.count(audit, audit.c.action == "name.answer") == 1


def test_the_next_lead_needs_no_question_and_a_sync_forgets_nothing(world: World) -> None:
    send(world, lead(1, property={"name": "Sunny Place"}))
    world.settle()
    answer(world, only(world, "property"), home(world)["id"])
    sync(world.services, profile(world.settings.accounts["pms"]))
    world.services.intake.forget_portfolio()
    send(world, lead(2, property={"name": "SUNNY  place"}))
    world.settle()
    assert {row["property_id"] for row in world.rows(guest_cards)} == {home(world)["id"]}
    assert queue(world) == []


def test_somebody_with_a_card_there_has_one_card_afterwards(world: World) -> None:
    send(world, lead(1), lead(1, message="Another question", property={"name": "Sunny Place"}))
    world.settle()
    assert world.count(guest_cards, guest_cards.c.id == guest_cards.c.root_id) == 2
    answer(world, only(world, "property"), home(world)["id"])
    world.settle()
    assert world.count(guest_cards, guest_cards.c.id == guest_cards.c.root_id) == 1
    assert len({event["text"] for event in world.pms.state()["events"]} & {"Question 1", "Another question"}) == 2


def test_days_say_whom_an_answer_is_for(world: World) -> None:
    early = {"occurred_at": "2026-01-05T12:00:00Z", "property": {"name": "Old Mill"}}
    late = {"occurred_at": "2026-03-01T12:00:00Z", "property": {"name": "Old Mill"}}
    send(world, lead(1, **early), lead(2, **late))
    world.settle()
    name = only(world, "property")
    answer(world, name, home(world)["id"], valid_to=date(2026, 1, 31))
    world.settle()
    by_person = {row["lead"]["message"]["value"]: row["property_id"] for row in world.rows(inquiries)}
    assert by_person == {"Question 1": home(world)["id"], "Question 2": None}
    again = only(world, "property")
    assert (again.id, again.waiting, len(again.answers)) == (name.id, 1, 1)
    other = next(row for row in world.rows(properties) if row["remote_id"] != HOME and row["active"])
    answer(world, again, other["id"], valid_from=date(2026, 2, 1))
    world.settle()
    by_person = {row["lead"]["message"]["value"]: row["property_id"] for row in world.rows(inquiries)}
    assert by_person == {"Question 1": home(world)["id"], "Question 2": other["id"]}
    assert queue(world) == []


def test_an_unknown_unit_and_plan_hold_nothing_and_are_corrected(world: World) -> None:
    send(world, lead(1, unit="Garden Suite", floor_plan="The Magnolia"))
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    (card,) = world.rows(guest_cards)
    assert (card["unit_id"], card["floor_plan_id"]) == (None, None)
    assert set(card["flags"]) == {"unknown_floor_plan", "unknown_unit"}
    open_ones = world.rows(exceptions, exceptions.c.resolved_at.is_(None))
    assert [row["kind"] for row in open_ones] == ["unmapped_name"] * 2
    plan = world.rows(floor_plans, floor_plans.c.property_id == home(world)["id"])[0]
    answer(world, only(world, "floor_plan"), plan["id"])
    world.settle()
    (card,) = world.rows(guest_cards)
    assert (card["floor_plan_id"], card["flags"]) == (plan["id"], ["unknown_unit"])
    assert ours(world)["floor_plan_id"] == plan["remote_id"]
    assert [row["kind"] for row in world.rows(exceptions, exceptions.c.resolved_at.is_(None))] == ["unmapped_name"]


def ours(world: World) -> Mapping[str, Any]:
    (found,) = [card for card in world.pms.state()["cards"] if card["third_party_id"]]
    return dict(found)


def test_taking_back_an_answer_about_a_plan(world: World) -> None:
    send(world, lead(1, floor_plan="The Magnolia"))
    world.settle()
    name = only(world, "floor_plan")
    plan = world.rows(floor_plans, floor_plans.c.property_id == home(world)["id"])[0]
    answer(world, name, plan["id"])
    world.services.intake.forget_portfolio()
    send(world, lead(2, floor_plan="the magnolia"))
    world.settle()
    assert {row["floor_plan_id"] for row in world.rows(guest_cards)} == {plan["id"]}
    world.services.actions.names.undo(name.id, "ana")
    world.settle()
    assert {row["floor_plan_id"] for row in world.rows(guest_cards)} == {None}
    assert only(world, "floor_plan").waiting == 2
    assert world.rows(name_answers)[0]["revoked_by"] == "ana"


def test_taking_back_a_property_before_and_after_it_was_told(world: World) -> None:
    send(world, lead(1, property={"name": "Sunny Place"}))
    world.settle()
    name = only(world, "property")
    answer(world, name, home(world)["id"])
    world.services.actions.names.undo(name.id, "ana")
    assert world.rows(guest_cards)[0]["property_id"] is None
    assert {row["state"] for row in world.rows(deliveries)} == {"held"}
    world.assert_balanced()
    world.settle()
    assert [row["kind"] for row in world.rows(exceptions, exceptions.c.resolved_at.is_(None))] == ["unplaced_card"]
    answer(world, only(world, "property"), home(world)["id"])
    world.settle()
    world.services.actions.names.undo(name.id, "ana")
    world.settle()
    assert world.rows(guest_cards)[0]["property_id"] == home(world)["id"], "the PMS has it: a person must look"
    assert world.count(tasks, tasks.c.kind == "correct_destination", tasks.c.state == "open") == 1


def test_an_unknown_source_is_credited_where_it_belongs(world: World) -> None:
    send(world, lead(1, source="Sunny Homes Guide"), lead(2, source="sunny homes guide"))
    world.settle()
    name = only(world, "source")
    assert (name.text, name.seen) == ("sunny_homes_guide", 2)
    answer(world, name, "zillow")
    world.settle()
    assert {row["source"] for row in world.rows(inquiries)} == {"zillow"}
    assert {row["first_source"] for row in world.rows(guest_cards)} == {"zillow"}
    assert {card["source"] for card in world.pms.state()["cards"] if card["third_party_id"]} == {"Zillow.com"}
    world.services.actions.names.undo(name.id, "ana")
    world.settle()
    assert {row["source"] for row in world.rows(inquiries)} == {"sunny_homes_guide"}


def test_the_name_of_a_source_at_the_destination(world: World) -> None:
    send(world, lead(1, source="rent_com"))
    world.settle()
    name = only(world, "source_name")
    assert (name.text, name.scope, name.waiting) == ("rent_com", "pms", 1)
    assert ours(world)["source"] == "Unmapped - Review"
    with world.services.store.read() as connection:
        there = [option.target for option in options(connection, "source_name", "pms")]
    target = next(each for each in there if each != "Unmapped - Review")
    answer(world, name, target)
    world.settle()
    assert ours(world)["source"] == target
    assert world.count(exceptions, exceptions.c.resolved_at.is_(None)) == 0


def test_an_agent_who_is_asked_for_gets_the_task(world: World) -> None:
    place = home(world)
    info = world.services.intake.portfolio().properties[place["id"]]
    assert info.agents
    send(world, lead(1, agent="The lady at the desk"))
    world.settle()
    assert world.rows(tasks)[0]["assignee"] in info.agents, "nobody waits for the answer"
    answer(world, only(world, "agent"), info.agents[-1])
    world.settle()
    (task,) = world.rows(tasks)
    assert task["assignee"] == info.agents[-1]


def test_an_ignored_name_is_asked_no_more(world: World) -> None:
    send(world, lead(1, unit="whatever is free"))
    world.settle()
    name = only(world, "unit")
    world.services.actions.names.ignore(name.id, "ana")
    send(world, lead(2, unit="Whatever is free"))
    world.settle()
    assert queue(world) == []
    assert world.count(exceptions, exceptions.c.resolved_at.is_(None)) == 0
    assert [row.seen for row in queue(world, state="ignored")] == [2]
    world.services.actions.names.undo(name.id, "ana")
    assert only(world, "unit").waiting == 2


def test_what_cannot_be_answered(world: World) -> None:
    send(world, lead(1, unit="Garden Suite"))
    world.settle()
    name = only(world, "unit")
    with pytest.raises(Reject, match="no such unit"):
        answer(world, name, uuid.uuid4())
    with pytest.raises(Reject, match="first day"):
        answer(world, name, "x", valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 1))
    with pytest.raises(Reject, match="no answer"):
        world.services.actions.names.undo(name.id, "ana")
    with pytest.raises(NotFound), world.services.store.read() as connection:
        name_detail(connection, uuid.uuid4())


def test_a_thousand_who_wait_are_mended_in_batches(world: World) -> None:
    for first in range(0, 1_000, 250):
        send(world, *(lead(n, property={"name": "Sunny Place"}) for n in range(first, first + 250)))
    world.services.intake.forget_portfolio()
    world.loop.sweep.mender.round()
    name = only(world, "property")
    assert name.waiting == 1_000
    done = answer(world, name, home(world)["id"])
    assert 0 < done["mended"] < 1_000, "the person does not wait for all of them"
    assert done["waiting"] == 1_000 - done["mended"]
    while world.loop.sweep.mender.round():
        pass
    assert world.count(guest_cards, guest_cards.c.property_id.is_(None)) == 0
    assert world.count(name_sightings, name_sightings.c.state != "mended") == 0
    assert world.count(deliveries, deliveries.c.state == "held") == 0
    assert world.count(deliveries, deliveries.c.state == "pending") >= 3_000
    assert BATCH <= 100


def test_a_unit_that_is_new_in_the_configuration_needs_no_answer(world: World) -> None:
    send(world, lead(1, unit="Z-99"))
    world.settle()
    row = {"id": uuid.uuid4(), "property_id": home(world)["id"], "remote_id": "z99", "number": "Z-99"}
    with world.services.store.write(Commit.SYNC) as connection:
        connection.execute(insert(units).values(**row))
        bump(connection, "portfolio")
    world.services.intake.forget_portfolio()
    world.settle()
    (card,) = world.rows(guest_cards)
    assert card["unit_id"] == row["id"]
    assert queue(world) == []
