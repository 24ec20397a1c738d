"""Leads, tasks, users and questions of the simulated Salesforce."""

from __future__ import annotations

import re
import time

from flask import Response, request

from leadsvc.simulators.kit import Refused, Simulator
from leadsvc.simulators.manners import as_json
from leadsvc.simulators.records import Doc, new_card, now
from leadsvc.simulators.salesforce.answers import TOKEN_LIFE_S, body, error, refuse
from leadsvc.simulators.salesforce.questions import meets, nested, value_of

KEY = "Leadsvc_Key__c"
LEAD = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Company": "company",
    "Email": "email",
    "Phone": "phone",
    "LeadSource": "source_name",
    "Description": "comment",
    "OwnerId": "agent_ref",
    "Status": "status",
    KEY: "our_key",
    "Leadsvc_Property__c": "property",
    "Leadsvc_Move_In__c": "move_in",
    "Leadsvc_Bedrooms_Min__c": "bedrooms_min",
    "Leadsvc_Bedrooms_Max__c": "bedrooms_max",
    "Leadsvc_Budget_Max_Cents__c": "budget_max_cents",
    "Leadsvc_Floor_Plan__c": "floor_plan_ref",
    "Leadsvc_Unit__c": "unit_ref",
}
TASK = {
    "WhoId": "card_id",
    "Subject": "title",
    "Description": "text",
    "ActivityDate": "due_at",
    "ReminderDateTime": "remind_at",
    "IsReminderSet": "remind",
    "Status": "status",
    "Priority": "priority",
    "OwnerId": "assignee_ref",
    KEY: "our_key",
}
_PICKLISTS = {
    "LeadSource": ("source", "name"),
    "Leadsvc_Property__c": ("property", "id"),
    "Leadsvc_Floor_Plan__c": ("floor_plan", "id"),
    "Leadsvc_Unit__c": ("unit", "id"),
}
_LONGEST = {"FirstName": 40, "LastName": 80, "Company": 255, "Email": 80, "Phone": 40, "Description": 32000}
_LONGEST_TASK = {"Subject": 255, "Description": 32000}
NEW, _CONVERTED = "Open - Not Contacted", "Closed - Converted"
LEAD_STATUSES = (
    *(NEW, "Working - Contacted", _CONVERTED, "Closed - Not Converted"),
    *("New", "Contacted", "Working", "Nurturing", "Qualified", "Unqualified"),
)
"""What an organisation has a lead's status of: Salesforce's first values, and those of its later editions."""
STAGES = (
    *("Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers"),
    *("Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"),
)
"""And of the stage of an opportunity that a lead was converted to."""
_STATES = {
    "prospect": (NEW, ""),
    "applicant": (_CONVERTED, "Proposal/Price Quote"),
    "resident": (_CONVERTED, "Closed Won"),
}
"""Who was there before, as a lead's status and a stage."""
_PAGE = 2000


class _Org:
    """The views, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    def key(self, our_key: str = "", lead_id: str = "") -> str:
        """The card that a write is for."""
        return our_key or str((self.records.get("card", lead_id) or {}).get("our_key") or lead_id)

    def task_key(self, our_key: str) -> str:
        given = request.get_json(silent=True)
        lead = str(given.get("WhoId") or "") if isinstance(given, dict) else ""
        return str((self.records.get("card", lead) or {}).get("our_key") or our_key)

    def token(self) -> Response:
        known, form = self.simulator.credentials, request.form
        if form.get("grant_type") != "client_credentials" or any(form.get(name) != known[name] for name in known):
            problem = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return as_json(problem, 400)
        token = self.simulator.tokens.issue(TOKEN_LIFE_S)
        answer = {"access_token": token, "instance_url": request.url_root, "token_type": "Bearer"}
        return as_json({**answer, "issued_at": str(round(time.time() * 1000))})

    def limits(self) -> Response:
        return as_json({"DailyApiRequests": {"Max": 100000, "Remaining": 81877}})

    def describe(self) -> Response:
        fields: list[Doc] = [
            {"name": KEY, "type": "string", "length": 40, "externalId": True, "unique": True},
            *({"name": name, "type": "string"} for name in LEAD if name not in (*_PICKLISTS, KEY, "Status")),
            {
                "name": "Status",
                "type": "picklist",
                "restrictedPicklist": False,
                "picklistValues": _values(LEAD_STATUSES),
            },
        ]
        for name, (kind, value) in _PICKLISTS.items():
            values = [
                {"active": item["active"], "label": item["name"], "value": item[value]}
                for item in self.records.all(kind)
            ]
            fields.append({"name": name, "type": "picklist", "restrictedPicklist": True, "picklistValues": values})
        return as_json({"name": "Lead", "fields": fields})

    # -- leads --------------------------------------------------------------------------------------------------------

    def lead(self, lead_id: str) -> Response:
        return self.shown_lead(self.alive(self.records.get("card", lead_id)))

    def lead_by_key(self, our_key: str) -> Response:
        found = self.records.all("card", our_key=our_key, merged_into="")
        if len(found) > 1:
            return as_json([f"/services/data/v62.0/sobjects/Lead/{card['card_id']}" for card in found], 300)
        return self.shown_lead(self.alive(found[0] if found else None))

    def alive(self, card: Doc | None) -> Doc:
        if card is None or card["merged_into"]:
            raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
        return card

    def shown_lead(self, card: Doc) -> Response:
        wanted = request.args.get("fields", "Id").split(",")
        return as_json({name: value_of(_lead(card), name) for name in wanted})

    def upsert(self, our_key: str) -> Response:
        found = self.records.all("card", our_key=our_key, merged_into="")
        if len(found) > 1:
            return as_json([f"/services/data/v62.0/sobjects/Lead/{card['card_id']}" for card in found], 300)
        if found:
            return self.changed(found[0], body())
        return self.made(our_key, body())

    def made(self, our_key: str, given: Doc) -> Response:
        values = self.values(given, new=True)
        self.against_rules(values)
        card_id = f"00QEX{self.records.number('card', 9)}0AAA"
        card = new_card(**{"status": NEW, **values, "our_key": our_key, "card_id": card_id})
        self.records.put("card", card_id, {**card, "person_id": ""})
        return as_json({"id": card_id, "success": True, "errors": [], "created": True}, 201)

    def against_rules(self, values: Doc) -> None:
        """The organisation's rule: no second lead with an e-mail address, unless the caller insists."""
        if "allowsave=true" in request.headers.get("Sforce-Duplicate-Rule-Header", "").replace(" ", "").lower():
            return
        address = values.get("email")
        there = self.records.one("card", email=address, merged_into="") if address else None
        if there is None:
            return
        record = {"record": {"attributes": {"type": "Lead"}, "Id": there["card_id"]}}
        result = {"allowSave": True, "matchResults": [{"entityType": "Lead", "matchRecords": [record]}]}
        raise refuse(400, "DUPLICATES_DETECTED", "You're creating a duplicate record.", duplicateResult=result)

    def update(self, lead_id: str) -> Response:
        return self.changed(self.alive(self.records.get("card", lead_id)), body(), Response(status=204))

    def changed(self, card: Doc, given: Doc, answer: Response | None = None) -> Response:
        if _state(card)[0] == _CONVERTED:
            return error(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        values = self.values(given, new=False)
        other = self.records.one("card", our_key=values["our_key"], merged_into="") if values.get("our_key") else None
        if other is not None and other["card_id"] != card["card_id"]:
            words = f"duplicate value found: {KEY} duplicates value on record with id: {other['card_id']}"
            return error(400, "DUPLICATE_VALUE", words)
        self.records.change("card", card["card_id"], **values, updated_at=now())
        return answer or as_json({"id": card["card_id"], "success": True, "errors": [], "created": False})

    def values(self, given: Doc, *, new: bool) -> Doc:
        """What the fields say by keys of the record; raises for what Salesforce refuses."""
        for name, value in given.items():
            if name not in LEAD:
                raise refuse(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type Lead", name)
            self.checked(name, str(value if value is not None else ""))
        if new and not all(given.get(name) for name in ("LastName", "Company")):
            missing = [name for name in ("LastName", "Company") if not given.get(name)]
            raise refuse(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: {missing}", *missing)
        values = {LEAD[name]: value for name, value in given.items()}
        if values.get("email"):
            values["email"] = str(values["email"]).strip().lower()
        return values

    def checked(self, name: str, words: str) -> None:
        if len(words) > _LONGEST.get(name, 32000):
            raise refuse(400, "STRING_TOO_LONG", f"{name}: data value too large", name)
        kind = _PICKLISTS.get(name, ("", ""))[0]
        if kind and words and self.records.config(kind, words) is None:
            words = f"bad value for restricted picklist field: {words}"
            raise refuse(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, name)
        if name == "OwnerId" and words and self.records.config("agent", words) is None:
            raise refuse(400, "INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner is unknown or inactive", name)
        if name == "Email" and words and "@" not in words:
            raise refuse(400, "INVALID_EMAIL_ADDRESS", f"Email: invalid email address: {words}", name)

    def upsert_many(self) -> Response:
        """One answer per record, in order, and 200 whatever became of them."""
        answers = []
        for given in body().get("records") or []:
            fields = {name: value for name, value in given.items() if name not in ("attributes", KEY)}
            our_key = str(given.get(KEY) or "")
            try:
                there = self.records.one("card", our_key=our_key, merged_into="")
                answer = self.changed(there, fields) if there else self.made(our_key, fields)
            except Refused as refused:
                answer = refused.response
            answers.append(_in_collection(answer))
        return as_json(answers)

    # -- tasks --------------------------------------------------------------------------------------------------------

    def task(self, our_key: str) -> Response:
        found = self.one_task(our_key)
        if found is None:
            raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
        wanted = request.args.get("fields", "Id").split(",")
        shown = {name: found[1].get(key) for name, key in TASK.items()} | {"Id": found[1]["task_id"]}
        return as_json({name: value_of(shown, name) for name in wanted})

    def one_task(self, our_key: str) -> tuple[str, Doc] | None:
        for kind in ("task", "event"):
            found = self.records.one(kind, our_key=our_key)
            if found is not None:
                return kind, found
        return None

    def create_task(self) -> Response:
        """A task without an external id: one more each time."""
        given = self.task_fields()
        self.alive(self.records.get("card", str(given.get("WhoId") or "")))
        return self.made_task("", {TASK[name]: value for name, value in given.items()})

    def upsert_task(self, our_key: str) -> Response:
        given = self.task_fields()
        values = {TASK[name]: value for name, value in given.items()}
        found = self.one_task(our_key)
        if found is not None:
            kind, task = found
            self.records.change(kind, task["task_id"], **values)
            return as_json({"id": task["task_id"], "success": True, "errors": [], "created": False})
        self.alive(self.records.get("card", str(given.get("WhoId") or "")))
        answer = self.made_task(our_key, values)
        return as_json({**answer.get_json(), "created": True}, 201)

    def made_task(self, our_key: str, values: Doc) -> Response:
        kind = "event" if values.get("status") == "Completed" else "task"
        task_id = f"00TEX{self.records.number(kind, 9)}0AAA"
        self.records.put(kind, task_id, {**values, "our_key": our_key, "task_id": task_id, "event_id": task_id})
        return as_json({"id": task_id, "success": True, "errors": []}, 201)

    def task_fields(self) -> Doc:
        given = body()
        for name in given:
            if name not in TASK or name == KEY:
                raise refuse(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type Task", name)
        for name, longest in _LONGEST_TASK.items():
            if len(str(given.get(name) or "")) > longest:
                raise refuse(400, "STRING_TOO_LONG", f"{name}: data value too large", name)
        owner = str(given.get("OwnerId") or "")
        if owner and self.records.config("agent", owner) is None:
            raise refuse(400, "INVALID_CROSS_REFERENCE_KEY", "Assigned To ID: owner is inactive", "OwnerId")
        return given

    # -- questions ----------------------------------------------------------------------------------------------------

    def query(self) -> Response:
        return self.asked(deleted=False)

    def query_all(self) -> Response:
        return self.asked(deleted=True)

    def asked(self, *, deleted: bool) -> Response:
        question = request.args.get("q", "")
        found = re.match(
            r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY ([\w.]+)( DESC)?)?(?: LIMIT (\d+))?$", question
        )
        if found is None or found[2] not in ("Lead", "User"):
            raise refuse(400, "MALFORMED_QUERY", "unexpected token")
        wanted = [name.strip() for name in found[1].split(",")]
        rows = [row for row in self.rows(found[2], deleted=deleted) if meets(row, found[3] or "")]
        if found[4]:
            rows.sort(key=lambda row: str(value_of(row, found[4])), reverse=bool(found[5]))
        rows = rows[: int(found[6])] if found[6] else rows
        shown = [nested({name: value_of(row, name) for name in wanted}) for row in rows]
        return self.page(shown, 0)

    def page(self, shown: list[Doc], start: int) -> Response:
        answer: Doc = {"totalSize": len(shown), "done": start + _PAGE >= len(shown)}
        if not answer["done"]:
            locator = self.records.number("locator")
            self.records.put("locator", locator, {"rows": shown})
            answer["nextRecordsUrl"] = f"/services/data/v62.0/query/{locator}-{start + _PAGE}"
        return as_json({**answer, "records": shown[start : start + _PAGE]})

    def more(self, locator: str) -> Response:
        name, _, start = locator.partition("-")
        kept = self.records.get("locator", name)
        if kept is None or not start.isdigit():
            raise refuse(404, "INVALID_QUERY_LOCATOR")
        return self.page(kept["rows"], int(start))

    def rows(self, table: str, *, deleted: bool) -> list[Doc]:
        if table == "User":
            agents = self.records.all("agent")
            return [{"Id": one["id"], "Name": one["name"], "IsActive": one["active"]} for one in agents]
        cards = self.records.all("card", delayed=not deleted)
        return [_lead(card) for card in cards if deleted or not card["merged_into"]]


def _values(words: tuple[str, ...]) -> list[Doc]:
    return [{"active": True, "label": word, "value": word} for word in words]


def _in_collection(answer: Response) -> Doc:
    """What one record of a collection is answered: the code is called otherwise there."""
    said = answer.get_json()
    if isinstance(said, dict):
        return said
    errors = [{"statusCode": one["errorCode"], "message": one["message"], "fields": one["fields"]} for one in said]
    return {"success": False, "errors": errors, "created": False}


def _state(card: Doc) -> tuple[str, str]:
    """The status and the stage of a record."""
    status, stage = _STATES.get(card["status"], (card["status"], ""))
    return status, card.get("stage") or stage


def _lead(card: Doc) -> Doc:
    """A record of ours as a lead."""
    status, stage_name = _state(card)
    converted = status == _CONVERTED
    stage = {"StageName": stage_name, "LastModifiedDate": card["updated_at"]} if stage_name else None
    return {
        **{name: card.get(key) if card.get(key) != "" else None for name, key in LEAD.items()},
        "Status": status,
        "Id": card["card_id"],
        "IsConverted": converted,
        "ConvertedContactId": f"003{card['card_id'][3:]}" if converted else None,
        "ConvertedOpportunity": stage,
        "Why__c": card.get("reason"),
        "LastModifiedDate": card["updated_at"].replace("Z", "+0000"),
        "IsDeleted": bool(card["merged_into"]),
        "MasterRecordId": card["merged_into"] or None,
        "CreatedById": card["entered_by"],
    }


def add_routes(simulator: Simulator) -> None:
    """The whole interface."""
    on, org, data = simulator.route, _Org(simulator), "/services/data/v62.0"
    on("POST", "/services/oauth2/token", "token", org.token, guarded=False)
    on("GET", f"{data}/limits", "limits", org.limits)
    on("GET", f"{data}/sobjects/Lead/describe", "describe_lead", org.describe)
    on("GET", f"{data}/sobjects/Lead/<lead_id>", "get_lead", org.lead)
    on("GET", f"{data}/sobjects/Lead/{KEY}/<our_key>", "get_lead", org.lead_by_key)
    on("PATCH", f"{data}/sobjects/Lead/{KEY}/<our_key>", "upsert_lead", org.upsert, write=True, key=org.key)
    on("PATCH", f"{data}/sobjects/Lead/<lead_id>", "update_lead", org.update, write=True, key=org.key)
    many = f"{data}/composite/sobjects/Lead/{KEY}"
    on("PATCH", many, "upsert_leads_collection", org.upsert_many, write=True)
    on("POST", f"{data}/sobjects/Task", "create_task", org.create_task, write=True)
    on("GET", f"{data}/sobjects/Task/{KEY}/<our_key>", "get_task", org.task)
    on("PATCH", f"{data}/sobjects/Task/{KEY}/<our_key>", "write_task", org.upsert_task, write=True, key=org.task_key)
    on("GET", f"{data}/query", "query", org.query)
    on("GET", f"{data}/queryAll", "query", org.query_all)
    on("GET", f"{data}/query/<locator>", "query", org.more)
