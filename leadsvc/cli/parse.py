"""``leadsvc parse``: what leadsvc makes of files, without a database. One JSON object a line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from leadsvc.fieldmap import load_maps
from leadsvc.flat import row_of
from leadsvc.model import Channel, Delivered, Reading, Verdict
from leadsvc.reading import read

_TYPES = {
    ".form": "application/x-www-form-urlencoded",
    ".json": "application/json",
    ".eml": "message/rfc822",
    ".xml": "application/xml",
    ".csv": "text/csv",
}
_UNREADABLE = 2


@click.command()
@click.option("--feed", metavar="MAP", help="Id of the field map to read with; without it the map is recognised.")
@click.option("--received-at", metavar="ISO", help='The time of reception that "ASAP" refers to; without it, now.')
@click.option("--maps", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of field maps.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def parse(feed: str | None, received_at: str | None, folder: Path | None, files: tuple[Path, ...]) -> None:
    """Recognise, parse, map and normalise FILEs; print JSON Lines.

    A lead is {"lead": true, ...}, anything else {"lead": false, "reason": ...}. Exit status 0 for both, 2 when a file
    cannot be read.
    """
    moment = moment_of(received_at)
    maps = load_maps(folder)
    if feed is not None and feed not in maps.maps:
        raise click.BadParameter(f"no field map {feed}; `leadsvc maps list` shows them", param_hint="--feed")
    unreadable = False
    for file in files:
        try:
            body = file.read_bytes()
        except OSError as error:
            click.echo(f"leadsvc: {file}: {error.strerror or error}; check the path and its permissions", err=True)
            unreadable = True
            continue
        for row in rows(read(delivered(file, body, moment, feed), maps)):
            click.echo(json.dumps(row, ensure_ascii=False))
    if unreadable:
        sys.exit(_UNREADABLE)


def delivered(file: Path, body: bytes, received_at: datetime, feed: str | None) -> Delivered:
    """``body`` as if it had come in at ``received_at``; the format is told by the file's name, else by its content."""
    kind = _TYPES.get(file.suffix.lower(), "")
    return Delivered(body, kind, Channel.FILE, received_at, map_hint=feed)


def rows(reading: Reading) -> list[dict[str, Any]]:
    """One plain object a lead, or the one that says why there is none."""
    if reading.verdict is Verdict.LEADS:
        return [row_of(lead) for lead in reading.leads]
    row: dict[str, Any] = {"lead": False, "reason": reading.cause, "verdict": reading.verdict.value}
    row["detail"] = reading.detail
    if reading.map_id:
        row.update(map=reading.map_id, map_version=reading.map_version)
    if reading.errors:
        row["errors"] = [{"index": error.index, "errors": dict(error.errors)} for error in reading.errors[:50]]
    return [row]


def moment_of(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("write it like 2026-02-03T09:30:00-05:00", param_hint="--received-at") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
