"""The simulated MRI, which looks up nothing but the property."""

from __future__ import annotations

from leadsvc.simulators.mri import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile

OPTIONS = {"api_units": "MRI_S-PMRM_UnitsByPropertyID", "api_floor_plans": "MRI_S-PMRM_UnitTypesByPropertyID"}


def account(url: str) -> Profile:
    return profile("mri", url, CREDENTIALS, options=OPTIONS)


start = Starter(
    vendor="mri",
    make=account,
    ops={
        "create": "create_guest_card",
        "update": "update_guest_card",
        "find": "list_guest_cards",
        "event": "add_interaction",
    },
    words={OutcomeKind.TOURED: "Visited", OutcomeKind.LEASED: "F"},
    checked=frozenset({"property_ref"}),
)
