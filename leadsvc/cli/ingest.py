"""``leadsvc ingest``: mails and payload files through the whole pipeline."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from leadsvc import logs
from leadsvc.cli.opening import opened
from leadsvc.config import Settings
from leadsvc.errors import LeadsvcError
from leadsvc.files import messages, take


@click.command()
@click.option("--feed", "feed_name", default="", help="The feed these came by; its map alone may claim them.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def ingest(feed_name: str, files: tuple[Path, ...]) -> None:
    """Take FILES (.eml, mbox, Maildir, payloads, folders of these) as if they had just arrived.

    Prints one line a message, its receipt and what it became, and at the end how many became what. What was taken
    before is recognised.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    services = opened(settings)
    failed = 0
    became: Counter[str] = Counter()
    for file in files:
        try:
            for name, body, content_type in messages(file):
                receipt, status = take(services, body, content_type, feed_name)
                became[status] += 1
                click.echo(f"{receipt}  {status}  {name}")
        except (OSError, LeadsvcError) as error:
            failed += 1
            click.echo(f"leadsvc: {file}: {getattr(error, 'strerror', None) or error}", err=True)
    click.echo(", ".join(f"{count} {status}" for status, count in sorted(became.items())) or "no messages", err=True)
    sys.exit(2 if failed else 0)
