"""What hangs on a guest card: events, tasks, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadsvc.simulators.simpms import cards
from leadsvc.simulators.simpms.state import Row, State, now

_TASK_FIELDS = ("title", "text", "due_at", "assignee_id", "priority", "status")
_EVENT_TEXT_MAX = 4000
# What an outcome makes of the person; the others leave the kind as it is.
_KIND_AFTER = {
    "applied": "applicant",
    "approved": "applicant",
    "leased": "resident",
    "moved_in": "resident",
    "denied": "prospect",
    "cancelled": "prospect",
}


def _shown(row: Row, key: str) -> Row:
    return {"id": row[key], **{name: value for name, value in row.items() if name != key}}


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _not_text(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Every value of an event or task is text."""
    return {name: ["must be text"] for name, value in body.items() if value is not None and not isinstance(value, str)}


def _with_merged(state: State, card_id: str) -> tuple[str, ...]:
    merged = state.rows("SELECT card_id FROM cards WHERE merged_into = ?", card_id)
    return (card_id, *(str(row["card_id"]) for row in merged))


def _of_card(state: State, table: str, key: str, card_id: str, reference: str) -> list[Row]:
    cards.get(state, card_id)
    found: list[Row] = []
    for one in _with_merged(state, card_id):
        # The table is one of two words of this module.
        found += state.rows(f"SELECT * FROM {table} WHERE card_id = ? ORDER BY created_at, rowid", one)  # noqa: S608
    return [_shown(row, key) for row in found if not reference or row["reference"] == reference]


def events(state: State, card_id: str, reference: str = "") -> list[Row]:
    """Events of a card and of those merged into it, oldest first."""
    return _of_card(state, "events", "event_id", card_id, reference)


def tasks(state: State, card_id: str, reference: str = "") -> list[Row]:
    """Tasks of a card and of those merged into it, oldest first."""
    return _of_card(state, "tasks", "task_id", card_id, reference)


def add_event(state: State, card_id: str, body: Mapping[str, Any]) -> Row:
    """A new event, also when one with this reference is there."""
    errors = _not_text(body)
    if not body.get("kind"):
        errors["kind"] = ["is required"]
    if not _is_time(body.get("at")):
        errors["at"] = ["must be an ISO time with offset"]
    if len(str(body.get("text") or "")) > _EVENT_TEXT_MAX:
        errors["text"] = [f"is longer than {_EVENT_TEXT_MAX} characters"]
    event_id = state.new_id("e", "events", "event_id")
    with state.writing() as connection:
        card = cards.live(state, card_id)
        errors |= cards.check(
            state, card["property_id"], {"source": body.get("source"), "agent_id": body.get("agent_id")}
        )
        if errors:
            raise cards.Refused(422, "invalid", "The event was not accepted.", errors)
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (event_id, card_id, body.get("reference"), body["kind"], body["at"], body.get("text") or "",
             body.get("source"), body.get("agent_id"), now()),
        )  # fmt: skip
    return {"id": event_id, "card_id": card_id, "reference": body.get("reference")}


def _task_errors(state: State, home: str, body: Mapping[str, Any], new: bool) -> dict[str, list[str]]:
    errors = _not_text(body)
    if (new or "title" in body) and not body.get("title"):
        errors["title"] = ["is required"]
    if (new or "due_at" in body) and not _is_time(body.get("due_at")):
        errors["due_at"] = ["must be an ISO time with offset"]
    if body.get("assignee_id") and not cards.agent_works_at(state, str(body["assignee_id"]), home):
        errors["assignee_id"] = ["is not an active agent of this property"]
    return errors


def add_task(state: State, card_id: str, body: Mapping[str, Any]) -> Row:
    """A new task, also when one with this reference is there; without assignee it waits in the property's queue."""
    task_id = state.new_id("t", "tasks", "task_id")
    with state.writing() as connection:
        card = cards.live(state, card_id)
        errors = _task_errors(state, card["property_id"], body, new=True)
        if errors:
            raise cards.Refused(422, "invalid", "The task was not accepted.", errors)
        at = now()
        connection.execute(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (task_id, card_id, body.get("reference"), body.get("kind") or "task", body["title"],
             body.get("text") or "", body["due_at"], body.get("assignee_id"), body.get("priority") or "normal",
             "open", at, at),
        )  # fmt: skip
    return {"id": task_id, "card_id": card_id, "reference": body.get("reference")}


def change_task(state: State, task_id: str, body: Mapping[str, Any]) -> Row:
    """Move or reassign an open task."""
    with state.writing() as connection:
        task = state.row("SELECT * FROM tasks WHERE task_id = ?", task_id)
        if task is None:
            raise cards.Refused(404, "no_such_task", "There is no task with this id.")
        if task["status"] != "open":
            raise cards.Refused(409, "not_editable", "This task is closed.")
        errors = _task_errors(state, cards.get(state, task["card_id"])["property_id"], body, new=False)
        if errors:
            raise cards.Refused(422, "invalid", "The task was not changed.", errors)
        changes = {name: body[name] for name in _TASK_FIELDS if name in body}
        names = "".join(f"{name} = ?, " for name in changes)
        connection.execute(
            f"UPDATE tasks SET {names}updated_at = ? WHERE task_id = ?",  # noqa: S608 - names from _TASK_FIELDS
            (*changes.values(), now(), task_id),
        )
        changed = state.row("SELECT * FROM tasks WHERE task_id = ?", task_id) or {}
        return _shown(changed, "task_id")


def record_outcome(state: State, card_id: str, body: Mapping[str, Any]) -> Row:
    """An agent notes what became of a card; any word is taken, as real systems let people add their own."""
    with state.writing() as connection:
        card = cards.get(state, card_id)
        kind = str(body.get("outcome") or "")
        at = str(body.get("at") or now())
        if not _is_time(at):
            raise cards.Refused(422, "invalid", "The outcome was not noted.", {"at": ["must be ISO with offset"]})
        written = connection.execute(
            "INSERT INTO outcomes (card_id, kind, at, by_whom, lease_id, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (card_id, kind, at, body.get("agent_id") or "", body.get("lease_id"), body.get("reason")),
        )
        cards.write(connection, card_id, {"status": kind, "kind": _KIND_AFTER.get(kind, card["kind"])})
        return {"seq": written.lastrowid, "card_id": card_id, "kind": kind, "at": at}


def outcomes(state: State, since: str, after: int, size: int) -> list[Row]:
    """Outcomes in the order they were noted, from a time or after a sequence number."""
    sql = (
        "SELECT o.*, c.person_id, c.third_party_id FROM outcomes o JOIN cards c USING (card_id)"
        " WHERE o.seq > ? AND julianday(o.at) >= julianday(?) ORDER BY o.seq LIMIT ?"
    )
    return state.rows(sql, after, since or "1970-01-01T00:00:00Z", size)
