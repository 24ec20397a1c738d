"""Dead letters by API and page: the same list, the same preview, the same replay as by command."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from leadsvc.app import create_app
from leadsvc.faults import Commit
from leadsvc.store.tables import attempts, audit, deliveries, exceptions
from tests.benches.simpms import SimPmsBench
from tests.integration.api_support import Door
from tests.integration.web_support import Clock, Site, statements
from tests.system import people
from tests.world import World, running_world

EVIL = "<script>alert(1)</script>\u202e"


@pytest.fixture
def world(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(store_url, tmp_path, simpms) as made:
        yield made


@pytest.fixture
def pages(world: World) -> Site:
    return Site(create_app(world.services), world.services, Clock()).as_user("dana", "ops")


@pytest.fixture
def api(world: World) -> Door:
    return Door(create_app(world.services), world.services)


def refused(world: World, person: int, code: str = "invalid_name") -> Any:
    """A lead whose card the PMS refuses; the delivery that is dead of it."""
    body = json.dumps({"error": {"code": code, "message": EVIL, "fields": {"first_name": ["too odd"]}}})
    world.pms.fault("create_card", "replay", status=422, body=body, headers={"Content-Type": "application/json"})
    lead = {
        "person": people.name(person),
        "email": people.email(person),
        "property": {"id": "chd001"},
        "source": "website",
        "contact_type": "form",
        "message": f"hello {person}",
    }
    assert world.send(json.dumps(lead).encode(), "application/json", "canonical").status == 200
    world.settle()
    return world.rows(deliveries, deliveries.c.state == "dead")[-1]


def state_of(world: World, row: Any) -> str:
    return str(world.rows(deliveries, deliveries.c.id == row["id"])[0]["state"])


def asked(world: World) -> int:
    return len(world.pms.requests())


def prefix(headers: dict[str, str]) -> str:
    return headers["Authorization"].split("_")[1]


def lines(answer: TestResponse) -> dict[str, Any]:
    return {each["field"]: each for each in answer.get_json()["would_send"]}


def test_the_api_lists_shows_tries_and_sends(world: World, api: Door) -> None:
    row = refused(world, 1)
    read, write = api.staff(), api.staff("staff:write")
    page = api.client.get("/v1/dead-letters", headers=read).get_json()
    [told] = page["dead_letters"]
    assert (told["id"], told["destination"], told["cause"]) == (str(row["id"]), "pms", "invalid_name")
    assert "first_name: too odd" in told["words"]
    assert told["hint"]
    assert page["open"] == [{"destination": "pms", "cause": "invalid_name", "count": 1}]
    assert page["next"] is None
    opened = api.client.get(f"/v1/dead-letters/{row['id']}", headers=read)
    assert lines(opened)["first_name"]["sent"] == people.name(1)["given"]
    settable = {each["field"]: each for each in opened.get_json()["settable"]}
    assert settable["first_name"]["longest"] == 40
    calls = asked(world)
    where = f"/v1/dead-letters/{row['id']}/replay"
    trial = api.client.post(where, headers=write, json={"set": {"first_name": "Robin"}, "dry_run": True})
    assert (lines(trial)["first_name"]["sent"], lines(trial)["first_name"]["note"]) == ("Robin", "set by hand")
    assert (state_of(world, row), asked(world)) == ("dead", calls), "nothing was changed, nobody was asked"
    done = api.client.post(where, headers=write, json={"set": {"first_name": "Robin"}})
    assert done.get_json() == {"delivery": str(row["id"]), "dry_run": False}
    world.settle()
    assert state_of(world, row) == "acknowledged"
    [card] = [each for each in world.pms.state()["cards"] if each["third_party_id"]]
    assert card["first_name"] == "Robin"
    assert api.client.post(where, headers=write, json={}).status_code == 404, "it is done"
    noted = [(each["actor"], each["action"], each["subject_kind"]) for each in world.rows(audit)]
    assert (prefix(write), "retry", "delivery") in noted
    assert (prefix(write), "preview", "delivery") in noted
    assert (prefix(read), "read", "guest_card") in noted, "who read whose card is on record"


def test_only_staff_may_and_only_writers_change(world: World, api: Door) -> None:
    row = refused(world, 1)
    where = f"/v1/dead-letters/{row['id']}/replay"
    assert api.client.get("/v1/dead-letters").status_code == 401
    assert api.client.get("/v1/dead-letters", headers=api.bearer("website")).status_code == 403
    assert api.client.post(where, headers=api.staff(), json={}).status_code == 403
    assert state_of(world, row) == "dead"


_UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"first_nam": "Robin"}, "did you mean 'first_name'"),
    ({"first_name": "R" * 41}, "has 41 characters"),
    ({"move_in": "soon"}, "a day such as"),
    ({"first_name": "a\x00b"}, "control characters"),
    ({"first_name": 7}, "string"),
]


def test_what_cannot_be_sent_is_a_problem(world: World, api: Door) -> None:
    row = refused(world, 1)
    write = api.staff("staff:write")
    for given, said in _UNFIT:
        for dry_run in (True, False):
            body = {"set": given, "dry_run": dry_run}
            answer = api.client.post(f"/v1/dead-letters/{row['id']}/replay", headers=write, json=body)
            assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
            assert said in answer.get_data(as_text=True)
    assert state_of(world, row) == "dead"


def test_what_was_set_before_stays_set(world: World, api: Door) -> None:
    row = refused(world, 1)
    where, write = f"/v1/dead-letters/{row['id']}/replay", api.staff("staff:write")
    body = json.dumps({"error": {"code": "invalid_name", "message": "no", "fields": {"last_name": ["too odd"]}}})
    world.pms.fault("create_card", "replay", status=422, body=body, headers={"Content-Type": "application/json"})
    api.client.post(where, headers=write, json={"set": {"first_name": "Robin"}})
    world.settle()
    assert state_of(world, row) == "dead"
    api.client.post(where, headers=write, json={"set": {"last_name": "Vale"}})
    world.settle()
    [card] = [each for each in world.pms.state()["cards"] if each["third_party_id"]]
    assert (card["first_name"], card["last_name"]) == ("Robin", "Vale")


def test_many_are_looked_at_and_sent_by_cause(world: World, api: Door) -> None:
    first, second, third = refused(world, 1), refused(world, 2, "invalid_phone"), refused(world, 3)
    write = api.staff("staff:write")
    wanted = {"destination": "pms", "cause": "invalid_name"}
    assert api.client.post("/v1/dead-letters/replay", headers=write, json={}).status_code == 422, "not everything"
    trial = api.client.post("/v1/dead-letters/replay", headers=write, json=wanted | {"dry_run": True}).get_json()
    assert [each["id"] for each in trial["dead_letters"]] == [str(first["id"]), str(third["id"])]
    assert all(each["troubles"] == [] for each in trial["dead_letters"])
    assert state_of(world, first) == state_of(world, third) == "dead"
    world.clock.forward(minutes=1)
    later = refused(world, 4)
    until = {"until": trial["asked_at"]}
    done = api.client.post("/v1/dead-letters/replay", headers=write, json=wanted | until).get_json()
    assert len(done["dead_letters"]) == 2
    assert done["left"] == 0
    world.settle()
    assert [state_of(world, each) for each in (first, second, third, later)] == [
        "acknowledged",
        "dead",
        "acknowledged",
        "dead",
    ], "what died after it was looked at was not looked at"
    open_ = {each["subject_id"] for each in world.rows(exceptions, exceptions.c.resolved_at.is_(None))}
    assert open_ == {second["id"], later["id"]}
    world.assert_balanced()


def test_pages_of_the_list_hold_each_once(world: World, api: Door) -> None:
    rows = [refused(world, number, f"invalid_{number % 2}") for number in range(1, 8)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=3&cursor={cursor}" if cursor else "?limit=3"
        page = api.client.get(f"/v1/dead-letters{query}", headers=api.staff()).get_json()
        seen += [each["id"] for each in page["dead_letters"]]
        cursor = page["next"]
    assert seen == [str(row["id"]) for row in rows]
    narrowed = api.client.get("/v1/dead-letters?cause=invalid_1&destination=pms", headers=api.staff()).get_json()
    assert len(narrowed["dead_letters"]) == 4
    for bad in ("nonsense", "f" * 60, "-", f"{'f' * 16}-{rows[0]['id'].hex}x"):
        assert api.client.get(f"/v1/dead-letters?cursor={bad}", headers=api.staff()).status_code in (200, 400)
    assert api.client.get("/v1/dead-letters?destination=nowhere", headers=api.staff()).get_json()["dead_letters"] == []


def test_one_is_given_up(world: World, api: Door) -> None:
    row = refused(world, 1)
    done = api.client.post(f"/v1/dead-letters/{row['id']}/cancel", headers=api.staff("staff:write"), json={})
    assert done.get_json()["state"] == "cancelled"
    assert state_of(world, row) == "cancelled"


def test_an_account_that_is_configured_no_more(world: World, api: Door) -> None:
    row = refused(world, 1)
    with world.services.store.write(Commit.ADMIN) as connection:
        connection.execute(update(deliveries).values(destination="old-crm"))
    opened = api.client.get(f"/v1/dead-letters/{row['id']}", headers=api.staff()).get_json()
    assert "not configured any more" in opened["troubles"][0]
    where = f"/v1/dead-letters/{row['id']}/replay"
    answer = api.client.post(where, headers=api.staff("staff:write"), json={"set": {"first_name": "R"}})
    assert answer.status_code == 422


# -- the pages --------------------------------------------------------------------------------------------------------


def offered(page: TestResponse) -> dict[str, str]:
    """What the form on the page would send."""
    fields = re.findall(r'name="((?:set|read)_\w+)" value="([^"]*)"', page.text)
    areas = re.findall(r'<textarea[^>]*name="((?:set|read)_\w+)"[^>]*>([^<]*)</textarea>', page.text)
    return {name: html.unescape(value) for name, value in [*fields, *areas]}


def test_a_person_corrects_one_on_the_page(world: World, pages: Site) -> None:
    row = refused(world, 1)
    listed = pages.get("/dead-letters").text
    assert "too odd" in listed
    assert "<script>alert" not in listed
    path = f"/dead-letters/{row['id']}"
    assert path in listed
    form = offered(pages.get(path))
    assert form["set_first_name"] == people.name(1)["given"]
    tried = pages.post(path, how="preview", **form | {"set_first_name": "Robin"})
    assert "Tried, nothing was changed" in tried.text
    assert "set by hand" in tried.text
    assert offered(tried)["set_first_name"] == "Robin"
    assert offered(tried)["read_first_name"] == people.name(1)["given"]
    assert state_of(world, row) == "dead"
    wrong = pages.post(path, how="send", **offered(tried) | {"set_first_name": "R" * 41})
    assert "It cannot be sent like that: first_name has 41 characters" in wrong.text
    assert offered(wrong)["set_first_name"] == "R" * 41, "what was typed is still there"
    assert state_of(world, row) == "dead"
    assert pages.post(path, how="send", **offered(tried)).status_code == 303
    world.settle()
    [sent] = world.rows(deliveries, deliveries.c.id == row["id"])
    assert (sent["state"], sent["override"]) == ("acknowledged", {"first_name": "Robin"}), "only what was touched"
    assert "Everything that was owed went out" in pages.get("/dead-letters").text
    noted = {each["action"] for each in world.rows(audit) if each["actor"] == "dana"}
    assert {"letters.list", "preview", "retry"} <= noted
    assert pages.get(path).status_code == 404


def test_all_of_a_cause_from_the_page(world: World, pages: Site) -> None:
    first, second = refused(world, 1), refused(world, 2, "invalid_phone")
    shown = pages.get("/dead-letters/replay?destination=pms&cause=invalid_name")
    assert "Send 1 delivery again?" in shown.text
    assert state_of(world, first) == "dead"
    until = re.findall(r'name="until" value="([^"]+)"', shown.text)[0]
    wanted = {"destination": "pms", "cause": "invalid_name"}
    assert pages.post("/dead-letters/replay", **wanted).status_code == 422, "not without having looked"
    assert pages.post("/dead-letters/replay", **wanted, until="x").status_code == 404
    assert pages.post("/dead-letters/replay", **wanted, until=html.unescape(until)).status_code == 303
    world.settle()
    assert (state_of(world, first), state_of(world, second)) == ("acknowledged", "dead")


def test_one_is_given_up_on_the_page(world: World, pages: Site) -> None:
    row = refused(world, 1)
    assert "Correct …" in pages.get("/exceptions").text
    assert pages.post(f"/dead-letters/{row['id']}/cancel").status_code == 303
    assert state_of(world, row) == "cancelled"


def test_the_list_costs_the_same_however_long_it_is(world: World, pages: Site) -> None:
    refused(world, 1)
    pages.get("/dead-letters")
    with statements(pages.services.store) as few:
        pages.get("/dead-letters")
    for number in range(2, 12):
        refused(world, number)
    with statements(pages.services.store) as many:
        page = pages.get("/dead-letters")
    assert page.text.count("Look and correct") == 11
    assert len(many) == len(few) <= 5
    assert len(world.rows(attempts)) >= 11
