"""``leadsvc doctor``: what is wrong, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from sqlalchemy import func, select

from leadsvc import logs
from leadsvc.cli.opening import attached
from leadsvc.config import Settings
from leadsvc.errors import LeadsvcError, Unavailable
from leadsvc.reports.books import balance
from leadsvc.services import Services
from leadsvc.store import Store
from leadsvc.store.migrate import revisions
from leadsvc.store.queries import mailboxes
from leadsvc.store.tables import exceptions, receipts
from leadsvc.watching import Feeds
from leadsvc.workers.accounts import obstacles, profile, troubles
from leadsvc.workers.deliver import around
from leadsvc.workers.destinations import connect


@click.command()
def doctor() -> None:
    """Look at settings, database, maps, accounts, backlog and books; exit 1 when something needs a person."""
    settings = Settings.load()
    logs.configure("ERROR")
    found = list(_examine(settings))
    for trouble, step in found:
        click.echo(f"✗ {trouble}\n  → {step}")
    if not found:
        click.echo("Everything that can be looked at from here is well.")
    sys.exit(1 if found else 0)


def _examine(settings: Settings) -> Iterator[tuple[str, str]]:
    store = Store(settings.database_url)
    try:
        with store.read() as connection:
            have, need = revisions(connection)
    except Unavailable:
        yield "The database does not answer.", "Check LEADSVC_DATABASE_URL, the server and the network between."
        return
    finally:
        store.close()
    if have != need:
        yield f"The database is at revision {have or 'none'}, this version needs {need}.", "Start `leadsvc serve` once."
        return
    services = attached(settings)
    if not settings.accounts:
        yield (
            "No destination is configured.",
            "Name one in the file of LEADSVC_CONFIG; until then nothing is delivered.",
        )
    yield from _accounts(settings)
    yield from _mailboxes(services)
    yield from _backlog(services)
    yield from _feeds(services)
    yield from _books(services)


def _accounts(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, account in settings.accounts.items():
        yield from ((f"{name}: {trouble}.", step) for trouble, step in troubles(account))
        if list(obstacles(account)):
            continue
        destination = connect(profile(account), around)
        result = destination.check()
        destination.close()
        if not result.ok:
            step = "Renew its credentials." if result.outcome.value == "auth" else "Is the address right?"
            yield f"{name} at {account.base_url}: {result.outcome.value} {result.message}".rstrip(), step


def _mailboxes(services: Services) -> Iterator[tuple[str, str]]:
    with services.store.read() as connection:
        told = mailboxes.told(connection)
    for name in services.settings.mailboxes:
        if name not in told:
            yield f"Mailbox {name} was never read.", f"Start `leadsvc mailbox`; `leadsvc mailbox --check {name}` first."
        elif told[name].trouble:
            yield f"Mailbox {name}: {told[name].trouble.replace('_', ' ')}.", told[name].detail


def _backlog(services: Services) -> Iterator[tuple[str, str]]:
    pending = select(receipts.c.id).where(receipts.c.state == "pending").order_by(receipts.c.received_at).limit(5)
    with services.store.read() as connection:
        waiting = list(connection.execute(pending).scalars())
        open_ = connection.execute(
            select(exceptions.c.kind, func.count())
            .where(exceptions.c.resolved_at.is_(None))
            .group_by(exceptions.c.kind)
        ).all()
    for receipt_id in waiting:
        try:
            services.intake.read(services.intake.load(receipt_id))
            step = "Start `leadsvc worker`; the sweep takes it up."
        except LeadsvcError as error:
            step = f"Reading it fails with {type(error).__name__}; report this with the receipt's id."
        yield f"Receipt {receipt_id} is waiting to be processed.", step
    for kind, count in open_:
        yield f"{count} open exceptions: {kind.replace('_', ' ')}.", "See the page /exceptions; each has its action."


def _feeds(services: Services) -> Iterator[tuple[str, str]]:
    for each in Feeds(services.store, services.settings, services.clock).health():
        if each.state in ("silent", "degraded") and not each.muted_until:
            yield f"Feed {each.feed}: {each.detail}", "`leadsvc drift list` shows all feeds beside what is usual."


def _books(services: Services) -> Iterator[tuple[str, str]]:
    with services.store.read() as connection:
        books = balance(connection)
    for entry in books.entries:
        if entry.wrong:
            sample = ", ".join(entry.sample)
            yield (
                f"{entry.wrong} {entry.name} ({sample}).",
                "`leadsvc rebuild --dry-run` tells whether facts and projections agree.",
            )
