"""Work spread over the processor's cores, in order, with processes that begin as copies of this one."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's search for what refers to itself, in processes that begin meanwhile, too: hardly anything does
    here, and among so many values it takes as long as some of the work."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


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

    @contextmanager
    def beside(self, work: Callable[[], B]) -> Iterator[Callable[[], B]]:
        """``work`` done meanwhile, for work on arrays, which does not hold up what is done here; calling what is handed
        out waits for its result."""
        if self.count == 1:
            yield work
            return
        with ThreadPoolExecutor(1) as thread:
            yield thread.submit(work).result

    def over(self, work: Callable[[slice], B], count: int, *, worth: int, most: int) -> list[B]:
        """``work`` done on ``count`` things in slices of ``most`` or fewer, results in order. Fewer than ``worth`` cost
        less here than another process does. ``work`` is not handed over: the processes are copies that know it, and
        everything it refers to."""
        alone = self.count == 1 or count < worth
        slices = _slices(count, most, 1 if alone else self.count)
        if alone:
            return [work(each) for each in slices]
        _Task.work = work
        return list(self.each(_run, slices))


def _slices(count: int, most: int, times: int) -> list[slice]:
    """As few slices as hold ``most`` each, in a number that is ``times`` another, all nearly of one size."""
    number = -(-max(count, 1) // (most * times)) * times
    return [slice(count * each // number, count * (each + 1) // number) for each in range(number)]


class _Task:
    work: Callable[[slice], Any]


def _run(part: slice) -> Any:
    return _Task.work(part)
