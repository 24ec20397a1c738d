"""``leadsvc destinations``: accounts, their configuration, and what their answers mean."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, update

from leadsvc import logs
from leadsvc.cli.letters import dead, release_, replay
from leadsvc.cli.opening import attached, opened
from leadsvc.config import Account, Settings
from leadsvc.faults import Commit
from leadsvc.pipeline.configuration import Change
from leadsvc.store.tables import config_changes, deliveries
from leadsvc.store.tables import destinations as accounts
from leadsvc.workers.deliver import around, profile
from leadsvc.workers.describe import markdown, updated
from leadsvc.workers.destinations import VENDORS, classifier
from leadsvc.workers.preflight import preflight, summary
from leadsvc.workers.syncing import sync as pull


@click.group()
def destinations() -> None:
    """PMS and CRM accounts."""


def _account(settings: Settings, name: str) -> Account:
    if name not in settings.accounts:
        known = ", ".join(settings.accounts) or "none"
        raise click.UsageError(f"no destination {name} is configured; there is {known}")
    return settings.accounts[name]


@destinations.command("list")
def list_() -> None:
    """Show the configured accounts, their state and what is owed to them."""
    settings = Settings.load()
    services = attached(settings)
    table = Table("name", "vendor", "address", "state", "owed")
    with services.store.read() as connection:
        states = {row.name: row.state for row in connection.execute(select(accounts))}
        waiting = deliveries.c.state.not_in(("acknowledged", "cancelled"))
        counted = select(deliveries.c.destination, func.count()).where(waiting).group_by(deliveries.c.destination)
        owed = {row[0]: row[1] for row in connection.execute(counted)}
    for name, account in settings.accounts.items():
        table.add_row(name, account.vendor, account.base_url, states.get(name, "new"), str(owed.get(name, 0)))
    Console().print(table)


@destinations.command()
@click.argument("name")
def check(name: str) -> None:
    """Ask an account everything that leads will need of it; exit 1 and say what to do when something is missing."""
    account = _account(Settings.load(), name)
    findings = []
    for found in preflight(account, around, datetime.now(UTC)):
        findings.append(found)
        click.echo(f"{'✓' if found.ok else '✗'} {found.what}")
        if found.step:
            click.echo(f"  → {found.step}")
    click.echo(f"{name}: {summary(findings)}")
    sys.exit(0 if all(found.ok for found in findings) else 1)


@destinations.command()
@click.argument("name")
@click.option("--believe", is_flag=True, help="Take lists over that lost most of their entries, too.")
def sync(name: str, believe: bool) -> None:
    """Read properties, floor plans, units, agents and source names from an account.

    Says what changed since the last time and what of ours points at nothing now. Exit status 1 when the lists were
    refused because they lost most of their entries.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    done = pull(opened(settings), profile(_account(settings, name)), believe=believe)
    click.echo(f"{name}: " + ", ".join(f"{count} {kind}" for kind, count in done.counts.items()))
    for change in done.changes:
        click.echo(f"  {change.sentence}")
    for broken in done.broken:
        click.echo(f"  broken: {broken.detail}")
    if done.refused:
        raise click.ClickException(f"not taken over: {done.refused}; if that is so, add --believe")


@destinations.command()
@click.argument("name")
@click.option("--last", default=50, show_default=True, help="How many changes to show, the newest first.")
def history(name: str, last: int) -> None:
    """Show what changed in the configuration of an account: names, agents, properties sold or retired."""
    services = attached(Settings.load())
    _account(services.settings, name)
    mine = select(config_changes).where(config_changes.c.destination == name)
    table = Table("when (UTC)", "change")
    with services.store.read() as connection:
        for row in connection.execute(mine.order_by(config_changes.c.at.desc(), config_changes.c.id).limit(last)):
            change = Change(row.kind, row.remote_id, row.what, row.before, row.after)
            table.add_row(f"{row.at:%Y-%m-%d %H:%M}", change.sentence)
    Console().print(table)


def _set_state(name: str, state: str, reason: str) -> None:
    services = attached(Settings.load())
    _account(services.settings, name)
    with services.store.write(Commit.ADMIN) as connection:
        changed = update(accounts).where(accounts.c.name == name).values(state=state, reason=reason, open_until=None)
        connection.execute(changed)
        if state == "active":
            held = (deliveries.c.state == "held") & (deliveries.c.cause == "paused_account")
            mine = deliveries.c.destination == name
            now = services.clock()
            connection.execute(update(deliveries).where(mine, held).values(state="pending", cause="", due_at=now))
    click.echo(f"{name}: {state}")


@destinations.command()
@click.argument("name")
def pause(name: str) -> None:
    """Stop delivering to an account; what is owed waits."""
    _set_state(name, "paused", "by hand")


@destinations.command()
@click.argument("name")
def resume(name: str) -> None:
    """Deliver to a paused account again."""
    _set_state(name, "active", "")


@destinations.command()
@click.argument("vendors", nargs=-1, type=click.Choice(VENDORS))
@click.option(
    "--into",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Renew what stands between the marks of this document, for all vendors.",
)
def describe(vendors: tuple[str, ...], into: Path | None) -> None:
    """Show what vendors can do, as Markdown: credentials, fields, lengths, duplicates, who makes which correction."""
    if into is None:
        click.echo(markdown(vendors or VENDORS), nl=False)
    else:
        into.write_text(updated(into.read_text(encoding="utf-8")), encoding="utf-8")


@destinations.command()
@click.argument("vendor", type=click.Choice(VENDORS))
@click.argument("op")
def classify(vendor: str, op: str) -> None:
    """Read one answer as JSON on standard input (status, headers, body, context) and say what it means."""
    given: dict[str, Any] = json.load(sys.stdin)
    body = given.get("body")
    result = classifier(vendor)(
        op,
        int(given.get("status") or 0),
        given.get("headers") or {},
        body.encode() if body is not None else None,
        given.get("context") or {},
    )
    told: dict[str, Any] = {
        "outcome": result.outcome.value,
        "remote_id": result.remote_id or None,
        "retry_after_s": result.retry_after_s,
        "verify_first": result.verify_first,
        "items": [{"outcome": each.outcome.value, "remote_id": each.remote_id or None} for each in result.items],
        "message": result.message,
    }
    if result.empty:
        told["empty"] = True
    click.echo(json.dumps(told))


for _command in (dead, replay, release_):
    destinations.add_command(_command)
