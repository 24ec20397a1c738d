"""The destinations: one module per vendor, found by name.

To add one: its module beside this file, its simulator under ``leadsvc/simulators``, a line below, and a row in
``tests/contracts/test_every_destination.py``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from leadsvc.errors import ConfigurationError
from leadsvc.workers.destinations.base import Around, Destination, Profile, Result
from leadsvc.workers.destinations.http import quiet

VENDORS: dict[str, str] = {
    "simpms": "leadsvc.workers.destinations.simpms:SimPms",
}

Classify = Callable[[str, int, Mapping[str, str], bytes | None, Mapping[str, object]], Result]
"""``classify(op, status, headers, body, context)``: what one answer means, decided from these bytes alone."""


def _target(vendor: str) -> tuple[str, str]:
    target = VENDORS.get(vendor)
    if target is None:
        known = ", ".join(sorted(VENDORS))
        raise ConfigurationError(f"destination vendor {vendor!r} is unknown; choose one of {known}")
    module, _, name = target.partition(":")
    return module, name


def connect(profile: Profile, around: Around = quiet) -> Destination:
    """The destination of an account; opens no connection yet. :class:`ConfigurationError` for an unknown vendor."""
    module, name = _target(profile.vendor)
    destination: Destination = getattr(importlib.import_module(module), name)(profile, around)
    return destination


def classifier(vendor: str) -> Classify:
    """The pure judge of a vendor's answers; the same function its adapter uses."""
    module, _ = _target(vendor)
    judge: Classify = importlib.import_module(module).classify
    return judge
