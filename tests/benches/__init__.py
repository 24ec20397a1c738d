"""Simulated destinations as processes, each behind the same bench: what a test can order, and what it can count.

Each module here is named after its vendor and offers ``start(folder)``, a context manager that gives a running
:class:`Bench`; most make it with :class:`Starter`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import httpx2

from leadsvc.workers.destinations.base import CARD_FIELDS, CardPush, OutcomeKind, Profile
from leadsvc.workers.destinations.entries import mark
from tests.processes import Process, leadsvc

SOURCES = {"zillow": "Zillow.com", "apartments_com": "Apartments.com"}
ZONES = {"chd001": "America/Chicago", "olf": "America/New_York", "bvt": "America/Los_Angeles"}
FALLBACK_SOURCE = "Unmapped - Review"
WRONG = "wrong-key-entirely"
LOCAL = httpx2.Client(timeout=10, trust_env=False, verify=False)  # loopback, plain HTTP
"""For control APIs; making a client for each call would read all certificate authorities each time."""


class Bench(Protocol):
    """What the contract suite needs of a vendor's simulator. ``ROLE`` is create, update, find, event, task, merge or
    unmerge, or the name of an operation; ``mode`` one of ``leadsvc.simulators.faults``. ``checked``: the references
    that the vendor looks up and refuses. ``words``: what an agent of this vendor picks for an outcome, blank where the
    vendor never tells of it."""

    @property
    def vendor(self) -> str: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def stranger(self) -> Profile: ...
    @property
    def checked(self) -> frozenset[str]: ...
    @property
    def words(self) -> Mapping[OutcomeKind, str]: ...
    def reset(self) -> None: ...
    def op(self, role: str) -> str: ...
    def modes(self) -> frozenset[str]: ...
    def wire(self) -> list[dict[str, str]]: ...
    def fault(self, role: str, mode: str, **words: object) -> None: ...
    def live_cards(self, our_key: str) -> int: ...
    def events(self, card_id: str, our_key: str) -> int: ...
    def tasks(self, card_id: str, our_key: str) -> int: ...
    def agent_edits(self, card_id: str, fields: Mapping[str, str], outcome: str = "") -> None: ...


REFERENCES = frozenset({"property_ref", "floor_plan_ref", "agent_ref", "source_name"})


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """A running simulator and its control API. ``ops``: role -> its operation."""

    process: Process
    vendor: str
    url: str
    port: int
    ops: Mapping[str, str]
    words: Mapping[OutcomeKind, str] = field(default_factory=dict)
    checked: frozenset[str] = REFERENCES

    def control(self, method: str, path: str, words: object = None) -> Any:
        """One call of the control API; anything but success fails the test."""
        answer = LOCAL.request(method, f"{self.url}/control/{path}", json=words)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.control("GET", "state")

    def reset(self) -> None:
        self.control("POST", "reset")

    def wire(self) -> list[dict[str, str]]:
        heard: list[dict[str, str]] = self.control("GET", "wire")
        return heard

    def op(self, role: str) -> str:
        return self.ops.get(role, role)

    def fault(self, role: str, mode: str, **words: object) -> None:
        self.control("POST", "faults", [{"op": self.op(role), "mode": mode, **words}])

    def requests(self) -> list[str]:
        """The operations called since the last reset, in order."""
        return [call["op"] for call in self.state()["requests"]]


@dataclass(frozen=True, kw_only=True)
class WireBench(Controlled):
    """A running simulator of the kit. ``make``: the account, from the address. ``by_property``: whether one property of
    an account can be lost alone."""

    make: Callable[[str], Profile]
    by_property: bool = False

    @property
    def profile(self) -> Profile:
        return self.make(self.url)

    @property
    def stranger(self) -> Profile:
        """Somebody who has the address and no credentials that are good."""
        known = self.profile
        wrong = dict.fromkeys(known.credentials, WRONG)
        return replace(known, api_key=WRONG if known.api_key else "", credentials=wrong)

    def modes(self) -> frozenset[str]:
        return frozenset(self.control("GET", "modes"))

    def live_cards(self, our_key: str) -> int:
        cards = self.state()["cards"]
        return sum(card["our_key"] == our_key and not card["merged_into"] for card in cards)

    def events(self, card_id: str, our_key: str) -> int:
        return _carrying(self.state()["events"], card_id, our_key)

    def tasks(self, card_id: str, our_key: str) -> int:
        state = self.state()
        return _carrying(state["tasks"] + state["events"], card_id, our_key)

    def agent_edits(self, card_id: str, fields: Mapping[str, str], outcome: str = "") -> None:
        self.control("POST", f"cards/{card_id}/edit", {"agent_id": "ana", "fields": dict(fields), "outcome": outcome})


def _carrying(docs: list[dict[str, Any]], card_id: str, our_key: str) -> int:
    """How many documents of a card carry our key, in a field of its own or as a mark in the text."""
    return sum(
        doc["card_id"] == card_id and (doc.get("our_key") == our_key or mark(our_key) in str(doc.get("text")))
        for doc in docs
    )


@contextlib.contextmanager
def simulated(name: str, *options: str) -> Iterator[tuple[Process, dict[str, Any]]]:
    """A simulator as a process, and what it says of itself: url, port."""
    with leadsvc("simulate", name, *options) as process:
        process.until(lambda: "\n" in process.output(), f"the simulated {name} says where it listens")
        yield process, json.loads(process.output().splitlines()[0])


@dataclass(frozen=True, kw_only=True)
class Starter:
    """How to start a vendor's simulator, and what the suite must know of it; see :class:`WireBench`."""

    vendor: str
    make: Callable[[str], Profile]
    ops: Mapping[str, str]
    words: Mapping[OutcomeKind, str] = field(default_factory=dict)
    checked: frozenset[str] = REFERENCES
    by_property: bool = False
    more: tuple[str, ...] = ()

    @contextlib.contextmanager
    def __call__(self, folder: Path, port: int = 0) -> Iterator[WireBench]:
        state = str(folder / f"{self.vendor}.db")
        with simulated(self.vendor, "--port", str(port), "--state", state, *self.more) as (process, said):
            yield WireBench(
                process=process,
                vendor=self.vendor,
                url=said["url"],
                port=said["port"],
                make=self.make,
                ops=self.ops,
                words=self.words,
                checked=self.checked,
                by_property=self.by_property,
            )


def profile(vendor: str, base_url: str, credentials: Mapping[str, str], **more: Any) -> Profile:
    """An account of the demo operator at a simulated vendor."""
    return Profile(
        name=f"test-{vendor}",
        vendor=vendor,
        base_url=base_url,
        credentials=credentials,
        **{
            "timeout_s": 5.0,
            "properties": ("chd001", "olf", "bvt"),
            "sources": SOURCES,
            "fallback_source": FALLBACK_SOURCE,
            "allowed_fields": frozenset(CARD_FIELDS),
            **more,
        },
    )


IMANI = CardPush(
    our_key="GC-4K7M9P2R",
    property_ref="olf",
    first_name="Imani",
    last_name="Okafor",
    email="imani.okafor@example.com",
    phone="+17065550131",
    move_in=date(2027, 4, 1),
    source_name="zillow",
)
"""A renter for tests of one vendor, who add what that vendor makes something of."""

BENCHED = tuple(sorted(each.name for each in pkgutil.iter_modules(__path__)))
"""The vendors that have a bench."""


def starter_of(vendor: str) -> Callable[[Path], AbstractContextManager[Bench]]:
    """What starts a vendor's bench in a folder."""
    start: Callable[[Path], AbstractContextManager[Bench]] = importlib.import_module(f"{__name__}.{vendor}").start
    return start


def with_timeout(profile: Profile, seconds: float) -> Profile:
    """The same account with less patience."""
    return replace(profile, timeout_s=seconds)
