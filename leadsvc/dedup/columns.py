"""Traces by column, every value numbered, so that a million of them fit in memory and are compared as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from leadsvc.dedup.arrays import Flags, Floats, Ints, distinct_both
from leadsvc.normalize.emails import is_public
from leadsvc.resolve.keys import SEASON_S, given_root, keys
from leadsvc.resolve.levels import HUB, Crowd
from leadsvc.resolve.likeness import Spelled
from leadsvc.resolve.model import Frequencies, whole_name
from leadsvc.resolve.trace import Trace

NONE = -1
"""The code of a value that is not there."""


@dataclass(frozen=True)
class Block:
    """Some traces by column, as one process hands them to another: texts of one column in one, so that they pass
    quickly. ``keys`` holds the keys of all rows one after the other, ``counts`` how many each row has."""

    ids: str
    at: Ints
    names: str
    emails: str
    threads: str
    phones: str
    places: str
    regions: str
    move_in: Ints
    bedrooms: Floats
    said: Ints
    vouched: Flags
    keys: Ints
    counts: Ints


_BETWEEN = "\x1e"  # the record separator: no normalised value holds it


def _text_of(values: Iterable[str]) -> str:
    return _BETWEEN.join(each.replace(_BETWEEN, " ") for each in values)


def block(traces: Sequence[Trace]) -> Block:
    """Take traces apart into columns, with their keys."""
    made = [keys(each) for each in traces]
    return Block(
        _text_of(each.id for each in traces),
        np.array([each.at for each in traces], np.int64),
        _text_of("|".join((" ".join(e.given), " ".join(e.family), e.suffix, "1" if e.guessed else "")) for e in traces),
        _text_of(" ".join(each.emails) for each in traces),
        _text_of("\n".join(each.threads) for each in traces),
        _text_of(" ".join(each.phones) for each in traces),
        _text_of(each.place for each in traces),
        _text_of(each.region for each in traces),
        np.array([NONE if each.move_in is None else each.move_in for each in traces], np.int64),
        np.array([np.nan if each.bedrooms is None else each.bedrooms for each in traces], np.float64),
        np.array([each.said for each in traces], np.int64),
        np.array([each.vouched for each in traces], np.bool_),
        np.array([key for row in made for key in row], np.int64),
        np.array([len(row) for row in made], np.int64),
    )


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
        named = np.bincount(self.names.codes[self.names.codes != NONE], minlength=len(self.names.texts))
        given: dict[str, int] = {}
        family: dict[str, int] = {}
        for name, count in zip(self.parsed, named.tolist(), strict=True):
            if name.given:
                given[name.root] = given.get(name.root, 0) + count
            if name.family:
                last = "".join(name.family)
                family[last] = family.get(last, 0) + count
        housed = np.bincount(self.places.codes[self.places.codes != NONE], minlength=len(self.places.texts))
        places = dict(zip(self.places.texts, housed.tolist(), strict=True))
        namesakes = self._namesakes(given, family)
        return Frequencies(len(self), given, family, places, self._masked(), namesakes, self._common())

    def _common(self) -> dict[str, int]:
        """First and last names together, with how often they occur: reckoned from the regions besides the one where
        each is most frequent, so that what one person wrote again and again does not count."""
        texts: dict[str, int] = {}
        named = [
            texts.setdefault(whole_name(each.given, each.family), len(texts)) if each.given and each.family else NONE
            for each in self.parsed
        ]
        codes = np.array([*named, NONE], np.int64)[self.names.codes]
        used = (codes != NONE) & (self.regions.codes != NONE)
        regions = len(self.regions.texts)
        if regions < 2 or not used.any():
            return {}
        pairs, sizes = np.unique(codes[used] * regions + self.regions.codes[used], return_counts=True)
        most = np.zeros(len(texts), np.int64)
        np.maximum.at(most, pairs // regions, sizes)
        elsewhere = np.bincount(codes[used], minlength=len(texts)) - most
        reckoned = np.rint(elsewhere * regions / (regions - 1)).astype(int)
        words = list(texts)
        return {words[code]: int(reckoned[code]) for code in np.flatnonzero(reckoned >= _SEVERAL)}

    def _namesakes(self, given: Mapping[str, int], family: Mapping[str, int]) -> float:
        """How many times more often both names agree than first and last names apart would. Counted across regions,
        where hardly ever the same person wrote twice."""
        whole = coded((f"{each.root}|{''.join(each.family)}" for each in self.parsed), len(self.parsed)).codes
        full = np.array([bool(each.given and each.family) for each in self.parsed], bool)
        used = (self.names.codes != NONE) & (self.regions.codes != NONE)
        used[used] = full[self.names.codes[used]]
        names, regions = whole[self.names.codes[used]], self.regions.codes[used]
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


def gather(blocks: Iterable[Block]) -> Columns:
    """Put blocks together and bring their rows into order."""
    parts = [each for each in blocks if len(each.at)]
    ids = [each for part in parts for each in part.ids.split(_BETWEEN)]
    at = _joined([part.at for part in parts], np.int64)
    order = np.lexsort((np.array(ids, dtype=np.str_), at)).astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows = np.repeat(place, _joined([part.counts for part in parts], np.int64))

    def column(name: str) -> Coded:
        found = coded((each for part in parts for each in getattr(part, name).split(_BETWEEN)), len(ids))
        return Coded(found.codes[order], found.texts)

    names = coded((each if each != "|||" else "" for part in parts for each in part.names.split(_BETWEEN)), len(ids))
    return Columns(
        [ids[row] for row in order],
        at[order],
        Coded(names.codes[order], names.texts),
        column("emails"),
        column("threads"),
        column("phones"),
        column("places"),
        column("regions"),
        _joined([part.move_in for part in parts], np.int64)[order],
        _joined([part.bedrooms for part in parts], np.float64)[order],
        _joined([part.said for part in parts], np.int64)[order],
        _joined([part.vouched for part in parts], np.bool_)[order],
        _joined([part.keys for part in parts], np.int64),
        rows,
    )


def _joined(arrays: Sequence[npt.NDArray[Any]], kind: type[Any]) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
