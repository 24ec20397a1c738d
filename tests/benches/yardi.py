"""Yardi Voyager, by its MITS 4.0 interface."""

from __future__ import annotations

from leadsvc.simulators.yardi import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def _account(url: str) -> Profile:
    zones = {
        "time_zone": "America/Chicago",
        "time_zone.olf": "America/New_York",
        "time_zone.bvt": "America/Los_Angeles",
    }
    return profile("yardi", f"{url}/demo/webservices", CREDENTIALS, options=zones)


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
