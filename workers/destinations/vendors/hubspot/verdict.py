"""What HubSpot's answers mean: the status, then a category, the words of a message, and a verdict on each record of a
batch. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadsvc.workers.destinations.base import (
    Outcome,
    Result,
)
from leadsvc.workers.destinations.rest import (
    Json,
    known_op,
    mapping,
    network,
    no_content,
    objects,
    parse,
    text,
    texts,
    until_midnight,
    wait,
    whole,
    whole_batch,
)
from leadsvc.workers.destinations.verdicts import header, moment, plain, unreadable

# Operation -> the key that its good answer holds.
READS = {
    "search_contact": "results",
    "contacts_changed": "results",
    "get_contact": "id",
    "read_history": "results",
    "list_owners": "results",
    "source_options": "options",
    "list_properties": "results",
    "list_associations": "results",
    "find_entries": "results",
}
WRITES = (
    "batch_upsert_contacts",
    "create_contact",
    "update_contact",
    "create_task",
    "update_task",
    "create_note",
    "token",
)
OPS = (*READS, *WRITES)
# Creating answers 201; any other good status is suspicious enough to look again.
_CREATES = ("create_contact", "create_task", "create_note")

PREFIX = "leadsvc_"
_OWN = {
    "source_name": "source",
    "move_in": "move_in",
    "bedrooms_min": "bedrooms_min",
    "bedrooms_max": "bedrooms_max",
    "budget_max_cents": "budget_max_cents",
    "floor_plan_ref": "floor_plan",
    "unit_ref": "unit",
    "comment": "comment",
    "property_ref": "property",
    "our_key": "key",
}
_STANDARD = {
    "first_name": "firstname",
    "last_name": "lastname",
    "email": "email",
    "phone": "phone",
    "agent_ref": "hubspot_owner_id",
}
_TASK = {
    "hubspot_owner_id": "assignee_ref",
    "hs_task_subject": "title",
    "hs_task_body": "text",
    "hs_timestamp": "due_at",
}

# What a category means as an HTTP status, for an error that comes with another one.
_STATUS = {
    "INVALID_AUTHENTICATION": 401,
    "EXPIRED_AUTHENTICATION": 401,
    "REVOKED_AUTHENTICATION": 401,
    "MISSING_SCOPES": 403,
    "BANNED": 403,
    "RATE_LIMITS": 429,
    "RATE_LIMIT": 429,
    "LOCKED": 423,
    "CONFLICT": 409,
    "OBJECT_ALREADY_EXISTS": 409,
    "OBJECT_NOT_FOUND": 404,
    "INTERNAL_ERROR": 500,
    "UNKNOWN": 500,
    "TIMEOUT": 504,
}
_POLICY_S = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "TEN_SECONDLY": 10.0, "MINUTELY": 60.0}
_EXISTING = re.compile(r"\bid\b\W{0,4}(\d{1,20})\b|\b(\d{1,20}) already has that value", re.IGNORECASE)
_TAKEN = ("CONFLICTING_UNIQUE_VALUE", "VALUE_ALREADY_EXISTS")
_LOCKED_S = 2.0
_MOVING_S = 3600.0


def names(prefix: str = PREFIX) -> dict[str, str]:
    """Our name of a field -> the contact property that holds it."""
    return _STANDARD | {ours: f"{prefix}{theirs}" for ours, theirs in _OWN.items()}


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``. ``prefix`` in it is
    that of the account's own properties, ``time_zone`` the one of the HubSpot account (for its daily limit).

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("hubspot", op, OPS)
    context = {"read": op in READS or op == "token", **context}
    words = mapping(parse(body))
    category = _category(words)
    if category and 200 <= status < 300:
        status = _STATUS.get(category, 400)
    if op == "token" and status in (400, 403):
        return Result(outcome=Outcome.AUTH, code=category or f"http_{status}", message=_said(words))
    verdict = _special(status, headers, words, category, context) or network(status, headers, context)
    if verdict is not None:
        return _worded(verdict, words, category)
    if 200 <= status < 300:
        return _good(op, status, headers, words, context)
    return _refused(op, status, words, category, context)


def _category(words: Json) -> str:
    """The category of an error; empty where the answer is none."""
    if text(words.get("status")).lower() != "error" and "correlationId" not in words and "errorType" not in words:
        return ""
    return text(words.get("category")).upper() or ("RATE_LIMITS" if words.get("errorType") == "RATE_LIMIT" else "ERROR")


def _said(words: Json) -> str:
    return plain(text(words.get("message")) or text(words.get("error_description")))


def _worded(verdict: Result, words: Json, category: str) -> Result:
    code = text(words.get("policyName")) or category or verdict.code
    return replace(verdict, code=code, message=_said(words) or verdict.message)


def _special(status: int, headers: Mapping[str, str], words: Json, category: str, context: Json) -> Result | None:
    """Statuses that HubSpot uses in its own way: nothing was done in any of them."""
    if status == 429 or category in ("RATE_LIMITS", "RATE_LIMIT"):
        return Result(outcome=Outcome.RETRY, code="http_429", message="", retry_after_s=_pause(headers, words, context))
    if status == 423:
        seconds = max(wait(headers, context) or _LOCKED_S, _LOCKED_S)
        return Result(outcome=Outcome.RETRY, code="http_423", message="The record is locked.", retry_after_s=seconds)
    if status == 477:
        seconds = wait(headers, context) or _MOVING_S
        words_ = "The HubSpot account is being moved."
        return Result(outcome=Outcome.RETRY, code="http_477", message=words_, retry_after_s=seconds)
    if status == 403:
        message = "HubSpot refuses it: the app lacks a scope."
        return Result(outcome=Outcome.AUTH, code="http_403", message=message)
    return None


def _pause(headers: Mapping[str, str], words: Json, context: Json) -> float:
    hint = wait(headers, context)
    if hint is not None:
        return hint
    policy = text(words.get("policyName")).upper()
    if policy == "DAILY" or (not policy and header(headers, "X-HubSpot-RateLimit-Daily-Remaining").strip() == "0"):
        now = moment(context.get("received_at"))
        return until_midnight(now.astimezone(_zone(context))) if now else _MOVING_S
    if policy in _POLICY_S:
        return _POLICY_S[policy]
    interval = whole(header(headers, "X-HubSpot-RateLimit-Interval-Milliseconds"))
    return interval / 1000 if interval and 0 < interval < 10**8 else _POLICY_S["TEN_SECONDLY_ROLLING"]


def _zone(context: Json) -> ZoneInfo:
    try:
        return ZoneInfo(text(context.get("time_zone")) or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _good(op: str, status: int, headers: Mapping[str, str], words: Json, context: Json) -> Result:
    ref = header(headers, "X-HubSpot-Correlation-Id")
    if op in READS:
        return _read(op, words, ref, context)
    if op == "token":
        found = bool(text(words.get("access_token")))
        return Result(outcome=Outcome.ACCEPTED) if found else unreadable(context, "The answer has no access token.")
    if op == "batch_upsert_contacts":
        return _batch(status, words, context)
    if status == 204:
        return no_content(context) or unreadable(context, "The answer is empty.")
    if "id" not in words and "properties" not in words:
        return unreadable(context, "The answer holds no record.")
    own_id = record_id(words)
    on_contact = op in ("create_contact", "update_contact")
    return Result(
        outcome=Outcome.ACCEPTED,
        card_id=own_id if on_contact else "",
        person_id=own_id if on_contact else "",
        task_id=own_id if op in ("create_task", "update_task") else "",
        event_id=own_id if op == "create_note" else "",
        version=text(words.get("updatedAt")),
        verified=bool(own_id) and (op not in _CREATES or status == 201),
        raw_ref=ref,
    )


def record_id(item: Json) -> str:
    """The id of a record, wherever it stands."""
    return text(item.get("id")) or text(mapping(item.get("properties")).get("hs_object_id"))


def _read(op: str, words: Json, ref: str, context: Json) -> Result:
    key = READS[op]
    found = words.get(key)
    if found is None and key == "results" and whole(words.get("total")) == 0:
        found = []
    if found is None or (key != "id" and found != [] and not objects(found)):
        return unreadable(context, f"The answer has no {key!r}.")
    own_id = record_id(words) if key == "id" else ""
    return Result(outcome=Outcome.ACCEPTED, empty=found == [], card_id=own_id, person_id=own_id, raw_ref=ref)


def _batch(status: int, words: Json, context: Json) -> Result:
    results, errors = words.get("results"), objects(words.get("errors"))
    if results is None and not errors:
        return unreadable(context, "The answer has no 'results'.")
    judged = [(_trace(item), _item(item)) for item in objects(results)]
    judged += [(trace, _failure(item, context)) for item in errors for trace in _traces(item)]
    sent = texts(context.get("keys")) if "keys" in context else ()
    if sent:
        by_trace = dict(judged)
        lost = Result(outcome=Outcome.RETRY, code="no_word", verify_first=True, verified=False)
        judged = [(trace, by_trace.get(trace, replace(lost, raw_ref=trace))) for trace in sent]
    batch = whole_batch((one for _, one in judged), plain(text(words.get("message"))))
    unsettled = text(words.get("status")).upper() in ("PENDING", "PROCESSING") or (
        (whole(words.get("numErrors")) or 0) > len(errors) and not errors
    )
    return replace(batch, verified=False) if unsettled or status == 202 else batch


def _trace(item: Json) -> str:
    return text(item.get("objectWriteTraceId")) or text(mapping(item.get("properties")).get(f"{PREFIX}key"))


def _item(item: Json) -> Result:
    own_id = record_id(item)
    return Result(
        outcome=Outcome.ACCEPTED, card_id=own_id, person_id=own_id, verified=bool(own_id), raw_ref=_trace(item)
    )


def _traces(item: Json) -> tuple[str, ...]:
    return texts(mapping(item.get("context")).get("objectWriteTraceId")) or ("",)


def _failure(item: Json, context: Json) -> Result:
    category = text(item.get("category")).upper()
    status = _STATUS.get(category, 400)
    verdict = _special(status, {}, item, category, context) or network(status, {}, context)
    verdict = (
        _worded(verdict, item, category) if verdict else _refused("create_contact", status, item, category, context)
    )
    return replace(verdict, raw_ref=" ".join(_traces(item)))


def _refused(op: str, status: int, words: Json, category: str, context: Json) -> Result:
    code = text(words.get("subCategory")) or category or f"http_{status}"
    message = _said(words) or f"HubSpot answered {status}; check base_url."
    if status == 404 and op == "get_contact" and words:
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=message)
    taken = any(text(one.get("code")) in _TAKEN for one in objects(words.get("errors")))
    taken = taken or "already has that value" in text(words.get("message"))
    if (status == 409 or taken) and op in ("create_contact", "batch_upsert_contacts"):
        there = _existing(words)
        return Result(outcome=Outcome.DUPLICATE, code=code, message=message, card_id=there, person_id=there)
    known = text(context.get("known_remote_id"))
    ours = _TASK if op in ("create_task", "update_task") else _ours(text(context.get("prefix")) or PREFIX)
    errors = _field_errors(words, ours)
    return Result(outcome=Outcome.REJECT, code=code, message=message, field_errors=errors, card_id=known)


def _existing(words: Json) -> str:
    """The id of the contact that is there already: HubSpot says it in a sentence only."""
    found = _EXISTING.search(text(words.get("message")))
    if found:
        return found[1] or found[2]
    ids = texts(mapping(words.get("context")).get("id")) or texts(mapping(words.get("context")).get("existingId"))
    return ids[0] if ids else ""


def _ours(prefix: str) -> dict[str, str]:
    return {theirs: name for name, theirs in names(prefix).items()}


def _field_errors(words: Json, ours: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    errors: dict[str, tuple[str, ...]] = {}
    for error in (*objects(words.get("errors")), *_in_message(text(words.get("message")))):
        about = texts(mapping(error.get("context")).get("propertyName")) + texts(error.get("name"))
        name = text(error.get("in")) or (about[0] if about else "")
        if name and name != "properties":
            errors[ours.get(name, name)] = (plain(text(error.get("message"))),)
    return errors


def _in_message(message: str) -> list[Json]:
    """The errors by field that HubSpot writes as a JSON list at the end of its sentence."""
    start = message.find("[{")
    if start < 0:
        return []
    try:
        return objects(json.loads(message[start:]))
    except (ValueError, RecursionError):
        return []
