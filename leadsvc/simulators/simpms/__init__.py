"""A simulated property management system: a process of its own that speaks HTTP and keeps one SQLite file.

It is as careless as real ones (asked twice, it makes a second guest card) and can be ordered to misbehave. Adapters
never import it.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from leadsvc.simulators.faults import Faults
from leadsvc.simulators.records import read_config
from leadsvc.simulators.simpms.api import api
from leadsvc.simulators.simpms.control import control
from leadsvc.simulators.simpms.state import State, close
from leadsvc.simulators.traffic import Traffic


def create_app(state_file: Path, config_file: Path, api_key: str) -> Flask:
    """The application over its state file; the configuration is read into the file the first time only."""
    app = Flask(__name__)
    app.config.update(API_KEY=api_key, MAX_CONTENT_LENGTH=1024 * 1024)
    app.extensions["simpms_state"] = State(state_file, read_config(config_file))
    app.extensions["simpms_faults"] = Faults()
    app.extensions["simpms_traffic"] = Traffic()
    app.register_blueprint(api)
    app.register_blueprint(control)
    app.teardown_appcontext(close)
    return app
