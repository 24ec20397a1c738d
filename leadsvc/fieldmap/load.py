"""Field maps from YAML: checked against ``mappings/schema.json`` and by rules a schema cannot say, then compiled.

A wrong map is told as ``file:line:column: message``, all of its faults at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadsvc.errors import MapError
from leadsvc.fieldmap.build import FIELDS
from leadsvc.fieldmap.converters import CONVERTERS
from leadsvc.fieldmap.maps import PATHS, FieldMap, MapSet, NotLead, Path_, walk
from leadsvc.fieldmap.paths import path_fault
from leadsvc.fieldmap.recognise import compile_recogniser
from leadsvc.model import ContactType
from leadsvc.normalize import yamltext
from leadsvc.normalize.data import shared
from leadsvc.normalize.sources import catalogue
from leadsvc.normalize.yamltext import MappingNode, MarkedYAMLError, Node, SequenceNode, YAMLError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_PATTERN_KEYS = frozenset({
    "match", "unless", "subject", "like", "after", "before", "skip", "stops", "until", "body", "not_body",
    "not_subject", "from_name", "not_from_name", "key_like", "not_key", "keys_like", "text", "not_text",
})  # fmt: skip


def load_maps(folder: Path | None = None, keeps: frozenset[str] = frozenset()) -> MapSet:
    """Every map of ``folder`` (default: those that ship with the package), made to keep the kinds of sensitive answers
    ``keeps``. Raises :class:`MapError` for the first file with faults, all of which it names."""
    read = _all(folder, _load) if folder is not None else _ours()
    maps = {one.id: replace(one, keeps=keeps) if keeps else one for one in read.maps.values()}
    return MapSet(maps, read.not_leads)


@cache
def _ours() -> MapSet:
    """What ships with the package; it does not change while a process runs."""
    return _all(files("leadsvc").joinpath("mappings"), _load_ours)


def _all(root: Traversable, load: Callable[[str, str], FieldMap]) -> MapSet:
    maps: dict[str, FieldMap] = {}
    for file in sorted((f for f in root.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name):
        one = load(file.name, file.read_text(encoding="utf-8"))
        if one.id in maps:
            raise MapError(f"{file.name}:1:1: the id {one.id} is taken by another file; give this map its own")
        maps[one.id] = one
    if not maps:
        raise MapError(f"{root}:1:1: no field maps (*.yaml) in this folder; check the path")
    return MapSet(maps, _not_leads(root))


def check_file(file: Path, pattern_fault: Callable[[str], str] | None = None) -> list[str]:
    """The faults of one map file as ``file:line:column: message``; empty when it is good. ``pattern_fault`` says what
    is wrong with a regular expression that compiles, empty when nothing is."""
    text = file.read_text(encoding="utf-8")
    faults = _faults(str(file), text)
    if faults or pattern_fault is None:
        return faults
    node = yamltext.compose(text)
    judged = ((path, pattern_fault(pattern)) for path, pattern in _patterns(yamltext.load(text)))
    return [f"{file}:{_place(node, path)}: {fault}" for path, fault in judged if fault]


def _load_ours(name: str, text: str) -> FieldMap:
    """A map of the package, judged when it was built (``tests/contracts``) and not again in every process."""
    try:
        return compile_map(yamltext.load(text))
    except (YAMLError, KeyError, TypeError, ValueError):
        return _load(name, text)


def _load(name: str, text: str) -> FieldMap:
    faults = _faults(name, text)
    if faults:
        raise MapError("\n".join(faults))
    return compile_map(yamltext.load(text))


def _faults(name: str, text: str) -> list[str]:
    try:
        spec = yamltext.load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        place = f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"
        return [f"{name}:{place}: {getattr(error, 'problem', None) or 'not YAML'}"]
    found = [(tuple(error.absolute_path), error.message) for error in map(_telling, _validator().iter_errors(spec))]
    if not found:
        found = list(_lint(spec, name))
    if not found:
        return []
    node = yamltext.compose(text)
    return [f"{name}:{_place(node, path)}: {message}" for path, message in found]


def _telling(error: ValidationError) -> ValidationError:
    """Of an error that says "none of the choices fits", the fault of the choice that came nearest."""
    while error.context:
        named = [inner for inner in error.context if inner.validator == "additionalProperties"]
        error = max(named or error.context, key=lambda inner: len(inner.absolute_path))
    return error


@cache
def _validator() -> Draft202012Validator:
    # It takes as long to import as everything else of this package, and who only reads payloads judges no map.
    from jsonschema import Draft202012Validator

    schema = files("leadsvc").joinpath("mappings", "schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _place(node: Node | None, path: Sequence[str | int]) -> str:
    """``line:column`` of the value at ``path``, or of the nearest thing above it."""
    for step in path:
        if isinstance(node, MappingNode):
            inner = next((value for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = node.value[step]
        else:
            break
        if inner is None:
            break
        node = inner
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}" if node is not None else "1:1"


def _lint(spec: Mapping[str, Any], name: str) -> Iterator[tuple[Path_, str]]:
    """What the schema cannot say."""
    if Path(name).stem != spec["id"]:
        yield ("id",), f"the id must be the file's name, {Path(name).stem}"
    if spec["source"] not in catalogue():
        yield ("source",), f"no source {spec['source']} in shared/sources.yaml; add it there or use one that is"
    if "extends" in spec and not _shared_file(spec["extends"]).is_file():
        yield ("extends",), f"there is no shared/{spec['extends']}.yaml"
    for field in spec.get("fields", {}):
        if field not in FIELDS:
            yield ("fields", field), f"unknown field {field}; known are {', '.join(sorted(FIELDS))}"
    for path, key, value in walk(spec, ()):
        if key == "convert":
            for step in value:
                if step not in CONVERTERS:
                    yield path, f"unknown converter {step}; known are {', '.join(sorted(CONVERTERS))}"
        elif key in PATHS and not _named_by_sender(path):
            for expression in value if isinstance(value, list) else [value]:
                if fault := path_fault("xpath" if key == "parts" else str(key), str(expression)):
                    yield path, fault
    for path, pattern in _patterns(spec):
        if fault := _pattern_fault(pattern):
            yield path, fault


def _patterns(spec: Mapping[str, Any]) -> Iterator[tuple[Path_, str]]:
    """The regular expressions of a map, and where they stand."""
    for path, key, value in walk(spec, ()):
        named = _named_by_sender(path)
        if (named and path[-2] != "lookup") or (not named and key in _PATTERN_KEYS):
            yield from (
                (path, each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
            )


def _shared_file(name: str) -> Traversable:
    return files("leadsvc").joinpath("mappings", "shared", f"{name}.yaml")


def _named_by_sender(path: Path_) -> bool:
    """Whether the key at the end of ``path`` is a word of the sender's, not of the map language."""
    return len(path) > 1 and path[-2] in ("headers", "values", "lookup")


def _pattern_fault(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"not a regular expression: {error}"
    return ""


def compile_map(spec: Mapping[str, Any]) -> FieldMap:
    """The map ``spec`` describes; ``spec`` has passed the schema and the lint."""
    spec = _extended(spec)
    return FieldMap(
        id=spec["id"],
        version=spec["version"],
        owner=spec["owner"],
        confidence=spec["provenance"]["confidence"],
        rests_on=tuple(spec["provenance"]["rests_on"]),
        formats=tuple(spec["formats"]),
        source=spec["source"],
        contact_type=ContactType(spec["contact_type"]),
        region=spec.get("region", "US"),
        reader=spec.get("reader", "fields"),
        required=tuple(spec.get("required", ())),
        relays=frozenset(spec.get("relays", ())),
        spec=spec,
    )


def _extended(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """``spec`` with what it has in common with others: its own fields go before those of ``shared/EXTENDS.yaml``."""
    if "extends" not in spec:
        return spec
    base = shared(spec["extends"])
    lists = {key: [*spec.get(key, ()), *base.get(key, ())] for key in ("ignore", "sensitive", "not_leads")}
    return {**spec, **lists, "fields": {**base["fields"], **spec.get("fields", {})}}


def _not_leads(root: Traversable) -> tuple[NotLead, ...]:
    """The classes of ``shared/not_leads.yaml``: the folder's own, else those of the package."""
    file = root.joinpath("shared", "not_leads.yaml")
    if not file.is_file():
        file = files("leadsvc").joinpath("mappings", "shared", "not_leads.yaml")
    rows = yamltext.load(file.read_text(encoding="utf-8"))["not_leads"]
    return tuple(
        NotLead(row["cause"], row["detail"], bool(row.get("first", False)), compile_recogniser(row["when"]))
        for row in rows
    )
