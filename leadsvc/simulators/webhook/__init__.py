"""A receiver of signed web hooks: checks the signature and its age, remembers ids, keeps what it was sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.records import new_card, now

CREDENTIALS = {"signing_secret": "whsec_ZGVtby13ZWJob29rLXNlY3JldC1vZi1ub2JvZHk="}
_TOLERANCE_S = 300
_FIELDS = (
    "first_name", "last_name", "email", "phone", "move_in", "bedrooms_min", "bedrooms_max", "budget_max_cents",
    "floor_plan_ref", "unit_ref", "source_name", "agent_ref", "comment",
)  # fmt: skip
_TYPES = {
    "ping": "check",
    "prospect.put": "put_prospect",
    "inquiry.added": "add_event",
    "task.put": "put_task",
    "prospect.merged": "merge_cards",
    "prospect.parted": "unmerge_card",
}


def _refused(status: int) -> Response:
    return as_json({"message": "Ordered by a fault."}, status)


def _throttled(wait_s: float) -> Response:
    answer = _refused(429)
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=lambda: as_json({"message": "The signature is wrong."}, 401),
    id_keys=("id",),
    # Whatever a receiver answers with a good status is its word that it has it.
    lacks=frozenset({"ok_noop", "html_ok", "error_in_200"}),
)


def guard(simulator: Simulator) -> None:
    """The signature of the standard, of a time that is not long ago."""
    name, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    fresh = timestamp.isascii() and timestamp.isdigit() and abs(time.time() - int(timestamp[:12])) <= _TOLERANCE_S
    key = base64.b64decode(simulator.credentials["signing_secret"].removeprefix("whsec_"))
    signed = f"{name}.{timestamp}.".encode() + request.get_data()
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = request.headers.get("webhook-signature", "").split()
    if not (name and fresh and any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)):
        raise Refused(MANNERS.unauthorized())


class _Receiver:
    """The one view, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    def receive(self) -> Response:
        given = request.get_json(silent=True)
        words: dict[str, Any] = given if isinstance(given, dict) else {}
        op = _TYPES.get(str(words.get("type")), "")
        if not op:
            return as_json({"message": "This type is not known here."}, 422)
        data = words.get("data") or {}
        card_key = str(data.get("card") or (data.get("key") if op == "put_prospect" else "") or "")
        return self.simulator.answer(op, lambda: self.once(op, data), write=op != "check", key=card_key)

    def once(self, op: str, data: dict[str, Any]) -> Response:
        name = request.headers["webhook-id"]
        kept = self.records.get("seen", name)
        if kept is not None:
            return as_json({"id": kept["id"]}, 409)
        own_id: str = getattr(self, op)(data)
        if op != "check":
            self.records.put("seen", name, {"id": own_id})
        return as_json({"id": own_id}, 200)

    def check(self, data: dict[str, Any]) -> str:
        return ""

    def put_prospect(self, data: dict[str, Any]) -> str:
        key = str(data["key"])
        values = {name: data["fields"].get(name) for name in _FIELDS if name in data["fields"]}
        if self.records.get("card", key) is not None:
            self.records.change("card", key, **values, updated_at=now())
            return key
        keys = {"our_key": key, "card_id": key, "person_id": data["person_key"], "property": data["property"]}
        self.records.put("card", key, new_card(**{**values, **keys}))
        return key

    def add_event(self, data: dict[str, Any]) -> str:
        event_id = self.records.number("event")
        doc = {"event_id": event_id, "our_key": data["key"], "card_id": data["card"], "at": data["at"]}
        self.records.put("event", event_id, {**doc, "kind": data["kind"], "text": data["text"]})
        return event_id

    def put_task(self, data: dict[str, Any]) -> str:
        doc = {"task_id": data["key"], "our_key": data["key"], "card_id": data["card"]}
        told = {name: data[name] for name in ("kind", "title", "text", "due_at")}
        self.records.put("task", data["key"], {**doc, **told})
        return str(data["key"])

    def merge_cards(self, data: dict[str, Any]) -> str:
        self.records.change("card", data["card"], merged_into=data["into"]["card"])
        return str(data["into"]["card"])

    def unmerge_card(self, data: dict[str, Any]) -> str:
        self.records.change("card", data["card"], merged_into="")
        return str(data["card"])


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file; it receives at ``/hooks/leads``."""
    simulator = Simulator("webhook", state_file, config_file, credentials, manners=MANNERS, guard=guard)
    simulator.app.add_url_rule("/hooks/leads", "receive", _Receiver(simulator).receive, methods=["POST"])
    return simulator.app
