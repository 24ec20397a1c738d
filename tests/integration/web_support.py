"""The pages as a browser without JavaScript meets them: the real app over a store of the test's own."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Table, event, func, select
from werkzeug.test import TestResponse

from leadsvc.app import build_services, create_app
from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.services import Services
from leadsvc.store import Store
from leadsvc.web import accounts
from leadsvc.web.signin import first_link
from tests import webdata, webrows

PASSWORD = "wide calm river stones"


@dataclass
class Clock:
    """A clock that tests turn."""

    now: datetime = webrows.NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **length: float) -> None:
        self.now += timedelta(**length)


class _Compiled(BytecodeCache):
    """Templates, compiled once for all applications of a test process; a changed one is not taken from here."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


_TEMPLATES = _Compiled()


@dataclass
class Site:
    """The app, its store, and a client that keeps cookies."""

    app: Flask
    services: Services
    clock: Clock
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.app.jinja_env.bytecode_cache = _TEMPLATES
        self.client = self.app.test_client()

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, buffered=True)

    def post(self, path: str, *, form_on: str = "/help", **values: Any) -> TestResponse:
        """Send a form with the CSRF token that the page ``form_on`` carries."""
        return self.client.post(path, data={"csrf_token": token(self.get(form_on))} | values)

    def add_user(self, login: str, role: str = "agent") -> None:
        with self.services.store.write(Commit.ADMIN) as connection:
            accounts.create_user(connection, login, PASSWORD, role, self.clock())

    def sign_in(self, login: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.post("/sign-in", form_on="/sign-in", login=login, password=password, **more)

    def as_user(self, login: str = "dana", role: str = "agent") -> Site:
        self.add_user(login, role)
        assert self.sign_in(login).status_code == 303
        return self

    def link(self) -> str | None:
        """The path of the first link."""
        address = first_link(self.services.store, "http://localhost", self.clock)
        return address.removeprefix("http://localhost") if address else None

    def rows(self, table: Table, *where: Any) -> list[Any]:
        with self.services.store.read() as connection:
            return list(connection.execute(select(table).where(*where)))

    def count(self, table: Table) -> int:
        with self.services.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def seed(self) -> webdata.Seeded:
        with self.services.store.write(Commit.ADMIN) as connection:
            return webdata.everything(connection)


def token(page: TestResponse) -> str:
    """The CSRF token on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, f"no form on the page: {page.status_code}"
    return found[1]


@contextlib.contextmanager
def site(url: str, var: Path, **settings: Any) -> Iterator[Site]:
    """The pages over the database at ``url``."""
    clock = Clock()
    services = build_services(Settings(var=var, database_url=url, secret_key="k" * 32, **settings), clock)
    try:
        yield Site(create_app(services), services, clock)
    finally:
        services.store.close()


@contextlib.contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """The statements that the block sends to the database, transaction control left out."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
