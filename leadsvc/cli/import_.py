"""``leadsvc import``: a file of old inquiries into the store."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from leadsvc import importing, logs
from leadsvc.cli.opening import opened
from leadsvc.cli.settle import drain
from leadsvc.config import Settings
from leadsvc.errors import MapError
from leadsvc.fieldmap import FieldMap, MapSet, check_file, compile_map
from leadsvc.normalize.yamltext import load
from leadsvc.pipeline.settling import Settler
from leadsvc.services import Services

_MOST = 15


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--map", "map_name", required=True, metavar="MAP", help="Field map: its id, or a YAML file.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row; write nothing.")
@click.option("--feed", default="import", show_default=True, help="The feed the rows are counted under.")
@click.option("--sheet", default="", help="Sheet of a workbook; without it, the first.")
@click.option("--push", is_flag=True, help="Treat rows of cycles that are still open like leads that just came.")
@click.option("--chunk", type=click.IntRange(1, 1000), default=500, show_default=True, help="Rows a commit.")
@click.option("--rejects", type=click.Path(path_type=Path), help="File of refused rows; without it, FILE.rejects.csv.")
@click.option("--anew", is_flag=True, help="The file changed since its import began: read it from its start.")
def import_(
    file: Path,
    map_name: str,
    dry_run: bool,
    feed: str,
    sheet: str,
    push: bool,
    chunk: int,
    rejects: Path | None,
    anew: bool,
) -> None:
    """Backfill FILE (CSV, packed or not, or a workbook), row by row through a field map.

    Rows become history: prospects, guest cards and touches of the time they tell, without tasks, and no destination is
    told. In the end who is who is settled, as `leadsvc settle` does; what is left of that when it is stopped, the
    worker does. Stopped or killed, the same command goes on where it was. Exit status 0 when every row became or
    already was an inquiry, 1 when rows were refused.
    """
    settings = Settings.load()
    logs.configure("ERROR")
    services = opened(settings)
    chosen, maps = _map(services, map_name)
    wish = importing.Wish(file, chosen.id, chosen.version, feed, sheet, push, chunk, anew)
    console = Console(stderr=True)
    if dry_run:
        with importing.rehearsing(services.intake, maps) as intake:
            done = _run(importing.Importer(intake, wish, None), wish, console)
    else:
        intake = services.intake
        intake.maps = maps
        done = _run(importing.Importer(intake, wish, rejects or Path(f"{file}.rejects.csv")), wish, console)
        settled = drain(Settler(intake))
        told = f"{settled.reopened:,} re-openings, {settled.merges:,} merges, {settled.splits:,} splits"
        console.print(f"Who is who, looked at again: {told}")
    _show(done, Console(), dry_run)
    refused = done.progress.fates["rejected"]
    if refused and not dry_run:
        console.print(f"Refused rows and reasons: {rejects or f'{file}.rejects.csv'}")
    sys.exit(1 if refused else 0)


def _map(services: Services, name: str) -> tuple[FieldMap, MapSet]:
    """The map called ``name``, or read from that file, and all maps with it."""
    known = services.maps.maps.get(name)
    if known is not None:
        return known, services.maps
    path = Path(name)
    if not path.is_file():
        told = "`leadsvc maps list` shows them"
        raise click.BadParameter(f"there is no field map and no file {name}; {told}", param_hint="--map")
    faults = check_file(path)
    if faults:
        raise MapError("\n".join(faults))
    chosen = compile_map(load(path.read_text(encoding="utf-8")))
    return chosen, replace(services.maps, maps={**services.maps.maps, chosen.id: chosen})


def _run(importer: importing.Importer, wish: importing.Wish, console: Console) -> importing.Done:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]} rows, {task.fields[speed]}/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[fates]}"),
    )
    with importing.opened(wish.path, wish.sheet) as sheet, Progress(*columns, console=console) as bar:
        task = bar.add_task(wish.path.name, total=1.0, rows="0", speed="-", fates="")
        first: list[int] = []

        def report(progress: importing.Progress) -> None:
            first.append(progress.rows) if not first else None
            elapsed = bar.tasks[0].elapsed or 0.0
            speed = f"{(progress.rows - first[0]) / elapsed:,.0f}" if elapsed > 1 else "-"
            told = ", ".join(f"{progress.fates[fate]:,} {fate}" for fate in importing.FATES if progress.fates[fate])
            bar.update(task, completed=progress.share, rows=f"{progress.rows:,}", speed=speed, fates=told)

        done = importer.run(sheet, report)
        bar.update(task, completed=1.0)
    return done


def _show(done: importing.Done, console: Console, dry_run: bool) -> None:
    progress = done.progress
    if done.again:
        console.print(f"This file was imported before: all {progress.rows:,} rows are in. Nothing was done.")
    elif done.before:
        console.print(f"Went on behind row {done.before:,} of an earlier run.")
    fates = Table("what became of the rows" if not dry_run else "what would become of the rows", "rows", title="Import")
    for fate in importing.FATES:
        fates.add_row(_WORDS[fate], f"{progress.fates[fate]:,}")
    fates.add_row("all", f"{progress.rows:,}")
    console.print(fates)
    _counted(console, "why rows were refused", progress.reasons)
    _counted(console, "properties nobody knows (their cards are unplaced)", progress.properties)
    _counted(console, "sources nobody knows (credited by their own name)", progress.sources)
    _counted(console, "columns the map does not read", progress.columns)


_WORDS = {
    "created": "a new prospect",
    "joined": "joined a known prospect",
    "review": "a new prospect that may be a known one: to review",
    "duplicate": "known already",
    "revised": "corrected a known inquiry",
    "rejected": "refused",
    "not_lead": "no lead",
}


def _counted(console: Console, title: str, counter: Counter[str]) -> None:
    if not counter:
        return
    table = Table(title, "rows")
    for word, count in counter.most_common(_MOST):
        table.add_row(word, f"{count:,}")
    if len(counter) > _MOST:
        table.add_row(f"… and {len(counter) - _MOST} more", "")
    console.print(table)
