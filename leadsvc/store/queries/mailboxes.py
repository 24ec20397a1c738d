"""What is known of the mailboxes, for people and probes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from leadsvc.store.tables import mailboxes


@dataclass(frozen=True, slots=True)
class Told:
    """One mailbox. ``trouble`` is a stable word, empty when it is well; ``detail`` says it to a person.
    ``last_success_at``: when its folder was last looked at. ``poisoned``: mails ever put aside."""

    name: str
    trouble: str
    detail: str
    last_success_at: datetime | None
    last_mail_at: datetime | None
    taken: int
    poisoned: int
    resyncs: int
    holder: str


def told(connection: Connection) -> dict[str, Told]:
    """Every mailbox that was ever read, by its name."""
    columns = [mailboxes.c[name] for name in Told.__slots__]
    return {row.name: Told(*row) for row in connection.execute(select(*columns))}
