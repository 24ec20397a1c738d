"""Somebody whom ResMan has already, and of whose history it tells nothing: nobody waits for a proof that cannot come,
and nothing is written blindly."""

from __future__ import annotations

import pytest

from leadsvc.store.tables import deliveries, exceptions
from tests.benches import WireBench
from tests.integration.desk_support import ROSA, Desk


@pytest.fixture(scope="module")
def vendor() -> str:
    return "resman"


def there_already(bench: WireBench, status: str) -> str:
    """Rosa as an agent entered her."""
    first, _, last = ROSA[0].partition(" ")
    words = {"property": "chd001", "first_name": first, "last_name": last, "email": ROSA[1], "status": status}
    card_id: str = bench.control("POST", "cards", words)["card"]["card_id"]
    return card_id


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("status", ["prospect", "resident"])
def test_who_is_there_already_is_told_everything_at_once(desk: Desk, bench: WireBench, status: str, told: bool) -> None:
    bench.control("POST", "search", {"events": told})
    there = there_already(bench, status)
    desk.office.lead("a", *ROSA)
    desk.office.settle()
    assert desk.states() == {("acknowledged", "")}
    assert (desk.card("a"), desk.events("a"), desk.tasks("a")) == (there, 1, 1)


def test_what_may_be_there_and_cannot_be_seen_waits_for_a_person(desk: Desk, bench: WireBench) -> None:
    bench.control("POST", "search", {"events": False})
    there_already(bench, "resident")
    bench.fault("event", "commit_then_drop")
    desk.office.lead("a", *ROSA)
    desk.settle()
    assert desk.states() == {("acknowledged", ""), ("held", "presence_unknown"), ("pending", "")}
    assert desk.office.world.count(exceptions, exceptions.c.resolved_at.is_(None)) == 1
    assert desk.events("a") == 1
    (held,) = desk.office.world.rows(deliveries, deliveries.c.state == "held")
    desk.office.world.services.actions.cancel_delivery(held["id"], "dana")
    desk.settle()
    assert desk.states() == {("acknowledged", ""), ("cancelled", "by dana")}
    assert (desk.events("a"), desk.tasks("a")) == (1, 1)
