"""``/api/v1``: the wire that adapters speak. Errors are ``{"error": {"code", "message", "fields"}}``."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from leadsvc.simulators.faults import Faults
from leadsvc.simulators.simpms import cards, history
from leadsvc.simulators.simpms.state import State
from leadsvc.simulators.traffic import Traffic

api = Blueprint("api", __name__, url_prefix="/api/v1")
_KINDS = {
    "properties": "property",
    "floor_plans": "floor_plan",
    "units": "unit",
    "agents": "agent",
    "sources": "source",
}
_PAGE_MAX = 200
_Answer = tuple[dict[str, Any], int]


def state() -> State:
    """The open file of this process."""
    found: State = current_app.extensions["simpms_state"]
    return found


def faults() -> Faults:
    """The misbehaviour on order."""
    found: Faults = current_app.extensions["simpms_faults"]
    return found


def traffic() -> Traffic:
    """What was called."""
    found: Traffic = current_app.extensions["simpms_traffic"]
    return found


def operation(op: str, *, write: bool = False) -> Callable[[Callable[..., _Answer]], Callable[..., Response]]:
    """Name a route as the operation ``op``: key checked, logged, faults applied, errors in one shape."""

    def wrap(view: Callable[..., _Answer]) -> Callable[..., Response]:
        @wraps(view)
        def run(**path: str) -> Response:
            key = _card_key(path) if write else ""
            call = traffic().log(op, key)
            traffic().heard(op, f"{request.method} {request.full_path}", request.get_data(as_text=True))

            def act() -> Response:
                with traffic().writing(key):
                    faults().wait(g.get("linger", 0.0))
                    answer = _answer(view, path)
                    traffic().worked(call)
                    return answer

            response = faults().apply(faults().take(op), act)
            traffic().answered(call, response.status_code)
            return response

        return run

    return wrap


def _card_key(path: dict[str, str]) -> str:
    """The name under which writes to one card are counted: the third-party id where it carries one."""
    card_id = path.get("card_id", "")
    if "task_id" in path:
        task = state().row("SELECT card_id FROM tasks WHERE task_id = ?", path["task_id"])
        card_id = str((task or {}).get("card_id") or path["task_id"])
    if card_id:
        card = state().row("SELECT third_party_id FROM cards WHERE card_id = ?", card_id)
        return str((card or {}).get("third_party_id") or card_id)
    body = request.get_json(silent=True)
    return str(body.get("third_party_id") or "") if isinstance(body, dict) else ""


def _answer(view: Callable[..., _Answer], path: dict[str, str]) -> Response:
    given = request.headers.get("X-Api-Key", "")
    try:
        if not hmac.compare_digest(given.encode(), str(current_app.config["API_KEY"]).encode()):
            raise cards.Refused(401, "unauthorized", "The X-Api-Key header is missing or wrong.")
        payload, status = view(**path)
    except cards.Refused as refused:
        error = {"code": refused.code, "message": refused.message, "fields": refused.fields}
        payload, status = {"error": error}, refused.status
    response = jsonify(payload)
    response.status_code = status
    return response


def body() -> dict[str, Any]:
    """The JSON object of the request, or 400."""
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise cards.Refused(400, "malformed", "The body must be a JSON object.")
    for name, one in value.items():
        if isinstance(one, str) and not _is_storable(one):
            raise cards.Refused(400, "malformed", f"{name} holds half a character.")
    return value


def _is_storable(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise cards.Refused(400, "malformed", f"{name} must be a whole number.")
    return int(text)


@api.get("/ping")
@operation("check")
def ping() -> _Answer:
    return {"ok": True, "product": "SimPMS", "version": "1.0"}, 200


@api.get("/config/<kind>")
@operation("pull_config")
def configuration(kind: str) -> _Answer:
    if kind not in _KINDS:
        raise cards.Refused(404, "no_such_list", f"Lists are {', '.join(_KINDS)}.")
    page, size = max(_whole("page", 1), 1), min(max(_whole("size", 50), 1), _PAGE_MAX)
    rows = state().rows(
        "SELECT id, name, parent, active, raw FROM config WHERE kind = ? ORDER BY place LIMIT ? OFFSET ?",
        _KINDS[kind],
        size + 1,
        (page - 1) * size,
    )
    items = [{**row, "active": bool(row["active"]), "raw": json.loads(row["raw"])} for row in rows[:size]]
    return {"items": items, "next_page": page + 1 if len(rows) > size else None}, 200


@api.post("/guest-cards")
@operation("create_card", write=True)
def create_card() -> _Answer:
    return {"guest_card": cards.shown(state(), cards.create(state(), body()))}, 201


@api.get("/guest-cards")
@operation("search_cards")
def search_cards() -> _Answer:
    return {"guest_cards": [cards.shown(state(), card) for card in cards.search(state(), request.args)]}, 200


@api.get("/guest-cards/<card_id>")
@operation("get_card")
def get_card(card_id: str) -> _Answer:
    return {"guest_card": cards.shown(state(), cards.get(state(), card_id))}, 200


@api.patch("/guest-cards/<card_id>")
@operation("update_card", write=True)
def update_card(card_id: str) -> _Answer:
    card, kept = cards.patch(state(), card_id, body())
    return {"guest_card": cards.shown(state(), card), "kept": kept}, 200


@api.post("/guest-cards/<card_id>/people")
@operation("add_person", write=True)
def add_person(card_id: str) -> _Answer:
    return {"guest_card": cards.shown(state(), cards.add_person(state(), card_id, body()))}, 201


@api.post("/guest-cards/<card_id>/merge")
@operation("merge_cards", write=True)
def merge_cards(card_id: str) -> _Answer:
    return {"guest_card": cards.shown(state(), cards.merge(state(), card_id, str(body().get("into") or "")))}, 200


@api.post("/guest-cards/<card_id>/unmerge")
@operation("unmerge_card", write=True)
def unmerge_card(card_id: str) -> _Answer:
    return {"guest_card": cards.shown(state(), cards.unmerge(state(), card_id))}, 200


@api.get("/guest-cards/<card_id>/events")
@operation("find_events")
def find_events(card_id: str) -> _Answer:
    return {"events": history.events(state(), card_id, request.args.get("reference", ""))}, 200


@api.post("/guest-cards/<card_id>/events")
@operation("add_event", write=True)
def add_event(card_id: str) -> _Answer:
    return {"event": history.add_event(state(), card_id, body())}, 201


@api.get("/guest-cards/<card_id>/tasks")
@operation("find_tasks")
def find_tasks(card_id: str) -> _Answer:
    return {"tasks": history.tasks(state(), card_id, request.args.get("reference", ""))}, 200


@api.post("/guest-cards/<card_id>/tasks")
@operation("create_task", write=True)
def create_task(card_id: str) -> _Answer:
    return {"task": history.add_task(state(), card_id, body())}, 201


@api.patch("/tasks/<task_id>")
@operation("update_task", write=True)
def update_task(task_id: str) -> _Answer:
    return {"task": history.change_task(state(), task_id, body())}, 200


@api.get("/outcomes")
@operation("pull_outcomes")
def pull_outcomes() -> _Answer:
    size = min(max(_whole("size", 100), 1), _PAGE_MAX)
    after = _whole("after", 0)
    rows = history.outcomes(state(), request.args.get("since", ""), after, size + 1)
    last = rows[:size][-1]["seq"] if rows else after
    return {"outcomes": rows[:size], "after": last, "more": len(rows) > size}, 200
