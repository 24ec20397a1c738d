"""ResMan, by its MITS lead management. What agents note before an application is not told by any of its lists."""

from __future__ import annotations

from leadsvc.simulators.resman import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import ZONES, Starter, profile


def _account(url: str) -> Profile:
    return profile("resman", url, CREDENTIALS, time_zones=ZONES)


start = Starter(
    vendor="resman",
    make=_account,
    ops={
        "create": "post_lead",
        "update": "post_lead",
        "find": "search_prospects",
        "event": "post_event",
        "task": "post_event",
    },
    words={OutcomeKind.CONTACTED: "", OutcomeKind.TOURED: "", OutcomeKind.LEASED: "Lease Signed"},
    checked=frozenset({"property_ref", "agent_ref", "source_name"}),
    by_property=True,
)
