"""Local time of a property and UTC: stamps without offset, and months that begin at the property's own midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadsvc.errors import ConfigurationError


class LocalFlag(StrEnum):
    """What is odd about a local stamp; falsy when nothing is."""

    CLEAR = ""
    AMBIGUOUS = "ambiguous"
    NONEXISTENT = "nonexistent"


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """The time zone called ``name``; :class:`ConfigurationError` when there is none of that name."""
    try:
        return ZoneInfo(name)
    # ZoneInfo opens a file: a folder's name and a malformed name fail in their own ways.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"no time zone is called {name!r}: set the property's time_zone to an IANA name such as America/Chicago"
        ) from error


def parse_local(naive: datetime, zone: str) -> tuple[datetime, LocalFlag]:
    """The instant (UTC) that a stamp without offset means in ``zone``.

    A stamp that the clock shows twice means its first showing; one that the clock skips is moved on by what was
    skipped (02:30 becomes 03:30). Both are flagged. ``naive`` must have no tzinfo (ValueError).
    """
    if naive.tzinfo is not None:
        raise ValueError("parse_local takes a stamp without offset; one with an offset needs no zone")
    there = zone_of(zone)
    first, second = (naive.replace(tzinfo=there, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first, LocalFlag.CLEAR
    # In a gap the offset after the change is ahead of the one before it, so fold 1 names the earlier instant.
    return first, LocalFlag.AMBIGUOUS if first < second else LocalFlag.NONEXISTENT


def local_day(utc: datetime, zone: str) -> date:
    """The calendar day of the aware instant ``utc`` in ``zone``."""
    return to_utc(utc).astimezone(zone_of(zone)).date()


def month_of(utc: datetime, zone: str) -> date:
    """The first day of the month in which the aware instant ``utc`` falls in ``zone``."""
    return local_day(utc, zone).replace(day=1)


def month_bounds(month: date, zone: str) -> tuple[datetime, datetime]:
    """The instants (UTC) at which the month of ``month`` begins and ends in ``zone``: the first belongs to it, the
    second no longer does."""
    start = month.replace(day=1)
    following = date(start.year + start.month // 12, start.month % 12 + 1, 1)
    return _first_instant(start, zone), _first_instant(following, zone)


def _first_instant(day: date, zone: str) -> datetime:
    # A midnight that the clock skips is moved on to the very change, where that day begins.
    return parse_local(datetime.combine(day, time.min), zone)[0]


def to_utc(instant: datetime) -> datetime:
    """The aware ``instant`` in UTC; ValueError for a naive one, which names no instant."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset; give an aware datetime")
    return instant.astimezone(UTC)
