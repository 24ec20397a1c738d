"""Evidence as people read it: what each field says for or against one person, and how likely that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NOT_EVIDENCE = {"card", "task"}  # rows by which a merge remembers what it folded
_PRIOR = "prior"
STEPS = 20
"""A bar is so many steps of the style sheet wide at most."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One field. ``side`` is for, against or neither; ``width`` from 0 to :data:`STEPS`; ``times`` by how much it moves
    the odds, in words; ``ours`` and ``theirs`` as they were compared."""

    field: str
    level: str
    ours: Any
    theirs: Any
    side: str
    width: int
    times: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """``probability`` of one person from 0 to 1, where the rows carry weights; ``words`` say it."""

    bars: Sequence[Bar]
    probability: float | None
    words: str

    @property
    def percent(self) -> str:
        """Never nought and never a hundred: nothing here is certain."""
        if self.probability is None:
            return ""
        share = self.probability * 100
        return "under 1%" if share < 1 else "over 99%" if share > 99 else f"{share:.0f}%"


def waterfall(evidence: Iterable[Mapping[str, Any]]) -> Waterfall:
    """The rows of a decision, the strongest first after what was known before any of them."""
    rows = [row for row in evidence if row.get("field") not in _NOT_EVIDENCE]
    weights = [float(row["weight"]) for row in rows if _is_number(row.get("weight"))]
    most = max((abs(weight) for weight in weights), default=0.0) or 1.0
    ordered = sorted(rows, key=lambda row: (row.get("field") != _PRIOR, -abs(_weight(row))))
    probability = 1 / (1 + 2 ** -max(-60.0, min(60.0, sum(weights)))) if weights else None
    return Waterfall([_bar(row, most) for row in ordered], probability, _likely(probability))


def _bar(row: Mapping[str, Any], most: float) -> Bar:
    weight = _weight(row)
    side = "for" if weight > 0 else "against" if weight < 0 else "neither"
    width = max(1, round(STEPS * abs(weight) / most)) if weight else 0
    return Bar(
        field=str(row.get("field") or ""),
        level=str(row.get("level") or ""),
        ours=row.get("ours"),
        theirs=row.get("theirs"),
        side=side,
        width=width,
        times=_times(weight) if _is_number(row.get("weight")) else "",
    )


def _weight(row: Mapping[str, Any]) -> float:
    return float(row["weight"]) if _is_number(row.get("weight")) else 0.0


def _is_number(thing: object) -> bool:
    return isinstance(thing, int | float) and not isinstance(thing, bool)


def _times(weight: float) -> str:
    """What a weight (log2) does to the odds."""
    factor = 2 ** min(abs(weight), 40.0)
    if factor < 1.05:
        return "says nothing"
    amount = f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}" if factor < 1_000_000 else "over a million"
    return f"{amount} times {'more' if weight > 0 else 'less'} likely"


def _likely(probability: float | None) -> str:
    if probability is None:
        return ""
    for least, words in _WORDS:
        if probability >= least:
            return words
    return "Almost certainly two people"


_WORDS = (
    (0.99, "Almost certainly the same person"),
    (0.9, "Very likely the same person"),
    (0.65, "Probably the same person"),
    (0.35, "It could be either"),
    (0.1, "Probably two people"),
    (0.01, "Very likely two people"),
)
