"""``leadsvc replay``: stored receipts read again with the present maps."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import click
from sqlalchemy import Select, select

from leadsvc import logs
from leadsvc.cli.opening import opened
from leadsvc.config import Settings
from leadsvc.store.tables import receipts


@click.command()
@click.argument("receipt_ids", nargs=-1, type=click.UUID)
@click.option("--since", type=click.DateTime(), help="Receipts received from this time (UTC) on.")
@click.option("--until", type=click.DateTime(), help="… and before this time (UTC).")
@click.option("--feed", help="Only receipts of this feed.")
@click.option("--state", help="Only receipts in this state, for example quarantined.")
@click.option("--as-lead", is_flag=True, help="Make a lead of the one receipt named, whatever it was taken for.")
@click.option("--name", default="", help="With --as-lead: the renter's name, in place of what can be read.")
@click.option("--email", default="", help="With --as-lead: the renter's e-mail address.")
@click.option("--phone", default="", help="With --as-lead: the renter's telephone number.")
@click.option("--property", "place", default="", help="With --as-lead: name or address of the property.")
@click.option("--message", default="", help="With --as-lead: the renter's words.")
@click.option("--trust", is_flag=True, help="The senders of these mails are genuine: release what waits for that.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, change nothing.")
def replay(
    receipt_ids: tuple[uuid.UUID, ...],
    since: datetime | None,
    until: datetime | None,
    feed: str | None,
    state: str | None,
    as_lead: bool,
    name: str,
    email: str,
    phone: str,
    place: str,
    message: str,
    trust: bool,
    dry_run: bool,
) -> None:
    """Read receipts again from their stored bytes. Nothing is doubled; what is read differently becomes a revision."""
    if trust and not receipt_ids:
        raise click.UsageError("name each receipt whose sender is genuine")
    if not receipt_ids and not (since or until or feed or state):
        raise click.UsageError("name receipts, or a range by --since, --until, --feed or --state")
    entered = {"name": name, "email": email, "phone": phone, "property": place, "message": message}
    if as_lead and len(receipt_ids) != 1:
        raise click.UsageError("--as-lead takes one receipt")
    if any(entered.values()) and not as_lead:
        raise click.UsageError("what is entered counts only together with --as-lead")
    settings = Settings.load()
    logs.configure(settings.log_level)
    services = opened(settings)
    if as_lead:
        done = services.actions.tray.make_lead(receipt_ids[0], "operator", entered, dry_run)
        click.echo("  ".join(f"{key}={value}" for key, value in done.items()))
        return
    ids = receipt_ids
    if not ids:
        with services.store.read() as connection:
            ids = tuple(row.id for row in connection.execute(_wanted(since, until, feed, state)))
    for told in services.actions.replay(ids, "operator", dry_run, trust):
        click.echo("  ".join(f"{key}={value}" for key, value in told.items()))
    click.echo(f"{len(ids)} receipts", err=True)


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
