"""Weights learned from a store without labels, by expectation and maximisation over three explanations.

Strangers are what random pairs are, so their levels are counted on random pairs, and those of rare values follow from
how often the values occur. The levels of *same* and *household*, and how many such pairs there are, are estimated in
turns with the question which explanation each candidate pair has. The shipped weights take part as if they had been
seen on a few hundred pairs, so that little data moves them little. What reviewers decided counts as seen for certain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from leadsvc.dedup.arrays import Floats, Ints
from leadsvc.dedup.columns import Columns
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.odds import stranger_logs
from leadsvc.dedup.pairs import Pairs
from leadsvc.resolve.levels import FIELDS, NEVER_MISSING
from leadsvc.resolve.model import EMAIL, GIVEN, HOUSEHOLD, ORDER, PHONE, SAME, STRANGER, THREAD, Model, Table

# What is not learned. A conversation agrees or says nothing, so there is nothing to count its agreements against. And
# another first name is what makes somebody another member of a household: learned freely, that explanation would drift
# to namesakes, or to what one person writes.
_KEPT = {SAME: frozenset({THREAD}), HOUSEHOLD: frozenset({THREAD, GIVEN, ORDER})}
_ROUNDS = 25
_ENOUGH = 1e-4  # change of the share of pairs that are one person, at which the rounds end
_SEEN = {SAME: 50.0, HOUSEHOLD: 500.0}  # pairs that the weights one starts from count for, in each field
_RANDOM = 40_000
_MOST = 1_500_000  # candidate pairs looked at; beyond that a sample says the same
_STRANGERS_SEEN = 400.0
_VERDICT = 5.0  # a reviewer's verdict counts for so many pairs

Verdicts = Mapping[tuple[int, int], bool]
"""Pairs of rows on which a person decided: whether they are one."""


def fitted(comparer: Comparer, pairs: Pairs, start: Model, verdicts: Verdicts | None = None) -> Model:
    """Weights for the traces of ``comparer``. ``pairs``: the candidates among them, compared. ``start``: the weights to
    begin with; its frequencies are those of the traces."""
    columns = comparer.columns
    if len(columns) < FEW:
        return start
    model = replace(start, tables={**start.tables, STRANGER: _strangers(columns, comparer, start)})
    scale = 1.0
    if len(pairs) > _MOST:
        which = np.zeros(len(pairs), bool)
        which[np.random.default_rng(_SEED).choice(len(pairs), _MOST, replace=False)] = True
        scale = len(pairs) / _MOST
        pairs = pairs.only(which)
    strangers = stranger_logs(pairs, comparer.shares(pairs, model), model).sum(axis=1)
    known = _known(pairs, verdicts or {})
    seen = _Seen(pairs)
    for _ in range(_ROUNDS):
        before = model.repeats
        model = _round(seen, strangers, known, model, start, len(columns) / scale)
        if abs(model.repeats - before) <= _ENOUGH * before:
            break
    return model


FEW = 200
"""Inquiries below which nothing can be learned."""

_SEED = 20_260


def _strangers(columns: Columns, comparer: Comparer, start: Model) -> Table:
    """How often each level is seen on random pairs, with what was known before counting a little. Equal contact values
    are too rare to be counted so; their share follows from the value. So are names that agree turned round."""
    rng = np.random.default_rng(_SEED)
    one, other = rng.integers(0, len(columns), (2, _RANDOM))
    distinct = one != other
    low, high = np.minimum(one, other)[distinct], np.maximum(one, other)[distinct]
    levels = comparer.compare(np.unique(low * len(columns) + high)).levels
    rows = []
    for place, (name, kinds) in enumerate(FIELDS):
        prior = np.array(start.tables[STRANGER][place])
        if place in {EMAIL, THREAD, PHONE, ORDER}:
            rows.append(start.tables[STRANGER][place])
            continue
        seen = np.bincount(levels[:, place], minlength=len(kinds))
        rows.append(_row(name, seen, prior, _STRANGERS_SEEN))
    return tuple(rows)


def _row(name: str, seen: Floats | Ints, prior: Floats, weight: float) -> tuple[float, ...]:
    """Shares of the levels of a field; what could not be compared is left out and counts as certain."""
    counts, before = seen.astype(float), prior.copy()
    first = 0 if name in NEVER_MISSING else 1
    counts[:first] = before[:first] = 0
    shares = counts + weight * before / before.sum()
    shares /= shares.sum()
    shares[:first] = 1
    return tuple(shares.tolist())


class _Seen:
    """Pairs by what they say. Few combinations of levels make up millions of pairs; the logarithms of each are summed
    up once."""

    def __init__(self, pairs: Pairs) -> None:
        places = [len(kinds) for _, kinds in FIELDS]
        codes = np.ravel_multi_index(tuple(pairs.levels.T.astype(np.int64)), places)
        distinct, self._back = np.unique(codes, return_inverse=True)
        self._levels = np.unravel_index(distinct, places)
        self._of_pairs = [pairs.levels[:, place].astype(np.intp) for place in range(len(FIELDS))]

    def __len__(self) -> int:
        return len(self._back)

    def logs(self, prior: float, table: Table) -> Floats:
        """For each pair the natural log probability of all it says, and of such a pair at all."""
        found = np.full(len(self._levels[0]), prior)
        for level, row in zip(self._levels, table, strict=True):
            found += np.array([math.log(each) for each in row])[level]
        each: Floats = found[self._back]
        return each

    def counts(self, place: int, weights: Floats) -> Floats:
        """How often each level of a field was seen, pairs counted by weight."""
        return np.bincount(self._of_pairs[place], weights=weights, minlength=len(FIELDS[place][1])).astype(np.float64)


def _round(seen: _Seen, strangers: Floats, known: Floats, model: Model, start: Model, size: float) -> Model:
    same, mates = _posteriors(seen, strangers, model)
    same = np.where(known > 0, 1.0, np.where(known < 0, 0.0, same))
    weight = np.where(known != 0, _VERDICT, 1.0)
    tables = dict(model.tables)
    for kind, chance in ((SAME, same), (HOUSEHOLD, mates)):
        weights = chance * weight
        tables[kind] = tuple(
            start.tables[kind][place]
            if place in _KEPT[kind]
            else _row(name, seen.counts(place, weights), np.array(start.tables[kind][place]), _SEEN[kind])
            for place, (name, _) in enumerate(FIELDS)
        )
    least = 1 / size
    return replace(
        model,
        tables=tables,
        repeats=max(float(same.sum()) / size, least),
        mates=max(float(mates.sum()) / size, least),
    )


def _posteriors(seen: _Seen, strangers: Floats, model: Model) -> tuple[Floats, Floats]:
    """For each pair the probabilities of one person and of one household."""
    ours, mates = (seen.logs(model.priors[row], model.tables[kind]) for row, kind in enumerate((SAME, HOUSEHOLD)))
    top = np.maximum(np.maximum(ours, mates), strangers)
    ours, mates, rest = np.exp(ours - top), np.exp(mates - top), np.exp(strangers - top)
    total = ours + mates + rest
    return ours / total, mates / total


def _known(pairs: Pairs, verdicts: Verdicts) -> Floats:
    """1 where a person said that the two are one, -1 where that they are not."""
    if not verdicts:
        return np.zeros(len(pairs))
    told = (
        verdicts.get((first, second)) for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    )
    return np.array([0.0 if each is None else 1.0 if each else -1.0 for each in told])
