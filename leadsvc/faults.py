"""Where a process may die: every commit and every remote call passes one of these points.

Set ``LEADSVC_FAULT=point:side:count`` and the process kills itself with SIGKILL when that point is passed for the
count-th time. ``LEADSVC_FAULT=@FILE`` reads the same words from a file each time a point is passed, so that a running
process can be told; who dies takes the file away first, so that only one process dies of it and its successor lives.
``python -m tests.drill`` walks through all points; without the variable a point costs one look at a constant.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from pathlib import Path


class Commit(StrEnum):
    """Every commit that leadsvc makes while leads move."""

    RECORD = "record"  # the receipt is durable
    INTAKE = "intake"  # parse to outbox
    CLAIM = "claim"  # attempt recorded, lease taken
    RESULT = "result"  # what the destination answered
    FETCH = "fetch"  # what had to be asked for: wanted, a receipt of its own, or why not
    SWEEP = "sweep"  # leases, holds, circuits
    MEND = "mend"  # leads that waited for what a name means, a batch of them
    SETTLE = "settle"  # who is who in one neighbourhood, decided again
    ACTION = "action"  # a person's doing: place, merge, unmerge, replay
    MAILBOX = "mailbox"  # how far a mailbox is read, and by whom
    WATCH = "watch"  # what feeds sent is counted and judged
    SYNC = "sync"  # configuration read from a PMS
    OUTCOMES = "outcomes"  # what became of cards at a PMS, and how far that is read
    IMPORT = "import"  # a chunk of a file, from its receipt to its outbox, and the place behind it
    ADMIN = "admin"  # keys, users, audit


SIDES = ("before", "after")


class _Trap:
    def __init__(self, order: str) -> None:
        self._file = Path(order[1:]) if order.startswith("@") else None
        self._order = "" if self._file else order
        self._passed = 0

    def spring(self, name: str) -> None:
        if self._file is not None:
            self._read(self._file)
        wanted, _, count = self._order.rpartition(":")
        if name != wanted:
            return
        self._passed += 1
        if self._passed >= int(count) and self._taken():
            os.kill(os.getpid(), signal.SIGKILL)

    def _read(self, file: Path) -> None:
        try:
            order = file.read_text().strip()
        except FileNotFoundError:
            order = ""
        if order != self._order:
            self._order, self._passed = order, 0

    def _taken(self) -> bool:
        try:
            if self._file is not None:
                self._file.unlink()
        except FileNotFoundError:
            return False  # another process was first, and dies of it
        return True


_trap = _Trap(os.environ["LEADSVC_FAULT"]) if os.environ.get("LEADSVC_FAULT") else None


def passing(point: str, side: str) -> None:
    """Say that ``point`` is being passed on ``side`` (before, after); die here if that was asked for."""
    if _trap is not None:
        _trap.spring(f"{point}:{side}")


def arm(order: str) -> None:
    """Take ``order`` as if it stood in ``LEADSVC_FAULT``; empty disarms. For a process that was forked with this module
    already loaded."""
    global _trap
    _trap = _Trap(order) if order else None
