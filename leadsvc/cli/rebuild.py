"""``leadsvc rebuild``: projections out of facts."""

from __future__ import annotations

import click

from leadsvc import logs
from leadsvc.cli.opening import opened
from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.pipeline.projections import rebuild as rebuild_all


class _Kept(Exception):
    """Leaves the transaction without keeping it."""


@click.command()
@click.option("--dry-run", is_flag=True, help="Compare only; keep what is stored.")
def rebuild(dry_run: bool) -> None:
    """Compute prospects, memberships and cards again from inquiries and decisions. Stop the other processes first.

    Prints how many rows came out differently; a healthy store has none.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    services = opened(settings)
    changed: dict[str, int] = {}
    try:
        with services.store.write(Commit.ACTION) as connection:
            changed = rebuild_all(connection, services.intake.portfolio().own_values)
            if dry_run:
                raise _Kept
    except _Kept:
        click.echo("nothing was kept (--dry-run)", err=True)
    for name, count in changed.items():
        click.echo(f"{name}: {count} rows differ")
