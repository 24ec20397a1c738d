"""Traces by column, every value numbered, so that a million of them fit in memory and are compared as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from leadsvc.normalize.emails import is_public
from leadsvc.resolve.keys import given_root, keys
from leadsvc.resolve.levels import Crowd
from leadsvc.resolve.model import Frequencies
from leadsvc.resolve.trace import Trace

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NONE = -1
"""The code of a value that is not there."""


@dataclass(frozen=True)
class Block:
    """Some traces by column, as one process hands them to another. ``keys`` holds the keys of all rows one after the
    other, ``counts`` how many each row has."""

    ids: list[str]
    at: Ints
    names: list[str]
    emails: list[str]
    threads: list[str]
    phones: list[str]
    places: list[str]
    regions: list[str]
    move_in: Ints
    bedrooms: Floats
    said: Ints
    keys: Ints
    counts: Ints


def block(traces: Sequence[Trace]) -> Block:
    """Take traces apart into columns, with their keys."""
    made = [keys(each) for each in traces]
    return Block(
        [each.id for each in traces],
        np.array([each.at for each in traces], np.int64),
        ["|".join((" ".join(e.given), " ".join(e.family), e.suffix, "1" if e.guessed else "")) for e in traces],
        [" ".join(each.emails) for each in traces],
        ["\n".join(each.threads) for each in traces],
        [" ".join(each.phones) for each in traces],
        [each.place for each in traces],
        [each.region for each in traces],
        np.array([NONE if each.move_in is None else each.move_in for each in traces], np.int64),
        np.array([np.nan if each.bedrooms is None else each.bedrooms for each in traces], np.float64),
        np.array([each.said for each in traces], np.int64),
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

    @cached_property
    def crowds(self) -> dict[str, int]:
        """Contact values behind which more than one first name was seen -> how many."""
        roots = coded((given_root(each.given) for each in self.parsed), len(self.parsed)).codes
        crowds: dict[str, int] = {}
        for column in (self.emails, self.phones):
            crowds |= _crowds(column, self.names.codes, roots)
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
        return Frequencies(len(self), given, family, places, self._masked())

    def _masked(self) -> frozenset[str]:
        """Domains whose addresses never spell anything of the names that use them: somebody makes them up, one for each
        conversation."""
        told: dict[str, list[int]] = {}
        pairs = np.unique(np.stack([self.emails.codes, self.names.codes]), axis=1)
        for email, named in pairs[:, (pairs[0] != NONE) & (pairs[1] != NONE)].T.tolist():
            local, _, domain = self.emails.texts[email].partition(" ")[0].rpartition("@")
            if is_public(domain):
                continue
            name = self.parsed[named]
            words = [each for each in (*name.given, *name.family) if len(each) > 2]
            count = told.setdefault(domain, [0, 0])
            count[0] += 1
            count[1] += any(each[:4] in local for each in words)
        return frozenset(
            domain for domain, (all_, spelled) in told.items() if all_ >= _MANY and spelled <= all_ * _BY_CHANCE
        )


_MANY = 25  # addresses at a domain before it is judged
_BY_CHANCE = 0.05  # of random local parts hold the letters of somebody's name


def _name(text: str) -> Name:
    given, family, suffix, guessed = text.split("|")
    return Name(tuple(given.split()), tuple(family.split()), suffix, bool(guessed))


def _text(column: Coded, row: int) -> str:
    code = column.codes[row]
    return "" if code == NONE else column.texts[code]


def _crowds(column: Coded, names: Ints, roots: Ints) -> dict[str, int]:
    """Single values of a column -> distinct first names behind them, where there are several."""
    named = np.where(names == NONE, NONE, roots[names]) if len(roots) else np.full(len(names), NONE)
    used = (column.codes != NONE) & (named != NONE)
    pairs = np.unique(np.stack([column.codes[used], named[used]]), axis=1)
    behind: dict[str, set[int]] = {}
    singles = np.array([" " not in each for each in column.texts], bool)
    shared = {each for text, single in zip(column.texts, singles, strict=True) if not single for each in text.split()}
    counts = np.bincount(pairs[0], minlength=len(column.texts)) if pairs.size else np.zeros(len(column.texts), int)
    crowds = {
        column.texts[code]: int(counts[code])
        for code in np.flatnonzero((counts > 1) & singles)
        if column.texts[code] not in shared
    }
    if shared:  # values that also stand beside others in some row
        for code, root in pairs.T.tolist():
            for value in column.texts[code].split():
                if value in shared:
                    behind.setdefault(value, set()).add(root)
        crowds |= {value: len(found) for value, found in behind.items() if len(found) > 1}
    return crowds


def gather(blocks: Iterable[Block]) -> Columns:
    """Put blocks together and bring their rows into order."""
    parts = list(blocks)
    ids = [each for part in parts for each in part.ids]
    at = _joined([part.at for part in parts], np.int64)
    order = np.lexsort((np.array(ids, dtype=np.str_), at)).astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows = np.repeat(place, _joined([part.counts for part in parts], np.int64))

    def column(name: str) -> Coded:
        found = coded((each for part in parts for each in getattr(part, name)), len(ids))
        return Coded(found.codes[order], found.texts)

    names = coded((each if each != "|||" else "" for part in parts for each in part.names), len(ids))
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
        _joined([part.keys for part in parts], np.int64),
        rows,
    )


def _joined(arrays: Sequence[npt.NDArray[Any]], kind: type[Any]) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
