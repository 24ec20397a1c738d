"""Values by key and by path in what is no mail: forms, JSON, rows, XML. Also the views a map asks for: the items of a
payload that are one lead each, and the place where a sender keeps a renter's answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from lxml import etree

from leadsvc.fieldmap.scene import Scene
from leadsvc.normalize.records import KeyedRecord, MailRecord, Record, XmlRecord, fold_key
from leadsvc.normalize.text import MAX_TEXT, as_text, span_text

MAX_ITEMS = 1_000
MAX_VALUES = 50
PART = " | "
"""Stands between the texts of one thing that several paths found."""
# XPath 1.0 has no patterns of its own: re:test(@Type, '^prospect$', 'i').
_NAMESPACES = {"re": "http://exslt.org/regular-expressions"}
_STEP = re.compile(r"(?P<name>[^\[\]]*)(?P<picks>(?:\[[^\[\]]*\])*)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
# form_fields[email], fields[email][value]
_INDEXED = re.compile(r"[A-Za-z_]\w*\[([^\[\]]+)\](?:\[value\]|\[\])?")
_WORD = re.compile(r"[A-Za-z_]\w*")

Extracts = Callable[[Scene], str]


def by_key(spec: Mapping[str, Any]) -> Extracts:
    """The first of several keys with anything but blanks behind it."""
    names = [fold_key(name) for name in _listed(spec["key"])]

    def key(scene: Scene) -> str:
        if isinstance(scene.record, MailRecord):
            return ""
        for name in names:
            value = scene.record.values.get(name)
            # An object is no answer, but for a span of numbers; a path goes into it.
            text = span_text(value) if isinstance(value, dict) else as_text(value)
            if text and not text.isspace():
                return text
        return ""

    return key


def by_key_like(spec: Mapping[str, Any]) -> Extracts:
    """The first filled value whose key, as lower-case words, holds a pattern: questions that every form words its own
    way. ``not_key`` names keys that are something else."""
    wanted = re.compile(spec["key_like"])
    other = re.compile(spec["not_key"]) if "not_key" in spec else None

    def key(scene: Scene) -> str:
        if isinstance(scene.record, MailRecord):
            return ""
        for name in scene.record.names:
            words = words_in(name)
            if wanted.search(words) and not (other and other.search(words)):
                text = as_text(scene.record.values.get(fold_key(name)))
                if text and not text.isspace():
                    return text
        return ""

    return key


def words_in(name: str) -> str:
    """``moveInDate``, ``move-in_date`` and ``fields[Move In Date]`` as ``move in date``."""
    return " ".join(re.sub(r"[\W_]+", " ", _HUMP.sub(" ", name)).lower().split())


def by_json(spec: Mapping[str, Any]) -> Extracts:
    """The short form: ``field_data[name=email].values[0]``. Raises ``ValueError`` for what is no such path."""
    steps = [step for part in str(spec["json"]).split(".") for step in _steps(part)]

    def path(scene: Scene) -> str:
        value: object = scene.record.root if isinstance(scene.record, KeyedRecord) else None
        for step in steps:
            value = step(value)
            if value is None:
                return ""
        return as_text(value)

    return path


def by_jmespath(spec: Mapping[str, Any]) -> Extracts:
    """What a JMESPath finds: the first text of a list, or with ``all`` each on a line of its own. ``whole`` looks in
    the payload that the lead is one item of."""
    expression, every, whole = str(spec["jmespath"]), bool(spec.get("all")), bool(spec.get("whole"))

    def path(scene: Scene) -> str:
        if not isinstance(scene.record, KeyedRecord):
            return ""
        return _joined(_texts(searched(expression, _tree(scene.record, whole=whole))), every=every)

    return path


def by_xpath(spec: Mapping[str, Any]) -> Extracts:
    """What an XPath finds, seen from the item, names without namespaces; lists as those of :func:`by_jmespath`. With
    ``parts``, which are XPaths seen from what was found, the texts of those, with ``separator`` between."""
    expression, every = str(spec["xpath"]), bool(spec.get("all"))
    text_of = _parts_text(spec["parts"], str(spec.get("separator", PART))) if "parts" in spec else _node_text

    def path(scene: Scene) -> str:
        if not isinstance(scene.record, XmlRecord):
            return ""
        return _joined((text_of(node) for node in found(expression, scene.record.root)), every=every)

    return path


def searched(expression: str, root: object) -> object:
    """The value a JMESPath has in ``root``; ``None`` where a function of it is given what it cannot take."""
    try:
        return _jmespath(expression).search(root)
    except JMESPathError:
        return None


def found(expression: str, root: etree._Element) -> Sequence[Any]:
    """The nodes or values an XPath finds, a single value as a list of one."""
    result = _evaluated(expression, root)
    return result if isinstance(result, list) else (result,)


def holds(expression: str, root: etree._Element) -> bool:
    """Whether an XPath finds a node, or says true."""
    return bool(_evaluated(expression, root))


def _evaluated(expression: str, root: etree._Element) -> Any:
    try:
        return xpath(expression)(root)
    except etree.XPathError:
        return []


@cache
def xpath(expression: str) -> etree.XPath:
    """Raises ``etree.XPathError`` for what is no XPath."""
    return etree.XPath(expression, namespaces=_NAMESPACES, smart_strings=False)


@cache
def _jmespath(expression: str) -> Any:
    return jmespath.compile(expression)


def path_fault(kind: str, expression: str) -> str:
    """What is wrong with a path of a map, empty when nothing is."""
    try:
        if kind == "json":
            by_json({"json": expression})
        elif kind == "xpath":
            xpath(expression)
        else:
            _jmespath(expression)
    except (ValueError, etree.XPathError) as error:  # JMESPath's own errors are ValueErrors
        return f"not a path: {' '.join(str(error).split())[:200]}"
    return ""


def words_of(expression: str) -> Iterator[str]:
    """The folded names a path speaks of."""
    return (fold_key(word) for word in _WORD.findall(expression))


def items(record: Record, each: Mapping[str, str]) -> tuple[Record, ...]:
    """The parts of ``record`` that are one lead each, by a JMESPath or XPath; ``record`` itself where it has none."""
    parts: list[Record] = []
    if isinstance(record, XmlRecord) and "xpath" in each:
        nodes = found(each["xpath"], record.root)[:MAX_ITEMS]
        parts = [replace(record, root=node) for node in nodes if isinstance(node, etree._Element)]
    elif isinstance(record, KeyedRecord) and "jmespath" in each:
        rows = searched(each["jmespath"], record.tree)
        for row in (rows if isinstance(rows, list) else [])[:MAX_ITEMS]:
            if isinstance(row, dict):
                values: dict[str, object] = {}
                for name, value in row.items():
                    values.setdefault(fold_key(str(name)), value)
                parts.append(KeyedRecord(record.format, values, tuple(str(n)[:100] for n in row), row, record.root))
    return tuple(parts) or (record,)


def answered(record: Record, places: Sequence[Mapping[str, str]]) -> Record:
    """``record`` with the renter's answers, from where the sender keeps them, as what ``key`` looks at: an ``object``,
    ``pairs`` of a name and a value, or the payload's own fields under their ``titles``."""
    if not isinstance(record, KeyedRecord) or not places:
        return record
    values: dict[str, object] = {}
    names: list[str] = []
    for name, value in _answers(record, places):
        key = fold_key(name)
        if key and not as_text(values.get(key)).strip():
            names.extend([name[:100]] if key not in values else [])
            values[key] = value
    return replace(record, values=values, names=tuple(names))


def names_of(record: Record) -> tuple[str, ...]:
    """The keys of a record as sent; of XML the names of attributes and of elements that hold text."""
    if isinstance(record, KeyedRecord):
        return record.names
    if not isinstance(record, XmlRecord):
        return ()
    names: dict[str, None] = dict.fromkeys(record.names)
    for element in record.root.iter():
        names.update(dict.fromkeys(str(name) for name in element.attrib))
        if not len(element) and (element.text or "").strip():
            names[str(element.tag)] = None
    return tuple(name[:100] for name in names)


def _answers(record: KeyedRecord, places: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, object]]:
    root = record.tree
    for place in places:
        kind, expression = next(iter(place.items()))
        # What a form carries as text stays as it was sent, unless a path goes into it.
        top = {name: record.values[fold_key(name)] for name in record.names if fold_key(name) in record.values}
        result = top if expression == "@" else searched(expression, root)
        if kind == "object" and isinstance(result, dict):
            for name, value in result.items():
                inner = _INDEXED.fullmatch(str(name))
                yield inner[1] if inner else str(name), _one_value(value)
        elif isinstance(result, list):
            for pair in result:
                if not isinstance(pair, list) or len(pair) != 2 or pair[0] is None:
                    continue
                if kind == "pairs":
                    yield as_text(pair[0]), _one_value(pair[1])
                elif fold_key(as_text(pair[0])) in record.values:
                    yield as_text(pair[1]), record.values[fold_key(as_text(pair[0]))]


def _one_value(value: object) -> object:
    """Several choices as one text; ``["2"]`` as ``2``; the value of a field that is described."""
    if isinstance(value, dict) and "value" in value:
        return _one_value(value["value"])
    if isinstance(value, list) and all(not isinstance(one, (dict, list)) for one in value):
        return ", ".join(text for one in value if (text := as_text(one).strip())) if len(value) != 1 else value[0]
    return value


def _tree(record: KeyedRecord, *, whole: bool) -> object:
    if whole and record.whole is not None:
        return record.whole
    return record.tree


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list) and not any(isinstance(one, (dict, list)) for one in value):
        yield from (as_text(one) for one in value)
    else:
        yield as_text(value)


def _joined(texts: Iterator[str], *, every: bool) -> str:
    filled = (text for text in texts if text.strip())
    if not every:
        return next(filled, "")
    return "\n".join(text for _, text in zip(range(MAX_VALUES), filled, strict=False))[:MAX_TEXT]


def _parts_text(parts: Sequence[str], separator: str) -> Callable[[Any], str]:
    def text_of(node: Any) -> str:
        if not isinstance(node, etree._Element):
            return ""
        inner = (_node_text(each) for part in parts for each in found(part, node)[:MAX_VALUES])
        return separator.join(" ".join(text.split()) for text in inner if text)[:MAX_TEXT]

    return text_of


def _node_text(node: Any) -> str:
    if isinstance(node, etree._Element):
        pieces = [str(piece) for piece in node.itertext()]
        text = " ".join(piece.strip() for piece in pieces) if len(node) else "".join(pieces)
    else:
        text = "" if isinstance(node, float) and node != node else as_text(node)  # NaN is XPath's "no number"
    # A doubled bracket ends up in the text: <Email>>ann@example.com</Email>.
    return text.strip().lstrip(">").strip()[:MAX_TEXT]


def _steps(part: str) -> list[Callable[[object], object]]:
    """The steps of ``field_data[name=email]`` or ``values[0]`` or ``First Name``."""
    match = _STEP.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is not a step of a path: write name, name[0] or name[key=value]")
    steps: list[Callable[[object], object]] = []
    if match["name"]:
        name = fold_key(match["name"])
        steps.append(lambda value: _member(value, name))
    for pick in re.findall(r"\[([^\[\]]*)\]", match["picks"]):
        key, equals, wanted = pick.partition("=")
        if equals:
            steps.append(lambda value, k=key, w=wanted: _where(value, k, w))  # type: ignore[misc]  # early binding
        else:
            steps.append(lambda value, i=int(key): value[i] if isinstance(value, list) and i < len(value) else None)  # type: ignore[misc]  # early binding
    return steps


def _member(value: object, folded: str) -> object:
    if not isinstance(value, dict):
        return None
    return next((item for key, item in value.items() if fold_key(key) == folded), None)


def _where(value: object, key: str, wanted: str) -> object:
    if not isinstance(value, list):
        return None
    return next(
        (item for item in value if isinstance(item, dict) and as_text(item.get(key)).lower() == wanted.lower()), None
    )


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
