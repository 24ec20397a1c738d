"""``leadsvc report``: what was brought by whom, as a table, CSV or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadsvc.attribution import MODELS, Scope
from leadsvc.config import Settings
from leadsvc.reports import formats
from leadsvc.reports.asking import ALL_MODELS, wanted_from
from leadsvc.reports.sources import CONVERSIONS, Figures, SourceReport, source_report
from leadsvc.store import Store

SHAPES = ("table", "csv", "json")
SCOPES = tuple(each.value for each in Scope)
_WIDTH = 160  # of a table that goes into a file


@click.group()
def report() -> None:
    """Figures worked out from the stored facts, as of now."""


@report.command()
@click.option("--from", "first", default="", metavar="YYYY-MM", help="First month; left out, the same as the last.")
@click.option("--to", "last", default="", metavar="YYYY-MM", help="Last month; left out, the present one.")
@click.option("--property", "place", default="", metavar="KEY", help="One property (its id or name), or: unplaced.")
@click.option("--source", default="", metavar="SLUG", help="Only rows of this source, such as zillow.")
@click.option("--model", type=click.Choice([*MODELS, ALL_MODELS]), default=ALL_MODELS, help="Which credits to show.")
@click.option("--conversion", type=click.Choice(CONVERSIONS), default="lead", help="What is credited.")
@click.option("--window", type=click.IntRange(0), help="Days before the conversion in which touches count.")
@click.option("--scope", type=click.Choice(SCOPES), default="property", help="Where touches count.")
@click.option("--format", "shape", type=click.Choice(SHAPES), default="table", help="How to print it.")
def sources(
    first: str,
    last: str,
    place: str,
    source: str,
    model: str,
    conversion: str,
    window: int | None,
    scope: str,
    shape: str,
) -> None:
    """Touches, leads and credit by source, campaign, property and property-local month."""
    settings = Settings.load()
    words = {"from": first, "to": last, "property": place, "source": source, "model": model}
    words |= {"conversion": conversion, "window": "" if window is None else str(window), "scope": scope}
    now, store = datetime.now(UTC), Store(settings.database_url)
    try:
        with store.read() as connection:
            days = settings.policy.attribution_window_days
            made = source_report(connection, wanted_from(connection, words, now=now, window_days=days), now=now)
    finally:
        store.close()
    _PRINTERS[shape](made)


def _csv(made: SourceReport) -> None:
    output = sys.stdout.buffer  # bytes, so that no platform changes the line ends
    for piece in formats.to_csv(made):
        output.write(piece.encode())
    output.flush()


def _json(made: SourceReport) -> None:
    click.echo(json.dumps(formats.to_json(made), indent=2))


def _table(made: SourceReport) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for label, text in formats.header(made):
        console.print(Text(f"{label}: {_printable(text)}"))
    if not made.rows:
        console.print("Nothing in these months. Ask for others with --from and --to.")
        return
    table = Table(show_footer=True)
    names = {"month": "total", "property": "", "source": "", "campaign": ""}
    for name, foot in names.items():
        table.add_column(name, foot)
    numbers = ("touches", "collapsed", "leads", "unidentified", *made.wanted.models)
    for name, foot in zip(numbers, _numbers(made.totals), strict=True):
        table.add_column(name, foot, justify="right")
    for row in made.rows:
        words = (formats.month(row.key.month), row.property_name, row.source_name, row.key.campaign)
        table.add_row(*(Text(_printable(word)) for word in words), *_numbers(row.figures))
    console.print(table)


def _numbers(of: Figures) -> list[str]:
    counted = [str(number) for number in (of.touches, of.collapsed, of.leads, of.unidentified)]
    return counted + [formats.decimal(micros) for micros in of.credits.values()]


def _printable(text: str) -> str:
    """Names come from strangers: nothing in them may steer a terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


_PRINTERS: dict[str, Callable[[SourceReport], None]] = {"table": _table, "csv": _csv, "json": _json}
