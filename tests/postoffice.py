"""Mailboxes for tests: a mail server, leadsvc beside it, and mails of which each is another renter's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import func, select

from leadsvc.app import build_services, now, prepare
from leadsvc.config import Mailbox, MailTrust, Settings
from leadsvc.mailbox.keeper import Keeper
from leadsvc.mailbox.poller import Pace
from leadsvc.reports.books import balance
from leadsvc.services import Services
from leadsvc.store.queries.mailboxes import Told, told
from leadsvc.store.tables import exceptions, inquiries, receipts
from tests.imapserver import PASSWORD, Imap
from tests.processes import eventually

QUICK = Pace(first=0.05, most=0.4, refused=0.2, lease=5.0, again=0.05)
SENDER = "Zillow Group Rentals <rentalclientservices@zillowrentals.com>"
_FIRST = ("Ana", "Bo", "Cleo", "Dana", "Elif", "Faye", "Gus", "Hana", "Ines", "Jude")
_LAST = ("Abara", "Berg", "Castro", "Dietz", "Egan", "Fonseca", "Gruber", "Hale", "Ito", "Jansen", "Kowal", "Lund")


def lead(number: int, *, padding: int = 0, head: str = "", sender: str = SENDER) -> bytes:
    """Zillow's mail about renter ``number``; ``padding`` bytes of attachment make it large."""
    name = f"{_FIRST[number % 10]} {_LAST[number // 10 % 12]}-{_FIRST[number // 120 % 10]}"
    text = (
        f'Zillow Rentals Inquiry\n\nNew Contact\n\n{name} says:\n\n"May I see it? Question {number}"\n\n'
        f"renter{number}@example.com\n253.555.{100 + number % 100:04d}\n\nYour listing\nFOR RENT\n$1,620\n"
        "1 bedroom, 1 bathroom\n88 Bayview Ter #6, Tacoma, WA\nSee all listing details\n"
    )
    top = (
        f"{head}Date: Wed, 04 Feb 2026 09:00:00 -0800\nFrom: {sender}\nReply-To: renter{number}@example.com\n"
        "To: leads+bvt@inbox.example.com\nSubject: New Zillow Group Rentals Contact: 88 Bayview Ter #6\n"
        f"Message-ID: <lead-{number}@zillowrentals.com>\nMIME-Version: 1.0\n"
    )
    if not padding:
        return f"{top}Content-Type: text/plain; charset=UTF-8\n\n{text}".replace("\n", "\r\n").encode()
    filler = "\n".join(["x" * 76] * (padding // 78))
    kind = 'multipart/mixed; boundary="b"'
    inner = f"--b\nContent-Type: text/plain; charset=UTF-8\n\n{text}\n"
    rest = f"--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment\n\n{filler}\n--b--\n"
    return f"{top}Content-Type: {kind}\n\n{inner}{rest}".replace("\n", "\r\n").encode()


@dataclass
class Post:
    """leadsvc with mailboxes at ``imap``, in the test's own process."""

    imap: Imap
    services: Services
    box: Mailbox
    keepers: list[Keeper] = field(default_factory=list)

    def start(self, *boxes: Mailbox, pace: Pace = QUICK) -> Keeper:
        """Read ``boxes`` (the one there is) until :meth:`stop`."""
        keeper = Keeper(self.services, boxes or (self.box,), pace)
        self.keepers.append(keeper)
        keeper.start()
        return keeper

    def stop(self) -> None:
        while self.keepers:
            self.keepers.pop().stop()

    def once(self, box: Mailbox | None = None) -> int:
        """Take what waits; returns how many mails."""
        keeper = Keeper(self.services, (box or self.box,), QUICK)
        [poller] = keeper.pollers
        try:
            assert poller.once()
        finally:
            poller.close()
        return poller.taken

    def count(self, table: Any = receipts, *where: Any) -> int:
        with self.services.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()

    def state(self, name: str = "leads") -> Told:
        with self.services.store.read() as connection:
            return told(connection).get(name) or Told(name, "", "", None, None, 0, 0, 0, "")

    def open_exceptions(self) -> list[tuple[str, str]]:
        with self.services.store.read() as connection:
            ours = exceptions.c.kind.in_(("mailbox", "poison_mail", "quarantined"))
            rows = connection.execute(
                select(exceptions.c.kind, exceptions.c.cause)
                .where(exceptions.c.resolved_at.is_(None), ours)
                .order_by(exceptions.c.opened_at)
            )
            return [(row.kind, row.cause) for row in rows]

    def assert_each_once(self, mails: int) -> None:
        """Nothing lost, nothing twice, and the books balance, once what is in hand is processed."""
        self.until(lambda: not self.count(receipts, receipts.c.state == "pending"), "every mail is processed")
        with self.services.store.read() as connection:
            books = balance(connection)
            columns = (receipts.c.id, receipts.c.state, receipts.c.cause, receipts.c.body_sha256)
            rows = connection.execute(select(*columns).where(receipts.c.state != "processed")).all()
        found = (self.count(receipts), self.count(inquiries), rows)
        assert found == (mails, mails, []), found
        assert books.balance, [entry for entry in books.entries if entry.wrong]

    def until(self, check: Callable[[], object], what: str, seconds: float = 30) -> None:
        eventually(check, what, seconds)


@contextlib.contextmanager
def post(
    url: str,
    var: Path,
    imap: Imap,
    *,
    trust: MailTrust | None = None,
    boxes: Sequence[str] = ("leads",),
    ahead: timedelta = timedelta(),
    **changes: Any,
) -> Iterator[Post]:
    """A migrated leadsvc with mailboxes at ``imap``; ``changes`` are settings of each, ``ahead`` sets its clock."""
    var.mkdir(parents=True, exist_ok=True)
    secret = var / "imap-password"
    secret.write_text(PASSWORD)
    common = {"host": "127.0.0.1", "user": imap.user, "secret": f"file:{secret}", "port": imap.port, "tls": "none"}
    made = {name: Mailbox(name=name, **{**common, **changes}) for name in boxes}
    settings = Settings(var=var, database_url=url, secret_key="test", mailboxes=made, mail_trust=trust or MailTrust())
    prepare(settings)
    services = build_services(settings, lambda: now() + ahead)
    running = Post(imap, services, made[boxes[0]])
    try:
        yield running
    finally:
        running.stop()
        services.store.close()


def configuration(folder: Path, imap: Imap, **changes: Any) -> dict[str, str]:
    """The environment of a leadsvc process with the mailbox ``leads`` at ``imap``."""
    secret = folder / "imap-password"
    secret.write_text(PASSWORD)
    row = {"host": "127.0.0.1", "port": imap.port, "user": imap.user, "password": f"file:{secret}", "tls": "none"}
    with (folder / "leadsvc.yaml").open("w") as file:
        YAML().dump({"mailboxes": {"leads": {**row, **changes}}}, file)
    return {"LEADSVC_CONFIG": str(folder / "leadsvc.yaml"), "LEADSVC_VAR": str(folder / "var")}
