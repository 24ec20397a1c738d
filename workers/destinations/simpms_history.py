"""Events and tasks at the simulated PMS. It would take each of them twice, so each is looked for by our key first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from leadsvc.workers.destinations import simpms_wire as wire
from leadsvc.workers.destinations.base import EventPush, Outcome, Result, TaskPush
from leadsvc.workers.destinations.filling import source_name
from leadsvc.workers.destinations.presence import confirmed, doubtful
from leadsvc.workers.destinations.simpms_line import Line
from leadsvc.workers.destinations.verdicts import sound

EVENT_TEXT_MAX = 4000
# What only describes an event: left out where the account refuses it.
_DESCRIPTIVE = ("source", "agent_id")

Body = dict[str, object]


class History(Line):
    """What hangs on a card."""

    def find_event(self, card_id: str, our_event_key: str) -> Result:
        result, found = self._hanging("find_events", card_id, "events", our_event_key)
        return replace(result, event_id=wire.text(found.get("id")) if found else "")

    def add_event(self, card_id: str, event: EventPush) -> Result:
        there = self.find_event(card_id, event.our_event_key)
        if there.event_id:
            return replace(there, outcome=Outcome.DUPLICATE)
        if not there.ok:
            return there
        source, fallen = (
            source_name(event.source_name, self._profile, event.source_named) if event.source_name else ("", False)
        )
        body: Body = {
            "reference": event.our_event_key,
            "kind": event.kind,
            "at": wire.iso(event.at),
            "text": sound(event.text)[:EVENT_TEXT_MAX],
            "source": source,
            "agent_id": event.agent_ref,
        }
        result = self._post_event(card_id, body)
        if result.code == "merged":
            return self._at_survivor(card_id, lambda survivor: self.add_event(survivor, event))
        return replace(result, fallbacks=tuple({*result.fallbacks, "source_name"})) if fallen else result

    def _post_event(self, card_id: str, body: Body) -> Result:
        result, _ = self._ask("add_event", "POST", f"guest-cards/{wire.segment(card_id)}/events", json=body)
        refused = {wire.THEIRS.get(name, name) for name in result.field_errors}
        if refused and all(name in _DESCRIPTIVE and body[name] for name in refused):
            again = self._post_event(card_id, {**body, **dict.fromkeys(refused, "")})
            return replace(again, fallbacks=tuple(result.field_errors))
        if not doubtful(result):
            return result
        looked = self.find_event(card_id, str(body["reference"]))
        return confirmed(result, looked, bool(looked.event_id))

    def find_task(self, card_id: str, our_task_key: str) -> Result:
        result, found = self._hanging("find_tasks", card_id, "tasks", our_task_key)
        return replace(result, task_id=wire.text(found.get("id")) if found else "")

    def put_task(self, card_id: str, task: TaskPush) -> Result:
        there, found = self._hanging("find_tasks", card_id, "tasks", task.our_task_key)
        if not there.ok:
            return there
        body: Body = {
            "title": sound(task.title),
            "text": sound(task.text),
            "due_at": wire.iso(task.due_at),
            "assignee_id": task.assignee_ref,
            "priority": task.priority,
            "kind": task.kind,
        }
        if found is not None and (found.get("status") != "open" or _says(found, body)):
            # A task that somebody closed there is done; opening it again would be work for nobody.
            return replace(there, outcome=Outcome.DUPLICATE, task_id=wire.text(found.get("id")), card_id=card_id)
        result = self._write_task(card_id, task.our_task_key, body, wire.text((found or {}).get("id")))
        if result.code == "merged":
            return self._at_survivor(card_id, lambda survivor: self.put_task(survivor, task))
        return result

    def _write_task(self, card_id: str, key: str, body: Body, task_id: str) -> Result:
        if task_id:
            result, _ = self._ask("update_task", "PATCH", f"tasks/{wire.segment(task_id)}", json=body)
        else:
            path = f"guest-cards/{wire.segment(card_id)}/tasks"
            result, _ = self._ask("create_task", "POST", path, json={**body, "reference": key})
        if "assignee_ref" in result.field_errors and body["assignee_id"]:
            spare = self._profile.fallback_agent
            other = spare if spare != body["assignee_id"] else ""
            again = self._write_task(card_id, key, {**body, "assignee_id": other}, task_id)
            return replace(again, fallbacks=("assignee_ref",))
        if not doubtful(result):
            return result
        looked, found = self._hanging("find_tasks", card_id, "tasks", key)
        looked = replace(looked, task_id=wire.text((found or {}).get("id")))
        return confirmed(result, looked, found is not None and _says(found, body))

    def _hanging(self, op: str, card_id: str, what: str, key: str) -> tuple[Result, wire.Json | None]:
        """The first event or task of a card that carries our key."""
        path = f"guest-cards/{wire.segment(card_id)}/{what}"
        result, answer = self._ask(op, "GET", path, params={"reference": key})
        found = [one for one in wire.objects(answer.get(what)) if one.get("reference") == key] if result.ok else []
        return replace(result, empty=result.ok and not found, card_id=card_id), found[0] if found else None

    def _at_survivor(self, card_id: str, act: Callable[[str], Result]) -> Result:
        """Do it at the card that stands for ``card_id`` now: somebody merged it there."""
        looked, card = self.get_card(card_id)
        if card is None or not card.merged_into:
            return replace(looked, outcome=Outcome.RETRY) if looked.ok else looked
        looked, survivor = self._survivor(card)
        return looked if survivor is None else act(survivor.card_id)


def _says(theirs: wire.Json, ours: Body) -> bool:
    """Whether their record holds all that we would write."""
    return all((theirs.get(name) or "") == (value or "") for name, value in ours.items())
