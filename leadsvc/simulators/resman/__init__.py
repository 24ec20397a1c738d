"""A simulated ResMan: MITS lead management and the leasing lists, over one invented account.

It answers 200 whatever is wrong, refuses a second prospect with the same address, finds people by address, number or
name alone, and does not tell our id again. Events in its answers, the statuses of residents and most texts are
inferred; ``POST /control/search {"events": false}`` leaves the events out, as the recorded answers do.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from flask import Flask, Response, request

from leadsvc.simulators import mits
from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_json, as_xml
from leadsvc.simulators.mits import Inquiry, tag
from leadsvc.simulators.records import Doc, new_card, now

CREDENTIALS = {"integration_partner_id": "demo-partner", "api_key": "demo-resman-key", "account_id": "4711"}

_FIELDS = {"IntegrationPartnerID": "integration_partner_id", "APIKey": "api_key", "AccountID": "account_id"}
_POST, _SEARCH = "PostLeadManagement4_0", "SearchProspects"
_ENDED = ("denied", "cancelled", "lost", "former")
_TYPES = {"applicant": "applicant", "resident": "current_resident", "lost": "lost", "approved": "approved_applicant"}


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file; callers must send ``credentials``."""
    simulator = Simulator("resman", state_file, config_file, credentials, manners=_MANNERS, guard=_guard)
    desk = _ResMan(simulator)
    simulator.app.post("/MITS/PostLeadManagement4_0")(desk.post)
    simulator.app.post("/MITS/SearchProspects")(simulator.operation("search_prospects")(desk.search))
    simulator.app.post("/control/search")(desk.order_search)
    simulator.app.post("/Leasing/GetProspectSources")(simulator.operation("get_sources")(desk.sources))
    simulator.app.post("/Leasing/GetEmployees")(simulator.operation("get_employees")(desk.employees))
    residents = simulator.operation("get_residents")(desk.residents)
    simulator.app.post("/Leasing/GetApplicantsAndCurrentResidents")(residents)
    return simulator.app


# -- how it says things -----------------------------------------------------------------------------------------------


def _xml(inner: str) -> Response:
    return as_xml(f'<?xml version="1.0" encoding="utf-8"?>\n<ResMan>{inner}</ResMan>')


def _error(words: str) -> Response:
    """An error in the language of the method that was called."""
    if request.path.startswith("/Leasing/"):
        return as_json({"Status": "Failed", "ErrorDescription": words})
    return _xml(tag("Status", "Error") + tag("ErrorDescription", words))


def _good(method: str, people: str) -> Response:
    inside = tag("LeadManagement", inner=tag("Prospects", inner=people))
    return _xml(tag("MethodName", method) + tag("Status", "Success") + tag("Response", inner=inside))


def _refused(status: int) -> Response:
    if status == 429:
        return Response("Too many requests", 429, content_type="text/plain; charset=utf-8")
    page = "<html><body><h2>Server Error in '/' Application.</h2></body></html>"
    return Response(page, status, mimetype="text/html")


def _throttled(wait_s: float) -> Response:
    answer = _refused(429)
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


def _without_ids(body: bytes) -> bytes:
    return re.sub(rb'<Identification IDType="PersonID"[^>]*/>', b"", body)


_MANNERS = Manners(
    xml=True,
    refused=_refused,
    throttled=_throttled,
    unauthorized=lambda: _error("The Integration Partner or API Key is invalid."),
    error_in_200=lambda: _error("An unexpected error occurred."),
    without_ids=_without_ids,
    lacks=frozenset({"other_prefix"}),
)


def _guard(simulator: Simulator) -> None:
    if any(request.form.get(field) != simulator.credentials[ours] for field, ours in _FIELDS.items()):
        raise Refused(_error("The Integration Partner or API Key is invalid."))


# -- the methods ------------------------------------------------------------------------------------------------------


class _ResMan:
    """The methods over one file of records."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._records = simulator.records

    def _home(self) -> Doc:
        home = self._records.get("property", request.form.get("PropertyID", ""))
        if home is None or not home["active"] or self._simulator.revoked(home["id"]):
            raise Refused(_error("Property is not available."))
        return home

    def sources(self) -> Response:
        self._home()
        listed = [
            {"ID": str(one["place"]), "Name": one["name"]} for one in self._records.all("source") if one["active"]
        ]
        return as_json({"Status": "Success", "ProspectSources": listed})

    def employees(self) -> Response:
        home = self._home()
        listed = []
        for one in self._records.all("agent"):
            if one["active"] and home["id"] in one["raw"].get("properties", [home["id"]]):
                first, _, last = one["name"].partition(" ")
                listed.append({"PersonID": one["id"], "FirstName": first, "LastName": last})
        return as_json({"Status": "Success", "Employees": listed})

    def residents(self) -> Response:
        home = self._home()
        where = mits.zone(self._records, home["id"])
        listed = []
        for card in self._records.all("card", property=home["id"]):
            if card["status"] != "prospect":
                outcome = (self._records.all("outcome", card_id=card["card_id"]) or [{}])[-1]
                at = mits.local_time(str(outcome.get("at") or card["updated_at"]), where)
                listed.append(
                    {
                        "PersonID": card["card_id"],
                        "Status": card["status"],
                        "StatusDate": at,
                        "LeaseID": outcome.get("lease_id") or None,
                        "Reason": outcome.get("reason") or None,
                    }
                )
        return as_json({"Status": "Success", "ApplicantsAndResidents": listed})

    def search(self) -> Response:
        home = self._home()
        email, digits = request.form.get("Email", ""), re.sub(r"\D", "", request.form.get("Phone", ""))[-10:]
        first, last = request.form.get("FirstName", ""), request.form.get("LastName", "")
        if not (email or digits or (first and last)):
            raise Refused(_error("Send an email, a phone, or a first and last name."))
        found = []
        for card in self._records.all("card", delayed=True, property=home["id"]):
            tests = (
                (email, card["email"].lower() == email.lower()),
                (digits, re.sub(r"\D", "", card["phone"])[-10:] == digits),
                (first, card["first_name"].lower() == first.lower()),
                (last, card["last_name"].lower() == last.lower()),
            )
            if all(fits for value, fits in tests if value):
                found.append(card)
        return _good(_SEARCH, "".join(self._person(card) for card in found))

    def _person(self, card: Doc) -> str:
        ids = tag("Identification", IDType="PersonID", IDValue=card["card_id"])
        told = self._records.get("manner", "search") or {"events": True}
        events = self._records.all("event", card_id=card["card_id"]) if told["events"] else []
        updated = mits.local_time(card["updated_at"], mits.zone(self._records, card["property"]))
        kind = _TYPES.get(card["status"], "prospect")
        return mits.prospect_xml(
            card, ids, kind, events, updated, comment_max=1000, agents_by_id=True, person_ids=_person_ids
        )

    def order_search(self) -> Response:
        """``{"events": false}``: what the search tells of people from now on."""
        words = request.get_json(silent=True)
        told = not isinstance(words, dict) or bool(words.get("events", True))
        with self._records.writing():
            return as_json({"ok": bool(self._records.put("manner", "search", {"events": told}))})

    # -- writing ------------------------------------------------------------------------------------------------------

    def post(self) -> Response:
        document = mits.parse(request.form.get("Xml", ""))
        given = mits.inquiry(document) if document is not None else None
        known = given is not None and "PersonID" in given.ids
        op = "post_event" if known and given is not None and given.events else "post_lead"
        key = given.ids.get("PersonID", given.ids.get("ThirdPartyID", ("", "")))[0] if given is not None else ""
        card = self._records.get("card", key)
        key = card["our_key"] or key if card is not None else key
        return self._simulator.answer(op, lambda: self._posted(given), write=True, key=key)

    def _posted(self, given: Inquiry | None) -> Response:
        home = self._home()
        if given is None:
            raise Refused(_error("The Xml could not be read."))
        if given.mistakes:
            raise Refused(_error(given.mistakes[0]))
        card = self._known(given, home["id"])
        self._check(given, home["id"])
        ours = {"our_key": given.ids["ThirdPartyID"][0]} if "ThirdPartyID" in given.ids else {}
        if card is None:
            key = str(uuid.uuid4())
            made = new_card(card_id=key, person_id=key, property=home["id"])
            card = self._records.put("card", key, {**made, **given.values, **ours})
        else:
            card = self._records.change("card", card["card_id"], **given.values, **ours, updated_at=now())
        card = mits.keep_people(self._records, card, given.others)
        for event in given.events:
            mits.keep_event(self._records, card, event)
        name = tag("Name", inner=tag("FirstName", card["first_name"]) + tag("LastName", card["last_name"]))
        ids = tag("Identification", IDType="PersonID", IDValue=card["card_id"])
        customer = tag("Customer", inner=ids + name + tag("Email", card["email"]), Type="prospect")
        return _good(_POST, tag("Prospect", inner=tag("Customers", inner=customer)))

    def _known(self, given: Inquiry, home: str) -> Doc | None:
        if "PersonID" in given.ids:
            card = self._records.get("card", given.ids["PersonID"][0])
            if card is None or card["property"] != home:
                raise Refused(_error("The person could not be found."))
            if card["status"] in _ENDED:
                raise Refused(_error("The prospect is no longer active."))
            return card
        email = str(given.values.get("email", "")).lower()
        if email and any(card["email"].lower() == email for card in self._records.all("card", property=home)):
            raise Refused(_error("A prospect with the same email already exists."))
        if not given.events:
            raise Refused(_error("A new prospect needs an event."))
        return None

    def _check(self, given: Inquiry, home: str) -> None:
        sources = {str(one["place"]) for one in self._records.all("source") if one["active"]}
        for event in given.events:
            if event["source_name"] not in sources:
                raise Refused(_error("Transaction Source could not be found"))
            agent = self._records.get("agent", event["agent_ref"])
            works = agent is not None and agent["active"] and home in agent["raw"].get("properties", [home])
            if event["agent_ref"] and not works:
                raise Refused(_error("The agent could not be found"))


def _person_ids(person: Doc) -> str:
    return tag("Identification", IDType="PersonID", IDValue=person["person_id"])
