"""What takes a look at the letters: asked once for each distinct pair of texts, where arithmetic leaves it open.

A set of letters kept as bits tells of most pairs that no slip of the fingers lies between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from leadsvc.dedup.arrays import Flags, Ints

_BITS = 61
_END = "\x1e"  # stands in no text of a column; at the end of each its bit tells nothing apart


def bits(texts: Sequence[str]) -> Ints:
    """For each text a number with a bit for each letter in it."""
    if not texts:
        return np.zeros(1, np.int64)
    letters = np.frombuffer(_END.join([*texts, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    begins = np.append(0, np.flatnonzero(letters == ord(_END))[:-1] + 1)
    found: Ints = np.bitwise_or.reduceat(np.int64(1) << (letters % _BITS).astype(np.int64), begins)
    return found


def within_slips(ones: Ints, others: Ints, slips: Ints | int) -> Flags:
    """Whether so few slips can lie between texts of such letters: one takes a letter out and puts another in."""
    found: Flags = np.bitwise_count(ones ^ others) <= 2 * slips
    return found


def once(ones: Ints, others: Ints, compare: Callable[[int, int], int]) -> Ints:
    """``compare`` asked once for each distinct pair of codes, whichever of them comes first."""
    size = int(max(ones.max(initial=0), others.max(initial=0))) + 1
    pairs, back = np.unique(np.minimum(ones, others) * size + np.maximum(ones, others), return_inverse=True)
    told = np.array([compare(pair // size, pair % size) for pair in pairs.tolist()], np.int8)
    found: Ints = told[back]
    return found
