"""The simulated RealPage gateway."""

from __future__ import annotations

from leadsvc.simulators.realpage import CREDENTIALS
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    known = {name: CREDENTIALS[name] for name in ("pmcid", "licensekey", "username", "password")}
    return profile("realpage", url, known)


start = Starter(
    vendor="realpage",
    make=account,
    ops={
        "create": "insert_prospect",
        "update": "update_prospect",
        "find": "prospect_search",
        "event": "insert_activity",
        "task": "insert_followup",
    },
    words={OutcomeKind.CONTACTED: "Phone call", OutcomeKind.TOURED: "Visit", OutcomeKind.LEASED: "Leased"},
)
