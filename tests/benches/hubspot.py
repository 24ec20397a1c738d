"""The simulated HubSpot, with tokens that are renewed."""

from __future__ import annotations

from leadsvc.simulators.hubspot import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    known = {name: CREDENTIALS[name] for name in ("client_id", "client_secret", "refresh_token")}
    return profile("hubspot", url, known)


start = Starter(
    vendor="hubspot",
    make=account,
    ops={
        "create": "create_contact",
        "update": "update_contact",
        "find": "get_contact",
        "event": "create_note",
        "task": "create_task",
    },
    words={OutcomeKind.CONTACTED: "CONNECTED", OutcomeKind.LEASED: "customer"},
)
