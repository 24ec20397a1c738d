"""Contacts, their properties, owners and tokens of the simulated HubSpot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from leadsvc.simulators.hubspot.answers import TOKEN_LIFE_S, body, error, invalid, refuse
from leadsvc.simulators.kit import Simulator
from leadsvc.simulators.manners import as_json
from leadsvc.simulators.records import Doc, new_card, now

# Contact property -> key of the record.
PROPERTIES = {
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "phone": "phone",
    "hubspot_owner_id": "agent_ref",
    "lifecyclestage": "stage",
    "hs_lead_status": "lead_status",
    "leadsvc_key": "our_key",
    "leadsvc_property": "property",
    "leadsvc_source": "source_name",
    "leadsvc_move_in": "move_in",
    "leadsvc_bedrooms_min": "bedrooms_min",
    "leadsvc_bedrooms_max": "bedrooms_max",
    "leadsvc_budget_max_cents": "budget_max_cents",
    "leadsvc_floor_plan": "floor_plan_ref",
    "leadsvc_unit": "unit_ref",
    "leadsvc_comment": "comment",
    "leadsvc_email": "second_email",
    "leadsvc_lost_reason": "lost_reason",
}
_OPTIONS = {
    "leadsvc_property": "property",
    "leadsvc_source": "source",
    "leadsvc_floor_plan": "floor_plan",
    "leadsvc_unit": "unit",
    "hubspot_owner_id": "agent",
}
_STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
)
_STAGE_OF = {"resident": "customer", "applicant": "opportunity"}
_TEXT_MAX = 65_536
_SEARCHED_MAX = 10_000


def edited(simulator: Simulator, card: Doc, words: Doc) -> None:
    """An agent picked a stage or a lead status."""
    word = str(words.get("outcome") or "")
    if not word:
        return
    name = "lifecyclestage" if word in _STAGES else "hs_lead_status"
    history = card.get("history") or {}
    entry = {"value": word, "timestamp": words.get("at") or now(), "sourceType": "CRM_UI"}
    history = {**history, name: [entry, *history.get(name, [])]}
    values = {PROPERTIES[name]: word, "history": history, "lost_reason": words.get("reason") or ""}
    simulator.records.change("card", card["card_id"], **values)


class _Contacts:
    """The views, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    def key(self, contact_id: str = "") -> str:
        """The card that a write is for."""
        given = request.get_json(silent=True)
        properties = given.get("properties") if isinstance(given, dict) else None
        ours = str(properties.get("leadsvc_key") or "") if isinstance(properties, dict) else ""
        card = self.records.get("card", contact_id) or {}
        return str(card.get("our_key") or "") or ours or contact_id

    def token(self) -> Response:
        known, form = self.simulator.credentials, request.form
        if form.get("grant_type") != "refresh_token" or any(
            form.get(name) != known[name] for name in ("client_id", "client_secret", "refresh_token")
        ):
            return error(400, "missing or invalid refresh token", "BAD_REFRESH_TOKEN")
        token = self.simulator.tokens.issue(TOKEN_LIFE_S)
        answer = {"access_token": token, "refresh_token": known["refresh_token"], "expires_in": int(TOKEN_LIFE_S)}
        return as_json({**answer, "token_type": "bearer"})

    def owners(self) -> Response:
        start, limit = int(request.args.get("after", "0")), int(request.args.get("limit", "100"))
        agents = self.records.all("agent")
        shown = [
            {
                "id": agent["id"],
                "firstName": agent["name"].partition(" ")[0],
                "lastName": agent["name"].partition(" ")[2],
                "archived": not agent["active"],
            }
            for agent in agents[start : start + limit]
        ]
        return as_json({"results": shown, **_paging(start + limit, len(agents))})

    def definitions(self) -> Response:
        found = [{"name": name, "hasUniqueValue": name == "leadsvc_key"} for name in PROPERTIES]
        return as_json({"results": found})

    def definition(self, name: str) -> Response:
        if name not in PROPERTIES:
            raise refuse(404, "resource not found")
        kind = _OPTIONS.get(name)
        value = "name" if kind == "source" else "id"
        options = [
            {"label": item["name"], "value": item[value], "displayOrder": place, "hidden": not item["active"]}
            for place, item in enumerate(self.records.all(kind) if kind else [])
        ]
        unique = name == "leadsvc_key"
        return as_json({"name": name, "label": name, "hasUniqueValue": unique, "options": options})

    # -- one contact --------------------------------------------------------------------------------------------------

    def create(self) -> Response:
        values = self.values(body().get("properties"), None)
        if not any(values.get(name) for name in ("email", "first_name", "last_name")):
            raise invalid([("email", "REQUIRED", "One of email, firstname and lastname is needed")])
        card_id = self.records.number("card")
        card = new_card(**{**values, "card_id": card_id, "person_id": card_id, "version": 1})
        card["history"] = {"lifecyclestage": [_api_entry(values["stage"])]} if values.get("stage") else {}
        self.records.put("card", card_id, card)
        return as_json(self.shown(card), 201)

    def get(self, contact_id: str) -> Response:
        card = self.find(contact_id, request.args.get("idProperty", ""))
        if card is None:
            raise refuse(404, "resource not found")
        seen = 0
        while card["merged_into"] and seen < 20:
            card, seen = self.records.get("card", card["merged_into"]) or card, seen + 1
        return as_json(self.shown(card, request.args.get("properties", "").split(",")))

    def find(self, value: str, by: str) -> Doc | None:
        if by == "email":
            return self.records.one("card", email=value.strip().lower(), merged_into="")
        if by == "leadsvc_key":
            return self.records.one("card", our_key=value, merged_into="")
        return self.records.get("card", value)

    def update(self, contact_id: str) -> Response:
        card = self.find(contact_id, request.args.get("idProperty", ""))
        if card is None or card["merged_into"]:
            raise refuse(404, "resource not found")
        values = self.values(body().get("properties"), card)
        return as_json(self.shown(self.records.change("card", card["card_id"], **values, updated_at=now())))

    def upsert(self) -> Response:
        results = []
        for one in body().get("inputs") or []:
            card = self.find(str(one.get("id", "")), str(one.get("idProperty", "")))
            values = self.values(one.get("properties"), card)
            if card is None:
                card_id = self.records.number("card")
                saved = self.records.put("card", card_id, new_card(**values, card_id=card_id, person_id=card_id))
            else:
                saved = self.records.change("card", card["card_id"], **values, updated_at=now())
            trace = {"objectWriteTraceId": one["objectWriteTraceId"]} if "objectWriteTraceId" in one else {}
            results.append({**self.shown(saved), "new": card is None, **trace})
        times = {"startedAt": now(), "completedAt": now()}
        return as_json({"status": "COMPLETE", "results": results, **times})

    def values(self, properties: object, card: Doc | None) -> Doc:
        """What the properties say by keys of the record; raises for what HubSpot refuses."""
        if not isinstance(properties, dict):
            raise refuse(400, "Invalid input JSON: properties are missing.")
        problems = [problem for name, value in properties.items() for problem in self.problems(name, value)]
        if problems:
            raise invalid(problems)
        values = {PROPERTIES[name]: value for name, value in properties.items()}
        if values.get("email"):
            values["email"] = str(values["email"]).strip().lower()
        for key in ("email", "our_key"):
            other = self.records.one("card", **{key: values[key]}, merged_into="") if values.get(key) else None
            if other is not None and (card is None or other["card_id"] != card["card_id"]):
                raise refuse(409, f"Contact already exists. Existing ID: {other['card_id']}")
        return values

    def problems(self, name: str, value: object) -> list[tuple[str, str, str]]:
        if name not in PROPERTIES:
            return [(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')]
        kind, words = _OPTIONS.get(name), str(value)
        if kind and words and self.records.config(kind, words) is None:
            return [(name, "INVALID_OPTION", f"{words} was not one of the allowed options")]
        if name == "email" and words and ("@" not in words or "." not in words.partition("@")[2]):
            return [(name, "INVALID_EMAIL", f"Email address {words} is invalid")]
        return [(name, "TOO_LONG", "The value is too long")] if len(words) > _TEXT_MAX else []

    def shown(self, card: Doc, wanted: list[str] | None = None) -> Doc:
        """A contact as the API shows it: the properties that were asked for, and those it always gives."""
        card = {**card, "stage": card.get("stage") or _STAGE_OF.get(card["status"], "lead")}
        names = [*(name for name in wanted or PROPERTIES if name in PROPERTIES), "leadsvc_key", "email"]
        values = {name: card.get(PROPERTIES[name]) for name in dict.fromkeys(names)}
        properties = {name: None if value in (None, "") else str(value) for name, value in values.items()}
        return {
            "id": card["card_id"],
            "properties": {**properties, "hs_object_id": card["card_id"]},
            "createdAt": card["created_at"],
            "updatedAt": card["updated_at"],
            "archived": False,
        }

    # -- many contacts ------------------------------------------------------------------------------------------------

    def search(self) -> Response:
        words = body()
        groups = words.get("filterGroups") or [{"filters": []}]
        found = [
            card
            for card in self.records.all("card", delayed=True, merged_into="")
            if any(all(_fits(self.shown(card), one) for one in group.get("filters", [])) for group in groups)
        ]
        for sort in words.get("sorts") or []:
            backwards = sort.get("direction") == "DESCENDING"
            found.sort(key=lambda card: str(card["updated_at"]), reverse=backwards)
        start, limit = int(words.get("after") or 0), int(words.get("limit") or 10)
        if start + limit > _SEARCHED_MAX:
            raise refuse(400, "The offset is too large.")
        shown = [self.shown(card, words.get("properties")) for card in found[start : start + limit]]
        return as_json({"total": len(found), "results": shown, **_paging(start + limit, len(found))})

    def read(self) -> Response:
        words = body()
        cards = [self.records.get("card", str(one.get("id"))) for one in words.get("inputs") or []]
        results = []
        for card in cards:
            if card is None or card["merged_into"]:
                continue
            asked = words.get("propertiesWithHistory") or []
            history = {name: (card.get("history") or {}).get(name, []) for name in asked}
            more = {"propertiesWithHistory": history} if asked else {}
            results.append({**self.shown(card, words.get("properties")), **more})
        return as_json({"status": "COMPLETE", "results": results})


def _api_entry(value: str) -> Doc:
    return {"value": value, "timestamp": now(), "sourceType": "API"}


def _paging(end: int, total: int) -> Doc:
    return {"paging": {"next": {"after": str(end), "link": f"?after={end}"}}} if end < total else {}


def _fits(contact: Doc, one: dict[str, Any]) -> bool:
    name, operator = one.get("propertyName"), one.get("operator")
    value = contact["properties"].get(str(name))
    if name == "lastmodifieddate":
        value = int(datetime.fromisoformat(contact["updatedAt"]).astimezone(UTC).timestamp() * 1000)
        return operator == "GTE" and value >= int(one.get("value", 0))
    if operator == "HAS_PROPERTY":
        return bool(value)
    return operator == "EQ" and bool(value) and str(value).lower() == str(one.get("value", "")).lower()


def add_routes(simulator: Simulator) -> None:
    """Everything about contacts."""
    on, views, objects = simulator.route, _Contacts(simulator), "/crm/v3/objects/contacts"
    on("POST", "/oauth/v1/token", "token", views.token, guarded=False)
    on("GET", "/crm/v3/owners", "list_owners", views.owners)
    on("GET", "/crm/v3/properties/contacts", "list_properties", views.definitions)
    on("GET", "/crm/v3/properties/contacts/<name>", "source_options", views.definition)
    on("POST", objects, "create_contact", views.create, write=True, key=views.key)
    on("POST", f"{objects}/search", "search_contact", views.search)
    on("POST", f"{objects}/batch/upsert", "batch_upsert_contacts", views.upsert, write=True)
    on("POST", f"{objects}/batch/read", "read_history", views.read)
    on("GET", f"{objects}/<contact_id>", "get_contact", views.get)
    on("PATCH", f"{objects}/<contact_id>", "update_contact", views.update, write=True, key=views.key)
