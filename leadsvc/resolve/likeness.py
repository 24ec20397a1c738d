"""How far the words of two names agree, as ordered levels; symmetric, without regard to order of arrival.

Two words are compared by spelling, by the short forms in use (Bob, Robert), by the ways in which one name is written in
Latin letters (Mohammed, Muhamad; Dmitri, Dimitry) and by single slips of the fingers. What a level is worth is not
decided here: :mod:`leadsvc.resolve.model` weighs it.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from itertools import pairwise

from rapidfuzz.distance import OSA, JaroWinkler

from leadsvc.resolve.names import formal, short_forms

PARTICLES = frozenset({
    "abd", "abu", "al", "ap", "ben", "bin", "bint", "bu", "da", "das", "de", "del", "della", "den", "der", "di", "do",
    "dos", "du", "e", "el", "ibn", "la", "las", "le", "los", "mac", "mc", "o", "of", "op", "san", "santa", "st", "ten",
    "ter", "the", "van", "vd", "ve", "von", "y", "zu",
})  # fmt: skip
"""Words that stand in many surnames and are dropped from them as often as not."""

# Letters and groups that languages write for one sound when a name is put into Latin letters. Applied in this order.
_SOUNDS = (
    ("tsch", "s"), ("sch", "s"), ("tch", "s"), ("cz", "s"), ("ch", "s"), ("sh", "s"), ("zh", "s"), ("ph", "f"),
    ("ck", "k"), ("kh", "k"), ("gh", "g"), ("th", "t"), ("dh", "d"), ("bh", "b"), ("ts", "s"), ("tz", "s"), ("dj", "i"),
    ("x", "ks"), ("q", "k"), ("c", "k"), ("z", "s"), ("w", "v"), ("y", "i"), ("j", "i"),
)  # fmt: skip
# Those of them that do not leave a short name open: Jan and Yan, Vera and Wera are more often two.
_HEARD = tuple(each for each in _SOUNDS if each[0] in {"ph", "ck", "q", "c", "z", "y"})
_VOWELS = frozenset("aeiouh")
_ENDINGS = frozenset("aeo")
SHORT = 4  # letters: below it one letter makes another name (Jon, Jan)
_CLIPPED, _SPOKEN = 2, 3  # letters that are left out at least, and that are left at least
HEARD_FROM = 3  # letters: shorter first names that sound alike are others (My, Mi)
LONG = 8  # letters: from here on two slips are forgiven
# Sounds that two spellings of one name have in common -> how alike they must be otherwise (Jaro-Winkler): the fewer the
# sounds, the more names share them.
_ALIKE = {0: 2.0, 1: 2.0, 2: 2.0, 3: 0.8, 4: 0.6}


class Given(IntEnum):
    """First names. ``OTHER``: different beyond doubt: each is spelled in the writer's own address too, so that neither
    is a nickname or a slip, or one is the elder and the other the younger; ``PART``: the first of two first names
    agrees, the second does not; ``NEAR``: one slip, or the one is the beginning or the end of the other (Vero,
    Veronica); ``VARIANT``: short form, other spelling of the same name, or a middle name."""

    MISSING = 0
    OTHER = 1
    DIFFERENT = 2
    INITIAL = 3
    PART = 4
    NEAR = 5
    VARIANT = 6
    SAME = 7


class Family(IntEnum):
    """Last names. ``PART``: one of several surnames agrees."""

    MISSING = 0
    DIFFERENT = 1
    INITIAL = 2
    PART = 3
    NEAR = 4
    VARIANT = 5
    SAME = 6


@lru_cache(maxsize=50_000)
def skeleton(word: str) -> str:
    """The sounds of a word without vowels and doublings: Mohammed, Muhamad -> ``mmd``; Tchaikovsky -> ``skvsk``."""
    text = _written(word, _SOUNDS)
    if not text:
        return ""
    kept = ["a" if text[0] in _VOWELS else text[0]]
    for before, letter in pairwise(text):
        if letter not in _VOWELS and letter not in {"i", before}:
            kept.append(letter)
    return "".join(kept)


def _sound_alike(one: str, other: str) -> bool:
    long_enough = min(len(one), len(other)) >= HEARD_FROM
    return long_enough and heard(one) == heard(other) and _numbers(one) == _numbers(other)


@lru_cache(maxsize=50_000)
def heard(word: str) -> str:
    """A first name as it is heard, with its vowels: Amy, Ami; Ali, Alli; Nick, Nik. Last names as short are
    others (Ly, Li; Cao, Kao)."""
    return "".join(letter for before, letter in pairwise(f" {_written(word, _HEARD)}") if letter != before)


def _written(word: str, sounds: tuple[tuple[str, str], ...]) -> str:
    """The word with one letter for each of these sounds."""
    for written, sound in sounds:
        word = word.replace(written, sound)
    return word


@lru_cache(maxsize=100_000)
def _words(one: str, other: str) -> Given:
    if one == other:
        return Given.SAME
    if len(one) == 1 or len(other) == 1:
        return Given.INITIAL if _initial(*sorted((one, other), key=len)) else Given.DIFFERENT
    if _numbers(one) != _numbers(other):
        return Given.DIFFERENT  # who tells names apart by a number means different ones
    if formal(one) & formal(other):
        return Given.VARIANT
    shorter = min(len(one), len(other))
    if shorter < SHORT:
        return Given.DIFFERENT
    if _gendered(one, other):
        return Given.DIFFERENT
    slips = OSA.distance(one, other, score_cutoff=2)
    if slips <= 1 or (slips == 2 and shorter >= LONG):
        return Given.NEAR
    sounds = skeleton(one)
    if sounds == skeleton(other) and JaroWinkler.similarity(one, other) >= _ALIKE[min(len(sounds), max(_ALIKE))]:
        return Given.VARIANT
    return Given.DIFFERENT


def _initial(letter: str, word: str) -> bool:
    """Whether a word, or a short form of it, begins with a letter: B. for Robert."""
    return word[0] == letter or (len(word) > 1 and any(each[0] == letter for each in short_forms(word)))


def _numbers(word: str) -> str:
    return "" if word.isalpha() else "".join(filter(str.isdigit, word))


def _gendered(one: str, other: str) -> bool:
    """Whether two words differ in a final vowel, as the names of a woman and a man do: Maria, Mario; Daniel, Daniela.
    Fingers slip elsewhere, and leave a letter out (Olivi, Joshu); and Robert is Roberto to some."""
    if one[-1] not in _ENDINGS and other[-1] not in _ENDINGS:
        return False
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) == len(longer):
        return one[:-1] == other[:-1] and one[-1] in _ENDINGS and other[-1] in _ENDINGS
    return longer[:-1] == shorter and longer[-1] in {"a", "e"} and shorter[-1] not in {"i", "u"}


def words(one: str, other: str) -> Given:
    """How far two folded words agree."""
    return _words(one, other) if one <= other else _words(other, one)


def given(one: tuple[str, ...], other: tuple[str, ...]) -> Given:
    """How far two first names agree; further words are middle names, which may be the one in use."""
    if not one or not other:
        return Given.MISSING
    if one[0] == other[0]:
        both = len(one) > 1 and len(other) > 1 and len(one[1]) > 1 and len(other[1]) > 1
        return Given.PART if both and words(one[1], other[1]) is Given.DIFFERENT else Given.SAME
    first = words(one[0], other[0])
    if first is Given.DIFFERENT and _sound_alike(one[0], other[0]):
        return Given.VARIANT
    if first >= Given.NEAR:
        return first
    if len(one) + len(other) > 2:
        if "".join(one) == "".join(other) or any(len(each) > 1 and each in other for each in one):
            return Given.VARIANT
        if max(words(mine, theirs) for mine in one for theirs in other) == Given.VARIANT:
            return Given.VARIANT
        if words("".join(one), "".join(other)) >= Given.NEAR:
            return Given.NEAR
    return Given.NEAR if first is Given.DIFFERENT and _clipped(*sorted((one[0], other[0]), key=len)) else first


def _clipped(short: str, whole: str) -> bool:
    """Whether one name is the other without its end or its beginning. A letter more is another name (Daniel,
    Daniela)."""
    if len(whole) < len(short) + _CLIPPED:
        return False
    return (len(short) >= _SPOKEN and whole.startswith(short)) or (len(short) >= SHORT and whole.endswith(short))


_FAMILY_OF = {
    Given.SAME: Family.SAME,
    Given.VARIANT: Family.VARIANT,
    Given.NEAR: Family.NEAR,
    Given.INITIAL: Family.INITIAL,
    Given.DIFFERENT: Family.DIFFERENT,
}


def family(one: tuple[str, ...], other: tuple[str, ...]) -> Family:
    """How far two last names agree: as a whole, without particles, or in one of several surnames."""
    if not one or not other:
        return Family.MISSING
    if one == other or (whole := words("".join(one), "".join(other))) is Given.SAME:
        return Family.SAME
    if whole is not Given.DIFFERENT:
        return _FAMILY_OF[whole]
    if len(one) + len(other) == 2:
        return Family.DIFFERENT
    ours = [each for each in one if each not in PARTICLES] or list(one)
    theirs = [each for each in other if each not in PARTICLES] or list(other)
    if ours == theirs:
        return Family.SAME
    best = max(words(mine, his) for mine in ours for his in theirs)
    if best < Given.NEAR:
        return Family.DIFFERENT
    return _FAMILY_OF[best] if len(ours) == len(theirs) == 1 else Family.PART


@lru_cache(maxsize=100_000)
def _names(one: Spelled, other: Spelled) -> tuple[Given, Family, bool]:
    first, last = given(one[0], other[0]), family(one[1], other[1])
    guessed = one[2] or other[2]
    if first is Given.DIFFERENT and sorted(one[0] + one[1]) == sorted(other[0] + other[1]):
        return Given.SAME, Family.SAME, True
    if first is Given.DIFFERENT and last in {Family.DIFFERENT, Family.MISSING}:
        across = _turned(one, other)
        if across is not None:
            return across
    if guessed and last is Family.DIFFERENT:
        last = Family.MISSING
    return first, last, False


def turned(one: Spelled, other: Spelled) -> tuple[Given, Family, bool] | None:
    """What two names that differ straight agree in when one of them is turned round; ``None`` for nothing."""
    return _turned(one, other) if one <= other else _turned(other, one)


def _turned(one: Spelled, other: Spelled) -> tuple[Given, Family, bool] | None:
    """First and last name in the other order, or a single name that is the other's last."""
    if one[1] and other[1]:
        first = family(one[0], other[1])
        return _crossed(first, family(one[1], other[0])) if first >= Family.INITIAL else None
    single, whole = (one, other) if not one[1] else (other, one)
    if single[0] and whole[1] and not single[1]:
        if _run_together(single[0], whole):
            return Given.SAME, Family.MISSING, False
        last = family(single[0], whole[1])
        if last >= Family.NEAR:
            return Given.MISSING, last, True
    return None


def _crossed(given: Family, family: Family) -> tuple[Given, Family, bool] | None:
    """What agrees across, when it is enough: both names, or one with the initial of the other."""
    if min(given, family) < Family.INITIAL or max(given, family) < Family.PART:
        return None
    return _GIVEN_OF[given], family, True


_GIVEN_OF = {
    Family.SAME: Given.SAME,
    Family.VARIANT: Given.NEAR,
    Family.NEAR: Given.NEAR,
    Family.PART: Given.VARIANT,
    Family.INITIAL: Given.INITIAL,
}


def _run_together(single: tuple[str, ...], whole: Spelled) -> bool:
    """Whether a single word is the other's whole name, as in an address: ``mariacastillo``, ``acastillo``."""
    word, given, family = "".join(single), whole[0], whole[1]
    if not given or len(word) < LONG:
        return False
    firsts, lasts = {"".join(given), given[0], given[0][0]}, {"".join(family), family[0]}
    return any(word in {f"{first}{last}", f"{last}{first}"} for first in firsts for last in lasts)


Spelled = tuple[tuple[str, ...], tuple[str, ...], bool]
"""Given words, family words, and whether the family name was guessed and so never contradicts."""


def names(one: Spelled, other: Spelled) -> tuple[Given, Family, bool]:
    """First names, last names, and whether they had to be turned round to agree."""
    return _names(one, other) if one <= other else _names(other, one)
