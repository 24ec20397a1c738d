"""``leadsvc maps``: the field maps — which there are, whether they are good, what one makes of a file."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path

import click

from leadsvc.cli.parse import delivered, moment_of, rows
from leadsvc.fieldmap import check_file, load_maps
from leadsvc.reading import read

_FOLDER = click.option(
    "--maps", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of field maps."
)


@click.group()
def maps() -> None:
    """List, check and try field maps."""


@maps.command("list")
@_FOLDER
def list_maps(folder: Path | None) -> None:
    """Every map: id, version, formats, credited source, owner, how sure its layout is."""
    for one in load_maps(folder).maps.values():
        formats = ",".join(one.formats)
        click.echo(f"{one.id:<24} v{one.version:<3} {formats:<10} {one.source:<16} {one.owner:<14} {one.confidence}")


@maps.command("check")
@_FOLDER
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def check(folder: Path | None, paths: tuple[Path, ...]) -> None:
    """Check map files (default: all); faults are told as file:line:column, exit status 1 when there are any."""
    root = folder or Path(str(files("leadsvc").joinpath("mappings")))
    chosen = paths or tuple(sorted(root.glob("*.yaml")))
    faults = [fault for path in chosen for fault in check_file(path)]
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    click.echo(f"{len(chosen)} field maps are good")


@maps.command("try")
@_FOLDER
@click.option("--map", "map_id", help="Try this map only; without it the map is recognised.")
@click.option("--received-at", metavar="ISO", help='The time of reception that "ASAP" refers to; without it, now.')
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def try_file(folder: Path | None, map_id: str | None, received_at: str | None, file: Path) -> None:
    """Show what a map reads from FILE, and the keys of the payload that it did not use."""
    loaded = load_maps(folder)
    if map_id is not None and map_id not in loaded.maps:
        raise click.BadParameter(f"no field map {map_id}; `leadsvc maps list` shows them", param_hint="--map")
    reading = read(delivered(file, file.read_bytes(), moment_of(received_at), map_id), loaded)
    for row in rows(reading):
        shown = {key: value for key, value in row.items() if value not in (None, [], {}, "")}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
