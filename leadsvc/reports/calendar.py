"""Months as properties have them: each begins at its own property's midnight."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from leadsvc.errors import Reject
from leadsvc.normalize.zones import month_bounds

UNPLACED_ZONE = "UTC"
"""Whose months count for what belongs to no property yet."""


def month_named(text: str) -> date:
    """The first day of the month written ``YYYY-MM``; :class:`leadsvc.errors.Reject` (422) for anything else."""
    try:
        if len(text) == len("2026-11"):
            return date.fromisoformat(f"{text}-01")
    except ValueError:
        pass  # told below, together with what is not even of that length
    raise Reject(422, "Not a month", "Write a month as YYYY-MM, such as 2026-11.", code="month")


def months_between(first: date, last: date) -> tuple[date, ...]:
    """Both months, named by their first day, and every one between."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return tuple(date(number // 12, number % 12 + 1, 1) for number in numbers)


class Calendar:
    """The instants at which consecutive ``months`` begin in each of ``zones`` (IANA names) and in UTC.

    :class:`leadsvc.errors.ConfigurationError` for a zone that does not exist.
    """

    def __init__(self, months: Sequence[date], zones: Iterable[str]) -> None:
        self._months = months
        self._starts = {zone: _starts(months, zone) for zone in {UNPLACED_ZONE, *zones}}

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From the earliest beginning in any zone to the latest end in any, the end excluded."""
        return min(starts[0] for starts in self._starts.values()), max(starts[-1] for starts in self._starts.values())

    def month(self, at: datetime, zone: str) -> date | None:
        """The month in which the aware instant ``at`` falls in ``zone``; ``None`` outside ``months``."""
        place = bisect_right(self._starts[zone], at) - 1
        return self._months[place] if 0 <= place < len(self._months) else None


def _starts(months: Sequence[date], zone: str) -> list[datetime]:
    return [*(month_bounds(month, zone)[0] for month in months), month_bounds(months[-1], zone)[1]]
