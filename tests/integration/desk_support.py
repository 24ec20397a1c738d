"""A whole leadsvc in front of one vendor's simulator. A CRM, which has no properties of its own, stands beside the
simulated PMS and follows it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from leadsvc.config import Account, Settings
from leadsvc.store.tables import deliveries, remote_refs, tasks
from leadsvc.workers.destinations import capabilities
from leadsvc.workers.destinations.base import Capabilities
from tests.benches import Bench
from tests.benches.simpms import SimPmsBench
from tests.renters import Office
from tests.world import running_world

ROSA = ("Rosa Lindqvist", "rosa.lindqvist@example.com", "0120")
KEN = ("Ken Mori", "ken.mori@example.com", "0177")
CRMS = frozenset({"hubspot", "salesforce", "webhook"})
PROPERTIES = {
    "chd001": {"name": "Cedar Hollow", "time_zone": "America/Chicago"},
    "olf": {"name": "Oakline Lofts", "time_zone": "America/New_York"},
}
"""What the operator says of its properties: not every vendor lists them, and few tell their time zone."""


@dataclass(frozen=True)
class Desk:
    """An office and the vendor that it delivers to."""

    office: Office
    bench: Bench

    @property
    def can(self) -> Capabilities:
        return capabilities(self.bench.vendor)

    def states(self) -> set[tuple[str, str]]:
        mine = deliveries.c.destination == "vendor"
        return {(row["state"], row["cause"]) for row in self.office.world.rows(deliveries, mine)}

    def settle(self, minutes: int = 5) -> None:
        """Deliver, also what waits because the vendor shows things late or another account comes first."""
        for _ in range(minutes):
            self.office.settle()
            self.office.forward(minutes=1)

    def live(self, message: str) -> int:
        return self.bench.live_cards(self.office.card(message)["key"])

    def card(self, message: str) -> str:
        """The vendor's id of the card of this lead."""
        mine = (remote_refs.c.destination == "vendor") & (remote_refs.c.kind == "card") & remote_refs.c.live
        card = self.office.card(message)["id"]
        (ref,) = self.office.world.rows(remote_refs, mine, remote_refs.c.entity_id == card)
        return str(ref["remote_id"])

    def events(self, message: str) -> int:
        key = f"IN-{self.office.inquiry(message).id.hex[-12:]}"
        return self.bench.events(self.card(message), key)

    def tasks(self, message: str) -> int:
        (row,) = self.office.world.rows(tasks, tasks.c.guest_card_id == self.office.card(message)["id"])
        return self.bench.tasks(self.card(message), f"TK-{row['id'].hex[-12:]}")


def _with_vendor(bench: Bench, settings: Settings, change: Callable[[Account], Account]) -> Settings:
    known = bench.profile
    made = change(
        Account(
            name="vendor",
            vendor=known.vendor,
            base_url=known.base_url,
            api_key=known.api_key,
            credentials=known.credentials,
            options=known.options,
            sources=known.sources,
            fallback_source=known.fallback_source,
            concurrency=4,
            limits={"1s": 5_000},  # the test's clock stands still
            properties=PROPERTIES,
        )
    )
    if known.vendor in CRMS:
        beside = replace(made, follows=("pms",), follower_creates=True)
        return replace(settings, accounts={"pms": settings.accounts["pms"], "vendor": beside})
    return replace(settings, accounts={"vendor": made})


@contextlib.contextmanager
def running_desk(
    url: str, var: Path, pms: SimPmsBench, bench: Bench, change: Callable[[Account], Account] = lambda made: made
) -> Iterator[Desk]:
    """A desk whose books must be sound at the end; ``change`` alters its account at the vendor."""
    with running_world(url, var, pms, configure=lambda settings: _with_vendor(bench, settings, change)) as world:
        made = Desk(Office(world), bench)
        yield made
        made.office.assert_sound()
