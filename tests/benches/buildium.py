"""The simulated Buildium."""

from __future__ import annotations

from leadsvc.simulators.buildium import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("buildium", url, CREDENTIALS, options={"task_assignee": "ana"})


start = Starter(
    vendor="buildium",
    make=account,
    ops={
        "create": "create_applicant",
        "update": "update_applicant",
        "find": "find_applicant",
        "event": "add_note",
        "task": "create_contact_request",
    },
    words={OutcomeKind.LEASED: "AddedToLease"},
    checked=frozenset({"property_ref"}),
)
