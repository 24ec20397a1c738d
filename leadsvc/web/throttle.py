"""Slows down whoever guesses passwords: attempts per login and per address are counted in a moving window."""

from __future__ import annotations

import contextlib
import hashlib

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

_PER_LOGIN = RateLimitItemPerMinute(8, 15)
_PER_ADDRESS = RateLimitItemPerMinute(40, 15)


class Throttle:
    """``redis_url`` shares the counts among processes; empty counts in this process alone."""

    def __init__(self, redis_url: str = "") -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = self._own
        if redis_url:
            storage = storage_from_string(redis_url, wrap_exceptions=True)
            if not isinstance(storage, Storage):
                raise TypeError("an asynchronous storage cannot be used here")
            self._shared = MovingWindowRateLimiter(storage)

    def allows(self, login: str, address: str) -> bool:
        """Count an attempt and say whether it may be made. Both limits always count. Without Redis people can still
        sign in, and this process still counts."""
        try:
            return self._count(self._shared, login, address)
        except StorageError:
            return self._count(self._own, login, address)

    def _count(self, limiter: MovingWindowRateLimiter, login: str, address: str) -> bool:
        counted = [limiter.hit(*self._login(login)), limiter.hit(_PER_ADDRESS, "sign-in-address", address)]
        return all(counted)

    def forgive(self, login: str) -> None:
        """Forget the attempts on a login after its password was given."""
        for limiter in {self._shared, self._own}:
            with contextlib.suppress(StorageError):
                limiter.clear(*self._login(login))

    @staticmethod
    def _login(login: str) -> tuple[RateLimitItem, str, str]:
        return _PER_LOGIN, "sign-in-login", hashlib.sha256(login.encode(errors="replace")).hexdigest()
