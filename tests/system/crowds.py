"""Many senders at once: the same new person through several feeds, and the same payload many times over."""

from __future__ import annotations

import itertools
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import urlencode

from tests.system import people
from tests.system.history import violations
from tests.system.town import Town, lead

THREADS = 64


@dataclass
class Crowd:
    """What a run came to. ``slowest``: seconds that one sender waited for its answer."""

    rounds: int = 0
    sent: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """One thing to send."""

    path: str
    key: str
    kind: str
    body: bytes


class Twins:
    """Rounds in which all threads send one new person at the same instant."""

    def __init__(self, town: Town, first: int = 1) -> None:
        self.town = town
        self.crowd = Crowd()
        self._people = itertools.count(first)
        self._pool = ThreadPoolExecutor(THREADS)
        self._barrier = threading.Barrier(THREADS)
        self._before = town.pms.state()["counts"]["live_people"]

    def run(self, kinds: Sequence[str]) -> Crowd:
        """One round for each of ``kinds`` (same, resent, bridged), then the PMS's view of all of them."""
        self.town.settle()
        started = time.monotonic()
        for kind in kinds:
            self._round(kind)
        self.crowd.seconds = time.monotonic() - started
        self._pool.shutdown()
        self.town.settle(120)
        state = self.town.pms.state()
        made = state["counts"]["live_people"] - self._before
        if made != self.crowd.rounds:
            self.crowd.wrong.append(f"{made} people at the PMS after {self.crowd.rounds} rounds")
        self.crowd.wrong += violations(state)
        self.town.assert_balanced()
        return self.crowd

    def _round(self, kind: str) -> None:
        person, mark = next(self._people), uuid.uuid4().hex[:10]
        requests = [self._request(kind, person, mark, number) for number in range(THREADS)]
        random.shuffle(requests)
        waited = list(self._pool.map(self._send, requests))
        self.crowd.rounds += 1
        self.crowd.sent += len(waited)
        self.crowd.slowest = max(self.crowd.slowest, *waited)
        expected = 2 if kind == "resent" else THREADS
        self.crowd.wrong += [f"{kind} {mark}: {each}" for each in self._faults(mark, expected)]

    def _request(self, kind: str, person: int, mark: str, number: int) -> Request:
        feed = ("site", "portal")[number % 2]
        both = {"email": people.email(person), "phone": people.phone(person)}
        contact = dict(both)
        if kind == "bridged" and number % 3 < 2:
            contact.pop(("email", "phone")[number % 3])
        source = {"site": "website", "portal": "apartments_com"}[feed]
        question = f"Question {mark} {feed if kind == 'resent' else number}"
        body = lead(person=people.name(person), message=question, source=source, **contact)
        return Request(f"/v1/leads/{feed}", feed, "application/json", body)

    def _send(self, request: Request) -> float:
        self._barrier.wait(60)
        started = time.monotonic()
        answer = self.town.post(request.path, request.body, request.key, request.kind)
        assert answer.status == 200, answer.body
        return time.monotonic() - started

    def _faults(self, mark: str, inquiries: int) -> list[str]:
        found = self.town.rows(
            "SELECT count(*) AS inquiries, count(DISTINCT p.root_id) AS people, count(DISTINCT c.root_id) AS cards"
            " FROM inquiries i JOIN prospects p ON p.id = i.prospect_id JOIN guest_cards c ON c.id = i.guest_card_id"
            " WHERE CAST(i.lead AS TEXT) LIKE :mark",
            mark=f"%{mark}%",
        )[0]
        expected = {"inquiries": inquiries, "people": 1, "cards": 1}
        return [f"{getattr(found, what)} {what}, not {n}" for what, n in expected.items() if getattr(found, what) != n]


# -- the same payload many times over ---------------------------------------------------------------------------------


def callback(person: int, message: str) -> bytes:
    """Zillow's lead callback."""
    name = people.name(person)
    fields = {
        "listingId": "CHD-2BR-7",
        "name": f"{name['given']} {name['family']}",
        "email": people.email(person),
        "phone": people.phone(person),
        "message": message,
        "listingStreet": "4100 Cedar Hollow Dr",
        "listingUnit": "7",
        "listingCity": "Tulsa",
        "listingPostalCode": "74105",
        "listingState": "OK",
    }
    return urlencode(fields).encode()


def its_mail(person: int, message: str) -> bytes:
    """The mail that Zillow sends about the same inquiry."""
    name = people.name(person)
    mail = EmailMessage()
    mail["From"] = "Zillow Group Rentals <rentalclientservices@zillowrentals.com>"
    mail["Reply-To"] = people.email(person)
    mail["To"] = "leads+chd@inbox.example.com"
    mail["Subject"] = "New Zillow Group Rentals Contact: 4100 Cedar Hollow Dr #7"
    mail.set_content(
        f'New Contact\n\n{name["given"]} {name["family"]} says:\n\n"{message}"\n\n{people.email(person)}\n'
        f"{people.phone(person)}\n\nYour listing\nFOR RENT\n$1,620\n2 bedroom, 1 bathroom\n"
        "4100 Cedar Hollow Dr #7, Tulsa, OK 74105\nSee all listing details\n"
    )
    return mail.as_bytes()


def payloads(person: int) -> list[Request]:
    """Different payloads that all tell the same one inquiry."""
    message = f"Is number seven still free? My file is {person:05d}."
    form = "application/x-www-form-urlencoded"
    return [
        Request("/v1/leads/zillow", "zillow", form, callback(person, message)),
        Request("/v1/leads/mail", "mail", "message/rfc822", its_mail(person, message)),
    ]


def own_payload(person: int, external_id: str) -> Request:
    """A canonical lead of a website; with or without an id of its own."""
    fields: dict[str, object] = {"external_id": external_id} if external_id else {}
    message = f"Do you take cats? My file is {person:05d}."
    body = lead(person=people.name(person), email=people.email(person), message=message, **fields)
    return Request("/v1/leads/site", "site", "application/json", body)


def resend(town: Town, renters: int, seed: int, threads: int = 16) -> Crowd:
    """Every payload 1 to 20 times, shuffled, in parallel: one inquiry each, whatever door it came through."""
    dice = random.Random(seed)
    requests: list[Request] = []
    makers: list[Callable[[int], list[Request]]] = [
        payloads,
        lambda person: [own_payload(person, "")],
        lambda person: [own_payload(person, f"A-{person}")],
    ]
    for person in range(1, renters + 1):
        for request in makers[person % 3](person):
            requests += [request] * dice.randint(1, 20)
    dice.shuffle(requests)
    crowd, started = Crowd(rounds=renters, sent=len(requests)), time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(lambda each: town.post(each.path, each.body, each.key, each.kind), requests))
    crowd.seconds = time.monotonic() - started
    statuses = Counter(str(each.body["status"]) for each in answers)
    if statuses != {"accepted": renters, "duplicate": len(requests) - renters}:
        crowd.wrong.append(f"told {dict(statuses)}")
    town.settle(120)
    for what, expected in (("inquiries", renters), ("receipts", len(requests)), ("fates", len(requests) - renters)):
        found = town.number(f"SELECT count(*) FROM {what}")  # noqa: S608  # the names are the tuple above
        if found != expected:
            crowd.wrong.append(f"{found} {what}, not {expected}")
    state = town.pms.state()
    if state["counts"]["events"] != renters:
        crowd.wrong.append(f"{state['counts']['events']} events at the PMS")
    crowd.wrong += violations(state)
    town.assert_balanced()
    return crowd
