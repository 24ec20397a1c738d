"""``/control``: what tests and demonstrations use. No key, loopback only. And the page a person looks at."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template_string, request

from leadsvc.simulators.faults import Fault
from leadsvc.simulators.manners import Manners
from leadsvc.simulators.simpms import cards, history
from leadsvc.simulators.simpms.api import body, faults, state, traffic
from leadsvc.simulators.simpms.page import PAGE

control = Blueprint("control", __name__)


@control.before_request
def loopback_only() -> None:
    """Orders come from this machine alone; the page may be read from anywhere the port can be reached."""
    if request.path.startswith("/control") and not ipaddress.ip_address(request.remote_addr or "::").is_loopback:
        abort(403)


@control.errorhandler(cards.Refused)
def refused(error: cards.Refused) -> tuple[Response, int]:
    return jsonify({"error": {"code": error.code, "message": error.message, "fields": error.fields}}), error.status


@control.get("/control/state")
def everything() -> Response:
    """All there is, and the counts that a test asks for."""
    all_cards = [cards.shown(state(), card) for card in state().rows("SELECT * FROM cards ORDER BY created_at, rowid")]
    alive = [card for card in all_cards if not card["merged_into"]]
    events = state().rows("SELECT * FROM events ORDER BY created_at, rowid")
    tasks = state().rows("SELECT * FROM tasks ORDER BY created_at, rowid")
    outcomes = state().rows("SELECT * FROM outcomes ORDER BY seq")
    counts = {
        "cards": len(all_cards),
        "live_cards": len(alive),
        "live_people": len({card["person_id"] for card in alive}),
        "live_api_cards": sum(card["entered_by"] == "api" for card in alive),
        "events": len(events),
        "tasks": len(tasks),
    }
    persons = state().rows("SELECT * FROM persons ORDER BY rowid")
    return jsonify(
        {
            "counts": counts,
            "cards": all_cards,
            "persons": persons,
            "events": events,
            "tasks": tasks,
            "outcomes": outcomes,
            "faults_left": faults().left(),
            **traffic().report(),
        }
    )


@control.get("/control/wire")
def wire() -> Response:
    """The last 500 requests as they came."""
    return jsonify(traffic().wire())


@control.post("/control/faults")
def order_faults() -> tuple[Response, int]:
    """A list of faults to add; see :mod:`leadsvc.simulators.faults`."""
    orders = request.get_json(silent=True)
    if not isinstance(orders, list) or not all(isinstance(one, dict) for one in orders):
        raise cards.Refused(400, "malformed", "Send a list of faults.")
    try:
        faults().add([Fault.of(one, Manners()) for one in orders])
    except ValueError as error:
        raise cards.Refused(400, "malformed", str(error)) from error
    return jsonify({"faults_left": faults().left()}), 200


@control.delete("/control/faults")
def clear_faults() -> Response:
    faults().clear()
    return jsonify({"faults_left": 0})


@control.post("/control/reset")
def reset() -> Response:
    """Everything as after the first start: no faults, no log, only who was already there."""
    faults().clear()
    traffic().reset()
    state().reset()
    return jsonify({"ok": True})


@control.post("/control/guest-cards/<card_id>/edit")
def agent_edit(card_id: str) -> Response:
    """``{"agent_id", "fields": {...}}``: an agent types values, which are the agent's from then on. An ``outcome``
    (with ``at``, ``reason``, ``lease_id``) is noted too."""
    words = body()
    fields = cards.clean(words.get("fields") or {})
    with state().writing() as connection:
        card = cards.get(state(), card_id)
        errors = cards.check(state(), card["property_id"], fields)
        if errors:
            raise cards.Refused(422, "invalid", "The guest card was not changed.", errors)
        owned = sorted(set(json.loads(card["agent_fields"] or "[]")) | set(fields))
        cards.write(connection, card_id, {**fields, "agent_fields": json.dumps(owned)})
    if words.get("outcome"):
        history.record_outcome(state(), card_id, words)
    return jsonify({"guest_card": cards.shown(state(), cards.get(state(), card_id))})


@control.post("/control/guest-cards")
def agent_card() -> tuple[Response, int]:
    """A card that an agent entered by hand: the fields of the API, and ``entered_by``."""
    words: dict[str, Any] = body()
    made = cards.create(state(), words)
    with state().writing() as connection:
        owned = json.dumps(sorted(cards.clean(words)))
        entered = {"entered_by": str(words.get("entered_by") or "agent"), "agent_fields": owned}
        cards.write(connection, made["card_id"], entered)
    return jsonify({"guest_card": cards.shown(state(), cards.get(state(), made["card_id"]))}), 201


@control.post("/control/config/<kind>/<item_id>")
def edit_config(kind: str, item_id: str) -> Response:
    """Rename (``name``) or retire and revive (``active``) a source, agent, property, floor plan or unit."""
    words = body()
    with state().writing() as connection:
        found = state().row("SELECT * FROM config WHERE kind = ? AND (id = ? OR name = ?)", kind, item_id, item_id)
        if found is None:
            raise cards.Refused(404, "no_such_item", "The configuration has nothing of this kind with this id or name.")
        connection.execute(
            "UPDATE config SET name = ?, active = ? WHERE kind = ? AND id = ?",
            (words.get("name", found["name"]), bool(words.get("active", found["active"])), kind, found["id"]),
        )
    return jsonify({"ok": True})


@control.get("/")
def page() -> str:
    """Cards with their events and tasks, newest first."""
    found = state().rows("SELECT * FROM cards ORDER BY updated_at DESC, rowid DESC LIMIT 200")
    names = state().rows("SELECT kind, id, name FROM config")
    return render_template_string(
        PAGE,
        cards=[
            {
                **cards.shown(state(), card),
                "events": history.events(state(), card["card_id"]),
                "tasks": history.tasks(state(), card["card_id"]),
            }
            for card in found
        ],
        name={f"{row['kind']}:{row['id']}": row["name"] for row in names},
    )
