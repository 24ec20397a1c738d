"""Notes and tasks of the simulated HubSpot, and what they are associated with."""

from __future__ import annotations

from flask import Response, request

from leadsvc.simulators.hubspot.answers import body, invalid, refuse
from leadsvc.simulators.kit import Simulator
from leadsvc.simulators.manners import as_json
from leadsvc.simulators.records import Doc, now

_OWNER = {"hubspot_owner_id": "assignee_ref", "hs_timestamp": "due_at"}
_KEYS = {
    "notes": {"hs_note_body": "text", "hs_timestamp": "at", "hubspot_owner_id": "agent_ref"},
    "tasks": {
        **_OWNER,
        "hs_task_subject": "title",
        "hs_task_body": "text",
        "hs_task_status": "status",
        "hs_task_priority": "priority",
        "hs_task_type": "kind",
    },
}
_DOCS = {"notes": ("event", "event_id"), "tasks": ("task", "task_id")}
_LINK = {"notes": 202, "tasks": 204}
_PRIORITIES = ("LOW", "MEDIUM", "HIGH")


class _Entries:
    """The views, over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records = simulator.records

    def key(self, **_: str) -> str:
        """The card that a write is for."""
        given = request.get_json(silent=True)
        links = given.get("associations") if isinstance(given, dict) else None
        contact = str(links[0].get("to", {}).get("id", "")) if links else ""
        return str((self.records.get("card", contact) or {}).get("our_key") or contact)

    def create_note(self) -> Response:
        return self.create("notes")

    def create_task(self) -> Response:
        return self.create("tasks")

    def create(self, what: str) -> Response:
        words = body()
        links = words.get("associations") or []
        contact = str(links[0]["to"]["id"]) if links else ""
        if self.records.get("card", contact) is None:
            raise refuse(404, "resource not found")
        if links[0]["types"][0]["associationTypeId"] != _LINK[what]:
            raise refuse(400, "The association type does not fit the objects.")
        kind, own = _DOCS[what]
        entry_id = self.records.number(kind)
        values = {"status": "", "text": "", **self.values(what, words.get("properties") or {}, new=True)}
        doc = self.records.put(kind, entry_id, {**values, own: entry_id, "card_id": contact, "created_at": now()})
        return as_json(self.shown(what, doc), 201)

    def update_task(self, entry_id: str) -> Response:
        if self.records.get("task", entry_id) is None:
            raise refuse(404, "resource not found")
        values = self.values("tasks", body().get("properties") or {}, new=False)
        return as_json(self.shown("tasks", self.records.change("task", entry_id, **values)))

    def values(self, what: str, properties: Doc, *, new: bool) -> Doc:
        problems = [
            (name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
            for name in properties
            if name not in _KEYS[what]
        ]
        owner = str(properties.get("hubspot_owner_id") or "")
        if owner and self.records.config("agent", owner) is None:
            problems.append(("hubspot_owner_id", "INVALID_OPTION", f"{owner} was not one of the allowed options"))
        if new and not properties.get("hs_timestamp"):
            problems.append(("hs_timestamp", "REQUIRED_FIELD", "hs_timestamp is required"))
        if properties.get("hs_task_priority") not in (None, *_PRIORITIES):
            problems.append(("hs_task_priority", "INVALID_OPTION", "was not one of the allowed options"))
        if problems:
            raise invalid(problems)
        return {_KEYS[what][name]: value for name, value in properties.items()}

    def shown(self, what: str, doc: Doc) -> Doc:
        own = doc[_DOCS[what][1]]
        properties = {name: doc.get(key) for name, key in _KEYS[what].items()}
        return {
            "id": own,
            "properties": {**properties, "hs_object_id": own},
            "createdAt": doc["created_at"],
            "updatedAt": doc["created_at"],
            "archived": False,
        }

    def linked(self, contact_id: str, what: str) -> Response:
        if what not in _DOCS or self.records.get("card", contact_id) is None:
            raise refuse(404, "resource not found")
        kind, own = _DOCS[what]
        start, limit = int(request.args.get("after", "0")), int(request.args.get("limit", "500"))
        docs = self.records.all(kind, card_id=contact_id)
        found = [{"id": doc[own], "type": f"contact_to_{kind}"} for doc in docs[start : start + limit]]
        more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(docs) else {}
        return as_json({"results": found, **more})

    def read(self, what: str) -> Response:
        kind = _DOCS[what][0] if what in _DOCS else ""
        docs = [self.records.get(kind, str(one.get("id"))) for one in body().get("inputs") or []]
        return as_json({"status": "COMPLETE", "results": [self.shown(what, doc) for doc in docs if doc is not None]})


def add_routes(simulator: Simulator) -> None:
    """Everything about notes and tasks."""
    on, views = simulator.route, _Entries(simulator)
    on("POST", "/crm/v3/objects/notes", "create_note", views.create_note, write=True, key=views.key)
    on("POST", "/crm/v3/objects/tasks", "create_task", views.create_task, write=True, key=views.key)
    on("PATCH", "/crm/v3/objects/tasks/<entry_id>", "update_task", views.update_task, write=True)
    on("GET", "/crm/v3/objects/contacts/<contact_id>/associations/<what>", "list_associations", views.linked)
    on("POST", "/crm/v3/objects/<what>/batch/read", "find_entries", views.read)
