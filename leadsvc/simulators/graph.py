"""A double of Facebook's Graph API, as far as leads of lead ads go: they are put in by hand and handed out by id.

``GET /<version>/<lead id>`` answers as documented; ``POST /control/leads`` puts leads in, ``POST /control/faults``
takes orders (:mod:`leadsvc.simulators.faults`, and ``graph_error`` with ``code``, ``subcode`` and ``headers``), and
``GET /control/state`` tells what was asked.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from flask import Flask, Response, json, request

from leadsvc.simulators.faults import Fault, Faults

_MESSAGES = {
    190: ("OAuthException", "Error validating access token: the session has expired."),
    10: ("OAuthException", "Application does not have permission for this action"),
    200: ("OAuthException", "Requires leads_retrieval permission to manage the object"),
    100: ("GraphMethodException", "Unsupported get request. Object does not exist or cannot be loaded."),
    4: ("OAuthException", "Application request limit reached"),
    2: ("OAuthException", "An unexpected error has occurred. Please retry your request later."),
}


class _Memory:
    def __init__(self, token: str) -> None:
        self.lock = threading.Lock()
        self.token = token
        self.leads: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.errors: list[dict[str, Any]] = []


def create_app(token: str) -> Flask:
    """The simulator; callers must send ``token``."""
    app = Flask("graph", static_folder=None)
    memory, faults = _Memory(token), Faults()

    @app.get("/<version>/<lead_id>")
    def lead(version: str, lead_id: str) -> Response:
        with memory.lock:
            memory.asked[lead_id] += 1
        return faults.apply(faults.take("get_lead"), lambda: _lead(memory, lead_id))

    @app.post("/control/leads")
    def put() -> Response:
        with memory.lock:
            for each in request.get_json():
                memory.leads[str(each["id"])] = each
        return Response(status=204)

    @app.delete("/control/leads")
    def empty() -> Response:
        with memory.lock:
            memory.leads.clear()
            memory.asked.clear()
        return Response(status=204)

    @app.delete("/control/leads/<lead_id>")
    def forget(lead_id: str) -> Response:
        with memory.lock:
            memory.leads.pop(lead_id, None)
        return Response(status=204)

    @app.post("/control/faults")
    def order() -> Response:
        orders = request.get_json()
        with memory.lock:
            memory.errors += [each for each in orders if each.get("mode") == "graph_error"]
        faults.add([Fault.of(each) for each in orders if each.get("mode") != "graph_error"])
        return Response(status=204)

    @app.delete("/control/faults")
    def calm() -> Response:
        with memory.lock:
            memory.errors.clear()
        faults.clear()
        return Response(status=204)

    @app.post("/control/token")
    def renew() -> Response:
        with memory.lock:
            memory.token = str(request.get_json()["token"])
        return Response(status=204)

    @app.get("/control/state")
    def state() -> Response:
        with memory.lock:
            told = {"asked": dict(memory.asked), "leads": sorted(memory.leads)}
        return Response(json.dumps(told), mimetype="application/json")

    return app


def _lead(memory: _Memory, lead_id: str) -> Response:
    with memory.lock:
        if memory.errors:
            error = memory.errors[0]
            error["times"] = error.get("times", 1) - 1
            if error["times"] <= 0:
                memory.errors.pop(0)
            return _error(error["code"], error.get("subcode", 0), error.get("headers", {}))
        if request.headers.get("Authorization") != f"Bearer {memory.token}":
            return _error(190, 463, {})
        found = memory.leads.get(lead_id)
    if found is None:
        return _error(100, 33, {})
    wanted = request.args.get("fields", "id,created_time,field_data").split(",")
    return _json(200, {name: found[name] for name in wanted if name in found})


def _error(code: int, subcode: int, headers: dict[str, str]) -> Response:
    kind, message = _MESSAGES.get(code, ("OAuthException", "Simulated"))
    error = {"message": message, "type": kind, "code": code, "fbtrace_id": "simulated"}
    status = {190: 401, 4: 403, 2: 500}.get(code, 400)
    response = _json(status, {"error": error | ({"error_subcode": subcode} if subcode else {})})
    response.headers.update(headers)
    return response


def _json(status: int, body: object) -> Response:
    return Response(json.dumps(body), status, content_type="application/json; charset=UTF-8")
