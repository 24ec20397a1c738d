"""Projections follow from facts: computed again they come out the same, and damage is mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table, update

from leadsvc.faults import Commit
from leadsvc.pipeline.naming import Said
from leadsvc.pipeline.projections import rebuild
from leadsvc.store.queries.names import list_names
from leadsvc.store.tables import guest_cards, inquiries, properties, prospects, receipts
from tests.benches.simpms import SimPmsBench
from tests.integration.test_way_of_a_lead import say, zillow
from tests.world import World, running_world


@pytest.fixture
def lived_in(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    """Joined, bridged, parted, corrected and sent twice."""
    with running_world(store_url, tmp_path, simpms) as world:
        world.send(zillow())
        world.send(zillow())
        say(world, external_id="A-1", phone="918-555-0129")
        say(world, external_id="A-1", phone="918-555-0128")
        say(world, person={}, email=None, phone="918-555-0177", message="second")
        say(world, phone="918-555-0177", message="third")
        say(world, property={"name": "Nowhere Gardens"}, email="other@example.com", phone="918-555-0133")
        one, other, *_ = (row["key"] for row in world.rows(prospects, prospects.c.id == prospects.c.root_id))
        merge = world.services.actions.merge(one, other, "tester")
        world.services.actions.unmerge(merge["decision"], "tester")
        world.services.actions.replay([row["id"] for row in world.rows(receipts)], "tester")
        yield world


def again(world: World) -> dict[str, int]:
    with world.services.store.write(Commit.ACTION) as connection:
        return rebuild(connection, world.services.intake.portfolio().own_values)


def test_a_healthy_store_does_not_change(lived_in: World) -> None:
    assert not any(again(lived_in).values())


def test_damage_is_mended(lived_in: World) -> None:
    people = lived_in.rows(prospects)
    with lived_in.services.store.write(Commit.ACTION) as connection:
        wrong = {"root_id": people[0]["id"], "golden": {}}
        connection.execute(update(prospects).where(prospects.c.id == people[1]["id"]).values(**wrong))
    assert sum(again(lived_in).values()) > 0
    assert again(lived_in)["memberships"] == 0
    lived_in.assert_balanced()


def test_what_people_said_outlasts_a_rebuild(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> None:
    """A ruling on a receipt and the answer to an unknown name: neither is in the payloads."""
    with running_world(store_url, tmp_path, simpms) as world:
        world.mail(b"From: Ruth <ruth@example.com>\r\nTo: leasing@example.org\r\nSubject: Hello\r\n\r\nWrite back.\r\n")
        world.services.actions.tray.make_lead(
            world.rows(receipts)[0]["id"], "pat", {"name": "Ruth Cole", "phone": "918-555-0143"}
        )
        say(world, property={"name": "Cedar Holow Flats"}, email="other@example.com", phone="918-555-0133")
        world.settle()
        with world.services.store.read() as connection:
            (name,) = list_names(connection, kind="property", state="open").names
        (home,) = world.rows(properties, properties.c.remote_id == "chd001")
        assert world.services.actions.names.answer(name.id, Said(str(home["id"])), "ana")["mended"] == 1
        world.settle()
        before = {table.name: facts_of(world, table) for table in (prospects, guest_cards, inquiries)}
        assert "Cole" in str(before["prospects"])
        assert [card["property_id"] for card in before["guest_cards"]].count(home["id"]) == 1
        world.services.actions.replay([row["id"] for row in world.rows(receipts)], "pat")
        assert sum(again(world).values()) == 0
        assert {table.name: facts_of(world, table) for table in (prospects, guest_cards, inquiries)} == before
        world.assert_balanced()


def facts_of(world: World, table: Table) -> list[dict[str, object]]:
    """The rows of a table without when they were written."""
    rows = sorted(world.rows(table), key=lambda row: str(row["id"]))
    return [{name: value for name, value in row.items() if name not in {"updated_at", "version"}} for row in rows]
