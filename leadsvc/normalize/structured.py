"""People that a mail names for machines: JSON-LD of schema.org in its HTML, and attached vCards. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from leadsvc.normalize.records import MailRecord

_MAX_BLOCKS: Final = 10
_MAX_NODES: Final = 500
_PEOPLE: Final = frozenset({"person", "customer", "client", "renter", "audience"})
# A node that says something about the inquiry and has its person inside.
_VCARD: Final = re.compile(r"BEGIN:VCARD(.*?)END:VCARD", re.IGNORECASE | re.DOTALL)
_LINE: Final = re.compile(r"^(?:item\d+\.)?(?P<name>[A-Za-z-]+)(?P<parameters>;[^:\n]*)?:(?P<value>.*)$", re.MULTILINE)


def people_in(record: MailRecord) -> Iterator[dict[str, str]]:
    """For each person the texts of field-map fields: ``{"name": …, "email": …, "phone": …}``."""
    yield from _json_ld(record)
    for card in record.cards:
        for match in _VCARD.finditer(card):
            if found := _vcard(match[1]):
                yield found


def _json_ld(record: MailRecord) -> Iterator[dict[str, str]]:
    if "ld+json" not in record.html or record.tree is None:
        return
    for script in record.tree.css('script[type="application/ld+json" i]')[:_MAX_BLOCKS]:
        try:
            root = json.loads(script.text())
        except (ValueError, RecursionError):
            continue  # a damaged block says nothing; the visible text is still read
        for node in _nodes(root):
            if found := _person(node):
                yield found


def _nodes(root: object) -> Iterator[Mapping[str, object]]:
    stack, seen = [root], 0
    while stack and seen < _MAX_NODES:
        node = stack.pop(0)
        seen += 1
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            yield node
            # An organisation's employee or a listing's agent is somebody else.
            if str(node.get("@type", "")).lower() not in {"organization", "realestateagent", "localbusiness"}:
                stack.extend(value for value in node.values() if isinstance(value, (dict, list)))


def _person(node: Mapping[str, object]) -> dict[str, str]:
    if str(node.get("@type", "")).lower() not in _PEOPLE:
        return {}
    keys = {"name": "name", "givenName": "given", "familyName": "family", "email": "email", "telephone": "phone"}
    return {field: value for key, field in keys.items() if isinstance(value := node.get(key), str) and value.strip()}


def _vcard(text: str) -> dict[str, str]:
    unfolded = re.sub(r"\r?\n[ \t]", "", text)
    found: dict[str, str] = {}
    for match in _LINE.finditer(unfolded):
        name, value = match["name"].upper(), re.sub(r"\\([,;\\])", r"\1", match["value"]).strip()
        if name == "FN":
            found.setdefault("name", value)
        elif name == "EMAIL":
            found.setdefault("email", value)
        elif name == "TEL":
            found.setdefault("phone", value.removeprefix("tel:"))
    return found if "email" in found or "phone" in found else {}
