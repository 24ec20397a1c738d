"""Rows of a file: CSV of any delimiter and character set, packed or not, and the sheets of a workbook.

A CSV is read as it is used, in constant memory. A workbook is held in memory as a whole; it has at most 1,048,576 rows.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, WorksheetNotFound

from leadsvc.errors import LeadsvcError

MAX_CELL = 100_000
_DELIMITERS = ",;\t|"
_PROBE = 64 * 1024
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_GZIP = b"\x1f\x8b"


class Unusable(LeadsvcError):
    """The file, or what was asked about it, cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """``number``: as a spreadsheet counts, the heading is 1. ``fault``: why its cells cannot be used."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open file. ``rows`` gives the rows below ``names`` once; blank ones are left out. ``share``: how much of the
    file was read so far, 0 to 1."""

    names: tuple[str, ...]
    rows: Iterator[TableRow]
    share: Callable[[], float]


@contextlib.contextmanager
def opened(path: Path, sheet: str = "") -> Iterator[Sheet]:
    """Open a CSV (``.gz`` too) or a workbook, of which ``sheet`` names one sheet (the first). Raises :class:`Unusable`
    for what is neither, and for a file without a heading."""
    size = path.stat().st_size
    with contextlib.ExitStack() as stack:
        raw: BinaryIO = stack.enter_context(path.open("rb"))
        file = raw
        if raw.read(2) == _GZIP:
            file = stack.enter_context(gzip.open(path, "rb"))  # type: ignore[assignment]  # a reader, no BinaryIO
        raw.seek(0)
        probe = file.read(_PROBE)
        if probe.startswith(_WORKBOOKS):
            table = _workbook(path, sheet)
        elif sheet:
            raise Unusable(f"{path.name} is no workbook; leave out --sheet")
        else:
            file.seek(0)
            position = raw if file is raw else _position(file)
            encoding = _encoding(probe)
            errors = "leadsvc_windows" if encoding == "utf-8-sig" else "replace"
            text = stack.enter_context(io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=""))
            sample = codecs.getincrementaldecoder(encoding)(errors).decode(probe)
            table = _csv(text, _delimiter(sample), lambda: min(1.0, position.tell() / size) if size else 1.0)
        if not any(name.strip() for name in table.names):
            raise Unusable(f"{path.name} has no heading: the first row must name the columns")
        yield table


def _position(file: BinaryIO) -> BinaryIO:
    found: BinaryIO = file.fileobj  # type: ignore[attr-defined]  # where the packed bytes are
    return found


# -- CSV --------------------------------------------------------------------------------------------------------------


def _windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 are Windows-1252: exports mix the two, and the first bad byte may be a gigabyte away."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.start + 1]
    return bad.decode("cp1252", "replace"), error.start + 1


codecs.register_error("leadsvc_windows", _windows)


def _encoding(probe: bytes) -> str:
    if probe.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    zeros = probe[:2000]
    if zeros[1::2].count(0) > len(zeros) // 4:
        return "utf-16-le"
    if zeros[0::2].count(0) > len(zeros) // 4:
        return "utf-16-be"
    return "utf-8-sig"


def _csv(text: Iterable[str], delimiter: str, share: Callable[[], float]) -> Sheet:
    csv.field_size_limit(MAX_CELL)
    rows = _read(csv.reader(_said(text), delimiter=delimiter))
    heading = next((row for row in rows if any(cell.strip() for cell in row.cells)), TableRow(1, ()))
    return Sheet(heading.cells, _below(heading, rows), share)


def _said(text: Iterable[str]) -> Iterator[str]:
    """The lines without the word about the delimiter that Excel writes above the heading, and without NUL."""
    for number, line in enumerate(text):
        if number or not line.lower().startswith("sep="):
            yield line.replace("\0", "") if "\0" in line else line


def _delimiter(sample: str) -> str:
    """The one that cuts most rows into as many cells as the heading has; a cell may hold any of the others."""
    first, _, rest = sample.partition("\n")
    if first.lower().startswith("sep=") and first.strip()[4:5] in _DELIMITERS:
        return first.strip()[4:5]
    lines = (sample if not first.lower().startswith("sep=") else rest).splitlines(keepends=True)[:200]

    def fit(delimiter: str) -> tuple[float, int]:
        with contextlib.suppress(csv.Error):
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if row][:-1] or [[]]
            width = len(rows[0])
            return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0), width
        return 0.0, 0

    found = max(_DELIMITERS, key=fit)
    return found if fit(found)[0] > 0 else ","


def _read(reader: Iterator[list[str]]) -> Iterator[TableRow]:
    number = 0
    while True:
        number += 1
        try:
            yield TableRow(number, tuple(next(reader)))
        except StopIteration:
            return
        except csv.Error:
            yield TableRow(number, (), "the row cannot be taken apart; a quotation mark may not be closed")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Unusable("the packed file ends too early or is damaged; fetch it again") from error


def _below(heading: TableRow, rows: Iterator[TableRow]) -> Iterator[TableRow]:
    width = len(heading.cells)
    for row in rows:
        if row.fault:
            yield row
        elif any(cell.strip() for cell in row.cells):
            more = any(cell.strip() for cell in row.cells[width:])
            fault = "the row has more cells than the heading; quote cells that hold the delimiter" if more else ""
            yield TableRow(row.number, row.cells[:width], fault)


# -- workbooks --------------------------------------------------------------------------------------------------------


def _workbook(path: Path, sheet: str) -> Sheet:
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if not names:
            raise Unusable(f"{path.name} has no sheet")
        found = book.get_sheet_by_name(sheet or names[0])
        total = max(found.total_height, 1)
        content = found.iter_rows()
        first = found.start[0] + 1 if found.start else 1
    except PasswordError as error:
        raise Unusable(f"{path.name} is locked with a password; save it without one") from error
    except WorksheetNotFound as error:
        raise Unusable(f"{path.name} has no sheet {sheet}; it has {', '.join(names)[:300]}") from error
    except CalamineError as error:
        raise Unusable(f"{path.name} cannot be read as a workbook; save it as .xlsx or CSV") from error
    at = [first]
    rows = _counted(content, at)
    heading = next((row for row in rows if any(cell.strip() for cell in row.cells)), TableRow(1, ()))
    return Sheet(heading.cells, _below(heading, rows), lambda: min(1.0, at[0] / total))


def _counted(content: Iterable[Sequence[object]], at: list[int]) -> Iterator[TableRow]:
    for number, cells in enumerate(content, at[0]):
        at[0] = number
        yield TableRow(number, tuple(_cell(cell) for cell in cells))


def _cell(value: object) -> str:
    """What a person sees in the cell, in a form that does not depend on where the workbook was made."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)
