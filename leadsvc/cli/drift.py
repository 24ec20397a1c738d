"""``leadsvc drift``: how the feeds are, and what to do about one that changed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from leadsvc.cli.opening import opened
from leadsvc.config import Settings
from leadsvc.watching import FeedHealth, Feeds, Watch

_WRONG = {"silent", "degraded"}


@click.group()
def drift() -> None:
    """Feeds that fall silent, change their layout or send worse fields."""


def _feeds() -> Feeds:
    settings = Settings.load()
    services = opened(settings)
    return Feeds(services.store, settings, services.clock)


@drift.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a feed instead of a table.")
def list_(as_json: bool) -> None:
    """Every feed with its state, last lead, and leads of the last day beside what is usual; exit 1 when one is ill."""
    rows = _feeds().health()
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row), default=str))
    else:
        _show(rows)
    sys.exit(1 if any(row.state in _WRONG and not row.muted_until for row in rows) else 0)


def _show(rows: list[FeedHealth]) -> None:
    console = Console()
    table = Table("feed", "map", "state", "since", "last lead", "24 h", "usual", "", title="Feeds")
    for row in rows:
        note = "muted" if row.muted_until else "looked after" if row.acknowledged_at else row.cause.replace("_", " ")
        since, last = (f"{each:%Y-%m-%d %H:%M}" if each else "-" for each in (row.since, row.last_at))
        style = "red" if row.state in _WRONG else "yellow" if row.state == "late" else ""
        cells = (row.feed, row.map_id or "any", row.state, since, last, str(row.day), f"{row.usual:.1f}", note)
        table.add_row(*cells, style=style)
    console.print(table)
    for row in rows:
        if row.detail:
            console.print(row.detail, highlight=False, soft_wrap=True)


@drift.command()
def look() -> None:
    """Count and judge what came until now, without waiting for the worker to do it."""
    feeds = _feeds()
    opened = Watch(feeds.store, feeds.settings, feeds.clock).round()
    click.echo(f"{opened} new alarms")


@drift.command()
@click.argument("feed")
@click.argument("map_id", default="")
@click.option("--days", type=click.FloatRange(0, 366), default=7.0, show_default=True, help="For how long; 0 ends it.")
def mute(feed: str, map_id: str, days: float) -> None:
    """Raise no alarm about FEED (only what MAP_ID reads of it) for some days."""
    _say(_feeds().mute(feed, map_id, days, "operator"), "muted" if days else "heard again")


@drift.command()
@click.argument("feed")
@click.argument("map_id", default="")
def acknowledge(feed: str, map_id: str) -> None:
    """Say that somebody looks after FEED."""
    _say(_feeds().acknowledge(feed, map_id, "operator"), "looked after")


@drift.command()
@click.argument("feed")
@click.argument("map_id", default="")
def accept(feed: str, map_id: str) -> None:
    """What FEED sends now is right: it is what is usual from now on."""
    _say(_feeds().accept(feed, map_id, "operator"), "accepted")


def _say(streams: int, word: str) -> None:
    click.echo(f"{streams} {'stream' if streams == 1 else 'streams'} {word}")
