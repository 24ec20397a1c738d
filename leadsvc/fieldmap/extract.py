"""The extractors of the field-map language: each is compiled once into a function from a scene to text.

A function returns an empty string when what it looks for is not there; the next alternative of the field is tried then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from leadsvc.fieldmap.converters import CONVERTERS
from leadsvc.fieldmap.paths import by_jmespath, by_json, by_key, by_key_like, by_xpath
from leadsvc.fieldmap.recognise import compile_recogniser
from leadsvc.fieldmap.scene import Scene, label_key
from leadsvc.normalize.mailtext import bare_subject
from leadsvc.normalize.records import KeyedRecord, Mailbox, MailRecord, fold_key
from leadsvc.normalize.transcript import said_by

Extractor: TypeAlias = Callable[[Scene], str]

_LINK = re.compile(r"https?://[^\s<>\"')\]]{1,2000}")
_MAX_LINKS = 200
# Where mail programs break lines.
_NARROWEST, _WIDEST = 68, 79
_MAX_HITS = 20
_MAX_EMBEDDED = 20_000
_DECODER = json.JSONDecoder(strict=False)


def compile_alternatives(spec: Any) -> tuple[Extractor, ...]:
    """The alternatives of one field, in order. ``spec`` has passed the schema: one alternative or a list of them."""
    return tuple(compile_one(one) for one in (spec if isinstance(spec, list) else [spec]))


def compile_one(spec: Mapping[str, Any]) -> Extractor:
    name = next(key for key in KINDS if key in spec)
    return _limited(_modified(KINDS[name](spec), spec), spec)


def first_text(alternatives: Sequence[Extractor], scene: Scene) -> str:
    """The first text any alternative finds."""
    for alternative in alternatives:
        if text := alternative(scene):
            return text
    return ""


def picked(match: re.Match[str]) -> str:
    """What a pattern means to take: its group ``v``, else its first group, else all of it."""
    groups = match.groupdict()
    return str(groups["v"] if "v" in groups else match[1] if match.re.groups else match[0]) or ""


def any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for all of ``patterns``: a line is searched once."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE) if patterns else None


def _modified(base: Extractor, spec: Mapping[str, Any]) -> Extractor:
    pattern = re.compile(spec["match"], re.IGNORECASE) if "match" in spec else None
    refused = re.compile(spec["unless"], re.IGNORECASE) if "unless" in spec else None
    steps = [CONVERTERS[name] for name in spec.get("convert", ())]
    lookup = {str(key).lower(): str(value) for key, value in spec.get("lookup", {}).items()}
    if not (pattern or refused or steps or lookup):
        return base

    def modified(scene: Scene) -> str:
        text = base(scene)
        if text and refused is not None and refused.search(text):
            return ""
        if text and pattern is not None:
            match = pattern.search(text)
            text = picked(match) if match else ""
        for step in steps:
            text = step(text) if text else ""
        return lookup.get(text.strip().lower(), "") if lookup else text

    return modified


def _limited(base: Extractor, spec: Mapping[str, Any]) -> Extractor:
    """``base`` where ``when`` holds, and not where it says the same as ``unlike``: caller ID often gives a city."""
    if "when" not in spec and "unlike" not in spec:
        return base
    holds = compile_recogniser(spec["when"]) if "when" in spec else lambda record: True
    others = compile_alternatives(spec.get("unlike", []))

    def limited(scene: Scene) -> str:
        text = base(scene) if holds(scene.record) else ""
        if text and any(fold_key(other(scene)) == fold_key(text) for other in others):
            return ""
        return text

    return limited


def _const(spec: Mapping[str, Any]) -> Extractor:
    text = str(spec["const"])
    return lambda scene: text


def _mailbox(header: str) -> Callable[[Mapping[str, Any]], Extractor]:
    def compiled(spec: Mapping[str, Any]) -> Extractor:
        part = spec[header]

        def mailbox(scene: Scene) -> str:
            if not isinstance(scene.record, MailRecord):
                return ""
            box: Mailbox = scene.record.sender if header == "from" else scene.record.reply_to
            return box.address.rpartition("@")[0] if part == "local" else str(getattr(box, part))

        return mailbox

    return compiled


def _header(spec: Mapping[str, Any]) -> Extractor:
    name = str(spec["header"]).lower()
    return lambda scene: scene.record.header(name) if isinstance(scene.record, MailRecord) else ""


def _subject(spec: Mapping[str, Any]) -> Extractor:
    pattern = re.compile(spec["subject"], re.IGNORECASE)

    def subject(scene: Scene) -> str:
        if not isinstance(scene.record, MailRecord):
            return ""
        match = pattern.search(bare_subject(scene.record.subject))
        return picked(match).strip() if match else ""

    return subject


def _label(spec: Mapping[str, Any]) -> Extractor:
    names = [label_key(name) for name in _listed(spec["label"])]
    block = bool(spec.get("multiline", False))
    if "before_value" not in spec:
        return lambda scene: scene.label(names, block=block)
    ends = compile_alternatives(spec["before_value"])

    def label(scene: Scene) -> str:
        rows = scene.label(names, block=block).split("\n")
        return "\n".join(_up_to(rows, first_text(ends, scene))).strip()

    return label


def _up_to(rows: Sequence[str], end: str) -> Sequence[str]:
    """``rows`` up to the one that says just ``end``."""
    wanted = end.casefold()
    return rows[: next((i for i, row in enumerate(rows) if row.casefold() == wanted), len(rows))] if wanted else rows


def _region(spec: Mapping[str, Any]) -> Callable[[Sequence[str]], Sequence[str]]:
    after, before = any_of(_listed(spec.get("after", []))), any_of(_listed(spec.get("before", [])))
    skip = any_of(_listed(spec.get("skip", [])))

    def region(view: Sequence[str]) -> Sequence[str]:
        rows = between(view)
        return rows if skip is None else [row for row in rows if not skip.search(row)]

    def between(view: Sequence[str]) -> Sequence[str]:
        start = 0
        if after is not None:
            hit = next((i for i, line in enumerate(view) if after.search(line)), None)
            if hit is None:
                return ()
            start = hit + 1
        if before is None:
            return view[start:]
        return view[start : next((i for i in range(start, len(view)) if before.search(view[i])), len(view))]

    return region


def _block(spec: Mapping[str, Any]) -> Extractor:
    region = _region(spec["block"])

    selector = spec["block"].get("before_css")
    ends = compile_alternatives(spec["block"].get("before_value", []))

    def block(scene: Scene) -> str:
        end = _node_text(scene, selector) if selector else first_text(ends, scene)
        for view in scene.views:
            rows = region(view)
            rows = _up_to(rows, end)
            if text := "\n".join(rows).strip():
                return text
        return ""

    return block


def _mended(rows: Sequence[str]) -> list[str]:
    """Neighbours of ``rows`` as one line where the first is as long as mail programs make lines: nothing else says
    that the second goes on with it."""
    return [
        f"{row} {following}"
        for row, following in pairwise(rows)
        if len(row) <= _WIDEST and following and len(row) + len(following.split()[0]) >= _NARROWEST
    ]


def _line(spec: Mapping[str, Any]) -> Extractor:
    region = _region(spec["line"])
    pattern = re.compile(spec["line"]["like"], re.IGNORECASE)
    every = bool(spec["line"].get("every", False))

    def line(scene: Scene) -> str:
        if every:
            hits = (
                [picked(hit).strip() for row in region(view) for hit in pattern.finditer(row)] for view in scene.views
            )
            return "\n".join(next((found for found in hits if found), ())[:_MAX_HITS])
        # Sentences that a mail program broke in two are looked at last: a whole line says more than a guess at one.
        for rows_of in (list, _mended):
            for view in scene.views:
                for row in rows_of(region(view)):
                    match = pattern.search(row)
                    if match and (text := picked(match).strip()):
                        return text
        return ""

    return line


def _said(spec: Mapping[str, Any]) -> Extractor:
    """What the visitor said in a chat transcript."""
    region = _region(spec["said"])
    by = compile_alternatives(spec["said"].get("by", []))

    def said(scene: Scene) -> str:
        name = " ".join(first_text(by, scene).split())
        return next((text for view in scene.views if (text := "\n".join(said_by(region(view), name)).strip())), "")

    return said


def _embedded(spec: Mapping[str, Any]) -> Extractor:
    """A value of the JSON that stands behind a marker in the mail's source, where readers do not see it."""
    marker = re.compile(spec["embedded"]["marker"], re.IGNORECASE)
    path = by_json({"json": spec["embedded"]["path"]})

    def embedded(scene: Scene) -> str:
        if not isinstance(scene.record, MailRecord):
            return ""
        found = (_json_behind(marker, text) for text in (scene.record.html, scene.record.text))
        root = next((value for value in found if value), None)
        return path(Scene(KeyedRecord("json", {}, (), root), scene.layout)) if root else ""

    return embedded


def _json_behind(marker: re.Pattern[str], text: str) -> object:
    match = marker.search(text)
    if match is None:
        return None
    for source in (text[match.end() :], unescape(text[match.end() : match.end() + _MAX_EMBEDDED])):
        try:
            return _DECODER.raw_decode(source.lstrip())[0]
        except (ValueError, RecursionError):
            continue
    return None


def _css(spec: Mapping[str, Any]) -> Extractor:
    selector, attribute = str(spec["css"]), spec.get("attr")

    return lambda scene: _node_text(scene, selector, attribute)


def _node_text(scene: Scene, selector: str, attribute: str | None = None) -> str:
    if not isinstance(scene.record, MailRecord) or (selector[0] == "." and selector[1:] not in scene.record.html):
        return ""  # a class that is nowhere in the page needs no parsing
    tree = scene.record.tree
    node = tree.css_first(selector) if tree is not None else None
    if node is None:
        return ""
    text = node.attributes.get(attribute) if attribute else node.text(separator=" ")
    return " ".join((text or "").split())


def _meta(spec: Mapping[str, Any]) -> Extractor:
    name = str(spec["meta"])

    def meta(scene: Scene) -> str:
        tree = scene.record.tree if isinstance(scene.record, MailRecord) else None
        node = tree.css_first(f'meta[name="{name}" i]') if tree is not None else None
        return (node.attributes.get("content") or "").strip() if node is not None else ""

    return meta


def _tag(spec: Mapping[str, Any]) -> Extractor:
    """The plus tag of the mailbox that received the mail; tags of bounce and relay addresses are longer than 40."""

    def tag(scene: Scene) -> str:
        if isinstance(scene.record, KeyedRecord):
            return ""
        tags = (address.rpartition("@")[0].partition("+")[2] for address in scene.record.recipients)
        return next((found for found in tags if 0 < len(found) <= 40), "")

    return tag


def _link(spec: Mapping[str, Any]) -> Extractor:
    """A parameter in the query of any link, also of a link wrapped in another one's query."""
    names = {name.lower() for name in _listed(spec["link"])}

    def link(scene: Scene) -> str:
        if not isinstance(scene.record, MailRecord):
            return ""
        for url in _links(scene.record):
            for name, value in _query(url):
                if name.lower() in names and value:
                    return value
                if value.startswith("http"):
                    inner = next((v for n, v in _query(value) if n.lower() in names and v), "")
                    if inner:
                        return inner
        return ""

    return link


def _links(record: MailRecord) -> list[str]:
    urls = _LINK.findall(record.text)[:_MAX_LINKS]
    if record.tree is not None:
        urls.extend(node.attributes.get("href") or "" for node in record.tree.css("a[href]")[:_MAX_LINKS])
    return [url for url in urls if "?" in url]


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query.replace("&amp;", "&"), max_num_fields=100)
    except ValueError:
        return []


def _join(spec: Mapping[str, Any]) -> Extractor:
    parts, separator = [compile_one(part) for part in spec["join"]], str(spec.get("separator", " "))
    return lambda scene: separator.join(text for text in (part(scene) for part in parts) if text)


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]


# The order decides which key of an alternative names its kind.
KINDS: Mapping[str, Callable[[Mapping[str, Any]], Extractor]] = {
    "key": by_key,
    "key_like": by_key_like,
    "json": by_json,
    "jmespath": by_jmespath,
    "xpath": by_xpath,
    "label": _label,
    "line": _line,
    "block": _block,
    "subject": _subject,
    "from": _mailbox("from"),
    "reply_to": _mailbox("reply_to"),
    "header": _header,
    "said": _said,
    "embedded": _embedded,
    "css": _css,
    "meta": _meta,
    "tag": _tag,
    "link": _link,
    "join": _join,
    "const": _const,
}
