"""Everybody in a file or store at once: candidates, comparisons, neighbourhoods, people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from leadsvc.dedup.arrays import Flags, Floats, Ints
from leadsvc.dedup.columns import Columns
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.fit import fitted
from leadsvc.dedup.odds import odds
from leadsvc.dedup.pairs import candidates
from leadsvc.resolve.cluster import Against, average_link, voice
from leadsvc.resolve.engine import FLOOR, LARGEST, RELATED, TIGHTER, TIGHTEST
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
    reviews: list[tuple[int, int, float]]
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
    note("candidates")
    found = candidates(columns)
    frequencies = columns.frequencies() if fit else start.frequencies
    model = replace(start, frequencies=frequencies)
    comparer = Comparer(columns, frequencies, cores)
    note("comparing")
    pairs = comparer.compare(found)
    if fit:
        note("learning weights")
        model = fitted(comparer, pairs, model, _verdicts(same, apart))
    note("judging")
    same_odds, mates = odds(pairs, comparer, model)
    judged = _Judged(len(columns), found, same_odds, pairs.against(columns.generations))
    ruled = _Ruled(same, apart)
    parts, stands = judged.neighbourhoods(FLOOR, ruled, comparer)
    note("completing")
    missing = judged.missing(parts)
    more = comparer.compare(missing)
    more_odds, more_mates = odds(more, comparer, model)
    judged = judged.with_more(missing, more_odds, more.against(columns.generations))
    note("grouping")
    people, reviews = judged.group(parts, model, ruled)
    people = people[stands]
    households = _households(
        np.concatenate([found, missing]), np.concatenate([mates, more_mates]), people, reviews, len(columns)
    )
    return Outcome(columns, model, people, reviews, households, len(found) + len(missing))


def _verdicts(same: Iterable[tuple[int, int]], apart: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bool]:
    told = {(min(pair), max(pair)): True for pair in same}
    return told | {(min(pair), max(pair)): False for pair in apart}


class _Ruled:
    """Pairs of rows on which a person decided, found by either row."""

    def __init__(self, same: Collection[tuple[int, int]], apart: Collection[tuple[int, int]]) -> None:
        self._same, self._apart = _by_row(same), _by_row(apart)
        self.pairs = sorted({(min(pair), max(pair)) for pair in (*same, *apart)})
        self.rows = sorted({row for pair in self.pairs for row in pair})

    def within(self, rows: list[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Of those joined and of those kept apart, the ones inside ``rows``, by their places there."""
        at = {row: place for place, row in enumerate(rows)}
        return _inside(self._same, at), _inside(self._apart, at)


_ByRow = dict[int, list[tuple[int, int]]]


def _by_row(pairs: Iterable[tuple[int, int]]) -> _ByRow:
    found: _ByRow = {}
    for pair in pairs:
        found.setdefault(pair[0], []).append(pair)
    return found


def _inside(pairs: _ByRow, at: dict[int, int]) -> list[tuple[int, int]]:
    return [(at[one], at[other]) for row in at for one, other in pairs.get(row, ()) if other in at]


class _Judged:
    """Pairs with their odds, sorted by pair."""

    def __init__(self, rows: int, pairs: Ints, same_odds: Floats, against: Ints) -> None:
        self.rows, self.pairs, self.odds, self.against = rows, pairs, same_odds, against

    def with_more(self, pairs: Ints, same_odds: Floats, against: Ints) -> _Judged:
        """The same with further pairs."""
        both = np.concatenate([self.pairs, pairs])
        order = np.argsort(both, kind="stable")
        odds_of = np.concatenate([self.odds, same_odds])[order]
        return _Judged(self.rows, both[order], odds_of, np.concatenate([self.against, against])[order])

    def neighbourhoods(self, floor: float, ruled: _Ruled, comparer: Comparer) -> tuple[list[Ints], Ints]:
        """Rows that are linked, by what they say or by a person's decision, directly or over others, in groups of two
        and more; and for each row the one that stands for it there."""
        ties = np.array([first * self.rows + second for first, second in ruled.pairs], np.int64)
        stands = np.arange(self.rows)
        fitting: list[Ints] = []
        for each in _connected(self.rows, np.concatenate([self.pairs[self.odds > floor], ties])):
            if len(each) > LARGEST:
                stands[each] = np.where(np.isin(each, ruled.rows), each, comparer.first_alike(each))
                fitting += self._loosened(np.unique(stands[each]), floor, stands, ties)
            else:
                fitting.append(each)
        return [each for each in fitting if len(each) > 1], stands

    def _loosened(self, rows: Ints, floor: float, stands: Ints, ties: Ints) -> list[Ints]:
        """A neighbourhood, taken apart along its weakest links if it is too large."""
        if len(rows) <= LARGEST or floor > TIGHTEST:
            return [rows]
        inside = np.zeros(self.rows, bool)
        inside[rows] = True
        links = np.concatenate([self.pairs[self.odds > floor], ties])
        first, second = stands[links // self.rows], stands[links % self.rows]
        kept = inside[first] & inside[second]
        found: list[Ints] = []
        for each in _connected(self.rows, first[kept] * self.rows + second[kept]):
            found += self._loosened(each, floor + TIGHTER, stands, ties)
        return found

    def missing(self, parts: list[Ints]) -> Ints:
        """Pairs within a neighbourhood that no key had brought together."""
        wanted = [_all_pairs(stack, self.rows).ravel() for stack in _by_size(parts) if stack.shape[1] <= LARGEST]
        every = np.concatenate(wanted) if wanted else np.empty(0, np.int64)
        if not len(self.pairs):
            return every
        there = np.minimum(np.searchsorted(self.pairs, every), len(self.pairs) - 1)
        found: Ints = np.sort(every[self.pairs[there] != every])
        return found

    def group(self, parts: list[Ints], model: Model, ruled: _Ruled) -> tuple[Ints, list[tuple[int, int, float]]]:
        """For each row the first row of its person, and the pairs to review."""
        people = np.arange(self.rows)
        reviews: list[tuple[int, int, float]] = []
        for stack in _by_size(parts):
            if stack.shape[1] > LARGEST:  # links that strong speak for themselves
                people[stack] = stack[:, :1]
                continue
            at = np.searchsorted(self.pairs, _all_pairs(stack, self.rows))
            told, against = self.odds[at], self.against[at]
            free = ~np.isin(stack, ruled.rows).any(axis=1)
            one = free & (told >= model.join_at).all(axis=1)
            people[stack[one]] = stack[one][:, :1]
            none = free & (told < model.review_at).all(axis=1)
            left = ~one & ~none
            for rows, values, unlike in zip(
                stack[left].tolist(), told[left].tolist(), against[left].tolist(), strict=True
            ):
                reviews += _part(rows, values, unlike, model, ruled, people)
        return people, reviews


def _part(
    rows: list[int], values: list[float], against: list[int], model: Model, ruled: _Ruled, people: Ints
) -> list[tuple[int, int, float]]:
    """Group one neighbourhood; ``values``: odds of its pairs, row by row of the upper triangle; ``against``: what
    contradicts in each."""
    size = len(rows)
    matrix, voices = ([[0.0] * size for _ in rows] for _ in range(2))
    told = iter(zip(values, map(Against, against), strict=True))
    for first in range(size):
        for second in range(first + 1, size):
            value, contradicts = next(told)
            matrix[first][second] = matrix[second][first] = value
            voices[first][second] = voices[second][first] = voice(value, model.priors[0], contradicts)
    bound, barred = ruled.within(rows)
    groups = average_link(voices, model.join_at, bound, barred)
    for group in groups:
        people[[rows[place] for place in group]] = rows[group[0]]
    return _reviews(rows, matrix, groups, barred, model)


def _reviews(
    rows: list[int],
    matrix: list[list[float]],
    groups: list[list[int]],
    barred: Collection[tuple[int, int]],
    model: Model,
) -> list[tuple[int, int, float]]:
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    ruled = {frozenset((group_of[a], group_of[b])) for a, b in barred}
    found = []
    for first, ours in enumerate(groups):
        for second in range(first + 1, len(groups)):
            if frozenset((first, second)) in ruled:
                continue
            loudest = max((matrix[a][b], -a, -b) for a in ours for b in groups[second])
            if loudest[0] >= model.review_at:
                found.append((rows[-loudest[1]], rows[-loudest[2]], loudest[0]))
    return found


def _connected(rows: int, pairs: Ints) -> list[Ints]:
    """Rows linked by pairs, in ascending order, in groups of two and more."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while (above := parent.setdefault(row, row)) != row:
            parent[row] = parent[above]
            row = above
        return row

    for first, second in zip((pairs // rows).tolist(), (pairs % rows).tolist(), strict=True):
        one, other = root(first), root(second)
        if one != other:
            parent[max(one, other)] = min(one, other)
    members: dict[int, list[int]] = {}
    for row in sorted(parent):
        members.setdefault(root(row), []).append(row)
    return [np.array(each, np.int64) for each in members.values()]


def _by_size(parts: list[Ints]) -> Iterable[Ints]:
    """Neighbourhoods of one size, stacked."""
    sizes: dict[int, list[Ints]] = {}
    for each in parts:
        sizes.setdefault(len(each), []).append(each)
    for size in sorted(sizes):
        yield np.stack(sizes[size])


def _all_pairs(stack: Ints, rows: int) -> Ints:
    """All pairs of each row of the stack, row by row of the upper triangle."""
    first, second = np.triu_indices(stack.shape[1], 1)
    found: Ints = stack[:, first] * rows + stack[:, second]
    return found


def _households(
    pairs: Ints, mates: Floats, people: Ints, reviews: list[tuple[int, int, float]], rows: int
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
