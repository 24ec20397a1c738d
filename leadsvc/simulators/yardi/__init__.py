"""A simulated Yardi Voyager: the ILS guest card interface, MITS 4.0 and 2.0, over one invented company.

It keeps guests by property, organisation and ThirdPartyID, updates on repetition, refuses agents and sources that the
property does not have, appends events, tells ids in a sentence, and answers 200 whatever is wrong. It is one piece, as
its one import writes everything and its searches show just that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, g, request

from leadsvc.simulators import mits
from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import Manners, as_xml
from leadsvc.simulators.mits import Inquiry, Node, find, local_name, tag, words
from leadsvc.simulators.records import Doc, new_card, now

CREDENTIALS = {
    "username": "leadsvc_demo",
    "password": "demo-password",
    "server_name": "DEMOSQL01",
    "database": "demo_live",
    "platform": "SQL Server",
    "interface_entity": "Leadsvc Demo",
    "interface_license": "DEMO-LICENSE==",
}

_SERVICES = "http://tempuri.org/YSI.Interfaces.WebServices/"
_MITS_20 = "http://yardi.com/LeadManagement2.0"
_LOGIN = {
    "UserName": "username",
    "Password": "password",
    "ServerName": "server_name",
    "Database": "database",
    "Platform": "platform",
    "InterfaceEntity": "interface_entity",
    "InterfaceLicense": "interface_license",
}
_EVENTS = frozenset(
    (
        "Application", "ApplicationDenied", "Appointment", "Approve", "Cancel", "CancelMoveIn", "CancelAppointment",
        "CancelApplication", "CancelNotice", "Chat", "Contact", "Email", "EmailToProspect", "EmailFromILS",
        "EmailFromProspect", "FailCreditCheck", "Fax", "FTP", "LeaseSign", "Letter", "Kiosk", "MonthToMonth", "MoveIn",
        "MoveOut", "Notice", "Phone", "CallToProspect", "CallFromProspect", "Renew", "Screen", "Show", "Text",
        "Transfer", "WalkIn", "Webservice", "Other", "Hold", "Release", "ReActivate", "ReApply",
    )
)  # fmt: skip
_EVENTS_20 = frozenset(
    (
        "Application", "Appointment", "Approve", "Cancel", "Email", "Fax", "LeaseSign", "Letter", "MoveIn", "Phone",
        "Show", "Walk-In", "Other",
    )
)  # fmt: skip
_FIRST = frozenset(("Other", "WalkIn", "Walk-In", "Chat", "Email", "Text", "Webservice"))
_SEARCHED = ("FirstName", "LastName", "EmailAddress", "PhoneNumber", "ThirdPartyId", "DateOfBirth", "FederalId")
_TYPES = {"resident": "current_resident", "applicant": "applicant", "prospect": "prospect"}
_TYPE_AFTER = {
    "Application": "applicant",
    "Approve": "approved_applicant",
    "ApplicationDenied": "denied_applicant",
    "LeaseSign": "future_resident",
    "MoveIn": "current_resident",
    "MoveOut": "former_resident",
    "Cancel": "canceled",
    "ReActivate": "prospect",
}
_CLOSED = {"current_resident": "Resident", "former_resident": "Past Resident", "canceled": "Canceled Guest"}
_NOBODY = "No guests exist with the given search criteria."
_LOGIN_FAILED = "Login failed. Please check login credentials and try again."
_PAGE = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h2>{0}</h2></body></html>"


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file; callers must send ``credentials``."""
    simulator = Simulator("yardi", state_file, config_file, credentials, manners=_MANNERS, guard=_guard, edited=_noted)

    @simulator.app.post("/<company>/webservices/itfilsguestcard.asmx")
    def voyager(company: str) -> Response:
        return _Call(simulator, "ItfILSGuestCard").answer()

    @simulator.app.post("/<company>/webservices/itfilsguestcard20.asmx")
    def voyager_20(company: str) -> Response:
        return _Call(simulator, "ItfILSGuestCard20").answer()

    return simulator.app


# -- how it says things -----------------------------------------------------------------------------------------------


def _envelope(inner: str, status: int = 200) -> Response:
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
    return as_xml(body, status)


def _result(inner: str) -> Response:
    method, space = g.get("method", "Ping"), g.get("space", f"{_SERVICES}ItfILSGuestCard")
    result = tag(f"{method}Result", inner=inner)
    return _envelope(tag(f"{method}Response", inner=result, xmlns=space))


def _messages(*said: tuple[str, str]) -> Response:
    each = "".join(tag("Message", text, messageType=kind) for kind, text in said)
    return _result(f'<Messages xmlns="">{each}</Messages>')


def _fault(text: str = "Timeout expired.", code: str = "soap:Server") -> Response:
    said = tag("faultcode", code) + tag("faultstring", f"Server was unable to process request. ---> {text}")
    return _envelope(f"<soap:Fault>{said}<detail /></soap:Fault>", 500)


def _refused(status: int) -> Response:
    if status == 500:
        return _fault()
    return Response(_PAGE.format(f"HTTP Error {status}"), status, mimetype="text/html")


def _throttled(wait_s: float) -> Response:
    answer = Response(_PAGE.format("Service Unavailable"), 503, mimetype="text/html")
    answer.headers["Retry-After"] = str(max(round(wait_s), 1))
    return answer


def _without_ids(body: bytes) -> bytes:
    return re.sub(rb"(<Message [^>]*>)[^<]*CustomerID: \w+(</Message>)", rb"\1Guest card import finished.\2", body)


_MANNERS = Manners(
    xml=True,
    refused=_refused,
    throttled=_throttled,
    unauthorized=lambda: _messages(("Error", _LOGIN_FAILED)),
    error_in_200=lambda: _messages(("Error", "Object reference not set to an instance of an object.")),
    fault_answer=_fault,
    without_ids=_without_ids,
)


def _guard(simulator: Simulator) -> None:
    sent: Node = g.call
    if any(words(sent, tag_) != simulator.credentials[ours] for tag_, ours in _LOGIN.items()):
        raise Refused(_messages(("Error", _LOGIN_FAILED)))


def _error(text: str, times: int = 1) -> Refused:
    return Refused(_messages(*[("Error", text)] * times))


# -- one call ---------------------------------------------------------------------------------------------------------


class _Call:
    """One SOAP call: which method, with what."""

    def __init__(self, simulator: Simulator, service: str) -> None:
        self.simulator = simulator
        self.records = simulator.records
        self.old = service.endswith("20")
        g.space = f"{_SERVICES}{service}"

    def answer(self) -> Response:
        root = mits.parse(request.get_data())
        body = find(root, "Body")
        if root is None or body is None or len(body) == 0:
            return self.simulator.answer(
                "unreadable", lambda: _fault("Data at the root level is invalid.", "soap:Client")
            )
        g.call = sent = body[0]
        g.method = local_name(sent)
        known: dict[str, tuple[str, Callable[[Node], Response]]] = {
            "Ping": ("ping", self._ping),
            "GetVersionNumber": ("ping", self._ping),
            "GetPropertyConfigurations": ("property_configurations", self._properties),
            "GetYardiAgentsSourcesResults_Login": ("agents_sources", self._agents_sources),
            "UnitAvailability_Login": ("unit_availability", self._units),
            "GetYardiGuestActivity_Search": ("search_guest", self._search),
            "GetYardiGuestActivity_DateRange": ("guest_activity_range", self._range),
        }
        if g.method == "ImportYardiGuest_Login":
            return self._import(sent)
        if g.method not in known:
            return self.simulator.answer("unknown", lambda: _fault("The SOAPAction is not known.", "soap:Client"))
        op, act = known[g.method]
        return self.simulator.answer(op, lambda: act(sent), guarded=op != "ping")

    def _ping(self, _: Node) -> Response:
        return _result("Interface is up")

    def _home(self, property_id: str) -> Doc:
        """The property that a read names, when the interface may see it."""
        home = self.records.get("property", property_id)
        if home is None or not home["active"]:
            wrong = tag("Error", "Invalid Yardi Property Code")
            raise Refused(_result(f'<ErrorMessages xmlns="">{wrong}</ErrorMessages>'))
        if self.simulator.revoked(property_id):
            raise _error(self._not_configured(property_id))
        return home

    def _not_configured(self, property_id: str) -> str:
        whose = self.simulator.credentials["interface_entity"]
        return f"Interface '{whose}' is not Configured for property '{property_id}'"

    # -- configuration ------------------------------------------------------------------------------------------------

    def _properties(self, _: Node) -> Response:
        told = ""
        for home in self.records.all("property"):
            if not home["active"] or self.simulator.revoked(home["id"]):
                continue
            where = home["raw"].get("address") or {}
            about = {
                "Code": home["id"],
                "MarketingName": home["name"],
                "AddressLine1": where.get("street"),
                "AddressLine2": "",
                "AddressLine3": "",
                "City": where.get("city"),
                "State": where.get("state"),
                "PostalCode": where.get("postal_code"),
                "AccountsReceivable": "0",
                "AccountsPayable": "0",
            }
            told += tag("Property", inner="".join(tag(name, value) for name, value in about.items()))
        return _result(f'<Properties xmlns="">{told}</Properties>')

    def _agents_sources(self, sent: Node) -> Response:
        home = self._home(words(sent, "YardiPropertyId"))
        agents = "".join(
            tag("AgentName", one["name"], InactiveDate=None if one["active"] else "2025-08-31")
            for one in self.records.all("agent")
            if home["id"] in one["raw"].get("properties", [home["id"]])
        )
        sources = "".join(
            tag("SourceName", one["name"], InactiveDate=None if one["active"] else "2025-12-31")
            for one in self.records.all("source")
        )
        results = tag("Result", "Leased") + tag("Result", "Price too high")
        lists = tag("Agents", inner=agents) + tag("Sources", inner=sources) + tag("Results", inner=results)
        told = tag("PropertyCode", home["id"]) + tag("PropertyRequiredFields", inner=lists)
        return _result(f'<Properties xmlns="">{tag("Property", inner=told)}</Properties>')

    def _units(self, sent: Node) -> Response:
        home = self._home(words(sent, "YardiPropertyId"))
        ids = tag("MITS:PrimaryID", home["id"]) + tag("MITS:MarketingName", home["name"])
        told = tag("PropertyID", inner=tag("MITS:Identification", inner=ids))
        plans = {one["id"]: one for one in self.records.all("floor_plan", parent=home["id"]) if one["active"]}
        for one in plans.values():
            raw = one["raw"]
            rent = (raw.get("rent_cents") or 0) // 100
            rooms = "".join(
                tag("Room", inner=tag("Count", raw.get(name)), Type=kind)
                for kind, name in (("Bedroom", "bedrooms"), ("Bathroom", "bathrooms"))
            )
            inner = tag("Name", one["name"]) + tag("UnitCount", "12") + rooms + tag("MarketRent", Min=rent, Max=rent)
            told += tag("Floorplan", inner=inner, Id=one["id"])
        for one in self.records.all("unit", parent=home["id"]):
            plan = one["raw"].get("floor_plan", "")
            state = "available" if one["active"] else "leased"
            about = tag("MITS:UnitID", one["name"]) + tag("MITS:UnitType", plan) + tag("MITS:UnitLeasedStatus", state)
            unit = tag("Unit", inner=tag("MITS:Information", inner=about))
            day = tag("VacateDate", Month="4", Day="15", Year="2026")
            told += tag("ILS_Unit", inner=unit + tag("Availability", inner=day), Id=one["id"], FloorplanID=plan)
        space = 'xmlns="" xmlns:MITS="http://my-company.com/namespace"'
        return _result(f"<PhysicalProperty {space}>{tag('Property', inner=told)}</PhysicalProperty>")

    # -- guests -------------------------------------------------------------------------------------------------------

    def _search(self, sent: Node) -> Response:
        home = self._home(words(sent, "YardiPropertyId"))
        for node in _SEARCHED:
            if find(sent, node) is None:
                raise _error(f"Required node {node} was not found.")
        wanted = {node: words(sent, node) for node in _SEARCHED}
        digits = re.sub(r"\D", "", wanted["PhoneNumber"])[-10:]
        found = []
        by_key = {"our_key": wanted["ThirdPartyId"]} if wanted["ThirdPartyId"] else {}
        for card in self.records.all("card", delayed=True, property=home["id"], **by_key):
            tests = (
                (wanted["ThirdPartyId"], True),
                (wanted["EmailAddress"], card["email"].lower() == wanted["EmailAddress"].lower()),
                (digits, re.sub(r"\D", "", card["phone"])[-10:] == digits),
                (wanted["FirstName"], card["first_name"].lower() == wanted["FirstName"].lower()),
                (wanted["LastName"], card["last_name"].lower() == wanted["LastName"].lower()),
            )
            if any(value for value, _ in tests) and all(fits for value, fits in tests if value):
                found.append(card)
        return self._told(found)

    def _range(self, sent: Node) -> Response:
        home = self._home(words(sent, "YardiPropertyId"))
        since, until = words(sent, "FromDate"), words(sent, "ToDate")
        if not since or not until:
            raise _error("Required node FromDate was not found.")
        where = mits.zone(self.records, home["id"])
        found = []
        for card in self.records.all("card", delayed=True, property=home["id"]):
            events = self.records.all("event", card_id=card["card_id"])
            times = [mits.local_time(card["updated_at"], where)]
            times += [mits.local_time(event["made"], where) for event in events]
            if any(since <= at <= until for at in times):
                found.append(card)
        return self._told(found)

    def _told(self, cards: list[Doc]) -> Response:
        if not cards:
            raise _error(_NOBODY)
        told = "".join(map(self._prospect, cards))
        return _result(f'<LeadManagement xmlns=""><Prospects>{told}</Prospects></LeadManagement>')

    def _prospect(self, card: Doc) -> str:
        where = mits.zone(self.records, card["property"])
        given = (
            ("ProspectID", card["card_id"], "Yardi"),
            ("TenantID", card.get("tenant_id"), "Yardi"),
            ("ThirdPartyID", card["our_key"], card.get("organization")),
            ("PropertyID", card["property"], "Yardi"),
        )
        ids = "".join(
            tag("Identification", IDType=kind, IDValue=value, OrganizationName=whose)
            for kind, value, whose in given
            if value
        )
        events = self.records.all("event", card_id=card["card_id"])
        updated = mits.local_time(card["updated_at"], where)
        return mits.prospect_xml(card, ids, _type(card), events, updated, person_ids=_person_ids)

    # -- the import ---------------------------------------------------------------------------------------------------

    def _import(self, sent: Node) -> Response:
        document = self._document(sent)
        given = mits.inquiry(document) if document is not None else None
        later = given is not None and bool(given.events) and not any(event["first"] for event in given.events)
        op = "add_event" if later else "import_guest_v20" if self.old else "import_guest"
        key = given.ids.get("ThirdPartyID", given.ids.get("ProspectID", ("", "")))[0] if given is not None else ""
        card = self.records.get("card", key)
        key = card["our_key"] or key if card is not None else key
        return self.simulator.answer(op, lambda: self._imported(given), write=True, key=key)

    def _document(self, sent: Node) -> Node | None:
        """The payload, as XML or as text; of the other generation, or under a wrong namespace, it is not seen."""
        holder = find(sent, "XmlDocument" if self.old else "XmlDoc")
        if holder is None:
            return None
        found = holder[0] if len(holder) else mits.parse(holder.text or "")
        space = _MITS_20 if self.old else ""
        whole = f"{{{space}}}LeadManagement" if space else "LeadManagement"
        return found if found is not None and found.tag == whole else None

    def _imported(self, given: Inquiry | None) -> Response:
        if given is None:
            raise _error("Required node LeadManagement was not found.", times=2)
        home = self.records.get("property", given.ids.get("PropertyID", ("", ""))[0])
        if home is None or not home["active"]:
            raise _error("Invalid or no access to Yardi Property")
        if self.simulator.revoked(home["id"]):
            raise _error(self._not_configured(home["id"]))
        if given.mistakes:
            raise _error(given.mistakes[0], times=2)
        card = self._known(given, home["id"])
        self._check(given, home["id"], card)
        made = card is None
        card = mits.keep_people(self.records, self._kept(given, home["id"], card), given.others)
        for event in given.events:
            mits.keep_event(self.records, card, event)
        done = f"{home['name']}: prospect {'saved' if made else 'updated'}. CustomerID: {card['card_id']}"
        first = (("FYI", "Guest card import finished."),) if made else ()
        return _messages(*first, ("FYI", done))

    def _known(self, given: Inquiry, home: str) -> Doc | None:
        if "ProspectID" in given.ids:
            card = self.records.get("card", given.ids["ProspectID"][0])
            if card is None or card["property"] != home:
                raise _error(_NOBODY)
            return card
        key, whose = given.ids.get("ThirdPartyID", ("", ""))
        return self.records.one("card", our_key=key, organization=whose, property=home) if key else None

    def _check(self, given: Inquiry, home: str, card: Doc | None) -> None:
        """What the property must have set up, and what may not be edited."""
        if card is not None and _type(card) in _CLOSED:
            raise _error(f"Prospect Status is '{_CLOSED[_type(card)]}', Prospect is not editable")
        if card is None and not any(event["first"] and event["kind"] in _FIRST for event in given.events):
            raise _error("First contact event is missing for a new prospect.")
        for event in given.events:
            if event["kind"] not in (_EVENTS_20 if self.old else _EVENTS):
                raise _error(f"Event type '{event['kind']}' is not valid.")
            if not self._named("source", event["source_name"]):
                raise _error(f"The source '{event['source_name']}' is not set up for property '{home}'.")
            if event["agent_ref"] and not self._named("agent", event["agent_ref"], home):
                raise _error(f"The agent '{event['agent_ref']}' is not set up for property '{home}'.")
        for kind, ours, name in (("floor_plan", "floor_plan_ref", "floor plan"), ("unit", "unit_ref", "unit")):
            wanted = given.values.get(ours)
            if wanted and self.records.config(kind, wanted, home) is None:
                raise _error(f"The {name} '{wanted}' is not set up for property '{home}'.")

    def _named(self, kind: str, name: str, home: str = "") -> bool:
        return any(
            one["name"] == name and one["active"] and (not home or home in one["raw"].get("properties", [home]))
            for one in self.records.all(kind)
        )

    def _kept(self, given: Inquiry, home: str, card: Doc | None) -> Doc:
        key, whose = given.ids.get("ThirdPartyID", ("", ""))
        ours = {"our_key": key, "organization": whose} if key else {}
        if card is not None:
            return self.records.change("card", card["card_id"], **given.values, **ours, updated_at=now())
        card_id = self.records.number("card", prefix="p")
        made = new_card(card_id=card_id, person_id=card_id, property=home)
        return self.records.put("card", card_id, {**made, "type": "prospect", **given.values, **ours})


def _person_ids(person: Doc) -> str:
    given = (("TenantID", person["person_id"], "Yardi"), ("ThirdPartyID", person["our_key"], person["organization"]))
    return "".join(
        tag("Identification", IDType=kind, IDValue=value, OrganizationName=whose)
        for kind, value, whose in given
        if value
    )


def _type(card: Doc) -> str:
    return str(card.get("type") or _TYPES.get(card["status"], "prospect"))


def _noted(simulator: Simulator, card: Doc, told: Doc) -> None:
    """An outcome is an event that an agent enters, and may change what the guest is."""
    word = str(told.get("outcome") or "")
    if not word:
        return
    where = mits.zone(simulator.records, card["property"])
    agent = simulator.records.get("agent", str(told.get("agent_id") or "")) or {}
    at = mits.local_time(str(told["at"]), where) if told.get("at") else mits.local_now(where)
    event = {"kind": word, "at": at, "agent_ref": agent.get("name", ""), "reason": "", "first": False,
             "text": str(told.get("reason") or ""), "source_name": card["source_name"]}  # fmt: skip
    mits.keep_event(simulator.records, card, event)
    after = _TYPE_AFTER.get(word, _type({**card, "status": "prospect"}))
    tenant = card.get("tenant_id") or (simulator.records.number("tenant", prefix="t") if word == "LeaseSign" else "")
    simulator.records.change("card", card["card_id"], type=after, tenant_id=tenant)
