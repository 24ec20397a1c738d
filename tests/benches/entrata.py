"""The simulated Entrata, behind its modern gateway."""

from __future__ import annotations

from leadsvc.simulators.entrata import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("entrata", url, {"api_key": CREDENTIALS["api_key"]})


start = Starter(
    vendor="entrata",
    make=account,
    ops={
        "create": "send_leads",
        "update": "update_leads",
        "find": "get_leads_by_email",
        "event": "update_leads",
        "task": "update_leads",
    },
    words={
        OutcomeKind.CONTACTED: "Outgoing Call",
        OutcomeKind.TOURED: "Onsite Visit",
        OutcomeKind.LEASED: "Lease Completed",
    },
)
