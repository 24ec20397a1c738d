"""Yardi Voyager, by its MITS 4.0 interface."""

from __future__ import annotations

from leadsvc.simulators.yardi import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import ZONES, Starter, profile


def _account(url: str) -> Profile:
    return profile("yardi", f"{url}/demo/webservices", CREDENTIALS, time_zones=ZONES)


start = Starter(
    vendor="yardi",
    make=_account,
    ops={
        "create": "import_guest",
        "update": "import_guest",
        "find": "search_guest",
        "event": "add_event",
        "task": "add_event",
    },
    words={OutcomeKind.CONTACTED: "CallToProspect", OutcomeKind.TOURED: "Show", OutcomeKind.LEASED: "LeaseSign"},
    by_property=True,
)
