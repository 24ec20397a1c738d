"""How far a mailbox is read, by whom, and what it suffers from: one row each, and its exceptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from leadsvc.errors import Conflict
from leadsvc.faults import Commit
from leadsvc.ids import digest_uuid, uuid7
from leadsvc.mailbox.trouble import Trouble
from leadsvc.store import Store
from leadsvc.store.tables import exceptions, mailboxes


@dataclass(frozen=True, slots=True)
class Place:
    """How far a mailbox is read. All UIDs up to ``last_uid`` are done with; ``failing``: tries of those above it that
    could not be taken."""

    uidvalidity: int = 0
    last_uid: int = 0
    failing: Mapping[int, int] | None = None

    def tries(self, uid: int) -> int:
        return (self.failing or {}).get(uid, 0)


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A mail that was put aside."""

    uid: int
    cause: str
    detail: str


class State:
    """The row of one mailbox, for one process. Thread-safe for what a mailbox needs: one thread reads it."""

    def __init__(self, store: Store, clock: Callable[[], datetime], name: str, holder: str, lease_s: float) -> None:
        self.store = store
        self.clock = clock
        self.name = name
        self.holder = holder
        self.lease = timedelta(seconds=lease_s)
        self._mine = (mailboxes.c.name == name) & (mailboxes.c.holder == holder)

    def hold(self) -> Place | None:
        """Take the mailbox, or go on holding it; ``None`` while another process reads it."""
        now = self.clock()
        free = or_(mailboxes.c.holder.in_(("", self.holder)), mailboxes.c.held_until < now)
        take = (
            update(mailboxes)
            .where(mailboxes.c.name == self.name, free)
            .values(holder=self.holder, held_until=now + self.lease)
            .returning(mailboxes.c.uidvalidity, mailboxes.c.last_uid, mailboxes.c.failing)
        )
        with self.store.write(Commit.MAILBOX) as connection:
            row = connection.execute(take).one_or_none() or self._first(connection, now)
        if row is None:
            return None
        return Place(row.uidvalidity, row.last_uid, {int(uid): tries for uid, tries in row.failing.items()})

    def _first(self, connection: Connection, now: datetime) -> Any:
        """Make the row of a mailbox that was never read."""
        if connection.execute(select(mailboxes.c.name).where(mailboxes.c.name == self.name)).first() is not None:
            return None
        row = {"name": self.name, "holder": self.holder, "held_until": now + self.lease}
        return connection.execute(_FIRST.values(**row)).one()

    def let_go(self) -> None:
        """Let another process read it at once."""
        with self.store.write(Commit.MAILBOX) as connection:
            connection.execute(update(mailboxes).where(self._mine).values(holder="", held_until=None))

    def renumbered(self, uidvalidity: int, *, again: bool) -> Place:
        """The server gave the mails new numbers: everything in the folder is looked at anew."""
        values = {"uidvalidity": uidvalidity, "last_uid": 0, "failing": {}}
        self._write(values | ({"resyncs": mailboxes.c.resyncs + 1} if again else {}))
        return Place(uidvalidity, 0, {})

    def advance(self, place: Place, taken: int, poisoned: Sequence[Poisoned] = ()) -> None:
        """Keep how far the mailbox is read. Raises :class:`Conflict` when another process holds it by now."""
        now = self.clock()
        values: dict[str, Any] = {
            "last_uid": place.last_uid,
            "failing": {str(uid): tries for uid, tries in (place.failing or {}).items()},
            "held_until": now + self.lease,
            "taken": mailboxes.c.taken + taken,
            "poisoned": mailboxes.c.poisoned + len(poisoned),
        }
        self._write(values | ({"last_mail_at": now} if taken else {}), poisoned)

    def well(self) -> None:
        """The folder was looked at without trouble."""
        now = self.clock()
        values = {"last_success_at": now, "trouble": "", "detail": "", "failures": 0, "held_until": now + self.lease}
        with self.store.write(Commit.MAILBOX) as connection:
            self._update(connection, values)
            solved = (exceptions.c.subject_id == self._subject) & exceptions.c.resolved_at.is_(None)
            closed = {"resolved_at": now, "resolved_by": "mailbox", "resolution": "the mailbox is read again"}
            connection.execute(update(exceptions).where(solved).values(**closed))

    def ill(self, trouble: Trouble, *, tell: bool) -> None:
        """Count a failure; ``tell`` makes it an exception."""
        values = {"trouble": trouble.cause.value, "detail": trouble.detail, "failures": mailboxes.c.failures + 1}
        with self.store.write(Commit.MAILBOX) as connection:
            self._update(connection, values)
            if tell:
                detail = f"Mailbox {self.name}: {trouble.detail}"
                self._open(connection, "mailbox", self._subject, trouble.cause.value, detail)

    @property
    def _subject(self) -> Any:
        return digest_uuid("mailbox", self.name)

    def _write(self, values: Mapping[str, Any], poisoned: Iterable[Poisoned] = ()) -> None:
        with self.store.write(Commit.MAILBOX) as connection:
            self._update(connection, values)
            for each in poisoned:
                self._open(connection, "poison_mail", uuid7(), each.cause, f"Mailbox {self.name}: {each.detail}")

    def _update(self, connection: Connection, values: Mapping[str, Any]) -> None:
        if not connection.execute(update(mailboxes).where(self._mine).values(**values)).rowcount:
            raise Conflict(f"mailbox {self.name} is read by another process")

    def _open(self, connection: Connection, kind: str, subject: Any, cause: str, detail: str) -> None:
        asked = (exceptions.c.kind == kind) & (exceptions.c.subject_id == subject) & exceptions.c.resolved_at.is_(None)
        told = {"cause": cause, "detail": detail}
        if connection.execute(update(exceptions).where(asked).values(**told)).rowcount:
            return
        row = {"id": uuid7(), "kind": kind, "subject_kind": "mailbox", "subject_id": subject, "opened_at": self.clock()}
        connection.execute(insert(exceptions).values(**row, **told))


_FIRST = insert(mailboxes).returning(mailboxes.c.uidvalidity, mailboxes.c.last_uid, mailboxes.c.failing)
