"""What a simulator saw: a log of calls, and how many writes to one card were under way at once."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

_KEPT = 20_000
_WIRE_KEPT = 500


@dataclass(slots=True)
class Call:
    """One call. ``status`` 499: the connection was broken off; 0: still under way. ``ended``: when its work was done,
    which may be long before it was answered; empty before."""

    op: str
    at: str
    key: str
    status: int = 0
    ended: str = ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Traffic:
    """Thread-safe memory of the calls since the start or the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._calls: deque[Call] = deque(maxlen=_KEPT)
            self._wire: deque[dict[str, str]] = deque(maxlen=_WIRE_KEPT)
            self._now: Counter[str] = Counter()
            self._most: Counter[str] = Counter()
            self._ops: Counter[str] = Counter()

    def log(self, op: str, key: str) -> Call:
        """Note a call as it begins; see :meth:`answered`."""
        call = Call(op, _now(), key)
        with self._lock:
            self._calls.append(call)
            self._ops[op] += 1
        return call

    def heard(self, op: str, where: str, body: str) -> None:
        """Keep a request as it came, for who wants to see that nothing came which should not."""
        with self._lock:
            self._wire.append({"op": op, "at": _now(), "where": where, "body": body})

    def wire(self) -> list[dict[str, str]]:
        """The last 500 requests as they came."""
        with self._lock:
            return list(self._wire)

    def worked(self, call: Call) -> None:
        """Note that the work of a call is done."""
        with self._lock:
            call.ended = _now()

    def answered(self, call: Call, status: int) -> None:
        """Note how a call was answered."""
        with self._lock:
            call.status, call.ended = status, call.ended or _now()

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[None]:
        """Count a write to the card ``key`` while it is done; an empty key is a read."""
        if not key:
            yield
            return
        with self._lock:
            self._now[key] += 1
            self._most[key] = max(self._most[key], self._now[key])
        try:
            yield
        finally:
            with self._lock:
                self._now[key] -= 1

    def report(self) -> dict[str, object]:
        """Calls, counts by operation, and the most writes at once per card."""
        with self._lock:
            return {
                "requests": [asdict(call) for call in self._calls],
                "operations": dict(self._ops),
                "max_concurrent_writes": dict(self._most),
            }
