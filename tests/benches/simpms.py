"""The simulated PMS, which has a control API of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from leadsvc.simulators.faults import MODES
from leadsvc.simulators.manners import Manners
from leadsvc.workers.destinations.base import Profile
from tests.benches import FALLBACK_SOURCE, SOURCES, WRONG, Controlled, simulated

SIMPMS_KEY = "simpms-key-for-tests"
_OPS = {
    "create": "create_card",
    "update": "update_card",
    "find": "search_cards",
    "event": "add_event",
    "task": "create_task",
    "merge": "merge_cards",
    "unmerge": "unmerge_card",
}


@dataclass(frozen=True, kw_only=True)
class SimPmsBench(Controlled):
    """A running simulated PMS."""

    @property
    def profile(self) -> Profile:
        return Profile(
            name="test-pms",
            vendor="simpms",
            base_url=self.url,
            api_key=SIMPMS_KEY,
            timeout_s=5.0,
            sources=SOURCES,
            fallback_source=FALLBACK_SOURCE,
        )

    @property
    def stranger(self) -> Profile:
        return replace(self.profile, api_key=WRONG)

    def modes(self) -> frozenset[str]:
        return frozenset(mode for mode in MODES if Manners().can(mode))

    def live_cards(self, our_key: str) -> int:
        cards = self.state()["cards"]
        return sum(card["third_party_id"] == our_key and not card["merged_into"] for card in cards)

    def events(self, card_id: str, our_key: str = "") -> int:
        found = [event for event in self.state()["events"] if event["card_id"] == card_id]
        return sum(our_key in ("", event["reference"]) for event in found)

    def tasks(self, card_id: str, our_key: str = "") -> int:
        found = [task for task in self.state()["tasks"] if task["card_id"] == card_id]
        return sum(our_key in ("", task["reference"]) for task in found)

    def agent_edits(self, card_id: str, fields: Mapping[str, str], outcome: str = "") -> None:
        words = {"agent_id": "ana", "fields": dict(fields), "outcome": outcome}
        self.control("POST", f"guest-cards/{card_id}/edit", words)


@contextlib.contextmanager
def running_simpms(folder: Path, port: int = 0) -> Iterator[SimPmsBench]:
    """A simulated PMS with its state in ``folder``; port 0 takes a free one."""
    state = str(folder / "simpms.db")
    options = ("--port", str(port), "--state", state, "--api-key", SIMPMS_KEY)
    with simulated("simpms", *options) as (process, said):
        yield SimPmsBench(process=process, vendor="simpms", url=said["url"], port=said["port"], ops=_OPS)


start = running_simpms
