"""Work spread over the processor's cores, in order, with processes that begin as copies of this one."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import numpy as np

from leadsvc.dedup.columns import Ints

A = TypeVar("A")
B = TypeVar("B")

_WORTH = 50_000  # pairs below which another process costs more than it saves
_PART = 25_000


class Cores:
    """``count`` processes; 1 keeps everything in this one."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or len(os.sched_getaffinity(0))

    def each(self, work: Callable[[A], B], parts: Iterable[A]) -> Iterator[B]:
        """``work`` done on every part, results in the order of the parts."""
        if self.count == 1:
            yield from map(work, parts)
            return
        with ProcessPoolExecutor(self.count, multiprocessing.get_context("fork")) as pool:
            yield from pool.map(work, parts)

    def over(self, work: Callable[[Ints], Ints], pairs: Ints) -> Ints:
        """``work`` done on an array, in parts; the results one after the other."""
        if len(pairs) < _WORTH or self.count == 1:
            return work(pairs)
        _Task.work = work  # what the processes are copies of
        parts = [pairs[start : start + _PART] for start in range(0, len(pairs), _PART)]
        return np.concatenate(list(self.each(_run, parts)))


class _Task:
    work: Callable[[Ints], Ints]


def _run(part: Ints) -> Ints:
    return _Task.work(part)
