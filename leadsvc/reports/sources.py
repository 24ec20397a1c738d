"""The source report: what each source and campaign brought, by property and by that property's own month (SPEC §7).

:func:`source_report` gives the figures, :func:`source_report_cards` the guest cards behind one row of them; both run
the same code over the same touches, so that a row always opens into exactly what it counts. docs/reports.md defines
every figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from leadsvc.attribution import COLLAPSE, MODELS, WHOLE, Scope
from leadsvc.errors import LeadsvcError, NotFound, Reject
from leadsvc.reports import reading
from leadsvc.reports.calendar import UNPLACED_ZONE, beginnings, months_between
from leadsvc.reports.ledger import (
    COLLAPSED,
    CREDITS,
    LEADS,
    TOUCHES,
    UNIDENTIFIED,
    Id,
    Ledger,
    Line,
    RowKey,
    Rules,
    Tally,
)

__all__ = [
    "CONVERSIONS",
    "MAX_MONTHS",
    "UNATTRIBUTED",
    "UNPLACED",
    "Figures",
    "RowCard",
    "RowKey",
    "Scope",
    "SourceReport",
    "SourceRow",
    "Unbalanced",
    "Wanted",
    "find_property",
    "source_report",
    "source_report_cards",
]

CONVERSIONS = ("lead", "toured", "applied", "leased")
UNATTRIBUTED, UNPLACED = "unattributed", "unplaced"
"""What people and files are told where a row has no source, or no property."""
MAX_MONTHS = 60
MAX_WINDOW_DAYS = 3660


class Unbalanced(LeadsvcError):
    """The credits of a report do not add up to its conversions: a fault of ours, never shown as a report."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. Months are named by their first day and both belong to the report.

    ``property_id`` and ``unplaced`` narrow it to one property, or to cards without one; ``source`` to a source's slug.
    ``models`` are the credit columns, ``conversion`` one of ``CONVERSIONS``, ``window_days`` counts back from each
    conversion. :class:`leadsvc.errors.Reject` (422) for what cannot be reported.
    """

    first_month: date
    last_month: date
    property_id: UUID | None = None
    unplaced: bool = False
    source: str = ""
    models: tuple[str, ...] = tuple(MODELS)
    conversion: str = "lead"
    window_days: int = 60
    scope: Scope = Scope.PROPERTY

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise Reject(422, "Cannot be reported", problem, code="report")

    @property
    def months(self) -> tuple[date, ...]:
        """Every month of the report, the first one first."""
        return months_between(self.first_month, self.last_month)


def _problems(wanted: Wanted) -> Iterable[str]:
    if wanted.first_month.day != 1 or wanted.last_month.day != 1:
        yield "Name a month by its first day."
    span = (wanted.last_month.year - wanted.first_month.year) * 12 + wanted.last_month.month - wanted.first_month.month
    if not 0 <= span < MAX_MONTHS:
        yield f"The first month must not be after the last, and at most {MAX_MONTHS} months go into one report."
    if wanted.last_month.year >= date.max.year or wanted.first_month.year <= date.min.year:
        yield "Ask for months from year 2 to 9998."
    if wanted.conversion not in CONVERSIONS:
        yield f"A conversion is one of {', '.join(CONVERSIONS)}."
    if not wanted.models or set(wanted.models) - set(MODELS):
        yield f"A model is one of {', '.join(MODELS)}."
    if not 0 <= wanted.window_days <= MAX_WINDOW_DAYS:
        yield f"The window is from 0 to {MAX_WINDOW_DAYS} days."


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted. ``credits`` are micro-units by model: 1,000,000 is one conversion."""

    touches: int = 0
    collapsed: int = 0
    leads: int = 0
    unidentified: int = 0
    credits: Mapping[str, int] = field(default_factory=dict)

    @property
    def unidentified_share(self) -> int | None:
        """Unidentified leads in millionths of the leads, rounded down; ``None`` without leads."""
        return self.unidentified * WHOLE // self.leads if self.leads else None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One line. ``source_name`` and ``property_name`` are for people; ``time_zone`` is whose months these are."""

    key: RowKey
    source_name: str
    property_name: str
    time_zone: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class SourceReport:
    """Rows in the order month, property, source, campaign. ``conversions`` are all that were reached in these months
    at these properties, also where ``wanted.source`` leaves rows out; ``totals`` add up the rows that are there."""

    wanted: Wanted
    as_of: datetime
    rows: tuple[SourceRow, ...]
    totals: Figures
    conversions: int
    collapse_hours: int = int(COLLAPSE.total_seconds()) // 3600


@dataclass(frozen=True, slots=True)
class RowCard:
    """A guest card's part of one row; the parts of all its cards add up to the row. ``key`` is the public key."""

    key: str
    figures: Figures


def source_report(connection: Connection, wanted: Wanted, *, now: datetime) -> SourceReport:
    """The report as of the aware instant ``now``: later touches and outcomes do not exist for it.

    Raises :class:`leadsvc.errors.ConfigurationError` for a property whose time zone does not exist.
    """
    places = reading.places(connection)
    ledger = Ledger(len(wanted.models))
    _fill(ledger, connection, wanted, places, now)
    if wrong := ledger.unbalanced(wanted.models):
        raise Unbalanced(
            f"the credits of {', '.join(wrong)} do not add up to the {ledger.conversions} conversions; nothing is "
            "shown. Run `leadsvc check` and report this with its answer"
        )
    names, known = reading.source_names(connection), {place.raw: place for place in places.values()}
    rows = [
        _row(line, _figures(tally, wanted), wanted, known, names)
        for line, tally in ledger.lines.items()
        if wanted.source in ("", line[0])
    ]
    rows.sort(key=_order)
    return SourceReport(wanted, now, tuple(rows), _total(wanted, rows), ledger.conversions)


def source_report_cards(connection: Connection, wanted: Wanted, key: RowKey, *, now: datetime) -> list[RowCard]:
    """The guest cards behind the row ``key`` of the report on ``wanted``, by public key; none for a row that the report
    does not have."""
    places = reading.places(connection)
    if key.property_id is not None and key.property_id not in places:
        return []
    narrow = replace(
        wanted,
        first_month=key.month,
        last_month=key.month,
        property_id=key.property_id,
        unplaced=key.property_id is None,
    )
    place = places[key.property_id].raw if key.property_id else None
    ledger = Ledger(len(wanted.models), (key.source, key.campaign, place, 0))
    _fill(ledger, connection, narrow, places, now)
    return [
        RowCard(public, _figures(ledger.cards[card], wanted))
        for card, public in reading.public_keys(connection, list(ledger.cards))
    ]


def find_property(connection: Connection, text: str) -> UUID:
    """The property called ``text``: its id, here or at the PMS, or its exact name; also one no longer managed.

    Raises :class:`leadsvc.errors.NotFound` for none and for more than one.
    """
    for same in (lambda place: str(place.id), lambda place: place.remote_id, lambda place: place.name):
        found = [place.id for place in reading.places(connection).values() if same(place) == text]
        if len(found) == 1:
            return found[0]
    raise NotFound("No property, or more than one, is called that; give its id as the report's JSON shows it.")


def _fill(
    ledger: Ledger, connection: Connection, wanted: Wanted, places: Mapping[UUID, reading.Place], now: datetime
) -> None:
    months = _months(wanted, places)
    since, until = min(each[0] for each in months.values()), max(each[-1] for each in months.values())
    asked = reading.Asked(since, until, now, wanted.conversion, wanted.property_id, wanted.unplaced)
    rules = Rules(
        months, wanted.models, wanted.window_days, wanted.scope is Scope.PORTFOLIO, wanted.conversion == "lead"
    )
    nameless, reached = reading.unidentified(connection, asked), reading.reached(connection, asked)
    for person, seen in reading.touches(connection, asked):
        rules.enter(ledger, seen, reached.pop(person, ()), unidentified=person in nameless)
    for rest in reached.values():  # nobody who converted without any touch is lost: they are unattributed
        rules.enter(ledger, (), rest, unidentified=False)


def _months(wanted: Wanted, places: Mapping[UUID, reading.Place]) -> dict[Id | None, tuple[datetime, ...]]:
    """When the months asked for begin, for each property that the report may show."""
    if wanted.property_id is not None and wanted.property_id not in places:
        raise NotFound("There is no such property; take one of the list.")
    zones = {place.time_zone for place in places.values()} | {UNPLACED_ZONE}
    starts = {zone: beginnings(wanted.months, zone) for zone in zones}
    if wanted.unplaced:
        return {None: starts[UNPLACED_ZONE]}
    shown = [place for place in places.values() if wanted.property_id in (None, place.id)]
    months: dict[Id | None, tuple[datetime, ...]] = {place.raw: starts[place.time_zone] for place in shown}
    return months if wanted.property_id else months | {None: starts[UNPLACED_ZONE]}


def _figures(tally: Tally, wanted: Wanted) -> Figures:
    credits = dict(zip(wanted.models, tally[CREDITS:], strict=True))
    return Figures(tally[TOUCHES], tally[COLLAPSED], tally[LEADS], tally[UNIDENTIFIED], credits)


def _total(wanted: Wanted, rows: Iterable[SourceRow]) -> Figures:
    total = [0] * (CREDITS + len(wanted.models))
    for row in rows:
        own = row.figures
        parts = (own.touches, own.collapsed, own.leads, own.unidentified, *own.credits.values())
        total = [sum(pair) for pair in zip(total, parts, strict=True)]
    return _figures(total, wanted)


def _row(
    line: Line, figures: Figures, wanted: Wanted, places: Mapping[Id, reading.Place], names: Mapping[str, str]
) -> SourceRow:
    source, campaign, raw, month = line
    place = places[raw] if raw is not None else None
    return SourceRow(
        RowKey(source, campaign, place.id if place else None, wanted.months[month]),
        UNATTRIBUTED if source is None else names.get(source, source),
        place.name if place else UNPLACED,
        place.time_zone if place else UNPLACED_ZONE,
        figures,
    )


def _order(row: SourceRow) -> tuple[object, ...]:
    key = row.key
    return (
        key.month,
        key.property_id is None,
        row.property_name,
        str(key.property_id),
        key.source is None,
        key.source or "",
        key.campaign,
    )
