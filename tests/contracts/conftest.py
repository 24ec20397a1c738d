"""Fixtures of the tests that speak to a vendor's simulator over the wire. A module says whose it is by
``VENDOR = "entrata"``; one about several vendors overrides ``vendor``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import Destination
from tests.benches import Bench, starter_of


@pytest.fixture(scope="module")
def vendor(request: pytest.FixtureRequest) -> str:
    """The vendor that the tests of a module are about."""
    name: str = request.module.VENDOR
    return name


@pytest.fixture(scope="module")
def running(vendor: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The vendor's simulator, shared by the tests of a module; ask for ``bench`` instead."""
    with starter_of(vendor)(tmp_path_factory.mktemp(vendor)) as started:
        yield started


@pytest.fixture
def bench(running: Bench) -> Bench:
    """The vendor's simulator as after its first start."""
    running.reset()
    return running


@pytest.fixture
def destination(bench: Bench) -> Iterator[Destination]:
    """An account at ``bench``, connected."""
    connected = connect(bench.profile)
    yield connected
    connected.close()
