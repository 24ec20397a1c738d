"""Which rows are compared, and what comes of it: candidates by key, and pairs with their levels.

Every level here equals what the engine says of the same two traces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadsvc.dedup.arrays import Flags, Floats, Ints, distinct, starts
from leadsvc.dedup.columns import NONE, Coded, Columns
from leadsvc.resolve import levels as one_by_one
from leadsvc.resolve.cluster import Against
from leadsvc.resolve.keys import CAP
from leadsvc.resolve.levels import FIELDS, HUB, Email, Gap, Move, Phone, Thread
from leadsvc.resolve.likeness import Family, Given
from leadsvc.resolve.model import (
    EMAIL,
    FAMILY,
    GIVEN,
    PHONE,
)

POSITION = {name: place for place, (name, _) in enumerate(FIELDS)}


def candidates(columns: Columns) -> Ints:
    """Pairs of rows that share a key, as ``first * rows + second``, sorted. A key over the cap is left out whole; a
    contact value that many inquiries of few people have links each to the next."""
    order = np.argsort(columns.keys)
    found = [_within(columns.key_rows[order], starts(columns.keys[order]), len(columns))]
    for column in (columns.emails, columns.phones, columns.threads):
        found.append(_chains(column, columns))
    return distinct(np.concatenate(found))


def _within(rows: Ints, begin: Ints, count: int) -> Ints:
    """All pairs within runs of 2 to :data:`CAP` rows."""
    sizes = np.diff(begin)
    found = []
    for size in range(2, CAP + 1):
        begins = begin[:-1][sizes == size]
        if len(begins):
            groups = np.sort(rows[begins[:, None] + np.arange(size)], axis=1)
            first, second = np.triu_indices(size, 1)
            found.append((groups[:, first] * count + groups[:, second]).ravel())
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _chains(column: Coded, columns: Columns) -> Ints:
    """Each row with the next of the same value and first name, where a value is over the cap and no hub."""
    counts = np.bincount(column.codes[column.codes != NONE], minlength=len(column.texts))
    busy = [code for code in np.flatnonzero(counts > CAP) if columns.crowd(column.texts[code]) <= HUB]
    found = []
    for code in busy:
        rows = np.flatnonzero(column.codes == code)
        rows = rows[np.argsort(columns.first_names[rows], kind="stable")]
        found.append(np.minimum(rows[:-1], rows[1:]) * len(columns) + np.maximum(rows[:-1], rows[1:]))
    return np.concatenate(found) if found else np.empty(0, np.int64)


@dataclass(frozen=True)
class Pairs:
    """Rows compared. ``levels``: one column for each field; crowds are 0 where values are not equal."""

    first: Ints
    second: Ints
    levels: Ints
    email_crowd: Ints
    phone_crowd: Ints

    def __len__(self) -> int:
        return len(self.first)

    @property
    def contradicted(self) -> Flags:
        """Where first names are different ones; see :attr:`leadsvc.resolve.levels.Compared.contradicted`."""
        given = self.levels[:, GIVEN]
        found: Flags = (given == Given.DIFFERENT) | (given == Given.OTHER)
        return found

    def against(self, generations: Ints) -> Ints:
        """What contradicts in each pair (:class:`Against`). ``generations``: of each row, :data:`NONE` for none."""
        ours, theirs = generations[self.first], generations[self.second]
        elder = (ours != NONE) & (theirs != NONE) & (ours != theirs)
        return np.where(elder, Against.GENERATION, self.contradicted * Against.FIRST_NAME).astype(np.int8)

    @property
    def shared(self) -> Flags:
        """See :attr:`leadsvc.resolve.levels.Compared.shared`."""
        found: Flags = (self.email_crowd > 0) | (self.phone_crowd > 0)
        return found

    @property
    def most(self) -> Floats:
        """See :attr:`leadsvc.resolve.levels.Compared.most`."""
        email, phone, given, family = (self.levels[:, each] for each in (EMAIL, PHONE, GIVEN, FAMILY))
        equal = (email == Email.SAME) | (phone == Phone.SAME) | (self.levels[:, POSITION["thread"]] == Thread.SAME)
        shared = (given == Given.OTHER) | (self.contradicted & (email < Email.NEAR))
        unlike = self.contradicted | (family == Family.DIFFERENT)
        slipped, near = phone == Phone.NEAR, (phone == Phone.NEAR) | (email >= Email.LOCAL)
        named = (given >= Given.VARIANT) & (family == Family.SAME)
        against = (email == Email.DIFFERENT) | ((email == Email.NEAR) & ~named)
        gap = self.levels[:, POSITION["gap"]]
        together = (gap <= Gap.WEEK) & (self.levels[:, POSITION["move_in"]] == Move.SAME)
        others = (email == Email.DIFFERENT) & (phone != Phone.MISSING)
        alone = ((family == Family.MISSING) & ~together) | others | (gap >= Gap.SEASON)
        return np.select(
            [equal & shared, equal, unlike, slipped & against, near, alone],
            [one_by_one.SHARED, np.inf, one_by_one.UNLIKE, one_by_one.RESEMBLANCE, np.inf, one_by_one.NAME_ALONE],
            np.inf,
        )

    def only(self, which: Flags | slice) -> Pairs:
        return Pairs(
            self.first[which], self.second[which], self.levels[which], self.email_crowd[which], self.phone_crowd[which]
        )
