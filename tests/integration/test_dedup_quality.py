"""How right the resolver is on worlds of labelled leads that nothing was fitted to: floors that must not be undercut.

The floors are what was measured, less a point of F1; ``docs/identity.md`` has the figures on larger worlds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from leadsvc.dedup import resolve
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.table import read
from leadsvc.resolve.model import Model
from tests.identity_score import HouseholdScore, Score, read_labels, score, score_households
from tests.identity_world import worlds, write

LEADS, SEED = 5_000, 77
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Floor:
    """Least F1 of pairs and of leads (B-cubed), and most false pairs per hundred true ones."""

    f1: float
    b3: float
    false: float


FLOORS = {
    "world": Floor(0.966, 0.983, 2.2),
    "noisy": Floor(0.945, 0.976, 3.2),
    "households": Floor(0.949, 0.978, 3.2),
    "repeaters": Floor(0.974, 0.980, 1.9),
    "sparse": Floor(0.918, 0.965, 3.6),
    "mixed": Floor(0.937, 0.969, 2.6),
}


@dataclass(frozen=True)
class Found:
    score: Score
    households: HouseholdScore
    asked: int


def found(title: str, leads: int, folder: Path) -> Found:
    write(title, leads, SEED, folder)
    labels = read_labels(folder / "labels.csv.gz")
    cores = Cores()
    outcome = resolve(read(folder / "leads.csv.gz", folder / "properties.csv", cores), Model.default(), cores)
    ids = outcome.columns.ids
    of = {ids[row]: ids[first] for row, first in enumerate(outcome.people.tolist())}
    mates = [(ids[one], ids[other]) for one, other, _ in outcome.households]
    return Found(score(labels, of), score_households(labels, of, mates), len(outcome.reviews))


@pytest.mark.parametrize("title", worlds())
def test_a_world_of_its_own(title: str, tmp_path: Path) -> None:
    told = found(title, LEADS, tmp_path)
    floor = FLOORS[title]
    assert told.score.f1 >= floor.f1
    assert told.score.b3_f1 >= floor.b3
    assert told.score.false_pairs <= floor.false / 100 * told.score.true_pairs
    assert told.score.largest_cluster <= 60
    assert told.asked <= 0.02 * LEADS
    assert told.households.precision >= 0.65  # of some ninety proposals; 0.74 of four times as many


def test_four_times_the_leads_change_little(tmp_path: Path) -> None:
    small, large = (found("mixed", leads, tmp_path / str(leads)) for leads in (LEADS, 4 * LEADS))
    assert large.score.f1 >= small.score.f1 - 0.015
    assert large.score.b3_f1 >= small.score.b3_f1 - 0.01
