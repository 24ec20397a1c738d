"""The simulated PMS as a process behind its bench, and the fixtures that most tests of the way to a PMS use."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from leadsvc.simulators.faults import MODES
from leadsvc.simulators.manners import Manners
from leadsvc.workers.destinations.base import OutcomeKind, Profile
from tests.benches import FALLBACK_SOURCE, LOCAL, REFERENCES, SOURCES, WRONG
from tests.benches import with_timeout as with_timeout
from tests.processes import Process, leadsvc

SIMPMS_KEY = "simpms-key-for-tests"
_SIMPMS_OPS = {
    "create": "create_card",
    "update": "update_card",
    "find": "search_cards",
    "event": "add_event",
    "task": "create_task",
    "merge": "merge_cards",
    "unmerge": "unmerge_card",
}


@dataclass(frozen=True)
class SimPmsBench:
    """A running simulated PMS."""

    process: Process
    url: str
    port: int
    vendor: str = "simpms"
    checked: frozenset[str] = REFERENCES
    words: Mapping[OutcomeKind, str] = field(default_factory=dict)

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

    def control(self, method: str, path: str, words: object = None) -> Any:
        """One call of the control API; anything but success fails the test."""
        answer = LOCAL.request(method, f"{self.url}/control/{path}", json=words)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.control("GET", "state")

    def reset(self) -> None:
        self.control("POST", "reset")

    def modes(self) -> frozenset[str]:
        return frozenset(mode for mode in MODES if Manners().can(mode))

    def wire(self) -> list[dict[str, str]]:
        heard: list[dict[str, str]] = self.control("GET", "wire")
        return heard

    def op(self, role: str) -> str:
        return _SIMPMS_OPS.get(role, role)

    def fault(self, role: str, mode: str, **words: object) -> None:
        self.control("POST", "faults", [{"op": self.op(role), "mode": mode, **words}])

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

    def requests(self) -> list[str]:
        """The operations called since the last reset, in order."""
        return [call["op"] for call in self.state()["requests"]]


@contextlib.contextmanager
def running_simpms(folder: Path, port: int = 0) -> Iterator[SimPmsBench]:
    """A simulated PMS with its state in ``folder``; port 0 takes a free one."""
    words = ("simulate", "simpms", "--port", str(port), "--state", str(folder / "simpms.db"), "--api-key", SIMPMS_KEY)
    with leadsvc(*words) as process:
        process.until(lambda: "\n" in process.output(), "the simulated PMS says where it listens")
        said = json.loads(process.output().splitlines()[0])
        yield SimPmsBench(process, said["url"], said["port"])


@pytest.fixture(scope="session")
def simpms_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimPmsBench]:
    """A simulated PMS that the tests of this process share; ask for ``simpms`` instead."""
    with running_simpms(tmp_path_factory.mktemp("simpms")) as bench:
        yield bench


@pytest.fixture
def simpms(simpms_process: SimPmsBench) -> SimPmsBench:
    """A simulated PMS as after its first start. A test that kills one starts its own by ``running_simpms``."""
    simpms_process.reset()
    return simpms_process
