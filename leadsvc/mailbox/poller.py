"""Reads one mailbox for as long as it is wanted: what waits first, then whatever comes, pushed or asked for.

A mail is recorded before anything is done to it on the server, under a key made of its bytes. So whatever dies in
between, however often it is fetched, by however many processes, and whatever numbers the server gives it: one receipt.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leadsvc.config import Feed, Mailbox
from leadsvc.errors import LeadsvcError
from leadsvc.ids import bytes_key
from leadsvc.logs import logger, places
from leadsvc.mailbox.secret import look_up, renewed
from leadsvc.mailbox.session import Session, sign_in
from leadsvc.mailbox.state import Place, Poisoned, State
from leadsvc.mailbox.trouble import Cause, Trouble
from leadsvc.model import Channel, Delivered
from leadsvc.services import Services

log = logger("mailbox")

TRIES = 3
"""How often a mail is tried that cannot be taken, before it is put aside."""

_GROUP_BYTES = 8_000_000
_TELL_AFTER = 3
_GLANCE_S = 2.0
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Pace:
    """Pauses in seconds. ``first`` doubles up to ``most``; a server that refused a sign-in is asked less often, because
    accounts get locked. ``lease``: after so long without a sign of life another process takes the mailbox over."""

    first: float = 1.0
    most: float = 300.0
    refused: float = 30.0
    lease: float = 60.0
    again: float = 2.0


class Poller:
    """One mailbox in one thread. :meth:`stop` may be called from any other."""

    def __init__(self, services: Services, box: Mailbox, holder: str, pace: Pace) -> None:
        self.box = box
        self.pace = pace
        self.taken = 0
        self._clock: Callable[[], datetime] = services.clock
        self._receiver = services.receiver
        self._feed = services.settings.feeds.get(box.feed) or Feed(name=box.feed)
        self._state = State(services.store, services.clock, box.name, holder, pace.lease)
        self._stopped = threading.Event()
        self._ring, self._wake = socket.socketpair()
        self._failures = 0
        self._secret = ""

    # -- from outside -----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End soon; the mail in hand is finished."""
        self._stopped.set()
        self._ring.send(b".")

    def close(self) -> None:
        """Let go of what :meth:`stop` needs; after the thread has ended."""
        self._ring.close()
        self._wake.close()

    def run(self) -> None:
        """Read until stopped, whatever happens on the way."""
        while not self._stopped.is_set():
            try:
                self._stopped.wait(self._round())
            except Trouble as trouble:
                self._rest(trouble)
            except LeadsvcError as error:
                # The database is away, or another process was faster: neither is this mailbox's fault.
                log.warning("mailbox_waits", mailbox=self.box.name, reason=type(error).__name__)
                self._stopped.wait(self._pause(self.pace.first))
            except Exception as error:  # noqa: BLE001  # one of the outermost loops: a mailbox outlives anything
                log.error("mailbox_round_failed", mailbox=self.box.name, **places(error))
                self._stopped.wait(self._pause(self.pace.first))
        self._leave()

    def once(self) -> bool:
        """Take what waits now and return; ``False`` when another process reads the mailbox. Raises :class:`Trouble`."""
        place = self._state.hold()
        if place is None:
            return False
        try:
            session = self._connected()
            try:
                place = self._from_the_start(session, place)
                while self._catch_up(session, place).failing and not self._stopped.is_set():
                    place = self._state.hold() or place
            finally:
                session.close()
            self._state.well()
        except Trouble as trouble:
            self._state.ill(trouble, tell=True)
            raise
        finally:
            self._state.let_go()
        return True

    # -- one connection ---------------------------------------------------------------------------------------------

    def _round(self) -> float:
        """Hold the mailbox, connect, read until something ends it; returns how long to wait before the next."""
        place = self._state.hold()
        if place is None:
            return self.pace.lease / 3
        session = self._connected()
        try:
            place = self._from_the_start(session, place)
            glanced = False
            while not self._stopped.is_set():
                place = self._catch_up(session, place)
                self._state.well()
                self._failures = 0
                news = self._wait(session, self.pace.again if place.failing else self._stretch(session, glanced))
                glanced = not news
                held = self._state.hold()
                if held is None:
                    return self.pace.lease / 3
                place = held
                session.look()
        finally:
            session.close()
        return 0.0

    def _connected(self) -> Session:
        """Signed in, the folder open."""
        self._secret = look_up(self.box)
        session = sign_in(self.box, self._secret, self._wake)
        try:
            session.open()
        except Trouble:
            session.close()
            raise
        return session

    def _stretch(self, session: Session, glanced: bool) -> float:
        """How long to wait for news. A mail that comes between a look and IDLE may be told of before IDLE is listened
        to, so the first stretch after any news is short and followed by a look."""
        if not session.can_idle():
            return self.box.poll_s
        return self.box.idle_s if glanced else _GLANCE_S

    def _wait(self, session: Session, seconds: float) -> bool:
        """Wait, in pieces that keep the lease; ``True`` when the server has news."""
        if not session.can_idle():
            self._stopped.wait(seconds)
            return False
        return session.idle(seconds, every=self.pace.lease / 3, beat=self._beat)

    def _beat(self) -> bool:
        """Go on holding the mailbox while nothing happens."""
        return not self._stopped.is_set() and self._state.hold() is not None

    # -- mails --------------------------------------------------------------------------------------------------------

    def _from_the_start(self, session: Session, place: Place) -> Place:
        """Where mails are moved away, whatever lies in the folder is not done, by whatever number: a server that once
        kept silent about a mail, or a person who put one back, is made up for at each connection."""
        return replace(place, last_uid=0) if self.box.done == "move" and session.can_move() else place

    def _catch_up(self, session: Session, place: Place) -> Place:
        """Take everything above ``place``, group by group; returns how far the mailbox is read then."""
        if session.uidvalidity != place.uidvalidity or 0 < session.uidnext <= place.last_uid:
            again = bool(place.uidvalidity)
            log.info("mailbox_renumbered", mailbox=self.box.name, again=again)
            place = self._state.renumbered(session.uidvalidity, again=again)
        tried: set[int] = set()
        while not self._stopped.is_set():
            uids = [uid for uid in session.uids_after(place.last_uid) if uid not in tried]
            if not uids:
                break
            for at in range(0, len(uids), self.box.batch):
                if self._stopped.is_set():
                    break
                place = self._take(session, place, uids[at : at + self.box.batch])
            tried |= set(uids)
        return place

    def _take(self, session: Session, place: Place, uids: list[int]) -> Place:
        """Record a batch, then let the server know."""
        sizes = session.sizes(uids)
        poisoned = [self._oversize(uid) for uid in uids if sizes.get(uid, 0) > self.box.max_bytes]
        failing = {uid: tries for uid, tries in (place.failing or {}).items() if uid not in uids}
        taken = 0
        aside = {each.uid for each in poisoned}
        for group in _groups([uid for uid in uids if uid in sizes and uid not in aside], sizes):
            recorded = []
            bodies = session.bodies(group)
            for uid in group:
                if uid in bodies and self._record(session, uid, bodies[uid]):
                    recorded.append(uid)
                    continue
                failing[uid] = place.tries(uid) + 1
                if failing[uid] >= TRIES:
                    del failing[uid]
                    poisoned.append(self._untakable(uid))
            session.done(recorded)
            taken += len(recorded)
        for each in poisoned:
            session.poison(each.uid)
        # A failing mail must be found again, so nothing above it counts as done; what is, has its receipt.
        last = min([*failing, max(uids) + 1]) - 1
        place = Place(place.uidvalidity, max(place.last_uid, last), failing)
        self._state.advance(place, taken, poisoned)
        self.taken += taken
        return place

    def _record(self, session: Session, uid: int, body: bytes) -> bool:
        """Whether the mail is on our disk now."""
        headers = {":mailbox": self.box.name, ":uid": f"{session.uidvalidity}/{uid}"}
        delivered = Delivered(body, "message/rfc822", Channel.EMAIL, self._clock(), headers)
        key = bytes_key(body)
        try:
            self._receiver.receive(
                delivered, feed=self._feed, authenticated=f"mailbox {self.box.name}", delivery_key=key
            )
        except LeadsvcError:
            raise  # the database is away: no mail's fault
        except Exception as error:  # noqa: BLE001  # whatever a mail does to us, those behind it must get through
            log.error("mail_not_taken", mailbox=self.box.name, uid=uid, **places(error))
            return False
        return True

    def _oversize(self, uid: int) -> Poisoned:
        limit = f"{self.box.max_bytes / 1_000_000:g} MB"
        detail = (
            f"Mail {uid} is larger than {limit} and lies unread in {self.box.poison}. Raise max_bytes and move it back "
            f"to {self.box.folder}, or read it there."
        )
        return Poisoned(uid, "too_large", detail)

    def _untakable(self, uid: int) -> Poisoned:
        detail = (
            f"Mail {uid} could not be taken {TRIES} times and lies in {self.box.poison}; the log names the error as "
            f"mail_not_taken. Move it back to {self.box.folder} to try again."
        )
        return Poisoned(uid, "not_taken", detail)

    # -- trouble ------------------------------------------------------------------------------------------------------

    def _rest(self, trouble: Trouble) -> None:
        """Note the trouble and wait, longer each time; a renewed secret ends the waiting."""
        self._failures += 1
        # A server that restarts is no news; a refused password is, at once.
        tell = trouble.cause is not Cause.UNREACHABLE or self._failures >= _TELL_AFTER
        log.warning("mailbox_trouble", mailbox=self.box.name, cause=trouble.cause.value, failures=self._failures)
        try:
            self._state.ill(trouble, tell=tell)
        except LeadsvcError as error:
            log.warning("mailbox_waits", mailbox=self.box.name, reason=type(error).__name__)
        left = self._pause(self.pace.refused if trouble.cause is Cause.REFUSED else self.pace.first)
        while left > 0 and not self._stopped.wait(min(left, self.pace.first)):
            left -= self.pace.first
            if trouble.cause is Cause.REFUSED and renewed(self.box, self._secret):
                return

    def _pause(self, first: float) -> float:
        pause: float = min(self.pace.most, first * 2 ** min(max(self._failures - 1, 0), 16))
        return max(first, pause) * (1 + random.uniform(-_JITTER, _JITTER))  # noqa: S311  # spreads a crowd

    def _leave(self) -> None:
        try:
            self._state.let_go()
        except LeadsvcError:
            log.warning("mailbox_not_released", mailbox=self.box.name)  # its lease runs out by itself


def _groups(uids: list[int], sizes: Mapping[int, int]) -> Iterator[list[int]]:
    """Neighbours that are fetched together without filling the memory."""
    group: list[int] = []
    weight = 0
    for uid in uids:
        if group and weight + sizes[uid] > _GROUP_BYTES:
            yield group
            group, weight = [], 0
        group.append(uid)
        weight += sizes[uid]
    if group:
        yield group
