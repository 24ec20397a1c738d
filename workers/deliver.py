"""Drains the outbox of an account: claim, push, record what was answered (SPEC §2, P5).

Two commits frame every remote call: the attempt before it, the result after it. A process that dies in between leaves a
lease that expires; the next attempt looks before it writes.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from leadsvc.config import Settings
from leadsvc.errors import Conflict
from leadsvc.faults import Commit, passing
from leadsvc.ids import uuid7
from leadsvc.logs import logger
from leadsvc.store import Store
from leadsvc.workers.accounts import profile as profile
from leadsvc.workers.cardview import card_view
from leadsvc.workers.claim import Claimed, claim, give_back, renew
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import Destination
from leadsvc.workers.push import Pushed, push
from leadsvc.workers.results import record

log = logger("worker")

_TRIES = 20
_BATCH = 64


def around(step: str) -> None:
    """Every remote call passes a fault point on both sides."""
    side, _, operation = step.partition(" ")
    passing(f"call.{operation}", side)


@dataclass(frozen=True, slots=True)
class Drained:
    pushed: int = 0
    failed: int = 0


class Deliverer:
    """Pushes what is due. Thread-safe; one per process."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.lease = timedelta(seconds=settings.lease_s)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid7().hex[-6:]}"
        self._lock = threading.Lock()
        self._destinations: dict[str, Destination] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}

    def destination(self, name: str) -> Destination:
        """The connected adapter of an account."""
        with self._lock:
            if name not in self._destinations:
                self._destinations[name] = connect(profile(self.settings.accounts[name]), around)
            return self._destinations[name]

    def drain(self, name: str, *, stop: threading.Event | None = None) -> Drained:
        """Push until nothing is due at ``name``. Once ``stop`` is set, what was begun is finished and the rest is
        given back."""
        pushed = failed = 0
        stop = stop or threading.Event()
        while not stop.is_set():
            taken = self._claim(name)
            if not taken:
                break
            left: list[Claimed] = []
            for claimed, good in zip(taken, self._pool(name).map(partial(self._unless, stop), taken), strict=True):
                if good is None:
                    left.append(claimed)
                else:
                    pushed, failed = pushed + good, failed + (not good)
            self._give_back(left)
        return Drained(pushed, failed)

    def drain_all(self, stop: threading.Event | None = None) -> Drained:
        results = [self.drain(name, stop=stop) for name in self.settings.accounts]
        return Drained(sum(each.pushed for each in results), sum(each.failed for each in results))

    def _unless(self, stop: threading.Event, claimed: Claimed) -> bool | None:
        return None if stop.is_set() else self.deliver(claimed)

    def deliver(self, claimed: Claimed) -> bool:
        """Push one claimed delivery and record the result; whether it is done."""
        now = self.clock()
        if now - claimed.taken_at > self.lease / 4 and not self._renewed(claimed):
            return False  # it waited so long for its turn that another worker has it by now
        with self.store.read() as connection:
            view = card_view(connection, claimed, now, self.settings.accounts[claimed.destination].keep_sensitive)
        if view.root_id != claimed.lane_id:
            # Merged or parted since it was taken: another worker may be at the card that it belongs to now.
            self._give_back([claimed])
            return False
        pushed = push(self.destination(claimed.destination), claimed, view)
        self._record(claimed, pushed)
        log.info(
            "delivery",
            delivery=str(claimed.id),
            receipt=str(claimed.receipt_id),
            destination=claimed.destination,
            kind=claimed.kind,
            attempt=claimed.attempt,
            outcome=pushed.result.outcome.value,
            code=pushed.result.code,
        )
        return pushed.result.ok

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.shutdown(wait=True)
            for destination in self._destinations.values():
                destination.close()
            self._pools.clear()
            self._destinations.clear()

    def _claim(self, name: str) -> list[Claimed]:
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.CLAIM) as connection:
                    return claim(connection, name, self.owner, self.clock(), _BATCH, self.lease)
            except Conflict:
                continue
        return []

    def _renewed(self, claimed: Claimed) -> bool:
        with self.store.write(Commit.CLAIM) as connection:
            return renew(connection, claimed, self.owner, self.clock(), self.lease)

    def _give_back(self, claimed: list[Claimed]) -> None:
        if claimed:
            with self.store.write(Commit.CLAIM) as connection:
                give_back(connection, claimed, self.owner, self.clock())

    def _record(self, claimed: Claimed, pushed: Pushed) -> None:
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.RESULT) as connection:
                    record(connection, claimed, pushed, self.owner, self.clock())
                return
            except Conflict:
                continue

    def _pool(self, name: str) -> ThreadPoolExecutor:
        with self._lock:
            if name not in self._pools:
                size = self.settings.accounts[name].concurrency
                self._pools[name] = ThreadPoolExecutor(size, thread_name_prefix=f"push-{name}")
            return self._pools[name]
