"""What RealPage's answers mean: SOAP of the RPX gateway, where a fault may come with any status and a good status with
a message that is no success; and the JSON of the ILM and Lead2Lease door. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations import tree
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.lenient import (
    Front,
    fields_named,
    has,
    pick,
    remote_id,
    says_nothing_found,
    spoken,
    throttling,
    told,
    wait_of,
)
from leadsvc.workers.destinations.presence import JOINED
from leadsvc.workers.destinations.rest import Json, known_op, parse
from leadsvc.workers.destinations.rest import text as scalar
from leadsvc.workers.destinations.tree import Fault, Node, every, first, name, said
from leadsvc.workers.destinations.verdicts import plain, unreadable

ILM = "ilm_lead"
# Operation -> the SOAP method, and the elements that hold what was asked for.
READS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "prospect_search": ("prospectsearch", ("guestcards", "guestcard")),
    "guest_card_notes": ("getguestcardnotesbydaterange", ("notes", "note")),
    "sites": ("getsitelist", ("contents", "picklistitem")),
    "marketing_sources": ("getmarketingsourcesbyproperty", ("contents", "picklistitem")),
    "leasing_agents": ("getleasingagentsbyproperty", ("contents", "picklistitem")),
    "activity_types": ("getactivitytypes", ("contents", "picklistitem")),
    "floor_plans": ("getfloorplanlist", ("getfloorplanlist", "floorplanobject")),
    "units": ("getunitlist", ("unitobjects", "unitobject")),
}
# Operation -> the SOAP method, and the names of the id of what it writes.
WRITES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "insert_prospect": ("insertprospect", ("guestcard",)),
    "update_prospect": ("updateprospect", ("guestcard",)),
    "add_customer": ("addnewcustomertoguestcard", ("guestcard",)),
    "insert_activity": ("insertactivity", ("activityid",)),
    "insert_followup": ("insertfollowup", ("taskid", "followupid")),
}
METHODS = {op: method for op, (method, _) in (*READS.items(), *WRITES.items())}

_INSERTED = ("insert", "creat", "add", "new")
_JOINED = ("updat", "merg", "match", "exist", "duplic", "found", "join", "link", "append")
_SENDERS = ("client", "sender")
_SENDERS_FAULTS = ("versionmismatch", "mustunderstand", "actionnotsupported", "deserializationfailed", "invalidrequest")
_AUTH_FAULTS = ("failedauthentication", "invalidsecurity", "invalidsecuritytoken", "failedcheck", "unauthorized")

_FIELDS = (
    ("lead source", "source_name"),
    ("leadsource", "source_name"),
    ("marketing source", "source_name"),
    ("leasing agent", "agent_ref"),
    ("leasingagent", "agent_ref"),
    ("creator", "agent_ref"),
    ("floor plan", "floor_plan_ref"),
    ("floorplan", "floor_plan_ref"),
    ("unit", "unit_ref"),
    ("site", "property_ref"),
    ("property", "property_ref"),
    ("firstname", "first_name"),
    ("first name", "first_name"),
    ("lastname", "last_name"),
    ("last name", "last_name"),
    ("email", "email"),
    ("e-mail", "email"),
    ("phone", "phone"),
    ("dateneeded", "move_in"),
)
_FRONT = Front(
    name="The gateway", refused="the licence, the site or this address", look_at="base_url and the vendor's part of it"
)


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("realpage", op, (ILM, *WRITES, *READS))
    context = {"read": op in READS, **context}
    if op == ILM:
        return _ilm(status, headers, body, context)
    answer = tree.envelope(body) if status not in (0, 401, 407, 429) else None
    if answer is not None and answer.fault is not None:
        return _faulted(op, answer.fault, headers, context)
    if not 200 <= status < 300:
        return _by_status(status, headers, context)
    if answer is None or answer.payload is None:
        return unreadable(context, "The answer is not the SOAP envelope of the gateway.")
    result = _result(op, answer.payload)
    if result is None:
        return unreadable(context, "The answer holds no result of this method.")
    return _read(op, result, headers, context) if op in READS else _written(op, result, headers, context)


def _result(op: str, payload: Node) -> Node | None:
    """The result element of a good answer; ``None`` for another method's."""
    if name(payload) == f"{METHODS[op]}response":
        payload = next(iter(tree.children(payload)), payload)
    return tree.unwrapped(payload) if name(payload) == f"{METHODS[op]}result" else None


def result_of(op: str, body: bytes | None) -> Node | None:
    """The result of a good answer, to be read; ``None`` where there is none."""
    answer = tree.envelope(body)
    return _result(op, answer.payload) if answer is not None and answer.payload is not None else None


def _by_status(status: int, headers: Mapping[str, str], context: Json) -> Result:
    """An answer without a word of the gateway's own; a record that is locked there will be free again."""
    if status == 423:
        return told(Outcome.RETRY, ("The record is locked there.",), headers, context, code="http_423")
    return _FRONT.says(status, headers, context)


def _faulted(op: str, fault: Fault, headers: Mapping[str, str], context: Json) -> Result:
    """A fault: its code says whose fault it is, but rights, limits and time-outs are told in words alone."""
    code = fault.code.lower()
    parts = code.split(".")
    outcome = spoken(fault.words)
    if any(part in _AUTH_FAULTS for part in parts):
        outcome = Outcome.AUTH
    elif outcome is None or (outcome is Outcome.DUPLICATE and op in READS):
        ours = parts[0] in _SENDERS or any(part in _SENDERS_FAULTS for part in parts)
        outcome = Outcome.REJECT if ours else Outcome.RETRY
    if op in READS and outcome is Outcome.REJECT and says_nothing_found(fault.words):
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=fault.code, message=plain(fault.words))
    fields = fields_named(fault.words, _FIELDS) if outcome is Outcome.REJECT else {}
    return told(outcome, (fault.words,), headers, context, code=fault.code or "fault", fields=fields)


def _succeeded(message: str) -> bool:
    return message.strip(" .!").lower() in ("success", "successful", "ok", "succeeded")


def _unsuccessful(op: str, message: str, headers: Mapping[str, str], context: Json) -> Result:
    """A message other than success, in an answer that is otherwise well."""
    outcome = spoken(message)
    if outcome is None or (outcome is Outcome.DUPLICATE and op in READS):
        outcome = Outcome.REJECT
    fields = fields_named(message, _FIELDS) if outcome is Outcome.REJECT else {}
    return told(outcome, (message,), headers, context, code="message", fields=fields)


# -- reads ------------------------------------------------------------------------------------------------------------


def _read(op: str, result: Node, headers: Mapping[str, str], context: Json) -> Result:
    holder, item = READS[op][1]
    found = every(result, item)
    message = said(result, "message", "errormessage") if not found else ""
    if message and not _succeeded(message):
        if says_nothing_found(message) and not throttling(message):
            return Result(outcome=Outcome.ACCEPTED, empty=True, message=plain(message))
        return _unsuccessful(op, message, headers, context)
    if not found and first(result, holder) is None and name(result) != holder and not message:
        return unreadable(context, f"The answer has no {item!r}.")
    card_id = card_id_of(found[0]) if op == "prospect_search" and len(found) == 1 else ""
    return Result(outcome=Outcome.ACCEPTED, empty=not found, card_id=card_id)


def card_id_of(card: Node) -> str:
    """The id of a guest card of a search."""
    return remote_id(said(card, "guestcardid"))


# -- writes -----------------------------------------------------------------------------------------------------------


def _written(op: str, result: Node, headers: Mapping[str, str], context: Json) -> Result:
    message = next((tree.text(each) for each in every(result, "message") if tree.text(each)), "")
    card = first(result, "guestcard")
    state = said(card, "status")
    if not message and not state:
        return unreadable(context, "The answer has neither a message nor a status.")
    own = remote_id(said(card, "id", "guestcardid"))
    if message and not _succeeded(message) and _succeeded(state) and own and spoken(message) is None:
        # The card says that it is well; the message says more than it must.
        return replace(_cards(op, result, card, context), message=plain(message), verified=False)
    if (message and not _succeeded(message)) or (state and not _succeeded(state)):
        words = message if message and not _succeeded(message) else f"The guest card's status is {state}."
        refused = _unsuccessful(op, words, headers, context)
        known = remote_id(said(card, "id", "guestcardid")) if refused.outcome is Outcome.DUPLICATE else ""
        return replace(refused, card_id=known)
    return _cards(op, result, card, context) if WRITES[op][1] == ("guestcard",) else _entry(op, result)


def _cards(op: str, result: Node, card: Node | None, context: Json) -> Result:
    card_id = remote_id(said(card, "id", "guestcardid")) or remote_id(said(result, "guestcardid"))
    people = [remote_id(tree.text(each)) for each in every(first(result, "customers"), "customerid")]
    each_customer = tuple(_customer(one) for one in every(result, "customerresult"))
    person_id = next((each for each in people if each), "")
    done = Result(outcome=Outcome.ACCEPTED, card_id=card_id, person_id=person_id, verified=bool(card_id))
    if any(one.outcome is not Outcome.ACCEPTED for one in each_customer):
        words = "The guest card was written, but not every person on it."
        return replace(done, outcome=Outcome.PARTIAL, items=each_customer, message=words)
    if op in ("update_prospect", "add_customer"):
        return replace(done, card_id=card_id or scalar(context.get("known_remote_id")), verified=True)
    action = said(card, "action").lower()
    if card_id and any(word in action for word in _JOINED):
        return replace(done, outcome=Outcome.DUPLICATE, code=JOINED)
    return done


def _customer(node: Node) -> Result:
    state, words = said(node, "status"), said(node, "message")
    if not state or _succeeded(state):
        return Result(outcome=Outcome.ACCEPTED, person_id=remote_id(said(node, "customerid")))
    return Result(outcome=Outcome.REJECT, message=plain(words or f"The person's status is {state}."))


def _entry(op: str, result: Node) -> Result:
    own = remote_id(said(result, *WRITES[op][1]))
    is_event = op == "insert_activity"
    return Result(
        outcome=Outcome.ACCEPTED,
        event_id=own if is_event else "",
        task_id="" if is_event else own,
        verified=bool(own),
    )


# -- ILM and Lead2Lease -----------------------------------------------------------------------------------------------

_CONFIRMED = re.compile(r"[\w-]{6,80}", re.ASCII)


def _ilm(status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """The write-only door: a confirmation is all that is ever given, and it is no id of a card."""
    value = parse(body)
    message = scalar(pick(value, "Message", "error_description", "error", "title"))
    confirmation = scalar(pick(value, "ConfirmationId")) or (value if isinstance(value, str) else "")
    if 200 <= status < 300:
        if _CONFIRMED.fullmatch(confirmation) and confirmation.strip("0-"):
            return Result(outcome=Outcome.ACCEPTED, raw_ref=confirmation)
        if has(value, "ConfirmationId") and not message:
            return Result(outcome=Outcome.ACCEPTED, verified=False)
        if not message:
            return unreadable(context, "The answer has no confirmation.")
        return told(
            spoken(message) or Outcome.REJECT, (message,), headers, context, fields=fields_named(message, _FIELDS)
        )
    if status == 403 or (status == 400 and spoken(message) is Outcome.AUTH):
        return told(Outcome.AUTH, (message or "The key was refused.",), headers, context, code=f"http_{status}")
    verdict = _by_status(status, headers, context)
    if verdict.outcome is Outcome.RETRY and status:
        return replace(verdict, retry_after_s=wait_of(headers, context, message))
    if verdict.outcome is Outcome.REJECT and message:
        outcome = spoken(message) or Outcome.REJECT
        return told(outcome, (message,), headers, context, code=f"http_{status}", fields=fields_named(message, _FIELDS))
    return verdict
