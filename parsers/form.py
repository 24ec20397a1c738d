"""``application/x-www-form-urlencoded`` bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import KeyedRecord, fold_key
from leadsvc.normalize.text import charset_of, storable
from leadsvc.parsers.multipart import Part

MAX_BYTES = 2_000_000
MAX_FIELDS = 1_000
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)


def read(body: bytes, content_type: str = "") -> KeyedRecord:
    """One form. Of a key that comes twice the first value that is not blank counts. Bytes that are not in the declared
    character set are read as Windows-1252, which is what browsers send when they do not say UTF-8."""
    if len(body) > MAX_BYTES:
        raise Quarantine("too_large", f"The form is larger than {MAX_BYTES:,} bytes. Ask the sender what it is.")
    declared = _CHARSET.search(content_type)
    return _record(_pairs(body, declared[1] if declared else "utf-8"))


def of_parts(parts: Sequence[Part]) -> KeyedRecord:
    """The fields of a multipart form; files are left aside. ``_charset_`` names its character set, as in browsers."""
    fields = [part for part in parts if part.name and not part.filename]
    named = next((part.data.decode("ascii", "replace") for part in fields if part.name == "_charset_"), "utf-8")
    return _record([(part.name, _text(part.data, named)) for part in fields])


def _text(data: bytes, charset: str) -> str:
    for encoding in (charset_of(charset), "utf-8"):
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return data.decode("cp1252", "replace")


def _record(pairs: list[tuple[str, str]]) -> KeyedRecord:
    values: dict[str, object] = {}
    names: list[str] = []
    for raw_name, raw_value in pairs:
        name, value = storable(raw_name), storable(raw_value)
        key = fold_key(name)
        if key not in values:
            names.append(name[:100])
            values[key] = value
        elif not str(values[key]).strip():
            values[key] = value
    if not values:
        raise Quarantine("malformed", "The form has no fields. Compare the raw bytes with the sender's documentation.")
    return KeyedRecord("form", values, tuple(names), dict(reversed(pairs)))


def _pairs(body: bytes, charset: str) -> list[tuple[str, str]]:
    """As ``urllib.parse.parse_qsl``, but runs of escapes are undone at once: that one takes a hundred times the form's
    size for a form of escapes."""
    body = body.strip()
    if body.count(b"&") >= MAX_FIELDS:
        raise Quarantine("too_complex", f"The form has more than {MAX_FIELDS:,} fields.")
    split = (piece.partition(b"=") for piece in body.split(b"&") if piece)
    pairs = [(_unescaped(name), _unescaped(value)) for name, _, value in split]
    for encoding in (charset if _spells_ascii(charset) else "utf-8", "utf-8"):
        try:
            return [(name.decode(encoding), value.decode(encoding)) for name, value in pairs]
        except UnicodeError:
            continue
    return [(name.decode("cp1252", "replace"), value.decode("cp1252", "replace")) for name, value in pairs]


def _unescaped(text: bytes) -> bytes:
    text = text.replace(b"+", b" ")
    return _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace(b"%", b"").decode()), text) if b"%" in text else text


def _spells_ascii(charset: str) -> bool:
    """Whether a form's own signs can be in this character set at all."""
    try:
        return "a=1&b".encode(charset) == b"a=1&b"
    except (UnicodeError, LookupError):
        return False
