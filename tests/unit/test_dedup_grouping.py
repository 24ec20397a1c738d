"""Groups in bulk: what pairs link, and the same people as when a whole neighbourhood is grown group by group."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from leadsvc.dedup.cores import Cores
from leadsvc.dedup.graph import Groups, all_pairs, connected, of_arrays, together
from leadsvc.dedup.grouping import Judged, Ruled
from leadsvc.resolve.cluster import Against, average_link, voice
from leadsvc.resolve.model import Model


def lists(found: Groups) -> list[list[int]]:
    return [found[number].tolist() for number in range(len(found))]


@pytest.mark.parametrize("links", [0, 1, 30, 90, 400])
def test_rows_that_pairs_link_over_others(links: int) -> None:
    random = Random(links)
    pairs = [random.sample(range(100), 2) for _ in range(links)]
    group = {row: {row} for row in range(100)}
    for one, other in pairs:
        both = group[one] | group[other]
        group.update(dict.fromkeys(both, both))
    expected = sorted({tuple(sorted(each)) for each in group.values() if len(each) > 1})
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    found = connected(first, second)
    assert lists(found) == [list(each) for each in expected]
    for number, rows in enumerate(expected):
        assert set(found.numbered(100)[list(rows)]) == {number}
        assert found.firsts[number] == rows[0]
    assert sorted(row for stack in found.by_size() for rows in stack.tolist() for row in rows) == sorted(found.rows)


def test_a_chain_that_comes_in_any_order() -> None:
    links = [(row, row + 1) for row in range(5_000)]
    Random(1).shuffle(links)
    first, second = np.array(links).T
    assert len(connected(second, first)) == 1


def test_some_of_many_groups() -> None:
    found = of_arrays([np.array(each) for each in ([1, 2], [3, 5, 8], [4, 9])])
    assert lists(found.only(np.array([2, 0]))) == [[4, 9], [1, 2]]
    assert lists(found.between(1, 3)) == [[3, 5, 8], [4, 9]]
    assert lists(together([found.between(0, 1), of_arrays([]), found.between(2, 3)])) == [[1, 2], [4, 9]]


@pytest.mark.parametrize("seed", range(40))
def test_people_are_those_of_the_whole_neighbourhood(seed: int) -> None:
    random, model = Random(seed), Model.default()
    size = random.choice((2, 3, 6, 14))
    rows = np.arange(size)
    pairs = all_pairs(rows[None], size)[0]
    odds = np.array([round(random.gauss(0, 6), 1) for _ in pairs])
    against = np.array([random.choice((0, 0, 0, 1, 2)) for _ in pairs])
    odds[against == Against.GENERATION] = -4.0
    voices = np.zeros((size, size))
    for pair, value, unlike in zip(pairs.tolist(), odds.tolist(), against.tolist(), strict=True):
        one, other = divmod(pair, size)
        voices[one, other] = voices[other, one] = voice(value, model.priors[0], Against(unlike))
    groups = average_link(voices.tolist(), model.join_at)
    judged = Judged(size, pairs, odds, against)
    people, reviews = judged.group(of_arrays([rows]), model, Ruled((), ()), Cores(1))
    assert people.tolist() == [next(group[0] for group in groups if row in group) for row in range(size)]
    loudest: dict[tuple[int, int], tuple[float, int, int]] = {}
    for pair, value in zip(pairs.tolist(), odds.tolist(), strict=True):
        one, other = sorted(divmod(pair, size), key=lambda row: int(people[row]))
        if people[one] != people[other] and value >= model.review_at:
            key = int(people[one]), int(people[other])
            loudest[key] = max(loudest.get(key, (value, -one, -other)), (value, -one, -other))
    assert reviews == [(-one, -other, value) for _, (value, one, other) in sorted(loudest.items())]
