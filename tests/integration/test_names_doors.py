"""The mapping queue by page, API and command: the same list, the same answers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from leadsvc.app import create_app
from leadsvc.cli.names import names as verb
from leadsvc.store.tables import audit, guest_cards, name_answers
from tests.benches.simpms import SimPmsBench
from tests.integration.api_support import Door
from tests.integration.test_names import home, lead, only, queue, send
from tests.integration.web_support import Clock, Site
from tests.world import World, running_world


@pytest.fixture
def world(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(sqlite_database, tmp_path, simpms) as made:
        send(made, lead(1, property={"name": "Cedar Holow Flats"}), lead(2, unit="<b>Garden</b>"))
        made.settle()
        yield made


@pytest.fixture
def pages(world: World) -> Site:
    return Site(create_app(world.services), world.services, Clock()).as_user("dana", "ops")


def test_the_page_asks_and_takes_the_answer(world: World, pages: Site) -> None:
    shown = pages.get("/mapping").text
    assert "“Cedar Holow Flats”" in shown
    assert "&lt;b&gt;Garden" in shown, "what was sent is shown, not run"
    name = only(world, "property")
    done = pages.post(f"/names/{name.id}/answer", target=name.suggestions[0].target, back="/mapping")
    assert done.status_code == 303
    assert {row["property_id"] for row in world.rows(guest_cards)} == {home(world)["id"]}
    after = html.unescape(pages.get("/mapping").text)
    assert "1 that waited are mended" in after
    assert "Cedar Holow Flats" not in re.sub(r"(?s).*<h1", "", after)
    assert "dana" in pages.get("/mapping?state=answered").text
    pages.post(f"/names/{name.id}/undo", back="/mapping")
    assert only(world, "property").state in ("open", "taken_back")


def test_days_and_mistakes_on_the_page(world: World, pages: Site) -> None:
    name = only(world, "property")
    target = str(home(world)["id"])
    assert pages.post(f"/names/{name.id}/answer", target="").status_code == 422
    assert pages.post(f"/names/{name.id}/answer", target=target, valid_to="soon").status_code == 422
    assert pages.post(f"/names/{name.id}/burn").status_code == 404
    assert pages.get("/mapping?state=whatever").status_code == 404
    pages.post(f"/names/{name.id}/answer", target=target, valid_from="2026-01-01", valid_to="2026-12-31")
    (row,) = world.rows(name_answers)
    assert (str(row["valid_from"]), str(row["valid_to"]), row["made_by"]) == ("2026-01-01", "2026-12-31", "dana")
    unit = only(world, "unit")
    pages.post(f"/names/{unit.id}/ignore", back="/mapping")
    assert queue(world, "unit") == []


def test_scripts(world: World) -> None:
    door = Door(create_app(world.services), world.services)
    reading, writing = door.staff(), door.staff("staff:write")
    listed = door.client.get("/v1/names?kind=property", headers=reading)
    assert listed.status_code == 200, listed.text
    (name,) = listed.get_json()["names"]
    assert (name["text"], name["waiting"], listed.get_json()["open"]) == (
        "Cedar Holow Flats",
        1,
        {"property": 1, "unit": 1},
    )
    answer = {"target": name["suggestions"][0]["target"]}
    path = f"/v1/names/{name['id']}/answer"
    assert door.client.post(path, json=answer, headers=reading).status_code == 403
    assert door.client.post(path, json={"target": "nowhere"}, headers=writing).status_code == 422
    done = door.client.post(path, json=answer, headers=writing)
    assert (done.status_code, done.get_json()["mended"]) == (200, 1)
    again = door.client.post(f"/v1/names/{name['id']}/undo", headers=writing)
    assert again.status_code == 200
    unit = only(world, "unit")
    assert door.client.post(f"/v1/names/{unit.id}/ignore", headers=writing).status_code == 200
    assert door.client.get("/v1/names?kind=house", headers=reading).status_code == 422


def test_commands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadsvc.cli.names.as_configured", lambda: world.services)
    monkeypatch.setenv("COLUMNS", "400")
    run = CliRunner().invoke
    name = only(world, "property")
    listed = run(verb, ["list", "--kind", "property"])
    assert listed.exit_code == 0
    assert str(name.id) in listed.output
    answered = run(verb, ["answer", str(name.id), str(home(world)["id"]), "--from", "2026-01-01"])
    told: dict[str, Any] = json.loads(answered.output)
    assert (told["mended"], told["waiting"]) == (1, 0)
    assert json.loads(run(verb, ["undo", str(name.id)]).output)["text"] == "Cedar Holow Flats"
    unit = only(world, "unit")
    assert run(verb, ["ignore", str(unit.id)]).exit_code == 0
    assert world.count(audit, audit.c.subject_kind == "name") == 3
