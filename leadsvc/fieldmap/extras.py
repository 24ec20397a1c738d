"""Sensitive answers that a destination was configured to need: the only way by which one reaches a lead.

What is looked at is the item itself, so that of a household nobody's answers are taken for another's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from leadsvc.fieldmap.paths import words_in
from leadsvc.fieldmap.scene import Scene, label_key
from leadsvc.normalize.records import KeyedRecord, XmlRecord, fold_key
from leadsvc.normalize.sensitive import kinds_of
from leadsvc.normalize.text import as_text, line

_MAX = 20
_MAX_LENGTH = 200
_DEEPEST = 8


def extras_of(scene: Scene, labels: Sequence[str], kinds: frozenset[str]) -> dict[str, str]:
    """The answers of the wanted ``kinds`` (``income`` …) by the words of their key: ``{"monthly income": "4,500"}``.
    ``labels`` are those that the map declares sensitive, which is where a mail is looked through."""
    found: dict[str, str] = {}
    for name, text in _answers(scene, labels) if kinds else ():
        said = line(text)[:_MAX_LENGTH]
        of = kinds_of(name)
        if said and of and of <= kinds and len(found) < _MAX:
            found.setdefault(words_in(name)[:100], said)
    return found


def _answers(scene: Scene, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    record = scene.record
    if isinstance(record, KeyedRecord):
        yield from ((name, as_text(record.values.get(fold_key(name)))) for name in record.names)
        yield from _leaves(record.root, 0)
    elif isinstance(record, XmlRecord):
        yield from ((name, as_text(record.values.get(fold_key(name)))) for name in record.names)
        for element in record.root.iter(etree.Element):
            yield from ((str(name), str(value)) for name, value in element.attrib.items())
            if not len(element):
                yield str(element.tag), element.text or ""
    else:
        yield from ((label, scene.label([label_key(label)], block=False)) for label in labels)


def _leaves(value: object, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, (dict, list)):
            yield from _leaves(inner, depth + 1)
        else:
            yield str(name), as_text(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _leaves(inner, depth + 1)
