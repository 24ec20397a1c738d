"""Work that arrives while other work is being done is done together, in one go (group commit).

Under load a transaction then serves several senders, so that its fixed cost is shared; a single sender waits for nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from leadsvc.logs import logger, places

T = TypeVar("T")

log = logger("together")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    item: T
    weight: int
    done: threading.Event = field(default_factory=threading.Event)


class Together(Generic[T]):
    """Calls ``work`` with lists of what :meth:`do` was given, by at most ``hands`` threads at a time.

    A list weighs at most ``most``, unless a single item does. Thread-safe.
    """

    def __init__(self, work: Callable[[list[T]], None], *, hands: int, most: int) -> None:
        self._work = work
        self._hands = hands
        self._most = most
        self._pool = ThreadPoolExecutor(hands, "together")
        self._lock = threading.Lock()
        self._queue: deque[_Waiting[T]] = deque()
        self._busy = 0

    def do(self, item: T, weight: int) -> None:
        """Return when a call of ``work`` with ``item`` has ended. Its errors are logged, not raised: an error may be
        another item's, so ``work`` marks what it has done and the caller looks."""
        waiting = _Waiting(item, weight)
        with self._lock:
            self._queue.append(waiting)
            if self._busy < self._hands:
                self._busy += 1
                self._begin()
        waiting.done.wait()

    def _begin(self) -> None:
        self._pool.submit(self._serve).add_done_callback(_report)

    def _serve(self) -> None:
        group = self._take()
        try:
            self._work([each.item for each in group])
        finally:
            for each in group:
                each.done.set()
            with self._lock:
                if self._queue:
                    self._begin()
                else:
                    self._busy -= 1

    def _take(self) -> list[_Waiting[T]]:
        group: list[_Waiting[T]] = []
        weight = 0
        with self._lock:
            while self._queue and (not group or weight + self._queue[0].weight <= self._most):
                weight += self._queue[0].weight
                group.append(self._queue.popleft())
        return group


def _report(future: Future[None]) -> None:
    error = future.exception()
    if error is not None:
        log.error("group_failed", **places(error))
