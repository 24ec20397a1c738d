"""Where a value of a sample may stand in XML, JSON and forms: alternatives of the map language. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from leadsvc.learning.samples import Sample
from leadsvc.normalize.records import KeyedRecord, XmlRecord
from leadsvc.normalize.text import as_text

_NAMERS = ("name", "label", "key", "id", "title", "question", "field", "ref")
_VALUERS = ("values", "value", "answer", "text", "response")
_MAX_DEPTH = 6
_MAX_PATHS = 400
_MAX_NODES = 3_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """``spec`` is an alternative of the map language, ``said`` what the sender calls the place, ``rank`` how well such
    places outlive a change of layout (lower is better)."""

    spec: Mapping[str, Any]
    said: str
    rank: int


# -- XML ---------------------------------------------------------------------------------------------------------------


def of_xml(record: XmlRecord) -> Iterator[Candidate]:
    """Elements with text and attributes by their path; where siblings are told apart by an attribute, by that too."""
    for name in record.names:
        yield Candidate({"key": name}, name, 1)
    for node in list(record.root.iter(etree.Element))[:_MAX_NODES]:
        lineage = [node, *node.iterancestors()]
        way = list(reversed(lineage[: lineage.index(record.root)]))
        if way:
            yield from _of_node(node, way)


def _of_node(node: etree._Element, way: Sequence[etree._Element]) -> Iterator[Candidate]:
    steps = [str(one.tag) for one in way]
    told = [step + _predicate(one) for step, one in zip(steps, way, strict=True)]
    said = " ".join((*steps[-2:], *re.findall(r'"([^"]*)"', "/".join(told))))
    # The last two steps outlive another wrapper around the document.
    places = [".//" + "/".join(steps[-2:]), "/".join(steps), ".//" + "/".join(told[-2:]), "/".join(told)]
    if (node.text or "").strip():
        for rank, place in enumerate(dict.fromkeys(places)):
            yield Candidate({"xpath": place}, said, rank)
    for attribute in node.attrib:
        for rank, place in enumerate(dict.fromkeys(places)):
            yield Candidate({"xpath": f"{place}/@{attribute!s}"}, f"{said} {attribute!s}", rank + 1)


def _predicate(node: etree._Element) -> str:
    """``[@part="first"]``: the first attribute that names a kind, not a value of somebody."""
    for name, value in ((str(key), str(held)) for key, held in node.attrib.items()):
        if re.fullmatch(r"[A-Za-z][A-Za-z _-]{1,24}", value):
            return f'[@{name}="{value}"]'
    return ""


# -- forms and JSON ----------------------------------------------------------------------------------------------------


def of_keyed(record: KeyedRecord) -> Iterator[Candidate]:
    for name in record.names:
        value = record.root.get(name) if isinstance(record.root, dict) else None
        if not isinstance(value, (dict, list)):
            yield Candidate({"key": name}, name, 0)
        elif isinstance(value, list) and value and not isinstance(value[0], (dict, list)):
            yield Candidate({"key": name}, name, 1)
    for index, (path, said) in enumerate(_paths(record.root, "", 0)):
        if index >= _MAX_PATHS:
            return
        if "." in path or "[" in path:
            yield Candidate({"json": path}, said, 1)


def answer_places(samples: Sequence[Sample]) -> list[dict[str, str]]:
    """Where in a JSON payload names and values stand below the top: objects, and lists of pairs; innermost first."""
    found: dict[str, dict[str, str]] = {}
    for sample in samples:
        if isinstance(sample.record, KeyedRecord) and isinstance(sample.record.root, dict):
            for place in _places(sample.record.root, "", 0):
                found.setdefault(repr(place), place)
    deep = sorted(found.values(), key=lambda place: -next(iter(place.values())).count("."))
    wrappers: list[dict[str, str]] = [{"object": name} for name in _WRAPPERS if {"object": f'"{name}"'} not in deep]
    return [*deep[:20], *wrappers, {"pairs": _ANY_PAIRS}, {"object": "@"}] if deep else []


# Where other versions of a sender's payload keep the same answers.
_WRAPPERS = (
    "payload.data",
    "payload",
    "data",
    "form_data",
    "fields",
    "answers",
    "submission",
    "lead",
    "contact",
    "customer",
)
_ANY_PAIRS = (
    "(fields || answers || form_data || data || field_data)[?name || label || title || key]"
    ".[name || label || title || key, value || answer || values]"
)


def _places(value: Any, path: str, depth: int) -> Iterator[dict[str, str]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, f"{path}.{json.dumps(str(key))}" if path else json.dumps(str(key)), depth + 1)
        if path and any(not isinstance(inner, (dict, list)) for inner in value.values()):
            yield {"object": path}
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        namer = next((key for key in value[0] if key.lower() in _NAMERS and isinstance(value[0][key], str)), None)
        valuer = next((key for key in value[0] if key.lower() in _VALUERS), None)
        if namer is not None and valuer is not None:
            yield {"pairs": f"{path}[].[{json.dumps(namer)}, {json.dumps(valuer)}]"}


def _paths(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Paths to everything with text, and what each is called: the key, or the name beside the value in a list."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if not re.search(r"[.\[\]]", str(key)):
                yield from _paths(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        yield from _in_list(value, path, depth)
    elif as_text(value).strip():
        yield path, re.sub(r"\[[^\]]*\]", "", path).rpartition(".")[2]


def _in_list(items: list[Any], path: str, depth: int) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(items[:50]):
        if not isinstance(item, dict):
            if index == 0:
                yield from _paths(item, f"{path}[0]", depth + 1)
            continue
        namer = next((key for key in item if key.lower() in _NAMERS and isinstance(item[key], str)), None)
        if namer is None or any(mark in item[namer] for mark in "[]=."):
            yield from _paths(item, f"{path}[{index}]", depth + 1)
            continue
        valuer = next((key for key in item if key.lower() in _VALUERS), None)
        if valuer is None:
            yield from _paths(item, f"{path}[{namer}={item[namer]}]", depth + 1)
            continue
        inner = item[valuer]
        step = f"{path}[{namer}={item[namer]}].{valuer}"
        yield (f"{step}[0]" if isinstance(inner, list) else step), item[namer]
