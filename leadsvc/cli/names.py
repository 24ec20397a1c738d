"""``leadsvc names``: names that were sent and nobody knows, and what they mean."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime

import click
from rich.console import Console
from rich.table import Table

from leadsvc.cli.opening import as_configured
from leadsvc.pipeline.naming import Said
from leadsvc.store.queries.names import list_names
from leadsvc.store.tables import NAME_KINDS

_ACTOR = "operator"


@click.group()
def names() -> None:
    """Unknown properties, units, floor plans, agents and sources: what is asked, and the answers."""


@names.command("list")
@click.option("--kind", type=click.Choice(NAME_KINDS), help="Only names of this kind.")
@click.option("--state", type=click.Choice(("open", "answered", "ignored")), default="open", help="How far they are.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="At most so many.")
def list_(kind: str | None, state: str, limit: int) -> None:
    """Show the names of the mapping queue with what they may mean, those for which most leads wait first."""
    services = as_configured()
    services.actions.names.mender.round(0)
    with services.store.read() as connection:
        page = list_names(connection, kind=kind, state=state, limit=limit)
    table = Table("id", "kind", "name", "where", "seen", "wait", "may mean")
    for name in page.names:
        said = [f"{each.label} (said by {each.made_by})" for each in name.answers]
        may = [f"{each.label} [{each.target}]: {each.why}" for each in name.suggestions[:3]]
        cells = (str(name.id), name.kind, name.text, name.where, str(name.seen), str(name.waiting))
        table.add_row(*cells, "\n".join(said or may))
    Console().print(table)


@names.command()
@click.argument("name_id", type=click.UUID)
@click.argument("target")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="The first day on which it means that.")
@click.option("--until", "end", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it means that.")
def answer(name_id: uuid.UUID, target: str, start: datetime | None, end: datetime | None) -> None:
    """Say that a name means TARGET (the id in brackets that `list` shows); whoever waited is mended."""
    said = Said(target, _day(start), _day(end))
    click.echo(json.dumps(as_configured().actions.names.answer(name_id, said, _ACTOR), ensure_ascii=False))


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


@names.command()
@click.argument("name_id", type=click.UUID)
def ignore(name_id: uuid.UUID) -> None:
    """Ask for a name no more; what comes with it goes out with the fallback."""
    click.echo(json.dumps(as_configured().actions.names.ignore(name_id, _ACTOR), ensure_ascii=False))


@names.command()
@click.argument("name_id", type=click.UUID)
def undo(name_id: uuid.UUID) -> None:
    """Take back what was said of a name; it is asked again."""
    click.echo(json.dumps(as_configured().actions.names.undo(name_id, _ACTOR), ensure_ascii=False))
