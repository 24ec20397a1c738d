"""A double of Rent Manager's Web API: session tokens, lists in and out, 204 for nothing, versions, and a limit per
minute that it tells in four headers. The names of fields for sources, tasks and history are a choice of ours.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from flask import Flask, Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.records import Doc
from leadsvc.simulators.rentmanager.records import Database, error

CREDENTIALS = {"username": "leadsvc_ws", "password": "rentmanager-demo-password"}
_LIFE_S = 900.0
_LIMIT = 500


def _refused(status: int) -> Response:
    if status in (401, 429):
        return Response(b"", status)
    if status == 502:
        return Response("<html><body><h2>502 - Bad Gateway</h2></body></html>", status, mimetype="text/html")
    return error("Object reference not set to an instance of an object.", status)


def _throttled(wait_s: float) -> Response:
    until = int(time.time() + max(wait_s, 1))
    left = {"x-ratelimit-limit": str(_LIMIT), "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(until)}
    return Response(b"", 429, headers={**left, "x-ratelimit-resettime": formatdate(until, usegmt=True)})


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=lambda: Response(b"", 401),
    error_in_200=lambda: error("Object reference not set to an instance of an object.", 200),
    id_keys=("ProspectID", "HistoryID", "TaskID", "ConcurrencyID", "ContactID"),
)


def _guard(simulator: Simulator) -> None:
    if not simulator.tokens.valid(request.headers.get("X-RM12Api-ApiToken", "")):
        raise Refused(Response(b"", 401))


def _edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """What an agent notes becomes the prospect's status."""
    if words.get("outcome"):
        simulator.records.change("card", card["card_id"], prospect_status=str(words["outcome"]))


def create_app(state_file: Path, config_file: Path, credentials: Mapping[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator(
        "rentmanager", state_file, config_file, credentials, manners=MANNERS, guard=_guard, edited=_edited
    )
    database = Database(simulator)

    def authorize() -> Response:
        words = request.get_json(silent=True)
        given = words if isinstance(words, dict) else {}
        pair = (given.get("Username"), given.get("Password"))
        if pair != (simulator.credentials["username"], simulator.credentials["password"]):
            raise Refused(error("The user name or password is incorrect.", 401))
        return as_json(simulator.tokens.issue(_LIFE_S))

    @simulator.app.post("/Authentication/AuthorizeUser")
    def authorize_user() -> Response:
        return simulator.answer("authorize_user", authorize, guarded=False)

    @simulator.app.get("/Prospects")
    def prospects() -> Response:
        wanted = request.args.get("filters", "")
        ops = {"UpdateDate": "list_prospects_changed", "ProspectID": "get_prospect"}
        op = ops.get(wanted.partition(",")[0], "find_prospect")
        return simulator.answer(op, database.prospects)

    @simulator.app.post("/Prospects")
    def put_prospect() -> Response:
        key = database.key_of("ProspectID")
        op = "update_prospect" if key else "create_prospect"
        return simulator.answer(op, database.put_prospect, write=True, key=key or "new")

    @simulator.app.post("/Prospects/HistoryNotes")
    def put_note() -> Response:
        key = database.key_of("ProspectID")
        return simulator.answer("add_history_note", database.put_note, write=True, key=key)

    @simulator.app.get("/Prospects/<card_id>/HistoryNotes")
    def notes(card_id: str) -> Response:
        return simulator.answer("list_history_notes", lambda: database.notes(card_id))

    @simulator.app.get("/Tasks")
    def tasks() -> Response:
        return simulator.answer("list_tasks", database.tasks)

    @simulator.app.post("/Tasks")
    def put_task() -> Response:
        op = "update_task" if database.key_of("TaskID") else "create_task"
        return simulator.answer(op, database.put_task, write=True, key=database.key_of("ProspectID"))

    @simulator.app.get("/<any(Properties, UnitTypes, Units, Users, LeadSources):collection>")
    def config(collection: str) -> Response:
        return simulator.answer(database.OPS[collection], lambda: database.config(collection))

    return simulator.app
