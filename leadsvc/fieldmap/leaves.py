"""What a payload of an unknown make holds, flat: each leaf by its own name and by those of its parents. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from leadsvc.normalize import transcript
from leadsvc.normalize.records import KeyedRecord, XmlRecord, fold_key
from leadsvc.normalize.text import as_text, span_text

_MAX_DEPTH: Final = 6
_MAX_LEAVES: Final = 2_000
# Whose name, address or number a key below these is: the property's or the office's, never the renter's.
_NOT_RENTER: Final = re.compile(
    r"^(?:propert|listing|unit|communit|building|office|agent|compan|vendor|provider|manager|landlord|seller|owner|organi|site"
    r"|account|form$|location|source|campaign|page|utm|meta|schema|recipient|assignee)",
)
_PAIR_NAMES: Final = ("name", "key", "label", "field", "question", "title")
_PAIR_VALUES: Final = ("value", "values", "answer", "response")
# Keys of an object that is a number or an address, by a word of its name.
_REACH: Final[Mapping[str, tuple[str, ...]]] = {
    "phone": ("number", "value", "e164", "phone", "phone_number"),
    "email": ("address", "value", "email"),
}
_SPEAKERS: Final = ("sender_type", "author_type", "user_type", "role", "from", "sender", "author", "speaker", "type")
_WORDS: Final = ("text", "body", "message", "content")


def flattened(record: KeyedRecord | XmlRecord) -> KeyedRecord:
    """Every leaf of a nested payload under its own name and under those of its parents and its own; what stands below a
    property, an office or an agent only under both."""
    leaves = list(_xml_leaves(record.root)) if isinstance(record, XmlRecord) else list(_leaves(record.tree, ()))
    values: dict[str, object] = {}
    for path, value in leaves[:_MAX_LEAVES]:
        others = [name for name in path[:-1] if _NOT_RENTER.match(name.lower())]
        names = [" ".join(path[-2:])] if others else [path[-1], " ".join(path[-2:])]
        if others:
            names.append(f"{_role(others[-1])} {path[-1]}")
        for name in names:
            values.setdefault(fold_key(name), value)
    channel = record.channel if isinstance(record, XmlRecord) else record.format
    names_sent = tuple(dict.fromkeys(path[-1][:100] for path, _ in leaves[:_MAX_LEAVES]))
    return KeyedRecord(channel, values, names_sent, record.root)


def _role(name: str) -> str:
    low = name.lower()
    return "property" if low.startswith(("propert", "listing", "communit", "building", "vendor", "unit")) else name


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if len(path) > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        if path and (span := span_text(value)):
            yield path, span
        if path and (reach := _reach(path[-1], value)):
            yield (*path[:-1], reach[0]), reach[1]
        for name, inner in list(value.items())[:_MAX_LEAVES]:
            yield from _leaves(inner, (*path, str(name)))
    elif isinstance(value, list) and (turns := _turns(value[:200])):
        yield (*path, "message"), "\n".join(turns.said)
    elif isinstance(value, list):
        pairs = [_pair(item) for item in value[:200]]
        for item, pair in zip(value[:200], pairs, strict=True):
            if pair is not None:
                yield (*path, pair[0]), pair[1]
            else:
                yield from _leaves(item, path or ("",))
    elif path and value not in (None, ""):
        yield path, value


def _reach(name: str, value: Mapping[str, object]) -> tuple[str, str] | None:
    """``phones: [{"type": "mobile", "number": "…"}]``: the number or address that an object stands for, and which."""
    for kind, keys in _REACH.items():
        if kind in name.lower() and (text := next((as_text(value[key]) for key in keys if value.get(key)), "")):
            return kind, text
    return None


@dataclass(frozen=True, slots=True)
class _Turns:
    """What the visitor said in a list of what each side said."""

    said: tuple[str, ...]


def _turns(items: Sequence[object]) -> _Turns | None:
    """The visitor's words when ``items`` are the lines of a conversation, ``None`` when they are anything else."""
    said: list[str] = []
    for item in items:
        low = {str(name).lower(): inner for name, inner in item.items()} if isinstance(item, Mapping) else {}
        who = next((low[name] for name in _SPEAKERS if low.get(name)), None)
        words = next((low[name] for name in _WORDS if isinstance(low.get(name), str)), None)
        role = who.get("type", who.get("role")) if isinstance(who, Mapping) else who
        if not isinstance(role, str) or not isinstance(words, str):
            return None
        if transcript.is_visitor(role):
            said.append(words)
    return _Turns(tuple(said)) if len(items) > 1 else None


def _pair(item: object) -> tuple[str, object] | None:
    """``{"name": "email", "value": "ann@example.com"}`` and its like: a key and a value by name."""
    if not isinstance(item, Mapping) or not 2 <= len(item) <= 6:
        return None
    low = {str(key).lower(): value for key, value in item.items()}
    name = next((low[key] for key in _PAIR_NAMES if isinstance(low.get(key), str)), None)
    value = next((low[key] for key in _PAIR_VALUES if key in low), None)
    if isinstance(value, list):
        value = ", ".join(str(each) for each in value if each is not None)
    return (name, value) if isinstance(name, str) and isinstance(value, (str, int, float, bool)) else None


def _xml_leaves(root: etree._Element) -> Iterator[tuple[tuple[str, ...], object]]:
    stack: list[tuple[etree._Element, tuple[str, ...]]] = [(root, ())]
    while stack:
        node, above = stack.pop()
        if not isinstance(node.tag, str) or len(above) > _MAX_DEPTH * 2:
            continue
        name = node.tag.rpartition("}")[2]  # recovered markup has names that QName refuses
        kind = next((str(node.get(key)) for key in ("part", "type", "name", "id") if node.get(key)), "")
        path = (*above, f"{kind} {name}" if kind and kind.isalpha() else name)
        for key, value in node.attrib.items():
            yield (*path, str(key)), str(value)
        if node.text and node.text.strip():
            yield path, node.text.strip()
            if path[-1] != name:
                yield (*above, name), node.text.strip()
        stack.extend((child, path) for child in reversed(list(node)))
