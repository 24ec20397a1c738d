"""Names compared: :func:`leadsvc.resolve.levels.spellings` over arrays.

First names are compared once for each distinct pair of them, and so are last names. Most pairs differ beyond doubt,
which is told from their letters and sounds without a closer look.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import TypeVar

import numpy as np

from leadsvc.dedup.arrays import Flags, Ints
from leadsvc.dedup.columns import NONE, Name
from leadsvc.dedup.letters import bits, once, within_slips
from leadsvc.resolve import likeness
from leadsvc.resolve.likeness import Family, Given
from leadsvc.resolve.names import formal

Words = tuple[str, ...]
Thing = TypeVar("Thing", bound=Hashable)


class Spellings:
    """Distinct names, ready to be compared in pairs."""

    def __init__(self, names: Sequence[Name]) -> None:
        self._names = names
        codes, self._words = _numbered(words for each in names for words in (each.given, each.family))
        self._given, self._family = codes[::2], codes[1::2]
        self._bag = _numbered(tuple(sorted(each.given + each.family)) for each in names)[0]
        self._suffix = _numbered((each.suffix,) if each.suffix else () for each in names)[0]
        self._guessed = np.array([each.guessed for each in names], bool)
        self._known = _Beforehand(self._words)

    def compare(self, ones: Ints, others: Ints) -> tuple[Ints, Ints, Flags]:
        """Levels of first and last names, and whether they had to be turned round."""
        given = self._levels(self._given[ones], self._given[others], self._known.given, likeness.given)
        family = self._levels(self._family[ones], self._family[others], self._known.family, likeness.family)
        unlike = given == Given.DIFFERENT
        turned = unlike & (self._bag[ones] == self._bag[others])
        given[turned], family[turned] = Given.SAME, Family.SAME
        asked = np.flatnonzero(unlike & ~turned & ((family == Family.DIFFERENT) | (family == Family.MISSING)))
        asked = asked[self._perhaps_turned(ones[asked], others[asked])]
        for row, one, other in zip(asked.tolist(), ones[asked].tolist(), others[asked].tolist(), strict=True):
            found = likeness.turned(self._names[one].spelled, self._names[other].spelled)
            if found is not None:
                given[row], family[row], turned[row] = found
        guessed = self._guessed[ones] | self._guessed[others]
        family[guessed & (family == Family.DIFFERENT) & ~turned] = Family.MISSING
        suffixes = self._suffix[ones], self._suffix[others]
        elder = (suffixes[0] != NONE) & (suffixes[1] != NONE) & (suffixes[0] != suffixes[1])
        given[elder & (given != Given.MISSING)] = Given.OTHER
        return given, family, turned

    def _levels(
        self,
        ones: Ints,
        others: Ints,
        told: Callable[[Ints, Ints], Ints],
        compare: Callable[[Words, Words], int],
    ) -> Ints:
        """Levels as far as they are told beforehand, and of the others by comparing the words."""
        words = self._words
        found = told(ones, others)
        rest = np.flatnonzero(found == _OPEN)
        found[rest] = once(ones[rest], others[rest], lambda one, other: compare(words[one], words[other]))
        return found

    def _perhaps_turned(self, ones: Ints, others: Ints) -> Flags:
        """Whether names that differ straight could agree across: none where one of the pairs across cannot."""
        known = self._known
        ours, theirs = self._family[ones], self._family[others]
        across = known.alike(self._given[ones], theirs) & known.alike(ours, self._given[others])
        single = np.where(ours == NONE, self._given[ones], self._given[others])
        last = np.where(ours == NONE, theirs, ours)
        alone = (last != NONE) & (known.alike(single, last) | known.within(last, single))
        found: Flags = np.where((ours != NONE) & (theirs != NONE), across, alone)
        return found


_OPEN = -1  # the level of what takes a look at the letters
_WORDS = 3  # of longer names nothing is known beforehand


class _Beforehand:
    """What can be told of two names from what is known of each word alone: most are different beyond doubt, or equal in
    one of their words. Codes stand for the words of a name, in the order given."""

    def __init__(self, names: Sequence[Words]) -> None:
        listed = [*names, ()]  # what is behind the last stands for NONE
        seen: dict[str, int] = {}

        def code(word: str) -> int:
            return seen.setdefault(word, len(seen))

        def places(several: Iterable[Sequence[str]]) -> list[Ints]:
            """The first word of each, the second, the third."""
            padded = [[*map(code, each[:_WORDS]), *[NONE] * (_WORDS - len(each))] for each in several]
            return list(np.array(padded, np.int64).T)

        self._joined = np.array([code("".join(each)) for each in listed], np.int64)
        self._all = places(listed)
        self._named = places([word for word in each if word not in likeness.PARTICLES] or each for each in listed)
        self._several = np.array([len(each) > 1 for each in listed], bool)
        self._clear = np.array([0 < len(each) <= _WORDS and all(map(str.isalpha, each)) for each in listed], bool)
        self._length = np.array([len(each) for each in seen], np.int64)
        self._bits = bits(list(seen))
        self._sounds = _numbered((likeness.skeleton(each),) for each in seen)[0]
        self._heard = _numbered((likeness.heard(each),) for each in seen)[0]
        self._formal = np.array([_set_of(formal(each)) for each in seen], np.int64)

    def given(self, ones: Ints, others: Ints) -> Ints:
        """Levels as first names: equal in the first word, or unlike in all, and neither begins or ends the other."""
        ours, theirs = self._all[0][ones], self._all[0][others]
        found = self._simply(ones, others, Given.SAME)
        rest = found == _OPEN
        unlike = np.flatnonzero(rest & (ours != theirs) & self._unlike(self._all, ones, others))
        ours, theirs = ours[unlike], theirs[unlike]
        alone = (self._length[ours] > 1) & (self._length[theirs] > 1) & ~self._held(ours, theirs)
        found[unlike[alone & ~self._held(theirs, ours)]] = Given.DIFFERENT
        equal = np.flatnonzero(rest & (self._all[0][ones] == self._all[0][others]))
        ours, theirs = self._all[1][ones[equal]], self._all[1][others[equal]]
        both = (ours != NONE) & (theirs != NONE) & (self._length[ours] > 1) & (self._length[theirs] > 1)
        found[equal] = np.where(both, np.where(self._apart(ours, theirs), Given.PART, _OPEN), Given.SAME)
        found[~self._told(ones, others) & rest] = _OPEN
        return found

    def family(self, ones: Ints, others: Ints) -> Ints:
        """Levels as last names: unlike as a whole and word by word, or equal in one of several words."""
        found = self._simply(ones, others, Family.SAME)
        rest = np.flatnonzero(found == _OPEN)
        ones, others = ones[rest], others[rest]
        found[rest[self._unlike(self._named, ones, others)]] = Family.DIFFERENT
        rest = rest[self._part(ones, others)]
        found[rest] = Family.PART
        return found

    def alike(self, ones: Ints, others: Ints) -> Flags:
        """Whether two names could agree as last names."""
        level = self.family(ones, others)
        found: Flags = (level != Family.DIFFERENT) & (level != Family.MISSING)
        return found

    def within(self, ones: Ints, others: Ints) -> Flags:
        """Whether the one could stand within the other, which is written in one word."""
        clear = self._told(ones, others) & ~self._several[ones]
        found: Flags = ~clear | self._held(self._joined[ones], self._joined[others])
        return found

    def _simply(self, ones: Ints, others: Ints, same: int) -> Ints:
        found = np.full(len(ones), _OPEN, np.int8)
        found[ones == others] = same
        found[(ones == NONE) | (others == NONE)] = 0  # missing
        return found

    def _told(self, ones: Ints, others: Ints) -> Flags:
        found: Flags = self._clear[ones] & self._clear[others]
        return found

    def _unlike(self, places: list[Ints], ones: Ints, others: Ints) -> Flags:
        """Whether two names are unlike as a whole, and so are all their words."""
        found = self._whole_apart(ones, others)
        several = np.flatnonzero(found & (self._several[ones] | self._several[others]))
        for mine, his in product(places, places):
            ours, theirs = mine[ones[several]], his[others[several]]
            found[several] &= (ours == NONE) | (theirs == NONE) | self._apart(ours, theirs)
        return found

    def _part(self, ones: Ints, others: Ints) -> Flags:
        """Whether two last names are unlike as a whole but have a word in common, and one has others besides."""
        found = self._whole_apart(ones, others)
        ours, theirs = ([each[names] for each in self._named] for names in (ones, others))
        found &= (ours[1] != NONE) | (theirs[1] != NONE)
        found &= np.any([(mine != NONE) & (mine == his) for mine, his in product(ours, theirs)], axis=0)
        found &= np.any([mine != his for mine, his in zip(ours, theirs, strict=True)], axis=0)
        return found

    def _whole_apart(self, ones: Ints, others: Ints) -> Flags:
        ours, theirs = self._joined[ones], self._joined[others]
        found = self._told(ones, others) & (self._length[ours] > 1) & (self._length[theirs] > 1)
        found &= self._apart(ours, theirs)
        return found

    def _apart(self, ones: Ints, others: Ints) -> Flags:
        """Whether two words agree in their initial at most: no slips between them, no common sounds, no common short
        form; see :func:`leadsvc.resolve.likeness.words`."""
        ours, theirs = self._length[ones], self._length[others]
        shorter = np.minimum(ours, theirs)
        slips = np.where(shorter >= likeness.LONG, 2, 1)
        near = (np.abs(ours - theirs) <= slips) & within_slips(self._bits[ones], self._bits[others], slips)
        near |= self._sounds[ones] == self._sounds[others]
        alike = (near & (shorter >= likeness.SHORT)) | ((self._formal[ones] & self._formal[others]) != 0)
        alike |= (self._heard[ones] == self._heard[others]) & (shorter >= likeness.HEARD_FROM)
        found: Flags = (ones != others) & (~alike | (shorter == 1))
        return found

    def _held(self, ones: Ints, others: Ints) -> Flags:
        """Whether the second word has all letters of the first."""
        found: Flags = (self._bits[ones] & ~self._bits[others]) == 0
        return found


def _set_of(names: Iterable[str]) -> int:
    """A set of names as bits; two sets without a bit in common have no name in common."""
    found = 0
    for name in names:
        found |= 1 << (hash(name) % 63)
    return found


def _numbered(things: Iterable[tuple[Thing, ...]]) -> tuple[Ints, list[tuple[Thing, ...]]]:
    """Each thing by number in the order in which they come, :data:`NONE` for an empty one; and the things."""
    seen: dict[tuple[Thing, ...], int] = {(): NONE}
    codes = np.array([seen.setdefault(each, len(seen) - 1) for each in things], np.int64)
    del seen[()]
    return codes, list(seen)
