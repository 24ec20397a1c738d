"""Bring a database to the schema this version of leadsvc needs."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from leadsvc.ids import lock_number
from leadsvc.store.engine import Store


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("leadsvc.store") / "migrations"))
    return config


def migrate(url: str) -> None:
    """Upgrade the database at ``url`` to the newest revision; several processes may call it at once."""
    store = Store(url)
    try:
        with store.engine.connect() as connection:
            if store.sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_number("leadsvc migrate")})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        store.close()


def revisions(connection: Connection) -> tuple[str | None, str | None]:
    """The revision the database has and the one this code needs."""
    have = MigrationContext.configure(connection).get_current_revision()
    return have, ScriptDirectory.from_config(_config()).get_current_head()
