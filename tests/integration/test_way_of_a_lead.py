"""The way of a lead, from bytes to the guest card in the PMS, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from leadsvc.api import shown
from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.store.queries.cards import card_detail
from leadsvc.store.tables import (
    deliveries,
    fates,
    guest_cards,
    inquiries,
    match_decisions,
    property_aliases,
    prospects,
    receipts,
    tasks,
)
from tests.benches.simpms import SimPmsBench
from tests.system import people as renters
from tests.world import World, running_world

ROOTS = guest_cards.c.root_id == guest_cards.c.id
PEOPLE = prospects.c.root_id == prospects.c.id


def zillow(**changes: str) -> bytes:
    lead = {
        "listingId": "CHD-2BR-7",
        "name": "Rosa Lindqvist",
        "email": "rosa.lindqvist@example.com",
        "phone": "918-555-0120",
        "movingDate": "20260501",
        "numBedroomsSought": "2",
        "message": "Is the two bedroom still free?",
        "listingStreet": "4100 Cedar Hollow Dr",
        "listingUnit": "7",
        "listingCity": "Tulsa",
        "listingPostalCode": "74105",
        "listingState": "OK",
    }
    return urlencode(lead | changes).encode()


def test_one_lead_becomes_one_guest_card_with_its_task(world: World) -> None:
    answer = world.send(zillow())
    assert answer.status == 200
    assert answer.body["status"] == "accepted"
    world.settle()
    state = world.pms.state()
    mine = [card for card in state["cards"] if card["third_party_id"]]
    assert [card["last_name"] for card in mine] == ["Lindqvist"], mine
    assert len(state["events"]) == 1
    assert len(state["tasks"]) == 1
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    world.assert_balanced()


def test_the_town_of_a_caller_names_nobody(world: World) -> None:
    region = next(iter(world.services.intake.portfolio().properties.values())).region
    world.send(zillow(name=f"{region} OK", phone="918-555-0155", email="first@example.com"))
    world.send(zillow(name=f"{region} OK", phone="918-555-0166", email="second@example.com"))
    world.settle()
    assert [row["lead"].get("name") for row in world.rows(inquiries)] == [None, None]
    assert all("name_is_the_callers_town" in row["lead"]["notes"] for row in world.rows(inquiries))
    assert world.count(prospects) == 2
    assert region not in {card["first_name"] for card in world.pms.state()["cards"]}
    world.assert_balanced()


def test_a_resend_changes_nothing(world: World) -> None:
    world.send(zillow())
    again = world.send(zillow())
    assert again.body["status"] == "duplicate"
    assert world.count(inquiries) == 1
    assert [row["fate"] for row in world.rows(fates)] == ["redelivery"]
    assert world.count(receipts) == 2
    world.assert_balanced()


CARD = "Could you tell me about parking?"


def canonical(**changes: object) -> bytes:
    import json

    lead: dict[str, object] = {
        "person": {"given": "Rosa", "family": "Lindqvist"},
        "email": "rosa.lindqvist@example.com",
        "property": {"id": "chd001"},
        "message": CARD,
        "source": "apartments_com",
        "contact_type": "form",
    }
    return json.dumps(lead | changes).encode()


def say(world: World, **changes: object) -> str:
    answer = world.send(canonical(**changes), "application/json", "canonical")
    assert answer.status == 200, answer.body
    return str(answer.body["leads"][0]["status"])


def people(world: World) -> int:
    return world.count(prospects, PEOPLE)


def cards(world: World) -> int:
    return world.count(guest_cards, ROOTS)


def test_two_feeds_one_person(world: World) -> None:
    world.send(zillow())
    assert say(world) == "accepted"
    assert (people(world), cards(world), world.count(inquiries)) == (1, 1, 2)
    world.settle()
    assert world.pms.state()["counts"]["live_people"] == 4
    assert world.count(tasks) == 1
    sentences = [row["sentence"] for row in world.rows(match_decisions)]
    assert "Same e-mail address, same name, at the same property, within the hour" in sentences
    world.assert_balanced()


def test_a_corrected_resend_is_a_revision(world: World) -> None:
    say(world, external_id="A-1", phone="918-555-0129")
    world.settle()
    assert say(world, external_id="A-1", phone="918-555-0128") == "revised"
    assert say(world, external_id="A-1", phone="918-555-0128") == "duplicate"
    world.settle()
    assert world.count(inquiries) == 1
    assert world.count(tasks) == 1
    golden = world.rows(prospects)[0]["golden"]
    assert golden["phones"] == ["+19185550128"]
    card = next(card for card in world.pms.state()["cards"] if card["third_party_id"])
    assert card["phone"] == "+19185550128"
    world.assert_balanced()


def test_a_couple_sharing_a_phone_stays_two_people(world: World) -> None:
    say(world, phone="918-555-0131")
    say(world, phone="918-555-0131", person={"given": "Anders", "family": "Lindqvist"}, email="anders@example.com")
    assert (people(world), cards(world)) == (2, 2)
    kinds = {row["kind"] for row in world.rows(match_decisions)}
    assert "household" in kinds
    world.settle()
    assert world.pms.state()["counts"]["live_people"] == 5
    world.assert_balanced()


def test_a_bridge_joins_what_it_connects(world: World) -> None:
    say(world, email="rosa.lindqvist@example.com")
    say(world, person={}, email=None, phone="918-555-0132", message="second")
    assert people(world) == 2
    world.settle()
    say(world, phone="918-555-0132", message="third")
    assert (people(world), cards(world), world.count(inquiries)) == (1, 1, 3)
    world.settle()
    assert world.pms.state()["counts"]["live_people"] == 4
    assert {row["state"] for row in world.rows(deliveries)} <= {"acknowledged", "cancelled"}
    assert world.count(tasks, tasks.c.state == "open") == 1
    world.assert_balanced()


def test_a_merge_is_taken_back_as_if_it_had_not_been(world: World) -> None:
    say(world, email="rosa.lindqvist@example.com")
    say(world, person={}, email=None, phone="918-555-0132", message="second")
    world.settle()
    say(world, phone="918-555-0132", message="third")
    world.settle()
    merge = next(row for row in world.rows(match_decisions) if row["kind"] == "merge")
    world.services.actions.unmerge(merge["id"], "tester")
    world.assert_balanced()
    world.settle()
    assert (people(world), cards(world)) == (2, 2)
    assert world.pms.state()["counts"]["live_people"] == 5
    assert world.count(tasks, tasks.c.state == "open") == 2
    world.assert_balanced()


def test_a_resident_is_recognised_and_not_made_again(world: World) -> None:
    say(world, person={"given": "Harold", "family": "Finch"}, email="harold.finch@example.com")
    world.settle()
    assert world.pms.state()["counts"]["live_people"] == 3
    assert world.rows(prospects)[0]["standing"] == "resident"
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    world.assert_balanced()


def test_an_unknown_property_waits_visibly_and_leaves_when_placed(world: World) -> None:
    say(world, property={"name": "Nowhere Gardens"})
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"held"}
    card = world.rows(guest_cards)[0]
    home = next(each for each in world.services.intake.portfolio().properties.values() if each.remote_id == "bvt")
    world.services.actions.place_card(card["key"], home.id, "tester", learn_alias=True)
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    say(
        world, property={"name": "Nowhere Gardens"}, email="other@example.com", person={"given": "Kim", "family": "Ode"}
    )
    assert world.count(guest_cards, guest_cards.c.property_id.is_(None)) == 0
    world.assert_balanced()


def test_the_pms_fails_for_a_moment(world: World) -> None:
    world.pms.fault("create_card", "status", status=503, times=2)
    world.send(zillow())
    world.settle()
    world.clock.forward(seconds=10)
    world.settle()
    world.clock.forward(minutes=10)
    world.settle()
    assert {row["state"] for row in world.rows(deliveries)} == {"acknowledged"}
    assert world.pms.state()["counts"]["live_people"] == 4


def test_a_receipt_is_kept_byte_for_byte_and_replayed_without_doubling(world: World) -> None:
    body = zillow(message="caf\u00e9 \u4f60\u597d")
    world.send(body)
    world.settle()
    row = world.rows(receipts)[0]
    assert bytes(row["body"]) == body
    before = world.count(inquiries), world.count(deliveries), world.count(tasks)
    assert world.services.actions.replay([row["id"]], "tester")[0]["after"] == "processed"
    assert (world.count(inquiries), world.count(deliveries), world.count(tasks)) == before
    world.assert_balanced()


def test_the_same_key_gets_the_same_answer(world: World) -> None:
    first = world.send(zillow(), key="k1")
    second = world.send(zillow(), key="k1")
    assert (first.status, first.body) == (second.status, second.body)
    assert world.count(receipts) == 1


def test_bulk_with_duplicates_inside(world: World) -> None:
    import json

    leads = [
        json.loads(canonical(message=f"m{n % 5}", person=renters.name(n % 10), email=renters.email(n % 10)))
        for n in range(50)
    ]
    answer = world.send(json.dumps(leads).encode(), "application/json", "canonical")
    assert answer.status == 200
    statuses = [each["status"] for each in answer.body["leads"]]
    assert statuses.count("accepted") == 10
    assert statuses.count("duplicate") == 40
    world.assert_balanced()


def test_a_replay_places_what_is_known_by_now_and_leaves_one_card(world: World) -> None:
    say(world)
    say(world, property={"name": "Nowhere Gardens"}, message="second")
    assert cards(world) == 2
    world.settle()
    home = next(each for each in world.services.intake.portfolio().properties.values() if each.remote_id == "chd001")
    with world.services.store.write(Commit.ADMIN) as connection:
        row = {"id": uuid7(), "property_id": home.id, "alias": "Nowhere Gardens", "origin": "learned"}
        connection.execute(property_aliases.insert().values(**row))
    world.services.intake.forget_portfolio()
    world.services.actions.replay([row["id"] for row in world.rows(receipts)], "tester")
    world.settle()
    assert cards(world) == 1
    assert world.pms.state()["counts"]["live_people"] == 4
    assert world.count(tasks, tasks.c.state == "open") == 1
    assert {row["state"] for row in world.rows(deliveries)} <= {"acknowledged", "cancelled"}
    world.assert_balanced()


def test_a_sensitive_answer_goes_to_whom_needs_it_and_to_nobody_else(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
) -> None:
    def needing(configured: Settings) -> Settings:
        pms = replace(configured.accounts["pms"], keep_sensitive=frozenset({"income"}))
        crm = replace(pms, name="crm", follows=("pms",), creates=("elsewhere",), keep_sensitive=frozenset({"credit"}))
        return replace(configured, accounts={"pms": pms, "crm": crm})

    with running_world(store_url, tmp_path, simpms, configure=needing) as world:
        world.send(zillow(incomeYearly="52000", creditScore="700-720", smoker="yes"))
        world.settle()
        (event,) = world.pms.state()["events"]
        assert event["text"].endswith("\nIncome yearly: 52000")
        (inquiry,) = world.rows(inquiries)
        assert inquiry["lead"]["extras"] == {"income yearly": "52000", "credit score": "700-720"}
        with world.services.store.read() as connection:
            told = shown.card_detail(card_detail(connection, world.rows(guest_cards)[0]["key"]))
        assert "extras" not in told["history"][0]["lead"]
        assert "52000" not in str(told)
