"""Fetches what receipts only name: leads of Facebook, certificates and subscriptions of SNS.

Two commits frame every call, as with deliveries: the lease before it; after it what came, as a receipt of its own, or
why nothing did. A process that dies in between leaves a lease that expires. A fetched lead is one receipt however often
it is asked for: its delivery key is its id.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509

from leadsvc.config import Feed, Settings
from leadsvc.errors import Conflict, LeadsvcError
from leadsvc.faults import Commit
from leadsvc.logs import logger, places
from leadsvc.model import Channel, Delivered
from leadsvc.parsers import json_body
from leadsvc.pipeline.intake import Intake
from leadsvc.receive import record_row, stored
from leadsvc.store import Store
from leadsvc.store.queries import fetches
from leadsvc.store.queries.fetches import Wanted
from leadsvc.store.tables import receipts
from leadsvc.workers.deliver import around
from leadsvc.workers.destinations.base import Profile
from leadsvc.workers.destinations.http import Answer, Door
from leadsvc.workers.graph import HINTS, Found, judge

log = logger("fetch")

OPERATIONS = ("get_lead", "get_certificate", "confirm_subscription")
_BATCH = 16
_PAUSES_S = (5, 30, 120, 600, 1800, 3600, 10_800)
_TELL_AFTER = 3
_GIVE_UP_AFTER = 6
_HINDERED = timedelta(minutes=5)
_KEPT_BY_FACEBOOK = timedelta(days=90)
_IDLE_S = 5.0
_SOON_S = 0.5
_MAX_CERTIFICATE = 20_000
_SNS = re.compile(r"arn:(aws[a-z-]*):sns:([a-z0-9-]+):\d{12}:[\w.-]+")
_WORD = re.compile(r"[\w.=-]{1,2000}")


class Fetcher:
    """Asks for what is due, feed by feed. One per process; any number of processes."""

    def __init__(self, store: Store, settings: Settings, intake: Intake, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.settings = settings
        self.intake = intake
        self.clock = clock
        self.lease = timedelta(seconds=settings.lease_s)
        self._doors: dict[str, Door] = {}
        self._asked: defaultdict[str, deque[float]] = defaultdict(deque)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # -- its own thread: a vendor that hangs must not keep deliveries waiting ---------------------------------------

    def start(self) -> None:
        """Run in a thread of this process, when any feed has something to fetch."""
        if self._feeds():
            self._thread = threading.Thread(target=self._run, name="fetches", daemon=True)
            self._thread.start()

    def nudge(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Finish what is being asked for, then return."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        for door in self._doors.values():
            door.close()
        self._doors.clear()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self.round()
                pause = self._until_due()
            except LeadsvcError as error:  # the store is away; what is due stays due
                log.warning("fetch_round_failed", **places(error))
                pause = _IDLE_S
            self._wake.wait(pause)

    def _until_due(self) -> float:
        with self.store.read() as connection:
            due = fetches.next_due(connection)
        left = (due - self.clock()).total_seconds() if due else _IDLE_S
        return min(max(left, _SOON_S), _IDLE_S)

    # -- one round ------------------------------------------------------------------------------------------------

    def round(self) -> int:
        """Ask for everything that is due; returns for how many things."""
        return sum(self._feed(feed) for feed in self._feeds())

    def _feeds(self) -> list[Feed]:
        return [feed for feed in self.settings.feeds.values() if feed.fetch or (feed.verify and feed.verify.topics)]

    def _feed(self, feed: Feed) -> int:
        asked = 0
        while not self._stop.is_set() and (room := self._room(feed)):
            with self.store.write(Commit.CLAIM) as connection:
                taken = fetches.take(connection, [feed.name], self.clock(), min(room, _BATCH), self.lease)
            if not taken:
                break
            for number, wanted in enumerate(taken, 1):
                asked += 1
                if not self._one(feed, wanted):
                    self._give_back(taken[number:])
                    return asked
        return asked

    def _room(self, feed: Feed) -> int:
        """How many more calls a feed may make within a minute."""
        if feed.fetch is None:
            return _BATCH
        asked, now = self._asked[feed.name], time.monotonic()
        while asked and now - asked[0] > 60:
            asked.popleft()
        return feed.fetch.per_minute - len(asked)

    def _give_back(self, taken: list[Wanted]) -> None:
        if taken:
            with self.store.write(Commit.FETCH) as connection:
                fetches.release(connection, taken)

    def _one(self, feed: Feed, wanted: Wanted) -> bool:
        """Ask for one thing; ``False`` when its feed had better wait."""
        self._asked[feed.name].append(time.monotonic())
        match wanted.kind:
            case "facebook_lead":
                return self._lead(feed, wanted)
            case "sns_certificate":
                return self._certificate(feed, wanted)
            case _:
                return self._subscription(feed, wanted)

    # -- Facebook ---------------------------------------------------------------------------------------------------

    def _lead(self, feed: Feed, wanted: Wanted) -> bool:
        if feed.fetch is None:
            return self._failed(wanted, "unset", "The feed has no fetch.token any more; configure it, then restart.")
        try:
            token = feed.fetch.current()
        except OSError as error:
            return self._hindered(wanted, Found.TOKEN, f"file/{error.errno}")
        headers, params = {"Authorization": f"Bearer {token}"}, {"fields": ",".join(feed.fetch.fields)}
        door = self._door(feed, feed.fetch.base_url)
        answer = door.call("get_lead", "GET", f"/{wanted.ref}", headers=headers, params=params)
        judged = judge(wanted.ref, answer.status, answer.headers, answer.body)
        log.info("fetched", feed=feed.name, fetch=str(wanted.id), found=judged.found.value, code=judged.code)
        match judged.found:
            case Found.LEAD:
                self._take_in(feed, wanted, answer)
                return True
            case Found.TOKEN | Found.PERMISSION:
                return self._hindered(wanted, judged.found, judged.code)
            case Found.BUSY:
                self._wait(wanted, timedelta(seconds=max(judged.wait_s, _PAUSES_S[1])), Found.BUSY)
                return False
            case Found.UNREACHABLE:
                return self._unreachable(wanted, judged.wait_s)
        if wanted.failures + 1 >= _GIVE_UP_AFTER or self.clock() - wanted.created_at > _KEPT_BY_FACEBOOK:
            self._give_up(wanted, judged.found.value, HINTS[judged.found])
        else:
            self._again(wanted, judged.found.value, HINTS[judged.found])
        return True

    def _take_in(self, feed: Feed, wanted: Wanted, answer: Answer) -> None:
        """The bytes as they came are a receipt; its intake follows, and the sweep does it should we die here."""
        now = self.clock()
        kind = {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "application/json")
        delivered = Delivered(answer.body or b"", kind, Channel.HTTP, now, map_hint=feed.map or None)
        receipt = stored(delivered, feed)
        row = record_row(receipt, delivered, f"fetched:{feed.name}", f"{wanted.kind}:{wanted.ref}")
        try:
            with self.store.write(Commit.FETCH) as connection:
                if not fetches.done(connection, wanted, now, found_id=receipt.id):
                    return
                connection.execute(receipts.insert().values(**row))
                fetches.solved(connection, fetches.feed_trouble(feed.name), "leads are fetched again", "worker", now)
                fetches.solved(connection, wanted.id, "it was fetched", "worker", now)
                fetches.hasten(connection, feed.name, now)
        except Conflict:
            return  # another process was first; its receipt is the lead's
        try:
            self.intake.process(receipt.id)
        except LeadsvcError as error:
            log.warning("receipt_left_to_sweep", receipt=str(receipt.id), reason=type(error).__name__)

    # -- SNS --------------------------------------------------------------------------------------------------------

    def _certificate(self, feed: Feed, wanted: Wanted) -> bool:
        host, _, path = wanted.ref.removeprefix("https://").partition("/")
        answer = self._sns(feed, host).call("get_certificate", "GET", f"/{path}")
        text = (answer.body or b"")[:_MAX_CERTIFICATE].decode("ascii", "replace")
        if answer.status != 200 or not _is_certificate(text):
            detail = "AWS does not hand out the certificate of a topic; put it into the folder of verify.certificates."
            return self._failed(wanted, "certificate", detail)
        return self._came(wanted, content=text)

    def _subscription(self, feed: Feed, wanted: Wanted) -> bool:
        """Confirm with the topic's own region and the message's token; the address in the message is not opened."""
        topic = _SNS.fullmatch(wanted.ref)
        token = self._token(wanted)
        if topic is None or not token or feed.verify is None or wanted.ref not in feed.verify.topics:
            self._give_up(
                wanted, "topic", "Its topic is not among verify.topics of the feed; add it, then confirm again."
            )
            return True
        host = f"sns.{topic[2]}.amazonaws.com" + (".cn" if topic[1] == "aws-cn" else "")
        params = {"Action": "ConfirmSubscription", "TopicArn": wanted.ref, "Token": token}
        answer = self._sns(feed, host).call("confirm_subscription", "GET", "/", params=params)
        if answer.status != 200:
            detail = "AWS does not accept the confirmation; let SNS ask again (its page: Request confirmation)."
            return self._failed(wanted, "subscription", detail)
        if wanted.receipt_id is not None:
            with self.store.write(Commit.FETCH) as connection:
                fetches.solved(connection, wanted.receipt_id, "the subscription was confirmed", "worker", self.clock())
        return self._came(wanted)

    def _token(self, wanted: Wanted) -> str:
        if wanted.receipt_id is None:
            return ""
        root = json_body.load(self.intake.load(wanted.receipt_id).body)
        token = root.get("Token") if isinstance(root, dict) else ""
        return token if isinstance(token, str) and _WORD.fullmatch(token) else ""

    # -- what came of it --------------------------------------------------------------------------------------------

    def _came(self, wanted: Wanted, **values: object) -> bool:
        with self.store.write(Commit.FETCH) as connection:
            fetches.done(connection, wanted, self.clock(), **values)
            fetches.solved(connection, wanted.id, "it came", "worker", self.clock())
        return True

    def _hindered(self, wanted: Wanted, found: Found, code: str) -> bool:
        """What hinders this one hinders all of the feed: tell once, try one again in a while."""
        self._wait(wanted, _HINDERED, found, f"{HINTS[found]} (answer {code})")
        return False

    def _unreachable(self, wanted: Wanted, wait_s: float) -> bool:
        tell = f"{HINTS[Found.UNREACHABLE]}" if wanted.failures + 1 >= _TELL_AFTER else ""
        pause = max(_PAUSES_S[min(wanted.failures, len(_PAUSES_S) - 1)], wait_s)
        self._wait(wanted, timedelta(seconds=pause), Found.UNREACHABLE, tell, failed=True)
        return False

    def _wait(self, wanted: Wanted, pause: timedelta, found: Found, tell: str = "", *, failed: bool = False) -> None:
        now, detail = self.clock(), HINTS[found]
        with self.store.write(Commit.FETCH) as connection:
            fetches.later(connection, wanted, now + pause, found.value, detail, failed=failed)
            fetches.put_off(connection, wanted.feed, now + pause, found.value, detail)
            if tell:
                subject = fetches.feed_trouble(wanted.feed)
                fetches.trouble(connection, "feed", subject, f"fetch_{found.value}", f"Feed {wanted.feed}: {tell}", now)

    def _failed(self, wanted: Wanted, cause: str, detail: str) -> bool:
        if wanted.failures + 1 >= _GIVE_UP_AFTER:
            self._give_up(wanted, cause, detail)
        else:
            self._again(wanted, cause, detail)
        return True

    def _again(self, wanted: Wanted, cause: str, detail: str) -> None:
        pause = timedelta(seconds=_PAUSES_S[min(wanted.failures, len(_PAUSES_S) - 1)])
        with self.store.write(Commit.FETCH) as connection:
            fetches.later(connection, wanted, self.clock() + pause, cause, detail, failed=True)

    def _give_up(self, wanted: Wanted, cause: str, detail: str) -> None:
        now = self.clock()
        told = f"Feed {wanted.feed}: {detail}"
        with self.store.write(Commit.FETCH) as connection:
            fetches.done(connection, wanted, now, state="gone", cause=cause, detail=detail)
            fetches.trouble(connection, "fetch", wanted.id, f"fetch_{cause}", told, now)

    # -- the network ------------------------------------------------------------------------------------------------

    def _sns(self, feed: Feed, host: str) -> Door:
        instead = feed.verify.endpoint_url if feed.verify else ""
        return self._door(feed, instead or f"https://{host}")

    def _door(self, feed: Feed, base_url: str) -> Door:
        if base_url not in self._doors:
            timeout = feed.fetch.timeout_s if feed.fetch else 10.0
            made = Profile(name=feed.name, vendor=feed.provider, base_url=base_url, timeout_s=timeout)
            self._doors[base_url] = Door(made, around)
        return self._doors[base_url]


def _is_certificate(text: str) -> bool:
    try:
        x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        return False
    return True
