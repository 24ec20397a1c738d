"""Strangers' text made harmless to read: nothing that a renter or sender wrote may act, hide or reorder what is shown.

Autoescaping keeps markup inert; this keeps *characters* inert. It runs on every expression of every template.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from markupsafe import Markup

# Controls but tab and newline; bidirectional overrides and isolates; separators that break lines unseen; lone
# surrogates, which no encoding can carry; noncharacters; tags that hide text inside emoji.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}\Z")
_NUMBER = re.compile(r"\+[0-9]{5,15}\Z")


def visible(text: str) -> str:
    """``text`` with every character that acts unseen written out, such as ``‹U+202E›``. Line ends become newlines."""
    text = text.replace("\r\n", "\n")
    return _UNSAFE.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text)


def finalize(value: object) -> object:
    """For Jinja: what an expression yields, before it is escaped. ``None`` shows as nothing."""
    if value is None:
        return ""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value)


def mailto(address: str) -> str:
    """A ``mailto:`` link to a plain address, or nothing: quoted locals and header tricks get no link."""
    return f"mailto:{quote(address, safe='@')}" if _ADDRESS.match(address) else ""


def tel(number: str) -> str:
    """A ``tel:`` link to an E.164 number, or nothing."""
    return f"tel:{number}" if _NUMBER.match(number) else ""


def shorten(text: str, length: int) -> str:
    """The beginning of ``text`` in one line, with an ellipsis where something was left out."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length and len(text) <= 4 * length else f"{line[: length - 1]}…"
