"""HTML to the lines a reader would see. Hidden previews, styles and scripts are not among them.

Speed matters here: marks are put into the source around block elements by plain ``str.replace``, the C parser does the
rest, and the text that comes back is split at the marks. Walking the nodes in Python took ten times as long.
"""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Beyond this a mail is a catalogue or an attack; leads are far below 200 KB.
MAX_HTML: Final = 1_000_000
MAX_LINES: Final = 5_000
MAX_LINE: Final = 4_000

# The parser's time grows with the square of the nesting (0.8 s at 20,000). Real mails nest below 100.
_DEEP_ENOUGH_TO_LOOK: Final = 5_000
_MAX_TAGS: Final = 60_000
_MAX_DEPTH: Final = 1_000
_TAGS: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>?")
_FLAT: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "p", "li", "td", "th", "tr", "tbody", "thead", "option", "dt", "dd",
})  # fmt: skip

_LINE, _HIDE, _SHOW, _QUOTE, _UNQUOTE = "\x1e", "\x0e", "\x0f", "\x02", "\x03"
# A mark goes in front of these. Prefixes on purpose: "<h" is h1 to h6, hr and header; a needless break does no harm.
_BREAKERS: Final = ("<p", "<br", "<h", "</p", "</h", "</td")
# Start and end are marked only where the tag occurs at all. Starts of cells are not: see _CELL.
_BLOCKS: Final = (
    "div",
    "table",
    "li",
    "ul",
    "ol",
    "center",
    "blockquote",
    "section",
    "article",
    "footer",
    "dl",
    "dt",
    "dd",
)
# Cells without end tags: the mark must stand inside the cell, text between cells is moved out of the table.
_CELL: Final = re.compile(r"<t[dh]\b[^<>]*>")
_UPPER_TAG: Final = re.compile(r"</?[A-Z][A-Za-z0-9]*")
# "<b>Name:</b>Ann Lee<b>Email:</b>…": a label in an element of its own starts a line, or it would stick to the value.
_LABEL: Final = re.compile(
    r"<(?:span|b|strong|font|em|i|u)\b[^<>]{0,300}>(?=\s*[A-Z](?:[\w /-]|&nbsp;){1,25}:(?:\s|&nbsp;)*</)"
)
_PRE: Final = re.compile(r"<pre\b[^<>]*>.*?</pre>", re.DOTALL)

_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]+")
_HIDERS: Final = '[style*="none" i],[style*="hidden" i],[style*="opacity" i],[hidden]'
_HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![-\w])opacity\s*:\s*0(?![.\d])"
    r"|max-height\s*:\s*0(?:px)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_UNSEEN: Final = "script,style,template,noscript,title,textarea,select,svg,iframe"
_UNSEEN_TAGS: Final = tuple(f"<{tag}" for tag in _UNSEEN.split(","))
# A bare blockquote is no quotation: portals set the renter's message in it.
_QUOTES: Final = 'blockquote[type="cite" i],.gmail_quote,.yahoo_quoted,.moz-cite-prefix,.protonmail_quote'
_QUOTE_WORDS: Final = ("cite", "_quote")
# Gmail, Outlook on the web, Yahoo, Thunderbird, Apple Mail, Outlook on Windows.
_FORWARDED: Final = re.compile(
    r"<(?:div|blockquote)\b[^<>]{0,200}?(?:\bgmail_quote\b|\bdivRplyFwdMsg\b|\byahoo_quoted\b|\bmoz-forward-container\b"
    r"|type=[\"']?cite\b|border-top:\s?solid #(?:E1E1E1|B5C4DF))",
    re.IGNORECASE,
)
_MARKS: Final = re.compile(f"([{_LINE}{_QUOTE}{_UNQUOTE}])")
_HIDDEN_PART: Final = re.compile(f"{_HIDE}[^{_HIDE}{_SHOW}]*{_SHOW}")


def html_tree(html: str) -> LexborHTMLParser:
    """The parsed document for selectors, cut at ``MAX_HTML`` characters or 60,000 tags and flat below 1,000
    levels."""
    return LexborHTMLParser(_bounded(html))


def html_lines(html: str) -> list[str]:
    """Visible text of ``html``, one entry per rendered line, no blank ones. Cells of a row are lines of their own; text
    a mail program marked as quoted gets ``"> "`` in front."""
    source = _CONTROLS.sub("", _bounded(html))
    if _UPPER_TAG.search(source):
        source = _UPPER_TAG.sub(lambda match: match[0].lower(), source)
    tree = LexborHTMLParser(_marked(source))
    root = tree.body or tree.root
    if root is None:
        return []
    lower = source.lower()
    if "none" in lower or "hidden" in lower or "opacity" in lower:
        _surround([node for node in root.css(_HIDERS) if _is_hidden(node)], _HIDE, _SHOW)
    if any(tag in lower for tag in _UNSEEN_TAGS):
        _surround(root.css(_UNSEEN), _HIDE, _SHOW)
    if any(word in lower for word in _QUOTE_WORDS):
        _surround(root.css(_QUOTES), _LINE + _QUOTE, _LINE + _UNQUOTE)
    return _split(root.text())


def forwarded_part(html: str) -> str:
    """``html`` from where a mail program put the forwarded mail; all of it when none of the usual marks is there."""
    found = _FORWARDED.search(html)
    return html[found.start() :] if found else html


def _bounded(html: str) -> str:
    html = html[:MAX_HTML]
    if html.count("<") <= _DEEP_ENOUGH_TO_LOOK:
        return html
    html = "<".join(html.split("<", _MAX_TAGS)[:_MAX_TAGS])
    depth = 0

    def flattened(tag: re.Match[str]) -> str:
        nonlocal depth
        if tag[2].lower() in _FLAT:
            return tag[0]
        too_deep = depth >= _MAX_DEPTH if not tag[1] else depth > _MAX_DEPTH
        depth = max(0, depth + (-1 if tag[1] else 1))
        return "<br>" if too_deep else tag[0]

    return _TAGS.sub(flattened, html)


def _marked(source: str) -> str:
    if "<pre" in source:
        source = _PRE.sub(lambda match: match[0].replace("\n", _LINE), source, count=50)
    if source.count("<td") + source.count("<th") > source.count("</td") + source.count("</th"):
        source = _CELL.sub("\\g<0>" + _LINE, source)
    if ":</" in source or ": </" in source or ":&nbsp;</" in source:
        source = _LABEL.sub(f"{_LINE}\\g<0>", source)
    for breaker in _BREAKERS:
        source = source.replace(breaker, _LINE + breaker)
    if "<th" in source:
        source = source.replace("</th", f"{_LINE}</th")
    for block in _BLOCKS:
        if f"<{block}" in source:
            source = source.replace(f"<{block}", f"{_LINE}<{block}").replace(f"</{block}", f"{_LINE}</{block}")
    return source


def _surround(nodes: list[LexborNode], before: str, after: str) -> None:
    """Marks instead of removal: a removed node frees its children, which may be in the same list."""
    for node in nodes:
        if node.parent is not None:
            node.insert_before(before)
            node.insert_after(after)


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN.search((attributes.get("style") or "")[:2000]))


def _split(text: str) -> list[str]:
    # Hidden parts inside hidden parts go from the inside out.
    while _HIDE in text and (shown := _HIDDEN_PART.sub("", text)) != text:
        text = shown
    if _QUOTE not in text:
        rows = (" ".join(row.split())[:MAX_LINE] for row in text.split(_LINE, MAX_LINES * 10))
        return [row for row in rows if row][:MAX_LINES]
    lines: list[str] = []
    parts: list[str] = []
    quoted = 0
    for piece in (*_MARKS.split(text), _LINE):
        if piece == _LINE:
            words = " ".join("".join(parts).split())
            parts.clear()
            if words:
                lines.append(("> " + words if quoted else words)[:MAX_LINE])
        elif piece in (_QUOTE, _UNQUOTE):
            quoted = max(0, quoted + (1 if piece == _QUOTE else -1))
        else:
            parts.append(piece)
    return lines[:MAX_LINES]
