"""The Open API v1 of the simulated Buildium."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import Any

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json
from leadsvc.simulators.records import Doc, new_card, now

_STATUS = {"prospect": "New", "resident": "AddedToLease", "applicant": "Undecided"}
_KINDS = {"Mobile": "Cell", "Home": "Home", "Work": "Work", "Fax": "Fax"}
_OURS = re.compile(r"\AInquiry details\n.*\[ref ([\w.:-]+)\]\Z", re.DOTALL)
_TASK = ("Title", "Description", "CategoryId", "PropertyId", "UnitId", "AssignedToUserId", "TaskStatus", "Priority",
         "DueDate", "ContactDetail")  # fmt: skip
_WORDS = {
    401: "Your request could not be authenticated.",
    403: "The API key does not have permission for this resource.",
    404: "The requested resource was not found.",
    422: "The request could not be processed.",
    429: "Too many requests.",
}


def error(status: int, *problems: tuple[str, str]) -> Response:
    """An error as Buildium words it."""
    listed = [{"Key": key, "Value": value} for key, value in problems]
    words = _WORDS.get(status, "An unexpected error occurred." if status >= 500 else "The request is not valid.")
    return as_json({"UserMessage": words, "ErrorCode": None, "Errors": listed}, status)


def refuse(status: int, *problems: tuple[str, str]) -> Refused:
    """The same, to be raised."""
    return Refused(error(status, *problems))


MANNERS = Manners(
    refused=error,
    throttled=lambda wait_s: error(429),
    unauthorized=lambda: error(401),
    error_in_200=lambda: as_json({"UserMessage": "An unexpected error occurred.", "ErrorCode": None, "Errors": []}),
    id_keys=("Id",),
)


def guard(simulator: Simulator) -> None:
    """Two headers."""
    for name in ("client_id", "client_secret"):
        given = request.headers.get(f"x-buildium-{name.replace('_', '-')}", "")
        if not hmac.compare_digest(given.encode(), simulator.credentials[name].encode()):
            raise refuse(401)


def edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """An agent noted a lease that runs: the applicant is its tenant."""
    lease_id = str(words.get("lease_id") or "")
    if lease_id:
        tenant = {"Id": _tenant(card), "FirstName": card["first_name"], "LastName": card["last_name"]}
        lease = {"lease_id": lease_id, "status": "Active", "tenants": [tenant], "updated_at": now()}
        simulator.records.put("lease", lease_id, lease)


def _tenant(card: Doc) -> str:
    return f"88{card['card_id'][-5:]}"


def _body() -> dict[str, Any]:
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise refuse(400)
    return value


class _Rentals:
    """The views, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    def key(self, applicant_id: str = "", **_: str) -> str:
        """The card that a write is for; a new one is known by its address."""
        given = request.get_json(silent=True)
        email = str(given.get("Email") or "") if isinstance(given, dict) else ""
        return str((self.records.get("card", applicant_id) or {}).get("our_key") or applicant_id or email)

    def paged(self, rows: list[Doc]) -> Response:
        start, limit = int(request.args.get("offset", "0")), int(request.args.get("limit", "50"))
        if not 1 <= limit <= 1000:
            raise refuse(422, ("limit", "Must be between 1 and 1000."))
        since = request.args.get("lastupdatedfrom", "")
        if since:
            first = datetime.fromisoformat(since)
            rows = [row for row in rows if datetime.fromisoformat(row["LastUpdatedDateTime"]) >= first]
        return as_json(rows[start : start + limit], headers={"X-Total-Count": str(len(rows))})

    # -- configuration ------------------------------------------------------------------------------------------------

    def rentals(self) -> Response:
        return self.paged([_rental(item) for item in self.records.all("property")])

    def rental(self, rental_id: str) -> Response:
        found = self.records.get("property", rental_id)
        if found is None or self.simulator.revoked(rental_id):
            raise refuse(404)
        return as_json(_rental(found))

    def units(self) -> Response:
        units = self.records.all("unit")
        return self.paged([{"Id": one["id"], "PropertyId": one["parent"], "UnitNumber": one["name"]} for one in units])

    def users(self) -> Response:
        rows = []
        for agent in self.records.all("agent"):
            first, _, last = agent["name"].partition(" ")
            names = {"FirstName": first, "LastName": last, "IsActive": agent["active"]}
            rows.append({"Id": agent["id"], "UserTypes": ["Staff"], **names})
        return self.paged(rows)

    # -- applicants ---------------------------------------------------------------------------------------------------

    def found(self, applicant_id: str) -> Doc:
        card = self.records.get("card", applicant_id)
        if card is None or card["merged_into"]:
            raise refuse(404)
        return card

    def applicants(self) -> Response:
        email, name = request.args.get("email", "").lower(), request.args.get("name", "").lower()
        rows = [
            self.shown(card)
            for card in self.records.all("card", delayed=True, merged_into="")
            if email in ("", str(card["email"]).lower())
            and name in f"{card['first_name']} {card['last_name']}".strip().lower()
        ]
        return self.paged(rows)

    def applicant(self, applicant_id: str) -> Response:
        return as_json(self.shown(self.found(applicant_id)))

    def create(self) -> Response:
        given = _body()
        if given.get("SendRentalApplicationEmail") is not False:
            raise refuse(422, ("SendRentalApplicationEmail", "The renter would be mailed an application form."))
        values = self.values(given)
        card_id = self.records.number("card")
        card = new_card(**{**values, "card_id": card_id, "person_id": "", "status": "New"})
        where = {"Location": f"{request.url_root}v1/applicants/{card_id}"}
        return as_json(self.shown(self.records.put("card", card_id, card)), 201, where)

    def replace(self, applicant_id: str) -> Response:
        """A full replacement: what is not sent is emptied."""
        self.found(applicant_id)
        values = self.values(_body())
        return as_json(self.shown(self.records.change("card", applicant_id, **values, updated_at=now())))

    def values(self, given: Doc) -> Doc:
        problems = [
            (name, f"The {name} field is required.") for name in ("FirstName", "LastName") if not given.get(name)
        ]
        problems += [
            (name, "Must be 127 characters or fewer.")
            for name in ("FirstName", "LastName")
            if len(str(given.get(name) or "")) > 127
        ]
        phones = given.get("PhoneNumbers") or {}
        problems += [
            (f"PhoneNumbers.{kind}", "Must be between 10 and 20 characters.")
            for kind, number in phones.items()
            if kind not in _KINDS or not 10 <= len(str(number)) <= 20
        ]
        if problems:
            raise refuse(422, *problems)
        unit = str(given.get("UnitId") or "")
        home = self.records.config("unit", unit) if unit else None
        if unit and home is None:
            raise refuse(404, ("UnitId", f"No unit with Id {unit}."))
        mobile = str(phones.get("Mobile") or "")
        return {
            "first_name": given["FirstName"],
            "last_name": given["LastName"],
            "email": str(given.get("Email") or ""),
            "phone": mobile,
            "other_phones": {kind: number for kind, number in phones.items() if kind != "Mobile"},
            "unit_ref": unit,
            "property": home["parent"] if home else "",
        }

    def shown(self, card: Doc) -> Doc:
        numbers = {"Mobile": card["phone"], **(card.get("other_phones") or {})}
        tenant = _tenant(card) if card["status"] in ("AddedToLease", "resident") else None
        return {
            "Id": card["card_id"],
            "ApplicantGroupId": None,
            "PropertyId": card["property"] or None,
            "UnitId": card["unit_ref"] or None,
            "TenantId": tenant,
            "FirstName": card["first_name"],
            "LastName": card["last_name"],
            "Email": card["email"] or None,
            "PhoneNumbers": [{"Number": number, "Type": _KINDS[kind]} for kind, number in numbers.items() if number],
            "Status": _STATUS.get(card["status"], card["status"]),
            "Applications": card.get("applications") or [],
            "LastUpdatedDateTime": card["updated_at"],
        }

    # -- notes and tasks ----------------------------------------------------------------------------------------------

    def notes(self, applicant_id: str) -> Response:
        self.found(applicant_id)
        docs = self.records.all("event", card_id=applicant_id)
        return self.paged([{"Id": doc["event_id"], "Note": doc["text"]} for doc in docs])

    def add_note(self, applicant_id: str) -> Response:
        card, words = self.found(applicant_id), str(_body().get("Note") or "")
        if not words or len(words) > 65_535:
            raise refuse(422, ("Note", "The Note field is required and has at most 65535 characters."))
        note_id = str(len(self.records.all("event")) + 10_000_001)
        self.records.put("event", note_id, {"event_id": note_id, "card_id": applicant_id, "text": words, "at": now()})
        ours = _OURS.match(words)
        if ours and not card["our_key"]:
            self.records.change("card", applicant_id, our_key=ours[1])
        return as_json({"Id": note_id, "Note": words}, 201)

    def requests(self) -> Response:
        home = request.args.get("entityid", "")
        docs = [doc for doc in self.records.all("task") if home in ("", str(doc["wire"].get("PropertyId") or ""))]
        return self.paged([{"Id": doc["task_id"], **doc["wire"]} for doc in docs])

    def create_request(self) -> Response:
        given = self.request_()
        contact = given.get("ContactDetail") or {}
        if not contact.get("FirstName"):
            raise refuse(422, ("ContactDetail.FirstName", "The FirstName field is required."))
        task_id = self.records.number("task")
        return as_json({"Id": task_id, **self.kept(task_id, given, str(contact.get("Email") or ""))}, 201)

    def update_request(self, task_id: str) -> Response:
        if self.records.get("task", task_id) is None:
            raise refuse(404)
        return as_json({"Id": task_id, **self.kept(task_id, self.request_(), "")})

    def request_(self) -> Doc:
        given = {name: value for name, value in _body().items() if name in _TASK}
        problems = [
            (name, f"The {name} field is required.")
            for name in ("Title", "AssignedToUserId", "TaskStatus", "Priority")
            if not given.get(name)
        ]
        if len(str(given.get("Title") or "")) > 127:
            problems.append(("Title", "Must be 127 characters or fewer."))
        if self.records.config("agent", str(given.get("AssignedToUserId") or "")) is None:
            problems.append(("AssignedToUserId", "The user is not active."))
        if problems:
            raise refuse(422, *problems)
        return given

    def kept(self, task_id: str, given: Doc, email: str) -> Doc:
        before = self.records.get("task", task_id) or {}
        card = self.records.one("card", email=email) if email else None
        doc = {
            "task_id": task_id,
            "card_id": before.get("card_id") or (card["card_id"] if card else ""),
            "title": given["Title"],
            "text": given.get("Description", ""),
            "due_at": given.get("DueDate", ""),
            "assignee_ref": given["AssignedToUserId"],
            "status": given["TaskStatus"],
            "wire": given,
        }
        self.records.put("task", task_id, doc)
        return given

    def leases(self) -> Response:
        rows = [
            {
                "Id": doc["lease_id"],
                "LeaseStatus": doc["status"],
                "CurrentTenants": doc["tenants"],
                "LastUpdatedDateTime": doc["updated_at"],
            }
            for doc in self.records.all("lease")
        ]
        return self.paged([row for row in rows if row["LeaseStatus"] in request.args.get("leasestatuses", "")])


def _rental(item: Doc) -> Doc:
    return {"Id": item["id"], "Name": item["name"], "IsActive": item["active"], "RentalType": "Residential"}


def add_routes(simulator: Simulator) -> None:
    """The whole interface."""
    on, views = simulator.route, _Rentals(simulator)
    on("GET", "/v1/rentals", "list_rentals", views.rentals)
    on("GET", "/v1/rentals/units", "list_units", views.units)
    on("GET", "/v1/rentals/<rental_id>", "get_rental", views.rental)
    on("GET", "/v1/users", "list_users", views.users)
    on("GET", "/v1/leases", "list_leases", views.leases)
    on("GET", "/v1/applicants", "find_applicant", views.applicants)
    on("POST", "/v1/applicants", "create_applicant", views.create, write=True, key=views.key)
    on("GET", "/v1/applicants/<applicant_id>", "get_applicant", views.applicant)
    on("PUT", "/v1/applicants/<applicant_id>", "update_applicant", views.replace, write=True, key=views.key)
    on("GET", "/v1/applicants/<applicant_id>/notes", "list_notes", views.notes)
    on("POST", "/v1/applicants/<applicant_id>/notes", "add_note", views.add_note, write=True, key=views.key)
    on("GET", "/v1/tasks/contactrequests", "find_contact_requests", views.requests)
    on("POST", "/v1/tasks/contactrequests", "create_contact_request", views.create_request, write=True)
    on("PUT", "/v1/tasks/contactrequests/<task_id>", "update_contact_request", views.update_request, write=True)
