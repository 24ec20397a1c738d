"""How far two names agree, as ordered levels that read like sentences.

The same two names always compare the same way round. A missing name neither agrees nor contradicts.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from nicknames import NickNamer
from rapidfuzz.distance import OSA

_WORD = re.compile(r"[^\W\d_]+\d*")  # a number at the end belongs to the name: who writes Test1 and Test2 means two
_APOSTROPHES = str.maketrans("", "", "'’`´")
# Letters that Unicode does not take apart but people type in their plain form.
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})
# Two given names this short differ by one letter too easily (Jon, Jan) for that letter to be a slip.
_TYPO_LENGTH = 5


class NameLevel(IntEnum):
    """From contradiction to certainty; compare with ``>=``."""

    DIFFERENT = 0  # another person's name
    SAME_FAMILY = 1  # same last name, other first name: a relative
    SAME_GIVEN = 2  # same first name, other last name
    MISSING = 3  # at least one side has no name
    GIVEN_ONLY = 4  # first names agree, a last name is missing
    COMPATIBLE = 5  # nickname, initial, typo, order, part of a double name
    EXACT = 6


WORDS = {
    NameLevel.DIFFERENT: "different name",
    NameLevel.SAME_FAMILY: "same last name, different first name",
    NameLevel.SAME_GIVEN: "same first name, different last name",
    NameLevel.MISSING: "no name to compare",
    NameLevel.GIVEN_ONLY: "same first name",
    NameLevel.COMPATIBLE: "compatible name",
    NameLevel.EXACT: "same name",
}


class NameKey(NamedTuple):
    """A folded name: words without accents, case or punctuation."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    suffix: str

    def __bool__(self) -> bool:
        return bool(self.given or self.family)


@lru_cache(maxsize=50_000)
def fold(text: str) -> tuple[str, ...]:
    """The words of ``text`` without accents, case, apostrophes or punctuation."""
    if text.isascii():  # nothing to take apart
        return tuple(_WORD.findall(text.lower().translate(_APOSTROPHES)))
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES).translate(_PLAIN)).casefold()
    return tuple(_WORD.findall("".join(each for each in plain if not unicodedata.combining(each))))


_GENERATIONS = {"sr": "sr", "senior": "sr", "jr": "jr", "junior": "jr", "ii": "jr", "iii": "iii", "iv": "iv"}


def generation(suffix: str) -> str:
    """Which of several bearers of one name somebody is; degrees and honours do not tell it."""
    return next((_GENERATIONS[each] for each in fold(suffix) if each in _GENERATIONS), "")


def name_key(given: str, family: str, suffix: str = "") -> NameKey:
    return NameKey(fold(given), fold(family), "".join(fold(suffix)))


@lru_cache(maxsize=1)
def _namer() -> NickNamer:
    return NickNamer()


@lru_cache(maxsize=1)
def _abroad() -> tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]:
    """Formal names by short form, and short forms by formal name, of ``short_forms.toml``."""
    table = tomllib.loads(files("leadsvc").joinpath("resolve", "short_forms.toml").read_text(encoding="utf-8"))
    shorts: defaultdict[str, set[str]] = defaultdict(set)
    formals: defaultdict[str, set[str]] = defaultdict(set)
    for language in table.values():
        for name, forms in language.items():
            for form in forms.split():
                shorts[name].add(form)
                formals[form].add(name)
    return {key: frozenset(each) for key, each in formals.items()}, {
        key: frozenset(each) for key, each in shorts.items()
    }


@lru_cache(maxsize=50_000)
def formal(word: str) -> frozenset[str]:
    """The names that ``word`` may be a short form of, itself among them."""
    return frozenset(_namer().canonicals_of(word)) | _abroad()[0].get(word, frozenset()) | {word}


@lru_cache(maxsize=50_000)
def short_forms(word: str) -> frozenset[str]:
    return frozenset(_namer().nicknames_of(word)) | _abroad()[1].get(word, frozenset())


def nicknames_of_each_other(one: str, other: str) -> bool:
    """Bob and Robert, or Bob and Rob: one is a short form of the other, or both are of the same name."""
    return bool(formal(one) & formal(other))


def _slip(one: str, other: str) -> bool:
    """One typing slip apart. A changed first or last letter is no slip in a first name: Maria and Mario are two
    people, and so are Jason and Mason."""
    if min(len(one), len(other)) < _TYPO_LENGTH or one[0] != other[0] or one[-1] != other[-1]:
        return False
    return OSA.distance(one, other, score_cutoff=1) <= 1


def _given_words_agree(one: str, other: str) -> bool:
    if one == other or nicknames_of_each_other(one, other):
        return True
    if len(one) == 1 or len(other) == 1:
        return one[0] == other[0]
    return _slip(one, other)


def _given_agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """The first words agree, or the whole written together does (Mary Ann, Maryann)."""
    return _given_words_agree(one[0], other[0]) or "".join(one) == "".join(other)


def _family_agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Equal, one a part of the other (double surnames), an initial, or one slip apart."""
    together, apart = "".join(one), "".join(other)
    if together == apart or set(one) & set(other) - _PARTICLES:
        return True
    if len(together) == 1 or len(apart) == 1:
        return together[0] == apart[0]
    return min(len(together), len(apart)) >= _TYPO_LENGTH and OSA.distance(together, apart, score_cutoff=1) <= 1


_PARTICLES = frozenset({"de", "la", "del", "da", "dos", "van", "von", "der", "den", "al", "el", "bin", "st"})


@lru_cache(maxsize=50_000)
def compare(one: NameKey, other: NameKey) -> NameLevel:
    """How far two names agree."""
    if not one or not other:
        return NameLevel.MISSING
    if one.suffix and other.suffix and one.suffix != other.suffix:
        return NameLevel.SAME_FAMILY  # Sr. and Jr. share everything but being one person
    if one.given == other.given and one.family == other.family:
        return NameLevel.EXACT if one.given and one.family else NameLevel.GIVEN_ONLY
    if not one.family or not other.family:
        return _without_family(one, other)
    if not one.given or not other.given:
        return NameLevel.MISSING if _family_agree(one.family, other.family) else NameLevel.DIFFERENT
    given, family = _given_agree(one.given, other.given), _family_agree(one.family, other.family)
    if given and family:
        return NameLevel.COMPATIBLE
    if sorted(one.given + one.family) == sorted(other.given + other.family):
        return NameLevel.COMPATIBLE  # first and last name turned round
    if given:
        return NameLevel.SAME_GIVEN
    return NameLevel.SAME_FAMILY if family else NameLevel.DIFFERENT


def _without_family(one: NameKey, other: NameKey) -> NameLevel:
    """One side is a single word: it may be the other's first name, or its last."""
    short, full = (one, other) if not one.family else (other, one)
    if not short.given or not full.given:
        return NameLevel.MISSING  # a first name on one side and a last name on the other: nothing to compare
    if full.given and _given_agree(short.given, full.given):
        return NameLevel.GIVEN_ONLY
    if full.family and short.given == full.family:
        return NameLevel.MISSING
    return NameLevel.DIFFERENT


def best(one: NameKey, others: list[NameKey]) -> NameLevel:
    """The best agreement with any of the names a prospect wrote under."""
    return max((compare(one, other) for other in others), default=NameLevel.MISSING)


def distinct(names: list[NameKey]) -> int:
    """How many people, at least, these names belong to: names none of which agree with another."""
    apart: list[NameKey] = []
    for name in sorted(set(filter(None, names))):
        if all(compare(name, other) in _NOT_ONE for other in apart):
            apart.append(name)
    return len(apart)


_NOT_ONE = frozenset({NameLevel.DIFFERENT, NameLevel.SAME_FAMILY, NameLevel.SAME_GIVEN})
