"""The simulated PMS, which has a control API of its own."""

from __future__ import annotations

from tests.destinations_fixtures import running_simpms

start = running_simpms
