"""``/control``: what tests and demonstrations order of any simulated vendor. No key, loopback only; and the page a
person looks at."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, current_app, jsonify, render_template_string, request

from leadsvc.simulators.faults import MODES, Fault
from leadsvc.simulators.records import CONFIG_KINDS, Doc, new_card, now

if TYPE_CHECKING:
    from leadsvc.simulators.kit import Simulator

desk = Blueprint("desk", __name__)
_NOTED = ("outcome", "at", "reason", "lease_id", "agent_id", "fields")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated {{ vendor }}</title><style>
:root { color-scheme: light dark; } body { font: 16px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto;
padding: 0 1rem; } article { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; } .quiet { opacity: .7; font-size: .9rem; } .text { white-space: pre-wrap; }
</style></head><body><h1>Simulated {{ vendor }}</h1>
<p class="quiet">{{ cards|length }} records, last changed first. Nothing here is real; reload after a lead was sent.</p>
{% for card in cards %}<article><h2>{{ card.first_name }} {{ card.last_name }} at {{ card.property }}</h2>
<div class="quiet">{{ card.status }} &middot; {{ card.card_id }} &middot; entered by {{ card.entered_by }}
{% if card.merged_into %}&middot; merged into {{ card.merged_into }}{% endif %}</div>
<p>{{ card.email }} {{ card.phone }}{% if card.source_name %}, from {{ card.source_name }}{% endif %}</p>
<p class="text">{{ card.comment }}</p><ul>
{% for task in card.tasks %}<li>To do: {{ task.title }}, {{ task.due_at }}</li>{% endfor %}
{% for event in card.events %}<li>{{ event.at }} {{ event.kind }}: <span class="text">{{ event.text }}</span></li>
{% endfor %}</ul></article>{% else %}<p>No records yet.</p>{% endfor %}</body></html>
"""


def _simulator() -> Simulator:
    found: Simulator = current_app.extensions["simulator"]
    return found


@desk.before_request
def loopback_only() -> None:
    """Orders come from this machine alone; the page may be read from anywhere the port can be reached."""
    if request.path.startswith("/control") and not ipaddress.ip_address(request.remote_addr or "::").is_loopback:
        abort(403)


def _no(status: int, message: str) -> tuple[Response, int]:
    return jsonify({"error": message}), status


def _words() -> Doc:
    value = request.get_json(silent=True)
    return value if isinstance(value, dict) else {}


@desk.get("/control/state")
def everything() -> Response:
    """All there is, and the counts that a test asks for."""
    simulator = _simulator()
    records = simulator.records
    cards = [{**card, "name": f"{card['first_name']} {card['last_name']}".strip()} for card in records.all("card")]
    alive = [card for card in cards if not card["merged_into"]]
    events, tasks = records.all("event"), records.all("task")
    counts = {
        "cards": len(cards),
        "live_cards": len(alive),
        "live_people": len({card["person_id"] or card["card_id"] for card in alive}),  # not every vendor has people
        "live_api_cards": sum(card["entered_by"] == "api" for card in alive),
        "events": len(events),
        "tasks": len(tasks),
    }
    return jsonify(
        {
            "vendor": simulator.vendor,
            "counts": counts,
            "cards": cards,
            "events": events,
            "tasks": tasks,
            "outcomes": records.all("outcome"),
            "faults_left": simulator.faults.left(),
            **simulator.traffic.report(),
        }
    )


@desk.get("/control/modes")
def modes() -> Response:
    """The modes of faults that this vendor can show."""
    return jsonify(sorted(mode for mode in MODES if _simulator().manners.can(mode)))


@desk.get("/control/wire")
def wire() -> Response:
    """The last 500 requests as they came: operation, path and body, credentials and all."""
    return jsonify(_simulator().traffic.wire())


@desk.post("/control/faults")
def order_faults() -> tuple[Response, int]:
    """A list of faults to add; see :mod:`leadsvc.simulators.faults`."""
    orders = request.get_json(silent=True)
    if not isinstance(orders, list) or not all(isinstance(one, dict) for one in orders):
        return _no(400, "Send a list of faults.")
    try:
        _simulator().faults.add([Fault.of(one, _simulator().manners) for one in orders])
    except ValueError as error:
        return _no(400, str(error))
    return jsonify({"faults_left": _simulator().faults.left()}), 200


@desk.delete("/control/faults")
def clear_faults() -> Response:
    _simulator().faults.clear()
    return jsonify({"faults_left": 0})


@desk.post("/control/reset")
def reset() -> Response:
    """Everything as after the first start."""
    _simulator().reset()
    return jsonify({"ok": True})


@desk.post("/control/throttle")
def throttle() -> Response:
    """``{"calls": n, "seconds": s}``: no more than that from now on; 0 calls: no limit."""
    words = _words()
    _simulator().window.set(int(words.get("calls", 0)), float(words.get("seconds", 1)))
    return jsonify({"ok": True})


@desk.post("/control/delay")
def delay() -> Response:
    """``{"visible_after_s": s}``: what was made is found by searches only that much later."""
    _simulator().records.visible_after_s = float(_words().get("visible_after_s", 0))
    return jsonify({"ok": True})


@desk.post("/control/tokens/expire")
def expire_tokens() -> Response:
    """No token that was given out is good any more."""
    _simulator().tokens.expire()
    return jsonify({"ok": True})


@desk.post("/control/revoke")
def revoke() -> tuple[Response, int]:
    """``{"property": id}``: the account loses a property; with ``"revoked": false`` it has it again."""
    words, records = _words(), _simulator().records
    home = str(words.get("property", ""))
    if records.get("property", home) is None:
        return _no(404, "There is no property with this id.")
    if words.get("revoked", True):
        records.put("revoked", home, {"property": home})
    else:
        records.delete("revoked", home)
    return jsonify({"ok": True}), 200


@desk.post("/control/cards")
def agent_card() -> tuple[Response, int]:
    """An agent enters a card by hand: the keys of :mod:`leadsvc.simulators.records`."""
    records = _simulator().records
    card_id = records.number("card", prefix=str(_words().get("prefix", "")))
    words = {key: value for key, value in _words().items() if key != "prefix"}
    person_id = f"h{card_id}"
    card = new_card(**{"entered_by": "agent", "card_id": card_id, "person_id": person_id, **words})
    return jsonify({"card": records.put("card", card["card_id"], card)}), 201


@desk.post("/control/cards/<card_id>/edit")
def agent_edit(card_id: str) -> tuple[Response, int]:
    """``{"agent_id", "fields": {...}}``: an agent types values. An ``outcome``, a word of the vendor's or any other,
    is noted too (with ``at``, ``reason``, ``lease_id``) and becomes the card's ``status``."""
    simulator, words = _simulator(), _words()
    records = simulator.records
    if records.get("card", card_id) is None:
        return _no(404, "There is no card with this id.")
    with records.writing():
        before = records.get("card", card_id) or {}
        values: dict[str, Any] = dict(words.get("fields") or {})
        if words.get("outcome"):
            values["status"] = words["outcome"]
            key = records.number("outcome")
            noted = {name: words.get(name) or "" for name in _NOTED if name not in ("fields", "outcome")}
            outcome = {**noted, "outcome_id": key, "card_id": card_id, "word": words["outcome"]}
            records.put("outcome", key, {**outcome, "at": words.get("at") or now()})
        values |= {"updated_at": now(), "version": int(before.get("version") or 0) + 1}
        card = records.change("card", card_id, **values)
        if simulator.edited is not None:
            simulator.edited(simulator, card, words)
    return jsonify({"card": records.get("card", card_id)}), 200


@desk.post("/control/cards/<card_id>/merge")
def agent_merge(card_id: str) -> tuple[Response, int]:
    """``{"into": card_id}``: somebody joins two cards there by hand."""
    records, into = _simulator().records, str(_words().get("into", ""))
    if records.get("card", card_id) is None or records.get("card", into) is None:
        return _no(404, "There is no card with this id.")
    return jsonify({"card": records.change("card", card_id, merged_into=into, updated_at=now())}), 200


@desk.post("/control/config/<kind>/<item_id>")
def edit_config(kind: str, item_id: str) -> tuple[Response, int]:
    """Rename (``name``) or retire and revive (``active``) a source, agent, property, floor plan or unit."""
    if kind not in CONFIG_KINDS:
        return _no(404, f"Kinds are {', '.join(CONFIG_KINDS)}.")
    records, words = _simulator().records, _words()
    for item in records.all(kind):
        if item_id in (item["id"], item["name"]):
            changes = {name: words[name] for name in ("name", "active") if name in words}
            return jsonify({"item": records.change(kind, item["id"], **changes)}), 200
    return _no(404, "The configuration has nothing of this kind with this id or name.")


@desk.get("/")
def page() -> str:
    """Cards with what hangs on them, last changed first."""
    records = _simulator().records
    newest = sorted(records.all("card"), key=lambda card: str(card["updated_at"]), reverse=True)[:200]
    shown = [
        {
            **card,
            "events": records.all("event", card_id=card["card_id"]),
            "tasks": records.all("task", card_id=card["card_id"]),
        }
        for card in newest
    ]
    return render_template_string(_PAGE, vendor=_simulator().vendor, cards=shown)
