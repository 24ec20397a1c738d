"""A whole leadsvc in front of the simulated PMS, once on each kind of store, or in front of a vendor. A module that
needs another overrides it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benches import Bench
from tests.benches.simpms import SimPmsBench
from tests.integration.desk_support import Desk, running_desk
from tests.renters import Office, running_office
from tests.world import World, running_world


@pytest.fixture
def office(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:
    """An office whose books must be sound at the end."""
    with running_office(store_url, tmp_path, simpms) as made:
        yield made
        made.assert_sound()


@pytest.fixture
def world(store_url: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    """A world in which what came in must be all that is accounted for at the end."""
    with running_world(store_url, tmp_path, simpms) as made:
        yield made
        made.assert_balanced()


@pytest.fixture
def desk(bench: Bench, sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Desk]:
    """An office that delivers to the vendor of the module."""
    with running_desk(sqlite_database, tmp_path, simpms, bench) as made:
        yield made
