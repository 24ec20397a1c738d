"""Kills processes before and after every commit and every remote call, one after the other, in one running town.

The points are enumerated from the code: the members of ``Commit`` and the operations of the adapter. Each has a
stimulus that makes the process pass it; a point without one is an error, so that a new commit or call cannot be
forgotten.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from leadsvc.faults import SIDES, Commit
from leadsvc.workers.destinations.vendors.simpms.wire import READS, WRITES
from leadsvc.workers.fetch import OPERATIONS
from tests.graphbench import webhook
from tests.processes import ROOT, eventually
from tests.system import people
from tests.system.history import violations
from tests.system.town import ADVERTS, Town

# What is asked of SNS does not change by asking, and is tried again as a lead of Facebook is.
ALIKE = {"get_certificate", "confirm_subscription"}

# No lead of a town passes them: test_mailboxes kills a process there.
ELSEWHERE = {Commit.MAILBOX}


def points() -> list[tuple[str, str]]:
    """Every (point, side) there is."""
    names = [str(each) for each in Commit if each not in ELSEWHERE]
    names += [f"call.{op}" for op in (*READS, *WRITES, *OPERATIONS) if op not in ALIKE]
    return [(name, side) for name in names for side in SIDES]


@dataclass
class Owed:
    """An acknowledged lead: the words of its message, and how often the PMS may tell them. ``by``: what stands before
    them on the card of somebody else."""

    token: str
    person: int
    told: int = 1
    by: str = ""


@dataclass
class Tally:
    """What a run came to."""

    kills: Counter[str] = field(default_factory=Counter)
    owed: list[Owed] = field(default_factory=list)
    people: int = 0
    unanswered: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Crashes:
    """One run. :meth:`prepare`, then :meth:`strike` for each point, then :meth:`judge`.

    ``traffic``: how many new renters write while each point is waited for.
    """

    def __init__(self, town: Town, traffic: int = 2) -> None:
        self.town = town
        self.traffic = traffic
        self._pool = ThreadPoolExecutor(4)
        self._lock = threading.Lock()
        self.tally = Tally()
        self._numbers = itertools.count(1)
        self._known: defaultdict[tuple[str, str], deque[list[int]]] = defaultdict(deque)
        self._started = time.monotonic()
        self._stimuli: Mapping[str, Callable[[Crashes, str, str], None]] = dict(_STIMULI)

    # -- before ---------------------------------------------------------------------------------------------------

    def prepare(self, chosen: list[tuple[str, str]]) -> None:
        """People whom the points of ``chosen`` need to be known already."""
        merged, related = [], []
        for point, side in chosen:
            stimulus = self._stimuli.get(point)
            if stimulus not in (Crashes._again, Crashes._bridge, Crashes._unmerge, Crashes._beside):
                continue
            known = [self._new()] if stimulus is Crashes._again else [self._new(), self._new()]
            self._known[point, side].append(known)
            self._send(known[0], email=people.email(known[0]))
            if stimulus is Crashes._beside:
                self._send(known[1], email=people.email(known[1]), property={"id": "olf"})
                related.append(known)
            elif len(known) > 1:  # without a name, so that nothing connects the two yet
                self._send(known[0], named=False, phone=people.phone(known[1]))
            if stimulus is Crashes._unmerge:
                merged.append(known)
        self.town.settle()
        for one, other in related:
            said = json.dumps({"other": self._key_of(other), "verdict": "confirm"}).encode()
            done = self.town.post(f"/v1/prospects/{self._key_of(one)}/household", said, "staff")
            assert done.status == 200, done.body
        for one, other in merged:
            # Taken apart later, its one inquiry is told again on the card of whom it names.
            self._send(one, told=2, email=people.email(one), phone=people.phone(other))
        self.town.settle()

    def _new(self) -> int:
        return next(self._numbers)

    def _key_of(self, person: int) -> str:
        """By what the prospect of somebody who has written is known."""
        token = next(each.token for each in self.tally.owed if each.person == person)
        whose = "prospects JOIN inquiries ON prospect_id = prospects.id"
        found = self.town.rows(
            f"SELECT prospects.key FROM {whose} WHERE CAST(lead AS TEXT) LIKE :token",  # noqa: S608  # constant
            token=f"%{token}%",
        )
        return str(found[0][0])

    def _send(self, person: int, *, told: int = 1, named: bool = True, by: str = "", **contact: object) -> None:
        token = f"Question {uuid.uuid4().hex[:12]}"
        feed = "site" if len(self.tally.owed) % 2 else "portal"
        self.town.lead(feed, person=people.name(person) if named else {}, message=token, **contact)
        self.tally.owed.append(Owed(token, person, told, by))

    # -- the points -----------------------------------------------------------------------------------------------

    def strike(self, point: str, side: str) -> None:
        """Kill whoever passes the point next, and go on."""
        meanwhile = [self._pool.submit(self._newcomer, point, side) for _ in range(self.traffic)]
        if point in _COMMANDS:
            self._strike_command(point, side)
        else:
            role = "api" if point in ("record", "intake", "action") else "worker"
            if point == "call.check":
                self.town.pms.fault("find_events", "status", status=401)
            file = self.town.arm(role, f"{point}:{side}:1")
            self._stimuli[point](self, point, side)
            eventually(lambda: not file.exists(), f"a process dies {side} {point}", 30)
        for each in meanwhile:
            each.result()
        self.tally.kills[f"{point}:{side}"] += 1

    def strike_sweep(self, side: str) -> None:
        """The API dies of a receipt between its commits, and so does the worker that takes it up."""
        worker = self.town.arm("worker", f"{Commit.INTAKE}:{side}:1")
        api = self.town.arm("api", f"{Commit.RECORD}:after:1")
        self._newcomer("", "")
        eventually(lambda: not api.exists() and not worker.exists(), "API and worker die of one receipt", 30)
        self.tally.kills[f"swept-{Commit.INTAKE}:{side}"] += 1

    def _strike_command(self, point: str, side: str) -> None:
        words = _COMMANDS[point]
        status, said = self.town.run(*words, fault=f"{point}:{side}:1")
        assert status == -9, f"{words} ended with {status} and not of {point}:{side}: {said}"
        status, said = self.town.run(*words)
        assert status == _ENDS.get(point, 0), said

    def _newcomer(self, _point: str, _side: str) -> None:
        self._more(1)
        person = self._new()
        self._send(person, email=people.email(person))

    def _more(self, renters: int) -> None:
        with self._lock:
            self.tally.people += renters

    def _advertised(self, _point: str, _side: str) -> None:
        """A web hook names a lead that the worker has to fetch."""
        assert self.town.graph is not None
        self._more(1)
        person = self._new()
        token = f"Question {uuid.uuid4().hex[:12]}"
        name = " ".join(people.name(person).values())
        answers = {"full_name": name, "email": people.email(person), "property": "Cedar Hollow", "message": token}
        self.town.graph.put(str(person), **answers)
        sent = self.town.post(f"/v1/leads/{ADVERTS}", webhook(str(person)), ADVERTS)
        assert sent.status == 200, sent.body
        self.tally.owed.append(Owed(token, person))

    def _unheard(self, _point: str, _side: str) -> None:
        """A renter who asks for a unit that nobody has heard of, which the queue of unknown names gathers."""
        self._more(1)
        person = self._new()
        self._send(person, email=people.email(person), unit=f"Garden {uuid.uuid4().hex[:6]}")

    def _again(self, point: str, side: str) -> None:
        """The second inquiry of somebody known, with a phone number that was not."""
        [person] = self._known[point, side].popleft()
        self._more(1)
        self._send(person, email=people.email(person), phone=people.phone(person))

    def _bridge(self, point: str, side: str) -> None:
        """One inquiry carries what two prospects are known by."""
        one, other = self._known[point, side].popleft()
        self._more(1)
        self._send(one, email=people.email(one), phone=people.phone(other))

    def _beside(self, point: str, side: str) -> None:
        """Somebody writes to the property where another of their household has a card."""
        _, mate = self._known[point, side].popleft()
        self._more(2)
        who = " ".join(people.name(mate).values())
        self._send(mate, email=people.email(mate), by=f"{who}: ")

    def _unmerge(self, point: str, side: str) -> None:
        """Takes back what :meth:`prepare` joined."""
        one, _ = self._known[point, side].popleft()
        bridge = next(each for each in reversed(self.tally.owed) if each.person == one)
        where = "SELECT id FROM inquiries WHERE CAST(lead AS TEXT) LIKE :token"
        found = self.town.rows(
            f"SELECT id FROM match_decisions WHERE kind = 'merge' AND inquiry_id = ({where})",  # noqa: S608  # constant
            token=f"%{bridge.token}%",
        )
        decision = uuid.UUID(str(found[0][0]))
        done = self.town.post(f"/v1/decisions/{decision}/unmerge", b"{}", "staff")
        assert done.status in (200, 409), done.body  # 409: undone already, the answer got lost
        self._more(2)

    def _replay(self, point: str, side: str) -> None:
        self._newcomer(point, side)
        receipt = self.town.rows("SELECT id FROM receipts WHERE state = 'processed' ORDER BY received_at LIMIT 1")
        done = self.town.post(f"/v1/receipts/{uuid.UUID(str(receipt[0][0]))}/replay", b"{}", "staff")
        assert done.status == 200, done.body

    # -- after ----------------------------------------------------------------------------------------------------

    def judge(self) -> Tally:
        """Compare what was acknowledged with the store and with the PMS."""
        self._pool.shutdown()
        self.town.settle(180)
        state = self.town.pms.state()
        texts = Counter(event["text"] for event in state["events"])
        for each in self.tally.owed:
            found = self.town.number(
                "SELECT count(*) FROM inquiries WHERE CAST(lead AS TEXT) LIKE :token", token=f"%{each.token}%"
            )
            if found != 1:
                self.tally.missing.append(f"{each.token}: {found} inquiries")
            told = texts[f"{each.by}{each.token}"]
            if not 1 <= told <= each.told:
                self.tally.wrong.append(f"{each.token}: {told} events, owed {self._owed(each.token)}")
        self.tally.wrong += violations(state)
        alive = [card for card in state["cards"] if not card["merged_into"] and card["entered_by"] == "api"]
        remote = len({card["person_id"] for card in alive})
        if remote != self.tally.people:
            self.tally.wrong.append(f"{remote} people at the PMS for {self.tally.people} renters")
        open_tasks = Counter(task["card_id"] for task in state["tasks"] if task["status"] == "open")
        self.tally.wrong += [f"{open_tasks[c['id']]} tasks of {c['id']}" for c in alive if open_tasks[c["id"]] != 1]
        self.town.assert_balanced()
        self.tally.unanswered = self.town.unanswered
        self.tally.seconds = time.monotonic() - self._started
        return self.tally

    def _owed(self, token: str) -> list[tuple[object, ...]]:
        """What the store says of the deliveries of an inquiry's card."""
        cards = "SELECT guest_card_id FROM inquiries WHERE CAST(lead AS TEXT) LIKE :token"
        asked = f"SELECT kind, state, cause, outcome, attempts FROM deliveries WHERE guest_card_id IN ({cards})"  # noqa: S608  # constant
        return [tuple(row) for row in self.town.rows(asked, token=f"%{token}%")]


_OLD = str(ROOT / "tests" / "importing" / "old_")
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "sync": ("destinations", "sync", "pms"),
    "call.pull_config": ("destinations", "sync", "pms"),
    "import": ("import", f"{_OLD}leads.csv", "--map", f"{_OLD}crm_csv.yaml", "--rejects", os.devnull),
    "admin": ("key", "create", "--feed", "site"),
}
"""Points that no lead passes: a command does."""

_ENDS: Mapping[str, int] = {"import": 1}
"""How a command ends that has something to tell; the file holds a row that is refused."""

_STIMULI: Mapping[str, Callable[[Crashes, str, str], None]] = {
    "record": Crashes._newcomer,
    "intake": Crashes._newcomer,
    "claim": Crashes._newcomer,
    "result": Crashes._newcomer,
    "sweep": Crashes._newcomer,
    "mend": Crashes._unheard,
    "watch": Crashes._newcomer,
    "settle": Crashes._again,
    "outcomes": Crashes._newcomer,
    "call.pull_outcomes": Crashes._newcomer,
    "fetch": Crashes._advertised,
    "call.get_lead": Crashes._advertised,
    "action": Crashes._replay,
    "call.check": Crashes._newcomer,
    "call.search_cards": Crashes._newcomer,
    "call.create_card": Crashes._newcomer,
    "call.find_events": Crashes._newcomer,
    "call.add_event": Crashes._newcomer,
    "call.find_tasks": Crashes._newcomer,
    "call.create_task": Crashes._newcomer,
    "call.get_card": Crashes._again,
    "call.update_card": Crashes._again,
    "call.update_task": Crashes._again,
    "call.add_person": Crashes._beside,
    "call.merge_cards": Crashes._bridge,
    "call.unmerge_card": Crashes._unmerge,
}
"""What makes a process pass a point."""

STIMULATED = frozenset({*_COMMANDS, *_STIMULI})


def run(town: Town, times: int = 1, traffic: int = 2) -> Tally:
    """Every point ``times`` times, with ``traffic`` new renters at each."""
    chosen = [each for each in points() for _ in range(times)]
    crashes = Crashes(town, traffic)
    crashes.prepare(chosen)
    for point, side in chosen:
        crashes.strike(point, side)
    if town.workers:
        for side in SIDES:
            crashes.strike_sweep(side)
    return crashes.judge()
