"""Drains the outbox of an account: claim, push, record what was answered (SPEC §2, P5).

Two commits frame every remote call: the attempt before it, the result after it, each for many deliveries at a time. A
process that dies in between leaves leases that expire; the next attempt looks before it writes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from leadsvc.config import Account, Settings
from leadsvc.errors import Conflict, LeadsvcError
from leadsvc.faults import Commit, passing
from leadsvc.ids import uuid7
from leadsvc.logs import logger, places
from leadsvc.store import Store
from leadsvc.store.tables import counters, properties
from leadsvc.workers.accounts import profile as profile
from leadsvc.workers.cardview import CardView, card_view, card_views
from leadsvc.workers.claim import Claimed, claim, give_back, next_due, renew
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import Destination, Profile
from leadsvc.workers.draining import BATCH, FRESH_S, Drained, Draining, HandIn, Prepared
from leadsvc.workers.following import as_follower, before_home, unless_absent
from leadsvc.workers.household import Together, kept_for, push_together, shares, with_household
from leadsvc.workers.push import Hold, Pushed, by_hand, corrections, kept_back
from leadsvc.workers.rations import over_budget, over_cap, use_correction
from leadsvc.workers.results import Cost, Finished, record

log = logger("worker")

_TRIES = 20
_TOGETHER = 3
"""Tries of many results at once, before each is written down alone."""

_UNREADABLE = (LeadsvcError, SQLAlchemyError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading a card that is not as cards are comes to, and a store that is away."""

_UNWRITABLE = (SQLAlchemyError, ValueError, TypeError, OverflowError)
"""What the store or its driver says to a value that it does not take."""

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

    def drain(self, name: str, *, stop: threading.Event | None = None, pause: threading.Event | None = None) -> Drained:
        """Push until nothing is due at ``name`` or it wants no more. Once ``stop`` is set, what was begun is finished
        and the rest is given back; once ``pause`` is set, what was taken is finished."""
        self.refresh(name)
        width = self.settings.accounts[name].concurrency
        steps, pool = _Account(self, name), self._pool(name)
        return Draining(steps, pool, width, stop or threading.Event(), pause or threading.Event()).run()

    def drain_all(self, stop: threading.Event | None = None) -> Drained:
        """Drain all accounts side by side; returns when the last one is done."""
        names = list(self.settings.accounts)
        if len(names) < 2:
            results = [self.drain(name, stop=stop) for name in names]
        else:
            with ThreadPoolExecutor(len(names), thread_name_prefix="drain") as pool:
                results = list(pool.map(lambda name: self.drain(name, stop=stop), names))
        return Drained(sum(each.pushed for each in results), sum(each.failed for each in results))

    def attempt(self, prepared: Prepared, hand_in: HandIn) -> bool:
        """See :class:`Steps`."""
        claimed, now = prepared.claimed, self.clock()
        if now - claimed.taken_at > self.lease / 4 and not self._renewed(claimed):
            return False  # it waited so long for its turn that another worker has it by now
        view, together = prepared.view, None
        if view is None or time.monotonic() - prepared.read_at > FRESH_S:
            view, together = self._view(claimed, now)
        if view.root_id != claimed.lane_id:
            # Merged or parted since it was taken: another worker may be at the card that it belongs to now.
            self.give_back([claimed])
            return False
        if together is None:
            finished = self._attempted(claimed, view, now)
            hand_in(finished, wait=not finished.pushed.result.ok)
        else:
            with self._turns[hash((claimed.destination, view.property_ref)) % _TURNS]:
                # What the one before did to their record counts for this one.
                view, together = self._view(claimed, now)
                finished = self._attempted(claimed, view, now, kept_for(together, now))
                hand_in(finished, wait=True)
        result = finished.pushed.result
        log.info(
            "delivery",
            delivery=str(claimed.id),
            receipt=str(claimed.receipt_id),
            destination=claimed.destination,
            kind=claimed.kind,
            attempt=claimed.attempt,
            outcome=result.outcome.value,
            code=result.code,
        )
        return result.ok

    def prepare(self, taken: Sequence[Claimed]) -> list[Prepared]:
        """See :class:`Steps`; without views where households share records, as these are read in turn."""
        account = self.settings.accounts[taken[0].destination]
        unread = [Prepared(each) for each in taken]
        if shares(account):
            return unread
        read_at = time.monotonic()
        try:
            with self.store.read() as connection:
                views = card_views(connection, taken, self.clock(), account.keep_sensitive)
        except _UNREADABLE as error:  # whose card it is shows when each reads its own
            log.warning("cards_unread", destination=account.name, **places(error))
            return unread
        return [Prepared(each, None if view.shared else view, read_at) for each, view in zip(taken, views, strict=True)]

    def _view(self, claimed: Claimed, now: datetime) -> tuple[CardView, Together | None]:
        """The card, and the others of its household that share or may share a record with it."""
        account = self.settings.accounts[claimed.destination]
        with self.store.read() as connection:
            view = card_view(connection, claimed, now, account.keep_sensitive)
            if not (view.shared or shares(account)):
                return view, None
            return view, with_household(connection, claimed, view, self.owner, now, shares(account))

    def _attempted(self, claimed: Claimed, view: CardView, now: datetime, hold: Hold | None = None) -> Finished:
        destination = self.destination(claimed.destination)
        before = calls_made()
        pushed = kept_back(hold) if hold is not None else self._pushed(destination, claimed, view, now)
        cost = Cost(calls_made() - before, destination.capabilities.read_back_delay_s)
        return Finished(claimed, pushed, cost)

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

    def take(self, name: str, limit: int = BATCH) -> list[Claimed]:
        """Claim what is due at ``name``; nothing in its quiet hours."""
        if self.settings.accounts[name].quiet_until(self.clock()) is not None:
            return []
        for _ in range(_TRIES):
            try:
                with self.store.write(Commit.CLAIM) as connection:
                    return claim(connection, name, self.owner, self.clock(), limit, self.lease)
            except Conflict:
                continue
        return []

    def _renewed(self, claimed: Claimed) -> bool:
        with self.store.write(Commit.CLAIM) as connection:
            return renew(connection, claimed, self.owner, self.clock(), self.lease)

    def give_back(self, claimed: Sequence[Claimed]) -> None:
        """Return what was taken and not begun."""
        with self.store.write(Commit.CLAIM) as connection:
            give_back(connection, claimed, self.owner, self.clock())

    def record(self, finished: Sequence[Finished]) -> bool:
        """Write results down, in one commit unless one of them stands in the way of the others; whether the account
        may be given more."""
        alone = len(finished) == 1
        for _ in range(_TRIES if alone else _TOGETHER):
            try:
                with self.store.write(Commit.RESULT) as connection:
                    return record(connection, finished, self.owner, self.clock())
            except Conflict:
                continue
            except _UNWRITABLE:
                if alone:
                    raise
                break
        return alone or self._one_by_one(finished)

    def _one_by_one(self, finished: Sequence[Finished]) -> bool:
        well, failed = True, None
        for each in finished:
            try:
                well = self.record([each]) and well
            except _UNWRITABLE as error:
                failed = error
        if failed is not None:
            raise failed
        return well

    def _pool(self, name: str) -> ThreadPoolExecutor:
        with self._lock:
            if name not in self._pools:
                size = self.settings.accounts[name].concurrency
                self._pools[name] = ThreadPoolExecutor(size, thread_name_prefix=f"push-{name}")
            return self._pools[name]


class _Account:
    """The steps of a deliverer for one account."""

    def __init__(self, deliverer: Deliverer, name: str) -> None:
        self._name = name
        self._deliverer = deliverer
        self.prepare = deliverer.prepare
        self.attempt = deliverer.attempt
        self.record = deliverer.record
        self.give_back = deliverer.give_back

    def take(self, limit: int) -> list[Claimed]:
        return self._deliverer.take(self._name, limit)
