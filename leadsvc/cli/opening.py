"""The services of one command, let go of when the command ends."""

from __future__ import annotations

import click

from leadsvc import logs
from leadsvc.app import build_services, prepare
from leadsvc.config import Settings
from leadsvc.services import Services


def as_configured() -> Services:
    """The services as the environment says, with their logs."""
    settings = Settings.load()
    logs.configure(settings.log_level)
    return opened(settings)


def opened(settings: Settings) -> Services:
    """The services over a database that is brought up to date first."""
    prepare(settings)
    return attached(settings)


def attached(settings: Settings) -> Services:
    """The services over the database as it is; its connections are closed with the command's context."""
    services = build_services(settings)
    click.get_current_context().call_on_close(services.store.close)
    return services
