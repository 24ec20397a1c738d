"""Look-ups of one hint: which properties does this text name on this day? Built once, then dictionary look-ups."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from rapidfuzz import fuzz, process

from leadsvc.normalize.address import Address, StreetParts, city_key, fold, split_address, street_key, street_parts
from leadsvc.places.rows import ListingIds, PropertyRow, UnitRow

# Sites that show the listings of another one, under the other's ids.
NETWORKS: Mapping[str, str] = {
    "trulia": "zillow",
    "hotpads": "zillow",
    "streeteasy": "zillow",
    "forrent": "apartments_com",
    "after55": "apartments_com",
    "corporatehousing": "apartments_com",
    "apartmentguide": "rent_com",
    "padmapper": "zumper",
}

_ANY_SITE = "*"

# A misspelt name must come this near (rapidfuzz ratio, 0-100), be this far ahead of the next property's, and be long
# enough that a letter more or less does not make another word.
NEAR_ENOUGH = 90
MARGIN = 6
WORTH_SHOWING = 75
_SHORTEST_NEARLY = 8
# One wrong letter in five is a slip ("Ceder"); in four it is another word ("Lane" and "Lake").
_LONG_WORD = 5
_SLIP = 80

# Words that say what is let and not which place: "Cedar Hollow Apartments" is Cedar Hollow. Lofts, townhomes or villas
# may be a sister property, so they stay.
_GENERIC = re.compile(r"\b(?:apartment homes|apartment community|apartments|apartment|apts|apt|community|llc)$")
_ROMAN = frozenset(("i", "ii", "iii", "iv", "v", "vi", "vii"))
_SEGMENTS = re.compile(r"[,;|()\r\n\u2022]|\s[-\u2013\u2014]\s")


class Hit(NamedTuple):
    """A property (and perhaps its unit) behind a text, and the days on which the text meant it."""

    property_id: uuid.UUID
    unit_id: uuid.UUID | None
    text: str
    valid_from: date | None
    valid_to: date | None

    def in_force(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Found:
    """What one text names: ``hits`` in force, ``lapsed`` ones that are not, ``near`` ones to offer to a person."""

    hits: tuple[Hit, ...] = ()
    lapsed: tuple[Hit, ...] = ()
    near: tuple[Hit, ...] = ()

    @property
    def properties(self) -> frozenset[uuid.UUID]:
        return frozenset(hit.property_id for hit in self.hits)


class _Town(NamedTuple):
    city: str
    state: str
    postal_code: str


NOTHING = Found()
Table = Mapping[str, Sequence[Hit]]


class Tables:
    """Every text by which the properties are known. Never changed after it is built."""

    def __init__(
        self, properties: Iterable[PropertyRow], units: Iterable[UnitRow], networks: Mapping[str, str]
    ) -> None:
        self.rows = {row.id: row for row in properties}
        self._networks = networks
        self._towns = {row.id: _town(row) for row in self.rows.values()}
        # For likeness: core names without spaces, as people split words differently.
        self._compact: dict[str, str] = {}
        ids, tags, names, streets = (defaultdict[str, list[Hit]](list) for _ in range(4))
        self._by_number = defaultdict[str, list[tuple[StreetParts, Hit]]](list)
        for row in self.rows.values():
            self._enter(row, ids, tags, names, streets)
        for unit in units:
            owner = self.rows.get(unit.property_id)
            if owner is None:
                continue  # of a property that is left out: inactive ones keep their units in the PMS
            hit = Hit(owner.id, unit.id, owner.name, owner.managed_from, owner.managed_to)
            for key in (unit.remote_id, *self._listing_keys(unit.listing_ids)):
                _put(ids, key.casefold(), hit)
        self._ids: Table = dict(ids)
        self._tags: Table = dict(tags)
        self._names: Table = dict(names)
        self._streets: Table = dict(streets)

    def by_id(self, text: str, source: str, on: date) -> Found:
        """Ids of the PMS, ids of listings at ``source`` or the network it belongs to, office numbers."""
        key = text.strip().casefold()
        keys = (key, self._listing_key(source, key), self._listing_key(_ANY_SITE, key))
        return _judge([hit for each in keys for hit in self._ids.get(each, ())], on)

    def by_tag(self, text: str, on: date) -> Found:
        """The tag of a mailbox, bare (``chd``) or in its address (``leads+chd@…``)."""
        return _judge(self._tags.get(text.strip().partition("@")[0].rpartition("+")[2].casefold(), ()), on)

    def by_name(self, text: str, on: date) -> Found:
        """A name or alias, alone or beside other things."""
        found = [self._names.get(key, ()) for key in _name_keys(text)]
        if not any(found):
            address = split_address(text)
            # Behind a street stands a city, which may be some property's name too.
            town = fold(address.city) if address.street else ""
            parts = (part for part in _SEGMENTS.split(text) if fold(part) != town)
            found = [self._names.get(key, ()) for part in parts for key in _name_keys(part)]
        return _judge([hit for hits in found for hit in hits], on)

    def nearly_named(self, text: str, on: date) -> Found:
        """A name or alias that is spelled almost so, if no other property's comes near; slower than the look-ups."""
        wanted = (_name_keys(text) or ("",))[-1]
        compact = wanted.replace(" ", "")
        if len(compact) < _SHORTEST_NEARLY:
            return NOTHING
        best: dict[uuid.UUID, tuple[float, Hit]] = {}
        matches = process.extract(compact, self._compact, scorer=fuzz.ratio, score_cutoff=WORTH_SHOWING, limit=20)
        for _, ratio, key in matches:
            # A like name that fails the closer look is shown to a person, never taken.
            score = ratio if _words_alike(wanted, key) else min(ratio, NEAR_ENOUGH - 1)
            for hit in self._names[key]:
                if hit.in_force(on) and score > best.get(hit.property_id, (0.0, hit))[0]:
                    best[hit.property_id] = (score, hit)
        ranked = sorted(best.values(), key=lambda entry: -entry[0])
        near = tuple(hit for _, hit in ranked)
        sure = ranked and ranked[0][0] >= NEAR_ENOUGH and (len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= MARGIN)
        return Found(near[:1] if sure else (), near=near)

    def by_address(self, text: str, on: date) -> Found:
        """A street address; a town beside it must not be another one."""
        address, key = split_address(text), street_key(text)
        return _judge([h for h in self._streets.get(key, ()) if not self.elsewhere(address, h.property_id)], on)

    def nearly_at(self, text: str, on: date) -> Found:
        """A street address with small omissions or slips, where city or postal code confirm it."""
        address, wanted = split_address(text), street_parts(street_key(text))
        alike = [
            hit
            for parts, hit in self._by_number.get(wanted.number, ())
            if _streets_alike(wanted, parts) and self._same_town(address, hit.property_id)
        ]
        return _judge(alike, on)

    def locality(self, text: str) -> Address:
        """Where ``text`` says it is. A property's name that stands where a city might is no city."""
        address = split_address(text)
        whole = address.street and (address.state or address.postal_code)
        if not whole and any(key in self._names for key in _name_keys(address.city)):
            return Address(address.street, address.unit, "", address.state, address.postal_code)
        return address

    def elsewhere(self, address: Address, property_id: uuid.UUID, *, lenient: bool = False) -> bool:
        """Whether ``address`` contradicts the property's own: another state, or another town.

        ``lenient`` lets a wrong city or postal code alone pass, since people name suburbs and senders mistype.
        """
        town = self._towns[property_id]
        if _differ(address.state, town.state):
            return True
        city = _differ(city_key(address.city), town.city)
        postal = _differ(address.postal_code, town.postal_code)
        if city is None or postal is None:
            return not lenient and bool(city or postal)
        return city and postal

    def _same_town(self, address: Address, property_id: uuid.UUID) -> bool:
        town = self._towns[property_id]
        known = _differ(address.postal_code, town.postal_code), _differ(city_key(address.city), town.city)
        return False in known and not self.elsewhere(address, property_id)

    def _enter(self, row: PropertyRow, ids: _Growing, tags: _Growing, names: _Growing, streets: _Growing) -> None:
        def hit(text: str, start: date | None = None, end: date | None = None) -> Hit:
            return Hit(row.id, None, text, _later(start, row.managed_from), _earlier(end, row.managed_to))

        for key in (row.remote_id, row.office_phone, *self._listing_keys(row.listing_ids)):
            _put(ids, key.casefold(), hit(row.name))
        _put(tags, row.mailbox_tag.casefold(), hit(row.name))
        for alias in (hit(row.name), *(hit(a.text, a.valid_from, a.valid_to) for a in row.aliases)):
            keys = _name_keys(alias.text)
            for core in keys[-1:]:
                self._compact[core] = core.replace(" ", "")
            for name in keys:
                for key in (name, f"{name} {fold(row.city)}", f"{name} {fold(row.city)} {fold(row.state)}"):
                    _put(names, key, alias)
        if key := street_key(row.street):
            _put(streets, key, hit(row.name))
            parts = street_parts(key)
            self._by_number[parts.number].append((parts, hit(row.name)))

    def _listing_keys(self, listing_ids: ListingIds) -> list[str]:
        pairs = listing_ids.items() if isinstance(listing_ids, Mapping) else ((_ANY_SITE, text) for text in listing_ids)
        return [self._listing_key(source, text.strip()) for source, text in pairs if text.strip()]

    def _listing_key(self, source: str, text: str) -> str:
        # No id of a PMS holds a control character, so the two kinds of key share one table.
        return f"{self._networks.get(source, source)}\x1f{text}"


_Growing = defaultdict[str, list[Hit]]


def _town(row: PropertyRow) -> _Town:
    written = split_address(f"{row.street}, {row.city}, {row.state} {row.postal_code}")
    return _Town(city_key(row.city), written.state, written.postal_code)


def _put(table: _Growing, key: str, hit: Hit) -> None:
    key = key.strip()
    if key and hit not in table[key]:
        table[key].append(hit)


def _judge(hits: Sequence[Hit], on: date) -> Found:
    return Found(
        tuple(dict.fromkeys(hit for hit in hits if hit.in_force(on))),
        tuple(dict.fromkeys(hit for hit in hits if not hit.in_force(on))),
    )


def _later(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day), default=None)


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day), default=None)


def _differ(one: str, other: str) -> bool | None:
    """``None`` when one side is unknown, so that nothing can be said."""
    return one != other if one and other else None


def _name_keys(text: str) -> tuple[str, ...]:
    """The folded name, and the same without an article and generic words: at most two keys, no empty one."""
    whole = fold(text)
    core = whole.removeprefix("the ")
    while (shorter := _GENERIC.sub("", core).strip()) != core and shorter:
        core = shorter
    return tuple(dict.fromkeys(key for key in (whole, core) if key))


def _numbers(key: str) -> list[str]:
    """Figures and Roman numerals of a name: phase II is not phase I however alike they look."""
    return sorted(word for word in key.split() if word in _ROMAN or any(c.isdigit() for c in word))


def _words_alike(one: str, other: str) -> bool:
    """Whether two like names may be one: equal but for spaces, or differing only by slips within long words."""
    if _numbers(one) != _numbers(other):
        return False
    ours, theirs = one.split(), other.split()
    if len(ours) != len(theirs):
        return "".join(ours) == "".join(theirs)
    return all(
        a == b or (max(len(a), len(b)) >= _LONG_WORD and fuzz.ratio(a, b) >= _SLIP)
        for a, b in zip(ours, theirs, strict=True)
    )


def _streets_alike(wanted: StreetParts, known: StreetParts) -> bool:
    """Same house number, parts that one side left out, a name misspelt by a letter or so."""
    if wanted.direction and known.direction and wanted.direction != known.direction:
        return False
    readings = [(wanted.name, wanted.suffix)]
    if wanted.suffix:
        # "4100 Cedar Hollow" of 4100 Cedar Hollow Drive: what looked like the suffix belongs to the name.
        readings.append((f"{wanted.name} {wanted.suffix}", ""))
    return any(
        (not suffix or not known.suffix or suffix == known.suffix) and _words_alike(name, known.name)
        for name, suffix in readings
    )
