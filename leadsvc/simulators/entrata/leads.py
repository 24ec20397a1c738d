"""Entrata's methods over the records of the kit."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import as_json
from leadsvc.simulators.records import Doc, new_card, now

_ZONE = ZoneInfo("America/Denver")
_FORM = "%m/%d/%YT%H:%M:%S"
_MARK = re.compile(r"\[ref ([\w.:-]+)\]")
EVENT_TYPES = {"10": "Online Guest Card", "17": "Onsite Visit", "20": "Outgoing Call", "21": "Outgoing Email"}
_STATUSES = {"Guest Card Completed": "2", "Cancelled": "6", "Application Completed": "8", "Lease Completed": "9"}
_FIRST_STATUS = {"resident": "Lease Completed", "applicant": "Application Completed"}
_OPS = {
    ("leads", "sendLeads"): "send_leads",
    ("leads", "updateLeads"): "update_leads",
    ("leads", "getLeadPickLists"): "get_lead_pick_lists",
    ("properties", "getProperties"): "get_properties",
    ("properties", "getFloorPlans"): "get_floor_plans",
    ("propertyunits", "getUnitsAvailabilityAndPricing"): "get_units",
    ("status", "getStatus"): "get_status",
}


def failed(code: int, message: str, status: int = 200) -> Response:
    """An error as Entrata tells it."""
    return as_json({"response": {"requestId": "x", "error": {"code": code, "message": message}}}, status)


def _list(value: Any) -> list[Doc]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def _there(at: str) -> str:
    """A time of the records on Entrata's clocks."""
    return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(_ZONE).strftime(_FORM)


def _utc(text: str) -> datetime:
    try:
        return datetime.strptime(text, _FORM).replace(tzinfo=_ZONE).astimezone(UTC)
    except ValueError as error:
        raise Refused(failed(301, f"Invalid date format: {text[:30]}")) from error


def _e164(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return f"+1{digits}" if len(digits) == 10 else f"+{digits}" if digits else ""


def _person(customer: Doc) -> Doc:
    name = customer.get("name") or {}
    return {
        "first_name": str(name.get("firstName", "")),
        "last_name": str(name.get("lastName", "")),
        "email": str(customer.get("email", "")),
        "phone": _e164(str((customer.get("phone") or {}).get("cellPhoneNumber", ""))),
    }


class Leads:
    """One client's properties."""

    WRITES = ("send_leads", "update_leads")

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._records = simulator.records

    @staticmethod
    def op(endpoint: str, method: Doc) -> str | None:
        """The operation that a method is; getLeads is several, by what it asks for."""
        name, params = method.get("name"), method.get("params") or {}
        if (endpoint, name) == ("leads", "getLeads"):
            by = {"email": "get_leads_by_email", "telephone": "get_leads_by_phone", "leadId": "get_lead"}
            return next((op for key, op in by.items() if key in params), "get_leads_outcomes")
        op = _OPS.get((endpoint, str(name)))
        return f"{op}_r2" if op == "get_lead_pick_lists" and method.get("version") == "r2" else op

    def act(self, op: str, method: Doc, params: Doc) -> Response:
        """Carry out a method; errors raise :class:`Refused`."""
        if op == "get_status":
            return self._good({"status": "Success", "message": "API service is available."})
        if op == "get_properties":
            return self._good(self._properties())
        if "propertyId" not in params:
            raise Refused(failed(400, "propertyId is required.", 400))
        home = str(params["propertyId"])
        if self._records.get("property", home) is None:
            raise Refused(failed(302, f"Property {home} does not exist."))
        if self._simulator.revoked(home):
            raise Refused(failed(113, f"The API user has no permission for property {home}."))
        if op.startswith("get_lead") and not op.startswith("get_lead_pick_lists"):
            return self._good(self._get(op, params, home))
        reads = {
            "get_lead_pick_lists": self._picks,
            "get_lead_pick_lists_r2": self._picks_r2,
            "get_floor_plans": self._plans,
            "get_units": self._units,
        }
        if op in reads:
            return self._good(reads[op](home))
        return self._send(params, home) if op == "send_leads" else self._update(method, params, home)

    @staticmethod
    def _good(result: Any) -> Response:
        return as_json({"response": {"requestId": "x", "code": 200, "result": result}})

    # -- configuration ------------------------------------------------------------------------------------------------

    def _live(self, kind: str, home: str = "") -> list[Doc]:
        return [one for one in self._records.all(kind) if one["active"] and one["parent"] in ("", home)]

    def _properties(self) -> Doc:
        found = [
            {"PropertyID": one["id"], "MarketingName": one["name"], "IsDisabled": "0" if one["active"] else "1"}
            for one in self._records.all("property")
        ]
        return {"PhysicalProperty": {"Property": found}}

    def _picks(self, home: str) -> Doc:
        agents = [{"@attributes": {"Id": one["id"], "name": one["name"]}} for one in self._live("agent")]
        sources = [
            {"@attributes": {"Id": f"488{one['place']:02d}", "name": one["name"], "WebVisible": "1"}}
            for one in self._live("source")
        ]
        types = [{"@attributes": {"Id": int(key), "name": name}} for key, name in EVENT_TYPES.items()]
        statuses = [{"@attributes": {"Id": int(key), "name": name}} for name, key in _STATUSES.items()]
        lists = {"LeasingAgents": {"LeasingAgent": agents}, "LeadSources": {"LeadSource": sources}}
        return {
            "EventTypes": {"EventType": types},
            "Property": {home: {"@attributes": {"Id": home}, **lists}},
            "LeadStatuses": {"LeadStatus": statuses},
        }

    def _picks_r2(self, home: str) -> Doc:
        """The younger version: small letters, ids as text, subtypes of events, and no sources."""

        def named(pairs: list[tuple[str, str]]) -> list[Doc]:
            return [{"@attributes": {"id": key, "name": name}} for key, name in pairs]

        agents = named([(one["id"], one["name"]) for one in self._live("agent")])
        subtypes = named([("453", "Leasing Appointments"), ("454", "Tour")])
        return {
            "eventTypes": {"eventType": named(list(EVENT_TYPES.items()))},
            "eventSubTypes": {"eventSubType": subtypes},
            "property": {"@attributes": {"id": home}, "leasingAgents": {"leasingAgent": agents}},
            "leadStatuses": {"leadStatus": named([(key, name) for name, key in _STATUSES.items()])},
        }

    def _plans(self, home: str) -> Doc:
        plans = [
            {"Identification": {"@attributes": {"IDType": "FloorPlanID"}, "IDValue": one["id"]}, "Name": one["name"]}
            for one in self._live("floor_plan", home)
        ]
        return {"FloorPlans": {"FloorPlan": plans[0] if len(plans) == 1 else plans}}

    def _units(self, home: str) -> Doc:
        units = [
            {"UnitSpace": {"UnitNumber": one["name"], "Availability": "Available"}} for one in self._live("unit", home)
        ]
        return {"PropertyUnits": {"PropertyUnit": units}}

    # -- reading leads ------------------------------------------------------------------------------------------------

    def _get(self, op: str, params: Doc, home: str) -> Doc:
        types = [part.strip() for part in str(params.get("eventTypeIds", "")).split(",") if part.strip()]
        if len(types) > 5:
            raise Refused(failed(305, "At most 5 event types can be asked for."))
        cards = [card for card in self._records.all("card", property=home, delayed=True) if not card["merged_into"]]
        if op == "get_leads_by_email":
            cards = [one for one in cards if one["email"].casefold() == str(params["email"]).casefold()]
        elif op == "get_leads_by_phone":
            cards = [one for one in cards if one["phone"] and one["phone"] == _e164(str(params["telephone"]))]
        elif op == "get_lead":
            cards = [one for one in cards if one["card_id"] == str(params["leadId"])]
        else:
            cards = self._changed(params, cards)
        shown = [self._shown(card, types) for card in cards]
        return {"propertyId": home, "currencyCode": "USD", "prospects": {"prospect": shown}}

    def _changed(self, params: Doc, cards: list[Doc]) -> list[Doc]:
        days = [datetime.strptime(str(params.get(name)), "%m/%d/%Y").date() for name in ("fromDate", "toDate")]
        found = [one for one in cards if days[0] <= self._day(one["updated_at"]) <= days[1]]
        page, size = int(request.args.get("page_no", 1)), int(request.args.get("per_page", 500))
        return found[(page - 1) * size : page * size]

    @staticmethod
    def _day(at: str) -> Any:
        return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(_ZONE).date()

    def _shown(self, card: Doc, types: list[str]) -> Doc:
        status = card.get("lead_status") or _FIRST_STATUS.get(card["status"], "Guest Card Completed")
        source = next((one for one in self._records.all("source") if one["name"] == card["source_name"]), None)
        rooms = sorted({str(card[name]) for name in ("bedrooms_min", "bedrooms_max") if card[name] is not None})
        move_in, cents = card["move_in"], card["budget_max_cents"]
        customers = [
            {
                "customerId": one["person_id"],
                "firstName": one["first_name"],
                "lastName": one["last_name"],
                "cellPhoneNumber": one["phone"].removeprefix("+1"),
                "email": one["email"],
            }
            for one in (card, *card.get("people", ()))
        ]
        wishes = {
            "targetMoveInDate": f"{move_in[5:7]}/{move_in[8:10]}/{move_in[:4]}" if move_in else "",
            "desiredMaxRent": str(int(cents) // 100) if cents else "",
            "desiredNumBedrooms": rooms,
        }
        lead: Doc = {
            "applicationId": card["card_id"],
            "status": status,
            "statusId": _STATUSES.get(status, "77"),
            "createdOn": _there(card["created_at"]),
            "lastUpdatedDate": _there(card["updated_at"]),
            "leadSourceId": f"488{source['place']:02d}" if source else "",
            "leadSource": card["source_name"],
            "leasingAgentId": card["agent_ref"],
            "reason": card.get("reason", ""),
            "customers": {"customer": customers},
            "customerPreferences": wishes,
        }
        if card["status"] == "resident":
            lead["lease"] = {"leaseId": f"55{card['card_id'].lstrip('p')}", "status": "Current", "leaseToDate": []}
        events = [one for one in self._records.all("event", card_id=card["card_id"]) if one["type_id"] in types]
        return lead | ({"events": {"event": [self._event(one) for one in events]}} if types else {})

    @staticmethod
    def _event(event: Doc) -> Doc:
        shown = {
            "eventId": event["event_id"],
            "type": event["kind"],
            "typeId": event["type_id"],
            "date": _there(event["at"]),
            "comments": event["text"],
            "eventResult": event["result"],
        }
        due = event["due"]
        return shown | ({"appointmentDate": due[:10], "timeFrom": due[11:], "timeTo": due[11:]} if due else {})

    # -- writing leads ------------------------------------------------------------------------------------------------

    def _send(self, params: Doc, home: str) -> Response:
        found = _list((params.get("prospects") or {}).get("prospect"))
        if not found:
            raise Refused(failed(301, "prospects is required."))
        answers = [{"node": str(node), **self._one(prospect, home)} for node, prospect in enumerate(found)]
        return self._good({"prospects": {"prospect": answers}})

    def _one(self, prospect: Doc, home: str) -> Doc:
        values = self._values(prospect)
        for name in ("first_name", "last_name"):
            if not values.get(name):
                return {"status": "Error", "message": f"{name.replace('_', ' ')} is required."}
        wanted = str((prospect.get("leadSource") or {}).get("originatingLeadSourceId", ""))
        source = next((one for one in self._live("source") if f"488{one['place']:02d}" == wanted), None)
        if source is None:
            return {"status": "Error", "message": "Lead source is not associated with the property."}
        if _utc(str(prospect.get("createdDate"))) > datetime.now(UTC):
            return {"status": "Error", "message": "createdDate cannot be in the future."}
        for by in ("email", "phone"):
            known = self._records.all("card", property=home, **{by: values.get(by, "")}) if values.get(by) else []
            if any(not one["merged_into"] for one in known):
                return {"status": "Success", "message": "Success"}
        key, person = self._records.number("card", 8), self._records.number("card", 8)
        comment = str((prospect.get("customerPreferences") or {}).get("comment", ""))
        marks = _MARK.findall(comment)
        identity = {"card_id": key, "person_id": person, "property": home, "our_key": marks[0] if marks else ""}
        card = new_card(**{**values, **identity, "source_name": source["name"], "comment": comment})
        self._records.put("card", key, card)
        self._add_events(key, prospect)
        applicant = {"id": person, "firstName": card["first_name"], "lastName": card["last_name"]}
        return {
            "status": "Success",
            "message": "Lead has been created.",
            "applicationId": key,
            "applicantId": person,
            "applicants": {"applicant": [applicant]},
        }

    @staticmethod
    def _values(prospect: Doc) -> Doc:
        customer = next(iter(_list((prospect.get("customers") or {}).get("customer"))), {})
        wishes = prospect.get("customerPreferences") or {}
        values = _person(customer)
        day = str(wishes.get("desiredMoveInDate", ""))
        values["move_in"] = f"{day[6:]}-{day[:2]}-{day[3:5]}" if day else ""
        rooms = wishes.get("desiredNumBedrooms", "")
        rooms = [int(one) for one in (rooms if isinstance(rooms, list) else [rooms]) if str(one)]
        values |= {"bedrooms_min": min(rooms), "bedrooms_max": max(rooms)} if rooms else {}
        top = (wishes.get("desiredRent") or {}).get("max")
        return values | ({"budget_max_cents": round(float(top) * 100)} if top else {})

    def _add_events(self, card_id: str, prospect: Doc) -> None:
        for one in _list((prospect.get("events") or {}).get("event")):
            kind = str(one.get("typeId", ""))
            if kind not in EVENT_TYPES:
                raise Refused(failed(306, f"Event type {kind} does not exist."))
            at = _utc(str(one.get("date")))
            if kind != "17" and at > datetime.now(UTC):
                raise Refused(failed(306, "The date of an event cannot be in the future."))
            key = self._records.number("event", 6)
            event = {
                "event_id": key,
                "card_id": card_id,
                "kind": EVENT_TYPES[kind],
                "type_id": kind,
                "subtype_id": str(one.get("subtypeId", "")),
                "at": at.isoformat() if kind != "17" else now(),
                "due": str(one.get("date")) if kind == "17" else "",
                "text": str(one.get("comments", "")),
                "result": "",
                "source_name": "",
                "agent_ref": "",
            }
            self._records.put("event", key, event)

    def _update(self, method: Doc, params: Doc, home: str) -> Response:
        key = str(params.get("applicationId", ""))
        card = self._records.get("card", key)
        if card is None or card["property"] != home:
            raise Refused(failed(304, f"Application {key} does not belong to property {home}."))
        if method.get("version") == "r2":
            return self._good({"prospects": [{"node": "0", **self._one_event(params, key)}]})
        prospect = next(iter(_list((params.get("prospects") or {}).get("prospect"))), {})
        values = {name: value for name, value in self._values(prospect).items() if value not in ("", None)}
        self._add_events(key, prospect)
        people = [*card.get("people", ()), *self._more_people(prospect)]
        marks = [mark for one in self._records.all("event", card_id=key) for mark in _MARK.findall(one["text"])]
        first = next((mark for mark in marks if not mark.startswith(("IN-", "TK-"))), "")
        changes = {**values, "our_key": card["our_key"] or first, "people": people, "updated_at": now()}
        self._records.change("card", key, **changes, version=int(card["version"]) + 1)
        done = {"node": "0", "reference_id": key, "applicant_id": card["person_id"], "status": "Success"}
        return self._good({"Prospects": {"Prospect": [{"@attributes": {**done, "message": "Success"}}]}})

    def _more_people(self, prospect: Doc) -> list[Doc]:
        """The customers behind the first who have no id yet: they are new, each time."""
        more = _list((prospect.get("customers") or {}).get("customer"))[1:]
        named = [_person(one) for one in more if not one.get("customerId")]
        if any(not one["first_name"] or not one["last_name"] for one in named):
            raise Refused(failed(301, "A customer needs a first and a last name."))
        return [{**one, "person_id": self._records.number("card", 8)} for one in named]

    def _one_event(self, params: Doc, card_id: str) -> Doc:
        """r2: one event is changed or added; it takes no words."""
        kind = str(params.get("typeId", ""))
        if kind not in EVENT_TYPES:
            return {"status": "Error", "message": "The event type is not valid."}
        _utc(str(params.get("date")))
        event = self._records.get("event", str(params.get("eventId", "")))
        if event is None:
            self._add_events(card_id, {"events": {"event": params}})
        else:
            changes = {"due": str(params["date"]), "subtype_id": str(params.get("subtypeId", ""))}
            self._records.change("event", event["event_id"], **changes)
        return {"status": "Success", "message": "Event saved."}
