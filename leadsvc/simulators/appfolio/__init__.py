"""A simulated AppFolio: Stack API with compulsory filters, idempotency keys that remember their bodies, showings."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from leadsvc.simulators.appfolio import stack
from leadsvc.simulators.kit import Simulator

CREDENTIALS = {
    "client_id": "demo-appfolio-client",
    "client_secret": "demo-appfolio-secret",
    "developer_id": "demo-appfolio-developer",
}


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator(
        "appfolio", state_file, config_file, credentials, manners=stack.MANNERS, guard=stack.guard, edited=stack.edited
    )
    stack.add_routes(simulator)
    return simulator.app
