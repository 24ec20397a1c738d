"""Imports a file chunk by chunk: killed at any moment, it goes on where it was, with nothing lost and nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.importing.chunks import Chunks, Place, Wish
from leadsvc.importing.progress import Progress
from leadsvc.importing.rejects import Rejects
from leadsvc.importing.table import Sheet, Unusable
from leadsvc.pipeline.intake import Intake
from leadsvc.store.tables import imports


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a run. ``before``: rows that earlier runs had written; ``again``: there was nothing left to do."""

    progress: Progress
    before: int
    again: bool


class Importer:
    """Imports one file into the store of ``intake``."""

    def __init__(self, intake: Intake, wish: Wish, rejects: Path | None) -> None:
        """``rejects``: where refused rows are written, with the reason; ``None`` writes none."""
        self.intake, self.store = intake, intake.store
        self.wish = wish
        self.rejects = rejects

    def run(self, sheet: Sheet, report: Callable[[Progress], None]) -> Done:
        """Import every row that no earlier run has. Raises :class:`Unusable` for what a person must decide first."""
        row = self._begin()
        progress = Progress.of(row["counters"])
        if row["state"] == "finished":
            return Done(progress, progress.rows, True)
        before = progress.rows
        with Rejects(self.rejects, sheet.names) as refused:
            place = Place(row["rows_read"], row["rejects_bytes"], progress)
            chunks = Chunks(self.intake, self.wish, row["id"], sheet.names, refused, place)
            left = (each for each in sheet.rows if each.number > row["rows_read"])
            while rows := list(islice(left, self.wish.chunk)):
                chunks.place.progress.share = sheet.share()
                chunks.write(rows, report)
            chunks.finish()
        return Done(chunks.place.progress, before, False)

    def _begin(self) -> RowMapping:
        digest, path = _digest(self.wish.path), str(self.wish.path.resolve())
        mine = (imports.c.map_id == self.wish.map_id) & (imports.c.feed == self.wish.feed)
        mine &= imports.c.sheet == self.wish.sheet
        with self.store.write(Commit.IMPORT) as connection:
            same = connection.execute(select(imports).where(mine, imports.c.file_sha256 == digest)).mappings().first()
            if same is not None:
                return self._go_on(same)
            begun = select(imports).where(mine, imports.c.path == path, imports.c.state == "running")
            other = connection.execute(begun).mappings().first()
            if other is not None:
                if not self.wish.anew:
                    raise Unusable(_changed(self.wish.path.name, other["rows_read"]))
                connection.execute(update(imports).where(imports.c.id == other["id"]).values(state="abandoned"))
            row = self._new(digest, path)
            connection.execute(insert(imports).values(**row))
            return connection.execute(select(imports).where(imports.c.id == row["id"])).mappings().one()

    def _new(self, digest: str, path: str) -> dict[str, Any]:
        now = self.intake.clock()
        return {
            "id": uuid7(),
            "file_sha256": digest,
            "path": path,
            "map_id": self.wish.map_id,
            "map_version": self.wish.map_version,
            "feed": self.wish.feed,
            "sheet": self.wish.sheet,
            "push": self.wish.push,
            "state": "running",
            "started_at": now,
            "updated_at": now,
        }

    def _go_on(self, row: RowMapping) -> RowMapping:
        if row["state"] == "abandoned":
            raise Unusable("This file was replaced by a changed one in the middle of its import; import that one.")
        if row["state"] == "running" and row["push"] is not self.wish.push:
            raise Unusable(f"The import of this file began {'with' if row['push'] else 'without'} --push; go on so.")
        if row["state"] == "running" and row["map_version"] != self.wish.map_version:
            raise Unusable(
                f"The import of this file began with version {row['map_version']} of {self.wish.map_id}; go on with"
                f" that one, then `leadsvc replay --feed {self.wish.feed}` reads every row by the newer one."
            )
        return row


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _changed(name: str, rows: int) -> str:
    return (
        f"{name} has changed since its import began, of which row {rows} was the last. Put the file back as it was and"
        " run this again, or add --anew to read the changed one from its start: rows that are in are recognised."
    )
