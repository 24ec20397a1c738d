"""``leadsvc maps try`` and ``unused``: what a map reads from a payload, by which rule, and what nobody looked at."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from leadsvc.cli.parse import delivered, moment_of, rows
from leadsvc.errors import Quarantine
from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.fieldmap.explain import Explanation, explain
from leadsvc.model import Delivered
from leadsvc.reading import claimed, read

MAPS = click.option(
    "--maps", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of field maps."
)
MAP = click.option("--map", "map_id", help="Use this map only; without it the map is recognised.")
RECEIVED_AT = click.option(
    "--received-at", metavar="ISO", help='The time of reception that "ASAP" refers to; without it, now.'
)
FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.command("try")
@MAPS
@MAP
@RECEIVED_AT
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@FILE
def try_file(folder: Path | None, map_id: str | None, received_at: str | None, as_json: bool, file: Path) -> None:
    """Show each value a map reads from FILE, where it came from, the rule that made it, and what nobody used."""
    loaded, payload = _given(folder, map_id, received_at, file)
    reading = read(payload, loaded)
    told = _explained(payload, loaded)
    if as_json:
        click.echo(json.dumps({"rows": rows(reading), "explained": [_plain(one) for one in told]}, ensure_ascii=False))
        return
    for row in rows(reading) if not told else ():
        shown = {key: value for key, value in row.items() if value not in (None, [], {}, "")}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=180)
    for one in told:
        _show(one, console)


@click.command()
@MAPS
@MAP
@RECEIVED_AT
@FILE
def unused(folder: Path | None, map_id: str | None, received_at: str | None, file: Path) -> None:
    """Print what FILE holds that its map neither reads nor sets aside; exit status 1 when there is anything."""
    loaded, payload = _given(folder, map_id, received_at, file)
    told = _explained(payload, loaded)
    if not told:
        reading = read(payload, loaded)
        read_by = reading.map_id or "no field map"
        click.echo(f"read by {read_by}, which leaves nothing to compare. {reading.detail}".strip(), err=True)
        sys.exit(2)
    for one in told:
        for place, text in one.left:
            click.echo(f"{place}: {text}")
    sys.exit(1 if any(one.left for one in told) else 0)


def _given(folder: Path | None, map_id: str | None, received_at: str | None, file: Path) -> tuple[MapSet, Delivered]:
    loaded = load_maps(folder)
    if map_id is not None and map_id not in loaded.maps:
        raise click.BadParameter(f"no field map {map_id}; `leadsvc maps list` shows them", param_hint="--map")
    return loaded, delivered(file, file.read_bytes(), moment_of(received_at), map_id)


def _explained(payload: Delivered, loaded: MapSet) -> list[Explanation]:
    try:
        pairs = claimed(payload, loaded)
    except Quarantine:
        return []
    return [explain(field_map, record, payload.received_at) for field_map, record in pairs]


def _show(told: Explanation, console: Console) -> None:
    values = Table("field", "value", "from", "rule", title=f"Values, by {told.lead.map_id} v{told.lead.map_version}")
    for one in told.made:
        values.add_row(one.field, one.value, _short(one.raw), one.rule)
    console.print(values)
    steps = Table("field", "", "alternative", "found", "why", title="Alternatives that found something")
    for step in told.steps:
        if step.text:
            mark = "✓" if step.taken else ""
            steps.add_row(f"{step.field} {step.position}", mark, step.alternative, _short(step.text), step.why)
    console.print(steps)
    if told.left:
        left = Table("where", "text", title="Nobody used")
        for place, text in told.left:
            left.add_row(place, _short(text))
        console.print(left)


def _plain(told: Explanation) -> dict[str, object]:
    return {
        "map": told.lead.map_id,
        "values": [{"field": v.field, "value": v.value, "raw": v.raw, "rule": v.rule} for v in told.made],
        "alternatives": [
            {"field": s.field, "n": s.position, "is": s.alternative, "why": s.why, "found": s.text, "taken": s.taken}
            for s in told.steps
        ],
        "unused": [{"where": place, "text": text} for place, text in told.left],
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else line[:89] + "…"
