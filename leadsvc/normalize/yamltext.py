"""YAML 1.2 into plain values, fast: libyaml reads the text, only what the core schema calls a number, a truth value or
nothing is converted. ``on``, ``no`` and ``2026-02-01`` stay text, and a key that stands twice is a fault."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

Node = yaml.Node
MappingNode = yaml.MappingNode
SequenceNode = yaml.SequenceNode
YAMLError = yaml.YAMLError
MarkedYAMLError = yaml.MarkedYAMLError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a PyYAML built without libyaml is slower, not different


class _Loader(_Base):  # type: ignore[misc]  # which base it is depends on how PyYAML was built
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML fills it by class


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise yaml.MarkedYAMLError(problem="a key must be a plain value", problem_mark=key_node.start_mark)
        if key in found:
            raise yaml.MarkedYAMLError(problem=f"the key {key} stands here twice", problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _whole(_: Any, node: yaml.ScalarNode) -> int:
    return int(node.value)  # PyYAML would read 0123 as octal


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?\d+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.\d+|\d+\.\d*)(?:[eE][-+]?\d+)?$|^[-+]?\d+[eE][-+]?\d+$", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def load(text: str) -> Any:
    """The value ``text`` describes. Raises :class:`YAMLError` for anything else, mostly a
    :class:`MarkedYAMLError`, which knows the place."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, of our own


def compose(text: str) -> Node | None:
    """The same as nodes that know their lines and columns."""
    node: Node | None = yaml.compose(text, Loader=_Loader)
    return node
