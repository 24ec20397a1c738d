"""What a deviation means: the source is down, its layout changed, or the market is quiet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from leadsvc.drift.rhythm import Rhythm


class Cause(StrEnum):
    SOURCE_DOWN = "source_down"
    LAYOUT_CHANGED = "layout_changed"
    MARKET_QUIET = "market_quiet"
    NOTHING_ARRIVES = "nothing_arrives"
    NEW_KEYS = "new_keys"


@dataclass(frozen=True, slots=True)
class Finding:
    """``alarm``: somebody must look; without it, it is only shown."""

    cause: Cause
    alarm: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a feed has been silent. ``expected``: arrivals that its own rhythm promised since the last one;
    ``adjusted``: the same in a market as busy as its siblings say. ``market``: their share of what they usually bring
    (1 = as usual)."""

    expected: float
    adjusted: float
    market: float
    late: bool
    alarm: bool

    @property
    def quiet(self) -> bool:
        """It would be an alarm, were the others not quiet too."""
        return self.late and not self.alarm and self.market < _QUIET


_QUARTER_WEEKS = 13.0
# A feed that cries wolf once a quarter is called down wrongly as often as a layout changes: causes want less than that.
_FALSE_PER_QUARTER = 0.4
_SIBLINGS = 6.0
_CERTAIN = 80.0
_QUIET = 0.7
_LATE = 2.0
_HOUR = timedelta(hours=1)


Siblings = Sequence[tuple[float, float]]
"""What the other feeds brought, and were expected to: since the last arrival, over the last day."""


def silence(rhythm: Rhythm, last: datetime, now: datetime, siblings: Siblings) -> Silence:
    """Judge the time since ``last``.

    The chance of a gap this long is that of none in a Poisson process whose rate is known up to a gamma error. An alarm
    is due when chance alone makes so long a gap less often than the budget of false alarms allows: for memoryless
    arrivals no rule can be both quicker and as quiet.
    """
    market = min([1.0, *((came + _SIBLINGS) / (due + _SIBLINGS) for came, due in siblings)])
    expected = rhythm.expected(last, now)
    adjusted = market * expected
    late = rhythm.expected(last, now - _HOUR) >= _LATE
    return Silence(expected, adjusted, market, late, adjusted >= patience(rhythm))


def patience(rhythm: Rhythm) -> float:
    """Arrivals that must have failed to come before a silence is an alarm; infinite for a feed nobody knows yet."""
    quarterly = rhythm.weekly * _QUARTER_WEEKS
    if rhythm.weight < 3.0 or quarterly <= 0:
        return math.inf
    chance = min(0.5, _FALSE_PER_QUARTER / max(quarterly, 1.0))
    sure = min(rhythm.weight, _CERTAIN)
    return sure * (math.exp(-math.log(chance) / sure) - 1.0)


def all_silent(expected: float) -> bool:
    """Whether nothing at all came while this much was expected of all feeds together: the fault is ours."""
    return expected >= 12.0
