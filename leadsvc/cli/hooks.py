"""``leadsvc hooks``: web hooks of providers, what they wait for, and how often they were refused."""

from __future__ import annotations

import uuid
from datetime import timedelta

import click
from sqlalchemy import select

from leadsvc import logs
from leadsvc.app import now
from leadsvc.cli.opening import opened
from leadsvc.config import Feed, Settings
from leadsvc.pipeline.subscribing import confirm as confirm_subscription
from leadsvc.services import Services
from leadsvc.store.queries import fetches
from leadsvc.store.tables import receipts

_DAYS = 7


@click.group()
def hooks() -> None:
    """Web hooks of providers: how each feed is verified, what is waited for, what was refused."""


@hooks.command("list")
def list_hooks() -> None:
    """Show feeds with a provider, refused web hooks of the last week, fetches, and subscriptions to confirm."""
    services = _services()
    for feed in services.settings.feeds.values():
        if feed.provider:
            click.echo(f"{feed.name}  {feed.provider}  {_verified(feed)}")
    with services.store.read() as connection:
        refused = fetches.refusals_since(connection, (now() - timedelta(days=_DAYS)).date())
        waiting = fetches.overview(connection)
        asked = (receipts.c.state == "quarantined") & (receipts.c.cause == "subscription")
        questions = connection.execute(select(receipts.c.id, receipts.c.feed).where(asked)).all()
    for row in refused:
        click.echo(
            f"refused  {row['feed']}  {row['cause']}  {row['count']} in {_DAYS} days, last {row['last_at']:%F %R} UTC"
        )
    for row in waiting:
        cause = f"  {row['cause']}" if row["cause"] else ""
        click.echo(
            f"fetch  {row['feed']}  {row['kind']}  {row['state']}  {row['count']} since {row['since']:%F %R} UTC{cause}"
        )
    for question in questions:
        click.echo(f"subscription  {question.feed}  → leadsvc hooks confirm {question.id}")


@hooks.command()
@click.argument("receipt_id", type=click.UUID)
def confirm(receipt_id: uuid.UUID) -> None:
    """Confirm the SNS subscription that receipt RECEIPT_ID asks about; a worker tells SNS."""
    services = _services()
    told = confirm_subscription(services.intake, receipt_id, "operator", now())
    click.echo("  ".join(f"{key}={value}" for key, value in told.items()))


def _services() -> Services:
    settings = Settings.load()
    logs.configure("ERROR")
    return opened(settings)


def _verified(feed: Feed) -> str:
    verify = feed.verify
    if verify is None:
        return "not verified: whoever has the address or the key may send"
    words = ["secret"] * bool(verify.secrets) + ["public key"] * bool(verify.public_key)
    words += [f"{len(verify.topics)} topics"] * bool(verify.topics) + ["addresses"] * bool(verify.addresses)
    return f"verified by {', '.join(words)}"
