"""The composition root: everything is built and wired here, once per process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select

from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.fieldmap import load_maps
from leadsvc.normalize.sources import catalogue
from leadsvc.pipeline.actions import Actions
from leadsvc.pipeline.intake import Intake
from leadsvc.pipeline.sync import upsert
from leadsvc.receive import Receiver
from leadsvc.services import Services
from leadsvc.store import Store, migrate
from leadsvc.store.tables import sources
from leadsvc.workers.letters import DeadLetters


def now() -> datetime:
    """The clock of the running service."""
    return datetime.now(UTC)


class Nudge:
    """A bell that is wired after what rings it was built."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def listen(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners.append(listener)

    def __call__(self) -> None:
        for listener in self._listeners:
            listener()


@dataclass(frozen=True, slots=True)
class Built:
    """A process's services and the bell its intake rings."""

    services: Services
    nudge: Nudge


def build(settings: Settings, clock: Callable[[], datetime] = now) -> Built:
    """Wire the services of a process. The database is expected to be migrated (:func:`prepare`)."""
    store = Store(settings.database_url)
    keeps = frozenset[str]().union(*(account.keep_sensitive for account in settings.accounts.values()))
    maps = load_maps(settings.maps_dir, keeps)
    nudge = Nudge()
    intake = Intake(store, maps, settings, clock, nudge)
    actions = Actions(intake)
    letters = DeadLetters(store, settings, actions, clock)
    services = Services(settings, store, maps, intake, Receiver(intake), actions, letters, clock)
    return Built(services, nudge)


def build_services(settings: Settings, clock: Callable[[], datetime] = now) -> Services:
    """The services alone, for commands and tests."""
    return build(settings, clock).services


def prepare(settings: Settings) -> None:
    """Migrate the database and bring the catalogue of sources up to date. Safe to repeat, by several processes."""
    migrate(settings.database_url)
    store = Store(settings.database_url)
    try:
        with store.read() as connection:
            have = {row.slug: (row.name, row.category, row.network) for row in connection.execute(select(sources))}
        wanted = {each.slug: (each.name, each.category, each.network) for each in catalogue().values()}
        changed = {slug: row for slug, row in wanted.items() if have.get(slug) != row}
        if changed:
            with store.write(Commit.SYNC) as connection:
                for slug, (name, category, network) in changed.items():
                    row = {"slug": slug, "name": name, "category": category, "network": network}
                    upsert(connection, sources, row, ("slug",))
    finally:
        store.close()


def create_app(services: Services) -> Flask:
    """The WSGI application: API and pages."""
    from leadsvc import api, web  # late, so that a worker never loads them

    app = Flask("leadsvc", static_folder=None)
    app.secret_key = services.settings.secret_key
    api.register(app, services)
    web.register(app, services)
    return app
