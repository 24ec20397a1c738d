"""JSON bodies: one object, or a list of objects that are one record each."""

from __future__ import annotations

import json
import re

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import KeyedRecord, fold_key
from leadsvc.normalize.text import as_text, storable_json

MAX_BYTES = 5_000_000
# A mail with its attachments is large, and still a handful of values.
MAX_MAIL_BYTES = 40_000_000
_FEW_VALUES = 100_000
MAX_RECORDS = 1_000
# Where relays and exports keep several leads. People of one household stand under other names: contacts, occupants.
_LISTS = frozenset({
    "leads", "prospects", "inquiries", "enquiries", "guestcards", "submissions", "records", "entries", "items",
    "results", "rows", "data", "responses", "payload", "body",
})  # fmt: skip
_REACH = re.compile(r"[^\s@\"]+@[^\s@\"]+\.[a-z]{2,}|\+?\(?\d(?:[ ().-]{0,3}\d){8,14}", re.IGNORECASE)
_FEW_OBJECTS = 20
_SHARED = re.compile(r"^(?:propert|communit|building|source)")
_PAIR = frozenset({"name", "value", "values", "key", "label", "type", "id", "field", "question", "answer", "title"})


def load(body: bytes) -> object:
    """The JSON value in ``body``. Raises :class:`Quarantine` when it is none, too large or nested too deep."""
    if len(body) > MAX_BYTES and not _few_values(body):
        raise Quarantine("too_large", f"The JSON is larger than {MAX_BYTES:,} bytes. Ask the sender to split it.")
    try:
        text = _text(body)
        value: object = json.loads(text)
        # Only escapes can bring them in, and nearly no payload has any.
        return storable_json(value) if "\\u0000" in text or "\\ud" in text or "\\uD" in text else value
    except RecursionError as error:
        raise Quarantine("too_complex", "The JSON is nested too deep to be a lead.") from error
    except ValueError as error:
        # The message of a decoding error names a place, and quotes nothing.
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Quarantine("malformed", f"The payload is not JSON{place}. It may have been cut off.") from error


def _few_values(body: bytes) -> bool:
    return len(body) <= MAX_MAIL_BYTES and sum(body.count(sign) for sign in (b",", b"[", b"{")) <= _FEW_VALUES


def read(body: bytes) -> tuple[KeyedRecord, ...]:
    """Every object of ``body`` as a record. Raises :class:`Quarantine` for anything that is no object."""
    root = load(body)
    items = root if isinstance(root, list) else [root]
    if not items or len(items) > MAX_RECORDS:
        raise Quarantine("malformed", f"A JSON list must hold 1 to {MAX_RECORDS:,} objects, this one {len(items):,}.")
    if any(isinstance(item, dict) for item in items):
        # What is no object among objects is an item that nobody can read, not a reason to lose the others.
        return tuple(_record(item) if isinstance(item, dict) else KeyedRecord("json", {}, (), item) for item in items)
    return (_record(items[0]),)


def listed(record: KeyedRecord) -> tuple[KeyedRecord, ...]:
    """The leads that ``record`` wraps in a list ("leads": [ … ]), each with what the wrapper says of their property;
    empty when it wraps none. A list of a form's questions and answers is none."""
    root: object = record.root
    shared: dict[str, object] = {}
    for _ in range(2):
        if not isinstance(root, dict):
            return ()
        shared.update((name, value) for name, value in root.items() if _SHARED.match(name.lower()))
        inner = next((value for name, value in root.items() if fold_key(name) in _LISTS and _holds(value)), None)
        if isinstance(inner, list):
            people = [item for item in inner[:MAX_RECORDS] if isinstance(item, dict)]
            reachable = sum(bool(_REACH.search(as_text(item))) for item in people)
            return tuple(_record(shared | item) for item in people) if reachable and people == inner else ()
        root = inner
    return ()


def inside(record: KeyedRecord) -> tuple[KeyedRecord, ...]:
    """The objects in ``record``, down to the second level: relays put what they pass on into one ("call": { … })."""
    found: list[KeyedRecord] = []
    level: list[object] = [record.root]
    for _ in range(2):
        level = [
            value for root in level if isinstance(root, dict) for value in root.values() if isinstance(value, dict)
        ]
        found.extend(_record(value) for value in level[:_FEW_OBJECTS])
    return tuple(found)


def _holds(value: object) -> bool:
    """Whether ``value`` is a list of objects that are more than a name and its answer, or an object with a list."""
    if isinstance(value, dict):
        return any(fold_key(name) in _LISTS and isinstance(inner, list) for name, inner in value.items())
    return isinstance(value, list) and any(
        isinstance(item, dict) and any(fold_key(name) not in _PAIR for name in item) for item in value
    )


def _record(item: object) -> KeyedRecord:
    if not isinstance(item, dict):
        raise Quarantine("malformed", "The JSON is not an object with named fields, so no field map can read it.")
    values: dict[str, object] = {}
    for name, value in item.items():
        values.setdefault(fold_key(name), value)
    return KeyedRecord("json", values, tuple(name[:100] for name in item), item)


def _text(body: bytes) -> str:
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding).replace("\x00", "")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace").replace("\x00", "")
