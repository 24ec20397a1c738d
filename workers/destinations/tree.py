"""XML as vendors answer it: no trust in prefixes, in the case of names, or in the depth at which something lies.

Names are compared without prefix and case. Nothing is repaired, for half a document must never be judged; a document
type is refused, and no entity is expanded. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from leadsvc.workers.destinations.verdicts import sound

Node = etree._Element

_DOCUMENT_TYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_INVALID_REFERENCE = re.compile(rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[1-24-9]|2[0-9]|3[01]));", re.IGNORECASE)
_INSIDE_MAX = 2


def read(body: bytes | None) -> Node | None:
    """The root of the document in ``body``; ``None`` for anything that is not one whole document."""
    raw = (body or b"").lstrip(b"\xef\xbb\xbf \t\r\n")
    if not raw or _DOCUMENT_TYPE.search(raw[:2000]):
        return None
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(_INVALID_REFERENCE.sub(b"", raw), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def name(node: Node) -> str:
    """The name of an element without prefix, in lower case; empty for what is no element."""
    return etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""


def children(node: Node, wanted: str = "") -> list[Node]:
    """The elements right below, of one name where given."""
    return [each for each in node if name(each) and (not wanted or name(each) == wanted.lower())]


def every(node: Node | None, wanted: str) -> list[Node]:
    """All elements of a name below ``node``, in the order of the document."""
    if node is None:
        return []
    return [each for each in node.iter() if each is not node and name(each) == wanted.lower()]


def first(node: Node | None, *wanted: str) -> Node | None:
    """Step by step the first element of each name, however deep; ``None`` where one is missing."""
    for each in wanted:
        node = next(iter(every(node, each)), None)
    return node


def text(node: Node | None) -> str:
    """All that an element says, on one line; empty for one that is missing or nil."""
    return " ".join(sound("".join(map(str, node.itertext()))).split()) if node is not None else ""


def verbatim(node: Node | None) -> str:
    """What an element says, with its lines as they are."""
    return sound("".join(map(str, node.itertext()))).strip() if node is not None else ""


def said(node: Node | None, *wanted: str) -> str:
    """The text of the first element that has one of ``wanted`` names and says something."""
    for each in wanted:
        for found in every(node, each):
            if text(found):
                return text(found)
    return ""


def unwrapped(node: Node) -> Node:
    """``node``, or the document that it holds as text, escaped or as CDATA."""
    for _ in range(_INSIDE_MAX):
        words = (node.text or "").lstrip()
        inner = read(words.encode()) if words[:1] == "<" and not children(node) else None
        if inner is None:
            break
        node = inner
    return node


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: the local part of its code, and all its words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a SOAP answer holds: a fault, or the first element of its body (``None``: an empty body)."""

    fault: Fault | None
    payload: Node | None


def envelope(body: bytes | None) -> Envelope | None:
    """The SOAP 1.1 or 1.2 envelope in ``body``; ``None`` when it holds none."""
    root = read(body)
    if root is None or name(root) != "envelope":
        return None
    inside = next(iter(children(root, "body")), None)
    if inside is None:
        return None
    payload = next(iter(children(inside)), None)
    if payload is not None and name(payload) == "fault":
        return Envelope(_fault(payload), None)
    return Envelope(None, payload)


def _fault(node: Node) -> Fault:
    codes = [text(each) for each in (*children(node, "faultcode"), *every(first(node, "code"), "value"))]
    words = [text(each) for each in (*children(node, "faultstring"), *children(node, "reason"))]
    for part in (*children(node, "detail"),):
        words += [text(leaf) for leaf in part.iter() if name(leaf) and not children(leaf)]
    local = [code.rpartition(":")[2] for code in codes if code]
    return Fault(local[-1] if local else "", "; ".join(dict.fromkeys(each for each in words if each)))
