"""Rows linked by pairs, in groups: as arrays, since there are millions of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from leadsvc.dedup.arrays import Ints, distinct, starts


@dataclass(frozen=True)
class Groups:
    """Groups of rows, one after the other, the rows of each in ascending order. ``begins``: where each begins, and the
    end."""

    rows: Ints
    begins: Ints

    def __len__(self) -> int:
        return len(self.begins) - 1

    def __getitem__(self, number: int) -> Ints:
        return self.rows[self.begins[number] : self.begins[number + 1]]

    @property
    def sizes(self) -> Ints:
        return np.diff(self.begins)

    @property
    def firsts(self) -> Ints:
        """The first row of each."""
        return self.rows[self.begins[:-1]]

    def numbered(self, count: int) -> Ints:
        """For each of ``count`` rows the number of its group; -1 for none."""
        found = np.full(count, -1)
        found[self.rows] = np.repeat(np.arange(len(self)), self.sizes)
        return found

    def by_size(self) -> Iterator[Ints]:
        """Groups of one size, stacked."""
        for size in distinct(self.sizes).tolist():
            yield self.rows[self.begins[:-1][self.sizes == size][:, None] + np.arange(size)]

    def only(self, numbers: Ints) -> Groups:
        """Some of them, by number."""
        sizes = self.sizes[numbers]
        begins = np.append(0, np.cumsum(sizes))
        return Groups(self.rows[np.repeat(self.begins[numbers] - begins[:-1], sizes) + np.arange(begins[-1])], begins)

    def between(self, first: int, end: int) -> Groups:
        """Those from one number up to another."""
        begins = self.begins[first : end + 1]
        return Groups(self.rows[begins[0] : begins[-1]], begins - begins[0])


def together(parts: Sequence[Groups]) -> Groups:
    """The groups of all parts, one part after the other."""
    sizes = np.concatenate([each.sizes for each in parts])
    return Groups(np.concatenate([each.rows for each in parts]), np.append(0, np.cumsum(sizes)))


def of_arrays(groups: Sequence[Ints]) -> Groups:
    """Groups that are there one by one."""
    rows = np.concatenate(groups) if groups else np.empty(0, np.int64)
    return Groups(rows, np.cumsum([0, *map(len, groups)]))


def connected(first: Ints, second: Ints) -> Groups:
    """Rows that pairs link, directly or over others; the groups in the order of their first rows."""
    rows = distinct(np.concatenate([first, second]))
    one, other = np.searchsorted(rows, first), np.searchsorted(rows, second)
    root = np.arange(len(rows))
    while len(one):
        # Each root that is linked to an earlier one is hung below it, and whoever hung below it follows.
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(above := root[root], root):
            root = above
        one, other = root[one], root[other]
        still = one != other
        one, other = one[still], other[still]
    order = np.argsort(root, kind="stable")
    return Groups(rows[order], starts(root[order]))


def all_pairs(stack: Ints, rows: int) -> Ints:
    """All pairs of each row of the stack, row by row of the upper triangle, as ``first * rows + second``."""
    first, second = np.triu_indices(stack.shape[1], 1)
    found: Ints = stack[:, first] * rows + stack[:, second]
    return found
