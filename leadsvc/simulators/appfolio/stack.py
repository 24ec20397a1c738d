"""The Stack API of the simulated AppFolio."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.records import Doc, new_card, now

LEAD = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Email": "email",
    "PhoneNumber": "phone",
    "Source": "source_name",
    "PropertyId": "property",
    "Bedrooms": "bedrooms_min",
    "MaxRent": "max_rent",
    "DesiredMoveIn": "move_in",
    "AssignedUserId": "agent_ref",
}
_MORE = ("MiddleInitial", "Bathrooms", "AdditionalOccupants", "HasCats", "HasDogs", "HasOtherPet")
SHOWING = {
    "LeadId": "card_id",
    "UnitId": "unit",
    "StartAt": "due_at",
    "EndAt": "end_at",
    "Status": "status",
    "Notes": "text",
    "AssignedUserId": "assignee_ref",
}
_CONFIG = {"properties": "property", "units": "unit", "users": "agent"}
_CONVERTED = "converted_to_tenant"
_PLAIN = ("prospect", "applicant", "Active", "")
_OUR_KEY = re.compile(r"leadsvc-(.+?)-(?:put-)?[0-9a-f]{16}$")


def error(status: int, message: str, code: int = 0) -> Response:
    """An error as the Stack API words it; 404 has a shape of its own."""
    if status == 404:
        return as_json({"status": 404, "error": "Not Found"}, 404)
    return as_json({"code": code or status, "message": message}, status)


def refuse(status: int, message: str) -> Refused:
    """The same, to be raised."""
    return Refused(error(status, message))


def _throttled(wait_s: float) -> Response:
    answer = error(429, "Rate limit exceeded.")
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


MANNERS = Manners(
    refused=lambda status: error(status, "Customer data is temporarily unavailable." if status == 533 else "No."),
    throttled=_throttled,
    unauthorized=lambda: error(401, "Invalid credential.", 701),
    error_in_200=lambda: as_json({"code": 533, "message": "Customer data is temporarily unavailable."}, 200),
    id_keys=("Id",),
)


def guard(simulator: Simulator) -> None:
    """HTTP Basic, and the developer's id."""
    known, given = simulator.credentials, request.authorization
    user, password = (given.username or "", given.password or "") if given and given.type == "basic" else ("", "")
    pairs = (
        (user, known["client_id"]),
        (password, known["client_secret"]),
        (request.headers.get("X-AppFolio-Developer-ID", ""), known["developer_id"]),
    )
    if not all(hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs):
        raise refuse(401, "Invalid credentials.")


def edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """An agent closed a lead: a reason makes it inactive."""
    if words.get("outcome") == _CONVERTED or words.get("reason"):
        reason = words.get("reason") or words["outcome"]
        simulator.records.change("card", card["card_id"], status="Inactive", reason=reason)


def _stamp(value: str) -> str:
    return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")


class _Stack:
    """The views, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    # -- reading ------------------------------------------------------------------------------------------------------

    def paged(self, rows: list[Doc]) -> Response:
        """One page of those that the compulsory filter leaves."""
        since, which = request.args.get("filters[LastUpdatedAtFrom]", ""), request.args.get("filters[Id]", "")
        if not (since or which):
            raise refuse(400, "filters[Id] or filters[LastUpdatedAtFrom] is required.")
        if which:
            rows = [row for row in rows if row["Id"] in which.split(",")]
        if since:
            start = datetime.fromisoformat(since)
            rows = [row for row in rows if datetime.fromisoformat(row["LastUpdatedAt"]) >= start]
        number = int(request.args.get("page[number]", "1"))
        size = min(int(request.args.get("page[size]", "100")), 1000)
        end = number * size
        following = f"{request.path}?page[number]={number + 1}&page[size]={size}" if end < len(rows) else None
        return as_json({"data": rows[end - size : end], "next_page_path": following})

    def configuration(self, what: str) -> Response:
        rows = []
        for item in self.records.all(_CONFIG[what]):
            first, _, last = item["name"].partition(" ")
            name = {"FirstName": first, "LastName": last} if what == "users" else {"Name": item["name"]}
            home = {"PropertyId": item["parent"]} if what == "units" else {}
            hidden = {} if item["active"] else {"HiddenAt": now()}
            rows.append({"Id": item["id"], **name, **home, **hidden, "LastUpdatedAt": "2026-01-10T00:00:00Z"})
        return self.paged(rows)

    def properties(self) -> Response:
        return self.configuration("properties")

    def units(self) -> Response:
        return self.configuration("units")

    def users(self) -> Response:
        return self.configuration("users")

    def leads(self) -> Response:
        return self.paged([self.shown(card) for card in self.records.all("card", delayed=True, merged_into="")])

    def showings(self) -> Response:
        return self.paged([self.shown_showing(doc) for doc in self.records.all("task", delayed=True)])

    def shown(self, card: Doc) -> Doc:
        more = card.get("more") or {}
        lead: Doc = {name: more.get(name) for name in _MORE}
        lead |= {name: card.get(key) if card.get(key) != "" else None for name, key in LEAD.items()}
        was = card["status"]
        state = "Active" if was in _PLAIN else was
        reason = card.get("reason") or (_CONVERTED if was == "resident" else None)
        return {
            "Id": card["card_id"],
            **lead,
            "UnitIds": [card["unit_ref"]] if card["unit_ref"] else [],
            "Status": "Inactive" if reason else state,
            "InactiveReason": reason,
            "RentalApplicationId": f"77aa-{card['card_id'][-8:]}" if was == "applicant" else None,
            "CreatedAt": _stamp(card["created_at"]),
            "LastUpdatedAt": _stamp(card["updated_at"]),
        }

    def shown_showing(self, doc: Doc) -> Doc:
        shown = {name: doc.get(key) for name, key in SHOWING.items()}
        return {"Id": doc["task_id"], **shown, "LastUpdatedAt": doc["updated_at"]}

    def report(self) -> Response:
        """One row per inquiry, in the report's own names; 1000 at a time."""
        rows = [
            {
                "name": f"{card['first_name']} {card['last_name']}".strip(),
                "email_address": card["email"],
                "phone_number": card["phone"],
                "received": card["created_at"],
                "status": self.shown(card)["Status"],
                "source": card["source_name"],
                "guest_card_uuid": card["card_id"],
                "property": card["property"],
            }
            for card in self.records.all("card", merged_into="")
        ]
        start = int(request.args.get("page", "1")) * 1000 - 1000
        following = f"{request.path}?page={start // 1000 + 2}" if start + 1000 < len(rows) else None
        return as_json({"results": rows[start : start + 1000], "next_page_url": following})

    # -- writing ------------------------------------------------------------------------------------------------------

    def key(self, lead_id: str = "") -> str:
        """The card that a write is for."""
        found = _OUR_KEY.match(request.headers.get("Idempotency-Key", ""))
        card = self.records.get("card", lead_id) or {}
        return str(card.get("our_key") or (found[1] if found else lead_id))

    def body(self) -> dict[str, Any]:
        value = request.get_json(silent=True)
        if not isinstance(value, dict):
            raise refuse(400, "The body must be a JSON object.")
        return value

    def once(self, make: Any) -> Response:
        """The answer of ``make``, or of the first request that had this key."""
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            answer: Response = make()
            return answer
        print_ = hashlib.sha256(request.get_data()).hexdigest()
        kept = self.records.get("idempotency", key)
        if kept is None:
            answer = make()
            self.records.put("idempotency", key, {"print": print_, "body": answer.get_json()})
            return answer
        if kept["print"] != print_:
            raise refuse(422, "Idempotency key was used with a different request body.")
        return as_json(kept["body"], 201, {"Idempotent-Replayed": "true"})

    def create_lead(self) -> Response:
        return self.once(self.made_lead)

    def made_lead(self) -> Response:
        given = self.body()
        if not given.get("LastName"):
            raise refuse(400, "LastName is required.")
        values = self.values(given)
        if self.records.config("property", str(given.get("PropertyId") or "")) is None:
            raise refuse(422, "PropertyId is not valid.")
        card_id = self.records.number("card", 12, "5f1f6c1e-2222-4aaa-8bbb-")
        card = new_card(**{**values, "card_id": card_id, "person_id": "", "our_key": self.key(), "status": "Active"})
        return as_json(self.shown(self.records.put("card", card_id, card)), 201)

    def update_lead(self, lead_id: str) -> Response:
        card = self.records.get("card", lead_id)
        if card is None or card["merged_into"]:
            raise refuse(404, "")
        values = self.values(self.body())
        return as_json(self.shown(self.records.change("card", lead_id, **values, updated_at=now())))

    def values(self, given: Doc) -> Doc:
        """What the fields say by keys of the record; raises for what is refused."""
        values: Doc = {}
        for name, value in given.items():
            if name == "UnitIds":
                unit = str(value[0]) if value else ""
                self.checked("unit", "UnitIds", unit)
                values["unit_ref"] = unit
            elif name in _MORE:
                values.setdefault("more", {})[name] = value
            elif name not in LEAD:
                raise refuse(400, f"{name} is not permitted.")
            else:
                values[LEAD[name]] = value
        self.checked("agent", "AssignedUserId", str(values.get("agent_ref") or ""))
        for name in ("FirstName", "LastName"):
            if len(str(given.get(name) or "")) > 100:
                raise refuse(422, f"{name} is too long.")
        return values

    def checked(self, kind: str, name: str, value: str) -> None:
        if value and self.records.config(kind, value) is None:
            raise refuse(422, f"{name} is not valid.")

    def create_showing(self) -> Response:
        return self.once(self.made_showing)

    def made_showing(self) -> Response:
        given = self.body()
        if self.records.get("card", str(given.get("LeadId") or "")) is None:
            raise refuse(422, "LeadId is not valid.")
        values = self.showing(given)
        task_id = self.records.number("task", 12, "a1a10000-6666-4aaa-8bbb-")
        doc = {"status": "scheduled", **values, "task_id": task_id, "updated_at": _stamp(now())}
        return as_json(self.shown_showing(self.records.put("task", task_id, doc)), 201)

    def update_showing(self, showing_id: str) -> Response:
        if self.records.get("task", showing_id) is None:
            raise refuse(404, "")
        values = self.showing(self.body())
        changed = self.records.change("task", showing_id, **values, updated_at=_stamp(now()))
        return as_json(self.shown_showing(changed))

    def showing(self, given: Doc) -> Doc:
        unknown = [name for name in given if name not in SHOWING]
        if unknown:
            raise refuse(400, f"{unknown[0]} is not permitted.")
        self.checked("agent", "AssignedUserId", str(given.get("AssignedUserId") or ""))
        if given.get("StartAt") and datetime.fromisoformat(given["StartAt"]).year < 2020:
            raise refuse(422, "StartAt must be in the future.")
        return {SHOWING[name]: value for name, value in given.items()}


def add_routes(simulator: Simulator) -> None:
    """The whole interface."""
    on, stack = simulator.route, _Stack(simulator)
    on("GET", "/api/v0/properties", "list_properties", stack.properties)
    on("GET", "/api/v0/units", "list_units", stack.units)
    on("GET", "/api/v0/users", "list_users", stack.users)
    on("GET", "/api/v0/leads", "list_leads", stack.leads)
    on("POST", "/api/v0/leads", "create_lead", stack.create_lead, write=True, key=stack.key)
    on("PATCH", "/api/v0/leads/<lead_id>", "update_lead", stack.update_lead, write=True, key=stack.key)
    on("POST", "/api/v2/reports/guest_card_inquiries.json", "report_guest_card_inquiries", stack.report)
    on("GET", "/api/v0/showings", "list_showings", stack.showings)
    on("POST", "/api/v0/showings", "create_showing", stack.create_showing, write=True, key=stack.key)
    on("PATCH", "/api/v0/showings/<showing_id>", "update_showing", stack.update_showing, write=True)
