"""XML: a document however its sender damaged it, out of SOAP envelopes and form fields, without names of namespaces.

No entity is expanded, nothing is fetched, a document type is refused. What is not well-formed is read a second time
with repairs, and the record says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.entities import html5

from lxml import etree

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import KeyedRecord, MailRecord, XmlRecord, fold_key
from leadsvc.normalize.text import charset_of, storable

MAX_BYTES = 5_000_000
MAX_ELEMENTS = 100_000
MAX_DEPTH = 100
MAX_LAYERS = 3
REPAIRED = "xml_repaired"
_DECLARATION = re.compile(r"<\?xml\b[^<>]{0,300}\?>", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)
_ASIDE = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_DOCUMENT_TYPE = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)\b", re.IGNORECASE)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FORBIDDEN_REFERENCE = re.compile(r"&#(?:0*(?:[0-8]|1[1-24-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]));", re.IGNORECASE)
_TAG = re.compile(
    r"<!\[CDATA\[.*?\]\]>|<!--.*?-->"
    r"|<(?P<end>/?)(?P<name>[A-Za-z_][\w:.-]*)\s*(?:[^<>\"'/]+|\"[^\"<]*\"|'[^'<]*'|/(?!>))*+(?P<self>/?)>",
    re.DOTALL,
)
_NAME = re.compile(r"[^\W\d][\w.-]*")
_STRAY = re.compile(r"<(?![A-Za-z_/!?])")
_CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_REFERENCE = re.compile(r"&(?!(?:#\d{1,7}|#x[0-9a-f]{1,6});)(?:(\w{2,31});)?", re.IGNORECASE)
_MARKUP = re.compile(r"\s*<[?!a-z]", re.IGNORECASE)
# Paths of maps look at all that is below each ancestor: what nests without end would cost its square.
_TOO_DEEP = etree.XPath("boolean(" + "/".join("*" * MAX_DEPTH) + ")")
# Where senders of forms and web services put a whole document.
_CARRIERS = ("xml", "xmldoc", "xmlstring", "xmldata", "leadxml", "adf", "adfxml")
_CASELESS = frozenset({"adf"})  # written in capitals by some, as HTML once was
_IN_MAIL = re.compile(r"(?:<\?xml\b|<\?adf\b|<adf\b|<(?:\w+:)?LeadManagement\b)", re.IGNORECASE)
_END_IN_MAIL = re.compile(r"</(?:adf|(?:\w+:)?LeadManagement)\s*>", re.IGNORECASE)


def read(body: bytes, content_type: str = "") -> XmlRecord:
    """The document in ``body``. Raises :class:`Quarantine` for what is none, too large, or declares a document type."""
    if len(body) > MAX_BYTES:
        raise Quarantine("too_large", f"The XML is larger than {MAX_BYTES:,} bytes. Ask the sender to split it.")
    return _record(_text(body, content_type))


def in_form(form: KeyedRecord) -> XmlRecord | None:
    """The document that a form carries in one of its fields; the other fields stay at hand as ``values``."""
    for name in _CARRIERS:
        text = form.values.get(name)
        if isinstance(text, str) and _MARKUP.match(text):
            rest = {key: value for key, value in form.values.items() if key != name}
            names = tuple(each for each in form.names if fold_key(each) != name)
            return replace(_record(text), channel=form.format, values=rest, names=names)
    return None


def in_mail(mail: MailRecord) -> XmlRecord | None:
    """The lead document that is a mail's text or one of its attachments; ``None`` when there is none to be read."""
    shown = ("\n".join(view) for view in mail.raw_views)  # without the marks of a quotation, or out of HTML
    for text in (mail.text, mail.html, *(_text(data, "") for data in mail.documents), *shown):
        start = _IN_MAIL.search(text[:20_000])
        ends = list(_END_IN_MAIL.finditer(text)) if start else []
        if not start or not ends:
            continue
        try:
            found = _record(text[start.start() : ends[-1].end()])
            return replace(found, channel="email", recipients=mail.recipients, date=mail.date)
        except Quarantine:
            continue  # the mail itself is what is judged then
    return None


def _record(text: str) -> XmlRecord:
    root, repaired = _parsed(text)
    for _ in range(MAX_LAYERS):
        inner = _carried(root)
        if inner is None:
            break
        root, again = _parsed(inner) if isinstance(inner, str) else (inner, False)
        repaired = repaired or again
    return XmlRecord(root, notes=(REPAIRED,) if repaired else ())


def _text(body: bytes, content_type: str) -> str:
    """Bytes that are UTF-8 are, whatever was declared; else the declared character set, else Windows-1252."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    if body[:2] in (b"<\x00", b"\x00<"):
        return body.decode("utf-16-le" if body[:1] == b"<" else "utf-16-be", "replace")
    named = [found[1].decode("ascii") for found in [_ENCODING.search(body[:400])] if found]
    named += [found[1] for found in [_CHARSET.search(content_type)] if found]
    for encoding in ("utf-8-sig", *map(charset_of, named)):
        try:
            return body.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return body.decode("cp1252", "replace")


def _parsed(text: str) -> tuple[etree._Element, bool]:
    """The root of a document, and whether it had to be repaired."""
    if _DOCUMENT_TYPE.search(_ASIDE.sub("", text)):
        raise Quarantine(
            "unsafe", "The XML declares a document type, which leads never need. Ask the sender to leave it out."
        )
    # An <?adf?> or a blank line before the XML declaration is common, and no parser takes it.
    bare = _DECLARATION.sub("", _FORBIDDEN.sub("", storable(text)).lstrip("\ufeff \t\r\n"))
    try:
        return _stripped(etree.fromstring(bare.encode(), _parser(repair=False))), False
    except etree.XMLSyntaxError:
        text = _FORBIDDEN_REFERENCE.sub("", _known_references(bare[max(bare.find("<"), 0) :]))
        repaired = _balanced(text)
    try:
        root = etree.fromstring(repaired.encode(), _parser(repair=True))
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise Quarantine("malformed", "The payload is not XML. It may have been cut off; ask the sender to post again.")
    return _stripped(root), True


def _parser(*, repair: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=repair,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )


def _known_references(text: str) -> str:
    """``&nbsp;`` as its character, a bare ``&`` as what it means, and ``&amp;`` by number: behind the first fault the
    parser drops references by name."""

    def resolved(match: re.Match[str]) -> str:
        named = html5.get(f"{match[1]};", "") if match[1] else ""
        if not named:
            return f"&#38;{match[0][1:]}"
        return "".join(f"&#{ord(char)};" for char in named)

    pieces = _CDATA.split(text)
    return "".join(piece if piece.startswith("<![CDATA[") else _REFERENCE.sub(resolved, piece) for piece in pieces)


def _balanced(text: str) -> str:
    """Misnested tags put right: an end that closes nothing is dropped, an end that closes something further out closes
    what is inside first. The parser alone would close whatever is open, and move the rest of a person out of it."""
    opened: list[str] = []
    count: Counter[str] = Counter()
    text = _STRAY.sub("&#60;", text)
    last = text.rfind("</")

    def put_right(match: re.Match[str]) -> str:
        name = match["name"]
        if not name or match["self"]:
            return match[0]  # CDATA, a comment, or an element without an end
        if not match["end"]:
            opened.append(name)
            count[name] += 1
            return match[0]
        if not count[name]:
            return ""
        if name == opened[0] and len(opened) > 1 and match.start() < last:
            name = opened[-1]  # the document goes on, so what is open was meant
        closed: list[str] = []
        while not closed or closed[-1] != name:
            closed.append(opened.pop())
            count[closed[-1]] -= 1
        return "".join(f"</{each}>" for each in closed)

    return _TAG.sub(put_right, text)


def _stripped(root: etree._Element) -> etree._Element:
    """The tree with local names only: senders reset and invent namespaces at will."""
    if _TOO_DEEP(root):
        raise Quarantine("too_complex", f"The XML nests deeper than {MAX_DEPTH} levels. An end tag may be missing.")
    caseless = _plain(str(root.tag), caseless=True) in _CASELESS
    for count, element in enumerate(root.iter(), 1):
        if count > MAX_ELEMENTS:
            raise Quarantine("too_complex", f"The XML has more than {MAX_ELEMENTS:,} elements. Ask for smaller ones.")
        if str(element.tag) != (plain := _plain(str(element.tag), caseless=caseless)):
            element.tag = plain
        for name, value in list(element.attrib.items()):
            if str(name) != (plain := _plain(str(name), caseless=caseless)):
                del element.attrib[name]
                element.set(plain, value)
    return root


def _plain(name: str, *, caseless: bool) -> str:
    local = re.split("[}:]", name)[-1]  # a prefix that nobody declared is part of the name
    if not _NAME.fullmatch(local):
        return name
    return local.lower() if caseless else local


def _carried(root: etree._Element) -> etree._Element | str | None:
    """What an envelope holds: the element inside, or a document written as text; ``None`` when this is no envelope."""
    if root.tag == "Envelope":
        body = root.find("Body")
        return body[0] if body is not None and len(body) else None
    if root.getparent() is None and len(root):
        return None
    for element in _shallow(root):
        text = element.text or ""
        if not len(element) and _MARKUP.match(text):
            return text
    return None


def _shallow(root: etree._Element) -> Iterator[etree._Element]:
    """A method's element of a web service, and its arguments."""
    yield root
    yield from root
