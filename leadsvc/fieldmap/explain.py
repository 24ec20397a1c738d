"""How a map came to what it read: which alternative found which text, what became of it, and what nobody looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from lxml import etree

from leadsvc.fieldmap.extract import KINDS
from leadsvc.fieldmap.maps import FieldMap
from leadsvc.fieldmap.scene import Scene
from leadsvc.model import Lead, Value
from leadsvc.normalize.records import MailRecord, Record, XmlRecord, fold_key
from leadsvc.normalize.text import as_text

_MAX_LEFT = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One alternative of a field: ``text`` is what it found, ``taken`` whether a value of the lead was made of it."""

    field: str
    position: int
    alternative: str
    why: str
    text: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Made:
    """One value of the lead, as words, with its raw form and the rule that made it."""

    field: str
    value: str
    raw: str
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """``left`` are (place, text) of the payload that no alternative looked at and the map does not set aside."""

    lead: Lead
    made: tuple[Made, ...]
    steps: tuple[Step, ...]
    left: tuple[tuple[str, str], ...]


def explain(field_map: FieldMap, record: Record, received_at: datetime) -> Explanation:
    """Read ``record`` with ``field_map`` and say how."""
    lead = field_map.lead(record, received_at)
    made = tuple(_made(lead))
    scene = Scene(record, field_map.layout)
    raws = {_squeezed(one.raw) for one in made if one.raw}
    steps = []
    for name, alternatives in field_map.fields.items():
        specs = _listed(field_map.spec["fields"][name])
        for position, (extractor, spec) in enumerate(zip(alternatives, specs, strict=True), start=1):
            text = extractor(scene)
            taken = bool(text) and _part_of(_squeezed(text), raws)
            steps.append(Step(name, position, written(spec), str(spec.get("why", "")), text, taken))
    left = tuple(_left(field_map, record, steps, made))[:_MAX_LEFT]
    return Explanation(lead, made, tuple(steps), left)


def written(spec: Mapping[str, Any]) -> str:
    """An alternative on one line: ``label: Name, Full Name``."""
    kind = next(key for key in KINDS if key in spec)
    value = spec[kind]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return f"{kind}: {', '.join(value)}"
    return f"{kind}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def _made(lead: Lead) -> Iterator[Made]:
    for each in fields(lead):
        held = getattr(lead, each.name)
        for one in held if isinstance(held, tuple) else (held,):
            if isinstance(one, Value):
                yield Made(each.name, _shown(one.value), one.raw, one.rule)


def _shown(value: Any) -> str:
    if hasattr(value, "__dataclass_fields__"):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
        return ", ".join(f"{name} {part}" for name, part in parts.items() if part is not None and part not in ("", ()))
    return str(value)


def _left(field_map: FieldMap, record: Record, steps: list[Step], made: tuple[Made, ...]) -> Iterator[tuple[str, str]]:
    seen = [_squeezed(one.text) for one in steps if one.text] + [_squeezed(one.raw) for one in made]
    if isinstance(record, MailRecord):
        yield from _lines_left(field_map, record, seen)
        return
    whole = "\n".join(seen)
    leaves = _nodes(record.root) if isinstance(record, XmlRecord) else _leaves(record.root, "")
    for path, text in leaves:
        words = [fold_key(word) for word in re.split(r"[./@]|\[\d+\]", path) if word]
        if not field_map.known.intersection(words) and _squeezed(text) not in whole:
            yield path, text


def _lines_left(field_map: FieldMap, record: MailRecord, seen: list[str]) -> Iterator[tuple[str, str]]:
    scene = Scene(record, field_map.layout)
    layout = field_map.layout
    # What stands at a label the map sets aside is known too, sensitive answers above all.
    aside = [_squeezed(row) for view in scene.labelled for one in view.values() for row in one.block.split("\n")]
    told = {text for text in aside if text}
    whole = "\n".join((*seen, *told))
    for view in record.views:
        for number, row in enumerate(view, start=1):
            if layout.until is not None and layout.until.search(row):
                break
            squeezed = _squeezed(row)
            label = layout.at_start.match(row) if layout.at_start is not None else None
            known = squeezed in whole or layout.stopped(row) or label is not None or _mostly(squeezed, seen)
            if squeezed and not known and squeezed not in told:
                yield f"line {number}", row
            told.add(squeezed)


def _mostly(row: str, seen: list[str]) -> bool:
    """Whether a line is a used value with a few words around it."""
    return any(len(text) > 2 and text in row and 2 * len(text) >= len(row) for text in seen)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:50]):
            yield from _leaves(inner, f"{path}[{index}]")
    elif text := as_text(value).strip():
        yield path, text


def _nodes(root: etree._Element) -> Iterator[tuple[str, str]]:
    tree = root.getroottree()
    for node in root.iter(etree.Element):
        path = tree.getelementpath(node)
        for name, value in node.attrib.items():
            yield f"{path}/@{name!s}", str(value)
        if text := (node.text or "").strip():
            yield path, text


def _part_of(text: str, raws: set[str]) -> bool:
    return any(text in raw or raw in text for raw in raws)


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
