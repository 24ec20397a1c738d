"""Corrections that the daily cap of an account keeps back are looked at and let out: by API and page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadsvc.app import create_app
from leadsvc.letters import Filter
from leadsvc.store.tables import audit, deliveries, exceptions
from tests.benches.simpms import SimPmsBench
from tests.integration.api_support import Door
from tests.integration.test_letters_doors import prefix, state_of
from tests.integration.web_support import Clock, Site
from tests.system.test_engine import with_account
from tests.system.test_letters import edited
from tests.world import World, running_world

WHERE = "/v1/dead-letters/release"


@pytest.fixture
def world(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(
        sqlite_database, tmp_path, simpms, configure=lambda made: with_account(made, corrections_per_day=0)
    ) as made:
        yield made


def open_exceptions(world: World) -> int:
    return world.count(exceptions, exceptions.c.resolved_at.is_(None))


def test_a_script_looks_and_lets_them_out(world: World) -> None:
    row = edited(world, 1, ())
    door = Door(create_app(world.services), world.services)
    write = door.staff("staff:write")
    told = door.client.post(WHERE, headers=write, json={"destination": "pms", "dry_run": True}).get_json()
    assert (told["corrections"], told["dry_run"]) == (1, True)
    assert [(each["id"], each["cause"]) for each in told["dead_letters"]] == [(str(row["id"]), "corrections_cap")]
    assert (state_of(world, row), open_exceptions(world)) == ("held", 1), "nothing was changed"
    done = door.client.post(WHERE, headers=write, json={"destination": "pms", "until": told["asked_at"]}).get_json()
    assert (done["corrections"], done["dry_run"]) == (1, False)
    world.settle()
    assert (state_of(world, row), open_exceptions(world)) == ("acknowledged", 0)
    noted = [(each["actor"], each["action"], each["subject"], each["detail"]) for each in world.rows(audit)]
    assert (prefix(write), "preview", "pms", {"corrections": 1}) in noted
    assert (prefix(write), "release", "pms", {"corrections": 1}) in noted


def test_what_was_kept_back_since_waits_for_another_look(world: World) -> None:
    first = edited(world, 1, ())
    asked_at = world.services.letters.release("pms", "dana", dry_run=True).asked_at
    world.clock.forward(minutes=1)
    (second,) = (row for row in edited_too(world) if row["id"] != first["id"])
    assert world.services.letters.release("pms", "dana", until=asked_at).count == 1
    world.settle()
    assert (state_of(world, first), state_of(world, second)) == ("acknowledged", "held")
    assert open_exceptions(world) == 1, "the others still wait"
    assert world.services.letters.release("pms", "dana").count == 1
    world.settle()
    assert (state_of(world, second), open_exceptions(world)) == ("acknowledged", 0)


def edited_too(world: World) -> list[dict[str, object]]:
    """One more correction beside the one that waits; both."""
    with pytest.raises(ValueError, match="unpack"):
        edited(world, 2, ())
    return [dict(row) for row in world.rows(deliveries, deliveries.c.state == "held")]


def test_who_may_and_for_which_account(world: World) -> None:
    door = Door(create_app(world.services), world.services)
    body = {"destination": "pms"}
    assert door.client.post(WHERE, json=body).status_code == 401
    assert door.client.post(WHERE, headers=door.bearer("website"), json=body).status_code == 403
    assert door.client.post(WHERE, headers=door.staff(), json=body).status_code == 403
    write = door.staff("staff:write")
    assert door.client.post(WHERE, headers=write, json={}).status_code == 422
    assert door.client.post(WHERE, headers=write, json={"destination": "nowhere"}).status_code == 404
    assert door.client.post(WHERE, headers=write, json=body).get_json()["corrections"] == 0


def test_the_page_shows_them_first(world: World) -> None:
    row = edited(world, 1, ())
    pages = Site(create_app(world.services), world.services, Clock()).as_user("dana", "ops")
    assert "/dead-letters?cause=corrections_cap" in html.unescape(pages.get("/exceptions").text)
    listed = pages.get("/dead-letters?cause=corrections_cap&held=1").text
    assert "Let 1 correction go out to pms …" in listed
    shown = pages.get("/dead-letters/kept-back/pms").text
    assert "Let 1 correction go out to pms?" in shown
    assert state_of(world, row) == "held"
    assert pages.post("/dead-letters/kept-back/pms").status_code == 422, "not without having looked"
    until = html.unescape(re.findall(r'name="until" value="([^"]+)"', shown)[0])
    assert pages.post("/dead-letters/kept-back/pms", until=until).status_code == 303
    assert "1 correction goes out now." in pages.get("/dead-letters").text
    world.settle()
    assert state_of(world, row) == "acknowledged"
    assert "Nothing is kept back there." in pages.get("/dead-letters/kept-back/pms").text
    assert pages.get("/dead-letters/kept-back/nowhere").status_code == 404
    assert world.services.letters.page(Filter("pms", held=True)).letters == []
