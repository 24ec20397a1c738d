"""What became of cards at a destination, read back: tours, applications, leases, and that somebody was called at all.

The PMS's activity is activity of ours: it moves the stage, keeps the inquiry cycle open and closes the first task.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select, update

from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.logs import logger
from leadsvc.pipeline.stages import write_outcome
from leadsvc.store import Store
from leadsvc.store.tables import destinations, guest_cards, remote_refs
from leadsvc.workers.deliver import Deliverer
from leadsvc.workers.destinations.base import Outcome, OutcomeKind, RemoteOutcome
from leadsvc.workers.results import pause

log = logger("outcomes")

_BACK = timedelta(days=30)
"""How far the first reading of an account goes back."""

_PAGES = 20
"""At most so many pages at once; the rest is read next time."""


class OutcomeReader:
    """Reads each account once in ``settings.outcomes_s``, whatever the number of processes."""

    def __init__(self, store: Store, settings: Settings, deliverer: Deliverer, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.settings = settings
        self.deliverer = deliverer
        self.clock = clock
        self.every = timedelta(seconds=settings.outcomes_s)

    def round(self) -> int:
        """Read every account that is due; returns how many outcomes were new to us."""
        return sum(self._read(name) for name in self._due())

    def _due(self) -> list[str]:
        now = self.clock()
        well = (destinations.c.state == "active") & (
            destinations.c.open_until.is_(None) | (destinations.c.open_until <= now)
        )
        due = destinations.c.outcomes_at.is_(None) | (destinations.c.outcomes_at <= now - self.every)
        with self.store.read() as connection:
            names = connection.execute(select(destinations.c.name).where(well, due)).scalars().all()
        return [name for name in names if name in self.settings.accounts]

    def _read(self, name: str) -> int:
        cursor = self._claim(name)
        if cursor is None:
            return 0
        new = 0
        for _ in range(_PAGES):
            result, page = self.deliverer.destination(name).pull_outcomes(self.clock() - _BACK, cursor)
            if not result.ok:
                log.warning("outcomes_not_read", destination=name, code=result.code or result.outcome.value)
                if result.outcome is Outcome.AUTH:
                    with self.store.write(Commit.OUTCOMES) as connection:
                        pause(connection, name, result.message, self.clock())
                break
            if page.cursor != cursor or page.items:
                with self.store.write(Commit.OUTCOMES) as connection:
                    new += take(connection, name, page.items, self.clock())
                    read = update(destinations).where(destinations.c.name == name).values(outcomes_cursor=page.cursor)
                    connection.execute(read)
                cursor = page.cursor
            if not page.more:
                break
        return new

    def _claim(self, name: str) -> str | None:
        """Where to go on, for the one process that reads now."""
        now = self.clock()
        due = destinations.c.outcomes_at.is_(None) | (destinations.c.outcomes_at <= now - self.every)
        mine = update(destinations).where(destinations.c.name == name, due).values(outcomes_at=now)
        with self.store.write(Commit.OUTCOMES) as connection:
            cursor: str | None = connection.execute(mine.returning(destinations.c.outcomes_cursor)).scalar()
        return cursor


def take(connection: Connection, destination: str, items: Sequence[RemoteOutcome], now: datetime) -> int:
    """Write down what happened to cards of ours; what is known already changes nothing. Returns how many were written.

    A word of the vendor that no table knows, and what happened before the card's first inquiry (to an earlier cycle),
    is passed over.
    """
    cards = _cards(connection, destination, items)
    written = 0
    for item in items:
        found = cards.get(item.card_id)
        if found is None or item.kind is OutcomeKind.OTHER or item.at < found[1]:
            continue
        said = partial(write_outcome, origin=destination, detail=item.reason, actor=destination, now=now)
        written += said(connection, found[0], item.kind.value, item.at)
    return written


def _cards(
    connection: Connection, destination: str, items: Iterable[RemoteOutcome]
) -> dict[str, tuple[uuid.UUID, datetime]]:
    """Remote card -> the guest card (the root one) that it is, and when that was opened."""
    root = guest_cards.alias("root")
    statement = (
        select(remote_refs.c.remote_id, root.c.id, root.c.opened_at)
        .join(guest_cards, guest_cards.c.id == remote_refs.c.entity_id)
        .join(root, root.c.id == guest_cards.c.root_id)
        .where(
            remote_refs.c.destination == destination,
            remote_refs.c.kind == "card",
            remote_refs.c.remote_id.in_({each.card_id for each in items}),
        )
        .order_by(remote_refs.c.live, remote_refs.c.at.desc())
    )
    return {row.remote_id: (row.id, row.opened_at) for row in connection.execute(statement)}
