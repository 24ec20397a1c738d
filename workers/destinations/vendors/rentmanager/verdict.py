"""What Rent Manager's answers mean: lists for everything, 204 for nothing, and error models whose HTTP status says
less than their words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.lenient import (
    by_status,
    has,
    pick,
    remote_id,
    says_nothing_found,
    spoken,
    throttling,
    told,
)
from leadsvc.workers.destinations.rest import Json, known_op, objects, parse, text, whole_batch
from leadsvc.workers.destinations.verdicts import plain, unreadable

AUTHORIZE = "authorize_user"
# Write -> the name of the id of what it writes.
WRITES: Mapping[str, str] = {
    "create_prospect": "ProspectID",
    "update_prospect": "ProspectID",
    "add_history_note": "HistoryID",
    "create_task": "TaskID",
    "update_task": "TaskID",
}
READS = (
    "find_prospect",
    "get_prospect",
    "list_history_notes",
    "list_tasks",
    "list_prospects_changed",
    "list_properties",
    "list_unit_types",
    "list_units",
    "list_users",
    "list_lead_sources",
)
_CARDS = ("create_prospect", "update_prospect", "find_prospect", "get_prospect")
_CREATES = ("create_prospect", "add_history_note", "create_task")
_BARE_TOKEN = re.compile(r"[\w+/=.:-]{8,400}", re.ASCII)
_STALE = re.compile(r"concurrency|changed by (?:an)?other|modified by (?:an)?other|has been (?:changed|modified)", re.I)
_SAME = re.compile(r"same parameters|already exist", re.IGNORECASE)
_RIGHTS = re.compile(r"privilege|permission|password (?:must|has to) be changed|password has expired", re.IGNORECASE)

_FIELDS = {
    "propertyid": "property_ref",
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "phonenumber": "phone",
    "assigneduserid": "assignee_ref",
    "leasingagentid": "agent_ref",
    "leasingagent": "agent_ref",
    "leadsourceid": "source_name",
    "leadsource": "source_name",
    "unittypeid": "floor_plan_ref",
    "desiredunittypeid": "floor_plan_ref",
    "unitid": "unit_ref",
    "desiredunitid": "unit_ref",
    "desiredmoveindate": "move_in",
    "expectedmoveindate": "move_in",
}
_LAST_NAME_OF_PATH = re.compile(r"(\w+)\W*$")
_NAMED = re.compile(r"\b(" + "|".join(sorted(_FIELDS, key=len, reverse=True)) + r")\b", re.IGNORECASE)


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("rentmanager", op, (AUTHORIZE, *WRITES, *READS))
    context = {"read": op not in WRITES, **context}
    if op == AUTHORIZE:
        context = {**context, "read": True}  # a token too many is no harm
    value = parse(body)
    error = _error(value)
    if 200 <= status < 300 and not error:
        return _good(op, status, value, body, context)
    if error:
        return _refused(op, status, error, _field_errors(value, error), headers, context)
    verdict = by_status(status, headers, context)
    if verdict is not None:
        return verdict
    return _by_status(op, status, headers, context)


def _by_status(op: str, status: int, headers: Mapping[str, str], context: Json) -> Result:
    """A refusal without a word of the program's own."""
    code = f"http_{status}"
    if status == 403:
        words = "The user lacks a right, or this address is not on the allow list."
        return Result(outcome=Outcome.AUTH, code=code, message=words)
    if status in (409, 412):
        return _conflict(op, "", code, headers, context)
    if status == 423:
        return told(Outcome.RETRY, ("The record is locked there.",), headers, context, code=code)
    if status == 204 or status < 300:
        return unreadable(context, "The answer says nothing.")
    words = f"The destination answered {status}; check base_url and the company id."
    return Result(outcome=Outcome.REJECT, code=code, message=words)


def _error(value: object) -> str:
    """The words of an error model; empty where the value is none."""
    if not isinstance(value, Mapping):
        return ""
    said = [text(pick(value, name)) for name in ("UserMessage", "DeveloperMessage", "Message", "ExceptionMessage")]
    model = pick(value, "ModelState")
    if isinstance(model, Mapping):
        for each in model.values():
            said += [text(one) for one in each] if isinstance(each, list) else [text(each)]
    known = any(has(value, name) for name in ("UserMessage", "DeveloperMessage", "ModelState", "ErrorCode", "Message"))
    words = "; ".join(dict.fromkeys(each for each in said if each))
    is_record = any(remote_id(pick(value, name)) for name in set(WRITES.values()))
    return "" if is_record or not known else words or f"error {text(pick(value, 'ErrorCode'))}".strip()


def _field_errors(value: object, words: str) -> dict[str, tuple[str, ...]]:
    model = pick(value, "ModelState")
    found: dict[str, tuple[str, ...]] = {}
    for path, said in model.items() if isinstance(model, Mapping) else ():
        name = _LAST_NAME_OF_PATH.search(str(path))
        ours = _FIELDS.get(name[1].lower()) if name else None
        if ours:
            found[ours] = tuple(plain(text(one)) for one in (said if isinstance(said, list) else [said]))
    named = None if found else _NAMED.search(words)
    return {_FIELDS[named[1].lower()]: (plain(words),)} if named else found


def _refused(
    op: str,
    status: int,
    words: str,
    fields: Mapping[str, tuple[str, ...]],
    headers: Mapping[str, str],
    context: Json,
) -> Result:
    code = f"http_{status}"
    if status == 429 or throttling(words):
        return told(Outcome.RETRY, (words,), headers, context, code="429" if status == 429 else code)
    # A right that is missing and a password that must be changed come as 500 too; no retry cures them.
    if status in (401, 403, 407) or _RIGHTS.search(words):
        return told(Outcome.AUTH, (words,), headers, context, code=code)
    if status in (409, 412) or (op in WRITES and (_STALE.search(words) or _SAME.search(words))):
        return _conflict(op, words, code, headers, context)
    if status == 404 and op in READS:
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=plain(words))
    if status >= 500 or status in (408, 423, 425):
        outcome = Outcome.AUTH if spoken(words) is Outcome.AUTH else Outcome.RETRY
        return told(outcome, (words,), headers, context, code=code)
    if op in READS and says_nothing_found(words):
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=plain(words))
    outcome = Outcome.REJECT if fields else spoken(words) or Outcome.REJECT
    return told(outcome, (words,), headers, context, code=code, fields=fields)


def _conflict(op: str, words: str, code: str, headers: Mapping[str, str], context: Json) -> Result:
    """409 is two things: a stale ConcurrencyID, or a record of the same parameters."""
    stale = bool(_STALE.search(words)) or (op.startswith("update") and not _SAME.search(words))
    if op not in WRITES:
        return told(Outcome.REJECT, (words or "A read met a conflict.",), headers, context, code=code)
    if stale:
        said = words or "The record was changed since it was read."
        result = told(Outcome.RETRY, (said,), headers, context, code="version_conflict")
        return replace(result, verify_first=True)
    result = told(Outcome.DUPLICATE, (words or "Such a record exists already.",), headers, context, code=code)
    return replace(result, card_id=text(context.get("known_remote_id")), verified=False)


# -- good answers -----------------------------------------------------------------------------------------------------


def token(body: bytes | None) -> str:
    """The session token of an answer: JSON text, or bare words where the quotes are missing."""
    value = parse(body)
    found = value if isinstance(value, str) else text(pick(value, "Token", "ApiToken"))
    if not found and value is None:
        found = (body or b"").decode("utf-8", "replace").strip().strip("\ufeff\"'")
    return found.strip() if _BARE_TOKEN.fullmatch(found.strip()) else ""


def _good(op: str, status: int, value: object, body: bytes | None, context: Json) -> Result:
    if op == AUTHORIZE:
        if token(body):
            return Result(outcome=Outcome.ACCEPTED)
        return unreadable(context, "The answer holds no token.")
    if op in READS:
        return _read(op, status, value, body, context)
    if status == 204 or (status == 201 and not (body or b"").strip()):
        card_id = text(context.get("known_remote_id"))
        return Result(outcome=Outcome.ACCEPTED, card_id=card_id, verified=False)
    found = objects(value)
    if not found:
        return unreadable(context, "The answer lists nothing that was written.")
    items = tuple(_item(op, one, context) for one in found)
    return items[0] if len(items) == 1 else replace(whole_batch(items), card_id=items[0].card_id)


def _read(op: str, status: int, value: object, body: bytes | None, context: Json) -> Result:
    if status == 204 or value == []:
        return Result(outcome=Outcome.ACCEPTED, empty=True)
    found = objects(value)
    if not found:
        words = "The answer is empty." if not (body or b"").strip() else "The answer is not a list of records."
        return unreadable(context, words)
    card_id = remote_id(pick(found[0], "ProspectID")) if op in _CARDS and len(found) == 1 else ""
    return Result(outcome=Outcome.ACCEPTED, card_id=card_id, version=_version(found[0]) if card_id else "")


def _version(item: Json) -> str:
    return text(pick(item, "ConcurrencyID"))


def _item(op: str, item: Json, context: Json) -> Result:
    """One record of a written list; a record may be an error model instead."""
    words = _error(item)
    if words:
        return _refused(op, 200, words, _field_errors(item, words), {}, context)
    own = remote_id(pick(item, WRITES[op]))
    is_card = op in _CARDS
    contact = next(iter(objects(pick(item, "Contacts"))), {})
    return Result(
        outcome=Outcome.ACCEPTED,
        card_id=own if is_card else remote_id(pick(item, "ProspectID")),
        person_id=remote_id(pick(contact, "ContactID")) if is_card else "",
        event_id=own if op == "add_history_note" else "",
        task_id=own if WRITES[op] == "TaskID" else "",
        version=_version(item),
        verified=bool(own) or op not in _CREATES,
    )
