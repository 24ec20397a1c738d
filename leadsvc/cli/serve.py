"""``leadsvc serve``, ``leadsvc worker``: the processes."""

from __future__ import annotations

import os
import signal
import threading

import click
from granian.constants import Interfaces
from granian.server import Server

from leadsvc import logs
from leadsvc.app import build, now, prepare
from leadsvc.config import Settings
from leadsvc.store import Store


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="API processes; SQLite allows one.")
@click.option("--threads", type=click.IntRange(1, 128), default=8, show_default=True, help="Threads of a process.")
def serve(workers: int | None, threads: int) -> None:
    """Serve API and pages; deliver as well, unless LEADSVC_INLINE_WORKER=false."""
    settings = Settings.load()
    logs.configure(settings.log_level)
    prepare(settings)
    store = Store(settings.database_url)
    try:
        _announce(settings, store)
        single = store.sqlite
    finally:
        store.close()
    # The key must be the same in every process that the server starts.
    os.environ["LEADSVC_SECRET_KEY"] = settings.secret_key
    if workers is None:
        workers = 1 if single else max(1, os.cpu_count() or 1)
    if single and workers > 1:
        raise click.UsageError("SQLite has one writer: serve with --workers 1, or use PostgreSQL")
    server = Server(
        "leadsvc.wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        backlog=1024,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=30,
    )
    # Granian forks its processes with its own handlers in place, and those swallow what is sent to a process that is
    # still loading: it would start, serve, and hold up the end until it is killed.
    os.register_at_fork(before=_hold, after_in_parent=_let, after_in_child=_tell_again)
    server.serve()


_ENDS = (signal.SIGTERM, signal.SIGINT)
_AGAIN_S = 0.1


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)


def _let() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)


def _tell_again() -> None:
    """In a new process: whoever is told to end while it loads is told again, until it has handlers of its own that
    listen. Nothing is raised out of a handler: the interpreter loses what is raised at the wrong moment."""
    for number in _ENDS:
        signal.signal(number, lambda *_: signal.setitimer(signal.ITIMER_REAL, _AGAIN_S))
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    _let()


def _announce(settings: Settings, store: Store) -> None:
    from leadsvc.web.signin import first_link  # late: the pages are not needed to show --help

    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    click.echo(f"leadsvc listens on {base}", err=True)
    link = first_link(store, base, now)
    if link:
        click.echo(f"first sign-in (once, within a day): {link}", err=True)


@click.command()
def worker() -> None:
    """Push deliveries and sweep; any number of these may run. With LEADSVC_REDIS_URL it also listens for nudges."""
    from leadsvc.workers.build import build_loop

    settings = Settings.load()
    logs.configure(settings.log_level)
    built = build(settings)
    loop = build_loop(built.services)
    built.nudge.listen(loop.nudge)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    loop.start()
    if settings.redis_url:
        from leadsvc.workers.queue import listen

        listen(settings.redis_url, loop.nudge, stopped)
    stopped.wait()
    loop.stop()
