"""A whole leadsvc in the test's process: real store, real simulated PMS over the wire, the worker run by hand.

``world.settle()`` does what the worker's loop does until nothing is due, so a test never waits for time to pass; the
clock is the test's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select

from leadsvc.app import build_services, prepare
from leadsvc.config import Account, Feed, Policy, Settings
from leadsvc.model import Channel, Delivered
from leadsvc.pipeline.answers import Answer
from leadsvc.reports.books import balance
from leadsvc.workers.build import build_loop
from leadsvc.workers.deliver import profile
from leadsvc.workers.syncing import sync
from tests.benches.simpms import SimPmsBench

FIRST = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""Monday morning at all properties."""

SOURCES = {
    "zillow": "Zillow.com",
    "apartments_com": "Apartments.com",
    "website": "Property Website",
    "craigslist": "Craigslist",
}
FEEDS = {
    "zillow": Feed(name="zillow", map="zillow_callback"),
    "canonical": Feed(name="canonical", map="canonical"),
    "mail": Feed(name="mail"),
}


class Clock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = FIRST) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


def settings(url: str, var: Path, pms: SimPmsBench, policy: Policy | None = None) -> Settings:
    """Settings with one destination, the simulated PMS."""
    account = Account(
        name="pms",
        vendor="simpms",
        base_url=pms.profile.base_url,
        api_key=pms.profile.api_key,
        sources=SOURCES,
        fallback_source="Unmapped - Review",
        concurrency=4,
    )
    return Settings(
        var=var,
        database_url=url,
        secret_key="test-secret-key",
        feeds=FEEDS,
        accounts={"pms": account},
        policy=policy or Policy(),
    )


class World:
    """What a test does to leadsvc and asks of it."""

    def __init__(self, configured: Settings, pms: SimPmsBench, clock: Clock) -> None:
        self.settings, self.pms, self.clock = configured, pms, clock
        self.services = build_services(configured, clock)
        self.loop = build_loop(self.services)
        self.loop.sweep.prepare()
        for account in configured.accounts.values():
            sync(self.services, profile(account))

    def send(
        self,
        body: bytes,
        content_type: str = "application/x-www-form-urlencoded",
        feed: str = "zillow",
        key: str | None = None,
        channel: Channel = Channel.HTTP,
    ) -> Answer:
        delivered = Delivered(body, content_type, channel, self.clock())
        return self.services.receiver.receive(delivered, feed=FEEDS[feed], authenticated="test", delivery_key=key)

    def mail(self, body: bytes) -> Answer:
        return self.send(body, "message/rfc822", "mail", channel=Channel.EMAIL)

    def settle(self) -> None:
        """Deliver and sweep until nothing is due at this moment."""
        while True:
            drained = self.loop.deliverer.drain_all()
            swept = self.loop.sweep.round()
            moved = swept.holds or swept.leases or swept.accounts or swept.mended or swept.settled
            if not drained.pushed and not drained.failed and not moved:
                return

    def rows(self, table: Table, *where: Any) -> list[Mapping[str, Any]]:
        with self.services.store.read() as connection:
            return [dict(row) for row in connection.execute(select(table).where(*where)).mappings()]

    def count(self, table: Table, *where: Any) -> int:
        with self.services.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()

    def assert_balanced(self) -> None:
        """P7."""
        with self.services.store.read() as connection:
            books = balance(connection)
        assert books.balance, [entry for entry in books.entries if entry.wrong]

    def close(self) -> None:
        self.loop.deliverer.close()
        self.services.store.close()


@contextlib.contextmanager
def running_world(
    url: str,
    var: Path,
    pms: SimPmsBench,
    policy: Policy | None = None,
    configure: Callable[[Settings], Settings] = lambda configured: configured,
    start: datetime = FIRST,
) -> Iterator[World]:
    """A migrated, synchronised world on an empty PMS."""
    pms.reset()
    configured = configure(settings(url, var, pms, policy))
    prepare(configured)
    world = World(configured, pms, Clock(start))
    try:
        yield world
    finally:
        world.close()
