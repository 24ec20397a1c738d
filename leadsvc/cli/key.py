"""``leadsvc key``: make, list, rotate and revoke the credentials of feeds and of staff scripts."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Row

from leadsvc.config import Settings
from leadsvc.errors import NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.security import KINDS, SCOPES, Issued, issue
from leadsvc.store import Store, migrate
from leadsvc.store.queries import api_keys


@click.group()
def key() -> None:
    """Credentials of feeds (they send leads) and of staff scripts (they read, or act)."""


@key.command()
@click.option("--feed", metavar="F", help="The feed it sends leads for; a name from the configuration file.")
@click.option("--kind", type=click.Choice(KINDS), default="bearer", show_default=True, help="How the sender shows it.")
@click.option("--ip", "ips", multiple=True, metavar="CIDR", help="Only from these addresses (may be repeated).")
@click.option("--test", is_flag=True, help="Shows what would happen and writes nothing.")
@click.option("--scope", type=click.Choice(SCOPES[1:]), help="Instead of --feed: what a staff script may do.")
@click.option("--label", default="", help="A word for the list, such as the vendor's name.")
def create(feed: str | None, kind: str, ips: tuple[str, ...], test: bool, scope: str | None, label: str) -> None:
    """Make a credential and show its secret, once."""
    settings = Settings.load()
    if (feed is None) == (scope is None):
        raise click.UsageError("say either --feed F (to send leads) or --scope staff:read|staff:write (for staff)")
    if feed is not None and feed not in settings.feeds:
        raise click.UsageError(f"no feed is called {feed}; configured are: {', '.join(sorted(settings.feeds))}")
    made = issue(
        kind,
        feed=feed,
        scope=scope or "feed",
        label=label,
        allowed_ips=ips,
        test=test,
        secret_key=settings.secret_key,
    )
    with _store(settings) as store, store.write(Commit.ADMIN) as connection:
        api_keys.add(connection, made.row, datetime.now(UTC), _actor())
    _show(settings, made)


@key.command("list")
def list_() -> None:
    """Every credential, without its secret."""
    table = Table("prefix", "feed or scope", "kind", "label", "addresses", "test", "created", "revoked")
    with _store(Settings.load()) as store, store.read() as connection:
        for row in api_keys.everything(connection):
            table.add_row(*_cells(row))
    Console(width=160).print(table)


@key.command()
@click.argument("prefix")
def rotate(prefix: str) -> None:
    """Make a second credential beside PREFIX. Both work until one is revoked, so nobody has to hurry."""
    settings = Settings.load()
    with _store(settings) as store, store.write(Commit.ADMIN) as connection:
        old = _live(api_keys.by_prefix(connection, prefix), prefix)
        if api_keys.twins(connection, old) > 1:
            raise Reject(
                409,
                "Two are live already",
                f"{prefix} has a successor already; revoke the one that is no longer used: leadsvc key revoke PREFIX",
                code="rotation_open",
            )
        made = issue(
            old.kind,
            feed=old.feed,
            scope=old.scope,
            label=old.label,
            allowed_ips=old.allowed_ips,
            test=old.test,
            secret_key=settings.secret_key,
        )
        api_keys.add(connection, made.row, datetime.now(UTC), _actor())
    _show(settings, made)
    click.echo(f"Both work now. When the sender has switched: leadsvc key revoke {prefix}", err=True)


@key.command()
@click.argument("prefix")
def revoke(prefix: str) -> None:
    """End the credential PREFIX; it is refused within five seconds."""
    with _store(Settings.load()) as store, store.write(Commit.ADMIN) as connection:
        row = _live(api_keys.by_prefix(connection, prefix), prefix)
        api_keys.revoke(connection, row.id, prefix, datetime.now(UTC), _actor())
    click.echo(f"{prefix} is revoked", err=True)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    migrate(settings.database_url)
    store = Store(settings.database_url)
    try:
        yield store
    finally:
        store.close()


def _live(row: Row[Any] | None, prefix: str) -> Row[Any]:
    if row is None:
        raise NotFound(f"no live credential starts with {prefix}; see: leadsvc key list")
    return row


def _actor() -> str:
    return f"cli:{getpass.getuser()}"


def _cells(row: Row[Any]) -> list[str]:
    created, revoked = row.created_at, row.revoked_at
    return [
        row.prefix,
        row.feed or row.scope,
        row.kind,
        row.label,
        ", ".join(row.allowed_ips) or "any",
        "test" if row.test else "",
        f"{created:%Y-%m-%d %H:%M}",
        f"{revoked:%Y-%m-%d %H:%M}" if revoked else "",
    ]


def _show(settings: Settings, made: Issued) -> None:
    """The secret alone on standard output, so that a script can take it; what it is for on standard error."""
    row = made.row
    base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    path = f"/v1/leads/{row['feed']}" if row["feed"] != "canonical" else "/v1/leads"
    how = {
        "bearer": f"Authorization: Bearer <the line above>, POST {base}{path}",
        "basic": f"HTTP basic, user {row['prefix']}, password what follows the colon, POST {base}{path}",
        "hmac": f"Standard Webhooks signature with the secret above, POST {base}{path}",
        "url": f"POST {base}/v1/hooks/<the line above>, no header needed",
    }[row["kind"]]
    if row["feed"] is None:
        how = f"scope {row['scope']}; {how.partition(', POST')[0]}, GET {base}/v1/guest-cards"
    click.echo(made.shown)
    click.echo(f"Shown once; keep it now. Prefix {row['prefix']}. {how}", err=True)
