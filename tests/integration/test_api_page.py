"""docs/api.md: every curl line on it is run, and the answer must be the one that stands below it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from leadsvc.app import create_app
from leadsvc.faults import Commit
from leadsvc.store.tables import deliveries
from tests.integration.api_support import Door, door
from tests.processes import ROOT
from tests.world import World

PAGE = (ROOT / "docs" / "api.md").read_text()
EVERY = [
    (command, shown)
    for block, shown in re.findall(r"```sh\n(curl .*?)```\n(?:\n```json\n(.*?)```)?", PAGE, re.DOTALL)
    for command in re.split(r"^(?=curl )", block, flags=re.MULTILINE)
    if command
]
STAFF = [command for command, _ in EVERY if "$STAFF" in command]
STEPS = [(command, shown) for command, shown in EVERY if command not in STAFF]


@pytest.fixture
def api(sqlite_database: str, tmp_path: Path) -> Iterator[Door]:
    with door(sqlite_database, tmp_path) as opened:
        yield opened


def run(api: Door, command: str, values: dict[str, str]) -> TestResponse:
    """Do what curl would do with these options."""
    for name, value in values.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    url, headers, data, auth = "", {}, [], None
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data.append(next(words))
        elif word == "-u":
            user, _, password = next(words).partition(":")
            auth = (user, password)
        elif word != "-sS":
            assert not word.startswith("-"), f"this test does not know {word}"
            url = word
    if not data:
        return api.client.get(url, headers=headers)
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return api.client.post(url, data="&".join(data), headers=headers, auth=auth)


def matches(shown: Any, told: Any) -> bool:
    """Equal, where ``…`` stands for any text."""
    if isinstance(shown, dict) and isinstance(told, dict):
        return shown.keys() == told.keys() and all(matches(shown[name], told[name]) for name in shown)
    if isinstance(shown, list) and isinstance(told, list):
        return len(shown) == len(told) and all(map(matches, shown, told))
    return bool(shown == told or (shown == "…" and isinstance(told, str) and told))


def test_every_example_is_true(api: Door) -> None:
    assert len(STEPS) >= 8
    values = {
        "LEADSVC": "",
        "KEY": api.key(feed="canonical").shown,
        "USER_AND_PASSWORD": api.key("basic").shown,
        "TOKEN": api.key("url").shown,
    }
    for command, shown in STEPS:
        answer = run(api, command, values)
        told = answer.get_json()
        expected = json.loads(shown) if shown else {}
        assert not shown or matches(expected, told), f"{command}\n{told}"
        assert answer.status_code == (expected["status"] if "code" in expected else 200), told
        values["RECEIPT"] = told.get("receipt") or values.get("RECEIPT", "")


def test_every_example_for_staff_is_answered(world: World) -> None:
    """Of a card that the PMS refused, for a reason that names nothing, and of what the day's cap keeps back."""
    api = Door(create_app(world.services), world.services)
    world.pms.fault("create_card", "replay", status=422, body="{}", headers={"Content-Type": "application/json"})
    lead = {"person": {"given": "Kim", "family": "Example"}, "email": "kim@example.org", "property": {"id": "chd001"}}
    lead |= {"source": "website", "contact_type": "form"}
    assert world.send(json.dumps(lead).encode(), "application/json", "canonical").status == 200
    world.settle()
    [dead] = world.rows(deliveries, deliveries.c.state == "dead")
    kept = next(row for row in world.rows(deliveries) if row["kind"] == "task")
    with world.services.store.write(Commit.ADMIN) as connection:
        capped = update(deliveries).where(deliveries.c.id == kept["id"])
        connection.execute(capped.values(state="held", cause="corrections_cap"))
    key = api.staff("staff:write")["Authorization"].removeprefix("Bearer ")
    assert len(STAFF) >= 5
    for command in STAFF:
        told = kept if "/release" in command else dead
        answer = run(api, command, {"LEADSVC": "", "STAFF": key, "DELIVERY": str(dead["id"])})
        assert answer.status_code == 200, answer.get_json()
        assert str(told["id"]) in answer.get_data(as_text=True), command


def test_the_signing_example_signs(api: Door) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  the page's own code is what is tested
    body = b'{"email": "rosa@example.com"}'
    headers = names["headers"](api.key("hmac", feed="canonical").shown, body)
    assert api.client.post("/v1/leads", data=body, headers=headers).status_code == 200


def test_every_status_and_problem_of_the_page_exists() -> None:
    codes = set(re.findall(r'"code": "(\w+)"', PAGE))
    assert codes == {"invalid_lead", "credential"}
    assert {"200", "400", "401", "403", "413", "422", "429", "500", "503"} <= set(re.findall(r"\b[2-5]\d\d\b", PAGE))
