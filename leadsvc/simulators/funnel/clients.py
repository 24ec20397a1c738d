"""The API v2 of the simulated Funnel."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.records import Doc, new_card, now

_PLAIN = {
    "move_in_date": "move_in",
    "layout": "layout",
    "price_floor": "price_floor",
    "price_ceiling": "price_ceiling",
    "notes": "comment",
    "discovery_source": "source_name",
    "community": "property",
    "partner_id": "our_key",
    "group": "group",
    "status": "status",
    "lead_source": "lead_source",
    "source_type": "source_type",
    "campaign_info": "campaign_info",
}
_LAYOUTS = ("loft", "studio", "1br", "2br", "3br", "4+br")
_PERSON = {"first_name": "first_name", "last_name": "last_name", "email": "email", "phone_1": "phone"}
_STATUS = {"prospect": "lead", "resident": "resident", "applicant": "applicant"}
_CONFIG = {
    "communities": ("property", "communities"),
    "units": ("unit", "units"),
    "employees": ("agent", "employees"),
    "discovery-sources": ("source", "discovery_sources"),
}


def _message(status: int, words: str) -> Response:
    return as_json({"message": words}, status)


def _refused(status: int) -> Response:
    return _message(status, "Internal error" if status >= 500 else "Request was refused.")


def _throttled(wait_s: float) -> Response:
    answer = _message(429, "Request was throttled.")
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


MANNERS = Manners(
    refused=_refused,
    throttled=_throttled,
    unauthorized=lambda: _message(401, "Invalid API key."),
    error_in_200=lambda: _message(200, "Internal error"),
    id_keys=("id",),
)


def guard(simulator: Simulator) -> None:
    """HTTP Basic: the key as user, nothing as password."""
    given = request.authorization
    user = given.username or "" if given and given.type == "basic" and not given.password else ""
    if not hmac.compare_digest(user.encode(), simulator.credentials["api_key"].encode()):
        raise Refused(MANNERS.unauthorized())


def _invalid(what: str, **fields: str) -> Refused:
    return Refused(as_json({"errors": {what: {name: [words] for name, words in fields.items()}}}, 400))


def _given(what: str) -> dict[str, Any]:
    value = request.get_json(silent=True)
    inner = value.get(what) if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        raise _invalid(what, body="This field is required.")
    return inner


class _Clients:
    """The views, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    def key(self, which: str = "") -> str:
        """The card that a write is for."""
        value = request.get_json(silent=True)
        client = value.get("client") if isinstance(value, dict) else None
        ours = str(client.get("partner_id") or "") if isinstance(client, dict) else ""
        return str((self.records.get("card", which) or {}).get("our_key") or ours or which)

    def paged(self, name: str, rows: list[Doc]) -> Response:
        number, size = int(request.args.get("page", "1")), int(request.args.get("page_size", "25"))
        return as_json({"data": {name: rows[(number - 1) * size : number * size]}})

    def configuration(self, what: str) -> Response:
        if what not in _CONFIG:
            return _message(404, "Not found.")
        kind, name = _CONFIG[what]
        rows = [
            {"id": one["id"], "name": one["name"], "is_active": one["active"], "community": one["parent"] or None}
            for one in self.records.all(kind)
        ]
        return self.paged(name, rows)

    # -- clients ------------------------------------------------------------------------------------------------------

    def found(self, which: str) -> Doc:
        name, _, partner = which.partition(":")
        card = self.records.one("card", our_key=partner, merged_into="") if name == "partner-id" else None
        card = card or self.records.get("card", which)
        if card is None or card["merged_into"]:
            raise Refused(_message(404, "Client not found."))
        return card

    def clients(self) -> Response:
        email, since = request.args.get("email", "").lower(), request.args.get("updated_since", "")
        rows = [
            self.shown(card)
            for card in self.records.all("card", delayed=True, merged_into="")
            if email in ("", str(card["email"]).lower())
            and (not since or datetime.fromisoformat(card["updated_at"]) >= datetime.fromisoformat(since))
        ]
        rows.sort(key=lambda row: str(row["updated_at"]))
        return self.paged("clients", rows)

    def get(self, which: str) -> Response:
        return as_json({"data": {"client": self.shown(self.found(which))}})

    def create(self) -> Response:
        """A new client, every time: nothing looks for one with the same partner id."""
        given = _given("client")
        people = given.get("people") or []
        if not people:
            raise _invalid("client", people="This field is required.")
        values = self.values(given)
        if not values.get("property"):
            raise _invalid("client", community="One of community, building and unit is required.")
        card_id = self.records.number("card")
        keys = {"card_id": card_id, "person_id": "", "status": "lead"}
        self.records.put("card", card_id, new_card(**{**values, **keys}))
        return as_json({"data": {"client": {"id": card_id}}})

    def update(self, which: str) -> Response:
        card = self.found(which)
        self.records.change("card", card["card_id"], **self.values(_given("client")), updated_at=now())
        return as_json({"data": {"client": {"id": card["card_id"]}}})

    def values(self, given: Doc) -> Doc:
        unknown = [name for name in given if name not in (*_PLAIN, "people")]
        if unknown:
            raise _invalid("client", **{unknown[0]: "This field is not known."})
        home = str(given.get("community") or "")
        if home and (self.records.config("property", home) is None or self.simulator.revoked(home)):
            raise _invalid("client", community="This community is not yours.")
        source = str(given.get("discovery_source") or "")
        if source and self.records.config("source", source) is None:
            raise _invalid("client", discovery_source="This source is not configured.")
        if any(layout not in _LAYOUTS for layout in given.get("layout") or []):
            raise _invalid("client", layout="This is not a valid choice.")
        values = {_PLAIN[name]: value for name, value in given.items() if name in _PLAIN}
        people = given.get("people") or []
        for person in people:
            self.checked(person)
        if people:
            values |= {key: people[0].get(name, "") for name, key in _PERSON.items()}
            values["people"] = people[1:]
        return values

    def checked(self, person: Doc) -> None:
        for name in ("first_name", "last_name"):
            if not 0 < len(str(person.get(name) or "")) <= 100:
                raise _invalid("client", **{name: "This field is required and has at most 100 characters."})
        if not isinstance(person.get("email", ""), str):
            raise _invalid("client", email="This is not an address.")

    def shown(self, card: Doc) -> Doc:
        person = {name: card[key] for name, key in _PERSON.items() if card[key]}
        plain = {name: card.get(key) if card.get(key) != "" else None for name, key in _PLAIN.items()}
        return {
            **plain,
            "id": card["card_id"],
            "status": _STATUS.get(card["status"], card["status"]),
            "people": [{**person, "is_primary": True}, *(card.get("people") or [])],
            "updated_at": card["updated_at"],
        }

    # -- notes and appointments ---------------------------------------------------------------------------------------

    def notes(self, which: str) -> Response:
        docs = self.records.all("event", card_id=self.found(which)["card_id"])
        return self.paged("notes", [{"id": doc["event_id"], "note": doc["text"]} for doc in docs])

    def add_note(self, which: str) -> Response:
        card, value = self.found(which), request.get_json(silent=True)
        words = value.get("note") if isinstance(value, dict) else None
        if not isinstance(words, str) or not 0 < len(words) <= 10_000:
            raise _invalid("note", note="This field is required and has at most 10000 characters.")
        event_id = self.records.number("event")
        doc = {"event_id": event_id, "card_id": card["card_id"], "text": words, "at": now()}
        self.records.put("event", event_id, doc)
        return as_json({"data": {"note": {"id": event_id, "client": card["card_id"]}}})

    def book(self, group: str) -> Response:
        given = _given("appointment")
        card, start = self.found(str(given.get("client") or "")), str(given.get("start") or "")
        if not start or self.records.one("task", due_at=start) is not None:
            raise _invalid("appointment", start="This time is not available.")
        task_id = self.records.number("task")
        doc = {"task_id": task_id, "card_id": card["card_id"], "due_at": start, "title": f"Tour of group {group}"}
        self.records.put("task", task_id, {**doc, "text": ""})
        return as_json({"data": {"appointment": {"id": task_id}}})


def add_routes(simulator: Simulator) -> None:
    """The whole interface."""
    on, views, v2 = simulator.route, _Clients(simulator), "/api/v2"
    on("GET", f"{v2}/clients/", "find_client", views.clients)
    on("POST", f"{v2}/clients/", "create_client", views.create, write=True, key=views.key)
    on("GET", f"{v2}/clients/<which>/", "get_client", views.get)
    on("PUT", f"{v2}/clients/<which>/", "update_client", views.update, write=True, key=views.key)
    on("GET", f"{v2}/clients/<which>/notes/", "list_notes", views.notes)
    on("POST", f"{v2}/clients/<which>/notes/", "add_note", views.add_note, write=True, key=views.key)
    on("POST", f"{v2}/appointments/group/<group>/book/", "book_appointment", views.book, write=True)
    on("GET", f"{v2}/<what>/", "configuration", views.configuration)
