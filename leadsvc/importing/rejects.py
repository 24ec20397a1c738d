"""The file of refused rows: what stood in them, where, and why they were refused."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from leadsvc.importing.table import TableRow
from leadsvc.reports.formats import cell


class Rejects:
    """Writes to ``path`` (nowhere when ``None``). What a killed run wrote of a chunk that it did not commit is written
    over. Only its owner may read the file; no cell begins a formula."""

    def __init__(self, path: Path | None, names: Sequence[str]) -> None:
        self._path, self._names = path, names
        self._file: BinaryIO | None = None

    def __enter__(self) -> Rejects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, refused: Iterable[tuple[TableRow, str, str]], offset: int) -> int:
        """Put rows at ``offset``, durably; returns where the next ones go."""
        rows = [[str(row.number), reason, *row.cells] for row, _, reason in refused]
        if not rows or self._path is None:
            return offset
        if not offset:
            rows.insert(0, ["row", "reason", *self._names])
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows([[cell(each) for each in row] for row in rows])
        file = self._open(self._path)
        file.seek(offset)
        file.truncate()
        file.write(text.getvalue().encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()

    def _open(self, path: Path) -> BinaryIO:
        if self._file is None:
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        return self._file
