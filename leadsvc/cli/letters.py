"""``leadsvc destinations dead``, ``replay`` and ``release``: what did not go out, and sending it again."""

from __future__ import annotations

import getpass
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from leadsvc import logs
from leadsvc.cli.opening import attached
from leadsvc.config import Account, Settings
from leadsvc.errors import NotFound, Reject
from leadsvc.letters import Filter, Letter, Opened
from leadsvc.services import Services


def _actor() -> str:
    return f"cli:{getpass.getuser()}"


def _services(name: str) -> tuple[Services, Account]:
    settings = Settings.load()
    logs.configure("WARNING")
    if name not in settings.accounts:
        known = ", ".join(settings.accounts) or "none"
        raise click.UsageError(f"no destination {name} is configured; there is {known}")
    return attached(settings), settings.accounts[name]


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


@click.command()
@click.argument("name")
@click.option("--held", is_flag=True, help="Show what waits for a person, too.")
@click.option("--cause", default="", help="Only those of this cause.")
@click.option("--since", type=click.DateTime(), help="Only those tried last at or after this time (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines instead of a table.")
def dead(name: str, held: bool, cause: str, since: datetime | None, as_json: bool) -> None:
    """Show what did not go out to an account, why, and what to do about it."""
    services, account = _services(name)
    found = list(_all(services, Filter(account.name, cause, _utc(since), held=held)))
    if as_json:
        for each in found:
            click.echo(json.dumps(asdict(each), default=str))
        return
    if not found:
        click.echo(f"{name}: nothing waits for a person.")
        return
    table = Table("delivery", "card", "what", "cause", "last tried (UTC)", "tries", "words")
    for each in found:
        when = f"{each.since:%Y-%m-%d %H:%M}"
        table.add_row(str(each.id), each.card_key, each.kind, each.cause, when, str(each.tries), each.words)
    Console().print(table)
    for word in dict.fromkeys(each.cause for each in found):
        click.echo(f"{word}: {next(each.hint for each in found if each.cause == word)}")
    click.echo(f"Again: leadsvc destinations replay {name} DELIVERY [--set FIELD=VALUE] [--not-there] [--dry-run]")


def _all(services: Services, wanted: Filter) -> Iterator[Letter]:
    after: str | None = None
    while True:
        page = services.letters.page(wanted, after, 500)
        yield from page.letters
        if (after := page.after) is None:
            return


def _fields(_context: object, _option: object, given: tuple[str, ...]) -> dict[str, str]:
    if not all("=" in each for each in given):
        raise click.BadParameter("write FIELD=VALUE")
    return {field: value for field, _, value in (each.partition("=") for each in given)}


@click.command()
@click.argument("name")
@click.argument("delivery", nargs=-1, type=click.UUID)
@click.option("--all", "all_", is_flag=True, help="All that are dead, as far as --cause and --since go.")
@click.option("--held", is_flag=True, help="With --all: what waits for a person, too.")
@click.option("--cause", default="", help="With --all: only those of this cause.")
@click.option("--since", type=click.DateTime(), help="With --all: only those tried last at or after this time (UTC).")
@click.option("--set", "override", multiple=True, callback=_fields, help="FIELD=VALUE for one delivery alone.")
@click.option("--not-there", is_flag=True, help="You looked: no earlier attempt has written it at the destination.")
@click.option("--dry-run", is_flag=True, help="Show field by field what would be sent; change nothing.")
def replay(
    name: str,
    delivery: tuple[uuid.UUID, ...],
    all_: bool,
    held: bool,
    cause: str,
    since: datetime | None,
    override: dict[str, str],
    not_there: bool,
    dry_run: bool,
) -> None:
    """Send again what did not go out: single deliveries, with corrected values if need be, or all of a kind."""
    if all_ == bool(delivery):
        raise click.UsageError("name deliveries, or --all with --cause and --since")
    if override and len(delivery) != 1:
        raise click.UsageError("--set is for one delivery: values of one renter belong to no other")
    services, account = _services(name)
    if all_:
        wanted = Filter(account.name, cause, _utc(since), services.clock(), held)
        sys.exit(_many(services, wanted, dry_run=dry_run))
    mine = {each.id for each in _all(services, Filter(account.name, held=True, ids=delivery))}
    if missing := set(delivery) - mine:
        raise click.UsageError(f"not dead or held at {name}: {', '.join(sorted(map(str, missing)))}")
    try:
        if dry_run:
            for each in delivery:
                _show(services.letters.open(each, _actor(), override))
            return
        failed = sum(not _sent_again(services, each, override, not_there=not_there) for each in delivery)
    except Reject as error:
        raise click.UsageError(error.detail) from error
    click.echo(f"{name}: {len(delivery) - failed} of {len(delivery)} will be tried at once")
    sys.exit(1 if failed else 0)


def _many(services: Services, wanted: Filter, *, dry_run: bool) -> int:
    """What has died since ``wanted.until`` is left alone: it was tried again already."""
    if dry_run:
        for each in _all(services, wanted):
            _show(services.letters.open(each.id, _actor()))
        return 0
    sent, left = 0, 1
    while left:
        batch = services.letters.replay_all(wanted, _actor())
        sent, left = sent + len(batch.letters), batch.left
    click.echo(f"{wanted.destination}: {sent} will be tried at once")
    return 0


def _sent_again(services: Services, letter_id: uuid.UUID, override: dict[str, str], *, not_there: bool) -> bool:
    try:
        services.letters.replay(letter_id, _actor(), override or None, not_there=not_there)
    except NotFound as error:  # somebody was faster
        click.echo(f"{letter_id}: {error}", err=True)
        return False
    return True


def _show(opened: Opened) -> None:
    letter = opened.letter
    table = Table("field", "on the card", "would be sent", "note", title=f"{letter.kind} of {letter.card_key}")
    for line in opened.lines:
        table.add_row(line.field, line.ours, line.sent, line.note)
    Console().print(table)
    if opened.shared:
        click.echo(opened.shared)
    for trouble in opened.troubles:
        click.echo(f"! {trouble}")


@click.command("release")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Show what is kept back; change nothing.")
def release_(name: str, dry_run: bool) -> None:
    """Let the corrections go out that the daily cap of an account keeps back."""
    services, account = _services(name)
    released = services.letters.release(account.name, _actor(), dry_run=dry_run)
    if dry_run:
        for each in released.letters:
            click.echo(f"{each.kind} of {each.card_key}, kept back since {each.since:%Y-%m-%d %H:%M} UTC")
    click.echo(f"{name}: {released.count} corrections {'would go out' if dry_run else 'go out'}")
