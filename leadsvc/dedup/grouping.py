"""Neighbourhoods, and who is who in them: :func:`leadsvc.resolve.engine.partition` over arrays.

Groups are joined where they agree on average, so at least one pair across agrees enough to join. What such pairs link
is therefore grouped by itself, and nearly all of it agrees throughout: only the rest is grown group by group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from leadsvc.dedup.arrays import Flags, Floats, Ints
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.graph import Groups, all_pairs, connected, of_arrays, together
from leadsvc.resolve.cluster import Against, average_link, voice
from leadsvc.resolve.engine import LARGEST, TIGHTER, TIGHTEST
from leadsvc.resolve.model import Model

Review = tuple[int, int, float]
"""Two rows that stand for two people whom somebody should look at, with natural log odds."""

_WORTH, _MOST = 4_000, 2_000  # groups grown: beside which another process is worth while, and at a time


class Ruled:
    """Pairs of rows on which a person decided, found by either row."""

    def __init__(self, same: Collection[tuple[int, int]], apart: Collection[tuple[int, int]]) -> None:
        self._same, self._apart = _by_row(same), _by_row(apart)
        pairs = sorted({(min(pair), max(pair)) for pair in (*same, *apart)})
        self.pairs = np.array(pairs, np.int64).reshape(-1, 2)
        self.rows = np.unique(self.pairs)

    @property
    def verdicts(self) -> dict[tuple[int, int], bool]:
        """Whether the two of a pair are one; the rows of each in ascending order."""
        ruled = {True: self._same, False: self._apart}
        return {
            (min(pair), max(pair)): one for one, by_row in ruled.items() for pairs in by_row.values() for pair in pairs
        }

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


class Judged:
    """Pairs (``first * rows + second``) with their odds, sorted by pair; ``against``: what contradicts in each."""

    def __init__(self, rows: int, pairs: Ints, same_odds: Floats, against: Ints) -> None:
        self.rows, self.pairs, self.odds, self.against = rows, pairs, same_odds, against

    def with_more(self, pairs: Ints, same_odds: Floats, against: Ints) -> Judged:
        """The same with further pairs, which are sorted, too."""
        at = np.searchsorted(self.pairs, pairs)
        return Judged(
            self.rows,
            np.insert(self.pairs, at, pairs),
            np.insert(self.odds, at, same_odds),
            np.insert(self.against, at, against),
        )

    def neighbourhoods(self, floor: float, ruled: Ruled, comparer: Comparer) -> tuple[Groups, Ints]:
        """Rows that are linked, by what they say or by a person's decision, directly or over others, in groups of two
        and more; and for each row the one that stands for it there."""
        links = _Links(self, floor, ruled.pairs)
        found = connected(links.first, links.second)
        stands = np.arange(self.rows)
        large = np.flatnonzero(found.sizes > LARGEST)
        if not len(large):
            return found, stands
        parts: list[Groups] = []
        done = 0
        for number in large.tolist():
            rows = found[number]
            stands[rows] = np.where(np.isin(rows, ruled.rows), rows, comparer.first_alike(rows))
            kept = np.unique(stands[rows])
            loose = [each for each in _loosened(kept, floor, links.among(kept, stands)) if len(each) > 1]
            parts += [found.between(done, number), of_arrays(loose)]
            done = number + 1
        return together([*parts, found.between(done, len(found))]), stands

    def missing(self, parts: Groups) -> Ints:
        """Pairs within a neighbourhood that no key had brought together."""
        wanted = [all_pairs(stack, self.rows).ravel() for stack in parts.by_size() if stack.shape[1] <= LARGEST]
        every = np.concatenate(wanted) if wanted else np.empty(0, np.int64)
        if not len(self.pairs):
            return every
        there = np.minimum(np.searchsorted(self.pairs, every), len(self.pairs) - 1)
        found: Ints = np.sort(every[self.pairs[there] != every])
        return found

    def group(self, parts: Groups, model: Model, ruled: Ruled, cores: Cores) -> tuple[Ints, list[Review]]:
        """For each row the first row of its person, and the pairs to review."""
        people = np.arange(self.rows)
        part_of = parts.numbered(self.rows)
        decided = np.zeros(len(parts) + 1, bool)  # the last stands for no part
        decided[part_of[ruled.rows]] = True
        decided[-1] = False
        large = np.append(parts.sizes > LARGEST, False)  # links that strong speak for themselves
        for number in np.flatnonzero(large).tolist():
            people[parts[number]] = parts[number][0]
        told = np.flatnonzero(self.odds >= model.review_at)
        ours = part_of[self.pairs[told] // self.rows]
        inside = (ours != -1) & (ours == part_of[self.pairs[told] % self.rows]) & ~large[ours] & ~decided[ours]
        told = told[inside]
        self._join(told[self.odds[told] >= model.join_at], people, model, cores)
        reviews = self._loudest(told, people)
        for number in np.flatnonzero(decided & ~large).tolist():
            reviews += self._decided(parts[number], model, ruled, people)
        return people, sorted(reviews, key=lambda each: (people[each[0]], people[each[1]]))

    def _join(self, joining: Ints, people: Ints, model: Model, cores: Cores) -> None:
        """Groups of rows that these pairs link."""
        first, second = self.pairs[joining] // self.rows, self.pairs[joining] % self.rows
        found = connected(first, second)
        sizes = found.sizes
        agreeing = np.bincount(found.numbered(self.rows)[first], minlength=len(found))
        one: Flags = agreeing == sizes * (sizes - 1) // 2  # whoever is linked to everybody is joined to everybody
        people[found.rows] = np.where(np.repeat(one, sizes), np.repeat(found.firsts, sizes), found.rows)
        rest = np.flatnonzero(~one)

        def grown(which: slice) -> tuple[Ints, Ints]:
            return self._grown(found.only(rest[which]), model)

        for rows, firsts in cores.over(grown, len(rest), worth=_WORTH, most=_MOST):
            people[rows] = firsts

    def _grown(self, parts: Groups, model: Model) -> tuple[Ints, Ints]:
        """The rows of these parts, and for each the first one of its group."""
        rows: list[Ints] = [np.empty(0, np.int64)]
        firsts: list[Ints] = [np.empty(0, np.int64)]
        for stack in parts.by_size():
            told, against = self._told(stack)
            first = stack.copy()
            for number, (values, unlike) in enumerate(zip(told.tolist(), against.tolist(), strict=True)):
                for group in average_link(_voices(values, unlike, stack.shape[1], model), model.join_at):
                    first[number, group] = stack[number, group[0]]
            rows.append(stack.ravel())
            firsts.append(first.ravel())
        return np.concatenate(rows), np.concatenate(firsts)

    def _told(self, stack: Ints) -> tuple[Floats, Ints]:
        """The odds of all pairs of each row of the stack, and what contradicts in each."""
        at = np.searchsorted(self.pairs, all_pairs(stack, self.rows))
        return self.odds[at], self.against[at]

    def _loudest(self, told: Ints, people: Ints) -> list[Review]:
        """Of pairs that join or should be looked at, for each two people the one that says so loudest, that of the
        first rows where several do; the row of the person who wrote first stands first."""
        first, second = self.pairs[told] // self.rows, self.pairs[told] % self.rows
        other = people[first] != people[second]
        first, second, odds = first[other], second[other], self.odds[told][other]
        turned = people[first] > people[second]
        first, second = np.where(turned, second, first), np.where(turned, first, second)
        order = np.lexsort((second, first, -odds, people[second], people[first]))
        first, second, odds = first[order], second[order], odds[order]
        both = people[first] * self.rows + people[second]
        new = np.ones(len(both), bool)
        new[1:] = both[1:] != both[:-1]
        return list(zip(first[new].tolist(), second[new].tolist(), odds[new].tolist(), strict=True))

    def _decided(self, part: Ints, model: Model, ruled: Ruled, people: Ints) -> list[Review]:
        """Group a neighbourhood about which somebody has decided."""
        rows = part.tolist()
        told, against = (each[0].tolist() for each in self._told(part[None]))
        matrix = _square(told, len(rows))
        bound, barred = ruled.within(rows)
        found = average_link(_voices(told, against, len(rows), model), model.join_at, bound, barred)
        for group in found:
            people[part[group]] = rows[group[0]]
        group_of = {place: number for number, group in enumerate(found) for place in group}
        settled = {frozenset((group_of[a], group_of[b])) for a, b in barred}
        reviews = []
        for first, ours in enumerate(found):
            for second in range(first + 1, len(found)):
                if frozenset((first, second)) in settled:
                    continue
                loudest = max((matrix[a][b], -a, -b) for a in ours for b in found[second])
                if loudest[0] >= model.review_at:
                    reviews.append((rows[-loudest[1]], rows[-loudest[2]], loudest[0]))
        return reviews


def _voices(told: list[float], against: list[int], size: int, model: Model) -> list[list[float]]:
    prior = model.priors[0]
    return _square([voice(value, prior, Against(each)) for value, each in zip(told, against, strict=True)], size)


def _square(triangle: list[float], size: int) -> list[list[float]]:
    """A symmetric matrix from its upper triangle, row by row."""
    found = [[0.0] * size for _ in range(size)]
    values = iter(triangle)
    for first in range(size):
        for second in range(first + 1, size):
            found[first][second] = found[second][first] = next(values)
    return found


class _Links:
    """Pairs that make neighbours, by row, with their odds; a person's decision is as strong as can be."""

    def __init__(self, judged: Judged, floor: float, decided: Ints) -> None:
        which = np.flatnonzero(judged.odds > floor)
        pairs = judged.pairs[which]
        self.first = np.concatenate([pairs // judged.rows, decided[:, 0]])
        self.second = np.concatenate([pairs % judged.rows, decided[:, 1]])
        self.odds = np.concatenate([judged.odds[which], np.full(len(decided), np.inf)])

    def among(self, kept: Ints, stands: Ints) -> tuple[Ints, Ints, Floats]:
        """Those within some rows, which stand for others."""
        inside = np.zeros(len(stands), bool)
        inside[kept] = True
        first, second = stands[self.first], stands[self.second]
        which = inside[first] & inside[second]
        return first[which], second[which], self.odds[which]


def _loosened(rows: Ints, floor: float, links: tuple[Ints, Ints, Floats]) -> list[Ints]:
    """A neighbourhood, taken apart along its weakest links if it is too large."""
    if len(rows) <= LARGEST or floor > TIGHTEST:
        return [rows]
    first, second, odds = links
    kept = (odds > floor) & np.isin(first, rows) & np.isin(second, rows)
    links = first[kept], second[kept], odds[kept]
    parts = connected(links[0], links[1])
    return [loose for number in range(len(parts)) for loose in _loosened(parts[number], floor + TIGHTER, links)]
