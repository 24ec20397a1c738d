"""leadsvc's commands as processes of their own, started in a tenth of a second.

A fork server imports everything once; each command is forked from it. The child is a process like any other: it has a
session, an environment and a log of its own, and dies by SIGKILL alone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.processes import eventually

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.system.preload"])
# A pipe that only the test process holds open: when that process is gone, the child's whole session goes too.
_WATCH = 'read -r _; kill -KILL -- "-$1" 2>/dev/null'


def _run(words: tuple[str, ...], env: Mapping[str, str], log: str) -> None:
    """In the child: become ``leadsvc WORDS``."""
    from leadsvc import faults
    from leadsvc.cli import main

    os.setsid()
    multiprocessing.set_start_method("fork", force=True)  # as in a process that was started from a shell
    os.environ.clear()
    os.environ.update(env)
    faults.arm(env.get("LEADSVC_FAULT", ""))
    with open(log, "ab", buffering=0) as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115  # for as long as the process lives
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  # for as long as the process lives
    sys.argv = ["leadsvc", *words]
    main()


class Child:
    """One running command."""

    def __init__(self, words: tuple[str, ...], env: Mapping[str, str], log: Path) -> None:
        self.process: BaseProcess = _FORK.Process(target=_run, args=(words, env, str(log)))
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid
        self._watch = subprocess.Popen(["/bin/sh", "-c", _WATCH, "sh", str(self.pid)], stdin=subprocess.PIPE)

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit status (negative: the signal), ``None`` while it runs."""
        self.process.join(seconds)
        return self.process.exitcode

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL to the command and to what it started, as a machine that goes away would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.join()

    def close(self) -> None:
        self.kill()
        self._watch.kill()
        self._watch.communicate()
        self.process.close()


class Kept:
    """A command that is started again whenever it ends, as a service manager does it."""

    def __init__(self, words: tuple[str, ...], env: Mapping[str, str], log: Path) -> None:
        self.words, self.env, self.log = words, env, log
        self.starts = 0
        self._lock = threading.Lock()
        self._leaving = False
        self.child = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> Child:
        self.starts += 1
        return Child(self.words, self.env, self.log)

    def _keep(self) -> None:
        while True:
            self.child.wait()
            with self._lock:
                self.child.close()
                if self._leaving:
                    return
                self.child = self._start()

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL to all of it; it is started again."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)

    def leave(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> float:
        """Ask it to end and do not start it again; returns how long that took. Kills it when it does not end."""
        started = time.monotonic()
        with self._lock:
            self._leaving = True
            self.child.signal(number)
        self._keeper.join(seconds)
        if self._keeper.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self._keeper.join()
            raise AssertionError(f"ignored {number.name} for {seconds:g} s; it wrote:\n{self.output()}")
        return time.monotonic() - started


@contextlib.contextmanager
def kept(words: tuple[str, ...], env: Mapping[str, str], log: Path) -> Iterator[Kept]:
    """Keep ``leadsvc WORDS`` running for the length of the block."""
    process = Kept(words, env, log)
    try:
        yield process
    finally:
        if not process._leaving:
            process.leave()


def command(words: tuple[str, ...], env: Mapping[str, str], log: Path, seconds: float = 60.0) -> tuple[int, str]:
    """Run a command to its end; its exit status and what it wrote."""
    log.unlink(missing_ok=True)
    child = Child(words, env, log)
    try:
        eventually(lambda: child.wait(0) is not None, f"leadsvc {' '.join(words)} ends", seconds)
        status = child.wait()
        assert status is not None
        return status, log.read_text(errors="replace") if log.exists() else ""
    finally:
        child.close()
