"""One chunk of rows: a receipt, what follows from it, and the place behind it in the file, all in one commit."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.importing.progress import Progress, refusals
from leadsvc.importing.rejects import Rejects
from leadsvc.importing.table import TableRow
from leadsvc.model import Channel, ItemError, Reading, Verdict
from leadsvc.pipeline.intake import HISTORY, IMPORT, MAP, Intake, StoredReceipt
from leadsvc.pipeline.seen import Fate, see
from leadsvc.store.tables import imports, receipts

_TRIES = 50
_MAX_BODY = 4_000_000
_EVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
_DELIMITING = str.maketrans(dict.fromkeys(",;\t|\r\n", " "))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``push``: rows of inquiry cycles that are still open are treated like leads that just came;
    everything else is history. ``anew``: a file that changed under an unfinished import is begun again."""

    path: Path
    map_id: str
    map_version: int
    feed: str
    sheet: str = ""
    push: bool = False
    chunk: int = 500
    anew: bool = False


@dataclass(slots=True)
class Place:
    """How far an import has come: the last row that is written, the end of the file of refused rows, the counts."""

    row: int
    rejects: int
    progress: Progress


class Chunks:
    """Writes chunks of the import ``identity``, in the order of the file."""

    def __init__(
        self, intake: Intake, wish: Wish, identity: uuid.UUID, names: Sequence[str], refused: Rejects, place: Place
    ) -> None:
        self.intake, self.store = intake, intake.store
        self.wish, self.identity = wish, identity
        self.names = [name.translate(_DELIMITING).strip() for name in names]
        self.refused = refused
        self.place = place

    def write(self, rows: list[TableRow], report: Callable[[Progress], None]) -> None:
        """Write these rows. Raises :class:`Conflict` when another process goes on with the same import."""
        for part in _by_size(rows):
            self._write(part)
            report(self.place.progress)

    def finish(self) -> None:
        """Say that nothing is left."""
        now = self.intake.clock()
        with self.store.write(Commit.IMPORT) as connection:
            self._advance(connection, self.place, state="finished", finished_at=now)

    def _write(self, rows: list[TableRow]) -> None:
        good = [row for row in rows if not row.fault]
        receipt = self._receipt(good) if good else None
        reading = self.intake.read(receipt) if receipt is not None else Reading(Verdict.LEADS)
        if reading.verdict is not Verdict.LEADS and not reading.errors and len(rows) > 1:
            # One of them keeps the others from being read.
            half = len(rows) // 2
            self._write(rows[:half])
            self._write(rows[half:])
            return
        if reading.verdict is Verdict.QUARANTINE and not reading.errors:
            reading = replace(reading, errors=(ItemError(0, {"": (reading.detail,)}),))
        for _ in range(_TRIES):
            try:
                self.place = self._commit(receipt, reading, rows)
            except Conflict:
                self._must_be_ours()
                continue
            if receipt is not None:
                self.intake.nudge()
            return
        raise Conflict("these rows keep changing while they are written; run the import again, it goes on here")

    def _commit(self, receipt: StoredReceipt | None, reading: Reading, rows: list[TableRow]) -> Place:
        context = self.intake.context(receipt) if receipt is not None else None
        leads = zip(reading.positions, reading.leads, strict=True)
        seen = [see(context, position, lead) for position, lead in leads] if context is not None else []
        end = self.refused.write(refusals(rows, reading), self.place.rejects)
        with self.store.write(Commit.IMPORT) as connection:
            found: list[Fate] = []
            if receipt is not None and context is not None:
                connection.execute(insert(receipts).values(**self._row(receipt)))
                if reading.verdict is Verdict.LEADS:
                    found, _ = self.intake.take(connection, receipt, reading, context, seen)
                else:
                    self.intake.classed(receipt, reading)[0].flush(connection)
            after = Place(rows[-1].number, end, self.place.progress.plus(rows, reading, found, seen))
            self._advance(connection, after)
        return after

    def _must_be_ours(self) -> None:
        with self.store.read() as connection:
            at = connection.execute(select(imports.c.rows_read).where(imports.c.id == self.identity)).scalar_one()
        if at != self.place.row:
            raise Conflict(_MOVED)

    def _advance(self, connection: Connection, after: Place, **more: Any) -> None:
        mine = (imports.c.id == self.identity) & (imports.c.rows_read == self.place.row)
        values = {
            "rows_read": after.row,
            "rejects_bytes": after.rejects,
            "counters": after.progress.to_json(),
            "updated_at": self.intake.clock(),
        }
        still = mine & (imports.c.state == "running")
        if connection.execute(update(imports).where(still).values(**values, **more)).rowcount != 1:
            raise Conflict(_MOVED)

    def _receipt(self, rows: Sequence[TableRow]) -> StoredReceipt:
        now = self.intake.clock()
        before = now - timedelta(days=self.intake.settings.policy.cycle_days) if self.wish.push else _EVER
        headers = {
            IMPORT: str(self.identity),
            MAP: self.wish.map_id,
            HISTORY: before.isoformat(),
            ":rows": f"{rows[0].number}-{rows[-1].number}",
        }
        body = _csv(self.names, rows)
        return StoredReceipt(uuid7(), self.wish.feed, Channel.FILE, "text/csv; charset=utf-8", headers, body, now)

    def _row(self, receipt: StoredReceipt) -> dict[str, Any]:
        return {
            "id": receipt.id,
            "received_at": receipt.received_at,
            "feed": receipt.feed,
            "channel": receipt.channel.value,
            "content_type": receipt.content_type,
            "headers": dict(receipt.headers),
            "body": receipt.body,
            "body_sha256": hashlib.sha256(receipt.body).hexdigest(),
            "authenticated": "operator",
            "delivery_key": f"import:{self.identity}:{receipt.headers[':rows']}",
        }


_MOVED = "another process goes on with this import; let it, or stop it and run this again"


def _csv(names: Sequence[str], rows: Sequence[TableRow]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([names, *(row.cells for row in rows)])
    return text.getvalue().encode("utf-8", "replace")


def _by_size(rows: list[TableRow]) -> Iterator[list[TableRow]]:
    """Parts whose receipts are small enough to be read again."""
    if len(rows) > 1 and sum(len(cell) + 3 for row in rows for cell in row.cells) > _MAX_BODY:
        half = len(rows) // 2
        yield from _by_size(rows[:half])
        yield from _by_size(rows[half:])
    else:
        yield rows
