"""A simulated Buildium: applicants that are made as often as they are asked for, notes, contact requests; updates
replace the whole record."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from leadsvc.simulators.buildium import rentals
from leadsvc.simulators.kit import Simulator

CREDENTIALS = {"client_id": "demo-buildium-client", "client_secret": "demo-buildium-secret"}


def create_app(state_file: Path, config_file: Path, credentials: dict[str, str]) -> Flask:
    """The application over its state file."""
    simulator = Simulator(
        "buildium",
        state_file,
        config_file,
        credentials,
        manners=rentals.MANNERS,
        guard=rentals.guard,
        edited=rentals.edited,
    )
    rentals.add_routes(simulator)
    return simulator.app
