"""Projections follow from facts: computed again they come out the same, and damage is mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from leadsvc.faults import Commit
from leadsvc.pipeline.projections import rebuild
from leadsvc.store.tables import match_decisions, prospects, receipts
from tests.destinations_fixtures import SimPmsBench, simpms, simpms_process  # noqa: F401  # fixtures
from tests.integration.test_way_of_a_lead import say, zillow
from tests.world import World, running_world


@pytest.fixture
def lived_in(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:  # noqa: F811
    """Joined, bridged, parted, corrected and sent twice."""
    with running_world(store_url, tmp_path, simpms) as world:
        world.send(zillow())
        world.send(zillow())
        say(world, external_id="A-1", phone="918-555-0129")
        say(world, external_id="A-1", phone="918-555-0128")
        say(world, email=None, phone="918-555-0132", message="second")
        say(world, phone="918-555-0132", message="third")
        say(world, property={"name": "Nowhere Gardens"}, email="other@example.com", phone="918-555-0133")
        merge = next(row for row in world.rows(match_decisions) if row["kind"] == "merge")
        world.services.actions.unmerge(merge["id"], "tester")
        world.services.actions.replay([row["id"] for row in world.rows(receipts)], "tester")
        yield world


def again(world: World) -> dict[str, int]:
    with world.services.store.write(Commit.ACTION) as connection:
        return rebuild(connection, world.services.intake.portfolio().own_values)


def test_a_healthy_store_does_not_change(lived_in: World) -> None:
    assert again(lived_in) == {"prospects": 0, "memberships": 0, "guest cards": 0, "identifiers": 0}


def test_damage_is_mended(lived_in: World) -> None:
    people = lived_in.rows(prospects)
    with lived_in.services.store.write(Commit.ACTION) as connection:
        wrong = {"root_id": people[0]["id"], "golden": {}}
        connection.execute(update(prospects).where(prospects.c.id == people[1]["id"]).values(**wrong))
    assert sum(again(lived_in).values()) > 0
    assert again(lived_in)["memberships"] == 0
    lived_in.assert_balanced()
