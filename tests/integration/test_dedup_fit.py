"""Weights learned without labels: from anything at all, a little from a little, and with reviewers' verdicts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from leadsvc.dedup import Columns, fitted, gather, resolve
from leadsvc.dedup.blocks import block
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.pairs import candidates
from leadsvc.dedup.table import read
from leadsvc.resolve.levels import FIELDS, NEVER_MISSING
from leadsvc.resolve.model import EMAIL, Model
from leadsvc.resolve.trace import Trace
from tests.identity_score import read_labels, score
from tests.identity_world import write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("mixed", 4_000, 19, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def columns(folder: Path) -> Columns:
    return read(folder / "leads.csv.gz", folder / "properties.csv", Cores(1))


def learned(columns: Columns, start: Model, verdicts: dict[tuple[int, int], bool] | None = None) -> Model:
    frequencies = columns.frequencies()
    comparer = Comparer(columns, frequencies, Cores(1))
    pairs = comparer.compare(candidates(columns))
    return fitted(comparer, pairs, replace(start, frequencies=frequencies), verdicts)


def test_what_is_learned_are_probabilities(columns: Columns) -> None:
    model = learned(columns, Model.default())
    assert Model.from_json(model.to_json(), model.frequencies) == model
    for table in model.tables.values():
        for (name, _), row in zip(FIELDS, table, strict=True):
            if name not in {"thread"}:
                assert sum(row if name in NEVER_MISSING else row[1:]) == pytest.approx(1, abs=0.03)
    assert model.join == Model.default().join
    assert 0.1 < model.repeats < 10
    assert 0 < model.mates < model.repeats


def test_it_finds_the_way_from_poor_weights(folder: Path, columns: Columns) -> None:
    """From weights that trust addresses little and claim that hardly anybody writes twice, nearly as good as usual."""
    table = list(Model.default().tables["same"])
    table[EMAIL] = (1.0, 0.6, 0.1, 0.1, 0.2)
    poor = replace(Model.default(), tables={**Model.default().tables, "same": tuple(table)}, repeats=0.02)
    labels = read_labels(folder / "labels.csv.gz")

    def f1(start: Model, *, fit: bool) -> float:
        found = resolve(columns, start, Cores(1), fit=fit).people.tolist()
        return score(labels, {columns.ids[row]: columns.ids[first] for row, first in enumerate(found)}).f1

    usual, again = f1(Model.default(), fit=True), f1(poor, fit=True)
    assert again >= usual - 0.01
    assert again > f1(poor, fit=False)


def _callers(count: int, name: tuple[str, str], numbers: int, first: int) -> list[Trace]:
    """Inquiries under one name in one region, nine days apart, with so many numbers; every other came masked."""
    return [
        Trace(
            f"{first + n:05}",
            9 * 86_400 * n,
            name[:1],
            name[1:],
            threads=(f"t{first + n}",) if n % 2 else (),
            phones=() if n % 2 else (f"+1918{first + n // 2 % numbers * 7919 % 10**7:07}",),
            place=f"home{n % 7}",
            region="tulsa",
        )
        for n in range(count)
    ]


def test_a_name_with_many_numbers_is_not_one_persons() -> None:
    """What a switchboard fills in for a name, in a store of one region, is as frequent as it is."""
    one, desk = _callers(40, ("rosa", "vega"), 2, 0), _callers(40, ("front", "gate"), 40, 500)
    others = [Trace(f"{n:05}", n, (f"given{n}",), (f"last{n}",), region="tulsa") for n in range(1_000, 1_900)]
    columns = gather([block([*one, *desk, *others])])
    frequencies = columns.frequencies()
    assert dict(frequencies.whole) == {"front gate": 38}  # of twenty numbers the one that may be any bearer's

    people = resolve(columns, replace(Model.default(), frequencies=frequencies), Cores(1), fit=False).people.tolist()
    found = dict(zip(columns.ids, people, strict=True))
    assert len({found[each.id] for each in desk}) >= 35
    assert len({found[each.id] for each in one}) <= 12


def test_a_handful_of_leads_teaches_nothing() -> None:
    few = gather([block([Trace(str(number), number, ("rosa",)) for number in range(50)])])
    assert learned(few, Model.default()).tables == Model.default().tables


@pytest.mark.parametrize(
    "traces",
    [
        [Trace(str(number), 0) for number in range(300)],
        [Trace(str(number), 0, ("rosa",), ("berg",), emails=("r@example.com",), place="P") for number in range(300)],
        [Trace(str(number), number * 10**7, emails=(f"r{number}@example.com",)) for number in range(300)],
    ],
    ids=["nothing", "one person", "nobody twice"],
)
def test_odd_stores_teach_nothing_impossible(traces: list[Trace]) -> None:
    model = learned(gather([block(traces)]), Model.default())
    assert all(0 < each <= 1 for table in model.tables.values() for row in table for each in row)
    assert math.isfinite(model.repeats)
    assert min(model.repeats, model.mates) > 0


def test_verdicts_teach(columns: Columns) -> None:
    """Who is told again and again that near addresses are two people learns it."""
    comparer = Comparer(columns, columns.frequencies(), Cores(1))
    pairs = comparer.compare(candidates(columns))
    near = [
        (first, second)
        for first, second, level in zip(
            pairs.first.tolist(), pairs.second.tolist(), pairs.levels[:, EMAIL].tolist(), strict=True
        )
        if level == 3
    ]
    assert len(near) > 10
    without, told = learned(columns, Model.default()), learned(columns, Model.default(), dict.fromkeys(near, False))
    assert told.tables["same"][EMAIL][3] < without.tables["same"][EMAIL][3] / 2
    joined = learned(columns, Model.default(), dict.fromkeys(near, True))
    assert joined.tables["same"][EMAIL][3] > without.tables["same"][EMAIL][3]
