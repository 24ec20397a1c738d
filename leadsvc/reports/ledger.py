"""Figures of the source report from one person's touches and conversions at a time. Pure: no database, no clock.

Every touch of the months asked for passes through here, so this module is written to be quick: ids stay as the database
gives them, and what :mod:`leadsvc.attribution` would find again and again is found once. The rules themselves are that
module's; a test compares both on random persons.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from leadsvc.attribution import MODELS, WHOLE, Touch, collapse, share_ties, split_exactly

TOUCHES, COLLAPSED, LEADS, UNIDENTIFIED, CREDITS = range(5)
"""Places in a tally; the credits of the models follow from ``CREDITS`` on."""

Tally = list[int]
Id = UUID | str
"""An id as the database gives it: the two kinds never meet in one report."""


class RowKey(NamedTuple):
    """Which row. ``source`` is a slug, ``None`` for what no touch earned; ``property_id`` is ``None`` for what has no
    property yet; ``month`` is the first day of the property-local month."""

    source: str | None
    campaign: str
    property_id: UUID | None
    month: date


class Seen(NamedTuple):
    """A touch on the guest card (the root one) ``card``; ``at`` is aware."""

    card: Id
    place: Id | None
    at: datetime
    source: str
    campaign: str


class Reached(NamedTuple):
    """A conversion: which guest card (the root one), where, when (aware)."""

    card: Id
    place: Id | None
    at: datetime


Line = tuple[str | None, str, Id | None, int]
"""A row inside the ledger: source, campaign, place, number of the month."""


class Ledger:
    """Sums by line, or by card of the one line ``opened``. ``conversions``: what the credits must add up to."""

    def __init__(self, models: int, opened: Line | None = None) -> None:
        self._blank = [0] * (CREDITS + models)
        self._opened = opened
        self.lines: dict[Line, Tally] = {}
        self.cards: dict[Id, Tally] = {}
        self.conversions = 0

    def tally(self, line: Line, card: Id) -> Tally:
        """Where to count what ``card`` brought to ``line``."""
        if self._opened is None:
            found = self.lines.get(line)
            if found is None:
                found = self.lines[line] = self._blank.copy()
            return found
        if line != self._opened:
            return self._blank.copy()  # not asked for
        return self.cards.setdefault(card, self._blank.copy())

    def unbalanced(self, models: Sequence[str]) -> list[str]:
        """The models whose credits do not add up to the conversions: none, unless something here is wrong."""
        sums = [sum(tally[place] for tally in self.lines.values()) for place in range(CREDITS, len(self._blank))]
        return [model for model, micros in zip(models, sums, strict=True) if micros != self.conversions * WHOLE]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a report counts. ``months`` holds, for each place in the report (``None``: unplaced), the instants at which
    its months begin and the last one ends; other places have no lines. ``everywhere``: touches at all properties count
    together, else property by property. ``lead``: each guest card is itself the conversion."""

    months: Mapping[Id | None, Sequence[datetime]]
    models: Sequence[str]
    window_days: int
    everywhere: bool
    lead: bool

    def enter(self, ledger: Ledger, seen: Sequence[Seen], reached: Iterable[Reached], *, unidentified: bool) -> None:
        """Enter everything of one person: all touches up to now (of all time: what is collapsed depends on them) in the
        order of :attr:`leadsvc.attribution.Touch.order`, and the conversions if they are not the leads themselves."""
        for unit in self._units(seen):
            if len(unit) == 1:
                self._single(ledger, unit[0], unidentified)
            else:
                self._several(ledger, unit, unidentified)
        for conversion in reached:
            month = self._month(conversion.place, conversion.at)
            if month is not None:
                unit = [each for each in seen if self.everywhere or each.place == conversion.place]
                self._credit(ledger, unit, conversion, month)

    def _units(self, seen: Sequence[Seen]) -> Iterable[Sequence[Seen]]:
        """The touches that count together."""
        if self.everywhere or len(seen) == 1:
            return [seen] if seen else []
        units: dict[Id | None, list[Seen]] = {}
        for each in seen:
            units.setdefault(each.place, []).append(each)
        return units.values()

    def _month(self, place: Id | None, at: datetime) -> int | None:
        """The number of the local month; ``None`` when the report does not show it."""
        starts = self.months.get(place)
        if starts is None:
            return None
        month = bisect_right(starts, at) - 1
        return month if 0 <= month < len(starts) - 1 else None

    def _single(self, ledger: Ledger, seen: Seen, unidentified: bool) -> None:
        month = self._month(seen.place, seen.at)
        if month is None:
            return
        tally = ledger.tally((seen.source, seen.campaign, seen.place, month), seen.card)
        tally[TOUCHES] += 1
        tally[COLLAPSED] += 1
        tally[LEADS] += 1
        tally[UNIDENTIFIED] += unidentified
        if self.lead:
            ledger.conversions += 1
            for place in range(CREDITS, len(tally)):
                tally[place] += WHOLE

    def _several(self, ledger: Ledger, unit: Sequence[Seen], unidentified: bool) -> None:
        kept = _collapsed(unit)
        for figure, counted in ((TOUCHES, unit), (COLLAPSED, kept)):
            for each in counted:
                month = self._month(each.place, each.at)
                if month is not None:
                    ledger.tally((each.source, each.campaign, each.place, month), each.card)[figure] += 1
        firsts: dict[Id, Seen] = {}
        lasts: dict[Id, Seen] = {}
        for each in unit:
            firsts.setdefault(each.card, each)
            lasts[each.card] = each
        for card, first in firsts.items():
            month = self._month(first.place, first.at)
            if month is None:
                continue
            tally = ledger.tally((first.source, first.campaign, first.place, month), card)
            tally[LEADS] += 1
            tally[UNIDENTIFIED] += unidentified
            if self.lead:
                self._credit(ledger, unit, Reached(card, first.place, lasts[card].at), month, kept)

    def _credit(
        self,
        ledger: Ledger,
        unit: Sequence[Seen],
        conversion: Reached,
        month: int,
        kept: Sequence[Seen] | None = None,
    ) -> None:
        """Share one conversion among the touches of ``unit``; ``kept`` is the collapsed unit, where it is known."""
        ledger.conversions += 1
        until = conversion.at
        since = until - timedelta(days=self.window_days)
        inside = [each for each in unit if since <= each.at <= until]
        if kept is None or len(inside) != len(unit):
            kept = _collapsed(inside)
        if not kept:
            tally = ledger.tally((None, "", conversion.place, month), conversion.card)
            for place in range(CREDITS, len(tally)):
                tally[place] += WHOLE
            return
        pattern = _pattern(kept)
        shares = zip(*(_parts(model, pattern) for model in self.models), strict=True)
        for each, micros in zip(kept, shares, strict=True):
            tally = ledger.tally((each.source, each.campaign, conversion.place, month), conversion.card)
            for place, part in enumerate(micros, CREDITS):
                tally[place] += part


def _collapsed(unit: Sequence[Seen]) -> Sequence[Seen]:
    """The touches of ``unit`` that count as marketing events."""
    if len({each.source for each in unit}) == len(unit):
        return unit  # nothing is repeated
    return [unit[touch.id.int] for touch in collapse(_as_touches(unit))]


def _as_touches(unit: Sequence[Seen]) -> Iterator[Touch]:
    # Their place in the order stands for what the order was made from.
    return (Touch(UUID(int=place), each.at, each.at, each.source) for place, each in enumerate(unit))


def _pattern(ordered: Sequence[Seen]) -> tuple[int, ...]:
    """How many touches there are at each instant."""
    if len({each.at for each in ordered}) == len(ordered):
        return (1,) * len(ordered)
    return tuple(len(list(together)) for _, together in groupby(each.at for each in ordered))


@lru_cache(maxsize=4096)
def _parts(model: str, pattern: tuple[int, ...]) -> Sequence[int]:
    """Micro-units by position. A model that looks at more than positions may not come through here."""
    instants = [datetime.min + timedelta(days=day) for day, count in enumerate(pattern) for _ in range(count)]
    touches = [Touch(UUID(int=place), at, at, "") for place, at in enumerate(instants)]
    return split_exactly(share_ties(touches, MODELS[model](touches, instants[-1])))
