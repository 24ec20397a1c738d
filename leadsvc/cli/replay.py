"""``leadsvc replay``: stored receipts read again with the present maps."""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime

import click
from sqlalchemy import Select, select

from leadsvc import logs
from leadsvc.app import build_services, prepare
from leadsvc.config import Settings
from leadsvc.store.tables import receipts


@click.command()
@click.argument("receipt_ids", nargs=-1, type=click.UUID)
@click.option("--since", type=click.DateTime(), help="Receipts received from this time (UTC) on.")
@click.option("--until", type=click.DateTime(), help="… and before this time (UTC).")
@click.option("--feed", help="Only receipts of this feed.")
@click.option("--state", help="Only receipts in this state, for example quarantined.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, change nothing.")
def replay(
    receipt_ids: tuple[uuid.UUID, ...],
    since: datetime | None,
    until: datetime | None,
    feed: str | None,
    state: str | None,
    dry_run: bool,
) -> None:
    """Read receipts again from their stored bytes. Nothing is doubled; what is read differently becomes a revision."""
    if not receipt_ids and not (since or until or feed or state):
        raise click.UsageError("name receipts, or a range by --since, --until, --feed or --state")
    settings = Settings.load()
    logs.configure(settings.log_level)
    prepare(settings)
    services = build_services(settings)
    ids = receipt_ids
    if not ids:
        with services.store.read() as connection:
            ids = tuple(row.id for row in connection.execute(_wanted(since, until, feed, state)))
    for told in services.actions.replay(ids, "operator", dry_run):
        click.echo("  ".join(f"{key}={value}" for key, value in told.items()))
    click.echo(f"{len(ids)} receipts", err=True)
    sys.exit(0)


def _wanted(
    since: datetime | None, until: datetime | None, feed: str | None, state: str | None
) -> Select[tuple[uuid.UUID]]:
    statement = select(receipts.c.id).order_by(receipts.c.received_at, receipts.c.id)
    if since:
        statement = statement.where(receipts.c.received_at >= since.replace(tzinfo=UTC))
    if until:
        statement = statement.where(receipts.c.received_at < until.replace(tzinfo=UTC))
    if feed:
        statement = statement.where(receipts.c.feed == feed)
    if state:
        statement = statement.where(receipts.c.state == state)
    return statement
