"""What each agreement and each contradiction is worth: weights, how often names occur, and how big the store is.

Every pair of inquiries has three explanations: one person wrote both (*same*), two of one household did
(*household*), or they have nothing to do with each other (*stranger*). For each explanation the model says how probable
each level of each field is, and how many such pairs there are (Fellegi and Sunter 1969, with a third class because
people who live together share addresses, numbers, homes and plans). How probable an equal value is among strangers
depends on the value: a name on its frequency in the store at hand, an address or number on how many people were seen
behind it, a property on its share of inquiries.

A model is data: ``weights.toml`` ships with the program, ``leadsvc identity fit`` learns another one from a store
without labels. Two resolvers with the same model and the same inquiries come to the same result.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeGuard

from leadsvc.errors import Reject
from leadsvc.resolve.keys import given_root
from leadsvc.resolve.levels import FIELDS, NEVER_MISSING, Compared, Email, Order, Phone, Place
from leadsvc.resolve.likeness import Family, Given
from leadsvc.resolve.trace import Trace

SAME, HOUSEHOLD, STRANGER = "same", "household", "stranger"
_CLASSES = (SAME, HOUSEHOLD, STRANGER)
EMAIL, THREAD, PHONE, GIVEN, FAMILY, ORDER, PLACE = range(7)

Table = tuple[tuple[float, ...], ...]
"""For each field of :data:`FIELDS` the probability of each level; where nothing can be compared it is 1."""


@dataclass(frozen=True)
class Frequencies:
    """How often things occur in a store. ``leads``: inquiries in it; ``given`` and ``family``: inquiries by formal
    first name and by last name; ``places``: inquiries by property; ``masked``: domains learned to hold masked addresses
    only. ``namesakes``: how many times more often strangers share both names than if first names were given without
    regard to last names; parents regard them, each culture in its own way. ``whole``: inquiries by first and last name
    together (:func:`whole_name`), of names that occur in several regions and so are not one person's."""

    leads: int = 20_000
    given: Mapping[str, int] = field(default_factory=dict)
    family: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()
    namesakes: float = 1.0
    whole: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "leads": self.leads,
            "given": dict(self.given),
            "family": dict(self.family),
            "places": dict(self.places),
            "masked": sorted(self.masked),
            "namesakes": self.namesakes,
            "whole": dict(self.whole),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Frequencies:
        return cls(**{**told, "masked": frozenset(told["masked"])})

    @staticmethod
    @cache
    def default() -> Frequencies:
        """What is supposed of a store that has not counted its own names."""
        common = _shipped("common_names.toml")
        given: dict[str, int] = {}
        for name, count in common["given"].items():
            root = given_root((name,))
            given[root] = given.get(root, 0) + count
        family = dict(common["family"])
        return Frequencies(
            given=given | {"": _PEOPLE - sum(given.values())},
            family=family | {"": _PEOPLE - sum(family.values())},
            namesakes=_NAMESAKES,
        )

    @cached_property
    def _totals(self) -> tuple[int, int, int]:
        return sum(self.given.values()), sum(self.family.values()), sum(self.places.values())

    def given_share(self, root: str) -> float:
        """The share of people with this first name; a plausible one where the store has not seen it."""
        return (self.given.get(root, 0) + 0.5) / (self._totals[0] + 0.5 * _UNSEEN_GIVEN)

    def family_share(self, name: str) -> float:
        return (self.family.get(name, 0) + 0.5) / (self._totals[1] + 0.5 * _UNSEEN_FAMILY)

    def whole_share(self, whole: str) -> float:
        """The share of people with a first and last name together; 0 where it is not known."""
        return self.whole.get(whole, 0) / max(self._totals[0], 1)

    def place_share(self, place: str) -> float:
        return (self.places.get(place, 0) + 0.5) / (self._totals[2] + 0.5 * _UNSEEN_PLACES)


LEAST, MOST = 0.5, 0.99
"""Between these lies the probability that joins: below, what tells nothing would join; above, one pair cannot."""

_PEOPLE = 10_000  # among whom the commonest names were counted; those with other names have the empty one
_NAMESAKES = 4.0

# In a store that knows nothing yet every first name is one of so many, and so on.
_UNSEEN_GIVEN, _UNSEEN_FAMILY, _UNSEEN_PLACES = 200, 1_000, 100

COMMONEST = 0.5  # no first name is more common than that, whatever the last name

# Two short forms of one name are rarer than the name itself, and have a floor of their own.
_VARIANT_PART, _VARIANT_FLOOR = 0.5, 0.0005


def whole_name(given: tuple[str, ...], family: tuple[str, ...]) -> str:
    """First and last name as they are counted together."""
    return f"{given_root(given) or ''.join(given)} {''.join(family)}"


def given_among(given: float, together: float, namesakes: float) -> float:
    """How probable it is that first names agree among strangers whose last names do: from how often the two names occur
    together where that is known, else as if namesakes were equally common among all."""
    return min(max(given * namesakes, together), COMMONEST)


def contact_share(crowd: Any, size: int) -> Any:
    """How probably two strangers have a value in common that so many first names were seen behind (number or array): in
    proportion to those besides the first, and hardly at all when there are none. 0 for no crowd, when it is not
    common."""
    return (crowd - 1 + _RECYCLED) * (crowd > 0) / size


_RECYCLED = 0.05  # people who come to a number or an address after somebody else, for each that has one


def variant_share(share: Any) -> Any:
    """How probable two forms of one first name are among strangers, from the share of the name (number or array)."""
    return share * _VARIANT_PART + _VARIANT_FLOOR


@dataclass(frozen=True)
class Model:
    """Weights with the frequencies they are applied to.

    ``repeats``, ``mates``: pairs of one person and of one household for each inquiry in the store. ``join``,
    ``review``: probabilities from which two are one person, and from which somebody should look.
    """

    version: str
    tables: Mapping[str, Table]
    repeats: float
    mates: float
    join: float
    review: float
    frequencies: Frequencies = Frequencies()

    @cached_property
    def logs(self) -> dict[str, tuple[tuple[float, ...], ...]]:
        """Natural logarithms of the tables."""
        return {kind: tuple(tuple(map(math.log, row)) for row in table) for kind, table in self.tables.items()}

    @cached_property
    def priors(self) -> tuple[float, float]:
        """Natural log odds of *same* and *household* before anything is compared. They fall as the store grows: the
        pairs of strangers grow with its square."""
        size = max(self.frequencies.leads, 2)
        return math.log(2 * self.repeats / size), math.log(2 * self.mates / size)

    @cached_property
    def join_at(self) -> float:
        """The join threshold as natural log odds."""
        return math.log(self.join / (1 - self.join))

    @cached_property
    def review_at(self) -> float:
        return math.log(self.review / (1 - self.review))

    def shares(self, one: Trace, other: Trace, compared: Compared) -> tuple[float, ...]:
        """For each field how probable the level is among strangers because of the value; 0: as the table says."""
        levels, found = compared.levels, [0.0] * len(FIELDS)
        known = self.frequencies
        size = max(known.leads, 2)
        if levels[EMAIL] == Email.SAME:
            found[EMAIL] = contact_share(compared.email_crowd, size)
        if levels[PHONE] == Phone.SAME:
            found[PHONE] = contact_share(compared.phone_crowd, size)
        pick = max if levels[ORDER] == Order.TURNED else min
        if levels[GIVEN] in {Given.SAME, Given.VARIANT}:
            roots = [given_root(each.given) or "".join(each.given) for each in (one, other)]
            share = pick(known.given_share(root) for root in roots)
            variant = levels[GIVEN] == Given.VARIANT
            found[GIVEN] = variant_share(share) if variant else share
        together = 0.0
        if levels[FAMILY] in {Family.SAME, Family.VARIANT}:
            found[FAMILY] = pick(known.family_share("".join(each.family)) for each in (one, other))
            if found[GIVEN]:
                whole = pick(known.whole_share(whole_name(each.given, each.family)) for each in (one, other))
                together = whole / found[FAMILY]
        if levels[FAMILY] >= Family.PART and levels[GIVEN] >= Given.INITIAL:
            given = found[GIVEN] or self.tables[STRANGER][GIVEN][levels[GIVEN]]
            found[GIVEN] = given_among(given, together, known.namesakes)
        if levels[PLACE] == Place.SAME:
            found[PLACE] = known.place_share(one.place)
        return tuple(found)

    def odds(self, levels: tuple[int, ...], shares: tuple[float, ...]) -> tuple[float, float, float]:
        """Natural logarithms, up to one constant, of how probable the three explanations are."""
        same, household = self.priors
        stranger = 0.0
        tables = self.logs
        for place, (level, share) in enumerate(zip(levels, shares, strict=True)):
            same += tables[SAME][place][level]
            household += tables[HOUSEHOLD][place][level]
            stranger += math.log(share) if share else tables[STRANGER][place][level]
        return same, household, stranger

    def to_json(self) -> dict[str, Any]:
        """Everything but the frequencies."""
        weights = {
            kind: {
                name: dict(zip(_words(kinds), row, strict=True))
                for (name, kinds), row in zip(FIELDS, table, strict=True)
            }
            for kind, table in self.tables.items()
        }
        head = {"repeats": self.repeats, "mates": self.mates, "join": self.join, "review": self.review}
        return {"version": self.version, **head, **weights}

    @classmethod
    def from_json(cls, told: Mapping[str, Any], frequencies: Frequencies | None = None) -> Model:
        """The model of a weights file. Raises :class:`Reject` naming what is wrong."""
        if not isinstance(version := told.get("version"), str):
            raise _wrong("version", "must be a text")
        tables = {kind: _table(told, kind) for kind in _CLASSES}
        numbers = {name: _number(told, name) for name in ("repeats", "mates", "join", "review")}
        if not (LEAST <= numbers["join"] <= MOST and 0 < numbers["review"] <= numbers["join"]):
            raise _wrong("join", f"{LEAST} <= join <= {MOST} and 0 < review <= join must hold")
        return cls(version, tables, **numbers, frequencies=frequencies or Frequencies())

    @staticmethod
    @cache
    def default() -> Model:
        """The weights that ship with the program, for a store that knows no names yet."""
        return Model.from_json(_shipped("weights.toml"), Frequencies.default())


def weights_of(path: Path) -> Model:
    """The model in a file of weights (TOML, or JSON as ``leadsvc identity fit`` prints it). Raises :class:`Reject`."""
    try:
        text = path.read_text(encoding="utf-8")
        told = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise _wrong(str(path), str(error)) from None
    if not isinstance(told, dict):
        raise _wrong(str(path), "must be one object")
    return Model.from_json(told)


def _shipped(name: str) -> dict[str, Any]:
    return tomllib.loads(files("leadsvc").joinpath("resolve", name).read_text(encoding="utf-8"))


def _words(kinds: type[Any]) -> list[str]:
    return [each.name.lower() for each in kinds]


def _table(told: Mapping[str, Any], kind: str) -> Table:
    rows = []
    for name, kinds in FIELDS:
        table = told.get(kind)
        given = table.get(name) if isinstance(table, dict) else None
        words = _words(kinds)
        if name not in NEVER_MISSING and isinstance(given, dict):
            given = {"missing": 1.0} | given
        if not isinstance(given, dict) or sorted(given) != sorted(words):
            raise _wrong(f"{kind}.{name}", f"needs exactly {', '.join(words)}")
        row = [given[word] for word in words]
        if not all(_is_number(each) and 0 < each <= 1 for each in row):
            raise _wrong(f"{kind}.{name}", "every probability is above 0 and at most 1")
        rows.append(tuple(map(float, row)))
    return tuple(rows)


def _number(told: Mapping[str, Any], name: str) -> float:
    value = told.get(name)
    if not _is_number(value) or not value > 0:
        raise _wrong(name, "must be a number above 0")
    return float(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wrong(name: str, text: str) -> Reject:
    return Reject(422, "The weights cannot be used", f"{name}: {text}", code="weights")
