"""Groups grown by average agreement: what joins, what never does, and that the order of rows plays no part."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.resolve.cluster import CLIP, Against, average_link, voice

Pairs = list[tuple[int, int]]


def matrix(size: int, told: dict[tuple[int, int], float], other: float = -4.0) -> list[list[float]]:
    """Voices of pairs, ``other`` for those that are not named."""
    rows = [[other] * size for _ in range(size)]
    for (one, two), value in told.items():
        rows[one][two] = rows[two][one] = value
    return rows


@st.composite
def voices(draw: st.DrawFn) -> list[list[float]]:
    """Distinct voices for every pair of up to nine rows; about as many speak for as against."""
    size = draw(st.integers(0, 9))
    pairs = list(combinations(range(size), 2))
    values = draw(st.permutations(range(len(pairs)))) if pairs else []
    middle = draw(st.integers(0, len(pairs)))
    noise = Random(draw(st.integers(0, 999)))
    told = {pair: (value - middle) / 3 + noise.random() / 10 for pair, value in zip(pairs, values, strict=True)}
    return matrix(size, told)


VERDICTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] != pair[1]), max_size=4)


def inside(pairs: Pairs, size: int) -> Pairs:
    return [pair for pair in pairs if max(pair) < size]


def naive(rows: list[list[float]], threshold: float) -> list[list[int]]:
    """The same by its definition: all means anew at every step."""
    groups = [[row] for row in range(len(rows))]
    while len(groups) > 1:
        means = {
            (a, b): sum(rows[one][two] for one in groups[a] for two in groups[b]) / (len(groups[a]) * len(groups[b]))
            for a, b in combinations(range(len(groups)), 2)
        }
        (a, b), best = max(means.items(), key=lambda item: item[1])
        if best < threshold:
            break
        groups[a] += groups.pop(b)
    return sorted(sorted(each) for each in groups)


@given(voices(), st.sampled_from([-1.0, 0.0, 1.5]))
def test_it_is_average_link(rows: list[list[float]], threshold: float) -> None:
    assert average_link(rows, threshold) == naive(rows, threshold)


@given(voices(), VERDICTS, VERDICTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_plays_no_part(rows: list[list[float]], same: Pairs, apart: Pairs, random: Random) -> None:
    size = len(rows)
    order = random.sample(range(size), size)  # row `place` of the shuffled ones is row order[place]
    back = {row: place for place, row in enumerate(order)}
    mixed = [[rows[one][two] for two in order] for one in order]
    apart = inside(apart, size)
    moved = [(back[a], back[b]) for a, b in apart]
    # Where verdicts contradict each other over a chain, one gives way; the order of rows settles which.
    bound = inside(same, size) if not apart else []
    found = average_link(mixed, 0.0, [(back[a], back[b]) for a, b in bound], moved)
    assert sorted(sorted(order[place] for place in group) for group in found) == average_link(rows, 0.0, bound, apart)


@given(voices(), VERDICTS, VERDICTS)
def test_verdicts_stick(rows: list[list[float]], same: Pairs, apart: Pairs) -> None:
    apart = inside(apart, len(rows))
    groups = average_link(rows, 0.0, inside(same, len(rows)), apart)
    of = {row: number for number, group in enumerate(groups) for row in group}
    assert sorted(of) == list(range(len(rows)))
    assert all(of[one] != of[two] for one, two in apart)
    if not apart:
        assert all(of[one] == of[two] for one, two in inside(same, len(rows)))


def test_one_strong_link_does_not_join_two_groups() -> None:
    two_people = {(0, 1): 6.0, (2, 3): 6.0, (1, 2): 5.0}
    assert average_link(matrix(4, two_people), 0.0) == [[0, 1], [2, 3]]
    assert average_link(matrix(4, two_people, other=-1.0), 0.0) == [[0, 1, 2, 3]]


def test_a_chain_of_acquaintances_is_no_blob() -> None:
    chain = {(row, row + 1): 5.0 - row / 10 for row in range(9)}
    assert max(map(len, average_link(matrix(10, chain), 0.0))) <= 3


NOTHING, FIRST_NAME, GENERATION = Against


@pytest.mark.parametrize(
    ("odds", "prior", "against", "told"),
    [
        (2.0, -8.0, NOTHING, 2.0),
        (50.0, -8.0, NOTHING, CLIP),
        (50.0, -8.0, FIRST_NAME, CLIP),
        (-0.5, -8.0, NOTHING, -0.5),
        (-7.0, -8.0, NOTHING, -1.0),
        (-8.0, -8.0, NOTHING, -1.0),
        (-10.0, -8.0, NOTHING, -3.0),
        (-40.0, -8.0, NOTHING, -CLIP),
        (-4.0, -8.0, FIRST_NAME, -4.0),
        (-40.0, -8.0, FIRST_NAME, -CLIP),
        (50.0, -8.0, GENERATION, -math.inf),
    ],
)
def test_how_a_pair_speaks(odds: float, prior: float, against: Against, told: float) -> None:
    """What tells too little speaks softly; what contradicts says how much it does."""
    assert voice(odds, prior, against) == told


@given(st.floats(-50, 50), st.floats(-50, 50), st.sampled_from(Against))
def test_more_agreement_never_speaks_softer(one: float, other: float, against: Against) -> None:
    low, high = sorted((one, other))
    assert voice(low, -8.0, against) <= voice(high, -8.0, against)


@pytest.mark.parametrize("between", [1, 2, 9])
def test_no_number_of_rows_between_joins_what_is_never_one(between: int) -> None:
    """Rows 0 and 1 are father and son, all others agree with everybody."""
    told = {(0, 1): -math.inf}
    groups = average_link(matrix(2 + between, told, other=CLIP), 0.0)
    assert [0 in each and 1 in each for each in groups] == [False, False]
    assert average_link(matrix(2 + between, told, other=CLIP), 0.0, together=[(0, 1)]) == [list(range(2 + between))]
