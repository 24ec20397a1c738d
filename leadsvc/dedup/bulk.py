"""Everybody in a file or store at once: candidates, comparisons, neighbourhoods, people."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from leadsvc.dedup.arrays import Flags, Floats, Ints
from leadsvc.dedup.columns import Columns
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.cores import Cores, uncollected
from leadsvc.dedup.fit import fitted
from leadsvc.dedup.grouping import Judged, Review, Ruled
from leadsvc.dedup.odds import odds
from leadsvc.dedup.pairs import candidates
from leadsvc.resolve.engine import FLOOR, RELATED
from leadsvc.resolve.model import Model

Note = Callable[[str], None]
"""Told what is being done, for a progress bar."""


@dataclass(frozen=True)
class Outcome:
    """``people``: for each row the first row of its person. ``reviews``: pairs of rows that stand for two people whom
    somebody should look at, with natural log odds. ``households``: pairs of rows that stand for two people of one
    household, with its probability."""

    columns: Columns
    model: Model
    people: Ints
    reviews: list[Review]
    households: list[tuple[int, int, float]]
    pairs: int


def resolve(
    columns: Columns,
    start: Model,
    cores: Cores,
    *,
    fit: bool = True,
    same: Collection[tuple[int, int]] = (),
    apart: Collection[tuple[int, int]] = (),
    note: Note = lambda _: None,
) -> Outcome:
    """Who wrote each of these. ``start``: weights; with ``fit`` they are learned anew from these traces first, else
    used as they are, with their frequencies. ``same`` and ``apart``: pairs of rows on which a person decided."""
    with uncollected():
        return _resolved(columns, start, cores, fit, Ruled(same, apart), note)


def _resolved(columns: Columns, start: Model, cores: Cores, fit: bool, ruled: Ruled, note: Note) -> Outcome:
    note("candidates")
    with cores.beside(lambda: candidates(columns)) as sought:
        frequencies = columns.frequencies() if fit else start.frequencies
        model = replace(start, frequencies=frequencies)
        comparer = Comparer(columns, frequencies, cores)
        found = sought()
    note("comparing")
    pairs = comparer.compare(found)
    if fit:
        note("learning weights")
        model = fitted(comparer, pairs, model, ruled.verdicts)
    note("judging")
    same_odds, mates = odds(pairs, comparer, model)
    judged = Judged(len(columns), found, same_odds, pairs.against(columns.generations))
    parts, stands = judged.neighbourhoods(FLOOR, ruled, comparer)
    note("completing")
    missing = judged.missing(parts)
    more = comparer.compare(missing)
    more_odds, more_mates = odds(more, comparer, model)
    judged = judged.with_more(missing, more_odds, more.against(columns.generations))
    note("grouping")
    people, reviews = judged.group(parts, model, ruled, cores)
    people = people[stands]
    households = _households(
        np.concatenate([found, missing]), np.concatenate([mates, more_mates]), people, reviews, len(columns)
    )
    return Outcome(columns, model, people, reviews, households, len(found) + len(missing))


def _households(
    pairs: Ints, mates: Floats, people: Ints, reviews: list[Review], rows: int
) -> list[tuple[int, int, float]]:
    """One pair for each two people who are probably of one household, the one that says so loudest."""
    likely = np.flatnonzero(mates >= RELATED)
    first, second = pairs[likely] // rows, pairs[likely] % rows
    ours, theirs = people[first], people[second]
    low, high = np.minimum(ours, theirs), np.maximum(ours, theirs)
    asked = np.array([min(people[a], people[b]) * rows + max(people[a], people[b]) for a, b, _ in reviews], np.int64)
    both = low * rows + high
    wanted: Flags = (low != high) & ~np.isin(both, asked)
    found: dict[int, tuple[int, int, float]] = {}
    order = np.argsort(-mates[likely][wanted], kind="stable")
    chosen = (both[wanted][order], first[wanted][order], second[wanted][order], mates[likely][wanted][order])
    for key, a, b, chance in zip(*(each.tolist() for each in chosen), strict=True):
        found.setdefault(key, (a, b, chance))
    return [found[key] for key in sorted(found)]
