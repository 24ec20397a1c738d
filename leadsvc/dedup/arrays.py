"""Numbers in bulk: the kinds of arrays in use, and sets of tens of millions of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def distinct(values: Ints) -> Ints:
    """The values in ascending order, each once. ``np.unique`` would hash them first, which takes ten times as long."""
    ordered = np.sort(values)
    found: Ints = ordered[_changes(ordered)]
    return found


def distinct_both(ones: Ints, others: Ints) -> tuple[Ints, Ints]:
    """Pairs of numbers from -1 on, each pair once, in ascending order."""
    size = int(others.max(initial=0)) + 2
    pairs = distinct((ones + 1) * size + others + 1)
    return pairs // size - 1, pairs % size - 1


def starts(ordered: Ints) -> Ints:
    """Where each run of equal values begins, and the end."""
    return np.append(np.flatnonzero(_changes(ordered)), len(ordered))


def _changes(ordered: Ints) -> Flags:
    """Where a value differs from the one before it."""
    found = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=found[1:])
    return found
