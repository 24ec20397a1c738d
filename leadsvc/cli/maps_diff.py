"""``leadsvc maps diff``: stored receipts under the present maps, or others, field by field. Nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from leadsvc import logs
from leadsvc.cli.opening import opened
from leadsvc.config import Settings
from leadsvc.pipeline.rereading import Difference, Reread, reread


@click.command()
@click.option("--since", type=click.DateTime(), required=True, help="Receipts received from this time (UTC) on.")
@click.option("--until", type=click.DateTime(), help="… and before this time (UTC).")
@click.option("--feed", default="", help="Only receipts of this feed.")
@click.option("--map", "map_id", default="", help="Only receipts that this map read, or reads now.")
@click.option(
    "--maps",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the maps to try; without it those in use.",
)
@click.option("--values", is_flag=True, help="Print every difference with both values, which are renters' data.")
def diff(since: datetime, until: datetime | None, feed: str, map_id: str, folder: Path | None, values: bool) -> None:
    """Read stored receipts again and show what would change; nothing is written. `leadsvc replay` makes it so."""
    settings = Settings.load()
    if folder is not None:
        settings = replace(settings, maps_dir=folder)
    logs.configure(settings.log_level)
    services = opened(settings)
    _compare(reread(services.intake, *_range(since, until), feed, map_id), values)


def _range(since: datetime, until: datetime | None) -> tuple[datetime, datetime | None]:
    return since.replace(tzinfo=UTC), until.replace(tzinfo=UTC) if until else None


def _compare(found: Iterable[Reread], values: bool) -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    total = changed = 0
    for one in found:
        total += 1
        changed += bool(one.differences)
        for each in one.differences:
            counts[each.map_id or "-", each.key, each.change] += 1
            if values:
                _print(each)
    _show(counts)
    click.echo(f"{total} receipts read again, {changed} would be read differently")


def _print(one: Difference) -> None:
    click.echo(f"{one.receipt} [{one.position}] {one.key} {one.change}: {one.was!r} -> {one.now!r}")


def _show(counts: Counter[tuple[str, str, str]]) -> None:
    if not counts:
        return
    table = Table("map", "field", "gained", "lost", "changed")
    for map_id, key in dict.fromkeys((map_id, key) for map_id, key, _ in sorted(counts)):
        numbers = (str(counts[map_id, key, change] or "") for change in ("gained", "lost", "changed"))
        table.add_row(map_id, key, *numbers)
    Console(highlight=False).print(table)
