"""Reads an account's configuration over the wire and takes it over: on demand, and when it is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from leadsvc.config import Account
from leadsvc.errors import LeadsvcError
from leadsvc.faults import Commit
from leadsvc.logs import logger
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.sync import Synced, take_over
from leadsvc.services import Services
from leadsvc.store import Store
from leadsvc.store.tables import destinations
from leadsvc.workers.deliver import Deliverer, around
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import ConfigKind, Destination, Outcome, Profile, Result
from leadsvc.workers.results import pause

log = logger("sync")


class NotGiven(LeadsvcError):
    """The account does not give one of its lists; ``result`` is what it answered."""

    def __init__(self, name: str, kind: ConfigKind, result: Result) -> None:
        reason = result.message or result.outcome.value
        super().__init__(
            f"{name} does not give its {kind.value} list: {reason}; run `leadsvc destinations check {name}`"
        )
        self.result = result


def sync(services: Services, profile: Profile, *, believe: bool = False) -> Synced:
    """Pull properties, plans, units, agents and source names. All or nothing; raises :class:`NotGiven`.

    ``believe``: take lists over that lost most of their entries, too.
    """
    account = services.settings.accounts[profile.name]
    destination = connect(profile, around)
    try:
        return _sync(services.store, services.intake, account, destination, services.clock(), believe=believe)
    finally:
        destination.close()


def _sync(
    store: Store, intake: Intake, account: Account, destination: Destination, now: datetime, *, believe: bool = False
) -> Synced:
    config = {kind.value: _pull(destination, kind, account.name) for kind in ConfigKind}
    with store.write(Commit.SYNC) as connection:
        done = take_over(connection, account, config, now, believe=believe)
    intake.forget_portfolio()
    return done


def _pull(destination: Destination, kind: ConfigKind, name: str) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    cursor = ""
    while True:
        result, page = destination.pull_config(kind, cursor)
        if not result.ok:
            raise NotGiven(name, kind, result)
        items += [
            {
                "remote_id": each.remote_id,
                "name": each.name,
                "active": each.active,
                "parent": each.parent,
                "raw": each.raw,
            }
            for each in page.items
        ]
        if not page.next_cursor:
            return items
        cursor = page.next_cursor


class ConfigReader:
    """Reads each account's configuration once in its ``sync_hours``, whatever the number of processes."""

    def __init__(self, intake: Intake, deliverer: Deliverer, clock: Callable[[], datetime]) -> None:
        self.intake = intake
        self.store = intake.store
        self.accounts = intake.settings.accounts
        self.deliverer = deliverer
        self.clock = clock

    def round(self) -> int:
        """Read what is due; returns how many things changed."""
        return sum(self._read(self.accounts[name]) for name in self._due())

    def read_if_due(self, name: str) -> int:
        """Read one account when it is due; returns how many things changed."""
        return self._read(self.accounts[name]) if name in self._due() else 0

    def _due(self) -> list[str]:
        now = self.clock()
        well = (destinations.c.state == "active") & (
            destinations.c.open_until.is_(None) | (destinations.c.open_until <= now)
        )
        statement = select(destinations.c.name, destinations.c.synced_at).where(well)
        with self.store.read() as connection:
            rows = connection.execute(statement).all()
        return [row.name for row in rows if row.name in self.accounts and self._is_due(row.name, row.synced_at, now)]

    def _is_due(self, name: str, synced_at: datetime | None, now: datetime) -> bool:
        account = self.accounts[name]
        if account.quiet_until(now) is not None:
            return False
        return synced_at is None or synced_at <= now - timedelta(hours=account.sync_hours)

    def _read(self, account: Account) -> int:
        now = self.clock()
        # Asked for is noted before it is done: an account that fails is asked again when it is due, not at once.
        late = destinations.c.synced_at.is_(None) | (
            destinations.c.synced_at <= now - timedelta(hours=account.sync_hours)
        )
        mine = update(destinations).where(destinations.c.name == account.name, late).values(synced_at=now)
        with self.store.write(Commit.SYNC) as connection:
            if connection.execute(mine).rowcount != 1:
                return 0
        try:
            done = _sync(self.store, self.intake, account, self.deliverer.destination(account.name), now)
        except NotGiven as error:
            log.warning("configuration_not_read", destination=account.name, code=error.result.code)
            if error.result.outcome is Outcome.AUTH:
                with self.store.write(Commit.SYNC) as connection:
                    pause(connection, account.name, error.result.message, now)
            return 0
        log.info(
            "configuration_read",
            destination=account.name,
            changes=len(done.changes),
            broken=len(done.broken),
            refused=bool(done.refused),
        )
        return len(done.changes)
