"""Credit for a conversion, shared exactly among the touches before it. Pure: touches in, integers out.

Touches are facts and are never thrown away; what counts is worked out here each time it is asked for, so a merge, an
unmerge or a late outcome changes the answer and nothing else. One conversion is ``WHOLE`` micro-units.

A model is one entry of ``MODELS``: a function from touches in order and the conversion's time to one weight a touch.
What a model does not decide (window, collapse, simultaneous touches, rounding) is done here for all of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from operator import attrgetter

WHOLE = 1_000_000
COLLAPSE = timedelta(hours=24)
# A sender's clock may run ahead by this much before we stop believing it.
CLOCK_TOLERANCE = timedelta(minutes=5)


class ClockFlag(StrEnum):
    """Why a touch is dated by our clock and not by its sender's; falsy when it is not."""

    TRUSTED = ""
    MISSING = "missing"
    FUTURE = "future"


class Scope(StrEnum):
    """Which touches of the person count: all of the portfolio, or those at the property that converted."""

    PORTFOLIO = "portfolio"
    PROPERTY = "property"


def clock(occurred_at: datetime | None, received_at: datetime) -> tuple[datetime, ClockFlag]:
    """When the renter acted, as far as it can be believed, and the flag to show when our clock stands in."""
    if occurred_at is None:
        return received_at, ClockFlag.MISSING
    if occurred_at - received_at > CLOCK_TOLERANCE:
        return received_at, ClockFlag.FUTURE
    return occurred_at, ClockFlag.TRUSTED


@dataclass(frozen=True, slots=True)
class Touch:
    """One inquiry as a marketing event. Times are aware; ``occurred_at`` is the sender's, ``None`` when it gave none.

    ``prospect_id`` tells the members of a household apart: each one's touches collapse on their own.
    """

    id: uuid.UUID
    occurred_at: datetime | None
    received_at: datetime
    source: str
    campaign: str = ""
    prospect_id: uuid.UUID | None = None
    property_id: uuid.UUID | None = None

    @property
    def at(self) -> datetime:
        """The time that counts, after :func:`clock`."""
        return clock(self.occurred_at, self.received_at)[0]

    @property
    def clock_flag(self) -> ClockFlag:
        return clock(self.occurred_at, self.received_at)[1]

    @property
    def order(self) -> tuple[datetime, datetime, uuid.UUID]:
        """The order of touches: the renter's act, our reception, the id."""
        return self.at, self.received_at, self.id


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is credited: ``outcome`` (toured, applied, leased …) reached at the aware time ``at``."""

    at: datetime
    outcome: str
    property_id: uuid.UUID | None = None


Weights = Sequence[Fraction]
Model = Callable[[Sequence[Touch], datetime], Weights]


def eligible(touches: Iterable[Touch], conversion_at: datetime, window_days: int) -> list[Touch]:
    """Touches in order from ``window_days`` (of 86,400 s) before the conversion up to it, both ends included."""
    if window_days < 0:
        raise ValueError("window_days must not be negative")
    reach = timedelta(days=window_days)
    return sorted((t for t in touches if timedelta() <= conversion_at - t.at <= reach), key=attrgetter("order"))


def collapse(touches: Iterable[Touch]) -> list[Touch]:
    """The touches that count as marketing events, in order: of consecutive ones of one person from one source, the
    first of every 24 h (inclusive, from the last one kept).

    Touches at one instant follow each other in no order: each of their sources is consecutive to what came before.
    """
    people: dict[uuid.UUID | None, list[Touch]] = {}
    for touch in sorted(touches, key=attrgetter("order")):
        people.setdefault(touch.prospect_id, []).append(touch)
    kept = (touch for own in people.values() for touch in _collapse_person(own))
    return sorted(kept, key=attrgetter("order"))


def _collapse_person(ordered: Sequence[Touch]) -> Iterator[Touch]:
    last: dict[str, datetime] = {}  # sources kept at the latest instant at which any was kept
    for instant, together in _instants(ordered):
        # Reversed, so that of one source's touches the earliest received stays.
        firsts = {touch.source: touch for touch in reversed(together)}
        fresh = [t for t in firsts.values() if t.source not in last or instant - last[t.source] > COLLAPSE]
        if fresh:
            last = {touch.source: instant for touch in fresh}
            yield from fresh


def _instants(ordered: Iterable[Touch]) -> Iterator[tuple[datetime, list[Touch]]]:
    for instant, together in groupby(ordered, key=attrgetter("at")):
        yield instant, list(together)


def credit(
    touches: Iterable[Touch], conversion_at: datetime, model: str, window_days: int
) -> dict[uuid.UUID | None, int]:
    """Micro-units of one conversion for each touch that counts, ``WHOLE`` in sum; a touch may get 0.

    ``{None: WHOLE}`` (unattributed) when no touch is eligible. The window is applied to raw touches, so a contact
    inside it counts even where an earlier one outside it would have swallowed it. ValueError for an unknown model.
    """
    weigh = MODELS.get(model)
    if weigh is None:
        raise ValueError(f"no attribution model is called {model!r}; choose one of {', '.join(MODELS)}")
    ordered = collapse(eligible(touches, conversion_at, window_days))
    if not ordered:
        return {None: WHOLE}
    shared = share_ties(ordered, weigh(ordered, conversion_at))
    return dict(zip((t.id for t in ordered), split_exactly(shared), strict=True))


def credit_conversion(
    touches: Iterable[Touch], conversion: Conversion, model: str, window_days: int, scope: Scope
) -> dict[uuid.UUID | None, int]:
    """:func:`credit` for ``conversion`` among the touches that ``scope`` lets count."""
    inside = (t for t in touches if scope is Scope.PORTFOLIO or t.property_id == conversion.property_id)
    return credit(inside, conversion.at, model, window_days)


def by_source(touches: Iterable[Touch], shares: Mapping[uuid.UUID | None, int]) -> dict[str | None, int]:
    """Credits added up by the source of their touch, sources in alphabetical order; ``None`` is unattributed."""
    source = {t.id: t.source for t in touches}
    sums: dict[str | None, int] = {}
    for touch_id, micros in shares.items():
        name = None if touch_id is None else source[touch_id]
        sums[name] = sums.get(name, 0) + micros
    return dict(sorted(sums.items(), key=lambda item: (item[0] is None, item[0] or "")))


def share_ties(ordered: Sequence[Touch], weights: Weights) -> list[Fraction]:
    """Weights by position, where touches at one instant each get the mean of the positions they occupy, so that the
    order of arrival cannot move credit."""
    shared: list[Fraction] = []
    for _, tied in _instants(ordered):
        here = weights[len(shared) : len(shared) + len(tied)]
        shared += [sum(here, Fraction()) / len(tied)] * len(tied)
    return shared


def split_exactly(weights: Weights, whole: int = WHOLE) -> list[int]:
    """``whole`` in integers proportional to ``weights`` (not negative, not all zero): rounded down, and the rest one by
    one to the largest remainders, the earlier position first where they are equal."""
    total = sum(weights, Fraction())
    exact = [whole * weight / total for weight in weights]
    parts = [int(value) for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[: whole - sum(parts)]:
        parts[index] += 1
    return parts


def _positional(by_count: Callable[[int], Weights]) -> Model:
    """A model that looks at nothing but how many touches there are."""
    return lambda touches, _conversion_at: by_count(len(touches))


def _first(count: int) -> Weights:
    return [Fraction(1), *[Fraction()] * (count - 1)]


def _last(count: int) -> Weights:
    return [*[Fraction()] * (count - 1), Fraction(1)]


def _linear(count: int) -> Weights:
    return [Fraction(1, count)] * count


MODELS: dict[str, Model] = {
    "first": _positional(_first),
    "last": _positional(_last),
    "linear": _positional(_linear),
}
