"""A worker of this process, made from the process's services."""

from __future__ import annotations

from leadsvc.services import Services
from leadsvc.workers.accounts import assert_usable
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.fetch import Fetcher
from leadsvc.workers.loop import Loop
from leadsvc.workers.sweep import Sweep


def build_loop(services: Services) -> Loop:
    """The loop with everything it drives; not started. :class:`ConfigurationError` where an account cannot be used."""
    assert_usable(services.settings)
    deliverer = Deliverer(services.store, services.settings, services.clock)
    sweep = Sweep(services.store, services.settings, services.intake, deliverer, services.clock)
    fetcher = Fetcher(services.store, services.settings, services.intake, services.clock)
    return Loop(deliverer, sweep, fetcher, services.clock)
