"""In bulk as one by one: the same levels, odds, people, questions and crowds, on every world of labelled leads."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from leadsvc.canonical import leads_from_canonical
from leadsvc.dedup import Columns, Outcome, gather, resolve
from leadsvc.dedup.blocks import block
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.odds import odds
from leadsvc.dedup.pairs import candidates
from leadsvc.dedup.table import read, regions
from leadsvc.resolve import engine
from leadsvc.resolve.engine import Partition, partition
from leadsvc.resolve.keys import CAP, crowd_of, keys, marks
from leadsvc.resolve.levels import HUB, Usable, compare, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.trace import Trace, of_lead
from tests.identity_world import worlds, write

LEADS = 3_000
pytestmark = pytest.mark.slow


@dataclass
class World:
    """The leads of a world by column and one by one. ``model`` has the shipped weights and their own frequencies."""

    folder: Path
    columns: Columns

    @cached_property
    def model(self) -> Model:
        return replace(Model.default(), frequencies=self.columns.frequencies())

    @cached_property
    def traces(self) -> list[Trace]:
        return [self.columns.trace(row) for row in range(len(self.columns))]

    @cached_property
    def usable(self) -> list[Usable]:
        return [usable(each, self.columns.crowd, self.model.frequencies.masked) for each in self.traces]

    def pairs(self) -> Iterator[tuple[int, int]]:
        for pair in candidates(self.columns).tolist():
            yield divmod(pair, len(self.columns))

    @cached_property
    def outcome(self) -> Outcome:
        return resolve(self.columns, self.model, Cores(1), fit=False)


@pytest.fixture(scope="module", params=worlds())
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = write(request.param, LEADS, 41, tmp_path_factory.mktemp("world"))
    return World(folder, read(folder / "leads.csv.gz", folder / "properties.csv", Cores(1)))


def test_candidates_are_the_pairs_that_share_a_key(world: World) -> None:
    members: dict[int, list[int]] = {}
    for row, trace in enumerate(world.traces):
        for key in keys(trace):
            members.setdefault(key, []).append(row)
    sharing = {
        (one, other)
        for rows in members.values()
        if len(rows) <= CAP
        for place, one in enumerate(rows)
        for other in rows[place + 1 :]
    }
    assert sharing <= set(world.pairs())
    values: dict[str, list[int]] = {}
    for row, trace in enumerate(world.traces):
        for value in (*trace.emails, *trace.phones, *trace.threads):
            values.setdefault(value, []).append(row)
    busy = [rows for value, rows in values.items() if len(rows) > CAP and world.columns.crowd(value) <= HUB]
    chained = {pair for rows in busy for pair in pairwise(rows)}
    assert set(world.pairs()) - sharing <= chained


def test_crowds_are_what_marks_count(world: World) -> None:
    marked: dict[str, set[str]] = {}
    for trace in world.traces:
        for value in (*trace.emails, *trace.phones):
            marked.setdefault(value, set()).update(marks(trace))
    assert {value: world.columns.crowd(value) for value in marked} == {
        value: crowd_of(found) for value, found in marked.items()
    }


def test_levels_shares_and_odds_are_the_engines(world: World) -> None:
    found = candidates(world.columns)
    random = np.random.default_rng(5).integers(0, LEADS, (2, 5_000))
    low, high = random.min(axis=0), random.max(axis=0)
    found = np.unique(np.concatenate([found, (low * LEADS + high)[low != high]]))
    comparer = Comparer(world.columns, world.model.frequencies, Cores(1))
    pairs = comparer.compare(found)
    shares = comparer.shares(pairs, world.model)
    same, mates = odds(pairs, comparer, world.model)
    for place in range(len(pairs)):
        one, other = world.usable[pairs.first[place]], world.usable[pairs.second[place]]
        told = compare(one, other)
        assert tuple(pairs.levels[place].tolist()) == tuple(map(int, told.levels)), (one, other)
        assert (int(pairs.email_crowd[place]), int(pairs.phone_crowd[place])) == told[1:3], (one, other)
        assert tuple(shares[place]) == pytest.approx(world.model.shares(one.trace, other.trace, told), abs=1e-12)
        assert (same[place], mates[place]) == pytest.approx(engine.odds(one, other, world.model), abs=1e-6)


def neighbourhoods(world: World) -> list[list[int]]:
    """Rows linked over candidates that say enough, in groups of two and more."""
    linked: dict[int, set[int]] = {}
    for one, other in world.pairs():
        if engine.linked(world.usable[one], world.usable[other], world.model):
            linked.setdefault(one, set()).add(other)
            linked.setdefault(other, set()).add(one)
    found, seen = [], set[int]()
    for first in linked:
        group, ahead = set[int](), {first} - seen
        while ahead:
            group |= ahead
            ahead = {row for each in ahead for row in linked[each]} - group
        seen |= group
        found += [sorted(group)] if group else []
    return found


def test_people_and_questions_are_those_of_each_neighbourhood_alone(world: World) -> None:
    outcome, ids = world.outcome, world.columns.ids
    random = Random(3)
    people: dict[str, str] = {}
    asked: set[tuple[str, str]] = set()
    for rows in neighbourhoods(world):
        shuffled = [world.traces[row] for row in random.sample(rows, len(rows))]
        told: Partition = partition(shuffled, world.model, world.columns.crowd)
        place = {ids[row]: row for row in rows}
        for cluster in told.clusters:
            first = min(cluster, key=place.__getitem__)
            people |= dict.fromkeys(cluster, first)
        asked |= {(one, other) for one, other, _ in told.reviews}
    assert {ids[row]: ids[first] for row, first in enumerate(outcome.people.tolist())} == {
        each: people.get(each, each) for each in ids
    }
    assert {(ids[one], ids[other]) for one, other, _ in outcome.reviews} == asked


def test_the_order_of_lines_plays_no_part(world: World) -> None:
    for seed in range(5):
        shuffled = Random(seed).sample(world.traces, len(world.traces))
        parts = [shuffled[:1_000], shuffled[1_000:]]
        again = resolve(gather(block(each) for each in parts), world.model, Cores(1), fit=False)
        assert again.columns.ids == world.columns.ids
        assert again.people.tolist() == world.outcome.people.tolist()
        assert again.reviews == world.outcome.reviews
        assert again.households == world.outcome.households


@pytest.mark.parametrize("world", ["mixed"], indirect=True)
def test_several_processes_come_to_the_same(world: World) -> None:
    leads, properties = world.folder / "leads.csv.gz", world.folder / "properties.csv"
    columns = read(leads, properties, Cores(2))
    assert columns.ids == world.columns.ids
    one, other = (resolve(each, Model.default(), Cores(count)) for each, count in ((columns, 2), (world.columns, 1)))
    assert one.people.tolist() == other.people.tolist()
    assert one.model == other.model


def test_verdicts_stick(world: World) -> None:
    """Pairs joined that nothing speaks for, and people taken apart that everything speaks for."""
    outcome = world.outcome
    people = outcome.people.tolist()
    random = Random(9)
    joined = next((row, first) for row, first in enumerate(people) if first != row and people.count(first) == 2)
    alone = random.sample([row for row in range(LEADS) if people.count(row) == 1 and people[row] == row], 2)
    again = resolve(world.columns, world.model, Cores(1), fit=False, same=[(alone[0], alone[1])], apart=[joined])
    assert again.people[alone[0]] == again.people[alone[1]]
    assert again.people[joined[0]] != again.people[joined[1]]
    touched = {*alone, *joined}
    assert all(
        again.people[row] == first for row, first in enumerate(people) if row not in touched and first not in touched
    )
    assert not any({one, other} == set(joined) for one, other, _ in again.reviews)


def test_a_line_and_a_posted_lead_make_the_same_trace(world: World) -> None:
    """Wherever canonical JSON can say what the line says."""
    where = regions(world.folder / "properties.csv")
    of_line = {each.id: each for each in world.traces}
    compared = 0
    with gzip.open(world.folder / "leads.csv.gz", "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            posted = {
                "person": {"given": row["first_name"], "family": row["last_name"]},
                "email": row["email"] or None,
                "phone": row["phone"] or None,
                "move_in": row["move_in_date"] or None,
                "bedrooms": float(row["bedrooms"]) if row["bedrooms"] else None,
                "message": row["message"] or None,
                "source": "website",
            }
            at = datetime.fromisoformat(row["received_at"]).replace(tzinfo=UTC)
            leads, _, errors = leads_from_canonical(
                {name: value for name, value in posted.items() if value is not None}, at
            )
            if not leads:
                assert errors  # nobody could be reached
                continue
            place = row["property_id"]
            assert of_lead(row["lead_id"], leads[0], at, place, where[place]) == of_line[row["lead_id"]], posted
            compared += 1
    assert compared > LEADS * 0.8
