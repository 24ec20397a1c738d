"""What RQ calls. The dotted names here are stored in Redis: stable, few, ids only as arguments."""

from __future__ import annotations

from leadsvc.errors import ConfigurationError
from leadsvc.workers.deliver import Deliverer

_bound: list[Deliverer] = []


def bind(deliverer: Deliverer) -> None:
    """Give this process the deliverer that jobs use; ``leadsvc worker`` does so before it listens."""
    _bound[:] = [deliverer]


def drain(destination: str) -> None:
    """Push everything that is due at ``destination``."""
    if not _bound:
        raise ConfigurationError("jobs run in `leadsvc worker` only; start that instead of `rq worker`")
    _bound[0].drain(destination)
