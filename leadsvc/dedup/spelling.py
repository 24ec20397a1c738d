"""Names compared: :func:`leadsvc.resolve.levels.spellings` over arrays.

First names are compared once for each distinct pair of them, and so are last names. Most pairs differ beyond doubt,
which is told from their letters and sounds without a closer look.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
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
        self._apart = _Apart(self._words)

    def compare(self, ones: Ints, others: Ints) -> tuple[Ints, Ints, Flags]:
        """Levels of first and last names, and whether they had to be turned round."""
        given = self._levels(self._given[ones], self._given[others], likeness.given, self._apart.given, Given)
        family = self._levels(self._family[ones], self._family[others], likeness.family, self._apart.family, Family)
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
        compare: Callable[[Words, Words], int],
        apart: Callable[[Ints, Ints], Flags],
        kinds: type[Given] | type[Family],
    ) -> Ints:
        words = self._words
        found = np.full(len(ones), kinds.DIFFERENT, np.int8)
        found[ones == others] = kinds.SAME
        found[(ones == NONE) | (others == NONE)] = kinds.MISSING
        open_ = np.flatnonzero(found == kinds.DIFFERENT)
        open_ = open_[~apart(ones[open_], others[open_])]
        found[open_] = once(ones[open_], others[open_], lambda one, other: compare(words[one], words[other]))
        return found

    def _perhaps_turned(self, ones: Ints, others: Ints) -> Flags:
        """Whether names that differ straight could agree across: none where one of the pairs across cannot."""
        apart = self._apart
        ours, theirs = self._family[ones], self._family[others]
        across = ~apart.family(self._given[ones], theirs) & ~apart.family(ours, self._given[others])
        single = np.where(ours == NONE, self._given[ones], self._given[others])
        last = np.where(ours == NONE, theirs, ours)
        alone = (last != NONE) & ~(apart.family(single, last) & apart.not_within(last, single))
        found: Flags = np.where((ours != NONE) & (theirs != NONE), across, alone)
        return found


class _Apart:
    """Whether two names are different ones beyond doubt, from what is known of each word alone. Codes stand for the
    words of a name, in the order given; :data:`NONE` differs from nothing."""

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
        self._bits = bits(list(seen))
        self._long = np.array([len(each) > 1 for each in seen], bool)
        self._sounds = _numbered((likeness.skeleton(each),) for each in seen)[0]
        self._formal = np.array([_set_of(formal(each)) for each in seen], np.int64)

    def family(self, ones: Ints, others: Ints) -> Flags:
        """As last names: neither as a whole nor word by word."""
        return self._whole_and(self._named, ones, others)

    def given(self, ones: Ints, others: Ints) -> Flags:
        """As first names, of which besides the one may be the beginning or the end of the other."""
        ours, theirs = self._all[0][ones], self._all[0][others]
        found = self._whole_and(self._all, ones, others)
        found &= self._long[ours] & self._long[theirs]
        found &= self._more_letters(ours, theirs) & self._more_letters(theirs, ours)
        return found

    def not_within(self, ones: Ints, others: Ints) -> Flags:
        """Whether the one is a single word that does not stand within the other."""
        found: Flags = self._clear[ones] & ~self._several[ones] & self._clear[others]
        found &= self._more_letters(self._joined[ones], self._joined[others])
        return found

    def _whole_and(self, places: list[Ints], ones: Ints, others: Ints) -> Flags:
        ours, theirs = self._joined[ones], self._joined[others]
        found: Flags = self._clear[ones] & self._clear[others] & self._long[ours] & self._long[theirs]
        found &= self._words(ours, theirs)
        several = np.flatnonzero(found & (self._several[ones] | self._several[others]))
        for mine in places:
            for his in places:
                our, their = mine[ones[several]], his[others[several]]
                found[several] &= (our == NONE) | (their == NONE) | self._words(our, their)
        return found

    def _words(self, ones: Ints, others: Ints) -> Flags:
        """Whether two words are no more alike than by an initial: no slips between them, no common sounds, no common
        short form."""
        unlike: Flags = ~within_slips(self._bits[ones], self._bits[others])
        unlike &= self._sounds[ones] != self._sounds[others]
        unlike &= (self._formal[ones] & self._formal[others]) == 0
        unlike |= ~self._long[ones] | ~self._long[others]
        unlike &= ones != others
        return unlike

    def _more_letters(self, ones: Ints, others: Ints) -> Flags:
        found: Flags = (self._bits[ones] & ~self._bits[others]) != 0
        return found


_WORDS = 3  # of longer names nothing is said


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
