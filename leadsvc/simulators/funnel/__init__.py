"""A simulated Funnel: clients of communities with partner ids, notes, and appointments at free times."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from leadsvc.simulators.funnel import clients
from leadsvc.simulators.kit import Simulator

CREDENTIALS = {"api_key": "demo-funnel-key"}


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator("funnel", state_file, config_file, credentials, manners=clients.MANNERS, guard=clients.guard)
    clients.add_routes(simulator)
    return simulator.app
