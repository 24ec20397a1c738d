"""The servers that other tests stand on: real, private, and gone when their test process is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Page
from sqlalchemy import create_engine, inspect, text

from tests import servers
from tests.processes import ROOT, answers, eventually, leadsvc, running


def test_store_is_migrated_and_empty(store_url: str) -> None:
    engine = create_engine(store_url)
    try:
        tables = inspect(engine).get_table_names()
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
    finally:
        engine.dispose()
    assert {"alembic_version", "receipts"} <= set(tables)
    assert "left_behind" not in tables


@pytest.mark.slow
@pytest.mark.parametrize("_turn", [1, 2])
def test_databases_are_not_shared(pg_database: str, _turn: int) -> None:
    engine = create_engine(pg_database)
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
    finally:
        engine.dispose()


@pytest.mark.slow
def test_binaries_out_of_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0 or servers.wheel_folder() is None:
        pytest.skip("only root runs servers as another user, and only the wheel can be copied")
    with servers.scratch_folder("leadsvc-copy-") as scratch:
        monkeypatch.setattr(servers, "can_run", lambda program, uid: False)
        copied = servers.postgresql_binaries(scratch, servers.NOBODY) / "postgres"
        assert copied.is_relative_to(scratch)
        monkeypatch.undo()
        assert servers.can_run(copied, servers.NOBODY)


@pytest.mark.slow
def test_redis_starts_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


@pytest.mark.slow
def test_browser_reads_a_page(page: Page) -> None:
    page.set_content("<title>Guest cards</title><h1>Guest cards</h1>")
    assert page.title() == "Guest cards"


def test_leadsvc_runs_as_a_process(tmp_path: Path) -> None:
    with leadsvc("--version", cwd=tmp_path) as process:
        assert process.popen.wait(20) == 0
        assert process.output().startswith("leadsvc, version ")


def test_failure_to_start_shows_what_was_written() -> None:
    expected = pytest.raises(AssertionError, match=r"ended with 3 before ready(?s:.)*the port is taken")
    with running(["/bin/sh", "-c", "echo the port is taken; exit 3"]) as process, expected:
        process.until(lambda: False, "ready")


_ORPHAN = """
import sys
from tests.servers import postgresql, redis_server
with postgresql() as server, redis_server() as url:
    print(server.port, url.rpartition(":")[2].partition("/")[0], flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_servers_die_with_a_killed_test_process() -> None:
    with servers.scratch_folder("leadsvc-orphan-") as scratch:
        orphan = subprocess.Popen(
            [sys.executable, "-c", _ORPHAN],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(scratch)},  # what a killed process cannot tidy up is tidied up here
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with orphan:
            assert orphan.stdout is not None
            ports = [int(word) for word in orphan.stdout.readline().split()]
            assert len(ports) == 2
            assert all(answers(port) for port in ports)
            orphan.send_signal(signal.SIGKILL)
        eventually(lambda: not any(answers(port) for port in ports), "servers are gone")
