"""The API as a sender or a staff script meets it: the whole application over a store of the test's own."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, func, select

from leadsvc.api.state import State
from leadsvc.app import build_services, create_app
from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.security import Issued, issue
from leadsvc.services import Services
from leadsvc.store.queries import api_keys

CONFIG = """\
operator: Example Homes
feeds:
  website: {label: Website form}
  small: {max_bytes: 1000, per_minute: 5}
  fast: {per_minute: 1000000, max_bytes: 2000000}
"""


@dataclasses.dataclass(frozen=True)
class Door:
    """An application and what opens it. ``secrets`` of credentials are what ``leadsvc key create`` would show."""

    app: Flask
    services: Services

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def key(
        self,
        kind: str = "bearer",
        feed: str | None = "website",
        scope: str = "feed",
        ips: Sequence[str] = (),
        test: bool = False,
    ) -> Issued:
        """A new live credential that works at once."""
        made = issue(
            kind,
            feed=feed,
            scope=scope,
            allowed_ips=ips,
            test=test,
            secret_key=self.services.settings.secret_key,
        )
        with self.services.store.write(Commit.ADMIN) as connection:
            api_keys.add(connection, made.row, datetime.now(UTC), "test")
        self.forget()
        return made

    def bearer(self, feed: str | None = "website", scope: str = "feed", **how: Any) -> dict[str, str]:
        """Headers of a new bearer credential."""
        return {"Authorization": f"Bearer {self.key('bearer', feed, scope, **how).shown}"}

    def forget(self) -> None:
        """Let the application look at the credentials anew, as it does by itself after five seconds."""
        state: State = self.app.extensions["leadsvc.api"]
        state.credentials.forget()

    def staff(self, scope: str = "staff:read") -> dict[str, str]:
        """Headers of a new staff credential."""
        return self.bearer(None, scope)

    def count(self, table: Table) -> int:
        """Rows of a table."""
        with self.services.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """All rows of a table in the order of their ids."""
        with self.services.store.read() as connection:
            found = connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            return [dict(row) for row in found]


@contextlib.contextmanager
def door(store_url: str, folder: Path, **environ: str) -> Iterator[Door]:
    """The application over ``store_url``; ``environ`` are further settings, without ``LEADSVC_``."""
    config = folder / "leadsvc.yaml"
    config.write_text(CONFIG)
    values = {
        "VAR": str(folder / "var"),
        "DATABASE_URL": store_url,
        "CONFIG": str(config),
        "INLINE_WORKER": "false",
        "SECRET_KEY": "k" * 32,
    }
    settings = Settings.load({f"LEADSVC_{name}": value for name, value in (values | environ).items()})
    services = build_services(settings)
    try:
        yield Door(create_app(services), services)
    finally:
        services.store.close()
