"""The simulated Rent Manager, with tokens that end."""

from __future__ import annotations

from leadsvc.simulators.rentmanager import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("rentmanager", url, CREDENTIALS)


start = Starter(
    vendor="rentmanager",
    make=account,
    ops={
        "create": "create_prospect",
        "update": "update_prospect",
        "find": "find_prospect",
        "event": "add_history_note",
        "task": "create_task",
    },
    words={OutcomeKind.TOURED: "Toured", OutcomeKind.LEASED: "Converted"},
)
