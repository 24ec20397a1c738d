"""A file of leads and a file of properties as traces: the columns of a flat export, normalised as every lead is."""

from __future__ import annotations

import csv
import gc
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import TextIO

from leadsvc.dedup.blocks import Block, block, gather
from leadsvc.dedup.columns import Columns
from leadsvc.dedup.cores import Cores, uncollected
from leadsvc.errors import Reject
from leadsvc.model import EmailAddress, PersonName
from leadsvc.normalize.emails import emails, is_masked
from leadsvc.normalize.names import person
from leadsvc.normalize.phones import phones
from leadsvc.resolve.trace import Trace, bearer, made, said, told

REQUIRED = ("lead_id", "received_at")
OPTIONAL = ("first_name", "last_name", "email", "phone", "property_id", "move_in_date", "bedrooms", "message")
_ROWS = 5_000  # a part that a process is given at a time
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns lines into traces; handed to other processes whole. ``regions``: property -> region."""

    file: str
    places: tuple[int | None, ...]
    regions: Mapping[str, str]

    def block(self, part: Part) -> Block:
        """The traces of a part, by column."""
        rows = csv.reader(StringIO(part.text, newline=""))
        found = block([self.trace(part.before + rows.line_num, self._row(row)) for row in rows if any(row)])
        gc.collect(1)  # what libraries leave behind that refers to itself; see uncollected
        return found

    def _row(self, row: list[str]) -> tuple[str, ...]:
        width = len(row)
        return tuple(["" if at is None or at >= width else row[at].strip() for at in self.places])

    def trace(self, line: int, row: tuple[str, ...]) -> Trace:
        """One record, its values in the order of the columns above. Raises :class:`Reject` naming file and line."""
        lead_id, at, first, last, email, phone, place, move_in, bedrooms, message = row
        if not 0 < len(lead_id) <= _LONGEST_ID or not lead_id.isprintable():
            raise self._wrong(line, "lead_id", f"must be 1 to {_LONGEST_ID} printable signs")
        region = self.regions.get(place, "")
        name = bearer(_person(first, last), region)
        # Some forms send the address as the number and the number as the address.
        addresses = _emails(email) or (_emails(phone) if "@" in phone else ())
        masked = {each.key: each.address for each in addresses if each.relay or is_masked(each.address)}
        numbers = _phones(phone) or (_phones(email) if "@" not in email else ())
        more = _told(message, bool(name), bool(addresses), bool(numbers))
        return made(
            lead_id,
            self._seconds(line, at),
            (name.given, name.family, name.suffix) if name else more.name,
            [each for each in (*(key.key for key in addresses), *more.emails) if each not in masked],
            masked.values(),
            [*numbers, *more.phones],
            place=place,
            region=region,
            move_in=self._day(line, move_in),
            bedrooms=self._rooms(line, bedrooms),
            said=said(message, place),
        )

    def _seconds(self, line: int, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(line, "received_at", "must be a time such as 2025-03-01T14:05:00Z") from None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

    def _day(self, line: int, text: str) -> date | None:
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise self._wrong(line, "move_in_date", "must be a day such as 2025-04-15, or empty") from None

    def _rooms(self, line: int, text: str) -> float | None:
        try:
            rooms = float(text) if text else None
        except ValueError:
            rooms = math.nan
        if rooms is not None and not math.isfinite(rooms):
            raise self._wrong(line, "bedrooms", "must be a number, or empty")
        return rooms

    def _wrong(self, line: int, field: str, text: str) -> Reject:
        return Reject(422, "A line cannot be read", f"{self.file}:{line}: {field} {text}", code="line")


# Who writes again mostly does so soon, and in the same words: a file in the order of time repeats itself.


@lru_cache(maxsize=100_000)
def _person(first: str, last: str) -> PersonName | None:
    return next((each.value for each in person(first, last)), None)


@lru_cache(maxsize=20_000)
def _emails(text: str) -> tuple[EmailAddress, ...]:
    return tuple(each.value for each in emails(text))


@lru_cache(maxsize=20_000)
def _phones(text: str) -> tuple[str, ...]:
    return tuple(each.value.e164 for each in phones(text)[0])


_told = lru_cache(maxsize=5_000)(told)


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A text file, packed by gzip or not. Raises :class:`Reject` when it turns out, while it is read, to be neither."""
    packed = path.suffix == ".gz"
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if packed
            else path.open(encoding="utf-8-sig", newline="") as file
        ):
            yield file
    except UnicodeDecodeError:
        raise _unusable(f"{path}:{_line_not_utf8(path)}: not UTF-8; write the file as UTF-8 text") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise _unusable(f"{path}: not packed by gzip, or cut off; pack it again, or take .gz off its name") from None


def _line_not_utf8(path: Path) -> int:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0


def _unusable(text: str) -> Reject:
    return Reject(422, "The file cannot be read", text, code="file")


def _records(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV, each with the number of its last line."""
    reader = csv.reader(lines)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise _unusable(f"{path}:{reader.line_num}: {error}") from None


def regions(path: Path) -> dict[str, str]:
    """Property -> region, from a file with the columns ``property_id`` and ``region``."""
    with opened(path) as file:
        records = _records(path, file)
        _, head = next(records, (0, []))
        _need(path, head, ("property_id", "region"))
        key, region = head.index("property_id"), head.index("region")
        return {row[key].strip(): row[region].strip() for _, row in records if len(row) > max(key, region)}


@dataclass(frozen=True, slots=True)
class Part:
    """Whole records of a file as text, and the number of the line before them."""

    before: int
    text: str


def parts(path: Path) -> Iterator[Part]:
    """A file of leads in parts, its head left out; a record that goes over several lines is not torn."""
    with opened(path) as file:
        kept: list[str] = []
        records = _records(path, _keeping(file, kept))
        next(records, None)
        kept.clear()
        count = begun = ended = last = 0
        for last, _ in records:
            if count == _ROWS:
                yield Part(last - len(kept), "".join(kept[:ended]))
                del kept[:ended]
                count = ended = 0
            count += 1
            begun, ended = ended, len(kept)
        # What closes a quotation that stands open would be a record of its own behind anything else.
        if kept and len(list(csv.reader([*kept[begun:], '"']))) == 1:
            first = last - len(kept) + begun + 1
            raise _unusable(f"{path}:{first}: a quotation is opened in this record and never closed")
        if kept:
            yield Part(last - len(kept), "".join(kept))


def _keeping(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def places(path: Path) -> tuple[int | None, ...]:
    """Where the known columns stand in a file of leads; ``None`` for one that is not there."""
    with opened(path) as file:
        _, head = next(_records(path, file), (0, []))
    _need(path, head, REQUIRED)
    return tuple(head.index(name) if name in head else None for name in (*REQUIRED, *OPTIONAL))


def _need(path: Path, head: Iterable[str], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in head]
    if missing:
        text = f"{path}:1: the first line must name the columns; {', '.join(missing)} not found"
        raise Reject(422, "A column is missing", text, code="column")


def read(leads: Path, properties: Path | None, cores: Cores) -> Columns:
    """All leads of a file, normalised on all cores. Raises :class:`Reject` naming file, line and field."""
    reader = Reader(str(leads), places(leads), regions(properties) if properties else {})
    with uncollected():
        columns = gather(cores.each(reader.block, parts(leads)))
    if len(set(columns.ids)) < len(columns):
        each = Counter(columns.ids).most_common(1)[0][0]
        raise _unusable(f"{leads}: lead_id {each} stands in several lines; every lead needs an id of its own")
    return columns
