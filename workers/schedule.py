"""When to try again. Ten tries over about three days, as senders of web hooks commonly do, then a person decides."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Pause after the first, second … failure; after the last one comes no other."""

CIRCUIT_AFTER = 5
"""Failures of an account in a row, after which it is left alone for a while."""

_CIRCUIT_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300))
PROBE_SOON, PROBE_PAUSED = timedelta(seconds=5), timedelta(seconds=60)
"""When an account that refuses our credentials is asked whether it still does: the first time, and from then on."""

_JITTER = 0.1
_LONGEST_WISH_S = 86_400.0


def next_try(now: datetime, failures: int, retry_after_s: float | None) -> datetime | None:
    """When to try after the ``failures``-th failure; ``None`` when the schedule is used up.

    The vendor's own wish is honoured when it is later, up to a day. A tenth of jitter keeps a crowd from coming back
    together.
    """
    if failures > len(SCHEDULE):
        return None
    pause = SCHEDULE[failures - 1] if failures else timedelta()
    pause *= 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311  # spreads a crowd, guards nothing
    wish = rest(retry_after_s)
    return now + (max(pause, wish) if wish else pause)


def rest(retry_after_s: float | None) -> timedelta | None:
    """The rest that a vendor asks for, up to a day; ``None`` when it asks for none, or for nonsense."""
    wish = min(retry_after_s or 0.0, _LONGEST_WISH_S)
    return timedelta(seconds=wish) if wish > 0 else None  # not a number is no wish


def circuit_pause(failures: int) -> timedelta | None:
    """How long to leave an account alone after that many failures in a row; ``None`` while it is not too many."""
    over = failures - CIRCUIT_AFTER
    return _CIRCUIT_PAUSES[min(over, len(_CIRCUIT_PAUSES) - 1)] if over >= 0 else None
