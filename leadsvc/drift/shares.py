"""How often something is so among the leads of one feed: that a field holds a value, that a payload cannot be read.

Each share is watched by a sequential likelihood-ratio test (CUSUM) of *it became much rarer* (or more frequent) against
*it is as it was*: every lead adds its evidence, evidence for the old state takes it away again. What was usual is
learned from leads that raised no suspicion, and is taken with its uncertainty, so that a dozen leads accuse nobody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MEMORY = 2000.0
_ENOUGH = 20.0
_SIGMAS = 1.64
_RARE = 0.15
_FALL = 0.2
_RISE, _MUCH = 3.0, 0.5
_EDGE = 0.01


@dataclass(slots=True)
class Share:
    """One share. ``leads``, ``so``: what was learned from. ``evidence``: in natural logarithms. ``first``: the receipt
    with which the present suspicion began. ``alarmed``: it became certain, and has not gone since."""

    leads: float = 0.0
    so: float = 0.0
    evidence: float = 0.0
    first: str = ""
    alarmed: bool = False

    @property
    def usual(self) -> float:
        return (self.so + 0.5) / (self.leads + 1.0)

    def add(self, so: bool, receipt: str, limit: float, *, rises: bool) -> None:
        """One more lead. ``rises``: the bad news is that it becomes more frequent."""
        step = self._step(so, rises=rises)
        if step is not None:
            before = self.evidence
            self.evidence = min(max(0.0, before + step), limit)
            if self.evidence <= 0.0:
                self.first, self.alarmed = "", False
            elif before <= 0.0:
                self.first = receipt
            self.alarmed = self.alarmed or self.evidence >= limit
        if self.evidence < limit / 2:
            keep = min(1.0, _MEMORY / (self.leads + 1.0))
            self.leads, self.so = (self.leads + 1.0) * keep, (self.so + so) * keep

    def _step(self, so: bool, *, rises: bool) -> float | None:
        if self.leads < _ENOUGH:
            return None
        usual = self.usual
        doubt = _SIGMAS * math.sqrt(usual * (1 - usual) / self.leads) + 1 / self.leads
        if rises:
            before = min(max(usual + doubt, _EDGE), 0.6)
            after = min(max(_RISE * before, _MUCH), 0.95)
        else:
            before = min(usual - doubt, 1 - _EDGE)
            if before < _RARE:
                return None
            after = before * _FALL
        return math.log(after / before) if so else math.log((1 - after) / (1 - before))


class Shares:
    """All shares of one feed by name. Names that begin with ``!`` are bad news when they become more frequent, the
    others when they become rarer."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        self.by_name = {name: Share(*values) for name, values in (kept or {}).items()}

    def to_json(self) -> dict[str, list[Any]]:
        return {
            name: [round(each.leads, 3), round(each.so, 3), round(each.evidence, 3), each.first, each.alarmed]
            for name, each in self.by_name.items()
        }

    def add(self, told: Mapping[str, bool], receipt: str, quarterly: float) -> None:
        """One lead (or unreadable payload): what is so about it. Fields seen before that ``told`` leaves out stay as
        they are. ``quarterly``: how many come in a quarter, which sets how sure an alarm must be."""
        limit = certainty(quarterly, len(self.by_name) or len(told))
        for name, so in told.items():
            self.by_name.setdefault(name, Share()).add(so, receipt, limit, rises=name.startswith("!"))

    @property
    def alarmed(self) -> dict[str, Share]:
        return {name: each for name, each in self.by_name.items() if each.alarmed}

    def accept(self) -> None:
        """What is now is usual from now on."""
        for name in self.alarmed:
            del self.by_name[name]


def certainty(quarterly: float, shares: int) -> float:
    """Evidence at which an alarm is due: chance alone reaches it about once in five quarters of a feed with that many
    shares, because a CUSUM of likelihood ratios passes ``h`` by chance less than once in ``e**h`` leads."""
    return min(max(math.log(5.0 * max(quarterly, 1.0) * max(shares, 1)), 5.0), 16.0)
