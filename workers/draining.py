"""How one account's outbox is drained: a thread that claims, reads and writes down for many deliveries at a time, and
a pool whose threads do nothing but talk to the destination.

The attempt is on record before its call, and the lease is held until its result is: a process that dies before results
are written leaves deliveries that are looked at again, as one that dies in the call does. Good news may wait a moment
for company; after anything else the thread that heard it goes on only once it is written down.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

from leadsvc.workers.cardview import CardView
from leadsvc.workers.claim import Claimed
from leadsvc.workers.results import Finished

BATCH, _AHEAD_S = 64, 10.0
"""How many deliveries may be ours at once, and in which time they should be over: as many are in doubt when the
process dies, and as many wait while another worker might push them."""

FRESH_S = 1.0
"""How old what is known of a card may be when its push begins; at most vendors a push takes as long itself."""

_GATHER, _GATHER_S = 32, 0.1
"""With how many others a good result is written down, and how long it waits for them while any are under way."""


_PACED = 33
"""Of how many pushes the pace is taken."""


@dataclass(frozen=True, slots=True)
class Drained:
    pushed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A delivery and its card, as it was at ``read_at`` (of the monotonic clock); without a view it is yet to be
    read."""

    claimed: Claimed
    view: CardView | None = None
    read_at: float = 0.0


class HandIn(Protocol):
    """Let a result be written down: soon or, with ``wait``, before this returns."""

    def __call__(self, finished: Finished, *, wait: bool) -> None: ...


class Steps(Protocol):
    """What draining is made of."""

    def take(self, limit: int) -> list[Claimed]:
        """Claim up to ``limit`` deliveries."""

    def prepare(self, taken: Sequence[Claimed]) -> list[Prepared]:
        """Read their cards."""

    def attempt(self, prepared: Prepared, hand_in: HandIn) -> bool:
        """Push one, in a thread of the pool, and hand in what came of it; whether it is done."""

    def record(self, finished: Sequence[Finished]) -> bool:
        """Write results down; whether the account may be given more."""

    def give_back(self, claimed: Sequence[Claimed]) -> None:
        """Return what was not begun."""


@dataclass(frozen=True, slots=True)
class _HandedIn:
    finished: Finished
    written: threading.Event | None


@dataclass(frozen=True, slots=True)
class _Over:
    """A thread of the pool is done with a delivery; it ``came`` to whether it is pushed, ``None``: it was not begun."""

    claimed: Claimed
    came: Future[bool | None]


class _Pace:
    """How fast pushes are over, by the last ones."""

    def __init__(self, guess: int) -> None:
        self._times: deque[float] = deque([time.monotonic()], _PACED)
        self._guess = guess

    def passed(self) -> None:
        self._times.append(time.monotonic())

    def within(self, seconds: float) -> int:
        """About how many will be over in that time."""
        counted, took = len(self._times) - 1, max(time.monotonic() - self._times[0], 0.001)
        return int(seconds * counted / took) if counted >= self._guess else self._guess


class Draining:
    """One run over what is due at one account, ``width`` calls at a time. Once ``stop`` is set, what was begun is
    finished and the rest is given back; once ``pause`` is set, nothing more is taken."""

    def __init__(self, steps: Steps, pool: Executor, width: int, stop: threading.Event, pause: threading.Event) -> None:
        self._steps = steps
        self._pool = pool
        self._width = width
        self._stop = stop
        self._pause = pause
        self._enough = threading.Event()
        self._waiting: deque[Claimed] = deque()
        self._out = 0  # handed to the pool and not over
        self._said: SimpleQueue[_HandedIn | _Over] = SimpleQueue()
        self._finished: list[_HandedIn] = []
        self._errors: list[BaseException] = []
        self._pushed = self._failed = 0
        self._pace = _Pace(width)

    def run(self) -> Drained:
        """Push until nothing is due or the account wants no more. An error of a push is raised once everything that
        was begun is written down."""
        try:
            dry = False
            while not self._stop.is_set():
                dry = self._fetch(dry)
                self._hand_out()
                if not self._out:
                    break
                self._collect()
                dry = not self._write_down() and dry
                if self._errors:
                    break
                if self._enough.is_set() and not self._out:
                    self._return_rest()
                    self._enough.clear()  # the account says at the next claim whether it rests
        finally:
            self._wind_up()
        if self._errors:
            raise self._errors[0]
        return Drained(self._pushed, self._failed)

    # -- the thread that drains ---------------------------------------------------------------------------------------

    def _fetch(self, dry: bool) -> bool:
        """Claim before the pool runs out of work, many at a time; whether nothing is due until something more is
        written down."""
        most = min(max(self._pace.within(_AHEAD_S), 2 * self._width), BATCH)
        room = most - len(self._waiting) - self._out
        if dry or self._enough.is_set() or self._pause.is_set() or room < most // 2:
            return dry
        taken = self._steps.take(room)
        self._waiting.extend(taken)
        return not taken

    def _hand_out(self) -> None:
        """Keep so many ready that no thread waits for the store, and no more than will be begun while they are
        fresh."""
        ahead = self._pace.within(FRESH_S / 2)
        if self._enough.is_set() or self._out > self._width + ahead // 2:
            return
        count = min(self._width + ahead - self._out, len(self._waiting))
        taken = [self._waiting.popleft() for _ in range(count)]
        for prepared in self._steps.prepare(taken) if taken else []:
            self._out += 1
            self._pool.submit(self._begin, prepared).add_done_callback(partial(self._over, prepared.claimed))

    def _collect(self) -> None:
        """Wait for what the pool's threads have to say; with a result, until there are more of them, one of the
        threads waits, nobody is at work, or it is time."""
        self._hear(self._said.get())
        until = time.monotonic() + _GATHER_S
        while self._finished and self._out and not self._urgent() and len(self._finished) < _GATHER:
            try:
                self._hear(self._said.get(timeout=max(until - time.monotonic(), 0)))
            except Empty:
                return

    def _hear(self, said: _HandedIn | _Over) -> None:
        if isinstance(said, _HandedIn):
            self._finished.append(said)
            return
        self._out -= 1
        self._pace.passed()
        if (error := said.came.exception()) is not None:
            self._errors.append(error)
        elif (good := said.came.result()) is None:
            self._waiting.append(said.claimed)
        else:
            self._pushed, self._failed = self._pushed + good, self._failed + (not good)

    def _urgent(self) -> bool:
        return bool(self._errors) or any(each.written is not None for each in self._finished)

    def _write_down(self) -> bool:
        """Whether there was anything."""
        finished, self._finished = self._finished, []
        try:
            if finished and not self._steps.record([each.finished for each in finished]):
                self._enough.set()
        finally:
            _release(finished)
        return bool(finished)

    def _wind_up(self) -> None:
        self._enough.set()
        try:
            while self._out or self._finished:
                if self._out:
                    self._collect()
                self._write_down()
        finally:
            while self._out:  # the store is away: nobody may wait for it
                _release(self._finished)
                self._hear(self._said.get())
        self._return_rest()

    def _return_rest(self) -> None:
        rest, self._waiting = list(self._waiting), deque()
        if rest:
            self._steps.give_back(rest)

    # -- the pool's threads -------------------------------------------------------------------------------------------

    def _begin(self, prepared: Prepared) -> bool | None:
        """Whether it is done; ``None`` where it was not begun."""
        if self._stop.is_set() or self._enough.is_set():
            return None
        return self._steps.attempt(prepared, self._hand_in)

    def _over(self, claimed: Claimed, came: Future[bool | None]) -> None:
        self._said.put(_Over(claimed, came))

    def _hand_in(self, finished: Finished, *, wait: bool) -> None:
        written = threading.Event() if wait else None
        self._said.put(_HandedIn(finished, written))
        if written is not None:
            written.wait()


def _release(finished: Sequence[_HandedIn]) -> None:
    for each in finished:
        if each.written is not None:
            each.written.set()
