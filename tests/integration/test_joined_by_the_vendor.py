"""A vendor that joins two of our cards by a rule of its own: both stay known to us, and a person is asked to look."""

from __future__ import annotations

import pytest

from leadsvc.store.tables import exceptions
from tests.integration.desk_support import Desk

SHARED = "the.lindqvists@example.com"


@pytest.fixture(scope="module", params=["entrata", "realpage"])
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_couple_with_one_address(desk: Desk) -> None:
    desk.office.lead("a", "Rosa Lindqvist", SHARED, "0120")
    desk.settle()
    desk.office.lead("b", "Gustav Lindqvist", SHARED, "0177")
    desk.settle()
    assert desk.states() == {("acknowledged", "")}
    assert desk.office.person("a")["id"] != desk.office.person("b")["id"]
    assert desk.card("a") == desk.card("b")
    assert desk.events("b") == 1
    told = [row for row in desk.office.world.rows(exceptions) if row["cause"] == "correct_by_hand"]
    assert len(told) == 1
    assert desk.card("a") in told[0]["detail"]
    assert SHARED not in told[0]["detail"]
