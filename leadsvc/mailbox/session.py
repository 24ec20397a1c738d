"""One signed-in IMAP connection with one folder open. All it raises is :class:`Trouble`."""

from __future__ import annotations

import contextlib
import imaplib
import re
import select
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from leadsvc.config import Mailbox
from leadsvc.faults import passing
from leadsvc.mailbox.trouble import Cause, Trouble

OPERATIONS = ("imap.select", "imap.fetch", "imap.done", "imap.poison")
"""Where a process may die of the network's or our own doing; the crash tests walk through them."""

_CONNECT_S, _READ_S = 15, 60
_SEARCH_WINDOW = 50_000
_LATER = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)\]|too many|try again|temporar", re.IGNORECASE)
_NEWS = {b"EXISTS", b"RECENT"}
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 4}
_GONE = (OSError, imaplib.IMAP4.error, IMAPClientError, EOFError)


class Session:
    """Made by :func:`sign_in`. ``uidvalidity`` and ``uidnext`` are those of the folder when it was opened."""

    def __init__(self, box: Mailbox, client: IMAPClient, wake: socket.socket | None) -> None:
        self.box = box
        self.uidvalidity = 0
        self.uidnext = 0
        self._messages = 0
        self._client = client
        self._wake = wake
        self._capabilities: frozenset[bytes] = frozenset()
        self._permanent: frozenset[bytes] = frozenset()

    # -- opening and closing --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the folder, and make those that mails are moved to."""
        with _told():
            self._capabilities = frozenset(self._client.capabilities())
        for name in self.targets():
            self._ensure(name)
        self.look()

    def look(self) -> None:
        """Open the folder anew: what came, whether its UIDs are still those of before, whether the server lives."""
        with _told(Cause.FOLDER, f"The folder {self.box.folder} cannot be opened."), _passing("imap.select"):
            opened = self._client.select_folder(self.box.folder)
            self.uidvalidity = int(opened[b"UIDVALIDITY"])
            self.uidnext = int(opened.get(b"UIDNEXT", 0))
            self._messages = int(opened[b"EXISTS"])
            self._permanent = frozenset(opened.get(b"PERMANENTFLAGS", ()))

    def targets(self) -> tuple[str, ...]:
        """The folders that mails are moved to."""
        return (self.box.poison, *((self.box.processed,) if self.box.done == "move" else ()))

    def keeps_keyword(self) -> bool:
        """Whether the server would keep the flag that marks what is done."""
        return self.box.keyword.encode() in self._permanent or b"\\*" in self._permanent

    def can_idle(self) -> bool:
        return b"IDLE" in self._capabilities

    def can_move(self) -> bool:
        """Whether a mail can be moved without touching others that somebody marked as deleted."""
        return bool({b"MOVE", b"UIDPLUS"} & self._capabilities)

    def _ensure(self, name: str) -> None:
        with _told(Cause.FOLDER, f"The folder {name} is missing and cannot be made."):
            if self._client.folder_exists(name):
                return
            with contextlib.suppress(IMAPClientError, imaplib.IMAP4.error):
                self._client.create_folder(name)
                self._client.subscribe_folder(name)
            if not self._client.folder_exists(name):  # another process may have been first
                raise Trouble(Cause.FOLDER, f"The folder {name} is missing and cannot be made.")

    def close(self) -> None:
        """Sign out; a connection that is gone is let go."""
        try:
            self._client.logout()
        except _GONE:
            with contextlib.suppress(*_GONE):
                self._client.shutdown()

    # -- reading ----------------------------------------------------------------------------------------------------

    def uids_after(self, uid: int) -> list[int]:
        """UIDs greater than ``uid``, ascending; of a very full folder the first that a look brings to light."""
        with _told():
            if self._messages <= _SEARCH_WINDOW:
                return self._search(uid)
            # One answer stands on one line, and lines have a limit.
            for first in range(1, self._messages + 1, _SEARCH_WINDOW):
                window = f"{first}:{min(first + _SEARCH_WINDOW - 1, self._messages)}"
                if found := self._search(uid, window):
                    return found
            return []

    def _search(self, uid: int, *window: str) -> list[int]:
        found = self._client.search([*window, "UID", f"{uid + 1}:*"])
        return sorted(each for each in found if each > uid)  # "n:*" names the last mail even when it is older

    def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        """Bytes of each mail that is still there."""
        with _told():
            return {uid: int(each[b"RFC822.SIZE"]) for uid, each in self._fetch(uids, "RFC822.SIZE").items()}

    def bodies(self, uids: Sequence[int]) -> Mapping[int, bytes]:
        """The mails that are still there, byte for byte; none is marked as read. A server may answer with nothing for
        one that somebody moves away at this moment: that is no mail."""
        with _told(), _passing("imap.fetch"):
            fetched = self._fetch(uids, "BODY.PEEK[]")
        return {uid: bytes(each[b"BODY[]"]) for uid, each in fetched.items() if each.get(b"BODY[]")}

    def _fetch(self, uids: Sequence[int], what: str) -> Mapping[int, Any]:
        wanted = set(uids)
        fetched = self._client.fetch(list(uids), [what]) if wanted else {}
        return {uid: each for uid, each in fetched.items() if uid in wanted}

    # -- writing ----------------------------------------------------------------------------------------------------

    def done(self, uids: Sequence[int]) -> None:
        """Move or flag what is recorded, as configured."""
        if not uids:
            return
        with _told(Cause.FOLDER, "Mails that are done cannot be moved or flagged."), _passing("imap.done"):
            if self.box.done == "move":
                self._move(uids, self.box.processed)
            else:
                self._client.add_flags(list(uids), [self.box.keyword.encode()], silent=True)

    def poison(self, uid: int) -> None:
        """Put a mail aside that cannot be taken."""
        with _told(Cause.FOLDER, "A mail cannot be moved to the poison folder."), _passing("imap.poison"):
            self._move([uid], self.box.poison)

    def _move(self, uids: Sequence[int], folder: str) -> None:
        if b"MOVE" in self._capabilities:
            self._client.move(list(uids), folder)
            return
        self._client.copy(list(uids), folder)
        self._client.delete_messages(list(uids), silent=True)
        if b"UIDPLUS" in self._capabilities:
            self._client.uid_expunge(list(uids))
        # Without UIDPLUS, EXPUNGE would also remove what a person has marked: the marks stay, mail programs hide them.

    # -- waiting ----------------------------------------------------------------------------------------------------

    def idle(self, seconds: float, every: float, beat: Callable[[], bool]) -> bool:
        """Wait in IDLE until the server has news (``True``), ``seconds`` are over, or somebody wakes us. ``beat`` is
        called each ``every`` seconds; ``False`` from it ends the waiting too."""
        if self._told_meanwhile():
            return True
        with _told():
            self._client.idle()
            ready = self._client.socket() if self._buffered() else self._readable(min(every, seconds))
            while ready is None and (seconds := seconds - every) > 0 and beat():
                ready = self._readable(min(every, seconds))
            news = self._client.idle_check(timeout=0) if ready is self._client.socket() else []
            _, rest = self._client.idle_done()
        return any(len(each) > 1 and each[1] in _NEWS for each in (*news, *rest))

    def _told_meanwhile(self) -> bool:
        """Whether news came beside the answer to another command; the library keeps them, and nobody is told again.
        Opening the folder leaves one count of its mails there."""
        return len(self._client._imap.untagged_responses.get("EXISTS", ())) > 1

    def _buffered(self) -> bool:
        """Whether news came together with the server's consent to IDLE: they have been read off the socket already,
        where no waiting for it would notice."""
        line = self._client.socket()
        before = line.gettimeout()
        line.settimeout(0)
        try:
            return bool(self._client._imap.file.peek(1))
        except OSError:
            return False  # nothing there, said in the words of TLS
        finally:
            line.settimeout(before)

    def _readable(self, seconds: float) -> socket.socket | None:
        watched = {each.fileno(): each for each in (self._client.socket(), self._wake) if each is not None}
        poller = select.poll()
        for number in watched:
            poller.register(number, select.POLLIN)
        ready = [watched[number] for number, _ in poller.poll(max(0, seconds) * 1000)]
        return self._wake if self._wake in ready else ready[0] if ready else None


def sign_in(box: Mailbox, secret: str, wake: socket.socket | None = None) -> Session:
    """A session that is signed in. ``wake``: a socket that ends waiting when something can be read from it."""
    with _told(what=f"{box.host}:{box.port} does not answer as an IMAP server."):
        client = IMAPClient(
            box.host,
            box.port,
            ssl=box.tls == "tls",
            ssl_context=_context(box) if box.tls == "tls" else None,
            timeout=SocketTimeout(connect=_CONNECT_S, read=_READ_S),
        )
    session = Session(box, client, wake)
    try:
        with _told(what=f"{box.host}:{box.port} cannot be spoken to in private."):
            _keep_alive(client.socket())
            if box.tls == "starttls":
                client.starttls(_context(box))
        _log_in(client, box, secret)
    except Trouble:
        session.close()
        raise
    return session


def _log_in(client: IMAPClient, box: Mailbox, secret: str) -> None:
    try:
        if box.oauth:
            client.oauth2_login(box.user, secret)
        else:
            client.login(box.user, secret)
    except (LoginError, CapabilityError, imaplib.IMAP4.error, UnicodeError) as error:
        if isinstance(error, imaplib.IMAP4.abort) or _LATER.search(str(error)):
            raise Trouble(Cause.UNREACHABLE, "The server takes no sign-in at the moment.") from error
        raise Trouble(Cause.REFUSED, f"The server refuses the {'token' if box.oauth else 'password'}.") from error
    except OSError as error:
        raise Trouble(Cause.UNREACHABLE, "The connection broke during sign-in.") from error


def _context(box: Mailbox) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=box.ca_file or None)


def _keep_alive(line: socket.socket) -> None:
    """A server that vanished must be noticed while nothing is said, as in IDLE."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@contextlib.contextmanager
def _passing(operation: str) -> Iterator[None]:
    passing(operation, "before")
    yield
    passing(operation, "after")


@contextlib.contextmanager
def _told(refused: Cause = Cause.UNREACHABLE, what: str = "The connection broke.") -> Iterator[None]:
    """What the library raises, as :class:`Trouble`: ``refused`` when the server said no, else it is unreachable."""
    try:
        yield
    except imaplib.IMAP4.abort as error:
        raise Trouble(Cause.UNREACHABLE, what if refused is Cause.UNREACHABLE else "The connection broke.") from error
    except (IMAPClientError, imaplib.IMAP4.error, KeyError) as error:
        raise Trouble(refused, what) from error
    except (OSError, EOFError) as error:
        reason = f" ({type(error).__name__})" if sys.exc_info()[0] is not OSError else ""
        first = what if refused is Cause.UNREACHABLE else "The connection broke."
        raise Trouble(Cause.UNREACHABLE, f"{first[:-1]}{reason}.") from error
