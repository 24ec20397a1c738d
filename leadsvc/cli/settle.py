"""``leadsvc settle``: who is who, decided again wherever something has come that may change it."""

from __future__ import annotations

import time

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from leadsvc import logs
from leadsvc.cli.opening import opened
from leadsvc.config import Settings
from leadsvc.pipeline.settling import Settled, Settler


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def settle(dry_run: bool) -> None:
    """Work off the queue of re-openings, until it is empty.

    A lead is placed by what is near it when it comes; whatever may have to be seen otherwise later is queued, and the
    worker looks at it by and by. This command does all of it at once. It may run beside the other processes, and be
    interrupted: what is done stays, what is not stays queued.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    settler = Settler(opened(settings).intake)
    started = time.monotonic()
    done = settler.rehearse() if dry_run else drain(settler)
    _tell(done, time.monotonic() - started)
    if dry_run:
        click.echo("nothing was changed (--dry-run)", err=True)


def drain(settler: Settler) -> Settled:
    """Settle until nothing waits, with a progress bar."""
    done = Settled()
    columns = (TextColumn("who is who, looked at again"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("settling", total=max(settler.waiting(), 1))
        while True:
            part = settler.round()
            done += part
            if not part.gathered and not part.reopened:
                return done
            bar.update(task, total=max(settler.waiting() + done.reopened, 1), completed=done.reopened)


def _tell(done: Settled, seconds: float) -> None:
    each = 1000 * seconds / done.reopened if done.reopened else 0.0
    click.echo(f"re-openings: {done.reopened}, {each:.1f} ms each")
    for what, count in (
        ("merges", done.merges),
        ("splits", done.splits),
        ("proposals, because a person has worked there", done.proposals),
        ("questions opened or withdrawn", done.reviews),
        ("households proposed", done.households),
        ("left to a person because of their size", done.given_up),
    ):
        click.echo(f"{what}: {count}")
