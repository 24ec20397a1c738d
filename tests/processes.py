"""Real processes for tests: started on loopback, watched until ready, and gone afterwards whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEADSVC = (sys.executable, "-P", "-c", "from leadsvc.cli import main; main()")
"""The command ``leadsvc`` of the environment that runs the tests; verbs and options follow."""

# Reads a pipe that only the test process holds open: when that process is gone, even by SIGKILL, the child goes too.
_WATCH = 'read -r _; kill -KILL "$1" 2>/dev/null'


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def eventually(check: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Return as soon as ``check()`` is true; fail with ``what`` when it is not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)  # between two looks; nothing relies on its length


def answers(port: int) -> bool:
    """Whether something accepts connections on ``port`` of 127.0.0.1."""
    with contextlib.closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A running child. ``pid`` may be killed by the test; ``output()`` is all it has written so far."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.popen = popen
        self.pid = popen.pid
        self._log = log

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def running(self) -> bool:
        return self.popen.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.popen.kill()
        self.popen.wait()

    def stop(self, by: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Ask it to end by signal ``by``, kill it if it does not, and return its exit status."""
        if self.running():
            self.popen.send_signal(by)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"ignored {by.name} for {seconds:g} s; it wrote:\n{self.output()}") from None

    def until(self, ready: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Wait for ``ready()``; fail with the child's output when it ends first or takes too long."""

        def ready_or_gone() -> bool:
            return bool(ready()) or not self.running()

        try:
            eventually(ready_or_gone, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it wrote:\n{self.output()}") from None
        if not self.running():
            raise AssertionError(f"ended with {self.popen.returncode} before {what}; it wrote:\n{self.output()}")


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    uid: int | None = None,
    stop_by: signal.Signals = signal.SIGTERM,
) -> Iterator[Process]:
    """Run ``command`` for the length of the block; ``env`` is added to the test's own environment.

    It gets a session of its own (Ctrl-C in the terminal is the test's to handle), the user and group ``uid`` if
    given, and no standard input.
    """
    with tempfile.NamedTemporaryFile(prefix="leadsvc-log-") as log:
        popen = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            start_new_session=True,
        )
        process = Process(popen, Path(log.name))
        with subprocess.Popen(["/bin/sh", "-c", _WATCH, "sh", str(popen.pid)], stdin=subprocess.PIPE) as watch:
            try:
                yield process
                process.stop(stop_by)
            finally:
                if process.running():
                    process.kill()
                watch.kill()


@contextlib.contextmanager
def leadsvc(*words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[Process]:
    """Run the verb ``words`` of leadsvc as a process of its own."""
    with running([*LEADSVC, *words], env=env, cwd=cwd) as process:
        yield process
