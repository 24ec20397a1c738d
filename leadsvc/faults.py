"""Where a process may die: every commit and every remote call passes one of these points.

Set ``LEADSVC_FAULT=point:side:count`` and the process kills itself with SIGKILL when that point is passed for the
count-th time. ``make drill`` and the crash tests walk through all of them; without the variable a point costs one look
at a constant.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum


class Commit(StrEnum):
    """Every commit that leadsvc makes while leads move."""

    RECORD = "record"  # the receipt is durable
    INTAKE = "intake"  # parse to outbox
    CLAIM = "claim"  # attempt recorded, lease taken
    RESULT = "result"  # what the destination answered
    SWEEP = "sweep"  # leases, holds, circuits
    ACTION = "action"  # a person's doing: place, merge, unmerge, replay
    SYNC = "sync"  # configuration read from a PMS
    ADMIN = "admin"  # keys, users, audit


class _Trap:
    def __init__(self, wanted: str) -> None:
        self.name, _, count = wanted.rpartition(":")
        self.left = int(count or 0)

    def spring(self, name: str) -> None:
        if name == self.name:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_trap = _Trap(os.environ["LEADSVC_FAULT"]) if os.environ.get("LEADSVC_FAULT") else None


def passing(point: str, side: str) -> None:
    """Say that ``point`` is being passed on ``side`` (before, after); die here if that was asked for."""
    if _trap is not None:
        _trap.spring(f"{point}:{side}")
