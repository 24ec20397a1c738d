"""The simulated AppFolio."""

from __future__ import annotations

from leadsvc.simulators.appfolio import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("appfolio", url, CREDENTIALS)


start = Starter(
    vendor="appfolio",
    make=account,
    ops={
        "create": "create_lead",
        "update": "update_lead",
        "find": "list_leads",
        "task": "create_showing",
    },
    words={OutcomeKind.LEASED: "converted_to_tenant"},
    checked=frozenset({"property_ref", "agent_ref"}),
)
