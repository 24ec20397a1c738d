"""``leadsvc user``: who may sign in to the pages."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert

from leadsvc.config import Settings
from leadsvc.errors import Reject
from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.store import Store, migrate
from leadsvc.store.tables import audit
from leadsvc.web import accounts
from leadsvc.web.signin import link_address


@click.group()
def user() -> None:
    """People who may sign in to the pages."""


@user.command()
@click.argument("login")
@click.option(
    "--role", type=click.Choice(accounts.ROLES), default="agent", show_default=True, help="What the person may do."
)
@click.password_option(help="Asked for when left out, which keeps it out of the shell's history.")
def create(login: str, role: str, password: str) -> None:
    """Make an account with a password. ``leadsvc user link`` lets the person choose both."""
    with _store() as store, store.write(Commit.ADMIN) as connection:
        made = accounts.create_user(connection, login, password, role, _now())
        _audit(connection, "user.create", made.login, role=role)
    click.echo(f"{made.login} may sign in as {role}.")


@user.command("list")
def list_() -> None:
    """Everyone who has an account."""
    table = Table("login", "role", "since", "disabled")
    with _store() as store, store.read() as connection:
        for each in accounts.list_users(connection):
            disabled = f"{each.disabled_at:%Y-%m-%d %H:%M}" if each.disabled_at else ""
            table.add_row(each.login, each.role, f"{each.created_at:%Y-%m-%d}", disabled)
    Console().print(table)


@user.command()
@click.argument("login")
@click.option("--even-last", is_flag=True, help="Also when nobody could administer afterwards.")
def disable(login: str, even_last: bool) -> None:
    """End an account; sessions end with it at once. What the person did stays in the audit log."""
    name = accounts.clean_login(login)
    with _store() as store, store.write(Commit.ADMIN) as connection:
        if not even_last and not accounts.admins_left(connection, name):
            detail = "Nobody could administer afterwards; make another admin first, or add --even-last."
            raise Reject(409, "Last administrator", detail, code="last_admin")
        accounts.change_user(connection, name, disabled_at=_now())
        _audit(connection, "user.disable", name)
    click.echo(f"{name} can no longer sign in. leadsvc user enable {name} takes that back.")


@user.command()
@click.argument("login")
def enable(login: str) -> None:
    """Let a disabled account sign in again."""
    name = accounts.clean_login(login)
    with _store() as store, store.write(Commit.ADMIN) as connection:
        accounts.change_user(connection, name, disabled_at=None)
        _audit(connection, "user.enable", name)
    click.echo(f"{name} may sign in again.")


@user.command()
@click.argument("login")
@click.password_option(help="Asked for when left out, which keeps it out of the shell's history.")
def password(login: str, password: str) -> None:
    """Set a new password for somebody who forgot theirs; every session of theirs ends."""
    name = accounts.clean_login(login)
    with _store() as store, store.write(Commit.ADMIN) as connection:
        accounts.change_user(connection, name, password_hash=accounts.hash_password(password, name))
        _audit(connection, "user.password", name)
    click.echo(f"{name} has a new password.")


@user.command()
@click.option(
    "--role", type=click.Choice(accounts.ROLES), default="agent", show_default=True, help="What the person may do."
)
def link(role: str) -> None:
    """Print a one-time link, good for 24 hours, at which somebody chooses login and password."""
    settings = Settings.load()
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    with _store(settings) as store, store.write(Commit.ADMIN) as connection:
        token = accounts.make_link(connection, role, _now())
        _audit(connection, "user.link", "", role=role)
    click.echo(link_address(base, token))


@contextmanager
def _store(settings: Settings | None = None) -> Iterator[Store]:
    url = (settings or Settings.load()).database_url
    migrate(url)
    store = Store(url)
    try:
        yield store
    finally:
        store.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _audit(connection: Connection, action: str, login: str, **detail: str) -> None:
    row = {"id": uuid7(), "at": _now(), "actor": f"command:{_operator()}", "action": action}
    connection.execute(insert(audit).values(**row, subject_kind="user", subject=login, detail=detail))


def _operator() -> str:
    """Who runs the command: the login of the operating system, its number where it has no name (containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unnamed"
