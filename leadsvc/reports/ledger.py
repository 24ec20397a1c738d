"""Figures of the source report from one person's touches and conversions at a time. Pure: no database, no clock.

Each figure is one entry in a :class:`Ledger`: under which row, for which guest card, how much. The report adds entries
up by row; what is behind a row is the same entries added up by card.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from leadsvc.attribution import WHOLE, Scope, Touch, collapse, credit
from leadsvc.reports.calendar import UNPLACED_ZONE, Calendar

TOUCHES, COLLAPSED, LEADS, UNIDENTIFIED, CREDITS = range(5)
"""Places in a tally; the credits of the models follow from ``CREDITS`` on."""

Tally = list[int]


class RowKey(NamedTuple):
    """Which row. ``source`` is a slug, ``None`` for what no touch earned; ``property_id`` is ``None`` for what has no
    property yet; ``month`` is the first day of the property-local month."""

    source: str | None
    campaign: str
    property_id: UUID | None
    month: date


class Seen(NamedTuple):
    """A touch and the guest card (the root one) that it is on."""

    touch: Touch
    card: UUID


class Reached(NamedTuple):
    """A conversion: which guest card (the root one), where, when (aware)."""

    card: UUID
    property_id: UUID | None
    at: datetime


class Ledger:
    """Sums by row, or by card of the one row ``opened``. ``conversions`` counts what the credits must add up to."""

    def __init__(self, models: int, opened: RowKey | None = None) -> None:
        self._width = CREDITS + models
        self._opened = opened
        self._rows: dict[RowKey, Tally] = {}
        self._cards: dict[UUID, Tally] = {}
        self.conversions = 0

    def add(self, key: RowKey, card: UUID, place: int, amount: int = 1) -> None:
        """Enter ``amount`` at ``place`` of a tally."""
        if self._opened is None:
            tally = self._rows.get(key) or self._rows.setdefault(key, [0] * self._width)
        elif key == self._opened:
            tally = self._cards.get(card) or self._cards.setdefault(card, [0] * self._width)
        else:
            return
        tally[place] += amount

    def rows(self) -> Iterable[tuple[RowKey, Tally]]:
        return self._rows.items()

    def cards(self) -> Mapping[UUID, Tally]:
        return self._cards


@dataclass(frozen=True, slots=True)
class Rules:
    """How a report counts. ``property_id``/``unplaced`` leave other properties' rows out; ``lead``: each guest card
    is itself the conversion."""

    calendar: Calendar
    zones: Mapping[UUID, str]
    models: Sequence[str]
    window_days: int
    scope: Scope
    lead: bool
    property_id: UUID | None = None
    unplaced: bool = False

    def enter(self, ledger: Ledger, seen: Sequence[Seen], reached: Iterable[Reached], *, unidentified: bool) -> None:
        """Enter everything of one person: all touches up to now (of all time: what is collapsed depends on them), and
        the conversions if they are not the leads themselves."""
        ordered = sorted(seen, key=lambda each: each.touch.order)
        self._touches(ledger, ordered)
        for card, own in _by_card(ordered).items():
            first, last = own[0], own[-1]
            key = self._key(first.source, first.campaign, first.property_id, first.at)
            if key is None:
                continue
            ledger.add(key, card, LEADS)
            if unidentified:
                ledger.add(key, card, UNIDENTIFIED)
            if self.lead:
                self._credit(ledger, ordered, Reached(card, first.property_id, last.at), key.month)
        for conversion in reached:
            key = self._key(None, "", conversion.property_id, conversion.at)
            if key is not None:
                self._credit(ledger, ordered, conversion, key.month)

    def _touches(self, ledger: Ledger, ordered: Sequence[Seen]) -> None:
        kept = {touch.id for touch in self._collapsed(ordered)}
        for touch, card in ordered:
            key = self._key(touch.source, touch.campaign, touch.property_id, touch.at)
            if key is None:
                continue
            ledger.add(key, card, TOUCHES)
            if touch.id in kept:
                ledger.add(key, card, COLLAPSED)

    def _collapsed(self, ordered: Sequence[Seen]) -> Iterator[Touch]:
        if self.scope is Scope.PORTFOLIO:
            yield from collapse(each.touch for each in ordered)
            return
        for place in {each.touch.property_id for each in ordered}:
            yield from collapse(each.touch for each in ordered if each.touch.property_id == place)

    def _credit(self, ledger: Ledger, ordered: Sequence[Seen], conversion: Reached, month: date) -> None:
        ledger.conversions += 1
        counts = [
            each.touch
            for each in ordered
            if self.scope is Scope.PORTFOLIO or each.touch.property_id == conversion.property_id
        ]
        named: dict[UUID | None, tuple[str | None, str]] = {each.id: (each.source, each.campaign) for each in counts}
        named[None] = (None, "")
        for place, model in enumerate(self.models, CREDITS):
            for touch_id, micros in credit(counts, conversion.at, model, self.window_days).items():
                key = RowKey(*named[touch_id], conversion.property_id, month)
                ledger.add(key, conversion.card, place, micros)

    def _key(self, source: str | None, campaign: str, property_id: UUID | None, at: datetime) -> RowKey | None:
        """The row of something that happened ``at``; ``None`` when the report does not show it."""
        if property_id is None:
            if self.property_id is not None:
                return None
            month = self.calendar.month(at, UNPLACED_ZONE)
        else:
            if self.unplaced or self.property_id not in (None, property_id):
                return None
            month = self.calendar.month(at, self.zones[property_id])
        return None if month is None else RowKey(source, campaign, property_id, month)


def _by_card(ordered: Sequence[Seen]) -> dict[UUID, list[Touch]]:
    cards: dict[UUID, list[Touch]] = {}
    for touch, card in ordered:
        cards.setdefault(card, []).append(touch)
    return cards


def unbalanced(ledger: Ledger, models: Sequence[str]) -> list[str]:
    """The models whose credits do not add up to the conversions: none, unless something here is wrong."""
    sums = [0] * len(models)
    for _, tally in ledger.rows():
        for index, micros in enumerate(tally[CREDITS:]):
            sums[index] += micros
    return [model for model, micros in zip(models, sums, strict=True) if micros != ledger.conversions * WHOLE]
