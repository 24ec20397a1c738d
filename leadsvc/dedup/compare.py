"""What each field of each pair says: :mod:`leadsvc.resolve.levels` over arrays.

What arithmetic can tell is told by arithmetic; what takes a look at the letters is asked once for each distinct pair of
values, with the engine's own functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from leadsvc.dedup.arrays import Flags, Floats, Ints
from leadsvc.dedup.columns import NONE, Coded, Columns
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.letters import bits, once, within_slips
from leadsvc.dedup.pairs import POSITION, Pairs
from leadsvc.dedup.spelling import Spellings
from leadsvc.resolve import levels as one_by_one
from leadsvc.resolve.levels import FIELDS, HUB, Beds, Email, Gap, Move, Order, Phone, Place, Said, Thread
from leadsvc.resolve.likeness import Family, Given
from leadsvc.resolve.model import (
    COMMONEST,
    EMAIL,
    FAMILY,
    GIVEN,
    ORDER,
    PHONE,
    PLACE,
    THREAD,
    Frequencies,
    Model,
    contact_share,
    variant_share,
)

_WORTH = 50_000  # pairs below which another process costs more than it saves
_MOST = 2_800_000  # pairs that a process compares at a time: the more, the more often one answer serves several


_SLIPS = 2  # between the local parts of addresses that count as nearly the same


class Comparer:
    """Compares pairs of rows of some columns."""

    def __init__(self, columns: Columns, frequencies: Frequencies, cores: Cores) -> None:
        self.columns, self.frequencies, self.cores = columns, frequencies, cores
        emails, phones = columns.emails, columns.phones
        self._email_crowd = np.array([columns.crowd(each) for each in emails.texts] or [1], np.int64)
        self._phone_crowd = np.array([columns.crowd(each) for each in phones.texts] or [1], np.int64)
        several = _several(emails, " ") | _several(phones, " ") | _several(columns.threads, "\n")
        masked = _coded_where(emails, [each.rpartition("@")[2] in frequencies.masked for each in emails.texts])
        self._by_hand = several | (masked & (columns.threads.codes != NONE))
        used = _without(emails.codes, self._email_crowd > HUB)
        self._email = np.where(masked, NONE, used)
        self._thread = np.where(masked & (used != NONE), len(columns.threads.texts) + used, columns.threads.codes)
        self._phone = _without(phones.codes, self._phone_crowd > HUB)
        # Made here, before other processes are copies of this one.
        self._local_bits = bits([each.rpartition("@")[0] for each in emails.texts])
        self._digits = np.array([_digits(each) for each in phones.texts] or [0], np.int64)
        self._area = _coded([each[:5] for each in phones.texts] or [""])
        self._spellings = Spellings(columns.parsed)
        # How probable each first name, last name, both together, and each property is.
        counted = columns.counted
        self._given = _of_each(counted.given, frequencies.given_share)
        self._family = _of_each(counted.family, frequencies.family_share)
        self._whole = _of_each(counted.whole, frequencies.whole_share)
        self._place = _of_each(columns.places, frequencies.place_share)

    def first_alike(self, rows: Ints) -> Ints:
        """For each of some rows the first of them with the same name and contact values, hubs left out; itself where it
        has no such value, or several of a kind."""
        told = np.stack([self.columns.names.codes, self._email, self._thread, self._phone])[:, rows]
        single = (told[1:] != NONE).any(axis=0) & ~self._by_hand[rows]
        told = np.concatenate([told, np.where(single, NONE, rows)[None]])
        _, first, back = np.unique(told, axis=1, return_index=True, return_inverse=True)
        found: Ints = rows[first][back.ravel()]
        return found

    def compare(self, coded_pairs: Ints) -> Pairs:
        """Compare the rows of these pairs (``first * rows + second``)."""
        count = max(len(self.columns), 1)
        first, second = coded_pairs // count, coded_pairs % count
        told = self.cores.over(
            lambda part: self._compared(first[part], second[part]), len(first), worth=_WORTH, most=_MOST
        )
        levels, email_crowd, phone_crowd = (np.concatenate(each) for each in zip(*told, strict=True))
        return Pairs(first, second, levels, email_crowd, phone_crowd)

    def _compared(self, first: Ints, second: Ints) -> tuple[Ints, Ints, Ints]:
        columns = self.columns
        table = np.zeros((len(first), len(FIELDS)), np.int8, order="F")  # read by field
        table[:, EMAIL], email_crowd = self._emails(first, second)
        table[:, PHONE], phone_crowd = self._phones(first, second)
        table[:, THREAD] = _equal(self._thread, first, second) * Thread.SAME
        given, family, turned = self._names(first, second)
        table[:, ORDER] = _orders(given, family, turned)
        given[columns.vouched[first] & columns.vouched[second] & (given == Given.DIFFERENT)] = Given.OTHER
        table[:, GIVEN], table[:, FAMILY] = given, family
        table[:, PLACE] = places = self._places(first, second)
        table[:, POSITION["gap"]] = gap = _gaps(np.abs(columns.at[first] - columns.at[second]))
        table[:, POSITION["move_in"]] = _moves(columns.move_in[first], columns.move_in[second], gap)
        table[:, POSITION["bedrooms"]] = _beds(columns.bedrooms[first], columns.bedrooms[second])
        table[:, POSITION["said"]] = _said(columns.said[first], columns.said[second], places, gap)
        by_hand = np.flatnonzero(self._by_hand[first] | self._by_hand[second])
        contacts = cache(self._contacts)
        for row, one, other in zip(by_hand.tolist(), first[by_hand].tolist(), second[by_hand].tolist(), strict=True):
            found = one_by_one.contacts(contacts(one), contacts(other))
            table[row, EMAIL], table[row, THREAD], table[row, PHONE] = found[:3]
            email_crowd[row], phone_crowd[row] = found[3:]
        return table, email_crowd, phone_crowd

    def _contacts(self, row: int) -> one_by_one.Usable:
        """The contact values of a row for one comparison: arithmetic on single codes cannot compare several of a
        kind."""
        known = self.columns
        return one_by_one.usable(known.contacts(row), known.crowd, self.frequencies.masked)

    def _emails(self, first: Ints, second: Ints) -> tuple[Ints, Ints]:
        ours, theirs = self._email[first], self._email[second]
        both = (ours != NONE) & (theirs != NONE)
        level = np.where(both, np.int8(Email.DIFFERENT), np.int8(Email.MISSING))
        equal = both & (ours == theirs)
        level[equal] = Email.SAME
        crowd = np.where(equal, self._email_crowd[ours], 0).astype(np.int8)
        unlike = np.flatnonzero(both & ~equal)
        unlike = unlike[within_slips(self._local_bits[ours[unlike]], self._local_bits[theirs[unlike]], _SLIPS)]
        texts = self.columns.emails.texts
        level[unlike] = once(
            ours[unlike], theirs[unlike], lambda one, other: one_by_one.emails((texts[one],), (texts[other],))
        )
        return level, crowd

    def _phones(self, first: Ints, second: Ints) -> tuple[Ints, Ints]:
        ours, theirs = self._phone[first], self._phone[second]
        both = (ours != NONE) & (theirs != NONE)
        level = np.where(both, np.int8(Phone.DIFFERENT), np.int8(Phone.MISSING))
        equal = both & (ours == theirs)
        texts = self.columns.phones.texts
        digits, area = self._digits, self._area
        level[both & (area[ours] == area[theirs])] = Phone.AREA
        level[equal] = Phone.SAME
        crowd = np.where(equal, self._phone_crowd[ours], 0).astype(np.int8)
        unlike = np.flatnonzero(both & ~equal)
        unlike = unlike[_one_slip(np.abs(digits[ours[unlike]] - digits[theirs[unlike]]))]
        level[unlike] = once(
            ours[unlike], theirs[unlike], lambda one, other: one_by_one.phones((texts[one],), (texts[other],))
        )
        return level, crowd

    def _names(self, first: Ints, second: Ints) -> tuple[Ints, Ints, Flags]:
        """Levels of given name and family name, and whether they had to be turned round."""
        codes = self.columns.names.codes
        ours, theirs = codes[first], codes[second]
        given = np.full(len(first), Given.MISSING, np.int8)
        family = np.full(len(first), Family.MISSING, np.int8)
        turned = np.zeros(len(first), bool)
        named = np.flatnonzero((ours != NONE) & (theirs != NONE))
        low, high = np.minimum(ours[named], theirs[named]), np.maximum(ours[named], theirs[named])
        size = max(len(self.columns.names.texts), 1)
        pairs, back = np.unique(low * size + high, return_inverse=True)
        told = self._spellings.compare(pairs // size, pairs % size)
        for level, found in zip((given, family, turned), told, strict=True):
            level[named] = found[back]
        return given, family, turned

    def _places(self, first: Ints, second: Ints) -> Ints:
        places, regions = self.columns.places.codes, self.columns.regions.codes
        ours, theirs = places[first], places[second]
        level = np.full(len(first), Place.FAR, np.int8)
        level[_equal(regions, first, second)] = Place.REGION
        level[ours == theirs] = Place.SAME
        level[(ours == NONE) | (theirs == NONE)] = Place.MISSING
        return level

    def shares(self, pairs: Pairs, model: Model) -> Floats:
        """For each pair and field how probable the level is among strangers because of the value; 0: as the table
        says. As :meth:`leadsvc.resolve.model.Model.shares` for one pair."""
        known, columns = self.frequencies, self.columns
        found = np.zeros((len(pairs), len(FIELDS)))
        size = max(known.leads, 2)
        strangers = np.array(model.tables["stranger"][GIVEN])
        found[:, EMAIL] = contact_share(pairs.email_crowd, size)
        found[:, PHONE] = contact_share(pairs.phone_crowd, size)
        ours, theirs = columns.names.codes[pairs.first], columns.names.codes[pairs.second]
        given, family, whole, place = self._given, self._family, self._whole, self._place
        turned = pairs.levels[:, ORDER] == Order.TURNED

        def pick(share: Floats) -> Floats:
            return np.where(turned, np.maximum(share[ours], share[theirs]), np.minimum(share[ours], share[theirs]))

        level = pairs.levels[:, GIVEN]
        share = pick(given)
        found[:, GIVEN] = np.where(
            level == Given.SAME, share, np.where(level == Given.VARIANT, variant_share(share), 0)
        )
        last = pairs.levels[:, FAMILY]
        alike = (last == Family.SAME) | (last == Family.VARIANT)
        found[:, FAMILY] = np.where(alike, pick(family), 0)
        together = np.zeros(len(pairs))
        both = alike & (found[:, GIVEN] > 0)
        together[both] = pick(whole)[both] / found[both, FAMILY]
        agree = (last >= Family.PART) & (level >= Given.INITIAL)
        usual = np.where(found[:, GIVEN] > 0, found[:, GIVEN], strangers[level])
        found[agree, GIVEN] = np.minimum(np.maximum(usual * known.namesakes, together), COMMONEST)[agree]
        same = pairs.levels[:, PLACE] == Place.SAME
        found[:, PLACE] = np.where(same, place[pairs.first], 0)
        return found


def _digits(phone: str) -> int:
    text = "".join(filter(str.isdigit, phone))[:18]
    return int(text) if text else 0


def _one_slip(difference: Ints) -> Flags:
    """Whether two numbers can differ in one digit, or in two neighbours changed about: by up to 81 of some decimal
    place."""
    found = np.zeros(len(difference), bool)
    for power in range(16):
        part, rest = np.divmod(difference, 10**power)
        found |= (rest == 0) & (part <= 81)
    return found


def _coded(texts: list[str]) -> Ints:
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(each, len(seen)) for each in texts], np.int64)


def _of_each(column: Coded, share: Callable[[str], float]) -> Floats:
    """The share of each text of a column; one more stands for what is not there."""
    shares = np.array([*map(share, column.texts), share("")])
    found: Floats = shares[np.append(column.codes, NONE)]
    return found


def _several(column: Coded, between: str) -> Flags:
    return _coded_where(column, [between in each for each in column.texts])


def _coded_where(column: Coded, which: list[bool]) -> Flags:
    """Rows whose text is one of those marked."""
    marked = np.array([*which, False], bool)
    found: Flags = marked[column.codes]
    return found


def _without(codes: Ints, dropped: Flags) -> Ints:
    return np.where((codes != NONE) & dropped[codes], NONE, codes)


def _equal(codes: Ints, first: Ints, second: Ints) -> Flags:
    ours = codes[first]
    found: Flags = (ours != NONE) & (ours == codes[second])
    return found


def _orders(given: Ints, family: Ints, turned: Flags) -> Ints:
    agree = (given >= Given.NEAR) & (family >= Family.PART)
    return np.where(turned, Order.TURNED, np.where(agree, Order.STRAIGHT, Order.MISSING)).astype(np.int8)


def _gaps(seconds: Ints) -> Ints:
    return np.searchsorted(np.array(one_by_one.GAPS), seconds, side="right").astype(np.int8)


def _moves(one: Ints, other: Ints, gap: Ints) -> Ints:
    days = np.abs(one - other)
    level = np.select([days <= 1, days <= 14, days <= 35], [Move.SAME, Move.NEAR, Move.MONTH], Move.FAR)
    level[(one == NONE) | (other == NONE) | (gap > Gap.SEASON)] = Move.MISSING
    return level


def _beds(one: Floats, other: Floats) -> Ints:
    rooms = np.abs(one - other)
    level = np.select([rooms == 0, rooms <= 1], [Beds.SAME, Beds.NEXT], Beds.FAR)
    level[np.isnan(rooms)] = Beds.MISSING
    return level


def _said(one: Ints, other: Ints, place: Ints, gap: Ints) -> Ints:
    level = np.where(one == other, Said.SAME, Said.OTHER)
    level[(one == 0) | (other == 0) | (place != Place.SAME) | (gap > Gap.DAY)] = Said.MISSING
    return level
