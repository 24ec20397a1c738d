"""What is said of a failed delivery before it is sent again, where a household shares one record at the destination."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from leadsvc.app import create_app
from leadsvc.cli import cli
from leadsvc.letters import Opened
from leadsvc.store.tables import deliveries
from tests.benches.simpms import SimPmsBench
from tests.integration.api_support import Door
from tests.integration.test_shared_card import HOME, couple, with_policy
from tests.integration.web_support import Clock, Site
from tests.renters import Office
from tests.world import running_world


@pytest.fixture
def office(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:
    with running_world(sqlite_database, tmp_path, simpms, configure=partial(with_policy, "shared")) as world:
        yield Office(world)


def refuse(office: Office, op: str) -> None:
    body = json.dumps({"error": {"code": "odd", "message": "No.", "fields": {}}})
    office.world.pms.fault(op, "replay", status=422, body=body, headers={"Content-Type": "application/json"})


def opened(office: Office, kind: str, **override: str) -> Opened:
    (row,) = office.world.rows(deliveries, deliveries.c.state == "dead", deliveries.c.kind == kind)
    return office.world.services.letters.open(row["id"], "dana", override)


def lines(told: Opened) -> dict[str, tuple[str, str]]:
    return {each.field: (each.sent, each.note) for each in told.lines}


def test_who_would_stand_beside_another(office: Office) -> None:
    refuse(office, "add_person")
    couple(office)
    told = opened(office, "prospect", first_name="Andreas")
    (record,) = office.remote()
    keys = office.card("b")["key"], office.card("a")["key"]
    assert told.shared == (
        f"The household shares one record: {keys[0]} would stand on {record['id']} of {keys[1]}, and only who they are "
        "is added."
    )
    assert lines(told)["first_name"] == ("Andreas", "set by hand")
    assert lines(told)["source_name"] == ("", f"the record is that of {keys[1]}")
    assert {each.field for each in told.fields} == {"first_name", "last_name", "email", "phone"}
    (row,) = office.world.rows(deliveries, deliveries.c.state == "dead")
    office.world.services.letters.replay(row["id"], "dana", {"first_name": "Andreas"})
    office.settle()
    ((mate,),) = (card["people"] for card in office.remote())
    assert mate["first_name"] == "Andreas", "what was shown is what was sent"


def test_what_is_said_on_anothers_record(office: Office) -> None:
    couple(office)
    refuse(office, "add_event")
    office.forward(minutes=3)
    office.lead("c", "Anders Berg", HOME, "0133")
    office.settle()
    told = opened(office, "event")
    assert f"{office.card('b')['key']} stands on " in told.shared
    assert lines(told)["text"][0] == "Anders Berg: c"
    (row,) = office.world.rows(deliveries, deliveries.c.state == "dead")
    office.world.services.letters.replay(row["id"], "dana")
    office.settle()
    assert "Anders Berg: c" in [one["text"] for one in office.world.pms.state()["events"]]


def test_a_record_of_ones_own_is_nobody_elses(office: Office) -> None:
    refuse(office, "create_card")
    office.lead("a", "Rosa Berg", HOME, "0120")
    office.settle()
    assert opened(office, "prospect").shared == ""


def test_it_is_said_by_command_api_and_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(office, "add_person")
    couple(office)
    said = opened(office, "prospect").shared
    services: Any = office.world.services
    door = Door(create_app(services), services)
    (row,) = office.world.rows(deliveries, deliveries.c.state == "dead")
    where = f"/v1/dead-letters/{row['id']}"
    assert door.client.get(where, headers=door.staff()).get_json()["shared"] == said
    trial = door.client.post(f"{where}/replay", headers=door.staff("staff:write"), json={"dry_run": True})
    assert trial.get_json()["shared"] == said
    pages = Site(create_app(services), services, Clock()).as_user("dana", "ops")
    assert said in pages.get(f"/dead-letters/{row['id']}").text
    monkeypatch.setattr("leadsvc.cli.letters._services", lambda name: (services, services.settings.accounts[name]))
    shown = CliRunner().invoke(cli, ["destinations", "replay", "pms", str(row["id"]), "--dry-run"])
    assert said in shown.output, shown.output
