"""Rent Manager's collections over the records of the kit."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import as_json
from leadsvc.simulators.records import Doc, new_card, now

_PAGE_MAX = 1000
_OWN = {"LeadsvcKey": "our_key", "LeadsvcMoveIn": "move_in", "LeadsvcComment": "comment"}
_BUDGET = "LeadsvcBudget"
_FIRST_STATUS = {"resident": "Current", "applicant": "Applied"}


def error(words: str, status: int) -> Response:
    """An error model."""
    model = {"DeveloperMessage": words, "UserMessage": words, "ErrorCode": -2146233088, "Exception": "System.Exception"}
    return as_json({**model, "MoreInfoUri": None}, status)


def _invalid(field: str, words: str) -> Refused:
    model = {"Message": "The request is invalid.", "ModelState": {f"model[0].{field}": [words]}}
    return Refused(as_json(model, 400))


def _e164(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return f"+1{digits}" if len(digits) == 10 else f"+{digits}" if digits else ""


def _there(phone: str) -> str:
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else phone


def _stamp(at: str) -> str:
    return datetime.fromisoformat(at.replace("Z", "+00:00")).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


class Database:
    """One company's location."""

    OPS: ClassVar[dict[str, str]] = {
        "Properties": "list_properties",
        "UnitTypes": "list_unit_types",
        "Units": "list_units",
        "Users": "list_users",
        "LeadSources": "list_lead_sources",
    }

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._records = simulator.records

    # -- requests and answers -----------------------------------------------------------------------------------------

    @staticmethod
    def _one() -> Doc:
        """The record of a list of one."""
        words = request.get_json(silent=True)
        if not isinstance(words, list) or not words or not isinstance(words[0], dict):
            raise Refused(error("The request must be a list.", 400))
        return words[0]

    @staticmethod
    def key_of(name: str) -> str:
        """The id that the record in a request carries."""
        words = request.get_json(silent=True)
        first = words[0] if isinstance(words, list) and words and isinstance(words[0], dict) else {}
        return str(first.get(name) or "")

    @staticmethod
    def _listed(found: list[Doc]) -> Response:
        """A page of a collection; nothing is 204."""
        size = min(int(request.args.get("PageSize", _PAGE_MAX)), _PAGE_MAX)
        page = int(request.args.get("PageNumber", 1))
        shown = found[(page - 1) * size : page * size]
        if not shown:
            return Response(b"", 204)
        answer = as_json(shown)
        answer.headers["x-total-results"], answer.headers["x-results"] = str(len(found)), str(len(shown))
        return answer

    @staticmethod
    def _filters() -> list[tuple[str, str, str]]:
        parts = [part.split(",", 2) for part in request.args.get("filters", "").split(";") if part]
        if any(len(part) != 3 for part in parts):
            raise Refused(error("The filter expression is not valid.", 400))
        return [(part[0], part[1], part[2]) for part in parts]

    # -- configuration ------------------------------------------------------------------------------------------------

    def config(self, collection: str) -> Response:
        records = self._records
        if collection == "Properties":
            found = [
                {"PropertyID": one["id"], "Name": one["name"], "ShortName": one["id"], "IsActive": one["active"]}
                for one in records.all("property")
            ]
        elif collection in ("UnitTypes", "Units"):
            kind, key = ("floor_plan", "UnitTypeID") if collection == "UnitTypes" else ("unit", "UnitID")
            found = [{key: one["id"], "Name": one["name"], "PropertyID": one["parent"]} for one in records.all(kind)]
        elif collection == "Users":
            found = [
                {"UserID": one["id"], "Name": one["name"], "IsActive": one["active"]} for one in records.all("agent")
            ]
        else:
            found = [
                {"LeadSourceID": 900 + one["place"], "Name": one["name"], "IsActive": one["active"]}
                for one in records.all("source")
            ]
        return self._listed(found)

    # -- prospects ----------------------------------------------------------------------------------------------------

    def prospects(self) -> Response:
        found = [one for one in self._records.all("card", delayed=True) if not one["merged_into"]]
        for name, how, value in self._filters():
            if how not in ("eq", "gt"):
                raise Refused(error(f"The operator {how} is not supported.", 400))
            found = [one for one in found if self._holds(one, name, how, value)]
        return self._listed([self._shown(one) for one in found])

    @staticmethod
    def _holds(card: Doc, name: str, how: str, value: str) -> bool:
        if name == "UpdateDate":
            return _stamp(card["updated_at"]) > value
        said = {
            "ProspectID": card["card_id"],
            "PropertyID": card["property"],
            "Contacts.Email": card["email"].casefold(),
            "Contacts.PhoneNumbers.PhoneNumber": _there(card["phone"]),
            "UserDefinedValues.Value": card["our_key"],
        }
        if name not in said:
            raise Refused(error(f"Filter field {name} is unknown.", 400))
        return bool(value) and said[name] == (value.casefold() if name == "Contacts.Email" else value)

    def _shown(self, card: Doc) -> Doc:
        status = card.get("prospect_status") or _FIRST_STATUS.get(card["status"], "Prospect")
        shown: Doc = {
            "ProspectID": card["card_id"],
            "Name": f"{card['last_name']}, {card['first_name']}",
            "FirstName": card["first_name"],
            "LastName": card["last_name"],
            "PropertyID": card["property"],
            "ProspectStatus": status,
            "ApplicationDate": None,
            "LeadSourceID": self._source_id(card["source_name"]),
            "ConcurrencyID": card["version"],
            "CreateDate": _stamp(card["created_at"]),
            "UpdateDate": _stamp(card["updated_at"]),
        }
        fields = [name for name in request.args.get("fields", "").split(",") if name]
        if fields:
            return {name: value for name, value in shown.items() if name in fields}
        embeds = request.args.get("embeds", "").split(",")
        number = {"PhoneNumber": _there(card["phone"]), "PhoneNumberType": {"Name": "Mobile"}}
        contact = {"ContactID": card["person_id"], "FirstName": card["first_name"], "LastName": card["last_name"]}
        contact |= {"Email": card["email"], "IsPrimary": True}
        if "Contacts.PhoneNumbers" in embeds:
            contact["PhoneNumbers"] = [number] if card["phone"] else []
        if "Contacts" in embeds:
            shown["Contacts"] = [contact, *card.get("other_contacts", [])]
        if "UserDefinedValues" in embeds:
            own = {name: card[ours] for name, ours in _OWN.items()}
            cents = card["budget_max_cents"]
            own[_BUDGET] = f"{int(cents) / 100:.2f}" if cents else ""
            shown["UserDefinedValues"] = [{"Name": name, "Value": value} for name, value in own.items() if value]
        return shown

    def _source_id(self, name: str) -> int | None:
        return next((900 + one["place"] for one in self._records.all("source") if one["name"] == name), None)

    def _values(self, words: Doc) -> Doc:
        values: Doc = {}
        names = {"FirstName": "first_name", "LastName": "last_name"}
        values |= {ours: str(words[theirs]) for theirs, ours in names.items() if theirs in words}
        contacts = [one for one in words.get("Contacts") or [] if isinstance(one, dict)]
        first = next((one for one in contacts if one.get("IsPrimary")), contacts[0] if contacts else {})
        if "Email" in first:
            values["email"] = str(first["Email"])
        if first.get("PhoneNumbers"):
            values["phone"] = _e164(str(first["PhoneNumbers"][0].get("PhoneNumber", "")))
        if contacts:
            values["other_contacts"] = [one for one in contacts if one is not first]
        for one in words.get("UserDefinedValues") or []:
            if one.get("Name") == _BUDGET:
                values["budget_max_cents"] = round(float(one["Value"]) * 100)
            elif one.get("Name") in _OWN:
                values[_OWN[one["Name"]]] = str(one["Value"])
            else:
                raise _invalid("UserDefinedValues", f"User defined field {one.get('Name')} does not exist.")
        if words.get("LeadSourceID"):
            found = [one for one in self._records.all("source") if 900 + one["place"] == words["LeadSourceID"]]
            if not found or not found[0]["active"]:
                raise _invalid("LeadSourceID", f"LeadSourceID {words['LeadSourceID']} does not exist.")
            values["source_name"] = found[0]["name"]
        return values

    def put_prospect(self) -> Response:
        words = self._one()
        home = str(words.get("PropertyID", ""))
        if self._records.get("property", home) is None:
            raise _invalid("PropertyID", f"PropertyID {home} does not exist.")
        if self._simulator.revoked(home):
            raise Refused(error("You do not have the privilege Edit Prospects at this property.", 403))
        if not words.get("LastName"):
            raise _invalid("LastName", "LastName is required.")
        values = self._values(words)
        key = str(words.get("ProspectID") or "")
        card = self._changed(key, words, values) if key else self._made(home, values)
        return as_json([self._shown(card)])

    def _made(self, home: str, values: Doc) -> Doc:
        for one in self._records.all("card", property=home):
            same = [one[name] == values.get(name, "") for name in ("first_name", "last_name", "email", "phone")]
            if all(same) and not one["merged_into"]:
                raise Refused(error("A record with the same parameters already exists.", 409))
        key, person = self._records.number("card", 5), self._records.number("card", 6)
        card = new_card(**{**values, "card_id": key, "person_id": person, "property": home})
        return self._records.put("card", key, card)

    def _changed(self, key: str, words: Doc, values: Doc) -> Doc:
        card = self._records.get("card", key)
        if card is None:
            raise Refused(error(f"Prospect {key} was not found.", 404))
        if str(words.get("ConcurrencyID")) != str(card["version"]):
            raise Refused(error("The record was changed by another user.", 409))
        return self._records.change("card", key, **values, version=int(card["version"]) + 1, updated_at=now())

    # -- history and tasks --------------------------------------------------------------------------------------------

    def _prospect(self, words: Doc) -> str:
        key = str(words.get("ProspectID") or "")
        if self._records.get("card", key) is None:
            raise Refused(error(f"Prospect {key} was not found.", 404))
        return key

    def put_note(self) -> Response:
        words = self._one()
        card_id = self._prospect(words)
        if not words.get("Note"):
            raise Refused(error("Note is required.", 400))
        key = self._records.number("event", 5)
        values = {"kind": "note", "at": str(words.get("HistoryDate", "")), "text": str(words["Note"])}
        event = {"event_id": key, "card_id": card_id, "source_name": "", "agent_ref": "", **values}
        return as_json([self._note(self._records.put("event", key, event))])

    @staticmethod
    def _note(event: Doc) -> Doc:
        ids = {"HistoryID": event["event_id"], "ProspectID": event["card_id"]}
        return {**ids, "Note": event["text"], "HistoryDate": event["at"]}

    def notes(self, card_id: str) -> Response:
        return self._listed([self._note(one) for one in self._records.all("event", card_id=card_id, delayed=True)])

    def tasks(self) -> Response:
        found = self._records.all("task", delayed=True)
        for name, _, value in self._filters():
            if name != "ProspectID":
                raise Refused(error(f"Filter field {name} is unknown.", 400))
            found = [one for one in found if one["card_id"] == value]
        return self._listed([self._task(one) for one in found])

    @staticmethod
    def _task(task: Doc) -> Doc:
        return {
            "TaskID": task["task_id"],
            "ProspectID": task["card_id"],
            "Subject": task["title"],
            "Description": task["text"],
            "DueDate": task["due_at"],
            "AssignedUserID": task["assignee_ref"] or None,
            "IsCompleted": task["status"] != "open",
            "ConcurrencyID": task["version"],
        }

    def put_task(self) -> Response:
        words = self._one()
        card_id, user = self._prospect(words), str(words.get("AssignedUserID") or "")
        if user and self._records.config("agent", user) is None:
            raise Refused(error(f"AssignedUserID {user} does not exist.", 400))
        key = str(words.get("TaskID") or "")
        values: dict[str, Any] = {
            "title": str(words.get("Subject", "")),
            "text": str(words.get("Description", "")),
            "due_at": str(words.get("DueDate", "")),
            "assignee_ref": user,
        }
        if not key:
            key = self._records.number("task", 5)
            fixed = {"task_id": key, "card_id": card_id, "kind": "task", "status": "open", "version": 1}
            return as_json([self._task(self._records.put("task", key, {**fixed, **values}))])
        task = self._records.get("task", key)
        if task is None:
            raise Refused(error(f"Task {key} was not found.", 404))
        if str(words.get("ConcurrencyID")) != str(task["version"]):
            raise Refused(error("The record was changed by another user.", 409))
        return as_json([self._task(self._records.change("task", key, **values, version=int(task["version"]) + 1))])
