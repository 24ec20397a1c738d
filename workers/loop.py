"""The worker's outermost loop: sweep and drain, woken by a nudge or by time. The same loop inline and on its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from leadsvc.logs import logger, places
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.fetch import Fetcher
from leadsvc.workers.sweep import Sweep

log = logger("worker")

_SOON = timedelta(milliseconds=50)
_STUCK = timedelta(milliseconds=500)
"""Something is due and nobody may take it now (an open circuit, a lane in use): no reason to ask all the time."""
_ROUNDS = 10
"""For so many rounds of the sweep an account may be drained before it is asked again what is to be asked of it."""


class _Lane:
    """One account's own thread: however slowly it answers, no other waits for it."""

    def __init__(self, name: str, deliverer: Deliverer, sweep: Sweep, clock: Callable[[], datetime]) -> None:
        self.name, self.deliverer, self.sweep, self.clock = name, deliverer, sweep, clock
        self.every = timedelta(seconds=sweep.settings.sweep_s)
        self.wake = threading.Event()
        self._enough = threading.Event()
        self._began = time.monotonic()
        self._stuck = _STUCK

    def run(self, stop: threading.Event) -> None:
        """Ask what is to be asked of the account, and drain it, until stopped."""
        asked_at = datetime.min.replace(tzinfo=self.clock().tzinfo)
        while not stop.is_set():
            self.wake.clear()
            pause = self.every
            try:
                if self.clock() - asked_at >= self.every:
                    self.sweep.account(self.name)
                    asked_at = self.clock()
                pushed = self._drain(stop)
                pause = timedelta() if self._enough.is_set() else self._until_due(idle=not pushed)
            except Exception as error:  # noqa: BLE001  # an outermost loop: a worker outlives anything
                log.error("worker_round_failed", destination=self.name, **places(error))
            self.wake.wait(pause.total_seconds())

    def _drain(self, stop: threading.Event) -> bool:
        """Whether anything was pushed."""
        self._began = time.monotonic()
        self._enough.clear()
        return self.deliverer.drain(self.name, stop=stop, pause=self._enough).pushed > 0

    def give_way(self) -> None:
        """End a drain that has lasted for long: what became of cards, the configuration and whether the account is
        well are asked in between, however much there is to deliver."""
        if time.monotonic() - self._began >= _ROUNDS * self.every.total_seconds():
            self._enough.set()

    def _until_due(self, *, idle: bool) -> timedelta:
        due = self.deliverer.next_due(self.name)
        left = None if due is None else due - self.clock()
        self._stuck = min(self._stuck * 2, self.every) if idle and left is not None and left <= timedelta() else _STUCK
        if left is None:
            return self.every
        return min(max(left, _SOON) if left > timedelta() else self._stuck, self.every)


class Loop:
    """Runs until stopped. :meth:`nudge` may be called from any thread, and costs nothing."""

    def __init__(self, deliverer: Deliverer, sweep: Sweep, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self.deliverer = deliverer
        self.sweep = sweep
        self.fetcher = fetcher
        self.clock = clock
        self.every = timedelta(seconds=sweep.settings.sweep_s)
        self._lanes = [_Lane(name, deliverer, sweep, clock) for name in sweep.settings.accounts]
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def nudge(self) -> None:
        for lane in self._lanes:
            lane.wake.set()
        self.fetcher.nudge()

    def start(self) -> None:
        """Run in threads of this process."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()
        self.fetcher.start()

    def stop(self) -> None:
        """Finish what is being pushed, then return."""
        self._stop.set()
        self._wake.set()
        self.nudge()
        if self._thread is not None:
            self._thread.join()
        self.fetcher.stop()
        self.deliverer.close()

    def run(self) -> None:
        """Sweep, and let every account be drained by a thread of its own, until stopped."""
        lanes: list[threading.Thread] = []
        while not self._stop.is_set():
            try:
                if not lanes:
                    self.sweep.prepare()
                    lanes = [self._started(lane) for lane in self._lanes]
                self.sweep.common()
                for lane in self._lanes:
                    lane.give_way()
            except Exception as error:  # noqa: BLE001  # one of the outermost loops: a worker outlives anything
                log.error("worker_round_failed", **places(error))
            self._wake.wait(self.every.total_seconds())
        for thread in lanes:
            thread.join()

    def _started(self, lane: _Lane) -> threading.Thread:
        thread = threading.Thread(target=lane.run, args=(self._stop,), name=f"lane-{lane.name}", daemon=True)
        thread.start()
        return thread
