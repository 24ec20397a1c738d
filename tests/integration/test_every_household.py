"""A confirmed household through the whole program, at every vendor that lets one card stand for several people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leadsvc.config import Account
from leadsvc.store.tables import remote_refs
from leadsvc.workers.destinations import capabilities, connect
from leadsvc.workers.destinations.base import CardAt
from tests.benches import BENCHED, Bench
from tests.benches.simpms import SimPmsBench
from tests.integration.desk_support import Desk, running_desk

HOME = "home@example.com"


@pytest.fixture(scope="module", params=[vendor for vendor in BENCHED if capabilities(vendor).co_prospects])
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def _shared(account: Account) -> Account:
    return replace(account, household="shared")


@pytest.fixture
def desk(bench: Bench, sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Desk]:
    with running_desk(sqlite_database, tmp_path, simpms, bench, _shared) as made:
        yield made


def test_a_household_shares_a_card(desk: Desk) -> None:
    office = desk.office
    office.lead("a", "Rosa Berg", HOME, "0120")
    desk.settle()
    office.lead("b", "Anders Berg", HOME, "0133")
    office.actions.household(office.key("b"), office.key("a"), "related", "ana")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert desk.card("a") == desk.card("b")
    assert desk.live("b") == 0
    assert (desk.events("a"), desk.events("b")) == (1, 1)
    assert [desk.tasks("a"), desk.tasks("b")].count(1) == 1
    assert [row["shared"] for row in office.world.rows(remote_refs, remote_refs.c.kind == "card")].count(True) == 1
    destination = connect(desk.bench.profile)
    at = CardAt(card_id=desk.card("a"), property_ref="chd001", email=HOME, our_key=office.card("a")["key"])
    _, card = destination.get_card(at)
    destination.close()
    assert card is not None
    assert (card.fields["first_name"], card.fields["phone"]) == ("Rosa", "+19185550120")
    assert [(one.fields["first_name"], one.fields["phone"]) for one in card.others] == [("Anders", "+19185550133")]


def test_a_co_prospect_writes_again_and_changes_their_number(desk: Desk) -> None:
    office = desk.office
    test_a_household_shares_a_card(desk)
    office.forward(days=1)
    office.lead("c", "Anders Berg", HOME, "0133")
    office.edit("b", "phone", "+19185550199")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert desk.card("c") == desk.card("a")
    assert desk.events("c") == 1
    assert office.asked("held_delivery") == ["correct_by_hand"]
