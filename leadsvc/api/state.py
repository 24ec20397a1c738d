"""What the views of one application share: the services, the credentials in memory, the counters."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask, current_app

from leadsvc.api.credentials import Credentials
from leadsvc.api.rates import Limits
from leadsvc.services import Services

_NAME = "leadsvc.api"


@dataclass(frozen=True, slots=True)
class State:
    """``certificates``: PEM texts by address. ``proved``: feeds whose last web hook here was their provider's."""

    services: Services
    credentials: Credentials
    limits: Limits
    certificates: dict[str, str] = field(default_factory=dict)
    proved: set[str] = field(default_factory=set)


def attach(app: Flask, services: Services) -> State:
    """Make the state of ``app``."""
    state = State(services, Credentials(services.store, services.settings), Limits(services.settings.redis_url))
    app.extensions[_NAME] = state
    return state


def state() -> State:
    """The state of the application that serves the present request."""
    found: State = current_app.extensions[_NAME]
    return found
