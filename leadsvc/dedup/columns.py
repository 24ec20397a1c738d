"""Traces by column, every value numbered, so that a million of them fit in memory and are compared as arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leadsvc.dedup.arrays import Flags, Floats, Ints, distinct_both
from leadsvc.normalize.emails import is_public
from leadsvc.resolve.keys import SEASON_S, given_root
from leadsvc.resolve.levels import HUB, Crowd
from leadsvc.resolve.likeness import Spelled
from leadsvc.resolve.model import Frequencies, whole_name
from leadsvc.resolve.trace import Trace

NONE = -1
"""The code of a value that is not there."""


@dataclass(frozen=True)
class Coded:
    """A column of texts as numbers. ``codes``: per row the place of its text in ``texts``, :data:`NONE` for none."""

    codes: Ints
    texts: list[str]


def coded(texts: Iterable[str], count: int) -> Coded:
    """Number the distinct texts in the order in which they come."""
    seen: dict[str, int] = {"": NONE}
    codes = np.fromiter((seen.setdefault(each, len(seen) - 1) for each in texts), np.int64, count)
    del seen[""]
    return Coded(codes, list(seen))


@dataclass(frozen=True)
class Name:
    """One distinct name, as it is compared and counted."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    suffix: str
    guessed: bool

    @property
    def spelled(self) -> Spelled:
        return self.given, self.family, self.guessed

    @property
    def root(self) -> str:
        """What is counted as its first name."""
        return given_root(self.given) or "".join(self.given)


@dataclass(frozen=True)
class Counted:
    """For each distinct name its first name, its last name, and both together as one text, as they are counted."""

    given: Coded
    family: Coded
    whole: Coded


@dataclass(frozen=True)
class Columns:
    """All traces, in the order that settles what is equal (see :func:`leadsvc.resolve.engine.in_order`)."""

    ids: list[str]
    at: Ints
    names: Coded
    emails: Coded
    threads: Coded
    phones: Coded
    places: Coded
    regions: Coded
    move_in: Ints
    bedrooms: Floats
    said: Ints
    vouched: Flags
    keys: Ints
    key_rows: Ints

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def parsed(self) -> list[Name]:
        """The distinct names, taken apart."""
        return [_name(each) for each in self.names.texts]

    @cached_property
    def counted(self) -> Counted:
        """What the distinct names are counted by."""
        parsed, count = self.parsed, len(self.parsed)
        both = (whole_name(each.given, each.family) if each.given and each.family else "" for each in parsed)
        return Counted(
            coded((each.root for each in parsed), count),
            coded(("".join(each.family) for each in parsed), count),
            coded(both, count),
        )

    def trace(self, row: int) -> Trace:
        """One trace as the engine takes it."""
        name = self.parsed[self.names.codes[row]] if self.names.codes[row] != NONE else Name((), (), "", False)
        move, beds = int(self.move_in[row]), float(self.bedrooms[row])
        return Trace(
            self.ids[row],
            int(self.at[row]),
            name.given,
            name.family,
            name.suffix,
            name.guessed,
            tuple(_text(self.emails, row).split()),
            tuple(_text(self.threads, row).splitlines()),
            tuple(_text(self.phones, row).split()),
            _text(self.places, row),
            _text(self.regions, row),
            None if move == NONE else move,
            None if np.isnan(beds) else beds,
            int(self.said[row]),
        )

    def contacts(self, row: int) -> Trace:
        """The contact values of one trace, without the rest of it."""
        return Trace(
            self.ids[row],
            int(self.at[row]),
            emails=tuple(_text(self.emails, row).split()),
            threads=tuple(_text(self.threads, row).splitlines()),
            phones=tuple(_text(self.phones, row).split()),
        )

    @cached_property
    def first_names(self) -> Ints:
        """Each row's first name, as it is counted, by number."""
        roots = coded((given_root(each.given) for each in self.parsed), len(self.parsed)).codes
        return np.where(self.names.codes == NONE, NONE, roots[self.names.codes]) if len(roots) else self.names.codes

    @cached_property
    def generations(self) -> Ints:
        """Each row's generation (elder, younger), by number; :data:`NONE` where the name does not tell."""
        told = coded((each.suffix for each in self.parsed), len(self.parsed)).codes
        return np.where(self.names.codes == NONE, NONE, told[self.names.codes]) if len(told) else self.names.codes

    @cached_property
    def crowds(self) -> dict[str, int]:
        """Contact values that more than one person seems to have -> how many; see
        :func:`leadsvc.resolve.keys.crowd_of`."""
        named = self.first_names
        seasons = self.at // SEASON_S
        seasons = seasons - seasons.min(initial=0)
        crowds: dict[str, int] = {}
        for column in (self.emails, self.phones):
            values, rows = _taken_apart(column)
            known = named[rows] != NONE
            names = _distinct(values.codes[known], named[rows][known], len(values.texts))
            often = _distinct(values.codes, seasons[rows], len(values.texts))
            found = np.maximum(names, np.where(often > HUB, often, 1))
            crowds |= {values.texts[code]: int(found[code]) for code in np.flatnonzero(found > 1)}
        return crowds

    @cached_property
    def crowd(self) -> Crowd:
        """How many distinct first names were seen behind a contact value."""
        known = self.crowds

        def behind(value: str) -> int:
            return known.get(value, 1)

        return behind

    def frequencies(self) -> Frequencies:
        """How often names and properties occur in these traces, and which domains hold masked addresses only."""
        counted = self.counted
        named = np.bincount(self.names.codes[self.names.codes != NONE], minlength=len(self.names.texts))
        given, family = _tally(counted.given, named), _tally(counted.family, named)
        places = _tally(self.places, np.ones(len(self), np.int64))
        namesakes = self._namesakes(given, family)
        masked = self._masked()
        return Frequencies(len(self), given, family, places, masked, namesakes, self._common(masked))

    def _common(self, masked: Collection[str]) -> dict[str, int]:
        """First and last names together, with how often they occur among strangers; what one person wrote again and
        again does not count. Reckoned from the regions besides the one where each is most frequent, or from the
        contact values behind a name where these are more than one person has: a name that is frequent in one region
        only, and what a form or a caller-ID fills in for one."""
        codes, words = np.append(self.counted.whole.codes, NONE)[self.names.codes], self.counted.whole.texts
        reckoned = np.maximum(self._elsewhere(codes, len(words)), self._by_others(codes, len(words), masked))
        return {words[code]: int(reckoned[code]) for code in np.flatnonzero(reckoned >= _SEVERAL)}

    def _elsewhere(self, names: Ints, count: int) -> Ints:
        """For each of ``count`` names its inquiries, reckoned from regions other than its own."""
        used = (names != NONE) & (self.regions.codes != NONE)
        regions = len(self.regions.texts)
        if regions < 2:
            return np.zeros(count, np.int64)
        pairs, sizes = np.unique(names[used] * regions + self.regions.codes[used], return_counts=True)
        most = np.zeros(count, np.int64)
        np.maximum.at(most, pairs // regions, sizes)
        elsewhere = np.bincount(names[used], minlength=count) - most
        return np.rint(elsewhere * regions / (regions - 1)).astype(np.int64)

    def _by_others(self, names: Ints, count: int, masked: Collection[str]) -> Ints:
        """For each of ``count`` names the inquiries of somebody else than any one of its bearers, where there are more
        addresses, or more numbers, behind it than :data:`leadsvc.resolve.levels.HUB`. Addresses at ``masked`` domains
        are as many as one person's conversations."""
        own = np.array([each.rpartition("@")[2] not in masked for each in self.emails.texts] + [False])
        behind = np.zeros(count, np.int64)
        for column, counts in ((self.emails, own[self.emails.codes]), (self.phones, self.phones.codes != NONE)):
            used = (names != NONE) & counts
            named, _ = distinct_both(names[used], column.codes[used])
            behind = np.maximum(behind, np.bincount(named, minlength=count))
        inquiries = np.bincount(names[names != NONE], minlength=count)
        return np.where(behind > HUB, inquiries - inquiries // np.maximum(behind, 1), 0)

    def _namesakes(self, given: Mapping[str, int], family: Mapping[str, int]) -> float:
        """How many times more often both names agree than first and last names apart would. Counted across regions,
        where hardly ever the same person wrote twice."""
        whole = np.append(self.counted.whole.codes, NONE)[self.names.codes]
        used = (whole != NONE) & (self.regions.codes != NONE)
        names, regions = whole[used], self.regions.codes[used]
        across = _across(np.zeros(len(names), np.int64), regions)
        if not across:
            return 1.0
        expected = across * _together(given) * _together(family)
        found = _across(names, regions)
        return min(max((found + 1) / (expected + 1), 1.0), _MOST_NAMESAKES)

    def _masked(self) -> frozenset[str]:
        """Domains whose addresses never spell anything of the names that use them: somebody makes them up, one for each
        conversation."""
        told: dict[str, tuple[set[str], list[bool]]] = {}
        hosts = [each.partition(" ")[0].rpartition("@")[2] for each in self.emails.texts]
        private = np.array([*(not is_public(each) for each in hosts), False], bool)  # the last: no address
        emails, names = distinct_both(self.emails.codes, self.names.codes)
        used = private[emails] & (names != NONE)
        for email, named in zip(emails[used].tolist(), names[used].tolist(), strict=True):
            domain = hosts[email]
            local = self.emails.texts[email].partition(" ")[0].rpartition("@")[0]
            name = self.parsed[named]
            words = [each for each in (*name.given, *name.family) if len(each) > 2]
            addresses, spelled = told.setdefault(domain, (set(), []))
            addresses.add(local)
            spelled.append(any(each[:4] in local for each in words))
        return frozenset(
            domain
            for domain, (addresses, spelled) in told.items()
            if len(addresses) >= _MANY and sum(spelled) <= len(spelled) * _BY_CHANCE
        )


_MANY = 25  # addresses at a domain before it is judged
_BY_CHANCE = 0.05  # of random local parts hold the letters of somebody's name


_SEVERAL = 2  # inquiries elsewhere from which a name is counted
_MOST_NAMESAKES = 20.0


def _tally(column: Coded, counts: Ints) -> dict[str, int]:
    """How often each text of a column occurs, each entry of it counted so many times."""
    there = column.codes != NONE
    found = np.bincount(column.codes[there], weights=counts[there], minlength=len(column.texts)).astype(np.int64)
    return dict(zip(column.texts, found.tolist(), strict=True))


def _across(groups: Ints, regions: Ints) -> int:
    """Pairs of rows of one group but of two regions."""
    count = int(regions.max(initial=0)) + 1
    _, sizes = np.unique(groups, return_counts=True)
    _, inside = np.unique(groups * count + regions, return_counts=True)
    return int((sizes**2).sum() - (inside**2).sum()) // 2


def _together(counts: Mapping[str, int]) -> float:
    """How probably two random rows have the same word."""
    total = sum(counts.values())
    return sum(each * each for each in counts.values()) / (total * total) if total else 0.0


def _name(text: str) -> Name:
    given, family, suffix, guessed = text.split("|")
    return Name(tuple(given.split()), tuple(family.split()), suffix, bool(guessed))


def _text(column: Coded, row: int) -> str:
    code = column.codes[row]
    return "" if code == NONE else column.texts[code]


def _taken_apart(column: Coded) -> tuple[Coded, Ints]:
    """The single values of a column, and the row of each."""
    rows = np.flatnonzero(column.codes != NONE)
    codes = column.codes[rows]
    several = np.array([" " in each for each in column.texts] or [False], bool)[codes]
    texts = [column.texts[code] for code in codes[~several]]
    places = [rows[~several]]
    for row, code in zip(rows[several].tolist(), codes[several].tolist(), strict=True):
        found = column.texts[code].split()
        texts += found
        places.append(np.full(len(found), row))
    return coded(texts, len(texts)), np.concatenate(places)


def _distinct(values: Ints, seen: Ints, count: int) -> Ints:
    """For each value how many different things were seen with it."""
    return np.bincount(distinct_both(values, seen)[0], minlength=count)
