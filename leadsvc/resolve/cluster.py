"""Which inquiries of a neighbourhood are one person: groups grown by average agreement, the strongest first.

One strong link never decides for a group: two groups become one when, on average over all pairs across, "same person"
is the better explanation, so that a chain of acquaintances does not become a blob. The result depends on the set of
inquiries only; equal averages are settled by the order of the rows, which the caller fixes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from math import inf

CLIP = 6.0
"""Natural log odds beyond which one pair speaks no louder."""

_NEUTRAL = 1.0  # how much a pair that tells too little speaks against: one of many does not outvote one that tells


class Against(IntEnum):
    """What contradicts in a pair, whatever else agrees: nothing, the first names, or that one is the elder and the
    other the younger."""

    NOTHING = 0
    FIRST_NAME = 1
    GENERATION = 2


def voice(odds: float, prior: float, against: Against) -> float:
    """How a pair speaks for or against two groups being one person, from its natural log odds and those of any pair.

    A pair may fail to convince for want of anything to compare: an inquiry with an address only and one with a number
    only neither agree nor contradict, though one person may have written both. Such a pair says little against. A pair
    whose fields contradict says how much they do, and where the first names do, nothing that agrees besides makes up
    for it. Father and son are never joined, however many inquiries that leave out which of the two wrote are between.
    """
    if against is Against.GENERATION:
        return -inf
    if odds >= 0:
        return min(odds, CLIP)
    if against is Against.FIRST_NAME:
        return max(odds, -CLIP)
    evidence = odds - prior
    if evidence >= 0:
        return max(odds, -_NEUTRAL)
    return max(evidence - _NEUTRAL, -CLIP)


def average_link(
    voices: Sequence[Sequence[float]],
    threshold: float,
    together: Collection[tuple[int, int]] = (),
    apart: Collection[tuple[int, int]] = (),
) -> list[list[int]]:
    """Group the rows of a symmetric matrix of voices; groups and their members in ascending order.

    ``together``: pairs that a person joined, whatever they say. ``apart``: pairs that never share a group; they outrank
    chains of ``together`` but not a direct one.
    """
    members = {row: [row] for row in range(len(voices))}
    means = {row: {other: voices[row][other] for other in members if other != row} for row in members}
    barred = {row: set[int]() for row in members}
    for one, other in apart:
        barred[one].add(other)
        barred[other].add(one)
    for one, other in sorted(together):
        first, second = sorted((_group_of(members, one), _group_of(members, other)))
        if first != second and second not in barred[first]:
            _unite(members, means, barred, first, second, _louder)
    best = {row: _best(means, barred, row) for row in members}
    while True:
        row = max(best, key=lambda each: (best[each][0], -each), default=None)
        if row is None or best[row][0] < threshold:
            return sorted(sorted(each) for each in members.values())
        gone = -best[row][1]
        _unite(members, means, barred, row, gone, _mean)
        del best[gone]
        for third, (_, other) in best.items():
            if third == row or -other in {row, gone}:
                best[third] = _best(means, barred, third)
            elif third < row and row not in barred[third]:
                best[third] = max(best[third], (means[third][row], -row))


def _best(means: dict[int, dict[int, float]], barred: dict[int, set[int]], row: int) -> tuple[float, int]:
    """The group after ``row`` that agrees with it best: its mean, and its number, negative so that the first of equals
    is the greatest."""
    return max(
        ((mean, -other) for other, mean in means[row].items() if other > row and other not in barred[row]),
        default=(-inf, 0),
    )


def _group_of(members: dict[int, list[int]], row: int) -> int:
    return next(group for group, rows in members.items() if row in rows)


Blend = Callable[[float, int, float, int], float]
"""From what two groups say of a third, each with its size, what they say together."""


def _mean(ours: float, our_size: int, theirs: float, their_size: int) -> float:
    return (ours * our_size + theirs * their_size) / (our_size + their_size)


def _louder(ours: float, our_size: int, theirs: float, their_size: int) -> float:
    """People united by a verdict may be unlike: who resembles one of them resembles the person."""
    return max(ours, theirs)


def _unite(
    members: dict[int, list[int]],
    means: dict[int, dict[int, float]],
    barred: dict[int, set[int]],
    one: int,
    other: int,
    blend: Blend,
) -> None:
    """Put group ``other`` into ``one``."""
    ours, theirs = len(members[one]), len(members[other])
    gone = means.pop(other)
    for third, row in means.items():
        if third == one:
            row.pop(other)
            continue
        mean = blend(means[one][third], ours, gone[third], theirs)
        row.pop(other)
        row[one] = means[one][third] = mean
    members[one] += members.pop(other)
    barred[one] |= barred.pop(other)
    for blocked in barred.values():
        if other in blocked:
            blocked.add(one)
            blocked.discard(other)
