"""SPEC §14: a lead costs at most 12 statements and 2 commits, whatever becomes of it and however full the store is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from leadsvc.faults import Commit
from leadsvc.resolve.model import Model
from leadsvc.store.queries.models import activate
from leadsvc.store.tables import guest_cards, match_decisions, prospects
from tests.counting import Count, counting
from tests.system import people
from tests.world import World

MOST_STATEMENTS = {"postgresql": 12, "sqlite": 14}
"""On SQLite every table is a statement of its own."""

COMMITS = 2
FULL = 2_000
"""Prospects of the store that is called full."""

_ROSA: dict[str, object] = {
    "person": {"given": "Rosa", "family": "Lindqvist"},
    "email": "rosa.lindqvist@example.com",
    "phone": "918-555-0120",
    "property": {"id": "chd001"},
    "message": "Is the two bedroom still free?",
    "source": "apartments_com",
    "external_id": "A-1",
}
# Each follows Rosa's lead; beside it stands what it must come to, so that nothing is measured that was not meant.
_CASES: dict[str, tuple[dict[str, object], str]] = {
    "known person": ({"message": "And parking?", "external_id": "A-2"}, "accepted"),
    "re-delivery by id": ({}, "duplicate"),
    "re-delivery by content": ({"external_id": None}, "duplicate"),
    "revision": ({"message": "Is the one bedroom still free?"}, "revised"),
    "revision of a phone": ({"phone": "918-555-0121"}, "revised"),
    "unplaced": (
        {"email": "kim@example.com", "phone": None, "property": {"name": "Nowhere"}, "external_id": "A-6"},
        "accepted",
    ),
    "review": ({"person": {"given": "Rosa", "family": "Ode"}, "external_id": "A-3"}, "accepted"),
    "household": ({"person": {"given": "Per", "family": "Lindqvist"}, "email": None, "external_id": "A-4"}, "accepted"),
    "new person": (
        {
            "person": {"given": "Kim", "family": "Tanaka"},
            "email": "kim@example.com",
            "phone": "918-555-0187",
            "external_id": "A-5",
        },
        "accepted",
    ),
}


def send(world: World, *leads: dict[str, object]) -> list[str]:
    """Send canonical leads, one or a list; returns what became of each."""
    content: object = leads[0] if len(leads) == 1 else list(leads)
    answer = world.send(json.dumps(content).encode(), "application/json", "canonical")
    assert answer.status == 200, answer.body
    return [each["status"] for each in answer.body["leads"]]


def cost(world: World, *leads: dict[str, object]) -> Count:
    """What sending these costs, from the receive call on. The operator's properties are in memory, as in any process
    that has run for two seconds."""
    world.services.intake.portfolio()
    with counting(world.services.store.engine) as count:
        send(world, *leads)
    return count


def renters(first: int, count: int) -> list[dict[str, object]]:
    """Leads of so many people who have nothing in common."""
    return [
        _ROSA
        | {
            "person": people.name(number),
            "email": people.email(number),
            "phone": None,
            "message": f"Question {number}",
            "external_id": f"N-{number}",
        }
        for number in range(first, first + count)
    ]


def _ask_always(world: World) -> None:
    """Nobody is joined without a person."""
    model = replace(Model.default(), version="never", join=0.99, review=0.001)
    with world.services.store.write(Commit.ADMIN) as connection:
        activate(connection, model, "tester", world.clock())
    world.services.intake.forget_portfolio()


def fill(world: World) -> None:
    for first in range(0, FULL, 500):
        assert set(send(world, *renters(10_000 + first, 500))) == {"accepted"}
    assert world.count(prospects) >= FULL


def most(world: World) -> int:
    return MOST_STATEMENTS[world.services.store.engine.dialect.name]


def assert_within_budget(what: str, count: Count, most: int) -> None:
    listed = "\n".join(text[:120] for text in count.texts)
    assert count.statements <= most, f"{what}: {count.statements} statements\n{listed}"
    assert count.commits == COMMITS, f"{what}: {count.commits} commits"


@pytest.mark.parametrize("case", _CASES)
def test_one_lead_stays_within_the_budget(world: World, case: str) -> None:
    changes, expected = _CASES[case]
    if case == "review":
        _ask_always(world)
    assert_within_budget("first lead", cost(world, _ROSA), 12)
    lead = _ROSA | changes
    world.services.intake.portfolio()
    with counting(world.services.store.engine) as count:
        assert send(world, lead) == [expected]
    # A correction computes the prospect anew from all it ever said, which SQLite does table by table.
    corrected = case.startswith("revision") and world.services.store.sqlite
    assert_within_budget(case, count, most(world) + 5 * corrected)
    kinds = {row["verdict"] for row in world.rows(match_decisions)}
    assert ("review" in kinds, "related" in kinds) == (case == "review", case == "household")
    assert (world.count(guest_cards, guest_cards.c.property_id.is_(None)) == 1) == (case == "unplaced")
    world.assert_balanced()


def test_the_cost_does_not_grow_with_the_store(world: World) -> None:
    newcomer, returning = renters(0, 1)[0], renters(0, 1)[0] | {"message": "Once more", "external_id": "R-1"}
    empty = [cost(world, newcomer), cost(world, returning), cost(world, returning)]
    fill(world)
    newcomer, returning = renters(1, 1)[0], renters(1, 1)[0] | {"message": "Once more", "external_id": "R-2"}
    full = [cost(world, newcomer), cost(world, returning), cost(world, returning)]
    assert [each.texts for each in full] == [each.texts for each in empty]
    assert {each.commits for each in full} == {COMMITS}


def test_a_thousand_leads_lock_no_more_than_a_server_can_keep(world: World) -> None:
    assert set(send(world, *renters(20_000, 1_000))) == {"accepted"}
    assert world.count(prospects) == 1_000


def test_a_hundred_leads_cost_hardly_more_than_one(world: World) -> None:
    one = cost(world, *renters(0, 1))
    hundred = cost(world, *renters(1, 100))
    assert hundred.statements <= one.statements + (4 if world.services.store.sqlite else 2)
    assert hundred.commits == COMMITS
    mixed = [lead | {"message": "Once more", "external_id": f"M-{n}"} for n, lead in enumerate(renters(1, 50))]
    again = cost(world, *mixed, *renters(200, 50))
    # Inserts and updates of the same tables are two statements each on SQLite; for a hundred leads together.
    assert_within_budget("half of a hundred known", again, most(world) + 2)
