"""The simulated PMS's wire: what its answers mean and what its records are in our words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from leadsvc.workers.destinations.base import (
    CARD_FIELDS,
    PERSON_FIELDS,
    CardKind,
    ConfigItem,
    ConfigKind,
    Outcome,
    OutcomeKind,
    RemoteCard,
    RemoteOutcome,
    RemotePerson,
    Result,
)
from leadsvc.workers.destinations.verdicts import header, json_object, moment, plain, sound, transport, unreadable

Json = Mapping[str, object]

# Operation -> the key that its good answer holds.
READS = {
    "check": "ok",
    "pull_config": "items",
    "search_cards": "guest_cards",
    "get_card": "guest_card",
    "find_events": "events",
    "find_tasks": "tasks",
    "pull_outcomes": "outcomes",
}
WRITES = {
    "create_card": "guest_card",
    "update_card": "guest_card",
    "add_person": "guest_card",
    "add_event": "event",
    "create_task": "task",
    "update_task": "task",
    "merge_cards": "guest_card",
    "unmerge_card": "guest_card",
}
# Creating answers 201; a 200 is suspicious enough to look again.
_CREATES = ("create_card", "add_person", "add_event", "create_task")

# Their name of a field -> ours, where they differ.
_OURS = {
    "floor_plan_id": "floor_plan_ref",
    "unit_id": "unit_ref",
    "source": "source_name",
    "agent_id": "agent_ref",
    "assignee_id": "assignee_ref",
    "property_id": "property_ref",
}
THEIRS = {ours: theirs for theirs, ours in _OURS.items()}

CONFIG_LISTS = {
    ConfigKind.PROPERTY: "properties",
    ConfigKind.FLOOR_PLAN: "floor_plans",
    ConfigKind.UNIT: "units",
    ConfigKind.AGENT: "agents",
    ConfigKind.SOURCE: "sources",
}
_CLOSED = ("denied", "cancelled", "lost")
# What 409 codes mean; any other is for a person.
_CONFLICTS = {
    "version_conflict": Outcome.RETRY,
    "already_merged": Outcome.DUPLICATE,
    "not_merged": Outcome.DUPLICATE,
}


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    if op not in READS and op not in WRITES:
        raise ValueError(f"simpms has no operation {op!r}; it has {', '.join(sorted({**READS, **WRITES}))}")
    context = {"read": op in READS, **context}
    verdict = transport(status, headers, context)
    if verdict is not None:
        return verdict
    answer = json_object(body)
    if 200 <= status < 300:
        if answer is None:
            return unreadable(context, "The answer is not JSON.")
        return _good(op, status, headers, answer, context)
    return _refused(op, status, answer, context)


def _good(op: str, status: int, headers: Mapping[str, str], answer: Json, context: Json) -> Result:
    ref = header(headers, "X-Request-Id")
    if op in READS:
        found = answer.get(READS[op])
        if found is None:
            return unreadable(context, f"The answer has no {READS[op]!r}.")
        card_id = text(found.get("id")) if isinstance(found, dict) else ""
        return Result(outcome=Outcome.ACCEPTED, empty=found == [], card_id=card_id, raw_ref=ref)
    item = answer.get(WRITES[op])
    if not isinstance(item, dict):
        return unreadable(context, f"The answer has no {WRITES[op]!r}.")
    own_id = text(item.get("id"))
    is_card = WRITES[op] == "guest_card"
    return Result(
        outcome=Outcome.ACCEPTED,
        card_id=own_id if is_card else text(item.get("card_id")),
        person_id=text(item.get("person_id")),
        event_id=own_id if op == "add_event" else "",
        task_id=own_id if WRITES[op] == "task" else "",
        version=text(item.get("version")),
        verified=bool(own_id) and (op not in _CREATES or status == 201),
        kept=_names(answer.get("kept")),
        raw_ref=ref,
    )


def _refused(op: str, status: int, answer: Json | None, context: Json) -> Result:
    error = (answer or {}).get("error")
    words: Json = error if isinstance(error, dict) else {}
    code = text(words.get("code")) or f"http_{status}"
    message = plain(text(words.get("message"))) or f"The destination answered {status}; check base_url."
    if status == 404 and op in READS and words.get("code") == "no_such_card":
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=message)
    if status == 403:
        return Result(outcome=Outcome.AUTH, code=code, message=message)
    if status == 409:
        outcome = _CONFLICTS.get(code, Outcome.REJECT)
        return Result(outcome=outcome, code=code, message=message, verify_first=outcome is Outcome.RETRY)
    fields = words.get("fields")
    errors: dict[str, tuple[str, ...]] = {}
    for name, said in (fields if isinstance(fields, dict) else {}).items():
        parts = said if isinstance(said, list) else [said]
        errors[_our(name)] = tuple(plain(text(part)) for part in parts)
    known = context.get("known_remote_id")
    return Result(outcome=Outcome.REJECT, code=code, message=message, field_errors=errors, card_id=text(known))


def text(value: object) -> str:
    """Text of a JSON scalar; the empty string for ``null`` and for anything nested."""
    return sound(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _names(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else []
    return tuple(_our(name) for name in names)


def _our(name: object) -> str:
    """Our name of one of their fields."""
    return _OURS.get(text(name), text(name))


def segment(remote_id: str) -> str:
    """An id as one segment of a path, whatever is in it."""
    return quote(remote_id, safe="")


def iso(at: datetime) -> str:
    """A time as the API wants it: UTC, milliseconds, ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def objects(value: object) -> list[Json]:
    """The objects of a list; one object alone counts as a list of one."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def remote_card(item: Json) -> RemoteCard:
    """Their guest card in our words."""
    kind, status = text(item.get("kind")), text(item.get("status"))
    known = kind in CardKind._value2member_map_
    closed = kind == CardKind.PROSPECT and status in _CLOSED
    fields = {name: text(item.get(THEIRS.get(name, name))) for name in CARD_FIELDS}
    return RemoteCard(
        card_id=text(item.get("id")),
        person_id=text(item.get("person_id")),
        status=CardKind.CLOSED if closed else CardKind(kind) if known else CardKind.OTHER,
        raw_status=status or kind,
        property_ref=text(item.get("property_id")),
        our_key=text(item.get("third_party_id")),
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=(fields["email"],) if fields["email"] else (),
        phones=(fields["phone"],) if fields["phone"] else (),
        source=fields["source_name"],
        entered_by=text(item.get("entered_by")),
        updated_at=moment(item.get("updated_at")),
        version=text(item.get("version")),
        merged_into=text(item.get("merged_into")),
        fields={name: value for name, value in fields.items() if value},
        agent_fields=frozenset(_names(item.get("agent_fields"))),
        others=tuple(map(_person, objects(item.get("people")))),
    )


def _person(item: Json) -> RemotePerson:
    return RemotePerson(
        person_id=text(item.get("person_id")),
        our_key=text(item.get("third_party_id")),
        fields={name: text(item.get(name)) for name in PERSON_FIELDS if text(item.get(name))},
    )


def config_item(item: Json) -> ConfigItem:
    """Their configuration entry in our words."""
    raw = item.get("raw")
    return ConfigItem(
        remote_id=text(item.get("id")),
        name=text(item.get("name")),
        code=text(item.get("id")),
        active=item.get("active") is not False,
        parent=text(item.get("parent")),
        raw=raw if isinstance(raw, dict) else {},
    )


def remote_outcome(item: Json) -> RemoteOutcome | None:
    """Their outcome in our words; ``None`` when it has no time or card. An unknown word is kept as it is."""
    at, word = moment(item.get("at")), text(item.get("kind"))
    if at is None or not text(item.get("card_id")):
        return None
    return RemoteOutcome(
        card_id=text(item.get("card_id")),
        person_id=text(item.get("person_id")),
        our_key=text(item.get("third_party_id")),
        kind=OutcomeKind(word) if word in OutcomeKind._value2member_map_ else OutcomeKind.OTHER,
        at=at,
        raw_status=word,
        lease_id=text(item.get("lease_id")),
        reason=text(item.get("reason")),
        remote_ref=text(item.get("seq")),
    )
