"""Feeds that fall silent or change: counted from real receipts, told as exceptions, closed when it is over."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from leadsvc.app import create_app
from leadsvc.errors import Conflict
from leadsvc.store.tables import exceptions, feed_hours, field_days, receipts
from leadsvc.watching import Feeds, Watch
from tests.benches.simpms import SimPmsBench
from tests.integration.api_support import Door
from tests.integration.test_way_of_a_lead import zillow
from tests.servers import PostgreSQL
from tests.system import people
from tests.world import World, running_world

WEEKS = 3
A_DAY = 4


class Town:
    """Two feeds that send at office hours; one of them can be stopped or changed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.watch = Watch(world.services.store, world.services.settings, world.clock)
        self.feeds = Feeds(world.services.store, world.services.settings, world.clock)
        self.number = 0

    def days(self, days: int, *, zillow_sends: str = "leads", site_sends: bool = True) -> None:
        """Let days pass; the watch looks every six hours."""
        for _ in range(days):
            for hour in range(24):
                self.world.clock.forward(hours=1)
                if hour % (24 // A_DAY) == 0:
                    self._zillow(zillow_sends)
                    if site_sends:
                        self._site()
                if hour % 6 == 5:
                    self.watch.round()

    def _zillow(self, what: str) -> None:
        self.number += 1
        told = people.name(self.number)
        person = {"name": f"{told['given']} {told['family']}", "email": people.email(self.number)}
        person["phone"] = people.phone(self.number)
        if what == "leads":
            self.world.send(zillow(**person, message=f"Question {self.number}"))
        elif what == "no_message":
            self.world.send(zillow(**person, message=""))
        elif what == "unreadable":
            self.world.send(json.dumps({"renter": person, "listing": "CHD-2BR-7"}).encode(), "application/json")
        elif what == "new_key":
            self.world.send(zillow(**person, message=f"Question {self.number}", surprise="1"))

    def _site(self) -> None:
        self.number += 1
        lead = {
            "person": people.name(self.number),
            "email": people.email(self.number),
            "property": {"id": "chd001"},
            "message": f"Question {self.number}",
            "source": "website",
            "contact_type": "form",
        }
        self.world.send(json.dumps(lead).encode(), "application/json", "canonical")

    def alarms(self) -> dict[str, str]:
        """Open alarms: the beginning of their text -> cause."""
        rows = self.world.rows(exceptions, exceptions.c.kind == "drift", exceptions.c.resolved_at.is_(None))
        return {row["detail"].partition(" ")[0]: row["cause"] for row in rows}

    def said(self) -> str:
        [row] = self.world.rows(exceptions, exceptions.c.kind == "drift", exceptions.c.resolved_at.is_(None))
        return str(row["detail"])

    def state(self, feed: str) -> str:
        return next(each.state for each in self.feeds.health() if each.feed == feed)


def _word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)).title()


@pytest.fixture(scope="module")
def lived() -> dict[str, Lived]:
    """The usual weeks by kind of store, lived through once."""
    return {}


@dataclass(frozen=True)
class Lived:
    """A store after the usual weeks, to be copied, with what its town knew then."""

    store: str
    now: datetime
    number: int


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def town(
    request: pytest.FixtureRequest,
    lived: dict[str, Lived],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    simpms: SimPmsBench,
) -> Iterator[Town]:
    copy = _on_sqlite if request.param == "sqlite" else _on_postgresql
    if request.param not in lived:
        url, keep = copy(request, tmp_path_factory.mktemp("lived"), "")
        with running_world(url, tmp_path, simpms) as world:
            made = Town(world)
            made.days(7 * WEEKS)
            assert made.alarms() == {}
        lived[request.param] = Lived(keep(), world.clock.now, made.number)
    before = lived[request.param]
    url, _ = copy(request, tmp_path, before.store)
    with running_world(url, tmp_path, simpms, start=before.now) as world:
        made = Town(world)
        made.number = before.number
        yield made
        world.assert_balanced()


Copied = tuple[str, Callable[[], str]]


def _on_sqlite(request: pytest.FixtureRequest, folder: Path, of: str) -> Copied:
    """The URL of a copy of the store ``of`` (empty: of an empty one), and how to keep it for further copies."""
    shutil.copytree(of or request.getfixturevalue("sqlite_template"), folder / "town")
    return f"sqlite:///{folder / 'town' / 'leadsvc.db'}", lambda: str(folder / "town")


def _on_postgresql(request: pytest.FixtureRequest, folder: Path, of: str) -> Copied:
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = f"town_{uuid.uuid4().hex}"
    url = server.create(name, of or request.getfixturevalue("pg_template"))

    def keep() -> str:
        server.freeze(name)
        return name

    if of:
        request.addfinalizer(lambda: server.drop(name))
    return url, keep


def _receipt(town: Town, order: Any) -> str:
    asked = select(receipts.c.id).where(receipts.c.feed == "zillow", receipts.c.state == "processed").order_by(order)
    with town.world.services.store.read() as connection:
        return str(connection.execute(asked.limit(1)).scalar_one())


def test_a_source_that_is_down_and_comes_back(town: Town) -> None:
    last = _receipt(town, receipts.c.received_at.desc())
    town.days(1, zillow_sends="nothing")
    assert town.state("zillow") == "late"
    town.days(2, zillow_sends="nothing")
    assert town.alarms() == {"zillow": "source_down"}
    assert last in town.said()
    assert "feeds" in [each["code"] for each in _api(town, "/readyz")["problems"]]
    [shown] = [each for each in _api(town, "/v1/feeds")["feeds"] if each["feed"] == "zillow"]
    assert (shown["state"], shown["day"], round(shown["usual"])) == ("silent", 0, A_DAY)
    town.days(1, zillow_sends="nothing")
    assert len(town.world.rows(exceptions, exceptions.c.kind == "drift")) == 1, "one open alert"
    town.days(1)
    assert town.alarms() == {}
    assert town.state("zillow") == "ok"


def _api(town: Town, path: str) -> Any:
    door = Door(create_app(town.world.services), town.world.services)
    return door.client.get(path, headers=door.staff()).get_json()


def test_a_changed_layout_is_no_silence(town: Town) -> None:
    last = _receipt(town, receipts.c.received_at.desc())
    town.days(2, zillow_sends="unreadable")
    assert town.alarms() == {"zillow": "layout_changed"}
    [first] = town.world.rows(exceptions, exceptions.c.kind == "quarantined")[:1]
    assert last in town.said()
    assert f"First bad receipt: {_first_bad(town)}" in town.said(), first


def _first_bad(town: Town) -> str:
    asked = select(receipts.c.id).where(receipts.c.state == "quarantined").order_by(receipts.c.received_at).limit(1)
    with town.world.services.store.read() as connection:
        return str(connection.execute(asked).scalar_one())


def test_a_field_that_is_no_longer_sent(town: Town) -> None:
    town.days(3, zillow_sends="no_message")
    assert town.alarms() == {"zillow": "layout_changed"}
    assert "message no longer comes with most leads" in town.said()
    town.feeds.accept("zillow", "", "test")
    town.days(1, zillow_sends="no_message")
    assert town.alarms() == {}, "a person said that it is right so"


def test_a_new_key_is_told_and_accepted(town: Town) -> None:
    town.days(1, zillow_sends="new_key")
    assert town.alarms() == {"zillow": "new_keys"}
    assert "key surprise" in town.said()
    town.feeds.accept("zillow", "zillow_callback", "test")
    town.days(1, zillow_sends="new_key")
    assert town.alarms() == {}


def test_nothing_at_all_is_our_own_fault(town: Town) -> None:
    town.days(3, zillow_sends="nothing", site_sends=False)
    assert list(town.alarms().values()) == ["nothing_arrives"]
    town.days(1)
    assert town.alarms() == {}


def test_who_is_muted_is_left_alone(town: Town) -> None:
    town.feeds.mute("zillow", "", 5, "test")
    town.days(4, zillow_sends="nothing")
    assert town.alarms() == {}
    town.days(2, zillow_sends="nothing")
    assert town.alarms() == {"zillow": "source_down"}
    town.feeds.acknowledge("zillow", "", "Ada")
    [row] = town.world.rows(exceptions, exceptions.c.kind == "drift")
    assert row["owner"] == "Ada"


def test_what_came_is_counted_once(town: Town) -> None:
    other = Watch(town.world.services.store, town.world.services.settings, town.world.clock)
    town.world.clock.forward(minutes=1)
    other.round()
    town.watch.round()
    with town.world.services.store.read() as connection:
        counted = connection.execute(select(func.sum(feed_hours.c.receipts))).scalar()
        leads = connection.execute(select(func.sum(field_days.c.leads)).where(field_days.c.field == "")).scalar()
    assert counted == leads == town.world.count(receipts)


def test_two_that_look_at_once_count_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from leadsvc.watching import counting

    town._zillow("leads")
    town.world.clock.forward(minutes=1)
    plain = counting._receipts
    inside: list[bool] = []

    def meanwhile(*words: Any) -> Any:
        found = plain(*words)
        if not inside and found:
            inside.append(True)
            if not town.world.services.store.sqlite:  # which has one writer at a time
                Watch(town.world.services.store, town.world.services.settings, town.world.clock).round()
        return found

    monkeypatch.setattr(counting, "_receipts", meanwhile)
    if town.world.services.store.sqlite:
        town.watch.round()
    else:
        with pytest.raises(Conflict):
            town.watch.round()
    with town.world.services.store.read() as connection:
        assert connection.execute(select(func.sum(feed_hours.c.receipts))).scalar() == town.world.count(receipts)


def test_what_is_not_counted_yet_is_not_called_silent(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("leadsvc.watching.watch._BATCHES", 0)  # as long as there is more to count
        town.days(4)
        assert town.alarms() == {}
    town.days(1)
    assert town.alarms() == {}
    assert town.state("zillow") == "ok"
