"""What Salesforce's answers mean: an error code per record, the words with it, and what is left of the day's calls.
Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

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
    wait,
    whole,
    whole_batch,
    yes,
)
from leadsvc.workers.destinations.verdicts import header, plain, unreadable

# Operation -> the key that its good answer holds.
READS = {
    "query_outcomes": "records",
    "query_leads": "records",
    "query_users": "records",
    "query_merged": "records",
    "describe_lead": "fields",
    "limits": "DailyApiRequests",
    "get_lead": "Id",
    "get_task": "Id",
}
WRITES = (
    "upsert_lead",
    "upsert_leads_collection",
    "update_lead",
    "create_task",
    "update_task",
    "log_event",
    "token",
)
OPS = (*READS, *WRITES)

PREFIX = "Leadsvc_"
_STANDARD = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "phone": "Phone",
    "source_name": "LeadSource",
    "comment": "Description",
    "agent_ref": "OwnerId",
}
_OWN = {
    "our_key": "Key__c",
    "property_ref": "Property__c",
    "move_in": "Move_In__c",
    "bedrooms_min": "Bedrooms_Min__c",
    "bedrooms_max": "Bedrooms_Max__c",
    "budget_max_cents": "Budget_Max_Cents__c",
    "floor_plan_ref": "Floor_Plan__c",
    "unit_ref": "Unit__c",
}
_TASK = {"OwnerId": "assignee_ref", "Subject": "title", "Description": "text", "ActivityDate": "due_at"}

_AUTH = re.compile(
    r"INVALID_SESSION_ID|INVALID_AUTH_HEADER|INVALID_LOGIN|INSUFFICIENT_ACCESS|API_DISABLED_FOR_ORG|API_CURRENTLY_DISABLED"
    r"|ORG_LOCKED|PASSWORD_LOCKOUT|LICENSE|LOGIN_|USER_.*INACTIVE|OAUTH|ORG_.*SUSPENDED|INVALID_CLIENT"
)
_LIMIT = re.compile(r"REQUEST_LIMIT_EXCEEDED|LIMIT_EXCEEDED_REQUESTS|CONCURRENT_REQUEST|TOO_MANY_")
_AGAIN = re.compile(
    r"UNABLE_TO_LOCK_ROW|SERVER_UNAVAILABLE|UNKNOWN_EXCEPTION|QUERY_TIMEOUT|REQUEST_RUNNING_TOO_LONG|ROLLED_BACK"
    r"|PROCESSING_HALTED|OPERATION_TOO_LARGE_RETRY|SERVER_ERROR|TEMPORARILY"
)
_TAKEN = ("DUPLICATES_DETECTED", "DUPLICATE_VALUE")
_NOT_THERE = ("NOT_FOUND", "ENTITY_IS_DELETED", "MALFORMED_ID")
_CODE = re.compile(r'(?:errorCode|statusCode)(?:"\s*:\s*"|>\s*)([A-Z_]{3,60})')
_USAGE = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")
_ID = re.compile(r"\b([a-zA-Z0-9]{18}|[a-zA-Z0-9]{15})\b")
_LOCKED_S = 2.0
_LIMIT_S = 3600.0


def names(prefix: str = PREFIX) -> dict[str, str]:
    """Our name of a field -> the lead's field that holds it."""
    return _STANDARD | {ours: f"{prefix}{theirs}" for ours, theirs in _OWN.items()}


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``. ``prefix`` in it is
    that of the organisation's own fields, ``known_remote_id`` the record that was written to, where that is known.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("salesforce", op, OPS)
    context = {"read": op in READS or op == "token", **context}
    answer = parse(body)
    errors = _errors(answer)
    code = _code(errors) or _code_in(body, answer)
    if op == "token":
        return _token(status, headers, mapping(answer), context)
    if status == 300:
        message = "Several records carry our key: make the field unique, and choose one."
        return Result(outcome=Outcome.REJECT, code="multiple_matches", message=message)
    verdict = network(status, headers, context)
    if verdict is not None and (verdict.outcome is not Outcome.AUTH or status == 402):
        return _worded(verdict, errors, code)
    if status >= 400 or code:
        return _refused(op, status, headers, errors, code, context)
    return _good(op, status, headers, answer, context)


def _errors(answer: object) -> list[Json]:
    """The errors of an answer that is one; a record's own are not among them."""
    found = objects(answer)
    if len(found) == 1 and "errors" in found[0] and "success" not in found[0]:
        found = objects(found[0]["errors"])
    if len(found) == 1 and "success" in found[0] and not yes(found[0]["success"]) and not isinstance(answer, list):
        found = objects(found[0].get("errors"))
    return [one for one in found if ("errorCode" in one or "statusCode" in one) and "success" not in one]


def _code(errors: list[Json]) -> str:
    return next((code for one in errors if (code := text(one.get("errorCode")) or text(one.get("statusCode")))), "")


def _code_in(body: bytes | None, answer: object) -> str:
    """The code in an answer that was cut off, or that came as XML."""
    found = _CODE.search((body or b"").decode(errors="replace")) if answer is None else None
    return found[1] if found else ""


def _message(errors: list[Json]) -> str:
    return plain(" ".join(text(one.get("message")) for one in errors))


def _worded(verdict: Result, errors: list[Json], code: str) -> Result:
    return replace(verdict, code=code or verdict.code, message=_message(errors) or verdict.message)


def _token(status: int, headers: Mapping[str, str], words: Json, context: Json) -> Result:
    description = plain(text(words.get("error_description")))
    if 200 <= status < 300 and text(words.get("access_token")):
        return Result(outcome=Outcome.ACCEPTED)
    if "rate exceeded" in description.lower() or "too many" in description.lower():
        seconds = wait(headers, context) or _LOCKED_S
        return Result(outcome=Outcome.RETRY, code="login_rate", message=description, retry_after_s=seconds)
    error = text(words.get("error"))
    if (400 <= status < 500 and status not in (408, 425, 429)) or (error and 200 <= status < 300):
        message = description or "Salesforce gives no access token for these credentials."
        return Result(outcome=Outcome.AUTH, code=error or f"http_{status}", message=message)
    return network(status, headers, context) or unreadable(context, "The answer has no access token.")


def _refused(op: str, status: int, headers: Mapping[str, str], errors: list[Json], code: str, context: Json) -> Result:
    said = code or f"http_{status}"
    message = _message(errors) or f"Salesforce answered {status}; check base_url and api_version."
    if _LIMIT.search(code) or (status == 403 and not code and _used_up(headers)):
        seconds = wait(headers, context)
        seconds = _LIMIT_S if seconds is None else seconds
        return Result(outcome=Outcome.RETRY, code=said, message=message, retry_after_s=seconds)
    if _AGAIN.search(code):
        # The record's own transaction was rolled back; a failure of the server may have come after the work.
        unsure = not context.get("read") and ("SERVER" in code or "UNKNOWN" in code)
        return Result(
            outcome=Outcome.RETRY, code=said, message=message, retry_after_s=_LOCKED_S, verify_first=unsure,
            verified=not unsure,
        )  # fmt: skip
    if _AUTH.search(code) or status in (401, 403, 407):
        return Result(outcome=Outcome.AUTH, code=said, message=message)
    if code in _TAKEN:
        there = _existing(errors)
        return Result(outcome=Outcome.DUPLICATE, code=said, message=message, card_id=there)
    if status == 404 and op in ("get_lead", "get_task") and code in _NOT_THERE:
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=said, message=message)
    fields = _field_errors(op, errors, context)
    known = text(context.get("known_remote_id"))
    return Result(outcome=Outcome.REJECT, code=said, message=message, field_errors=fields, card_id=known)


def _used_up(headers: Mapping[str, str]) -> bool:
    """Whether the organisation has no calls left today."""
    found = _USAGE.search(header(headers, "Sforce-Limit-Info"))
    return found is not None and int(found[1]) >= int(found[2])


def _existing(errors: list[Json]) -> str:
    """The record that is there already: a lead before anything else."""
    ids = [
        text(mapping(record.get("record")).get("Id"))
        for error in errors
        for match in objects(mapping(error.get("duplicateResult")).get("matchResults"))
        for record in objects(match.get("matchRecords"))
    ]
    leads = [one for one in ids if one.startswith("00Q")]
    if leads or any(ids):
        return (leads or [one for one in ids if one])[0]
    # DUPLICATE_VALUE names the record in its sentence only.
    for error in errors:
        found = [one for one in _ID.findall(text(error.get("message"))) if one[:3].isalnum() and one[:2] == "00"]
        if found:
            return str(found[-1])
    return ""


def _field_errors(op: str, errors: list[Json], context: Json) -> dict[str, tuple[str, ...]]:
    prefix = text(context.get("prefix")) or PREFIX
    tasks = op in ("create_task", "update_task", "log_event")
    ours = _TASK if tasks else {theirs: name for name, theirs in names(prefix).items()}
    return {
        ours.get(name, name): (plain(text(error.get("message"))),)
        for error in errors
        for name in texts(error.get("fields"))
    }


def _good(op: str, status: int, headers: Mapping[str, str], answer: object, context: Json) -> Result:
    ref = header(headers, "X-Request-Id")
    if op in READS:
        return _read(op, mapping(answer), ref, context)
    if op == "upsert_leads_collection":
        return _collection(answer, context)
    if status == 204:
        # Older versions and plain updates answer without a body; the record is the one that was named.
        known = text(context.get("known_remote_id"))
        return _written(op, known, verified=bool(known))
    found = objects(answer)
    item = found[0] if len(found) == 1 else {}
    if answer is None and status == 201 and op == "upsert_lead":
        return no_content(context, headers) or unreadable(context, "The answer says nothing of a record.")
    if "id" not in item and "success" not in item:
        return unreadable(context, "The answer says nothing of a record.")
    own_id = text(item.get("id"))
    # 201 and ``created`` belong together: where they differ, the answer is not what it says.
    creates = op in ("create_task", "log_event") and "created" not in item
    honest = status == 201 if creates else yes(item.get("created")) == (status == 201)
    return replace(_written(op, own_id, verified=bool(own_id) and honest), raw_ref=ref)


def _written(op: str, own_id: str, *, verified: bool) -> Result:
    on_lead = op in ("upsert_lead", "update_lead")
    return Result(
        outcome=Outcome.ACCEPTED,
        card_id=own_id if on_lead else "",
        task_id=own_id if op in ("create_task", "update_task") else "",
        event_id=own_id if op == "log_event" else "",
        verified=verified,
    )


def _read(op: str, words: Json, ref: str, context: Json) -> Result:
    key = READS[op]
    found = words.get(key)
    if found is None and key == "records" and whole(words.get("totalSize")) == 0:
        found = []
    if found is None or (key in ("records", "fields") and found != [] and not objects(found)):
        return unreadable(context, f"The answer has no {key!r}.")
    empty = found == [] and not text(words.get("nextRecordsUrl"))
    own_id = text(words.get("Id")) if key == "Id" else ""
    if key == "Id" and not own_id:
        return unreadable(context, "The record has no id.")
    return Result(outcome=Outcome.ACCEPTED, empty=empty, card_id=own_id if op == "get_lead" else "", raw_ref=ref)


def _collection(answer: object, context: Json) -> Result:
    records = [one for one in objects(answer) if "success" in one or "id" in one]
    if not records:
        return unreadable(context, "The answer says nothing of any record.")
    items = [_item(one, context) for one in records]
    lost = len(texts(context.get("keys"))) - len(items)
    unknown = Result(outcome=Outcome.RETRY, code="no_word", verify_first=True, verified=False)
    return whole_batch([*items, *([unknown] * max(lost, 0))])


def _item(item: Json, context: Json) -> Result:
    if yes(item.get("success")):
        own_id = text(item.get("id"))
        return Result(outcome=Outcome.ACCEPTED, card_id=own_id, verified=bool(own_id))
    errors = objects(item.get("errors"))
    return _refused("upsert_lead", 400, {}, errors, _code(errors), context)
