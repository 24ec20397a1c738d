"""A household at one property shares one card and one follow-up at the destination, where the account says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Update, update

from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.store.tables import deliveries, exceptions, outcomes, tasks
from tests.benches.simpms import SimPmsBench
from tests.renters import Office
from tests.world import running_world

HOME = "home@example.com"


def with_policy(policy: str, settings: Settings) -> Settings:
    account = replace(settings.accounts["pms"], household=policy)
    return replace(settings, accounts={**settings.accounts, "pms": account})


@pytest.fixture(params=["shared"])
def office(request: pytest.FixtureRequest, store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:
    with running_world(store_url, tmp_path, simpms, configure=partial(with_policy, request.param)) as world:
        made = Office(world)
        yield made
        made.assert_sound()
        assert {row["state"] for row in world.rows(deliveries)} <= {"acknowledged", "cancelled"}


def couple(office: Office, verdict: str = "related") -> None:
    """Rosa is in the PMS when Anders writes, and a person says whether they are a household."""
    office.lead("a", "Rosa Berg", HOME, "0120")
    office.settle()
    office.forward(minutes=3)
    office.lead("b", "Anders Berg", HOME, "0133")
    if verdict:
        office.actions.household(office.key("b"), office.key("a"), verdict, "ana")
    office.settle()


def there(office: Office) -> list[tuple[str, list[str]]]:
    """Who stands on which card in the PMS."""
    return [(one["first_name"], [each["first_name"] for each in one["people"]]) for one in office.remote()]


def kept(office: Office, what: str) -> list[Any]:
    ours = {card["id"] for card in office.remote()}
    return [one for one in office.world.pms.state()[what] if one["card_id"] in ours]


def test_a_confirmed_household_shares_card_and_task(office: Office) -> None:
    couple(office)
    assert there(office) == [("Rosa", ["Anders"])]
    ((mate,),) = (card["people"] for card in office.remote())
    assert mate["third_party_id"] == office.card("b")["key"]
    assert [one["text"] for one in kept(office, "events")] == ["a", "Anders Berg: b"]
    assert len(kept(office, "tasks")) == 1


@pytest.mark.parametrize("office", ["separate", "shared"], indirect=True)
def test_a_card_each_unless_policy_and_person_say_so(office: Office, request: pytest.FixtureRequest) -> None:
    shared = request.node.callspec.params["office"] == "shared"
    couple(office, "" if shared else "related")
    assert sorted(there(office)) == [("Anders", []), ("Rosa", [])]
    assert len(kept(office, "tasks")) == 2


@pytest.mark.parametrize("mode", ["commit_then_drop", "ok_noop", "drop_before"])
def test_an_unclear_answer_adds_nobody_twice(office: Office, mode: str) -> None:
    office.world.pms.fault("add_person", mode)
    couple(office)
    for _ in range(3):
        office.forward(minutes=5)
        office.settle()
    assert there(office) == [("Rosa", ["Anders"])]
    assert len(kept(office, "events")) == 2


def test_who_has_a_record_there_keeps_it(office: Office) -> None:
    words = {"property_id": "chd001", "first_name": "Anders", "last_name": "Berg", "source": "Zillow.com"}
    office.world.pms.control("POST", "guest-cards", words | {"email": HOME, "entered_by": "ana"})
    couple(office)
    assert sorted(there(office)) == [("Anders", []), ("Rosa", [])]


def test_both_at_once_are_one_card(office: Office) -> None:
    office.lead("a", "Rosa Berg", HOME, "0120")
    office.lead("b", "Anders Berg", HOME, "0133")
    office.actions.household(office.key("a"), office.key("b"), "related", "ana")
    office.settle()
    ((_, others),) = there(office)
    assert len(others) == 1
    assert len(kept(office, "tasks")) == 1


def test_another_property_is_another_card(office: Office) -> None:
    couple(office)
    office.lead("c", "Anders Berg", HOME, "0133", home="olf")
    office.settle()
    assert sorted(there(office)) == [("Anders", []), ("Rosa", ["Anders"])]


def test_a_co_prospect_writes_again(office: Office) -> None:
    couple(office)
    office.forward(days=1)
    office.lead("c", "Anders Berg", HOME, "0133")
    office.settle()
    assert there(office) == [("Rosa", ["Anders"])]
    assert [one["text"] for one in kept(office, "events")][-1] == "Anders Berg: c"
    assert len(kept(office, "tasks")) == 1
    assert office.asked("held_delivery") == []


def test_a_changed_number_is_work_for_a_person(office: Office) -> None:
    couple(office)
    office.edit("b", "phone", "+19185550199")
    office.settle()
    ((_, others),) = there(office)
    assert others == ["Anders"]
    (asked,) = [row for row in office.world.rows(exceptions) if row["cause"] == "correct_by_hand"]
    assert office.card("b")["key"] in asked["detail"]
    assert "phone" in asked["detail"]
    assert "0199" not in asked["detail"]
    assert office.remote()[0]["phone"].endswith("0120")


def test_being_reached_is_said_of_both_and_a_lease_of_one(office: Office) -> None:
    couple(office)
    (card,) = office.remote()
    for word in ("contacted", "leased"):
        office.forward(hours=1)
        words = {"outcome": word, "at": office.world.clock().isoformat()}
        office.world.pms.control("POST", f"guest-cards/{card['id']}/edit", words)
    office.forward(minutes=2)
    office.settle()
    told = {(row["guest_card_id"], row["kind"]) for row in office.world.rows(outcomes)}
    rosa, anders = office.card("a")["id"], office.card("b")["id"]
    assert told == {(rosa, "contacted"), (anders, "contacted"), (rosa, "leased")}


def test_no_household_after_all(office: Office) -> None:
    couple(office)
    office.actions.household(office.key("a"), office.key("b"), "apart", "ana")
    office.settle()
    assert sorted(there(office)) == [("Anders", []), ("Rosa", ["Anders"])]
    (asked,) = [row for row in office.world.rows(tasks) if row["kind"] == "correct_destination"]
    assert office.card("b")["key"] in asked["body"]
    office.lead("c", "Anders Berg", HOME, "0133")
    office.settle()
    texts = {one["text"]: one["card_id"] for one in kept(office, "events")}
    assert texts["c"] != texts["a"] == texts["Anders Berg: b"]


def test_merged_and_parted_again_each_keeps_what_is_theirs(office: Office) -> None:
    couple(office)
    office.forward(minutes=5)
    office.edit("a", "phone", "+19185550188")
    office.settle()
    decision = office.merge("b", "a")
    office.settle()
    assert len(office.remote()) == 1
    office.unmerge(decision)
    office.settle()
    assert there(office) == [("Rosa", ["Anders"])]
    office.lead("d", "Rosa Berg", HOME, "0120")
    office.lead("e", "Anders Berg", HOME, "0133")
    office.settle()
    assert there(office) == [("Rosa", ["Anders"])]
    assert {"d", "Anders Berg: e"} <= {one["text"] for one in kept(office, "events")}


def test_the_first_card_is_merged_away(office: Office) -> None:
    couple(office)
    office.forward(minutes=5)
    office.lead("c", "Rosa Bergdahl", "rosa@example.com", "0155")
    office.settle()
    office.merge("a", "c")
    office.settle()
    assert len(office.remote()) == 1
    office.lead("d", "Anders Berg", HOME, "0133")
    office.settle()
    (card,) = office.remote()
    assert card["first_name"] == "Rosa"
    events = office.world.pms.state()["events"]
    assert [one["text"] for one in events][-1] == "Anders Berg: d"
    assert len([one for one in events if one["text"].endswith("d")]) == 1


def test_a_card_of_their_own_is_merged_into_a_shared_one_by_hand(office: Office) -> None:
    couple(office)
    office.lead("c", "Andy Berg", "andy@example.com", "0144")
    office.settle()
    assert len(there(office)) == 2
    office.merge("c", "b")
    office.settle()
    dead = office.world.rows(deliveries, deliveries.c.state == "dead")
    assert [row["cause"] for row in dead] == ["shared_card"]
    with office.world.services.store.write(Commit.ADMIN) as connection:
        connection.execute(update(deliveries).where(deliveries.c.state == "dead").values(state="cancelled"))
    assert sorted(there(office)) == [("Andy", []), ("Rosa", ["Anders"])]


def test_one_writer_at_a_time_at_a_shared_card(office: Office) -> None:
    couple(office)
    now = office.world.clock()
    mine = (deliveries.c.guest_card_id == office.card("a")["id"]) & (deliveries.c.kind == "event")
    elsewhere = {"state": "in_flight", "lease_owner": "another:1", "lease_until": now + timedelta(minutes=5)}
    write(office, update(deliveries).where(mine).values(**elsewhere, acknowledged_at=None))
    office.lead("c", "Anders Berg", HOME, "0133")
    office.settle()
    waiting = {(row["state"], row["cause"]) for row in office.world.rows(deliveries, deliveries.c.cause != "")}
    assert waiting == {("retry", "household_busy")}
    done = {"state": "acknowledged", "lease_owner": "", "lease_until": None, "acknowledged_at": now}
    write(office, update(deliveries).where(mine).values(**done))
    office.forward(minutes=1)
    office.settle()
    assert [one["text"] for one in kept(office, "events")][-1] == "Anders Berg: c"


def write(office: Office, statement: Update) -> None:
    with office.world.services.store.write(Commit.ADMIN) as connection:
        connection.execute(statement)
