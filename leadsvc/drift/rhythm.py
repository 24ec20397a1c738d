"""When leads of one feed come: a rate for each hour of the week.

Arrivals are taken for a Poisson process whose rate has the shape *level x hour of day x day of week x that very hour*.
Each factor is a gamma estimate drawn towards 1, so that a feed of which little is known has a plain rhythm, and a known
one keeps its lunch hour. Old weeks count less (half-life four weeks): a slow decline is no silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOURS = 168
_HOUR = timedelta(hours=1)
_HALF_LIFE = timedelta(days=28)

# Arrivals that stand behind "like any other" for each factor; it takes about as many to say otherwise.
_BY_HOUR, _BY_DAY, _BY_CELL = 2.0, 4.0, 6.0
_LEAST = 0.02


@dataclass(frozen=True, slots=True)
class Rhythm:
    """``rates``: arrivals an hour for each of the 168 hours of a week from Monday 00:00 UTC. ``weight``: the number of
    arrivals that this rests on, old ones counting less."""

    rates: tuple[float, ...]
    weight: float

    @property
    def weekly(self) -> float:
        """Arrivals expected in a week."""
        return sum(self.rates)

    def expected(self, since: datetime, until: datetime) -> float:
        """Arrivals expected between two times."""
        if until <= since:
            return 0.0
        following = min(_floor(since) + _HOUR, until)
        total = self.rates[hour_of_week(since)] * ((following - since) / _HOUR)
        weeks, hours = divmod((until - following) // _HOUR, HOURS)
        place = hour_of_week(following)
        total += weeks * self.weekly + sum((self.rates + self.rates)[place : place + hours])
        rest = (until - following) % _HOUR
        return total + self.rates[hour_of_week(until)] * (rest / _HOUR)


NO_RHYTHM = Rhythm((0.0,) * HOURS, 0.0)
"""Of a feed that was never heard of."""


def hour_of_week(at: datetime) -> int:
    return at.weekday() * 24 + at.hour


def _floor(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def learn(hours: Mapping[datetime, int], since: datetime, until: datetime, quiet: Sequence[float] = ()) -> Rhythm:
    """The rhythm of arrivals counted by hour from ``since`` to ``until``; hours that are left out had none.

    ``quiet``: for each whole day from ``since`` on, how busy the market was (1 = as usual); a holiday says little about
    the feed.
    """
    cells, exposure = [0.0] * HOURS, [0.0] * HOURS
    at, end = _floor(since), _floor(until)
    weight, gain = 0.5 ** ((end - at) / _HALF_LIFE), 2.0 ** (_HOUR / _HALF_LIFE)
    place, number = hour_of_week(at), 0
    while at < end:
        day = number // 24
        cells[place] += weight * hours.get(at, 0)
        exposure[place] += weight * (quiet[day] if day < len(quiet) else 1.0)
        at, weight, place, number = at + _HOUR, weight * gain, (place + 1) % HOURS, number + 1
    return _shaped(cells, exposure)


def _shaped(cells: Sequence[float], exposure: Sequence[float]) -> Rhythm:
    total, time = sum(cells), sum(exposure)
    if total <= 0 or time <= 0:
        return NO_RHYTHM
    rates = [total / time] * HOURS
    for members, strength in ((_same_hour, _BY_HOUR), (_same_day, _BY_DAY), (_itself, _BY_CELL)):
        factors = []
        for number in range(HOURS):
            group = members(number)
            seen = sum(cells[each] for each in group)
            meant = sum(rates[each] * exposure[each] for each in group)
            factors.append((seen + strength) / (meant + strength))
        rates = [rate * factor for rate, factor in zip(rates, factors, strict=True)]
    scale = total / sum(rate * spent for rate, spent in zip(rates, exposure, strict=True))
    floor = _LEAST * total / time
    return Rhythm(tuple(max(rate * scale, floor) for rate in rates), total)


def _same_hour(number: int) -> range:
    return range(number % 24, HOURS, 24)


def _same_day(number: int) -> range:
    return range(number - number % 24, number - number % 24 + 24)


def _itself(number: int) -> range:
    return range(number, number + 1)
