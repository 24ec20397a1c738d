"""HubSpot's wire: what its answers mean, and its contacts, tasks and notes in our words. Pure.

A contact is one guest card there: ``leadsvc_key``, a property made unique at set-up, marks it. HubSpot also keeps
e-mail addresses unique; a second card with the same address carries it in ``leadsvc_email`` instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadsvc.workers.destinations.base import (
    CardKind,
    ConfigItem,
    Outcome,
    OutcomeKind,
    RemoteCard,
    RemoteOutcome,
    Result,
)
from leadsvc.workers.destinations.filling import Values
from leadsvc.workers.destinations.rest import (
    Json,
    known_op,
    mapping,
    network,
    no_content,
    objects,
    outcome_kind,
    parse,
    text,
    texts,
    until_midnight,
    wait,
    whole,
    whole_batch,
    yes,
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

LIFECYCLE = {
    "customer": OutcomeKind.LEASED,
    "opportunity": OutcomeKind.APPLIED,
    "evangelist": OutcomeKind.MOVED_IN,
}
LEAD_STATUS = {
    "connected": OutcomeKind.CONTACTED,
    "in_progress": OutcomeKind.CONTACTED,
    "attempted_to_contact": OutcomeKind.CONTACTED,
    "open_deal": OutcomeKind.APPLIED,
    "unqualified": OutcomeKind.LOST,
    "bad_timing": OutcomeKind.LOST,
}
# Stages and states that a contact has before anything became of it.
UNTOLD = ("", "lead", "subscriber", "new", "open", "marketingqualifiedlead", "salesqualifiedlead", "other")


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


# -- their records in our words ---------------------------------------------------------------------------------------


def their_names(values: Values, prefix: str) -> dict[str, str]:
    """Contact properties of our values; HubSpot takes all as text."""
    theirs = names(prefix)
    return {theirs[name]: str(value) for name, value in values.items()}


def remote_card(item: Json, prefix: str) -> RemoteCard:
    """Their contact in our words."""
    properties = mapping(item.get("properties"))
    theirs = names(prefix)
    fields = {name: text(properties.get(theirs[name])) for name in theirs if name not in ("property_ref", "our_key")}
    second = text(properties.get(f"{prefix}email"))
    fields["email"] = second or fields["email"]
    stage, state = text(properties.get("lifecyclestage")), text(properties.get("hs_lead_status"))
    own_id = record_id(item)
    return RemoteCard(
        card_id=own_id,
        person_id=own_id,
        status=_kind(stage, state),
        raw_status=state or stage,
        property_ref=text(properties.get(theirs["property_ref"])),
        our_key=text(properties.get(theirs["our_key"])),
        name=f"{fields['first_name']} {fields['last_name']}".strip(),
        emails=tuple(dict.fromkeys(one for one in (fields["email"], text(properties.get("email"))) if one)),
        phones=(fields["phone"],) if fields["phone"] else (),
        source=fields["source_name"],
        entered_by="" if text(properties.get(theirs["our_key"])) else text(properties.get("hs_object_source")),
        updated_at=moment(text(item.get("updatedAt")) or None),
        version=text(item.get("updatedAt")),
        fields={name: value for name, value in fields.items() if value},
        agent_fields=frozenset(),
    )


def _kind(stage: str, state: str) -> CardKind:
    what = {outcome_kind(stage, LIFECYCLE), outcome_kind(state, LEAD_STATUS)}
    if what & {OutcomeKind.LEASED, OutcomeKind.MOVED_IN}:
        return CardKind.RESIDENT
    if what & {OutcomeKind.LOST, OutcomeKind.DENIED, OutcomeKind.CANCELLED}:
        return CardKind.CLOSED
    return CardKind.APPLICANT if what & {OutcomeKind.APPLIED, OutcomeKind.APPROVED} else CardKind.PROSPECT


def remote_outcomes(item: Json, prefix: str) -> list[RemoteOutcome]:
    """What the history of stage and lead status says became of a contact, oldest first; where HubSpot sends none,
    what they are now."""
    history = mapping(item.get("propertiesWithHistory"))
    properties = mapping(item.get("properties"))
    found = []
    for name, table in (("lifecyclestage", LIFECYCLE), ("hs_lead_status", LEAD_STATUS)):
        now = {"value": properties.get(name), "timestamp": item.get("updatedAt")}
        for entry in objects(history.get(name)) or [now]:
            word, at = text(entry.get("value")), moment(text(entry.get("timestamp")) or None)
            if at is None or word.lower().replace("_", "") in UNTOLD or not record_id(item):
                continue
            kind = outcome_kind(word, table)
            found.append(
                RemoteOutcome(
                    card_id=record_id(item),
                    person_id=record_id(item),
                    our_key=text(properties.get(f"{prefix}key")),
                    kind=kind,
                    at=at,
                    raw_status=word,
                    reason=text(properties.get(f"{prefix}lost_reason")) if kind is OutcomeKind.LOST else "",
                    remote_ref=f"{record_id(item)}:{name}:{at.timestamp():.3f}",
                )
            )
    return sorted(found, key=lambda one: one.at)


def option(item: Json) -> ConfigItem:
    """An option of a property: what a contact may hold there."""
    value = text(item.get("value"))
    return ConfigItem(
        remote_id=value, name=text(item.get("label")) or value, code=value, active=not yes(item.get("hidden"))
    )


def owner(item: Json) -> ConfigItem:
    """An owner: an agent of ours."""
    name = f"{text(item.get('firstName'))} {text(item.get('lastName'))}".strip() or text(item.get("email"))
    own_id = text(item.get("id"))
    return ConfigItem(remote_id=own_id, name=name, code=own_id, active=not yes(item.get("archived")))


def millis(at: datetime) -> str:
    """A time as search filters want it: milliseconds since 1970."""
    return str(int(at.astimezone(UTC).timestamp() * 1000))
