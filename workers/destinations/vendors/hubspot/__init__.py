"""HubSpot as a destination. A contact stands for one guest card and is marked by ``leadsvc_key``, a contact property
that is unique; reading by it shows a write at once, while HubSpot's search lags by seconds."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import (
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    Outcome,
    OutcomePage,
    RemoteCard,
    RemoteOutcome,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.careful import read
from leadsvc.workers.destinations.entries import Entry, marked
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.http import Answer
from leadsvc.workers.destinations.jsonapi import JsonApi
from leadsvc.workers.destinations.vendors.hubspot import wire
from leadsvc.workers.destinations.vendors.hubspot.capabilities import BODY_MAX
from leadsvc.workers.destinations.vendors.hubspot.capabilities import CAPABILITIES as CAPABILITIES
from leadsvc.workers.destinations.vendors.hubspot.verdict import PREFIX, READS, names, record_id
from leadsvc.workers.destinations.vendors.hubspot.verdict import classify as classify
from leadsvc.workers.destinations.verdicts import moment, sound

_PAGE = 50  # what may be read at once with its history
_OVERLAP = timedelta(minutes=5)
_CONTACT_TO = {"note": 202, "task": 204}
_LISTS = {
    ConfigKind.PROPERTY: "property",
    ConfigKind.FLOOR_PLAN: "floor_plan",
    ConfigKind.UNIT: "unit",
    ConfigKind.SOURCE: "source",
}
_PRIORITY = {"low": "LOW", "normal": "MEDIUM", "high": "HIGH"}
_DONE = ("COMPLETED", "DEFERRED")


class HubSpot(JsonApi):
    """One HubSpot account."""

    CAPABILITIES = CAPABILITIES
    READS = frozenset(READS)
    _judge = staticmethod(classify)

    # -- one call -----------------------------------------------------------------------------------------------------

    @property
    def _prefix(self) -> str:
        return self._profile.options.get("property_prefix") or PREFIX

    def _objects(self, rest_of_path: str) -> str:
        return f"{self._profile.options.get('objects_path') or 'crm/v3/objects'}/{rest_of_path}"

    def _context(self, op: str, answer: Answer) -> rest.Json:
        zone = self._profile.options.get("time_zone", "")
        return {**answer.context(read=op in self.READS), "prefix": self._prefix, "time_zone": zone}

    def _given_token(self) -> str:
        return self._profile.credentials.get("access_token") or self._profile.api_key

    def _new_token(self) -> tuple[Result, str]:
        return self._granted("oauth/v1/token", "refresh_token", "client_id", "client_secret", "refresh_token")

    def check(self) -> Result:
        """Whether the token works and the account was set up: every contact property that is written must be there,
        and that of our key must be unique."""
        result, _ = self._ask("list_owners", "GET", "crm/v3/owners", params={"limit": "1"})
        if not result.ok:
            return result
        result, answer = self._ask("list_properties", "GET", "crm/v3/properties/contacts")
        if not result.ok:
            return result
        there = {rest.text(one.get("name")): one for one in rest.objects(rest.mapping(answer).get("results"))}
        missing = sorted(set(self._written_to()) - set(there))
        if missing:
            words = f"Make these contact properties in HubSpot: {', '.join(missing)}."
            return Result(outcome=Outcome.REJECT, code="properties_missing", message=words)
        key = there[f"{self._prefix}key"]
        if "hasUniqueValue" in key and not rest.yes(key["hasUniqueValue"]):
            words = f"The contact property {self._prefix}key must have unique values."
            return Result(outcome=Outcome.REJECT, code="key_not_unique", message=words)
        return result

    def _written_to(self) -> list[str]:
        """The contact properties that this account's cards are written to."""
        called = names(self._prefix)
        allowed = (*self._profile.allowed_fields, "our_key", "property_ref")
        second = [f"{self._prefix}email"] if "email" in allowed else []
        return [called[name] for name in allowed] + second

    # -- configuration ------------------------------------------------------------------------------------------------

    def _property(self, name: str) -> tuple[Result, object]:
        return self._ask("source_options", "GET", f"crm/v3/properties/contacts/{self._prefix}{name}")

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        if kind is ConfigKind.AGENT:
            return self._owners(cursor)
        result, answer = self._property(_LISTS[kind])
        if result.outcome is Outcome.REJECT and result.code == "OBJECT_NOT_FOUND":
            return Result(outcome=Outcome.ACCEPTED, empty=True), ConfigPage()
        found = rest.objects(rest.mapping(answer).get("options")) if result.ok else []
        return result, ConfigPage(items=tuple(wire.option(item) for item in found))

    def _owners(self, cursor: str) -> tuple[Result, ConfigPage]:
        params = {"limit": "100", "archived": "false"} | ({"after": cursor} if cursor else {})
        result, answer = self._ask("list_owners", "GET", "crm/v3/owners", params=params)
        words = rest.mapping(answer)
        items = tuple(wire.owner(item) for item in rest.objects(words.get("results"))) if result.ok else ()
        return result, ConfigPage(items=items, next_cursor=_after(words))

    # -- contacts -----------------------------------------------------------------------------------------------------

    def _wanted(self) -> list[str]:
        more = [f"{self._prefix}email", "lifecyclestage", "hs_lead_status", "hs_object_source"]
        return [*names(self._prefix).values(), *more]

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, card = self._read(at.card_id, {})
        if card is not None and card.card_id != at.card_id:
            # HubSpot answers the old id of a contact that was merged there with the one it was merged into.
            gone = replace(card, card_id=at.card_id, merged_into=card.card_id, our_key="")
            return read(result, gone), gone
        return result, card

    def _read(self, which: str, by: Mapping[str, str]) -> tuple[Result, RemoteCard | None]:
        path = self._objects(f"contacts/{rest.segment(which)}")
        params = {"properties": ",".join(self._wanted()), **by}
        result, answer = self._ask("get_contact", "GET", path, params=params)
        if not result.ok or result.empty:
            return result, None
        card = wire.remote_card(rest.mapping(answer), self._prefix)
        return read(result, card), card

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        if by == "our_key":
            result, card = self._read(value, {"idProperty": f"{self._prefix}key"})
            return result, (card,) if card else ()
        if by == "email":
            # The contact that has the address for its own is shown at once; those that share it, some seconds later.
            result, card = self._read(value, {"idProperty": "email"})
            found = [card] if card else []
            names = [f"{self._prefix}email"]
        else:
            result, found, names = Result(outcome=Outcome.ACCEPTED), [], ["phone", "mobilephone"]
        if not result.ok:
            return result, ()
        body: dict[str, object] = {
            "filterGroups": [{"filters": [{"propertyName": name, "operator": "EQ", "value": value}]} for name in names],
            "properties": self._wanted(),
            "limit": 100,
        }
        result, answer = self._ask("search_contact", "POST", self._objects("contacts/search"), json=body)
        if result.ok:
            found += [
                wire.remote_card(item, self._prefix) for item in rest.objects(rest.mapping(answer).get("results"))
            ]
        here = {
            card.card_id: card for card in found if property_ref in ("", card.property_ref) or not card.property_ref
        }
        return replace(result, empty=not here), tuple(here.values())

    def _create(self, card: CardPush, values: Values) -> Result:
        properties = wire.their_names(values, self._prefix) | {
            f"{self._prefix}key": card.our_key,
            f"{self._prefix}property": card.property_ref,
            "lifecyclestage": self._profile.options.get("lifecycle_stage") or "lead",
        }
        result = self._post_contact(properties)
        if result.outcome is not Outcome.DUPLICATE:
            return result
        looked, there = self._ours(card)
        if there is not None or not looked.ok:
            return read(result, there) if there is not None else looked
        looked, holder = self._read(result.card_id, {}) if result.card_id else (result, None)
        if holder is not None and not holder.our_key and _same_name(holder, values):
            words = "Somebody entered this person at the same time; it is looked up again."
            return Result(outcome=Outcome.RETRY, code="appeared", message=words)
        if "email" not in properties:
            return replace(result, outcome=Outcome.REJECT)
        return self._post_contact(_second(properties, self._prefix))

    def _post_contact(self, properties: Mapping[str, str]) -> Result:
        return self._ask("create_contact", "POST", self._objects("contacts"), json={"properties": properties})[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        properties = wire.their_names(changes, self._prefix)
        if claim:
            properties |= {f"{self._prefix}key": claim}
            properties |= {} if known.property_ref else {f"{self._prefix}property": card.property_ref}
        result = self._patch_contact(known.card_id, properties)
        taken = result.outcome is Outcome.REJECT and result.code in ("CONFLICT", "OBJECT_ALREADY_EXISTS", "http_409")
        if taken and "email" in properties:
            return self._patch_contact(known.card_id, _second(properties, self._prefix))
        return result

    def _patch_contact(self, card_id: str, properties: Mapping[str, str]) -> Result:
        path = self._objects(f"contacts/{rest.segment(card_id)}")
        return self._ask("update_contact", "PATCH", path, json={"properties": properties})[0]

    # -- what hangs on a contact --------------------------------------------------------------------------------------

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        kind = "tasks" if what == "task" else "notes"
        path = self._objects(f"contacts/{rest.segment(at.card_id)}/associations/{kind}")
        links: list[rest.Json] = []
        after = "0"
        while after:
            params = {"limit": "500", "after": after}
            result, answer = self._ask("list_associations", "GET", path, params=params)
            if not result.ok:
                return result, ()
            links += rest.objects(rest.mapping(answer).get("results"))
            after = _after(rest.mapping(answer))
        ids = list(dict.fromkeys(rest.text(one.get("toObjectId")) or rest.text(one.get("id")) for one in links))
        found: list[Entry] = []
        for start in range(0, len(ids), 100):
            body = {"inputs": [{"id": one} for one in ids[start : start + 100]], "properties": list(_PROPERTIES[kind])}
            result, answer = self._ask("find_entries", "POST", self._objects(f"{kind}/batch/read"), json=body)
            if not result.ok:
                return result, ()
            found += [_entry(item) for item in rest.objects(rest.mapping(answer).get("results"))]
        return result, tuple(found)

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        words = " ".join(filter(None, (f"({event.kind}, {source})" if source else f"({event.kind})", event.text)))
        properties = {
            "hs_timestamp": rest.iso(event.at),
            "hs_note_body": _html(marked(words, event.our_event_key, BODY_MAX)),
        }
        owner = {"hubspot_owner_id": event.agent_ref} if event.agent_ref else {}
        result = self._hang("create_note", at, "note", {**properties, **owner})
        if owner and result.outcome is Outcome.REJECT and "agent_ref" in result.field_errors:
            return replace(self._hang("create_note", at, "note", properties), fallbacks=("agent_ref",))
        return result

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        properties = {name: str(value) for name, value in self._task_says(task).items() if value}
        if there is not None:
            path = self._objects(f"tasks/{rest.segment(there.entry_id)}")
            return self._ask("update_task", "PATCH", path, json={"properties": properties})[0]
        new = {"hs_task_status": "NOT_STARTED", "hs_task_type": "TODO"}
        return self._hang("create_task", at, "task", {**properties, **new})

    def _hang(self, op: str, at: CardAt, kind: str, properties: Mapping[str, str]) -> Result:
        link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _CONTACT_TO[kind]}
        body = {"properties": properties, "associations": [{"to": {"id": at.card_id}, "types": [link]}]}
        return replace(self._ask(op, "POST", self._objects(f"{kind}s"), json=body)[0], card_id=at.card_id)

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        return {
            "hs_task_subject": sound(task.title),
            "hs_task_body": _html(marked(task.text, task.our_task_key, BODY_MAX)),
            "hs_timestamp": rest.iso(task.due_at),
            "hs_task_priority": _PRIORITY.get(task.priority, "MEDIUM"),
            "hubspot_owner_id": task.assignee_ref,
        }

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        walk = rest.Walk.of(since, cursor)
        filters = [
            {"propertyName": "lastmodifieddate", "operator": "GTE", "value": wire.millis(walk.start)},
            {"propertyName": f"{self._prefix}key", "operator": "HAS_PROPERTY"},
        ]
        body: dict[str, object] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
            "properties": [f"{self._prefix}key", "lifecyclestage", "hs_lead_status"],
            "limit": _PAGE,
        } | ({"after": walk.token} if walk.token else {})
        result, answer = self._ask("contacts_changed", "POST", self._objects("contacts/search"), json=body)
        words = rest.mapping(answer)
        changed = rest.objects(words.get("results")) if result.ok else []
        if not changed:
            return result, OutcomePage(cursor=cursor)
        result, told = self._histories([record_id(item) for item in changed])
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        after = _after(words)
        token = after if (rest.whole(after) or 0) < 9_000 else ""  # a search shows no more than its first 10,000
        on = walk.on((moment(rest.text(item.get("updatedAt")) or None) for item in changed), token, _OVERLAP)
        items = sorted((one for one in told if one.at >= walk.start), key=lambda one: one.at)
        return result, OutcomePage(items=tuple(items), cursor=on, more=bool(after))

    def _histories(self, ids: list[str]) -> tuple[Result, list[RemoteOutcome]]:
        body = {
            "inputs": [{"id": one} for one in ids],
            "properties": [f"{self._prefix}key", f"{self._prefix}lost_reason", "lifecyclestage", "hs_lead_status"],
            "propertiesWithHistory": ["lifecyclestage", "hs_lead_status"],
        }
        result, answer = self._ask("read_history", "POST", self._objects("contacts/batch/read"), json=body)
        found = rest.objects(rest.mapping(answer).get("results")) if result.ok else []
        return result, [one for item in found for one in wire.remote_outcomes(item, self._prefix)]


_PROPERTIES = {
    "notes": ("hs_note_body",),
    "tasks": (
        "hs_task_subject",
        "hs_task_body",
        "hs_timestamp",
        "hs_task_priority",
        "hs_task_status",
        "hubspot_owner_id",
    ),
}


def _after(words: rest.Json) -> str:
    """The token of the next page."""
    return rest.text(rest.mapping(rest.mapping(words.get("paging")).get("next")).get("after"))


def _second(properties: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The same with the address where it need not be unique."""
    others = {name: value for name, value in properties.items() if name != "email"}
    return others | {f"{prefix}email": properties["email"]}


def _same_name(card: RemoteCard, values: Values) -> bool:
    return all(
        card.fields.get(name, "").casefold() == str(values.get(name, "")).casefold()
        for name in ("first_name", "last_name")
    )


def _html(text: str) -> str:
    """Text as HubSpot shows it: its bodies are HTML."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _entry(item: rest.Json) -> Entry:
    properties = rest.mapping(item.get("properties"))
    says = {name: rest.text(properties.get(name)) for name in _PROPERTIES["tasks"] if name != "hs_task_status"}
    due = moment(says["hs_timestamp"] or None)
    return Entry(
        entry_id=record_id(item),
        text=rest.text(properties.get("hs_note_body")) or rest.text(properties.get("hs_task_body")),
        open=rest.text(properties.get("hs_task_status")).upper() not in _DONE,
        says=says | {"hs_timestamp": rest.iso(due) if due else says["hs_timestamp"]},
    )


DESTINATION = HubSpot
