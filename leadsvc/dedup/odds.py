"""What pairs come to: the odds of :mod:`leadsvc.resolve.engine` over arrays."""

from __future__ import annotations

import numpy as np

from leadsvc.dedup.arrays import Floats
from leadsvc.dedup.compare import Comparer
from leadsvc.dedup.pairs import Pairs
from leadsvc.resolve.levels import FIELDS
from leadsvc.resolve.model import (
    Model,
)

_WORTH = 400_000  # pairs below which another process costs more than it saves
_MOST = 1_000_000  # pairs whose odds are worked out at a time, to keep memory flat


def odds(pairs: Pairs, comparer: Comparer, model: Model) -> tuple[Floats, Floats]:
    """For each pair the natural log odds of one person, and how probably two of one household share a value; see
    :class:`leadsvc.resolve.engine.Heard`."""

    def judged(which: slice) -> tuple[Floats, Floats]:
        part = pairs.only(which)
        return _odds(part, comparer.shares(part, model), model)

    told = comparer.cores.over(judged, len(pairs), worth=_WORTH, most=_MOST)
    return np.concatenate([each[0] for each in told]), np.concatenate([each[1] for each in told])


def _odds(pairs: Pairs, shares: Floats, model: Model) -> tuple[Floats, Floats]:
    same, household = (np.full(len(pairs), prior) for prior in model.priors)
    stranger = stranger_logs(pairs, shares, model)
    total = np.zeros(len(pairs))
    for place in range(len(FIELDS)):
        level = pairs.levels[:, place]
        same += np.array(model.logs["same"][place])[level]
        household += np.array(model.logs["household"][place])[level]
        total += stranger[:, place]
    top = np.maximum(household, total)
    rest = top + np.log(np.exp(household - top) + np.exp(total - top))
    return np.round(np.minimum(same - rest, pairs.most), 9), np.exp(household - rest) * pairs.shared


def stranger_logs(pairs: Pairs, shares: Floats, model: Model) -> Floats:
    """For each pair and field the natural log probability of its level among strangers."""
    found = np.empty(shares.shape)
    for place in range(len(FIELDS)):
        row = np.array(model.logs["stranger"][place])[pairs.levels[:, place]]
        share = shares[:, place]
        found[:, place] = np.where(share > 0, np.log(np.where(share > 0, share, 1.0)), row)
    return found
