"""How often a credential may post and how often an address may fail, counted in Redis where there is one.

A process takes permits in small blocks, so that a busy feed does not cost a look at the counter for every lead; limits
below 1,200 a minute are counted one by one. Redis being away never refuses a lead: each process then counts by itself.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

T = TypeVar("T")

FAILURES_PER_MINUTE = 60
_BLOCK_SHARE = 600  # a block is at most this part of a minute's permits …
_BLOCK_SECONDS = 1.0  # … and is given up after this time
_AWAY_SECONDS = 10.0


class Limits:
    """Counters of one process. Thread-safe. ``clock`` counts seconds and never runs backwards."""

    def __init__(self, redis_url: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared = FixedWindowRateLimiter(_redis(redis_url)) if redis_url else None
        self._away_until = -math.inf
        self._lock = threading.Lock()
        self._blocks: dict[str, tuple[int, float]] = {}

    def spend(self, key: str, per_minute: int) -> int:
        """Use one permit of ``key``. Returns 0 when there was one, else the seconds until it is worth asking again."""
        now = self._clock()
        with self._lock:
            left, until = self._blocks.get(key, (0, 0.0))
            if left and now < until:
                self._blocks[key] = (left - 1, until)
                return 0
        item = RateLimitItemPerMinute(per_minute)
        block = max(1, per_minute // _BLOCK_SHARE) if per_minute >= 2 * _BLOCK_SHARE else 1
        if not self._ask(lambda limiter: limiter.hit(item, key, cost=block)):
            return self._wait(item, key)
        if block > 1:
            with self._lock:
                self._blocks[key] = (block - 1, now + _BLOCK_SECONDS)
        return 0

    def failed(self, address: str | None) -> int:
        """Count a failed authentication of ``address``. Returns 0, or when there were too many the seconds to wait."""
        key = _neighbourhood(address)
        ok = self._ask(lambda limiter: limiter.hit(_FAILURES, key))
        return 0 if ok else self._wait(_FAILURES, key)

    def barred(self, address: str | None) -> int:
        """The seconds to wait when ``address`` has failed too often of late, else 0. Counts nothing."""
        key = _neighbourhood(address)
        ok = self._ask(lambda limiter: limiter.test(_FAILURES, key))
        return 0 if ok else self._wait(_FAILURES, key)

    def _wait(self, item: RateLimitItemPerMinute, key: str) -> int:
        reset = self._ask(lambda limiter: limiter.get_window_stats(item, key).reset_time)
        return max(1, math.ceil(reset - time.time()))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], T]) -> T:
        if self._shared is not None and self._clock() >= self._away_until:
            try:
                return question(self._shared)
            except StorageError:
                self._away_until = self._clock() + _AWAY_SECONDS
        return question(self._own)


_FAILURES = RateLimitItemPerMinute(FAILURES_PER_MINUTE)


def _redis(url: str) -> Storage:
    # Short waits: a lead must not hang on a counter.
    options: dict[str, float | str | bool] = {
        "wrap_exceptions": True,
        "socket_timeout": 0.25,
        "socket_connect_timeout": 0.25,
    }
    storage = storage_from_string(url, **options)
    if not isinstance(storage, Storage):
        raise TypeError("an asynchronous counter cannot be used here")
    return storage


def _neighbourhood(address: str | None) -> str:
    """An IPv6 holder has a whole /64 to write from, so that is what is counted."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "failed:unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return f"failed:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"failed:{parsed}"
