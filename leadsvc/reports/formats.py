"""The source report as JSON and as CSV, and the lines that say how to read it. The same data in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from leadsvc.attribution import WHOLE, Scope
from leadsvc.reports.sources import UNATTRIBUTED, UNPLACED, Figures, RowCard, RowKey, SourceReport, SourceRow, Wanted

# What a spreadsheet may take for the beginning of a formula, its full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BATCH = 500
_NAMED = ("month", "property", "property_name", "time_zone", "source", "source_name", "campaign")
_COUNTED = ("touches", "collapsed_touches", "leads", "unidentified_leads", "unidentified_share_micros")
_SCOPES = {
    Scope.PROPERTY: "the person's touches at the property that converted",
    Scope.PORTFOLIO: "the person's touches at any property",
}


def header(report: SourceReport) -> list[tuple[str, str]]:
    """(label, what it means here): everything needed to read the figures, for the head of a page or a table."""
    wanted = report.wanted
    place = {row.property_name for row in report.rows} if wanted.property_id else set()
    return [
        ("As of", f"{instant(report.as_of)}; merges, unmerges and late outcomes change later reports"),
        ("Months", f"{_span(wanted)}, each property's own: {_zones(report)}"),
        ("Property", UNPLACED if wanted.unplaced else ", ".join(place) or ("one" if wanted.property_id else "all")),
        ("Source", wanted.source or "all"),
        ("Conversion", f"{wanted.conversion}, {_counted_in(wanted)}; {report.conversions} in all"),
        (
            "Models",
            f"{', '.join(wanted.models)}; 1,000,000 micro-units are one conversion; touches at one instant share",
        ),
        ("Window", f"{wanted.window_days} days of 24 h back from the conversion, both ends included"),
        ("Scope", f"{wanted.scope}: {_SCOPES[wanted.scope]}"),
        ("Collapse", f"repeats of one source within {report.collapse_hours} h of the last one kept are one touch"),
    ]


def _span(wanted: Wanted) -> str:
    first, last = month(wanted.first_month), month(wanted.last_month)
    return first if first == last else f"{first} to {last}"


def _zones(report: SourceReport) -> str:
    places: dict[str, set[str]] = {}
    for row in report.rows:
        places.setdefault(row.time_zone, set()).add(row.property_name)
    return "; ".join(f"{zone} ({_some(names)})" for zone, names in sorted(places.items())) or "no rows"


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)) if len(names) <= 3 else f"{len(names)} properties"


def _counted_in(wanted: Wanted) -> str:
    if wanted.conversion == "lead":
        return "at the card's last inquiry, counted in the month of its first"
    return "the first of each card, counted in the month it happened"


def month(of: date) -> str:
    """``2026-03``."""
    return f"{of:%Y-%m}"


def instant(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decimal(micros: int) -> str:
    """Micro-units as a number of conversions: ``2.500000``. Exact."""
    return f"{micros // WHOLE}.{micros % WHOLE:06}"


def to_json(report: SourceReport) -> dict[str, Any]:
    """The report as JSON types. Credits are integers in micro-units."""
    wanted = report.wanted
    return {
        "as_of": instant(report.as_of),
        "from": month(wanted.first_month),
        "to": month(wanted.last_month),
        "property": UNPLACED if wanted.unplaced else wanted.property_id and str(wanted.property_id),
        "source": wanted.source or None,
        "conversion": wanted.conversion,
        "models": list(wanted.models),
        "window_days": wanted.window_days,
        "scope": wanted.scope.value,
        "collapse_hours": report.collapse_hours,
        "micros_per_conversion": WHOLE,
        "header": dict(header(report)),
        "conversions": report.conversions,
        "totals": figures_json(report.totals),
        "rows": [key_json(row.key) | _names(row) | figures_json(row.figures) for row in report.rows],
    }


def key_json(key: RowKey) -> dict[str, Any]:
    """What names a row; send it back to see its cards."""
    return {
        "month": month(key.month),
        "property": str(key.property_id) if key.property_id else UNPLACED,
        "source": UNATTRIBUTED if key.source is None else key.source,
        "campaign": key.campaign,
    }


def _names(row: SourceRow) -> dict[str, str]:
    return {"property_name": row.property_name, "time_zone": row.time_zone, "source_name": row.source_name}


def figures_json(of: Figures) -> dict[str, Any]:
    return {
        "touches": of.touches,
        "collapsed_touches": of.collapsed,
        "leads": of.leads,
        "unidentified_leads": of.unidentified,
        "unidentified_share_micros": of.unidentified_share,
        "credit_micros": dict(of.credits),
    }


def cards_json(cards: Sequence[RowCard]) -> list[dict[str, Any]]:
    """The cards behind a row, each with its part of the row's figures."""
    return [{"guest_card": card.key} | figures_json(card.figures) for card in cards]


def to_csv(report: SourceReport) -> Iterator[str]:
    """The report as CSV (RFC 4180, UTF-8 once encoded) in pieces. Every line says all it needs; there is no line of
    totals, so that a column can be added up. No cell starts a formula in a spreadsheet."""
    wanted = report.wanted
    told = {
        "as_of": instant(report.as_of),
        "conversion": wanted.conversion,
        "window_days": wanted.window_days,
        "scope": wanted.scope.value,
        "collapse_hours": report.collapse_hours,
    }
    credits = [f"{model}_micros" for model in wanted.models]
    yield _lines([[*_NAMED, *_COUNTED, *credits, *told]])
    for start in range(0, len(report.rows), _BATCH):
        yield _lines([[*_cells(row), *told.values()] for row in report.rows[start : start + _BATCH]])


def _cells(row: SourceRow) -> list[Any]:
    named, counted = key_json(row.key) | _names(row), figures_json(row.figures)
    return [*(named[name] for name in _NAMED), *(counted[name] for name in _COUNTED), *row.figures.credits.values()]


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([[cell(value) for value in row] for row in rows])
    return text.getvalue()


def cell(value: Any) -> str:
    """A value as the text of a CSV cell; an apostrophe goes before what a spreadsheet would calculate."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
