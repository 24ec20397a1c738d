"""Names of invented people by culture, for the worlds of ``tests/identity_world.py``.

The lists are in ``fixtures/identity/cultures.toml``; here is how a name is put together from them, and which other
forms its bearer also goes by.
"""

from __future__ import annotations

import tomllib
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

DATA = Path(__file__).parent / "fixtures" / "identity"
T = TypeVar("T")

_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "æ": "ae", "œ": "oe", "ı": "i"})
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


class Deck(Generic[T]):
    """Things with weights; ``draw(u)`` is the thing at ``u`` in [0, 1)."""

    __slots__ = ("bounds", "things")

    def __init__(self, weighted: Iterable[tuple[T, float]]) -> None:
        pairs = [(thing, weight) for thing, weight in weighted if weight > 0]
        self.things = [thing for thing, _ in pairs]
        sums = list(accumulate(weight for _, weight in pairs))
        self.bounds = [each / sums[-1] for each in sums[:-1]]

    def draw(self, u: float) -> T:
        return self.things[bisect(self.bounds, u)]


@cache
def plain(text: str) -> str:
    """``text`` without accents."""
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(each for each in parts if not unicodedata.combining(each))


def digraphs(text: str) -> str:
    """``text`` as German is typed on a keyboard without umlauts."""
    return text.translate(_DIGRAPHS)


@cache
def letters(text: str) -> str:
    """The lower-case ASCII letters of ``text``: what is left of a name in an e-mail address."""
    return "".join(each for each in plain(text).lower() if "a" <= each <= "z")


def _words(text: str) -> list[str]:
    return [each.replace("_", " ") for each in text.split()]


def _ranked(text: str, fall: float = 0.8) -> list[tuple[str, float]]:
    """``word:weight`` as given, other words by their rank."""
    pairs = []
    for rank, word in enumerate(_words(text)):
        name, _, weight = word.partition(":")
        pairs.append((name, float(weight) if weight else (rank + 2) ** -fall))
    return pairs


@dataclass(slots=True)
class Name:
    """How a person writes their name, and how else. ``aliases`` are other given names, each with its noise tag."""

    given: str
    middle: str
    family: tuple[str, ...]
    female: bool
    aliases: tuple[tuple[str, str], ...] = ()
    family_also: tuple[str, ...] = ()

    @property
    def last(self) -> str:
        return " ".join(self.family)


class Culture:
    """One table of ``cultures.toml``."""

    def __init__(self, title: str, table: Mapping[str, Any], western: Sequence[Deck[str]]) -> None:
        self.title = title
        self._western_names = western
        self._given = [Deck(_ranked(table[f"given_{sex}"])) for sex in "fm"]
        self._second = [_words(table.get(f"second_{sex}", "")) for sex in "fm"]
        self._middle = [_words(table.get(f"middle_{sex}", "")) for sex in "fm"]
        self._family = Deck(_ranked(table["family"]))
        self._heads = _words(table.get("family_heads", ""))
        self._tails = _words(table.get("family_tails", ""))
        self._particles = tuple(table.get("particles", ()))
        self.rare = float(table.get("rare", 0))
        self.middle_share = float(table.get("middle", 0))
        self.second_share = float(table.get("second", 0))
        self.second_join = str(table.get("second_join", ""))
        self.spaced_given = float(table.get("spaced_given", 0))
        self.family_first = float(table.get("family_first", 0))
        self.particle = float(table.get("particle", 0))
        self.two_families = float(table.get("two_families", 0))
        self.hyphenated = float(table.get("hyphenated", 0))
        self.western = float(table.get("western", 0))
        self.mononym = float(table.get("mononym", 0))
        self.initial_family = float(table.get("initial_family", 0))
        self.foreign_code = str(table.get("foreign_code", ""))
        self._feminine: list[tuple[str, str]] = [(str(one), str(other)) for one, other in table.get("feminine", [])]
        self._spellings: dict[str, tuple[str, ...]] = {}
        for group in table.get("spellings", []):
            names = tuple(_words(group))
            self._spellings.update(dict.fromkeys(names, names))
        self._nicknames = {group.split()[0]: tuple(group.split()[1:]) for group in table.get("nicknames", [])}
        self._alike = [self._by_start(deck.things) for deck in self._given]

    @staticmethod
    def _by_start(names: Sequence[str]) -> dict[str, list[str]]:
        starts: dict[str, list[str]] = {}
        for name in names:
            starts.setdefault(plain(name)[:2], []).append(name)
        return starts

    def name(self, random: Random, family: tuple[str, ...] | None = None) -> Name:
        """A new name, of ``family`` when given."""
        rnd = random.random
        female = rnd() < 0.5
        sex = 0 if female else 1
        first = self._given[sex].draw(rnd())
        second = self._second[sex]
        joint = ""
        if second and rnd() < self.second_share:
            joint = second[int(rnd() * len(second))]
        given = first + self.second_join + joint if joint else first
        aliases: list[tuple[str, str]] = []
        if joint:
            spaced = f"{first} {joint.capitalize()}"
            together = first + joint
            if rnd() < self.spaced_given:
                given = spaced
            aliases.extend(("spelling", form) for form in (spaced, together) if form != given)
        else:
            given, others = self._spelled(given, rnd())
            aliases.extend(("spelling", form) for form in others)
        aliases.extend(("nickname", form) for form in self._nicknames.get(first, ()))
        if self.western and rnd() < self.western:
            aliases = [("western_name", self._western_names[sex].draw(rnd()))]
        middle = ""
        if self._middle[sex] and rnd() < self.middle_share:
            middle = self._middle[sex][int(rnd() * len(self._middle[sex]))]
        if family is None:
            own, also = self._families(random, female)
        else:
            own, also = tuple(self._gendered(each, female) for each in family), ()
        return Name(given, middle, own, female, tuple(aliases), also)

    def twin(self, random: Random, of: Name) -> str | None:
        """A given name much like that of ``of``, or nothing when there is none."""
        names = [n for n in self._alike[0 if of.female else 1].get(plain(of.given)[:2], []) if n != of.given]
        return random.choice(names) if names else None

    def _spelled(self, word: str, u: float) -> tuple[str, tuple[str, ...]]:
        group = self._spellings.get(word)
        if not group:
            return word, ()
        own = word if u < 0.5 else group[int((u - 0.5) * 2 * len(group))]
        return own, tuple(each for each in group if each != own)

    def _gendered(self, family: str, female: bool) -> str:
        if female:
            for ending, feminine in self._feminine:
                if family.endswith(ending) and not family.endswith(feminine):
                    return family[: len(family) - len(ending)] + feminine
        return family

    def _one_family(self, random: Random, female: bool) -> tuple[str, tuple[str, ...]]:
        rnd = random.random
        if self._heads and rnd() < self.rare:
            family = self._heads[int(rnd() * len(self._heads))] + self._tails[int(rnd() * len(self._tails))]
            also: tuple[str, ...] = ()
        else:
            family, also = self._spelled(self._family.draw(rnd()), rnd())
        if self._particles and rnd() < self.particle:
            family = f"{self._particles[int(rnd() * len(self._particles))]} {family}"
            also = ()
        if self._feminine and female:
            also = (*also, family)
            family = self._gendered(family, female)
        return family, tuple(each for each in also if each != family)

    def _families(self, random: Random, female: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        rnd = random.random
        family, also = self._one_family(random, female)
        if self.two_families and rnd() < self.two_families:
            return (family, self._one_family(random, female)[0]), ()
        if self.hyphenated and rnd() < self.hyphenated:
            return (f"{family}-{self._one_family(random, female)[0]}",), ()
        if self.mononym and rnd() < self.mononym:
            return ("",), ()
        if self.initial_family and rnd() < self.initial_family:
            return (family[0],), (family,)
        return (family,), also


@cache
def cultures() -> dict[str, Culture]:
    """Every culture by title."""
    tables = tomllib.loads((DATA / "cultures.toml").read_text(encoding="utf-8"))
    western = [Deck(_ranked(tables["english"][f"given_{sex}"])) for sex in "fm"]
    return {title: Culture(title, table, western) for title, table in tables.items()}
