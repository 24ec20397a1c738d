"""A proposal as the text of a map file, laid out as a person would: one field a line."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

_FLOW = frozenset({"formats", "required", "relays", "ignore", "sensitive"})


def map_text(spec: Mapping[str, Any]) -> str:
    """YAML of ``spec`` that :func:`leadsvc.fieldmap.check_file` reads again as the same values."""
    document = CommentedMap()
    for key, value in spec.items():
        if key == "fields":
            document[key] = CommentedMap((name, _alternatives(one)) for name, one in value.items())
        elif key == "recognise":
            document[key] = CommentedSeq(_flow(one) for one in value)
        else:
            document[key] = _flow(value) if key in _FLOW else _block(value)
    yaml = YAML()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _alternatives(value: Any) -> Any:
    return CommentedSeq(_flow(one) for one in value) if isinstance(value, list) else _flow(value)


def _block(value: Any) -> Any:
    if isinstance(value, dict):
        return CommentedMap((key, _block(inner)) for key, inner in value.items())
    return CommentedSeq(value) if isinstance(value, list) else value


def _flow(value: Any) -> Any:
    if isinstance(value, dict):
        found = CommentedMap((key, _flow(inner)) for key, inner in value.items())
        found.fa.set_flow_style()
        return found
    if isinstance(value, list):
        listed = CommentedSeq(_flow(inner) for inner in value)
        listed.fa.set_flow_style()
        return listed
    return value
