"""Fixtures that every test may ask for. Servers start when the first test of a process needs them and are shared by the
tests of that process; databases are fresh for each test."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import Destination
from tests import servers
from tests.benches import Bench, starter_of
from tests.benches.simpms import SimPmsBench, running_simpms
from tests.graphbench import GraphBench, running_graph

_numbers = itertools.count()

# A run must fail for what was changed, not for the examples that were drawn or for a busy machine; new examples are
# looked for with HYPOTHESIS_PROFILE=explore.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[servers.PostgreSQL]:
    """A private PostgreSQL server. A test that stops or kills a server starts its own by ``servers.postgresql()``."""
    with servers.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def pg_template(postgresql_server: servers.PostgreSQL) -> str:
    """The name of a migrated database without rows, to be copied."""
    from leadsvc.store import migrate

    migrate(postgresql_server.create("leadsvc_template"))
    postgresql_server.freeze("leadsvc_template")
    return "leadsvc_template"


@pytest.fixture
def pg_database(postgresql_server: servers.PostgreSQL, pg_template: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of this test's own."""
    name = f"leadsvc_test_{next(_numbers)}"
    yield postgresql_server.create(name, pg_template)
    postgresql_server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder holding a migrated SQLite database without rows, to be copied."""
    from leadsvc.store import migrate

    folder = tmp_path_factory.mktemp("sqlite-template")
    migrate(f"sqlite:///{folder / 'leadsvc.db'}")
    return folder


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database of this test's own."""
    folder = tmp_path / "store"
    shutil.copytree(sqlite_template, folder)
    return f"sqlite:///{folder / 'leadsvc.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database of this test's own; the test runs once on each kind of store."""
    fixture = {"sqlite": "sqlite_database", "postgresql": "pg_database"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(scope="session")
def redis_session() -> Iterator[str]:
    """A private Redis server that the tests of this process share; ask for ``redis_url`` instead."""
    with servers.redis_server() as url:
        yield url


@pytest.fixture
def redis_url(redis_session: str) -> str:
    """The URL of a private Redis server that holds nothing yet."""
    with redis.Redis.from_url(redis_session) as client:
        client.flushall()
    return redis_session


@pytest.fixture(scope="session")
def simpms_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimPmsBench]:
    """A simulated PMS that the tests of this process share; ask for ``simpms`` instead."""
    with running_simpms(tmp_path_factory.mktemp("simpms")) as bench:
        yield bench


@pytest.fixture
def simpms(simpms_process: SimPmsBench) -> SimPmsBench:
    """A simulated PMS as after its first start. A test that kills one starts its own by ``running_simpms``."""
    simpms_process.reset()
    return simpms_process


@pytest.fixture(scope="session")
def graph_process() -> Iterator[GraphBench]:
    """A simulated Graph API that the tests of this process share; ask for ``graph`` instead."""
    with running_graph() as bench:
        yield bench


@pytest.fixture
def graph(graph_process: GraphBench) -> GraphBench:
    """A simulated Graph API that knows no lead yet."""
    graph_process.reset()
    return graph_process


@pytest.fixture(scope="module")
def vendor(request: pytest.FixtureRequest) -> str:
    """The vendor that the tests of a module are about: its ``VENDOR``. A module about several overrides this."""
    name: str = request.module.VENDOR
    return name


@pytest.fixture(scope="module")
def bench_process(vendor: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The vendor's simulator, shared by the tests of a module; ask for ``bench`` instead."""
    with starter_of(vendor)(tmp_path_factory.mktemp(vendor)) as started:
        yield started


@pytest.fixture
def bench(bench_process: Bench) -> Bench:
    """The vendor's simulator as after its first start."""
    bench_process.reset()
    return bench_process


@pytest.fixture
def destination(bench: Bench) -> Iterator[Destination]:
    """An account at ``bench``, connected."""
    connected = connect(bench.profile)
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A running Chromium without a window."""
    flags = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=servers.browser_binary(), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a fresh profile: no cookies, no cache, times shown in UTC."""
    with chromium.new_context(locale="en-US", timezone_id="UTC") as context:
        yield context.new_page()
