"""The destinations: one module per vendor under :mod:`~leadsvc.workers.destinations.vendors`, found by its name.

A vendor's module offers ``DESTINATION``, the class that is made of a profile, ``CAPABILITIES``, what it can do, and
``classify``, the pure judge of its answers. Its simulator is the package of the same name in ``leadsvc/simulators``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType

from leadsvc.errors import ConfigurationError
from leadsvc.workers.destinations import vendors
from leadsvc.workers.destinations.base import Around, Capabilities, Destination, Profile, Result
from leadsvc.workers.destinations.http import quiet

VENDORS = tuple(sorted(each.name for each in pkgutil.iter_modules(vendors.__path__)))

Classify = Callable[[str, int, Mapping[str, str], bytes | None, Mapping[str, object]], Result]
"""``classify(op, status, headers, body, context)``: what one answer means, decided from these bytes alone."""


def _module(vendor: str) -> ModuleType:
    if vendor not in VENDORS:
        raise ConfigurationError(f"destination vendor {vendor!r} is unknown; choose one of {', '.join(VENDORS)}")
    return importlib.import_module(f"{vendors.__name__}.{vendor}")


def connect(profile: Profile, around: Around = quiet) -> Destination:
    """The destination of an account; opens no connection yet. :class:`ConfigurationError` for an unknown vendor."""
    destination: Destination = _module(profile.vendor).DESTINATION(profile, around)
    return destination


def capabilities(vendor: str) -> Capabilities:
    """What a vendor can do, known without a connection."""
    found: Capabilities = _module(vendor).CAPABILITIES
    return found


def classifier(vendor: str) -> Classify:
    """The pure judge of a vendor's answers; the same function its adapter uses."""
    judge: Classify = _module(vendor).classify
    return judge
