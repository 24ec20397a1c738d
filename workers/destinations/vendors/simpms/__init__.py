"""The simulated PMS as a destination. It stands for the careless kind: nothing makes its writes repeatable, so each
write looks first, and looks again whenever an answer leaves a doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from leadsvc.workers.destinations.base import (
    Capabilities,
    CardAt,
    CardPush,
    ConfigKind,
    ConfigPage,
    EventPush,
    NativeKey,
    Outcome,
    OutcomePage,
    RemoteCard,
    Result,
    TaskPush,
    UpdateMode,
)
from leadsvc.workers.destinations.careful import Careful, read
from leadsvc.workers.destinations.entries import Entry
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.vendors.simpms import wire
from leadsvc.workers.destinations.vendors.simpms.wire import classify as classify
from leadsvc.workers.destinations.verdicts import json_object, sound

EVENT_TEXT_MAX = 4000
# What only describes an event: left out where the account refuses it.
_DESCRIPTIVE = ("source", "agent_id")

CAPABILITIES = Capabilities(
    label="SimPMS, the simulated PMS",
    native_key=NativeKey.NONE,
    returns_card_id="always",
    update_mode=UpdateMode.VERSIONED,
    verify="get",
    needs_source=True,
    has_task=True,
    has_appointment=True,
    has_event=True,
    can_merge=True,
    co_prospects=True,
    find_by=("our_key", "remote_id", "email", "phone"),
    required=("last_name", "source_name"),
    max_len={
        "first_name": 40,
        "last_name": 40,
        "email": 80,
        "phone": 20,
        "comment": 2000,
        "event_text": EVENT_TEXT_MAX,
    },
    on_duplicate="Makes a second guest card when asked twice.",
    ids="Every answer carries the id of what was written; our key has a field of its own.",
    corrections={"merge": "", "unmerge": "", "contact": "", "source": "", "event": ""},
)


class SimPms(Careful):
    """One account at a simulated PMS."""

    CAPABILITIES = CAPABILITIES

    def check(self) -> Result:
        return self._ask("check", "GET", "ping")[0]

    def pull_config(self, kind: ConfigKind, cursor: str = "") -> tuple[Result, ConfigPage]:
        path = f"config/{wire.CONFIG_LISTS[kind]}"
        result, answer = self._ask("pull_config", "GET", path, params={"page": cursor or "1"})
        items = tuple(wire.config_item(item) for item in wire.objects(answer.get("items"))) if result.ok else ()
        return result, ConfigPage(items=items, next_cursor=wire.text(answer.get("next_page")))

    def _ask(
        self,
        op: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> tuple[Result, wire.Json]:
        """One call, judged, and its JSON object (empty when it has none)."""
        headers = {"X-Api-Key": self._profile.api_key}
        answer = self._door.call(op, method, f"api/v1/{path}", params=params, json=json, headers=headers)
        context = answer.context(read=op in wire.READS)
        result = wire.classify(op, answer.status, answer.headers, answer.body, context)
        return self._said(result, answer), json_object(answer.body) or {}

    # Cards

    def get_card(self, at: CardAt) -> tuple[Result, RemoteCard | None]:
        result, answer = self._ask("get_card", "GET", f"guest-cards/{wire.segment(at.card_id)}")
        found = wire.objects(answer.get("guest_card")) if result.ok and not result.empty else []
        card = wire.remote_card(found[0]) if found else None
        return read(result, card) if card else result, card

    def _search(self, by: str, value: str, property_ref: str) -> tuple[Result, tuple[RemoteCard, ...]]:
        if by == "our_key":
            params = {"third_party_id": value}
        else:
            params = {by: value} | ({"property_id": property_ref} if property_ref else {})
        result, answer = self._ask("search_cards", "GET", "guest-cards", params=params)
        found = wire.objects(answer.get("guest_cards")) if result.ok else []
        return result, tuple(wire.remote_card(item) for item in found)

    def _create(self, card: CardPush, values: Values) -> Result:
        ours = {
            "property_id": card.property_ref,
            "third_party_id": card.our_key,
            "third_party_person_id": card.person_key,
        }
        return self._ask("create_card", "POST", "guest-cards", json={**_their_names(values), **ours})[0]

    def _change(self, card: CardPush, known: RemoteCard, changes: Values, claim: str) -> Result:
        ours = {"third_party_id": claim} if claim else {}
        body = {**_their_names(changes), **ours, "version": known.version}
        return self._ask("update_card", "PATCH", f"guest-cards/{wire.segment(known.card_id)}", json=body)[0]

    def _add_person(self, card: CardPush, known: RemoteCard, values: Values) -> Result:
        body = {**values, "third_party_id": card.our_key}
        return self._ask("add_person", "POST", f"guest-cards/{wire.segment(known.card_id)}/people", json=body)[0]

    def _merge(self, loser: CardAt, survivor: CardAt) -> Result:
        path = f"guest-cards/{wire.segment(loser.card_id)}/merge"
        return self._ask("merge_cards", "POST", path, json={"into": survivor.card_id})[0]

    def _unmerge(self, at: CardAt) -> Result:
        return self._ask("unmerge_card", "POST", f"guest-cards/{wire.segment(at.card_id)}/unmerge")[0]

    # What hangs on a card

    def add_event(self, at: CardAt, event: EventPush) -> Result:
        result = super().add_event(at, event)
        return self._at_survivor(at, result, lambda there: self.add_event(there, event))

    def put_task(self, at: CardAt, task: TaskPush) -> Result:
        result = super().put_task(at, task)
        return self._at_survivor(at, result, lambda there: self.put_task(there, task))

    def _at_survivor(self, at: CardAt, result: Result, act: Callable[[CardAt], Result]) -> Result:
        """Do it at the card that stands for this one now, where somebody merged it there."""
        if result.code != "merged":
            return result
        looked, card = self.get_card(at)
        if card is None or not card.merged_into:
            return replace(looked, outcome=Outcome.RETRY) if looked.ok else looked
        looked, survivor = self._survivor(card)
        return looked if survivor is None else act(replace(at, card_id=survivor.card_id))

    def _entries(self, at: CardAt, what: str, key: str) -> tuple[Result, tuple[Entry, ...]]:
        op, name = ("find_events", "events") if what == "event" else ("find_tasks", "tasks")
        path = f"guest-cards/{wire.segment(at.card_id)}/{name}"
        result, answer = self._ask(op, "GET", path, params={"reference": key})
        return result, tuple(_entry(one) for one in wire.objects(answer.get(name))) if result.ok else ()

    def _write_event(self, at: CardAt, event: EventPush, source: str) -> Result:
        body: dict[str, object] = {
            "reference": event.our_event_key,
            "kind": event.kind,
            "at": wire.iso(event.at),
            "text": sound(event.text)[:EVENT_TEXT_MAX],
            "source": source,
            "agent_id": event.agent_ref,
        }
        return self._post_event(at, body)

    def _post_event(self, at: CardAt, body: Mapping[str, object]) -> Result:
        result, _ = self._ask("add_event", "POST", f"guest-cards/{wire.segment(at.card_id)}/events", json=body)
        refused = {wire.THEIRS.get(name, name) for name in result.field_errors}
        if refused and all(name in _DESCRIPTIVE and body[name] for name in refused):
            again = self._post_event(at, {**body, **dict.fromkeys(refused, "")})
            return replace(again, fallbacks=tuple(result.field_errors))
        return result

    def _write_task(self, at: CardAt, task: TaskPush, there: Entry | None) -> Result:
        body = self._task_says(task)
        if there is not None:
            return self._ask("update_task", "PATCH", f"tasks/{wire.segment(there.entry_id)}", json=body)[0]
        path = f"guest-cards/{wire.segment(at.card_id)}/tasks"
        return self._ask("create_task", "POST", path, json={**body, "reference": task.our_task_key})[0]

    def _task_says(self, task: TaskPush) -> Mapping[str, object]:
        return {
            "title": sound(task.title),
            "text": sound(task.text),
            "due_at": wire.iso(task.due_at),
            "assignee_id": task.assignee_ref,
            "priority": task.priority,
            "kind": task.kind,
        }

    def pull_outcomes(self, since: datetime, cursor: str = "") -> tuple[Result, OutcomePage]:
        # With a cursor the time is left out: an agent may note today what happened last week.
        params = {"after": cursor} if cursor else {"since": wire.iso(since)}
        result, answer = self._ask("pull_outcomes", "GET", "outcomes", params=params)
        if not result.ok:
            return result, OutcomePage(cursor=cursor)
        items = [wire.remote_outcome(item) for item in wire.objects(answer.get("outcomes"))]
        page = OutcomePage(
            items=tuple(one for one in items if one is not None),
            cursor=wire.text(answer.get("after")) or cursor,
            more=answer.get("more") is True,
        )
        return result, page


def _their_names(values: Values) -> dict[str, object]:
    return {wire.THEIRS.get(name, name): value for name, value in values.items()}


def _entry(item: wire.Json) -> Entry:
    return Entry(
        entry_id=wire.text(item.get("id")),
        text=wire.text(item.get("text")),
        our_key=wire.text(item.get("reference")),
        open=item.get("status") in (None, "open"),
        says=item,
    )


DESTINATION = SimPms
