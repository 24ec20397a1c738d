"""The crash proof in front of a vendor's simulator: the same processes, the same kills, over the vendor's own wire.

Which calls a lead makes there is learnt from what the simulator is asked, so that one proof fits every vendor.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

from leadsvc.faults import SIDES, Commit
from tests.system import people
from tests.system.crashes import Crashes, Tally
from tests.system.town import Town

_COMMITS = (Commit.RECORD, Commit.INTAKE, Commit.CLAIM, Commit.RESULT, Commit.SYNC, Commit.ACTION)
"""Those on the way of a lead to a destination; the others have nothing to do with whose it is."""

_A_THIRD_TRY_S = 420.0
"""A third try is made five minutes after the second."""
_A_DELIVERY_S = 0.25
"""On a busy machine; hundreds of renters write while processes die, and all of it is told afterwards."""


class Siege(Crashes):
    """One run: :meth:`learn`, then as its parent's."""

    def __init__(self, town: Town, traffic: int = 2) -> None:
        super().__init__(town, traffic)
        self._before = self._live()

    def learn(self) -> list[tuple[str, str]]:
        """Every (point, side) that a new renter, or one who writes again, makes somebody pass."""
        person = self._new()
        self._more(1)
        new = self._calls(lambda: self._send(person, email=people.email(person)))
        again = self._calls(lambda: self._send(person, email=people.email(person), phone=people.phone(person)))
        for calls, stimulus in ((again, Crashes._again), (new, Crashes._newcomer)):
            self._stimuli = {**self._stimuli, **{f"call.{op}": stimulus for op in calls}}
        names = [*map(str, _COMMITS), *(f"call.{op}" for op in sorted({*new, *again}))]
        return [(name, side) for name in names for side in SIDES]

    def strike(self, point: str, side: str) -> None:
        """As its parent's. What somebody known writes stands in line behind all that earlier kills left undone, which
        is told first: otherwise the point is not reached while it is waited for."""
        if self._stimuli.get(point) is Crashes._again:
            self._settle()
        super().strike(point, side)

    def _settle(self) -> None:
        self.town.settle(_A_THIRD_TRY_S + self.town.owed() * _A_DELIVERY_S)

    def _calls(self, act: Callable[[], object]) -> set[str]:
        """What the vendor is asked for what ``act`` does. What is asked on a schedule as well is no stimulus' own."""
        before = Counter(self.town.pms.requests())
        act()
        self.town.settle()
        made = {op for op, count in Counter(self.town.pms.requests()).items() if count > before[op]}
        return made - _SCHEDULED

    def _live(self) -> int:
        return int(self.town.pms.state()["counts"]["live_api_cards"])

    def judge(self) -> Tally:
        """Compare what was acknowledged with the store and with the vendor."""
        self._pool.shutdown()
        self._settle()
        self.tally.missing += missing(self.town, [each.token for each in self.tally.owed])
        state = self.town.pms.state()
        told = {each.token: each.told for each in self.tally.owed}
        self.tally.wrong += [*violations(state), *untold(state, told)]
        made = self._live() - self._before
        if made != self.tally.people:
            self.tally.wrong.append(f"{made} cards at the vendor for {self.tally.people} renters")
        self.town.assert_balanced()
        self.tally.unanswered, self.tally.seconds = self.town.unanswered, time.monotonic() - self._started
        return self.tally


_SCHEDULED = {"ping", "guest_activity_range"}


def missing(town: Town, tokens: list[str]) -> list[str]:
    """Acknowledged leads of which there is not exactly one inquiry."""
    asked = "SELECT count(*) FROM inquiries WHERE CAST(lead AS TEXT) LIKE :token"
    counts = {token: town.number(asked, token=f"%{token}%") for token in tokens}
    return [f"{token}: {count} inquiries" for token, count in counts.items() if count != 1]


def untold(state: Mapping[str, Any], told: Mapping[str, int]) -> list[str]:
    """Messages that the vendor does not have, or more often than they may be told."""
    # A task may be an event there, and quotes what it is about.
    marked = [(str(event["text"]), str(event.get("our_key", ""))) for event in state["events"]]
    texts = [text for text, key in marked if "TK-" not in text + key]
    counts = {token: sum(token in text for text in texts) for token in told}
    return [f"{token}: {count} events" for token, count in counts.items() if not 1 <= count <= told[token]]


def violations(state: Mapping[str, Any]) -> list[str]:
    """What must not be at any vendor: somebody twice, two writes to one card at once, history of nobody."""
    alive = [card for card in state["cards"] if card["our_key"] and not card["merged_into"]]
    twice = Counter((card["property"], card["our_key"]) for card in alive)
    found = [f"{count} live cards of {key}" for (_, key), count in twice.items() if count > 1]
    known = {card["card_id"] for card in state["cards"]}
    # What is made has no id yet, and at some vendors no key that tells it from others.
    cards = known | {card["our_key"] for card in alive}
    crowds = state["max_concurrent_writes"]
    found += [f"{count} writes at once to {key}" for key, count in crowds.items() if count > 1 and key in cards]
    strange = {each["card_id"] for each in (*state["events"], *state["tasks"])} - known
    return found + [f"history of {card_id}, whom nobody knows" for card_id in sorted(strange)]


def run(town: Town, times: int = 1, traffic: int = 2) -> Tally:
    """Every point that the vendor shows, ``times`` times, with ``traffic`` new renters at each."""
    siege = Siege(town, traffic)
    chosen = [each for each in siege.learn() for _ in range(times)]
    siege.prepare(chosen)
    for point, side in chosen:
        siege.strike(point, side)
    return siege.judge()


def flushed(town: Town, url: str, renters: int, flushes: int) -> list[str]:
    """Redis emptied again and again while ``renters`` write and all workers push; what is wrong afterwards."""
    before = int(town.pms.state()["counts"]["live_api_cards"])
    siege = Siege(town, 0)
    with ThreadPoolExecutor(4) as pool, redis.Redis.from_url(url) as client:
        sent = [pool.submit(siege._newcomer, "", "") for _ in range(renters)]
        for number, each in enumerate(sent):
            each.result()
            if number % max(renters // flushes, 1) == 0:
                client.flushall()
    tally = siege.judge()
    made = int(town.pms.state()["counts"]["live_api_cards"]) - before
    return [*tally.missing, *tally.wrong, *([] if made == renters else [f"{made} cards of {renters} renters"])]
