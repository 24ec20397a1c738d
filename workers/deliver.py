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
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from leadsvc.config import Account, Settings
from leadsvc.errors import Conflict
from leadsvc.faults import Commit, passing
from leadsvc.ids import uuid7
from leadsvc.logs import logger
from leadsvc.store import Store
from leadsvc.store.tables import counters, properties
from leadsvc.workers.accounts import profile as profile
from leadsvc.workers.cardview import CardView, card_view
from leadsvc.workers.claim import Claimed, claim, give_back, next_due, renew
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import Destination, Profile
from leadsvc.workers.following import as_follower, before_home, unless_absent
from leadsvc.workers.household import Together, kept_for, push_together, shares, with_household
from leadsvc.workers.push import Hold, Pushed, by_hand, corrections, kept_back
from leadsvc.workers.rations import over_budget, over_cap, use_correction
from leadsvc.workers.results import Cost, Finished, record

log = logger("worker")

_TRIES = 20
_BATCH = 64
_TURNS = 16
"""Locks of which one is held while a household's record is written: those of one property wait for each other."""


_calls = threading.local()


def around(step: str) -> None:
    """Every remote call is counted for its thread and passes a fault point on both sides."""
    side, _, operation = step.partition(" ")
    if side == "before":
        _calls.made = getattr(_calls, "made", 0) + 1
    passing(f"call.{operation}", side)


def calls_made() -> int:
    """How many remote calls this thread has made so far."""
    made: int = getattr(_calls, "made", 0)
    return made


@dataclass(frozen=True, slots=True)
class Drained:
    pushed: int = 0
    failed: int = 0


class Deliverer:
    """Pushes what is due. Thread-safe; one per process. An account is drained by one thread at a time."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.lease = timedelta(seconds=settings.lease_s)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid7().hex[-6:]}"
        self._lock = threading.Lock()
        self._destinations: dict[str, Destination] = {}
        self._portfolios: dict[str, int] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._turns = [threading.Lock() for _ in range(_TURNS)]

    def destination(self, name: str) -> Destination:
        """The connected adapter of an account."""
        with self._lock:
            if name not in self._destinations:
                self._destinations[name] = connect(self.profile(name), around)
            return self._destinations[name]

    def profile(self, name: str) -> Profile:
        """The adapter's view of an account, with the properties that are its own as far as they were read."""
        mine = (properties.c.destination == name) & properties.c.active
        with self.store.read() as connection:
            wanted = select(properties.c.remote_id, properties.c.time_zone).where(mine).order_by(properties.c.remote_id)
            zones = {remote: zone or "" for remote, zone in connection.execute(wanted)}
        return profile(self.settings.accounts[name], zones)

    def refresh(self, name: str) -> None:
        """Connect anew where the account's properties may have changed. Not while something of it is being pushed."""
        with self.store.read() as connection:
            version = connection.execute(select(counters.c.value).where(counters.c.name == "portfolio")).scalar() or 0
        with self._lock:
            known = self._portfolios.get(name)
            self._portfolios[name] = version
            stale = self._destinations.pop(name, None) if known not in (None, version) else None
        if stale is not None:
            stale.close()

    def drain(self, name: str, *, stop: threading.Event | None = None) -> Drained:
        """Push until nothing is due at ``name`` or it wants no more. Once ``stop`` is set, what was begun is finished
        and the rest is given back."""
        pushed = failed = 0
        stop = stop or threading.Event()
        self.refresh(name)
        while not stop.is_set():
            taken = self._claim(name)
            if not taken:
                break
            enough = threading.Event()
            left: list[Claimed] = []
            push_one = partial(self._unless, stop, enough)
            for claimed, good in zip(taken, self._pool(name).map(push_one, taken), strict=True):
                if good is None:
                    left.append(claimed)
                else:
                    pushed, failed = pushed + good, failed + (not good)
            self._give_back(left)
        return Drained(pushed, failed)

    def drain_all(self, stop: threading.Event | None = None) -> Drained:
        """Drain all accounts side by side; returns when the last one is done."""
        names = list(self.settings.accounts)
        if len(names) < 2:
            results = [self.drain(name, stop=stop) for name in names]
        else:
            with ThreadPoolExecutor(len(names), thread_name_prefix="drain") as pool:
                results = list(pool.map(lambda name: self.drain(name, stop=stop), names))
        return Drained(sum(each.pushed for each in results), sum(each.failed for each in results))

    def _unless(self, stop: threading.Event, enough: threading.Event, claimed: Claimed) -> bool | None:
        if stop.is_set() or enough.is_set():
            return None
        return self.deliver(claimed, enough)

    def deliver(self, claimed: Claimed, enough: threading.Event | None = None) -> bool:
        """Push one claimed delivery and record the result; whether it is done. Sets ``enough`` when the account is to
        be given nothing more for now."""
        now = self.clock()
        if now - claimed.taken_at > self.lease / 4 and not self._renewed(claimed):
            return False  # it waited so long for its turn that another worker has it by now
        view, together = self._view(claimed, now)
        if view.root_id != claimed.lane_id:
            # Merged or parted since it was taken: another worker may be at the card that it belongs to now.
            self._give_back([claimed])
            return False
        if together is None:
            pushed, well = self._attempted(claimed, view, now)
        else:
            with self._turns[hash((claimed.destination, view.property_ref)) % _TURNS]:
                # What the one before did to their record counts for this one.
                view, together = self._view(claimed, now)
                pushed, well = self._attempted(claimed, view, now, kept_for(together, now))
        if not well and enough is not None:
            enough.set()
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

    def _view(self, claimed: Claimed, now: datetime) -> tuple[CardView, Together | None]:
        """The card, and the others of its household that share or may share a record with it."""
        account = self.settings.accounts[claimed.destination]
        with self.store.read() as connection:
            view = card_view(connection, claimed, now, account.keep_sensitive)
            if not (view.shared or shares(account)):
                return view, None
            return view, with_household(connection, claimed, view, self.owner, now, shares(account))

    def _attempted(
        self, claimed: Claimed, view: CardView, now: datetime, hold: Hold | None = None
    ) -> tuple[Pushed, bool]:
        """What came of it, written down; and whether the account may be given more."""
        destination = self.destination(claimed.destination)
        before = calls_made()
        pushed = kept_back(hold) if hold is not None else self._pushed(destination, claimed, view, now)
        cost = Cost(calls_made() - before, destination.capabilities.read_back_delay_s)
        return pushed, self._record(claimed, pushed, cost)

    def _pushed(self, destination: Destination, claimed: Claimed, view: CardView, now: datetime) -> Pushed:
        account = self.settings.accounts[claimed.destination]
        if view.calls >= account.calls_per_lead and not claimed.unmetered:
            return kept_back(over_budget(account, view.calls, now))
        if (early := before_home(account, view, now)) is not None:
            return kept_back(early)
        view = as_follower(account, view)
        told = profile(account)
        made = () if view.shared else corrections(claimed, view, told)
        if made and not claimed.released and not self._may_correct(claimed, account, now):
            return kept_back(over_cap(account))
        done = push_together(destination, claimed, view, now, told.allowed_fields)
        pushed = unless_absent(account, view, done, now)
        return replace(pushed, by_hand=by_hand(destination, made, pushed)) if made else pushed

    def _may_correct(self, claimed: Claimed, account: Account, now: datetime) -> bool:
        with self.store.write(Commit.CLAIM) as connection:
            return use_correction(connection, claimed, account, now)

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.shutdown(wait=True)
            for destination in self._destinations.values():
                destination.close()
            self._pools.clear()
            self._destinations.clear()

    def next_due(self, name: str) -> datetime | None:
        """When something can be pushed to ``name``; ``None`` while nothing waits, or it waits for a probe or a
        person."""
        with self.store.read() as connection:
            return next_due(connection, self.settings.accounts[name], self.clock())

    def _claim(self, name: str) -> list[Claimed]:
        if self.settings.accounts[name].quiet_until(self.clock()) is not None:
            return []
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

    def _record(self, claimed: Claimed, pushed: Pushed, cost: Cost) -> bool:
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.RESULT) as connection:
                    return record(connection, [Finished(claimed, pushed, cost)], self.owner, self.clock())
            except Conflict:
                continue
        return True

    def _pool(self, name: str) -> ThreadPoolExecutor:
        with self._lock:
            if name not in self._pools:
                size = self.settings.accounts[name].concurrency
                self._pools[name] = ThreadPoolExecutor(size, thread_name_prefix=f"push-{name}")
            return self._pools[name]
