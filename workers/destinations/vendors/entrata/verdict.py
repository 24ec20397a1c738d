"""What Entrata's answers mean. Nearly everything comes with HTTP 200: the envelope has a code, an error or a result,
and in the result each prospect has a status of its own. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.lenient import (
    Front,
    has,
    pick,
    remote_id,
    says_nothing_found,
    spoken,
    throttling,
    told,
    within,
)
from leadsvc.workers.destinations.rest import Json, known_op, objects, parse, text, whole
from leadsvc.workers.destinations.verdicts import unreadable

# Operation -> where its good answer keeps what was asked for.
READS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "get_leads_by_email": (("prospects",),),
    "get_leads_by_phone": (("prospects",),),
    "get_lead": (("prospects",),),
    "get_lead_events": (("prospects",),),
    "get_leads_outcomes": (("prospects",),),
    "get_lead_pick_lists": (("Property",), ("EventTypes",), ("LeadStatuses",)),
    "get_lead_pick_lists_r2": (("property",), ("eventTypes",), ("eventSubTypes",), ("leadStatuses",)),
    "get_properties": (("PhysicalProperty", "Property"),),
    "get_floor_plans": (("FloorPlans", "FloorPlan"),),
    "get_units": (("PropertyUnits", "PropertyUnit"), ("Properties", "Property")),
    "get_status": (("status",),),
}
WRITES = ("send_leads", "update_leads")
_LEADS = frozenset(name for name, paths in READS.items() if paths == (("prospects",),))

_DONE = ("success", "successful", "ok", "created", "saved", "updated", "accepted", "completed", "added")
_WAITING = ("queued", "pending", "processing", "in progress", "warning", "partial", "received")
_FAILED = ("error", "fail", "invalid", "reject", "denied", "refused", "not ")
_AUTH_CODES = (401, 403, 407)
_BUSY_CODES = (408, 423, 425)
_FRONT = Front(name="The gateway", refused="the key, the address or the method", look_at="base_url and the subdomain")


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("entrata", op, (*READS, *WRITES))
    context = {"read": op in READS, **context}
    if status in (0, 401, 407, 429) or 300 <= status < 400:
        return _by_status(status, headers, body, context)
    answer = envelope(parse(body))
    error = _error(answer) if answer is not None else None
    if answer is not None and error is not None:
        return _refused(op, error if status != 403 else (403, error[1]), headers, context)
    if status >= 400:
        return _by_status(status, headers, body, context)
    if answer is None:
        return unreadable(context, "The answer is not the JSON of the gateway.")
    return _read(op, answer, context) if op in READS else _written(op, answer, headers, context)


def _by_status(status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """An answer that is no refusal of the envelope's; a record that is locked there will be free again."""
    if status == 423:
        return told(Outcome.RETRY, ("The record is locked there.",), headers, context, code="http_423")
    return _FRONT.says(status, headers, context, text(within(envelope(parse(body)), "error", "message")))


def envelope(value: object) -> Json | None:
    """What is inside ``response``, or the whole where there is none; a bare list is a result."""
    inner = pick(value, "response")
    value = value if inner is None else inner
    if isinstance(value, str):  # the whole answer as text in a text
        value = parse(value.encode())
    if isinstance(value, list):
        return {"code": 200, "result": value} if value and objects(value) else None
    return value if isinstance(value, Mapping) else None


def _error(answer: Json) -> tuple[int | None, str] | None:
    """Code and words of an error; ``None`` where the envelope holds none."""
    error, code = pick(answer, "error", "errors"), whole(pick(answer, "code", "statusCode"))
    if isinstance(error, list):
        error = next(iter(objects(error)), None) or next((one for one in error if isinstance(one, str)), None)
    if isinstance(error, Mapping) and error:
        inner = whole(pick(error, "code", "errorCode"))
        return (inner if inner is not None else _failed(code)), text(pick(error, "message", "description", "text"))
    if isinstance(error, str) and error.strip():
        return _failed(code), error
    if _failed(code) is not None:
        return code, text(pick(answer, "message", "description")) or text(within(answer, "result", "message"))
    return None


def _failed(code: int | None) -> int | None:
    return None if code is None or 200 <= code < 300 else code


def _refused(op: str, error: tuple[int | None, str], headers: Mapping[str, str], context: Json) -> Result:
    code, words = error
    name = "" if code is None else str(code)
    if code is None and not words:
        return unreadable(context, "The answer holds an error that says nothing.")
    if op in _LEADS and code not in _AUTH_CODES and (code or 0) < 500 and says_nothing_found(words):
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=name, message="No leads found.")
    outcome = _outcome(code, words)
    if outcome is Outcome.DUPLICATE and op in READS:
        outcome = Outcome.REJECT
    return told(outcome, (words,), headers, context, code=name, fields=field_errors(words))


def _outcome(code: int | None, words: str) -> Outcome:
    """What an error means: its code where that is clear, else its words."""
    if code == 429 or throttling(words):
        return Outcome.RETRY
    if code is not None and (code in _AUTH_CODES or 100 <= code < 200):
        return Outcome.AUTH
    if code is not None and (500 <= code < 600 or code in _BUSY_CODES):
        return Outcome.RETRY
    return spoken(words) or Outcome.REJECT


_FIELDS = (
    ("lead source", "source_name"),
    ("leadsource", "source_name"),
    ("leasing agent", "agent_ref"),
    ("agent", "agent_ref"),
    ("property", "property_ref"),
    ("floor", "floor_plan_ref"),
    ("unit", "unit_ref"),
    ("phone", "phone"),
    ("email", "email"),
    ("first name", "first_name"),
    ("last name", "last_name"),
    ("move", "move_in"),
    ("rent", "budget_max_cents"),
)


def field_errors(words: str) -> dict[str, tuple[str, ...]]:
    """Which of our fields an error speaks of: the one it names first."""
    low = words.lower()
    named = [(low.index(theirs), -len(theirs), ours) for theirs, ours in _FIELDS if theirs in low]
    return {min(named)[2]: (words[:200],)} if named else {}


# -- good answers -----------------------------------------------------------------------------------------------------


def _read(op: str, answer: Json, context: Json) -> Result:
    result = pick(answer, "result")
    if op == "get_status":
        return _status(result, context)
    # An empty object of PHP is told as an empty list or an empty text.
    if result in ([], {}, "") and has(answer, "result"):
        return Result(outcome=Outcome.ACCEPTED, empty=True)
    if not isinstance(result, Mapping):
        return unreadable(context, "The answer has no result.")
    if op in _LEADS:
        return _leads(result, context)
    found = [within(result, *path) for path in READS[op]]
    if all(one is None for one in found):
        if not any(has(result, path[0]) for path in READS[op]):
            return unreadable(context, f"The result has no {READS[op][0][0]!r}.")
        return Result(outcome=Outcome.ACCEPTED, empty=True)
    return Result(outcome=Outcome.ACCEPTED, empty=not any(found))


def _status(result: object, context: Json) -> Result:
    word = text(pick(result, "status")).casefold()
    if not word:
        return unreadable(context, "The answer has no status.")
    if word in _DONE:
        return Result(outcome=Outcome.ACCEPTED)
    return Result(outcome=Outcome.RETRY, code="not_available", message="The service says that it is not available.")


def _leads(result: Json, context: Json) -> Result:
    if not has(result, "prospects"):
        return unreadable(context, "The result has no 'prospects'.")
    found = prospects(result)
    card_id = lead_id(found[0]) if len(found) == 1 else ""
    return Result(outcome=Outcome.ACCEPTED, empty=not found, card_id=card_id)


def prospects(result: object) -> list[Json]:
    """The prospects of a result, whichever of the shapes it has."""
    if isinstance(result, list):
        return [_flat(one) for one in objects(result)]
    found = pick(result, "prospects")
    inner = pick(found, "prospect") if has(found, "prospect") else found
    return [_flat(one) for one in objects(inner) if one]


def _flat(item: Json) -> Json:
    """An item with its ``@attributes`` beside its members."""
    attributes = item.get("@attributes")
    return {**item, **attributes} if isinstance(attributes, Mapping) else item


def lead_id(item: Json) -> str:
    """The id of a lead: here *application* and *lead* are the same."""
    return remote_id(pick(item, "applicationId", "referenceId", "leadId"))


def person_id(item: Json) -> str:
    """The id of the person of a lead."""
    own = remote_id(pick(item, "applicantId", "customerId"))
    inside = [
        remote_id(pick(_flat(one), "customerId", "applicantId", "id"))
        for path in (("applicants", "applicant"), ("customers", "customer"))
        for one in objects(within(item, *path))
    ]
    return own or next((each for each in inside if each), "")


def _written(op: str, answer: Json, headers: Mapping[str, str], context: Json) -> Result:
    found = prospects(pick(answer, "result"))
    if not found:
        return unreadable(context, "The answer says of no prospect what became of it.")
    nodes = [whole(pick(one, "node")) for one in found]
    if len(found) > 1 and None not in nodes:
        found = [one for _, one in sorted(zip(nodes, found, strict=True), key=lambda pair: pair[0] or 0)]
    items = tuple(_one(op, one, headers, context) for one in found)
    if len(items) == 1:
        return items[0]
    outcomes = {each.outcome for each in items}
    first = items[0]
    if len(outcomes) == 1:
        return replace(first, items=items, verified=all(each.verified for each in items))
    words = json.dumps({each.value: sum(one.outcome is each for one in items) for each in sorted(outcomes)})
    return Result(outcome=Outcome.PARTIAL, items=items, message=f"By prospect: {words}", verified=False)


def _one(op: str, item: Json, headers: Mapping[str, str], context: Json) -> Result:
    """What became of one prospect of a write."""
    word, words = text(pick(item, "status")).casefold(), text(pick(item, "message", "error"))
    card_id = lead_id(item)
    seen = bool(card_id) or op == "update_leads"
    if word.startswith("un") or any(part in word for part in _FAILED):
        outcome = spoken(words) or Outcome.REJECT
        return replace(told(outcome, (words,), headers, context, fields=field_errors(words)), card_id=card_id)
    done = Result(outcome=Outcome.ACCEPTED, card_id=card_id, person_id=person_id(item), verified=seen)
    if word in _DONE or (not word and card_id):
        return replace(done, outcome=Outcome.DUPLICATE) if _joined(words) else done
    if word in _WAITING or card_id:
        return replace(done, verified=False)
    return unreadable(context, "The answer has no status that is known.")


def _joined(words: str) -> bool:
    return spoken(words) is Outcome.DUPLICATE
