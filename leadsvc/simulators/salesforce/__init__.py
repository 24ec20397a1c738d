"""A simulated Salesforce: leads and tasks by external id, duplicate rules, picklists, conversion, SOQL as far as it is
asked, client credentials whose tokens end."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from leadsvc.simulators.kit import Simulator
from leadsvc.simulators.salesforce import records
from leadsvc.simulators.salesforce.answers import MANNERS, guard

CREDENTIALS = {"client_id": "demo-salesforce-app", "client_secret": "demo-salesforce-secret"}


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator("salesforce", state_file, config_file, credentials, manners=MANNERS, guard=guard)
    records.add_routes(simulator)
    return simulator.app
