"""Plain text out of what senders put into fields: white space, hidden characters, mark-up, quotation marks."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping

from leadsvc.model import Value
from leadsvc.normalize.data import placeholders
from leadsvc.normalize.html import html_lines

# A renter's message is rarely above 4,000 characters; beyond this it is a payload, not words.
MAX_TEXT = 20_000

# Control characters (NUL breaks PostgreSQL text), zero-width and direction marks, soft hyphens, and lone surrogates
# (JSON can carry them, UTF-8 cannot). Tab, line feed and carriage return stay.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BLANKS = re.compile(r"[^\S\n]+")
_NEWLINES = re.compile(r"\r\n?|\x85|\u2028|\u2029")
_TAG = re.compile(r"<(?:[a-z][a-z0-9]*(?:\s[^<>]*)?/?|/[a-z][a-z0-9]*)>", re.IGNORECASE)
# "2 bed <with view>": words in angle brackets, which an HTML parser would take for an element and lose.
_BRACKETED = re.compile(
    r"<(?=[a-z][a-z0-9]*(?: +[\w.,'$-]+)*>)(?!(?:a|abbr|address|article|b|big|blockquote|body|br|center|cite|code|dd"
    r"|del|dfn|div|dl|dt|em|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|ins|kbd|label|li|link|main|mark"
    r"|meta|nav|noscript|object|ol|option|p|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style"
    r"|sub|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|tt|u|ul|var|video|wbr)\b)",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|nbsp|amp|lt|gt|quot|apos|rsquo|lsquo|rdquo|ldquo);", re.IGNORECASE)
_QUOTES = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb", "\u2018": "\u2019", "'": "'"}


def charset_of(name: str) -> str:
    """``name``, or UTF-8 where it is a codec of domain names: no text is written in those, and decoding takes the
    square of the length."""
    return "utf-8" if name.lower().strip() in ("punycode", "idna") else name


def storable(text: str) -> str:
    """``text`` without NUL and lone surrogates: PostgreSQL refuses the first, UTF-8 the second."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("", text)


def storable_json(value: object) -> object:
    """The same for every string and key of a JSON value."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable_json(inner) for inner in value]
    return value


def as_text(value: object) -> str:
    """A JSON or form value as text: numbers without a needless ``.0``, true and false as words, lists and objects as
    JSON, ``None`` as nothing. Never longer than ``MAX_TEXT``."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, int):
        # Python refuses to print integers of thousands of digits; none of them is an answer.
        return str(value) if abs(value) < 10**40 else ""
    try:
        return json.dumps(value, ensure_ascii=False)[:MAX_TEXT]
    except (RecursionError, TypeError, ValueError):
        return ""


_LEAST, _MOST, _JUST = (
    ("min", "low", "from", "minimum", "gte"),
    ("max", "high", "to", "maximum", "lte"),
    ("exact", "value"),
)


def span_text(value: Mapping[str, object]) -> str:
    """``{"min": 1, "max": 2}`` as ``1-2``, one side as ``1+`` or ``up to 2``; empty for any other object."""
    low = {
        name.lower(): as_text(inner).strip() for name, inner in value.items() if isinstance(inner, (int, float, str))
    }
    sides = [next((low[name] for name in names if low.get(name)), "") for names in (_LEAST, _MOST, _JUST)]
    least, most, just = (side if re.fullmatch(r"\$?\d[\d.,]*", side) else "" for side in sides)
    if just and not (least or most):
        return just
    if least and most:
        return f"{least}-{most}"
    return f"{least}+" if least else f"up to {most}" if most else ""


def visible(text: str) -> str:
    """``text`` without characters nobody sees; line ends become ``\\n`` and no-break spaces ordinary ones."""
    if text.isascii() and text.isprintable():
        return text
    return _NEWLINES.sub("\n", _INVISIBLE.sub("", text)).replace("\xa0", " ")


def line(text: str) -> str:
    """``text`` on one line, white space collapsed."""
    return " ".join(visible(text).split())


def block(text: str) -> str:
    """``text`` with its line ends kept: blanks collapsed in each line, at most one empty line between two others."""
    lines = [_BLANKS.sub(" ", row).strip() for row in visible(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def is_answer(text: str) -> bool:
    """Whether ``text`` says anything: not blank, not "Not answered", "N/A", "null" and the like."""
    return bool(text) and text.casefold().strip(" .:;") not in placeholders().answers and text.strip() != ""


def given(text: str) -> str:
    """``text`` on one line, or empty when it only says that there is no answer."""
    cleaned = line(text)
    return cleaned if is_answer(cleaned) else ""


def plain(text: str) -> str:
    """The words of a field that may hold mark-up: HTML becomes lines of visible text, anything else is tidied."""
    if "<" in text and _TAG.search(text):
        text = _BRACKETED.sub("&lt;", text)
    if _TAG.search(text) or _ENTITY.search(text):
        return block("\n".join(html_lines(text)))
    return block(text)


def unquoted(text: str) -> str:
    """``text`` without one pair of quotation marks around the whole of it."""
    stripped = text.strip()
    if len(stripped) < 2 or _QUOTES.get(stripped[0]) != stripped[-1]:
        return stripped
    inside = stripped[1:-1]
    # "Yes" he said "no" starts and ends with a quotation mark too, but they are two pairs.
    return stripped if stripped[0] in inside and stripped[0] != "'" else inside.strip()


def outer_unquoted(text: str) -> str:
    """``text`` without the pair of quotation marks that its sender puts around whatever was written, quoted words in
    it or not."""
    stripped = text.strip()
    paired = len(stripped) > 1 and _QUOTES.get(stripped[0]) == stripped[-1]
    return stripped[1:-1].strip() if paired else stripped


def message(text: str) -> Value[str] | None:
    """A renter's words: mark-up, invisible characters and surrounding quotation marks gone, nothing else changed."""
    cleaned = unquoted(plain(text))[:MAX_TEXT]
    said = is_answer(cleaned) and cleaned.casefold().strip(" .:;!") not in placeholders().messages
    return Value(cleaned, text, "message:tidy") if said else None


def label_text(text: str, rule: str = "text:line") -> Value[str] | None:
    """A short text such as an id or a name of a place."""
    cleaned = given(text)[:500]
    return Value(cleaned, text, rule) if cleaned else None


def compatible(text: str) -> str:
    """``text`` with full-width digits, ligatures and typographic hyphens in their plain forms."""
    folded = unicodedata.normalize("NFKC", visible(text)) if not text.isascii() else visible(text)
    return re.sub("[\u2010-\u2015\u2212]", "-", folded)
