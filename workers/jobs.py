"""What RQ calls. The dotted names here are stored in Redis: stable, few, ids only as arguments."""

from __future__ import annotations

from collections.abc import Callable

from leadsvc.errors import ConfigurationError

_bound: list[Callable[[], None]] = []


def bind(nudge: Callable[[], None]) -> None:
    """Give this process what a job wakes; ``leadsvc worker`` does so before it listens."""
    _bound[:] = [nudge]


def drain(destination: str) -> None:
    """Wake the worker's loop: something is due at ``destination``. The loop looks for itself what it is."""
    if not _bound:
        raise ConfigurationError(f"{destination}: jobs run in `leadsvc worker` only; start that instead of `rq worker`")
    _bound[0]()
