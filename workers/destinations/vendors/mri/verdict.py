"""What MRI's answers mean. An error lies inside the entry it belongs to, at 200, sometimes deeper than the part that
worked; refusals of the gate are plain text that names a field; XML or JSON, as was asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from leadsvc.workers.destinations import tree
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
from leadsvc.workers.destinations.tree import Node, name
from leadsvc.workers.destinations.verdicts import header, plain, unreadable

# Write -> the id of what it writes.
WRITES: Mapping[str, str] = {
    "create_guest_card": "NameID",
    "update_guest_card": "NameID",
    "add_interaction": "InteractionID",
}
READS = (
    "list_guest_cards",
    "get_guest_card",
    "list_interactions",
    "residents",
    "pending_move_ins",
    "properties",
    "floor_plans",
    "units",
)
_MARKUP = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_FIELD_SAID = re.compile(r"^\s*([A-Z][A-Z0-9_]{2,40})\s*:\s*\S")
_NO_RIGHT = re.compile(r"no access|not (?:been )?granted|web service class", re.IGNORECASE)

_FIELDS = {
    "PROPERTYID": "property_ref",
    "RMPROPID": "property_ref",
    "SITEID": "property_ref",
    "FIRSTNAME": "first_name",
    "LASTNAME": "last_name",
    "EMAIL": "email",
    "PHONE": "phone",
    "NOTES": "comment",
    "DESIREDMOVEINDATE": "move_in",
    "BEDS": "bedrooms_min",
    "MARKETINGID": "source_name",
    "MARKETINGSOURCE": "source_name",
    "LEASINGAGENTID": "agent_ref",
    "AGENTID": "agent_ref",
    "FLOORPLANID": "floor_plan_ref",
    "UNITTYPE": "floor_plan_ref",
    "UNITID": "unit_ref",
    "INTERACTIONTYPE": "kind",
}


def classify(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """What one answer of operation ``op`` means; see :func:`verdicts.transport` for ``context``.

    ``ValueError`` for an operation that this vendor does not have.
    """
    known_op("mri", op, (*WRITES, *READS))
    context = {"read": op in READS, **context}
    if status in (0, 401, 407, 429) or 300 <= status < 400:
        verdict = by_status(status, headers, context)
        if verdict is not None:
            return verdict
    if status == 204:
        known = "" if op in READS else text(context.get("known_remote_id"))
        return Result(outcome=Outcome.ACCEPTED, empty=op in READS, card_id=known, verified=op in READS)
    found = _read_body(body)
    if status >= 400:
        return _failed(op, status, found, headers, body, context)
    if found is None:
        return _text_in_200(op, headers, body, context)
    if found.words:
        return _refused(op, found.words, "error", headers, context)
    if op in READS:
        wrong = tuple(words for each in found.entries for words in each.errors)
        if wrong and all(each.errors for each in found.entries):
            return _refused(op, "; ".join(wrong), "error", headers, context)
        return _listed(op, found)
    if not found.entries:
        return unreadable(context, "The answer has no entry.")
    items = tuple(_entry(op, one, headers, context) for one in found.entries)
    return items[0] if len(items) == 1 else replace(whole_batch(items), card_id=items[0].card_id)


# -- bodies -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: its own values by folded name, the errors at its own level, and those of the parts in it."""

    values: Json
    errors: tuple[str, ...] = ()
    deeper: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A readable answer: its records, or an error of the whole. ``done``: a bare word of success."""

    entries: tuple[Entry, ...] = ()
    words: str = ""
    done: bool = False


def entries(body: bytes | None) -> tuple[Json, ...]:
    """The values of the records in an answer."""
    found = _read_body(body)
    return tuple(each.values for each in found.entries) if found else ()


def _read_body(body: bytes | None) -> Found | None:
    root = tree.read(body)
    if root is not None:
        return None if name(root) == "html" else _read_xml(root)
    value = parse(body)
    return _read_json(value) if isinstance(value, Mapping | list) else None


def _read_xml(root: Node) -> Found | None:
    whole = [tree.text(each) for each in tree.children(root, "error")] if name(root) != "error" else [tree.text(root)]
    if any(whole):
        return Found(words="; ".join(each for each in whole if each))
    result = tree.text(root) if name(root) == "result" else tree.said(root, "result")
    if result:
        done = result.lower().startswith("success")
        return Found(done=done, words="" if done else result, entries=(Entry({}),) if done else ())
    if not name(root).startswith("mri_") and not tree.children(root, "entry"):
        return None
    return Found(tuple(_xml_entry(each) for each in tree.children(root, "entry")))


def _xml_entry(node: Node) -> Entry:
    values: dict[str, object] = {}
    errors, deeper = [], []
    for child in tree.children(node):
        if name(child) == "error":
            errors.append(_error_words(child))
        elif tree.children(child):
            inner = [_xml_entry(each) for each in tree.children(child, "entry") or [child]]
            values[str(child.tag)] = [each.values for each in inner]
            deeper += [words for each in inner for words in (*each.errors, *each.deeper)]
        else:
            values[str(child.tag)] = tree.text(child)
    return Entry(values, tuple(filter(None, errors)), tuple(filter(None, deeper)))


def _error_words(node: Node) -> str:
    return tree.said(node, "message") or tree.text(node)


def _read_json(value: object) -> Found | None:
    if isinstance(value, list):
        return Found(tuple(_json_entry(each) for each in objects(value)))
    error = pick(value, "error", "odata.error")
    if error not in (None, "", {}, []) and not remote_id(pick(value, "NameID")):
        return Found(words=_json_words(error) or text(pick(value, "message")) or "an error without words")
    result = text(pick(value, "Result"))
    if result:
        done = result.lower().startswith("success")
        return Found(done=done, words="" if done else result, entries=(Entry({}),) if done else ())
    for key in ("value", "entry"):
        if has(value, key):
            return Found(tuple(_json_entry(each) for each in objects(pick(value, key))))
    roots = (
        [inner for key, inner in value.items() if str(key).lower().startswith("mri_")]
        if isinstance(value, dict)
        else []
    )
    if roots and isinstance(roots[0], Mapping | list):
        return _read_json(roots[0])
    if any(has(value, key) for key in ("NameID", "InteractionID")):
        return Found((_json_entry(objects(value)[0]),))
    message = text(pick(value, "Message"))
    return Found(words=message) if message else None


def _json_words(error: object) -> str:
    message = pick(error, "message", "Message")
    return text(message) or text(pick(message, "value")) or text(error)


def _json_entry(item: Json) -> Entry:
    deeper = []
    for inner in item.values():
        if isinstance(inner, Mapping) and has(inner, "entry"):
            inner = pick(inner, "entry")
        for part in objects(inner):
            error = pick(part, "Error")
            deeper += [_json_words(error)] if error and part is not pick(item, "Error") else []
    error = pick(item, "Error")
    return Entry(item, (_json_words(error),) if error and _json_words(error) else (), tuple(filter(None, deeper)))


# -- verdicts ---------------------------------------------------------------------------------------------------------


def _entry(op: str, entry: Entry, headers: Mapping[str, str], context: Json) -> Result:
    """What became of one record that was written."""
    own = remote_id(pick(entry.values, WRITES[op]))
    card_id = remote_id(pick(entry.values, "NameID"))
    # An id beside an error of the whole entry is only news where we asked for a new one.
    if entry.errors and not (own and op == "create_guest_card"):
        return replace(_refused(op, "; ".join(entry.errors), "error", headers, context), card_id=card_id)
    wrong = (*entry.errors, *entry.deeper)
    if wrong and not own:
        return _refused(op, "; ".join(wrong), "error", headers, context)
    done = Result(
        outcome=Outcome.ACCEPTED,
        card_id=card_id or text(context.get("known_remote_id")),
        person_id=card_id,
        event_id=own if op == "add_interaction" else "",
        verified=bool(own),
    )
    if not wrong:
        return done
    # The name record is there: making it again would make it twice, so what failed is for a person.
    part = told(Outcome.REJECT, wrong, headers, context, code="error", fields=_fields(wrong))
    whole = Result(outcome=Outcome.ACCEPTED, card_id=card_id, person_id=card_id)
    return replace(
        done, outcome=Outcome.PARTIAL, items=(whole, part), message=part.message, field_errors=part.field_errors
    )


def _listed(op: str, found: Found) -> Result:
    card_id = remote_id(pick(found.entries[0].values, "NameID")) if len(found.entries) == 1 else ""
    is_card = op in ("list_guest_cards", "get_guest_card")
    return Result(outcome=Outcome.ACCEPTED, empty=not found.entries, card_id=card_id if is_card else "")


def _fields(words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Which of our fields the errors speak of: they begin with the name of theirs."""
    fields: dict[str, tuple[str, ...]] = {}
    for each in words:
        named = _FIELD_SAID.match(each)
        ours = _FIELDS.get(named[1]) if named else None
        if ours:
            fields[ours] = (*fields.get(ours, ()), plain(each))
    return fields


def _refused(op: str, words: str, code: str, headers: Mapping[str, str], context: Json) -> Result:
    """An error in words: a field it names is for a person, whatever else it says."""
    fields = _fields(tuple(words.split("; ")))
    if op in READS and says_nothing_found(words) and not throttling(words):
        return Result(outcome=Outcome.ACCEPTED, empty=True, code=code, message=plain(words))
    outcome = _outcome(words, fields)
    return told(outcome, (words,), headers, context, code=code, fields=fields)


def _outcome(words: str, fields: Mapping[str, tuple[str, ...]]) -> Outcome:
    if _NO_RIGHT.search(words):
        return Outcome.AUTH
    said = spoken(words)
    if said is not Outcome.RETRY and (fields or _FIELD_SAID.match(words)):
        return Outcome.REJECT
    return said or Outcome.REJECT


def _failed(
    op: str, status: int, found: Found | None, headers: Mapping[str, str], body: bytes | None, context: Json
) -> Result:
    """400 and above: words of the program decide where there are any, for its 500 may be a field that is wrong."""
    code = f"http_{status}"
    words = _words(found, headers, body)
    if status == 403:
        return told(Outcome.AUTH, (words or "The web user lacks a right.",), headers, context, code=code)
    named = _FIELD_SAID.match(words) is not None
    if named and not throttling(words):
        return _refused(op, words, code, headers, context)
    if status == 423:
        return told(Outcome.RETRY, (words or "The record is locked there.",), headers, context, code=code)
    verdict = by_status(status, headers, context, words)
    if verdict is not None and verdict.outcome is Outcome.RETRY:
        if _NO_RIGHT.search(words) or spoken(words) is Outcome.AUTH:
            return told(Outcome.AUTH, (words,), headers, context, code=code)
        return verdict
    if words:
        return _refused(op, words, code, headers, context)
    said = f"The destination answered {status}; check base_url and the names of the APIs."
    return Result(outcome=Outcome.REJECT, code=code, message=said)


def _words(found: Found | None, headers: Mapping[str, str], body: bytes | None) -> str:
    """What an answer says of its failure, in whatever form."""
    if found is not None:
        inside = [words for each in found.entries for words in (*each.errors, *each.deeper)]
        return found.words or "; ".join(inside)
    said = (body or b"")[:2000].decode("utf-8", "replace").strip().lstrip("\ufeff")
    return "" if _MARKUP.match(said) or "html" in header(headers, "Content-Type").lower() else plain(said)


def _text_in_200(op: str, headers: Mapping[str, str], body: bytes | None, context: Json) -> Result:
    """A good status with a body that is neither XML nor JSON."""
    words = _words(None, headers, body)
    if not words or words[:1] in "<{[":
        return unreadable(context, "The answer is neither XML nor JSON.")
    if words.lower().startswith("success") and op in WRITES:
        card_id = text(context.get("known_remote_id"))
        return Result(outcome=Outcome.ACCEPTED, card_id=card_id, verified=False)
    if _FIELD_SAID.match(words) or spoken(words) is not None:
        return _refused(op, words, "text", headers, context)
    return unreadable(context, "The answer is a text that says nothing known.")
