"""A simulated HubSpot: contacts with a unique e-mail address and a unique key, notes, tasks, owners, OAuth tokens, and
a search that lags when it is told to."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from leadsvc.simulators.hubspot import contacts, entries
from leadsvc.simulators.hubspot.answers import MANNERS, guard
from leadsvc.simulators.kit import Simulator

CREDENTIALS = {
    "access_token": "demo-hubspot-token",
    "client_id": "demo-hubspot-app",
    "client_secret": "demo-hubspot-secret",
    "refresh_token": "demo-hubspot-refresh",
}


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator(
        "hubspot",
        state_file,
        config_file,
        credentials,
        manners=MANNERS,
        guard=guard,
        edited=contacts.edited,
    )
    contacts.add_routes(simulator)
    entries.add_routes(simulator)
    return simulator.app
