"""A vendor's bad week with the clock in our hand: away for days, takes and says nothing, asks for patience. Afterwards
everybody is there once, with everything they wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from leadsvc.store.tables import deliveries
from tests.benches import Bench
from tests.benches.simpms import SimPmsBench
from tests.integration.desk_support import Desk, running_desk
from tests.system import people

DAYS = 7


class _Week:
    """Renters who write to one vendor, and what must be there at the end."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.said: list[str] = []

    def write(self, count: int = 1) -> None:
        """So many new renters."""
        for _ in range(count):
            number = len(self.said) + 1
            self.said.append(f"letter {number}")
            name = " ".join(people.name(number).values())
            self.desk.office.lead(self.said[-1], name, people.email(number), None)

    def patiently(self, hours: int = 96) -> None:
        """Time passes until nothing is open."""
        for _ in range(2 * hours):
            self.desk.office.settle()
            if self.desk.states() <= {("acknowledged", "")}:
                return
            self.desk.office.forward(minutes=30)

    def wrong(self) -> list[str]:
        found = [
            f"a delivery is {state}: {cause}" for state, cause in sorted(self.desk.states() - {("acknowledged", "")})
        ]
        for each in self.said:
            live = self.desk.live(each)
            found += [] if live == 1 else [f"{each}: {live} cards"]
            events = self.desk.events(each) if live and self.desk.can.has_event else 1
            found += [] if events == 1 else [f"{each}: {events} events"]
        return found


def away_for_a_week(week: _Week) -> list[str]:
    """It is down; a renter writes every twelve hours. No try is used up, and it is asked for no more than a sign of
    life."""
    bench: Any = week.desk.bench
    week.write()
    week.patiently()
    bench.fault("*", "down")
    called = len(bench.requests())
    for hour in range(24 * DAYS):
        if hour % 12 == 0:
            week.write()
        week.desk.office.forward(hours=1)
        week.desk.office.settle()
    mine = week.desk.office.world.rows(deliveries, deliveries.c.destination == "vendor")
    found = [f"{row['failures']} tries of a delivery are used up" for row in mine if row["failures"] > 1]
    calls = len(bench.requests()) - called
    # A sign of life an hour, and as many calls as it takes to notice.
    found += [] if calls <= 24 * DAYS + 20 else [f"{calls} calls while it was down"]
    bench.control("DELETE", "faults")
    week.patiently()
    return found


def takes_and_says_nothing(week: _Week) -> list[str]:
    """Every kind of write is carried out and its answer lost, several times over."""
    for role in ("create", "event", "task"):
        week.desk.bench.fault(role, "commit_then_drop", times=3)
    week.write(4)
    week.patiently()
    return []


def wants_patience(week: _Week) -> list[str]:
    """It says that it is asked too often, again and again."""
    for role in ("find", "create", "event"):
        week.desk.bench.fault(role, "throttle", times=4, seconds=30)
    week.write(4)
    week.patiently()
    return []


SCENES: Mapping[str, Callable[[_Week], list[str]]] = {
    "down for a week": away_for_a_week,
    "takes, says nothing": takes_and_says_nothing,
    "asked too often": wants_patience,
}


def play(url: str, folder: Path, pms: SimPmsBench, bench: Bench, scene: str) -> tuple[int, list[str]]:
    """One scene on the migrated store ``url``: how many renters wrote, and what is wrong."""
    bench.reset()
    with running_desk(url, folder, pms, bench) as desk:
        week = _Week(desk)
        found = SCENES[scene](week)
        return len(week.said), [*found, *week.wrong()]
