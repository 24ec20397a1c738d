"""Months as properties have them: each begins at its own property's midnight."""

from __future__ import annotations

from collections.abc import Sequence
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


def beginnings(months: Sequence[date], zone: str) -> tuple[datetime, ...]:
    """The instants (UTC) at which consecutive ``months`` begin in ``zone``, and the one at which the last one ends.

    :class:`leadsvc.errors.ConfigurationError` for a zone that does not exist.
    """
    return (*(month_bounds(month, zone)[0] for month in months), month_bounds(months[-1], zone)[1])
