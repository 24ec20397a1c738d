"""Whose word counts: an agent's, here and in the PMS; the first source; never another person's record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from leadsvc.resolve.golden import shown
from leadsvc.store.tables import audit, deliveries, tasks
from tests.renters import Office, parts

ROSA = ("Rosa Berg", "rosa@example.com", "0120")


def card(office: Office) -> Any:
    (only,) = office.remote()
    return only


def test_an_edit_here_wins_there_and_over_every_later_lead(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    office.edit("a", "phone", "+19185550199")
    office.settle()
    assert card(office)["phone"] == "+19185550199"
    office.lead("b", "Rosa Berg", "rosa@example.com", "0121")
    office.settle()
    assert card(office)["phone"] == "+19185550199"
    office.edit("a", "name", {"given": "Rosalind", "family": "Berg", "suffix": "", "text": "Rosalind Berg"})
    office.lead("c", "Rosa Berg", "rosa@example.com", None)
    office.settle()
    assert card(office)["first_name"] == "Rosalind"


def test_an_edit_survives_a_merge_into_another_and_its_undoing(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.forward(minutes=1)
    office.lead("b", None, None, "0187")
    office.edit("b", "phone", "+19185550199")
    merge = office.merge("b", "a")
    office.settle()
    assert card(office)["phone"] == "+19185550199"
    office.unmerge(merge)
    office.settle()
    assert (card_of(office, "a")["phone"], card_of(office, "b")["phone"]) == ("+19185550199", "+19185550199")
    assert (office.person("a")["edits"], set(office.person("b")["edits"])) == ({}, {"phone"})
    # The inquiry and the phone of the other on her record there: only a person can take them away.
    assert office.world.count(tasks, tasks.c.kind == "correct_destination") == 2


def test_what_an_agent_wrote_in_the_pms_is_never_overwritten(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    agents = {"phone": "+19185550177", "first_name": "Rosie", "email": "rosie@example.com", "source": "Walk-In"}
    office.world.pms.agent_edits(card(office)["id"], agents)
    office.lead("b", "Rosa Berg", "rosa@example.com", "0121", source="zillow")
    office.edit("a", "phone", "+19185550199")
    office.settle()
    assert {name: card(office)[name] for name in agents} == agents


def test_what_an_agent_typed_in_the_pms_is_what_we_show(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    office.world.pms.agent_edits(card(office)["id"], {"phone": "+19185550177", "first_name": "Rosie"})
    office.lead("b", "Rosa Berg", "rosa@example.com", "0121", source="zillow")
    office.settle()
    told = shown(office.person("a")["golden"], office.person("a")["edits"])
    assert (told["phone"], told["name"]["given"], told["name"]["family"]) == ("+19185550177", "Rosie", "Berg")
    assert {each["by"] for each in office.person("a")["edits"].values()} == {"an agent in pms"}
    said = office.world.rows(audit, audit.c.actor == "pms")
    assert [(row["action"], row["detail"]) for row in said] == [("edit", {"fields": ["name", "phone"]})]
    pushes = office.world.count(deliveries)
    office.settle()
    assert office.world.count(deliveries) == pushes, "what came back is not sent again"


def test_what_was_there_before_us_is_no_edit(office: Office) -> None:
    office.lead("a", "Mina Patel", "mina.patel@example.com", "0120", home="olf")
    office.settle()
    office.lead("b", "Mina Patel", "mina.patel@example.com", "0120", home="olf", source="zillow")
    office.settle()
    assert office.remote_people() == 0
    assert office.person("a")["edits"] == {}


def test_the_first_source_of_the_cycle_stays_and_later_ones_are_activities(office: Office) -> None:
    office.lead("a", *ROSA, source="zillow")
    office.settle()
    office.lead("b", *ROSA, source="apartments_com")
    office.lead("c", *ROSA, source="website")
    office.settle()
    assert card(office)["source"] == "Zillow.com"
    told = {event["source"] for event in office.world.pms.state()["events"]}
    assert told >= {"Zillow.com", "Apartments.com", "Property Website"}
    office.forward(days=61)
    office.lead("d", *ROSA, source="website")
    office.settle()
    assert {each["source"] for each in office.remote()} == {"Zillow.com", "Property Website"}


def test_a_record_of_the_same_person_is_adopted(office: Office) -> None:
    office.lead("a", "Mina Patel", "mina.patel@example.com", "0140", home="olf")
    office.settle()
    assert (card(office)["id"], office.remote_people()) == ("p0000902", 0)
    assert card(office)["source"] == "Walk-In"


@pytest.mark.parametrize("name", ["Ravi Patel", "Mina Roth", "Ken Mori"])
def test_a_record_of_another_name_is_never_adopted(office: Office, name: str) -> None:
    office.lead("a", name, "mina.patel@example.com", None, home="olf")
    office.settle()
    there = {each["id"]: each for each in office.world.pms.state()["cards"]}
    assert there["p0000902"]["third_party_id"] in (None, "")
    assert there["p0000902"]["email"] == "mina.patel@example.com"
    assert office.remote_people() == 1


def test_a_missing_last_name_goes_out_as_the_placeholder_and_is_mended(office: Office) -> None:
    office.lead("a", "Rosa", "rosa@example.com", None)
    office.settle()
    assert card(office)["last_name"] == "Unknown"
    office.forward(days=9)
    office.lead("b", "Rosa Unknown", "other@example.com", None, home="olf")
    assert office.people() == parts("a", "b")
    office.lead("c", "Rosa Berg", "rosa@example.com", None)
    office.settle()
    assert card_of(office, "a")["last_name"] == "Berg"


def card_of(office: Office, message: str) -> Any:
    key = office.card(message)["key"]
    (mine,) = [each for each in office.remote() if each["third_party_id"] == key]
    return mine


@pytest.mark.parametrize(("days", "pushed"), [(-30, 0), (0, 0), (30, 30)])
def test_a_past_move_in_is_never_pushed(office: Office, days: int, pushed: int) -> None:
    today = date(2026, 3, 2)
    office.lead("a", *ROSA, move_in=(today + timedelta(days=days)).isoformat())
    office.settle()
    assert card(office)["move_in"] == (today + timedelta(days=pushed)).isoformat()


def test_a_move_in_that_passed_while_it_waited_is_pushed_as_today(office: Office) -> None:
    office.lead("a", *ROSA, home="Nowhere Gardens", move_in="2026-03-05")
    office.forward(days=10)
    homes = office.world.services.intake.portfolio().properties.values()
    home = next(each for each in homes if each.remote_id == "chd001")
    office.actions.place_card(office.card("a")["key"], home.id, "ana")
    office.settle()
    assert card(office)["move_in"] == "2026-03-12"


def test_a_source_that_the_pms_does_not_know_goes_out_as_the_fallback_and_is_told(office: Office) -> None:
    office.lead("a", *ROSA, source="rent_com")
    office.settle()
    assert card(office)["source"] == "Unmapped - Review"
    assert {row["state"] for row in office.world.rows(deliveries)} == {"acknowledged"}
    assert office.asked("unmapped_name") == ["source"]
    office.lead("b", "Ken Mori", "ken@example.com", None, source="rent_com")
    office.settle()
    assert office.asked("unmapped_name") == ["source"]


def test_a_source_that_was_mapped_meanwhile_takes_the_place_of_the_fallback(office: Office) -> None:
    office.lead("a", *ROSA, source="rent_com")
    office.settle()
    accounts = dict(office.world.settings.accounts)
    accounts["pms"] = replace(accounts["pms"], sources={**accounts["pms"].sources, "rent_com": "Rent.com"})
    office.world.loop.deliverer.close()
    office.world.loop.deliverer.settings = replace(office.world.settings, accounts=accounts)
    office.lead("b", "Rosa Berg", "rosa@example.com", "0121", source="rent_com")
    office.settle()
    assert card(office)["source"] == "Rent.com"
    assert office.asked("unmapped_name") == []
