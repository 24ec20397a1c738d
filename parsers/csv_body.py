"""CSV bodies: a heading, then one record a row."""

from __future__ import annotations

import csv
import io

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import KeyedRecord, fold_key
from leadsvc.normalize.text import MAX_TEXT, storable

MAX_BYTES = 5_000_000
MAX_RECORDS = 1_000
MAX_COLUMNS = 500
_DELIMITERS = ",;\t|"


def read(body: bytes) -> tuple[KeyedRecord, ...]:
    """Every row that is not blank as a record under the names of the first row. The delimiter is told by that row,
    the character set by a byte order mark, else UTF-8, else Windows-1252. Raises :class:`Quarantine` otherwise."""
    if len(body) > MAX_BYTES:
        raise Quarantine("too_large", f"The CSV is larger than {MAX_BYTES:,} bytes; use `leadsvc import` for files.")
    rows = _rows(_text(body))
    if len(rows) < 2 or len(rows[0]) > MAX_COLUMNS or not any(fold_key(name) for name in rows[0]):
        raise Quarantine("malformed", "The CSV has no heading with rows below it. Ask the sender to add one.")
    if len(rows) - 1 > MAX_RECORDS:
        raise Quarantine("too_large", f"The CSV has more than {MAX_RECORDS:,} rows; use `leadsvc import` for files.")
    names = [name.strip()[:100] for name in rows[0]]
    return tuple(_record(names, row) for row in rows[1:])


def _record(names: list[str], row: list[str]) -> KeyedRecord:
    values: dict[str, object] = {}
    for name, value in zip(names, row, strict=False):
        key = fold_key(name)
        if key and not str(values.get(key, "")).strip():
            values[key] = value
    return KeyedRecord("csv", values, tuple(name for name in names if name), dict(zip(names, row, strict=False)))


def _rows(text: str) -> list[list[str]]:
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Quarantine("malformed", "The CSV cannot be taken apart; a quotation mark may not be closed.") from error
    return [[value[:MAX_TEXT] for value in row] for row in found if any(value.strip() for value in row)]


def _text(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return storable(body.decode("utf-16", "replace"))
    try:
        return storable(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return storable(body.decode("cp1252", "replace"))
