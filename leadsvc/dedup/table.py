"""A file of leads and a file of properties as traces: the columns of a flat export, normalised as every lead is."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import TextIO

from leadsvc.dedup.columns import Block, Columns, block, gather
from leadsvc.dedup.cores import Cores
from leadsvc.errors import Reject
from leadsvc.normalize.emails import emails, is_masked
from leadsvc.normalize.names import person
from leadsvc.normalize.phones import phones
from leadsvc.resolve.trace import Trace, made, said, told

REQUIRED = ("lead_id", "received_at")
OPTIONAL = ("first_name", "last_name", "email", "phone", "property_id", "move_in_date", "bedrooms", "message")
_ROWS = 5_000  # a part that a process is given at a time


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns lines into traces; handed to other processes whole. ``regions``: property -> region."""

    file: str
    places: tuple[int | None, ...]
    regions: Mapping[str, str]

    def block(self, part: Part) -> Block:
        """The traces of a part, by column."""
        rows = csv.reader(StringIO(part.text, newline=""))
        return block([self.trace(part.before + rows.line_num, self._row(row)) for row in rows if row])

    def _row(self, row: list[str]) -> tuple[str, ...]:
        return tuple("" if at is None or at >= len(row) else row[at].strip() for at in self.places)

    def trace(self, line: int, row: tuple[str, ...]) -> Trace:
        """One record, its values in the order of the columns above. Raises :class:`Reject` naming file and line."""
        lead_id, at, first, last, email, phone, place, move_in, bedrooms, message = row
        name = next((each.value for each in person(first, last)), None)
        addresses = [each.value for each in emails(email)]
        masked = {each.key: each.address for each in addresses if each.relay or is_masked(each.address)}
        numbers = [each.value.e164 for each in phones(phone)[0]]
        more = told(message, bool(name), bool(addresses), bool(numbers))
        return made(
            lead_id,
            self._seconds(line, at),
            (name.given, name.family, name.suffix) if name else more.name,
            [each for each in (*(key.key for key in addresses), *more.emails) if each not in masked],
            masked.values(),
            [*numbers, *more.phones],
            place=place,
            region=self.regions.get(place, ""),
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
            return float(text) if text else None
        except ValueError:
            raise self._wrong(line, "bedrooms", "must be a number, or empty") from None

    def _wrong(self, line: int, field: str, text: str) -> Reject:
        return Reject(422, "A line cannot be read", f"{self.file}:{line}: {field} {text}", code="line")


def opened(path: Path) -> TextIO:
    """A text file, packed by gzip or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def regions(path: Path) -> dict[str, str]:
    """Property -> region, from a file with the columns ``property_id`` and ``region``."""
    with opened(path) as file:
        table = csv.DictReader(file)
        _need(path, table.fieldnames, ("property_id", "region"))
        return {row["property_id"]: row["region"] or "" for row in table}


@dataclass(frozen=True, slots=True)
class Part:
    """Whole records of a file as text, and the number of the line before them."""

    before: int
    text: str


def parts(path: Path) -> Iterator[Part]:
    """A file of leads in parts, its head left out; a record that goes over several lines is not torn."""
    with opened(path) as file:
        next(file, "")
        kept: list[str] = []
        number, before, quoted = 1, 1, False
        for line in file:
            kept.append(line)
            number += 1
            quoted ^= line.count('"') % 2 == 1
            if len(kept) >= _ROWS and not quoted:
                yield Part(before, "".join(kept))
                kept, before = [], number
        if kept:
            yield Part(before, "".join(kept))


def places(path: Path) -> tuple[int | None, ...]:
    """Where the known columns stand in a file of leads; ``None`` for one that is not there."""
    with opened(path) as file:
        head = next(csv.reader(file), [])
    _need(path, head, REQUIRED)
    return tuple(head.index(name) if name in head else None for name in (*REQUIRED, *OPTIONAL))


def _need(path: Path, head: Iterable[str] | None, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in (head or ())]
    if missing:
        text = f"{path}:1: the first line must name the columns; {', '.join(missing)} not found"
        raise Reject(422, "A column is missing", text, code="column")


def read(leads: Path, properties: Path | None, cores: Cores) -> Columns:
    """All leads of a file, normalised on all cores. Raises :class:`Reject` naming file, line and field."""
    reader = Reader(str(leads), places(leads), regions(properties) if properties else {})
    return gather(cores.each(reader.block, parts(leads)))
