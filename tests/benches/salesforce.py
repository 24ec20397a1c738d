"""The simulated Salesforce."""

from __future__ import annotations

from leadsvc.simulators.salesforce import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("salesforce", url, CREDENTIALS)


start = Starter(
    vendor="salesforce",
    make=account,
    ops={
        "create": "upsert_lead",
        "update": "update_lead",
        "find": "get_lead",
        "event": "write_task",
        "task": "write_task",
    },
    words={OutcomeKind.CONTACTED: "Working - Contacted"},
)
