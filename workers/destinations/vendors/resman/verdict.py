"""What ResMan's answers mean: ``Status`` in the body decides, in XML or in JSON, whatever the status of HTTP. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from leadsvc.workers.destinations import tree
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.lenient import (
    Front,
    fields_named,
    foreign,
    has,
    pick,
    remote_id,
    says_nothing_found,
    spoken,
    throttling,
    told,
)
from leadsvc.workers.destinations.mits import Prospect, prospects
from leadsvc.workers.destinations.rest import Json, parse
from leadsvc.workers.destinations.rest import text as scalar
from leadsvc.workers.destinations.tree import Node, children, first, name, said
from leadsvc.workers.destinations.verdicts import plain, unreadable

# Operation -> the names of the list that its good answer holds.
LISTS: Mapping[str, tuple[str, ...]] = {
    "get_sources": ("ProspectSources", "Sources"),
    "get_employees": ("Employees",),
    "get_residents": ("ApplicantsAndResidents", "Applicants", "Residents", "People"),
}
READS = ("search_prospects", *LISTS)
WRITES = ("post_lead", "post_event")

_GOOD = ("success", "ok", "succeeded", "successful", "true")
_BAD = ("error", "failed", "failure", "fail", "false", "exception")
_PROPERTY = re.compile(
    r"property\b.{0,60}(?:not available|not found|could not be found|invalid|not valid|does not exist|not enabled)"
    r"|(?:invalid|unknown|no access to|not (?:authori[sz]ed|enabled) for)[\w\s]{0,30}\bproperty",
    re.IGNORECASE,
)
_BROKEN = re.compile(r"an error (?:has )?occurred|something went wrong", re.IGNORECASE)
_ACCOUNT = re.compile(
    r"integration ?partner|api ?key|account ?id\b.{0,40}(?:invalid|not|unknown)|invalid account", re.IGNORECASE
)
_FIELDS = (
    ("transaction source", "source_name"),
    ("transactionsource", "source_name"),
    ("source", "source_name"),
    ("agent", "agent_ref"),
    ("employee", "agent_ref"),
    ("floor plan", "floor_plan_ref"),
    ("floorplan", "floor_plan_ref"),
    ("unit", "unit_ref"),
    ("first name", "first_name"),
    ("firstname", "first_name"),
    ("last name", "last_name"),
    ("lastname", "last_name"),
    ("email", "email"),
    ("phone", "phone"),
    ("property", "property_ref"),
)
_FRONT = Front(name="The interface", refused="the account or this address", look_at="base_url")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was read: its ``status`` in lower case, the words of an error, and what it holds."""

    status: str
    words: str
    node: Node | None = None
    value: object = None

    def people(self) -> tuple[Prospect, ...]:
        return prospects(self.node)

    def listed(self, op: str) -> list[Json] | None:
        """The objects of the list that an operation answers with; ``None`` when there is no such list."""
        for called in LISTS[op]:
            if self.node is not None:
                holder = first(self.node, called)
                found: object = None if holder is None else [_flat(each) for each in children(holder)]
            else:
                found = pick(self.value, called)
                found = pick(pick(self.value, "Response"), called) if found is None else found
                if found is None and has(self.value, called):
                    return []
            if found is not None:
                each = found if isinstance(found, list) else [found]
                return [one for one in each if isinstance(one, dict)]
        return None


def _flat(node: Node) -> dict[str, object]:
    """An element of a list as an object: its children and its attributes by name."""
    return {
        **{str(key): str(value) for key, value in node.attrib.items()},
        **{name(one): tree.text(one) for one in node},
    }


def answer_of(body: bytes | None) -> Answer | None:
    """The answer in a body of XML or JSON; ``None`` when it is neither."""
    root = tree.read(body)
    if root is not None:
        return _from_xml(root)
    value = parse(body)
    if not isinstance(value, dict):
        return None
    words = [scalar(pick(value, key)) for key in ("ErrorDescription", "ErrorMessage", "Message", "Error")]
    return Answer(scalar(pick(value, "Status")).lower(), next(filter(None, words), ""), value=value)


def _from_xml(root: Node) -> Answer | None:
    if name(root) == "string" and not children(root):
        root = tree.unwrapped(root)
    if name(root) not in ("resman", "response", "leadmanagement"):
        inner = first(root, "resman")
        if inner is None:
            return None
        root = inner
    own = [tree.text(each) for each in children(root, "status")]
    return Answer((own[0] if own else "").lower(), said(root, "errordescription", "errormessage", "error"), node=root)


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    if op not in READS and op not in WRITES:
        raise ValueError(f"resman has no operation {op!r}; it has {', '.join(sorted((*READS, *WRITES)))}")
    context = {"read": op in READS, **context}
    answer = answer_of(body) if status not in (0, 401, 407, 429) else None
    settled = foreign(status, headers, body, context) if answer is None or answer.node is None else None
    if settled is not None:
        return settled
    if answer is not None and not 200 <= status < 300 and _refused(answer):
        return _under_status(op, status, answer, headers, context)
    if not 200 <= status < 300:
        return _FRONT.says(status, headers, context)
    if answer is None:
        return unreadable(context, "The answer is neither the XML nor the JSON of the interface.")
    if _refused(answer):
        return _judged(op, answer, headers, context)
    return _read(op, answer, context) if op in READS else _written(answer, context)


def _refused(answer: Answer) -> bool:
    if answer.status in _GOOD:
        return False
    return answer.status in _BAD or bool(answer.words)


def _under_status(op: str, status: int, answer: Answer, headers: Mapping[str, str], context: Json) -> Result:
    """An error in words under a bad status: the words count, but what failed in the server may pass."""
    judged = _judged(op, answer, headers, context)
    by_status = _FRONT.says(status, headers, context)
    if by_status.outcome is Outcome.AUTH or (
        by_status.outcome is Outcome.RETRY and judged.outcome is Outcome.REJECT and not judged.field_errors
    ):
        return replace(by_status, message=judged.message)
    return judged


def _judged(op: str, answer: Answer, headers: Mapping[str, str], context: Json) -> Result:
    words = answer.words
    if op in READS and says_nothing_found(words) and not _PROPERTY.search(words) and not _ACCOUNT.search(words):
        return Result(outcome=Outcome.ACCEPTED, empty=True, message=plain(words))
    outcome = Outcome.RETRY if _BROKEN.search(words) else spoken(words)
    fields: dict[str, tuple[str, ...]] = {}
    if _ACCOUNT.search(words):
        outcome = Outcome.AUTH
    elif _PROPERTY.search(words):
        outcome, fields = Outcome.REJECT, {"property_ref": (plain(words),)}
    elif outcome is None or (outcome is Outcome.DUPLICATE and op != "post_lead"):
        outcome, fields = Outcome.REJECT, fields_named(words, _FIELDS)
    code = "throttled" if throttling(words) else "message"
    result = told(outcome, (words,), headers, context, code=code, fields=fields)
    if outcome is not Outcome.DUPLICATE:
        return result
    known = _only(answer.people())
    return replace(result, card_id=known, person_id=known, verified=bool(known))


def _written(answer: Answer, context: Json) -> Result:
    people = answer.people()
    inside = pick(answer.value, "Response")
    found = _only(people) or remote_id(pick(inside, "PersonID")) or remote_id(pick(answer.value, "PersonID"))
    if not found and answer.status not in _GOOD:
        return unreadable(context, "The answer has no status.")
    return Result(outcome=Outcome.ACCEPTED, card_id=found, person_id=found, verified=bool(found))


def _read(op: str, answer: Answer, context: Json) -> Result:
    if op == "search_prospects":
        people = answer.people()
        holds = answer.node is not None and (
            bool(people)
            or any(first(answer.node, each) is not None for each in ("leadmanagement", "prospects", "response"))
        )
        if not holds and name_of(answer) != "leadmanagement":
            return unreadable(context, "The answer has no prospects.")
        found = _only(people)
        return Result(outcome=Outcome.ACCEPTED, empty=not people, card_id=found, person_id=found)
    listed = answer.listed(op)
    if listed is None:
        return unreadable(context, "The answer has no list of what was asked for.")
    return Result(outcome=Outcome.ACCEPTED, empty=not listed)


def name_of(answer: Answer) -> str:
    """The name of an XML answer's root."""
    return name(answer.node) if answer.node is not None else ""


def person_id(found: Prospect) -> str:
    """The ``PersonID`` of a prospect."""
    return remote_id(found.id("PersonID"))


def _only(people: tuple[Prospect, ...]) -> str:
    ids = {person_id(one) for one in people} - {""}
    return next(iter(ids)) if len(ids) == 1 else ""
