"""``application/x-www-form-urlencoded`` bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import KeyedRecord, fold_key
from leadsvc.normalize.text import storable
from leadsvc.parsers.multipart import Part

MAX_BYTES = 2_000_000
MAX_FIELDS = 1_000
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
    for encoding in (charset, "utf-8"):
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
    text = body.strip().decode("latin-1")
    # Bytes that were not percent-encoded at all would be taken for Latin-1.
    quoted = "".join(char if char < "\x80" else f"%{ord(char):02X}" for char in text) if not text.isascii() else text
    for encoding, errors in ((charset, "strict"), ("utf-8", "strict"), ("cp1252", "replace")):
        try:
            return parse_qsl(
                quoted, keep_blank_values=True, encoding=encoding, errors=errors, max_num_fields=MAX_FIELDS
            )
        except (UnicodeError, LookupError):
            continue
        except ValueError as error:
            raise Quarantine("too_complex", f"The form has more than {MAX_FIELDS:,} fields.") from error
    raise Quarantine("malformed", "The form cannot be decoded. Compare the raw bytes with the sender's documentation.")
