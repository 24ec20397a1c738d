"""What Voyager's answers mean: the verdict is in ``Messages``, seldom in the status, and the id in a sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leadsvc.workers.destinations import tree
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.lenient import (
    Front,
    fields_named,
    foreign,
    remote_id,
    says_nothing_found,
    spoken,
    throttling,
    told,
)
from leadsvc.workers.destinations.tree import Node, children, every, first, name
from leadsvc.workers.destinations.verdicts import plain, unreadable

Json = Mapping[str, object]

# Operation -> the elements that hold what a read asks for: the list, and one of it.
READS: Mapping[str, tuple[str, str]] = {
    "search_guest": ("leadmanagement", "prospect"),
    "guest_activity_range": ("leadmanagement", "prospect"),
    "agents_sources": ("properties", "property"),
    "property_configurations": ("properties", "property"),
    "unit_availability": ("physicalproperty", "property"),
    "ping": ("", ""),
}
WRITES = ("import_guest", "import_guest_v20", "add_event")

# How the name of the answer begins, in lower case; reads of guests come in several methods.
_METHODS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(WRITES, ("importyardiguest",)),
    "search_guest": ("getyardiguestactivity", "getrecentyardiguestactivity"),
    "guest_activity_range": ("getyardiguestactivity", "getrecentyardiguestactivity"),
    "agents_sources": ("getyardiagentssourcesresults",),
    "property_configurations": ("getpropertyconfigurations",),
    "unit_availability": ("unitavailability",),
    "ping": ("ping", "getversionnumber"),
}

_CUSTOMER = re.compile(r"customer\s*_?id\s*[:=#]?\s*\(?([a-z]{0,3}\d+[a-z0-9-]*)", re.IGNORECASE)
_ERRORS = ("err", "fail", "exception", "fatal", "reject", "invalid", "severe", "critical")
_NOT_EDITABLE = re.compile(r"not\s+editable|cannot be (?:edited|updated|modified)|no longer editable", re.IGNORECASE)
# What the texts seen mean: pattern, code, our field. The first that fits decides.
_REFUSALS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"not configured for property|interface .{0,80}not configured", re.I), "property_not_configured",
     "property_ref"),
    (re.compile(r"(?:invalid|no access to|not have access to|unknown)[\w\s]{0,30}\bproperty\b", re.I),
     "invalid_property", "property_ref"),
    (re.compile(r"property .{0,60}(?:does not exist|not found|is invalid|is inactive)", re.I), "invalid_property",
     "property_ref"),
)  # fmt: skip
_CREDENTIALS = re.compile(
    r"licen[cs]e|interface ?entity|\buser ?name\b|\bpassword\b|\bserver ?name\b|login credentials", re.IGNORECASE
)
_PASSING = re.compile(
    r"server (?:is )?unavailable|\(5\d\d\)|(?:could not|cannot|unable to) (?:connect|open)|an error (?:has )?occurred",
    re.IGNORECASE,
)
_FIELDS = (
    ("first contact", ""),
    ("transactionsource", "source_name"),
    ("lead source", "source_name"),
    ("source", "source_name"),
    ("agent", "agent_ref"),
    ("floorplan", "floor_plan_ref"),
    ("floor plan", "floor_plan_ref"),
    ("unit type", "floor_plan_ref"),
    ("desiredunit", "unit_ref"),
    ("unit ", "unit_ref"),
    ("desiredrent", "budget_max_cents"),
    ("bedroom", "bedrooms_min"),
    ("firstname", "first_name"),
    ("first name", "first_name"),
    ("lastname", "last_name"),
    ("last name", "last_name"),
    ("email", "email"),
    ("phone", "phone"),
    ("move-in date", "move_in"),
    ("movein", "move_in"),
    ("comment", "comment"),
    ("property", "property_ref"),
)
# Said before the credentials are looked at: the address or the action is wrong, no matter who asks.
_OUR_MISTAKE = ("client", "sender", "versionmismatch", "mustunderstand")
_RESULT_LIKE = ("messages", "errormessages", "leadmanagement", "properties", "physicalproperty")
_FRONT = Front(
    name="The web server", refused="the account or this address", look_at="base_url, it ends in /COMPANY/webservices"
)


@dataclass(frozen=True, slots=True)
class _Said:
    """One message of an answer."""

    words: str
    error: bool


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    if op not in READS and op not in WRITES:
        raise ValueError(f"yardi has no operation {op!r}; it has {', '.join(sorted((*READS, *WRITES)))}")
    context = {"read": op in READS, **context}
    if status in (0, 401, 407, 429):
        return _FRONT.says(status, headers, context)
    answer = tree.envelope(body)
    if answer is not None and answer.fault is not None:
        return _faulted(op, answer.fault, headers, context)
    if answer is None:
        settled = foreign(status, headers, body, context)
        if settled is not None:
            return settled
    if not 200 <= status < 300:
        return _under_status(op, status, answer, headers, context)
    if answer is not None and _of_another(op, answer.payload):
        return unreadable(context, "The answer is that of another method.")
    result = _result(answer.payload) if answer is not None else _bare(body)
    if result is None:
        return unreadable(context, "The answer is not the SOAP envelope of the interface.")
    return _read(op, result, headers, context) if op in READS else _written(op, result, headers, context)


def _of_another(op: str, response: Node | None) -> bool:
    """Whether a response names a method that the operation did not call."""
    called = name(response) if response is not None else ""
    return called.endswith("response") and not called.startswith(_METHODS[op])


def payload(body: bytes | None) -> Node | None:
    """The result element of a good answer."""
    answer = tree.envelope(body)
    return _result(answer.payload) if answer is not None else _bare(body)


def _result(response: Node | None) -> Node | None:
    if response is None:
        return None
    if name(response).endswith("result") or name(response) in _RESULT_LIKE:
        return tree.unwrapped(response)
    inside = children(response)
    return tree.unwrapped(inside[0]) if inside else response


def _bare(body: bytes | None) -> Node | None:
    """A result that came without its envelope, as a proxy or the plain binding sends it."""
    root = tree.read(body)
    if root is None:
        return None
    if name(root) in _RESULT_LIKE or name(root).endswith(("result", "response")):
        return _result(root)
    return None


def _under_status(
    op: str, status: int, answer: tree.Envelope | None, headers: Mapping[str, str], context: Json
) -> Result:
    """A bad status: where Voyager itself says why, and that will not pass by itself, its words outweigh the status."""
    result = _result(answer.payload) if answer is not None else None
    errors = [one.words for one in _messages(result) if one.error] if result is not None else []
    judged = _judged(op, errors, headers, context) if errors else None
    if judged is not None and (judged.outcome is not Outcome.REJECT or judged.field_errors):
        return judged
    return _FRONT.says(status, headers, context)


def _faulted(op: str, fault: tree.Fault, headers: Mapping[str, str], context: Json) -> Result:
    if _refusal(fault.words) is not None:
        return _judged(op, (fault.words,), headers, context)
    outcome = spoken(fault.words)
    if outcome not in (Outcome.AUTH, Outcome.RETRY):
        ours = fault.code.lower().split(".")[0] in _OUR_MISTAKE
        outcome = Outcome.REJECT if ours else Outcome.RETRY
    return told(outcome, (fault.words,), headers, context, code=f"fault_{fault.code or 'unnamed'}".lower())


# -- messages ---------------------------------------------------------------------------------------------------------


def _messages(result: Node) -> list[_Said]:
    """Everything that the answer says about itself, in whichever of the shapes."""
    found: list[_Said] = []
    nodes = [result, *result.iter()] if not children(result) else list(result.iter())
    for node in dict.fromkeys(nodes):
        kind, words = name(node), tree.text(node)
        if kind == "message" and (words or _type(node)) and not children(node):
            found.append(_Said(words or "The message is empty.", _is_error(_type(node), words)))
        elif kind in ("error", "errormessage", "errordescription", "exception", "errortext") and not children(node):
            found += [_Said(words, True)] if words else []
    if not found and not children(result) and tree.text(result):
        words = tree.text(result)
        found.append(_Said(words, not _CUSTOMER.search(words)))
    return list(dict.fromkeys(found))


def _type(node: Node) -> str:
    by_name = {str(key).rpartition("}")[2].lower(): str(value) for key, value in node.attrib.items()}
    return (by_name.get("messagetype") or by_name.get("type") or by_name.get("severity") or "").strip().lower()


def _is_error(kind: str, words: str) -> bool:
    if kind:
        return any(each in kind for each in _ERRORS)
    return _CUSTOMER.search(words) is None and (
        _refusal(words) is not None or spoken(words) is not None or says_nothing_found(words)
    )


def _refusal(words: str) -> tuple[str, str] | None:
    """Code and field of a text that was seen, or ``None``."""
    return next(((code, ours) for pattern, code, ours in _REFUSALS if pattern.search(words)), None)


def _one(op: str, words: str) -> tuple[Outcome, str, dict[str, tuple[str, ...]]]:
    """Outcome, code and fields of one error."""
    refused = _refusal(words)
    if refused is not None:
        return Outcome.REJECT, refused[0], {refused[1]: (plain(words),)}
    if _NOT_EDITABLE.search(words):
        # For an event there is nothing to link: a person must say what becomes of it.
        return Outcome.REJECT if op == "add_event" else Outcome.DUPLICATE, "not_editable", {}
    outcome = Outcome.AUTH if _CREDENTIALS.search(words) else spoken(words)
    if outcome is None and _PASSING.search(words):
        outcome = Outcome.RETRY
    if outcome in (Outcome.AUTH, Outcome.RETRY):
        return outcome, "throttled" if throttling(words) else "message", {}
    if outcome is Outcome.DUPLICATE and op not in READS:
        return outcome, "message", {}
    return Outcome.REJECT, "message", fields_named(words, _FIELDS)


_WORST_FIRST = (Outcome.AUTH, Outcome.REJECT, Outcome.DUPLICATE, Outcome.RETRY)


def _judged(op: str, words: Sequence[str], headers: Mapping[str, str], context: Json) -> Result:
    """The verdict on errors that came alone: what a person must mend outweighs what passes by itself."""
    each = [_one(op, one) for one in dict.fromkeys(words)]
    outcome = next(worst for worst in _WORST_FIRST if any(one[0] is worst for one in each))
    code = next(one[1] for one in each if one[0] is outcome)
    fields = {ours: said for one in each if one[0] is outcome for ours, said in one[2].items()}
    result = told(outcome, words, headers, context, code=code, fields=fields)
    known = _customer(words) if outcome in (Outcome.DUPLICATE, Outcome.REJECT) else ""
    owed = outcome is Outcome.DUPLICATE and not known
    return replace(result, card_id=known, verified=result.verified and not owed)


def _customer(words: Sequence[str]) -> str:
    """The last id of a guest that the words name; ``p0000000`` is none."""
    named = [match[1] for one in words for match in _CUSTOMER.finditer(one)]
    good = [one for one in named if remote_id(one.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
    return good[-1] if good else ""


# -- the two kinds ----------------------------------------------------------------------------------------------------


def _written(op: str, result: Node, headers: Mapping[str, str], context: Json) -> Result:
    messages = _messages(result)
    if not messages:
        return replace(unreadable(context, "The answer is empty; is the interface set up there?"), code="empty_result")
    errors = [one.words for one in messages if one.error]
    card_id = _customer([one.words for one in messages if not one.error])
    if not errors:
        return Result(outcome=Outcome.ACCEPTED, card_id=card_id, verified=bool(card_id))
    refused = _judged(op, errors, headers, context)
    if not card_id:
        return refused
    if refused.outcome is Outcome.DUPLICATE:
        return replace(refused, card_id=card_id, verified=True)
    there = Result(outcome=Outcome.ACCEPTED, card_id=card_id)
    return replace(
        refused, outcome=Outcome.PARTIAL, card_id=card_id, retry_after_s=None, verify_first=False, verified=True,
        items=(there, refused),
    )  # fmt: skip


def _read(op: str, result: Node, headers: Mapping[str, str], context: Json) -> Result:
    holder, item = READS[op]
    found = every(result, item) if holder else []
    if holder == "properties" or holder == "physicalproperty":
        found = [each for each in found if children(each)]
    errors = [one.words for one in _messages(result) if one.error] if holder else _pinged(result)
    if errors and not found:
        if all(says_nothing_found(one) and _refusal(one) is None for one in errors):
            return Result(outcome=Outcome.ACCEPTED, empty=True, message=plain(errors[0]))
        return _judged(op, errors, headers, context)
    if op == "ping":
        return Result(outcome=Outcome.ACCEPTED)
    if not found and name(result) != holder and first(result, holder) is None:
        words = [one.words for one in _messages(result)]
        if any(says_nothing_found(one) for one in words):
            return Result(outcome=Outcome.ACCEPTED, empty=True, message=plain(words[0]))
        return replace(unreadable(context, "The answer is empty; is the interface set up there?"), code="empty_result")
    done = Result(outcome=Outcome.ACCEPTED, empty=not found, card_id=_only(found) if op == "search_guest" else "")
    if not errors:
        return done
    return replace(_judged(op, errors, headers, context), outcome=Outcome.PARTIAL, items=(done,))


def _pinged(result: Node) -> list[str]:
    """What a ping complains of; plain words are what it is asked for."""
    if children(result):
        return [one.words for one in _messages(result) if one.error]
    words = tree.text(result)
    return [words] if spoken(words) is not None else []


def _only(prospects: Sequence[Node]) -> str:
    """The id of the one guest that was found, or the empty string when there are several."""
    ids = {prospect_id(each) for each in prospects}
    return next(iter(ids)) if len(ids) == 1 else ""


def prospect_id(prospect: Node) -> str:
    """The ``ProspectID`` of a guest."""
    for node in every(prospect, "identification"):
        by_name = {str(key).lower(): str(value).strip() for key, value in node.attrib.items()}
        if by_name.get("idtype", "").lower() == "prospectid":
            return remote_id(by_name.get("idvalue", ""))
    return ""
