"""The source report against figures worked out by hand, on SQLite and on PostgreSQL.

Cedar is in Chicago, where March 2026 has 743 hours: from 03-01 06:00 to 04-01 05:00 UTC. Birch is in New York, where it
ends an hour earlier. All times here are UTC; Z, A, W, G, F stand for sources.

    who   where     touches                                     then
    Ana   Cedar     03-10 Z 10:00, Z 10:04, A 10:10             leased 04-01 04:59:59, which is March there
    Ben   Cedar     03-12 Z and W at the very same instant      (W was received first)
    Cy    Cedar     04-01 G/spring 04:59:59, Z 05:00:00         (the second is April)
    Eve1  Cedar     03-05 Z                                     one person with Eve2, as a merge will say
    Eve2  Cedar     03-07 A
    Gus   Cedar     03-01 W 14:59:59, Z 15:00:00                leased 03-31 15:00:00, again (the CRM's word) 18:00:00
    Hal   Cedar     01-05 Z                                     leased 03-20
    Ivy   Birch     03-20 G                                     leased at Cedar 03-28
          Cedar     03-25 W
    Dee   Birch     04-01 Z 04:30, a relay address only         (it is April there)
    Fay   nowhere   03-31 F 23:30
    Gil   nowhere   04-01 G 00:00

One line a row: month, property, source, campaign | touches, collapsed, leads, unidentified | first, last, linear.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest

from leadsvc.errors import Reject
from leadsvc.faults import Commit
from leadsvc.reports.sources import (
    RowKey,
    Scope,
    SourceReport,
    Wanted,
    find_property,
    source_report,
    source_report_cards,
)
from leadsvc.store import Store
from leadsvc.store.tables import guest_cards, prospects
from tests.reportdata import Lot, point, utc

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
NOW = utc("2026-04-20T12:00")
LEADS = Wanted(MARCH, APRIL)
LEASES = Wanted(MARCH, MARCH, conversion="leased", window_days=30)

APART = """
2026-03 Birch G -        | 1 1 1 0 | 1000000 1000000 1000000
2026-03 Cedar A -        | 2 2 1 0 | 1000000 2000000 1500000
2026-03 Cedar G spring   | 1 1 1 0 | 1000000 0 500000
2026-03 Cedar W -        | 3 3 3 0 | 2500000 1500000 2000000
2026-03 Cedar Z -        | 5 4 2 0 | 2500000 3500000 3000000
2026-03 unplaced F -     | 1 1 1 0 | 1000000 1000000 1000000
2026-04 Birch Z -        | 1 1 1 1 | 1000000 1000000 1000000
2026-04 Cedar Z -        | 1 1 0 0 | 0 0 0
2026-04 unplaced G -     | 1 1 1 0 | 1000000 1000000 1000000
sum of 11                | 16 15 11 1 | 11000000 11000000 11000000
"""
# Eve is one lead of Z: first by Z, last by A, half each.
MERGED = """
2026-03 Birch G -        | 1 1 1 0 | 1000000 1000000 1000000
2026-03 Cedar A -        | 2 2 0 0 | 0 2000000 1000000
2026-03 Cedar G spring   | 1 1 1 0 | 1000000 0 500000
2026-03 Cedar W -        | 3 3 3 0 | 2500000 1500000 2000000
2026-03 Cedar Z -        | 5 4 2 0 | 2500000 2500000 2500000
2026-03 unplaced F -     | 1 1 1 0 | 1000000 1000000 1000000
2026-04 Birch Z -        | 1 1 1 1 | 1000000 1000000 1000000
2026-04 Cedar Z -        | 1 1 0 0 | 0 0 0
2026-04 unplaced G -     | 1 1 1 0 | 1000000 1000000 1000000
sum of 10                | 16 15 10 1 | 10000000 10000000 10000000
"""
# 30 days of 86,400 s before Gus's lease begin with his Z; Hal's only touch is long before; Ivy's G was elsewhere.
LEASED = """
2026-03 Birch G -        | 1 1 1 0 | 0 0 0
2026-03 Cedar A -        | 2 2 1 0 | 0 1000000 500000
2026-03 Cedar G spring   | 1 1 1 0 | 0 0 0
2026-03 Cedar W -        | 3 3 3 0 | 1000000 1000000 1000000
2026-03 Cedar Z -        | 5 4 2 0 | 2000000 1000000 1500000
2026-03 Cedar unattributed - | 0 0 0 0 | 1000000 1000000 1000000
2026-03 unplaced F -     | 1 1 1 0 | 0 0 0
sum of 4                 | 13 12 9 0 | 4000000 4000000 4000000
"""
# Across the portfolio Ivy's G at Birch is the first step to her lease at Cedar, and is credited there.
LEASED_ANYWHERE = """
2026-03 Birch G -        | 1 1 1 0 | 0 0 0
2026-03 Cedar A -        | 2 2 1 0 | 0 1000000 500000
2026-03 Cedar G -        | 0 0 0 0 | 1000000 0 500000
2026-03 Cedar G spring   | 1 1 1 0 | 0 0 0
2026-03 Cedar W -        | 3 3 3 0 | 0 1000000 500000
2026-03 Cedar Z -        | 5 4 2 0 | 2000000 1000000 1500000
2026-03 Cedar unattributed - | 0 0 0 0 | 1000000 1000000 1000000
2026-03 unplaced F -     | 1 1 1 0 | 0 0 0
sum of 4                 | 13 12 9 0 | 4000000 4000000 4000000
"""


@dataclass(frozen=True)
class World:
    store: Store
    cedar: uuid.UUID
    birch: uuid.UUID
    eves: tuple[uuid.UUID, uuid.UUID]
    eve_cards: tuple[uuid.UUID, uuid.UUID]

    def report(self, wanted: Wanted, now: datetime = NOW) -> SourceReport:
        with self.store.read() as connection:
            return source_report(connection, wanted, now=now)

    def merge(self, undo: bool = False) -> None:
        with self.store.write(Commit.ACTION) as connection:
            for table, (keep, gone) in ((prospects, self.eves), (guest_cards, self.eve_cards)):
                point(connection, table, gone, gone if undo else keep)


@pytest.fixture
def world(store_url: str) -> Iterator[World]:
    store, lot = Store(store_url), Lot()
    cedar, birch = lot.place("Cedar", "America/Chicago"), lot.place("Birch", "America/New_York")
    lot.source("Z", "Zillow")

    def card(key: str, place: uuid.UUID | None, *touches: tuple[str, str], **known: str) -> uuid.UUID:
        made = lot.card(lot.person(**known), place, key)
        for name, at in touches:
            source, _, campaign = name.partition("/")
            lot.touch(made, source, utc(at), campaign)
        return made

    ana = card("ANA", cedar, ("Z", "2026-03-10T10:00"), ("Z", "2026-03-10T10:04"), ("A", "2026-03-10T10:10"))
    lot.outcome(ana, "leased", utc("2026-04-01T04:59:59"))
    ben = card("BEN", cedar)
    lot.touch(ben, "Z", utc("2026-03-12T15:00"), received=utc("2026-03-12T15:00:09"))
    lot.touch(ben, "W", utc("2026-03-12T15:00"), received=utc("2026-03-12T15:00:05"))
    card("CY", cedar, ("G/spring", "2026-04-01T04:59:59"), ("Z", "2026-04-01T05:00:00"))
    eves = lot.person(), lot.person()
    eve_cards = lot.card(eves[0], cedar, "EVE1"), lot.card(eves[1], cedar, "EVE2")
    lot.touch(eve_cards[0], "Z", utc("2026-03-05T17:00"))
    lot.touch(eve_cards[1], "A", utc("2026-03-07T17:00"))
    gus = card("GUS", cedar, ("W", "2026-03-01T14:59:59"), ("Z", "2026-03-01T15:00:00"))
    lot.outcome(gus, "leased", utc("2026-03-31T15:00:00"), "pms")
    lot.outcome(gus, "leased", utc("2026-03-31T18:00:00"), "crm")
    lot.outcome(card("HAL", cedar, ("Z", "2026-01-05T12:00")), "leased", utc("2026-03-20T12:00"))
    ivy = lot.person()
    lot.touch(lot.card(ivy, birch, "IVYB"), "G", utc("2026-03-20T12:00"))
    home = lot.card(ivy, cedar, "IVYC")
    lot.touch(home, "W", utc("2026-03-25T12:00"))
    lot.outcome(home, "leased", utc("2026-03-28T12:00"))
    card("DEE", birch, ("Z", "2026-04-01T04:30"), kind="thread", trust="relay")
    card("FAY", None, ("F", "2026-03-31T23:30"), kind="phone", trust="shared")
    card("GIL", None, ("G", "2026-04-01T00:00"))
    with store.write(Commit.ADMIN) as connection:
        lot.save(connection)
    yield World(store, cedar, birch, eves, eve_cards)
    store.close()


def drawn(report: SourceReport) -> list[str]:
    """The report in the notation of the tables above, spaces squeezed."""
    lines = []
    for row in report.rows:
        source, campaign, _, month = row.key
        name = f"{month:%Y-%m} {row.property_name} {source or 'unattributed'} {campaign or '-'}"
        lines.append(f"{name} | {figures(row.figures)}")
    return [*lines, f"sum of {report.conversions} | {figures(report.totals)}"]


def figures(of: Any) -> str:
    return f"{of.touches} {of.collapsed} {of.leads} {of.unidentified} | {' '.join(map(str, of.credits.values()))}"


def by_hand(table: str) -> list[str]:
    return [" ".join(line.split()) for line in table.strip().splitlines()]


def test_leads_by_hand(world: World) -> None:
    assert drawn(world.report(LEADS)) == by_hand(APART)


def test_a_merge_changes_the_figures_and_its_undoing_restores_them(world: World) -> None:
    world.merge()
    assert drawn(world.report(LEADS)) == by_hand(MERGED)
    world.merge(undo=True)
    assert drawn(world.report(LEADS)) == by_hand(APART)


def test_leases_by_hand(world: World) -> None:
    assert drawn(world.report(LEASES)) == by_hand(LEASED)
    assert drawn(world.report(replace(LEASES, scope=Scope.PORTFOLIO))) == by_hand(LEASED_ANYWHERE)


def test_a_wider_window_brings_back_what_was_outside(world: World) -> None:
    report = world.report(replace(LEASES, window_days=90))
    assert not [row for row in report.rows if row.key.source is None]
    assert report.conversions == 4


def test_every_row_opens_into_its_cards(world: World) -> None:
    world.merge()
    for wanted in (LEADS, LEASES, replace(LEASES, scope=Scope.PORTFOLIO), replace(LEADS, models=("last",))):
        for row in world.report(wanted).rows:
            with world.store.read() as connection:
                cards = source_report_cards(connection, wanted, row.key, now=NOW)
            assert cards == sorted(cards, key=lambda card: card.key)
            sums = [sum(getattr(card.figures, name) for card in cards) for name in ("touches", "collapsed", "leads")]
            assert sums == [row.figures.touches, row.figures.collapsed, row.figures.leads]
            for model, micros in row.figures.credits.items():
                assert sum(card.figures.credits[model] for card in cards) == micros


def test_cards_behind_a_row_by_hand(world: World) -> None:
    with world.store.read() as connection:
        cards = source_report_cards(connection, LEADS, RowKey("Z", "", world.cedar, MARCH), now=NOW)
        none = source_report_cards(connection, LEADS, RowKey("Z", "", uuid.uuid4(), MARCH), now=NOW)
    assert [f"{card.key} | {figures(card.figures)}" for card in cards] == [
        "ANA | 2 1 1 0 | 1000000 0 500000",
        "BEN | 1 1 0 0 | 500000 500000 500000",
        "CY | 0 0 0 0 | 0 1000000 500000",
        "EVE1 | 1 1 1 0 | 1000000 1000000 1000000",
        "GUS | 1 1 0 0 | 0 1000000 500000",
    ]
    assert none == []


def test_one_property_one_source_or_what_is_unplaced(world: World) -> None:
    whole = drawn(world.report(LEADS))
    assert drawn(world.report(replace(LEADS, property_id=world.birch)))[:-1] == [x for x in whole if " Birch " in x]
    assert drawn(world.report(replace(LEADS, unplaced=True)))[:-1] == [x for x in whole if " unplaced " in x]
    only = world.report(replace(LEADS, source="Z"))
    assert drawn(only)[:-1] == [x for x in whole if " Z " in x]
    assert (only.conversions, only.totals.leads) == (11, 3)
    assert {row.source_name for row in only.rows} == {"Zillow"}


def test_what_comes_after_the_as_of_does_not_exist(world: World) -> None:
    early = world.report(LEADS, now=utc("2026-04-01T04:59:59"))
    cy = next(row for row in early.rows if row.key.campaign == "spring")
    assert figures(cy.figures) == "1 1 1 0 | 1000000 1000000 1000000"
    assert world.report(LEADS, now=utc("2025-01-01T00:00")).rows == ()


def test_properties_are_found_by_id_by_the_pms_id_and_by_name(world: World) -> None:
    with world.store.read() as connection:
        assert {find_property(connection, text) for text in (str(world.cedar), "R-Cedar", "Cedar")} == {world.cedar}


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_month": APRIL, "last_month": MARCH},
        {"first_month": date(2026, 3, 2)},
        {"first_month": date(1, 1, 1)},
        {"last_month": date(9999, 12, 1)},
        {"conversion": "lost"},
        {"models": ("shapley",)},
        {"models": ()},
        {"window_days": -1},
        {"window_days": 10**9},
    ],
)
def test_what_cannot_be_reported_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Reject) as refused:
        replace(LEADS, **wrong)
    assert refused.value.status == 422
