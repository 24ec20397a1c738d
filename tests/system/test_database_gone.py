"""PostgreSQL killed in mid-run and back: 503 while it is away, and nothing acknowledged is lost (P1)."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from leadsvc.store import migrate
from tests.benches.simpms import SimPmsBench
from tests.processes import Process, eventually, free_port, running
from tests.servers import NOBODY, postgresql_binaries, scratch_folder
from tests.system import people
from tests.system.history import violations
from tests.system.town import Town, lead, town

pytestmark = pytest.mark.slow


class Server:
    """A PostgreSQL whose data outlives its processes. Nothing is said to be committed before it is written."""

    def __init__(self, scratch: Path) -> None:
        self.uid = NOBODY if os.getuid() == 0 else None
        self.port, self.scratch, self.data = free_port(), scratch, scratch / "data"
        self.binaries = postgresql_binaries(scratch, self.uid)
        self.data.mkdir(mode=0o700)
        if self.uid is not None:
            os.chown(self.data, self.uid, self.uid)
        initdb: list[str | Path] = [self.binaries / "initdb", "-D", self.data, "-U", "leadsvc", "-A", "trust"]
        initdb += ["-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, user=self.uid, group=self.uid, cwd=scratch, check=True, capture_output=True)

    @contextlib.contextmanager
    def start(self) -> Iterator[Process]:
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        command: list[str | Path] = [self.binaries / "postgres", "-D", self.data]
        command += [word for each in settings for word in ("-c", each)]
        with running(command, uid=self.uid, cwd=self.scratch, stop_by=signal.SIGINT) as process:
            process.until(lambda: "ready to accept connections" in process.output(), "PostgreSQL accepts connections")
            yield process

    def url(self) -> str:
        return f"postgresql+psycopg://leadsvc@127.0.0.1:{self.port}/postgres"


@pytest.fixture
def server() -> Iterator[Server]:
    with scratch_folder("leadsvc-pg-") as scratch:
        yield Server(scratch)


class Senders:
    """Threads that send one lead after the other until told to stop; ``acknowledged`` holds the messages."""

    def __init__(self, made: Town, threads: int = 4) -> None:
        self.made, self.acknowledged, self.stopped = made, list[str](), threading.Event()
        self._numbers = itertools.count(1)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self.stopped.is_set():
            number = next(self._numbers)
            message = f"message {number}."
            self.made.lead("site", person=people.name(number), email=people.email(number), message=message)
            self.acknowledged.append(message)

    def stop(self) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def _kill(process: Process) -> None:
    """SIGKILL to the postmaster and to all of its backends."""
    os.killpg(process.pid, signal.SIGKILL)
    process.popen.wait()


def _refused(made: Town) -> bool:
    headers = {"Authorization": f"Bearer {made.keys['portal']}", "Content-Type": "application/json"}
    answer = made.client.post(f"{made.base}/v1/leads/portal", content=lead(email="x@example.com"), headers=headers)
    assert answer.status_code in (200, 503), answer.text
    if answer.status_code != 503:
        return False
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    return True


def test_postgresql_killed_and_back(server: Server, tmp_path: Path, simpms: SimPmsBench) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        process = first.enter_context(server.start())
        migrate(server.url())
        made = stack.enter_context(town(tmp_path / "town", server.url(), simpms, workers=1, processes=2))
        senders = Senders(made)
        eventually(lambda: len(senders.acknowledged) >= 20, "leads are acknowledged", 60)
        _kill(process)
        eventually(lambda: _refused(made), "senders are told to come again")
        before = len(senders.acknowledged)
        with contextlib.suppress(AssertionError):
            first.close()  # it ended by our hand
        stack.enter_context(server.start())
        eventually(lambda: len(senders.acknowledged) >= before + 20, "leads are acknowledged again", 60)
        senders.stop()
        made.settle()
        with psycopg.connect(server.url().replace("+psycopg", "")) as connection:
            rows = connection.execute("SELECT lead->'message'->>'value' FROM inquiries").fetchall()
        kept = [row[0] for row in rows]
        assert sorted(each for each in kept if each in set(senders.acknowledged)) == sorted(senders.acknowledged)
        assert violations(made.pms.state()) == []
        made.assert_balanced()
