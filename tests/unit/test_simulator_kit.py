"""The parts that all simulated vendors share: records, limits, tokens, orders to misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, Response

from leadsvc.errors import ConfigurationError
from leadsvc.simulators.faults import Fault, Faults
from leadsvc.simulators.kit import Refused, Simulator, Tokens, Window
from leadsvc.simulators.manners import Manners, as_json, numbers_as_text, one_for_list, other_prefix
from leadsvc.simulators.records import Records, new_card, read_config

CONFIG = {
    "properties": [{"id": "olf", "name": "Oakline", "floor_plans": [{"id": "L1", "name": "One"}], "units": []}],
    "agents": [{"id": "ben", "name": "Ben Ito"}],
    "sources": ["Zillow.com", "Walk-In"],
    "people_already_there": [{"card_id": "p1", "kind": "resident", "name": "Ada Byron", "property": "olf"}],
}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "vendor.db", CONFIG)


def test_the_configuration_is_read_once_and_again_on_reset(records: Records, tmp_path: Path) -> None:
    assert [one["name"] for one in records.all("source")] == ["Zillow.com", "Walk-In"]
    assert (records.get("card", "p1") or {})["status"] == "resident"
    records.change("source", "src1", name="Zillow Network")
    again = Records(tmp_path / "vendor.db", CONFIG)
    assert again.config("source", "Zillow Network") is not None
    again.reset()
    assert again.config("source", "Zillow Network") is None
    assert again.config("floor_plan", "L1", "elsewhere") is None


def test_what_is_raised_undoes_the_work(records: Records) -> None:
    def fail() -> None:
        with records.writing():
            records.put("card", "p2", new_card(card_id="p2", our_key="GC-1"))
            with records.writing():
                records.put("card", "p3", new_card(card_id="p3"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [card["card_id"] for card in records.all("card")] == ["p1"]


def test_documents_are_found_by_their_values_and_seen_when_it_is_time(records: Records) -> None:
    records.put("card", "p2", new_card(card_id="p2", our_key="GC-1", email="a@example.com"))
    assert (records.one("card", our_key="GC-1", email="a@example.com") or {})["card_id"] == "p2"
    assert records.one("card", our_key="GC-1", email="b@example.com") is None
    records.visible_after_s = 3600
    assert records.all("card", delayed=True) == []
    assert len(records.all("card")) == 2
    records.visible_after_s = 0
    assert len(records.all("card", delayed=True)) == 2
    assert records.number("card", 3, "p").startswith("p")


def test_a_window_counts_calls() -> None:
    window = Window()
    assert [window.wait_s() for _ in range(3)] == [0.0, 0.0, 0.0]
    window.set(2, 600)
    assert [window.wait_s() > 0 for _ in range(3)] == [False, False, True]
    window.set(0, 1)
    assert window.wait_s() == 0


def test_tokens_expire() -> None:
    tokens = Tokens()
    good, stale = tokens.issue(60), tokens.issue(-1)
    assert (tokens.valid(good), tokens.valid(stale), tokens.valid("")) == (True, False, False)
    tokens.expire()
    assert not tokens.valid(good)


def test_a_mode_that_this_wire_cannot_show_is_refused() -> None:
    xml = Manners(xml=True, lacks=frozenset({"bom"}))
    for mode in ("bom", "numbers_as_text", "soap_fault", "error_in_200", "nonsense"):
        with pytest.raises(ValueError, match="mode must be one of"):
            Fault.of({"mode": mode}, xml)
    assert Fault.of({"mode": "other_prefix"}, xml).mode == "other_prefix"


@pytest.mark.parametrize(
    ("act", "given", "made"),
    [
        (numbers_as_text, b'{"a": 1, "b": [2.5, "x", null]}', {"a": "1", "b": ["2.5", "x", None]}),
        (one_for_list, b'{"a": [{"b": 1}], "c": [1], "d": [{}, {}]}', {"a": {"b": 1}, "c": [1], "d": [{}, {}]}),
    ],
)
def test_the_same_answer_in_other_words(act: Callable[[bytes], bytes], given: bytes, made: object) -> None:
    assert json.loads(act(given)) == made


def test_another_prefix() -> None:
    given = b'<soap:Envelope xmlns:soap="urn:s"><soap:Body/></soap:Envelope>'
    assert other_prefix(given) == b'<SOAP-ENV:Envelope xmlns:SOAP-ENV="urn:s"><SOAP-ENV:Body/></SOAP-ENV:Envelope>'


def test_replayed_answers_go_to_whoever_asks_next_and_are_used_up() -> None:
    faults = Faults()
    faults.add([Fault.of({"mode": "replay", "status": 418, "headers": {"X-A": "1"}, "body": "é"})])
    with Flask("x").app_context():
        answer = faults.replayed()
        assert answer is not None
        assert (answer.status_code, answer.headers["X-A"], answer.get_data()) == (418, "1", "é".encode())
        assert "Content-Type" not in answer.headers
        assert faults.replayed() is None


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    config = tmp_path / "pms.yaml"
    config.write_text(json.dumps(CONFIG))
    made = Simulator("unit", tmp_path / "unit.db", config, {"key": "right"})

    @made.app.post("/cards")
    @made.operation("create", write=True, key=lambda: "GC-1")
    def create() -> Response:
        made.records.put("card", "p2", new_card(card_id="p2"))
        if made.credentials["key"] == "refuse":
            raise Refused(as_json({"error": "no"}, 422))
        return as_json({"card_id": "p2", "ok": True}, 201)

    return made


def test_an_operation_is_logged_undone_when_refused_and_spoiled_on_order(simulator: Simulator) -> None:
    client = simulator.app.test_client()
    simulator.credentials["key"] = "refuse"
    assert client.post("/cards").status_code == 422
    assert simulator.records.get("card", "p2") is None
    simulator.credentials["key"] = "right"
    client.post(
        "/control/faults", json=[{"op": "create", "mode": "ok_noop"}, {"op": "create", "mode": "ok_without_id"}]
    )
    noop, nameless = client.post("/cards"), client.post("/cards", data=b"as it came")
    assert (noop.status_code, noop.json) == (200, {"card_id": "p2", "ok": True})
    assert (nameless.status_code, nameless.json) == (200, {"ok": True})
    state = client.get("/control/state").json
    assert state is not None
    assert [(call["op"], call["status"]) for call in state["requests"]] == [
        ("create", 422),
        ("create", 200),
        ("create", 200),
    ]
    assert state["max_concurrent_writes"] == {"GC-1": 1}
    assert (client.get("/control/wire").json or [])[-1]["body"] == "as it came"
    assert state["counts"]["live_api_cards"] == 1


def test_orders_from_elsewhere_are_refused(simulator: Simulator) -> None:
    client = simulator.app.test_client()
    assert client.get("/control/state", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
    assert client.get("/", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200


def test_agents_edit_merge_and_configure(simulator: Simulator) -> None:
    client = simulator.app.test_client()
    made = client.post("/control/cards", json={"property": "olf", "last_name": "Byron"}).json
    assert made is not None
    card_id = made["card"]["card_id"]
    words = {"fields": {"phone": "+17065550199"}, "outcome": "sent to the moon", "reason": "why not"}
    edited = client.post(f"/control/cards/{card_id}/edit", json=words).json
    assert edited is not None
    assert (edited["card"]["phone"], edited["card"]["status"]) == ("+17065550199", "sent to the moon")
    assert [one["reason"] for one in simulator.records.all("outcome")] == ["why not"]
    assert client.post(f"/control/cards/{card_id}/merge", json={"into": "p1"}).status_code == 200
    assert (simulator.records.get("card", card_id) or {})["merged_into"] == "p1"
    assert client.post(f"/control/cards/{card_id}/merge", json={"into": "nobody"}).status_code == 404
    assert client.post("/control/config/source/Walk-In", json={"active": False}).status_code == 200
    assert client.post("/control/config/colour/red", json={}).status_code == 404
    assert client.post("/control/revoke", json={"property": "nowhere"}).status_code == 404


def test_a_wrong_configuration_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("a: [")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_config(empty)
    empty.write_text("a: 1")
    with pytest.raises(ConfigurationError, match="properties"):
        read_config(empty)
