"""A server killed hard leaves nothing behind that goes on serving or pushing."""

from __future__ import annotations

import os
from pathlib import Path

from tests.processes import answers, eventually, free_port, leadsvc


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_end_with_their_server(tmp_path: Path) -> None:
    port = free_port()
    with leadsvc("serve", env={"LEADSVC_VAR": str(tmp_path), "LEADSVC_PORT": str(port)}) as process:
        process.until(lambda: answers(port), "leadsvc listens", 60)
        eventually(lambda: children(process.pid), "it has a worker")
        workers = children(process.pid)
        process.kill()
        eventually(lambda: not any(alive(each) for each in workers), "its workers ended", 30)
        eventually(lambda: not answers(port), "the port is free", 30)


def test_told_to_end_while_it_starts_it_ends(tmp_path: Path) -> None:
    """A process that is still loading is told at once, and nobody waits until the server kills it (30 s)."""
    with leadsvc("serve", env={"LEADSVC_VAR": str(tmp_path), "LEADSVC_PORT": str(free_port())}) as process:
        process.until(lambda: "Spawning worker-1" in process.output(), "its worker is forked", 60)
        assert process.stop(seconds=20) == 0
