"""The worker's outermost loop: sweep and drain, woken by a nudge or by time. The same loop inline and on its own."""

from __future__ import annotations

import threading
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


class Loop:
    """Runs until stopped. :meth:`nudge` may be called from any thread, and costs nothing."""

    def __init__(self, deliverer: Deliverer, sweep: Sweep, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self.deliverer = deliverer
        self.sweep = sweep
        self.fetcher = fetcher
        self.clock = clock
        self.every = timedelta(seconds=sweep.settings.sweep_s)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def nudge(self) -> None:
        self._wake.set()
        self.fetcher.nudge()

    def start(self) -> None:
        """Run in a thread of this process."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()
        self.fetcher.start()

    def stop(self) -> None:
        """Finish what is being pushed, then return."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.fetcher.stop()
        self.deliverer.close()

    def run(self) -> None:
        """Sweep and drain until stopped."""
        swept_at = datetime.min.replace(tzinfo=self.clock().tzinfo)
        prepared = False
        while not self._stop.is_set():
            self._wake.clear()
            pause = self.every
            try:
                if not prepared:
                    self.sweep.prepare()
                    prepared = True
                if self.clock() - swept_at >= self.every:
                    self.sweep.round()
                    swept_at = self.clock()
                self.deliverer.drain_all(self._stop)
                pause = self._until_due()
            except Exception as error:  # noqa: BLE001  # one of the three outermost loops: a worker outlives anything
                log.error("worker_round_failed", **places(error))
            self._wake.wait(pause.total_seconds())

    def _until_due(self) -> timedelta:
        due = self.sweep.next_due()
        if due is None:
            return self.every
        left = due - self.clock()
        return min(max(left, _SOON) if left > timedelta() else _STUCK, self.every)
