"""A receiver of signed web hooks."""

from __future__ import annotations

from leadsvc.simulators.webhook import CREDENTIALS
from leadsvc.workers.destinations.base import Profile
from tests.benches import Starter, profile


def account(url: str) -> Profile:
    return profile("webhook", f"{url}/hooks/leads", CREDENTIALS)


start = Starter(
    vendor="webhook",
    make=account,
    ops={
        "create": "put_prospect",
        "update": "put_prospect",
        "event": "add_event",
        "task": "put_task",
        "merge": "merge_cards",
        "unmerge": "unmerge_card",
    },
    checked=frozenset(),
)
