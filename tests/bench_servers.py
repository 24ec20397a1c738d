"""What ``make bench`` measures: leadsvc as ``leadsvc serve`` runs it, and the baselines on the same server."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leadsvc.app import build_services, prepare
from leadsvc.config import Settings
from leadsvc.faults import Commit
from leadsvc.security import issue
from leadsvc.store.queries import api_keys
from leadsvc.workers.deliver import profile
from leadsvc.workers.syncing import sync
from tests.benches.simpms import SIMPMS_KEY, running_simpms
from tests.processes import ROOT, Process, answers, free_port, leadsvc, running
from tests.servers import PostgreSQL

CORES = os.cpu_count() or 1
THREADS = 8
"""As ``leadsvc serve`` has it."""

_CONFIG = """\
operator: Example Homes
feeds:
  zillow: {{map: zillow_callback, per_minute: 100000000}}
  canonical: {{map: canonical, per_minute: 100000000, max_bytes: 2000000}}
destinations:
  pms:
    vendor: simpms
    base_url: {url}
    api_key: env:PMS_KEY
    sources: {{zillow: Zillow.com, apartments_com: Apartments.com}}
    fallback_source: Unmapped - Review
"""


@dataclass(frozen=True)
class Served:
    """A running server: ``process`` is the parent of its workers."""

    name: str
    port: int
    process: Process

    def resident(self) -> list[int]:
        """MiB of memory of each worker process, as the kernel counts what is resident."""
        found = []
        for child in _children(self.process.pid):
            status = Path(f"/proc/{child}/status").read_text()
            kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")), None)
            if kib and "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(kib) // 1024)
        return found


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


class Deployment:
    """A configured leadsvc whose stores are made as copies of one: properties known, one credential for each feed."""

    def __init__(self, folder: Path, server: PostgreSQL) -> None:
        self.folder = folder
        self.server = server
        self.config = folder / "leadsvc.yaml"
        self.keys: dict[str, str] = {}
        self.pms_port = free_port()
        self.config.write_text(_CONFIG.format(url=f"http://127.0.0.1:{self.pms_port}"))

    def environment(self, url: str) -> dict[str, str]:
        return {
            "LEADSVC_VAR": str(self.folder / "var"),
            "LEADSVC_DATABASE_URL": url,
            "LEADSVC_CONFIG": str(self.config),
            "LEADSVC_INLINE_WORKER": "false",
            "LEADSVC_SECRET_KEY": "k" * 32,
            "PMS_KEY": SIMPMS_KEY,
        }

    @contextlib.contextmanager
    def pms(self) -> Iterator[None]:
        """The simulated PMS, running for the length of the block."""
        with running_simpms(self.folder, self.pms_port):
            yield

    def set_up(self) -> None:
        """Make both stores: the template of the PostgreSQL databases, and the SQLite file."""
        template = self.server.create("bench_template")
        with self.pms():
            for url in (template, self.sqlite):
                self._fill(Settings.load(self.environment(url)))
        self.server.freeze("bench_template")

    @property
    def sqlite(self) -> str:
        return f"sqlite:///{self.folder / 'leadsvc.db'}"

    def database(self, name: str) -> str:
        """A new PostgreSQL database that knows the properties and the keys."""
        return self.server.create(name, "bench_template")

    def _fill(self, settings: Settings) -> None:
        prepare(settings)
        services = build_services(settings)
        sync(services, profile(settings.accounts["pms"]))
        with services.store.write(Commit.ADMIN) as connection:
            for feed in settings.feeds:
                made = issue("bearer", feed=feed, secret_key=settings.secret_key)
                api_keys.add(connection, made.row, datetime.now(UTC), "bench")
                self.keys[f"{services.store.engine.dialect.name}:{feed}"] = f"Bearer {made.shown}"
        services.store.close()

    @contextlib.contextmanager
    def serve(self, name: str, url: str) -> Iterator[Served]:
        """``leadsvc serve`` over ``url``, delivering nothing."""
        port = free_port()
        environ = self.environment(url) | {"LEADSVC_PORT": str(port)}
        with leadsvc("serve", "--threads", str(THREADS), env=environ) as process:
            process.until(lambda: answers(port), f"{name} listens")
            yield Served(name, port, process)

    @contextlib.contextmanager
    def worker(self, url: str) -> Iterator[Process]:
        """``leadsvc worker`` over ``url``."""
        with leadsvc("worker", env=self.environment(url)) as process:
            yield process


@contextlib.contextmanager
def baselines(url: str) -> Iterator[Served]:
    """Both baselines, on the server and with the processes and threads that leadsvc has."""
    port = free_port()
    words = [sys.executable, "-m", "tests.bench_baselines", str(port), url, str(CORES), str(THREADS)]
    with running(words, cwd=ROOT) as process:
        process.until(lambda: answers(port), "the baselines listen")
        yield Served("baselines", port, process)
