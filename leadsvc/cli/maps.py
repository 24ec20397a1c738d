"""``leadsvc maps``: the field maps — which there are, whether they are good, what one makes of a payload."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import click

from leadsvc.cli.backtracking import pattern_fault
from leadsvc.cli.maps_diff import diff
from leadsvc.cli.maps_fixtures import FEWEST, fixtures, fixtures_of, fixtures_root
from leadsvc.cli.maps_learn import learn
from leadsvc.cli.maps_try import MAPS, try_file, unused
from leadsvc.fieldmap import check_file, load_maps


@click.group()
def maps() -> None:
    """List, check, try, compare and learn field maps."""


for _command in (try_file, unused, diff, learn, fixtures):
    maps.add_command(_command)


@maps.command("list")
@MAPS
def list_maps(folder: Path | None) -> None:
    """Every map: id, version, formats, credited source, owner, how sure its layout is."""
    for one in load_maps(folder).maps.values():
        formats = ",".join(one.formats)
        click.echo(f"{one.id:<28} v{one.version:<3} {formats:<10} {one.source:<16} {one.owner:<14} {one.confidence}")


@maps.command("check")
@MAPS
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def check(folder: Path | None, paths: tuple[Path, ...]) -> None:
    """Check map files (default: all): grammar, rules, an owner, provenance, and fixtures beside them.

    Faults are told as file:line:column, exit status 1 when there are any.
    """
    root = folder or Path(str(files("leadsvc").joinpath("mappings")))
    chosen = paths or tuple(sorted(root.glob("*.yaml")))
    faults = [fault for path in chosen for fault in (*check_file(path, pattern_fault), *_unproven(path, folder, paths))]
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    click.echo(f"{len(chosen)} field maps are good")


def _unproven(path: Path, folder: Path | None, named: tuple[Path, ...]) -> list[str]:
    """A map without payloads that prove it is a guess."""
    root = fixtures_root(path.parent if named and folder is None else folder)
    if named and root is not None and not root.is_dir():
        root = fixtures_root(None)
    if root is None:
        return []
    found = sum(1 for _ in fixtures_of(root, path.stem))
    if found >= FEWEST:
        return []
    return [f"{path}:1:1: {found} fixtures in {root / path.stem}; a map needs at least {FEWEST} payloads that prove it"]
