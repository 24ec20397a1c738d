"""A report asked for in words: the same words in the command, the API and the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection

from leadsvc.attribution import MODELS, Scope
from leadsvc.errors import Reject
from leadsvc.reports.calendar import month_named
from leadsvc.reports.sources import UNATTRIBUTED, UNPLACED, RowKey, Wanted, find_property

WORDS = ("from", "to", "property", "source", "model", "conversion", "window", "scope")
"""What may be said; each may be left out or empty."""
ALL_MODELS = "all"


def wanted_from(connection: Connection, words: Mapping[str, str], *, now: datetime, window_days: int) -> Wanted:
    """What ``words`` ask for; months left out are the present one of UTC, ``from`` alone goes up to it.

    ``window_days`` is the operator's default. Raises :class:`leadsvc.errors.Reject` (422) and, for a property,
    :class:`leadsvc.errors.NotFound`.
    """
    present = now.astimezone(UTC).date().replace(day=1)
    first, last = words.get("from"), words.get("to")
    place, model = words.get("property") or "", words.get("model") or ALL_MODELS
    until = month_named(last) if last else present
    return Wanted(
        month_named(first) if first else until,
        until,
        property_id=find_property(connection, place) if place not in ("", UNPLACED) else None,
        unplaced=place == UNPLACED,
        source=words.get("source") or "",
        models=tuple(MODELS) if model == ALL_MODELS else (model,),
        conversion=words.get("conversion") or "lead",
        window_days=_days(words.get("window") or str(window_days)),
        scope=_scope(words.get("scope") or Scope.PROPERTY),
    )


def row_from(connection: Connection, words: Mapping[str, str]) -> RowKey:
    """The row that ``month``, ``property``, ``source`` and ``campaign`` name, as the report's JSON does."""
    place, source = words.get("property") or UNPLACED, words.get("source") or UNATTRIBUTED
    return RowKey(
        None if source == UNATTRIBUTED else source,
        words.get("campaign") or "",
        None if place == UNPLACED else find_property(connection, place),
        month_named(words.get("month") or ""),
    )


def _days(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 6:
        return int(text)
    raise Reject(422, "Not a window", "Write the window as a number of days, such as 60.", code="window")


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError as error:
        raise Reject(422, "Not a scope", f"A scope is one of {', '.join(Scope)}.", code="scope") from error
