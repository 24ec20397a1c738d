"""A double of Entrata's gateways: everything is a POST of a method, errors lie inside 200, and a lead whose e-mail or
phone the property knows is answered as a success and dropped.

What updateLeads r1 takes beside the application's id is described nowhere; here it takes what sendLeads does.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, request

from leadsvc.simulators.entrata.leads import EVENT_TYPES, Leads, failed
from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.records import Doc, now

CREDENTIALS = {"api_key": "entrata-demo-key", "username": "leadsvc_ws", "password": "entrata-demo-password"}
_LIMIT = 300


def _refused(status: int) -> Response:
    if status == 502:
        return Response("<html><body><h1>502 Bad Gateway</h1></body></html>", status, mimetype="text/html")
    return as_json({"response": {"error": {"code": status, "message": "Internal error."}}}, status)


def _throttled(wait_s: float) -> Response:
    answer = as_json({"response": {"error": {"code": 429, "message": "Rate limit exceeded."}}}, 429)
    answer.headers["X-RateLimit-Limit"] = str(_LIMIT)
    answer.headers["X-RateLimit-Remaining"] = "0"
    answer.headers["X-RateLimit-Reset"] = str(int(time.time() + max(wait_s, 1)))
    return answer


def _unauthorized() -> Response:
    return failed(401, "Authentication failed: API key is not valid.")


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=_unauthorized,
    error_in_200=lambda: failed(500, "Internal error."),
    id_keys=("applicationId", "applicantId", "applicants", "id"),
)


def _guard(simulator: Simulator) -> None:
    known = simulator.credentials
    if request.path.startswith("/api/"):
        pair = f"{known['username']}:{known['password']}".encode()
        good = request.headers.get("Authorization") == "Basic " + base64.b64encode(pair).decode()
    else:
        good = request.headers.get("X-Api-Key") == known["api_key"]
    if not good:
        if request.path.endswith("/status"):
            raise Refused(as_json({"error": {"code": 401, "message": "Unauthorized"}}, 401))
        raise Refused(_unauthorized())


def _edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """An agent's doing shows as an event where it is a type of event, else as the status of the lead."""
    word = str(words.get("outcome") or "")
    kinds = {name: key for key, name in EVENT_TYPES.items()}
    if word in kinds:
        key = simulator.records.number("event", 6)
        values = {"kind": word, "type_id": kinds[word], "at": now(), "text": "", "result": "Completed"}
        event = {"event_id": key, "card_id": card["card_id"], "subtype_id": "", "due": "", "source_name": "", **values}
        simulator.records.put("event", key, {**event, "agent_ref": str(words.get("agent_id") or "")})
    elif word:
        reason = str(words.get("reason") or "")
        values = {"lead_status": word, "reason": reason, "lease_id": str(words.get("lease_id") or "")}
        simulator.records.change("card", card["card_id"], **values)


def create_app(state_file: Path, config_file: Path, credentials: Mapping[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator(
        "entrata", state_file, config_file, credentials, manners=MANNERS, guard=_guard, edited=_edited
    )
    leads = Leads(simulator)

    def run(endpoint: str) -> Response:
        words = request.get_json(silent=True)
        method = words.get("method") if isinstance(words, dict) else None
        if not isinstance(method, dict):
            return failed(400, "The method is required.", 400)
        op = leads.op(endpoint, method)
        if op is None:
            return failed(303, f"There is no method {method.get('name')} at {endpoint}.")
        params = method.get("params")
        params = params if isinstance(params, dict) else {}
        key = str(params.get("applicationId") or "new")
        return simulator.answer(op, lambda: leads.act(op, method, params), write=op in leads.WRITES, key=key)

    @simulator.app.post("/ext/orgs/<subdomain>/v1/<endpoint>")
    def modern(subdomain: str, endpoint: str) -> Response:
        return run(endpoint)

    @simulator.app.post("/api/v1/<endpoint>")
    def older(endpoint: str) -> Response:
        return run(endpoint)

    return simulator.app
