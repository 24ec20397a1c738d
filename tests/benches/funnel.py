"""The simulated Funnel."""

from __future__ import annotations

from leadsvc.simulators.funnel import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("funnel", f"{url}/api/v2", CREDENTIALS, options={"group": "71"})


start = Starter(
    vendor="funnel",
    make=account,
    ops={
        "create": "create_client",
        "update": "update_client",
        "find": "get_client",
        "event": "add_note",
    },
    words={OutcomeKind.LEASED: "resident"},
    checked=frozenset({"property_ref", "source_name"}),
)
