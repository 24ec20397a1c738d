"""``leadsvc simulate``: a vendor's system to try things on, as a process of its own."""

from __future__ import annotations

import signal
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import NoReturn

import click

from leadsvc.simulators.server import serve

DEMO_KEY = "simpms-demo-key"
DEMO_TOKEN = "graph-demo-token"  # noqa: S105  # of the simulator only


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


@click.group()
def simulate() -> None:
    """Run a simulated destination (a PMS that forgets nothing and can be told to misbehave)."""


@simulate.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Port; 0 takes a free one.")
@click.option("--state", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Its SQLite file.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Properties, agents, sources and people already there; default: the demo operator.",
)
@click.option("--api-key", default=DEMO_KEY, envvar="LEADSVC_SIMPMS_API_KEY", help="Key that callers must send.")
@click.option("--watch-stdin", is_flag=True, help="End when standard input closes, so that it dies with its parent.")
def simpms(host: str, port: int, state: Path, config: Path | None, api_key: str, watch_stdin: bool) -> None:
    """A simulated PMS: API under /api/v1, orders under /control, a readable page at /.

    Prints its address as one JSON line when it listens.
    """
    from leadsvc.simulators.simpms import create_app  # here, so that --help needs no web framework

    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    state.parent.mkdir(parents=True, exist_ok=True)
    with as_file(files("leadsvc") / "demo" / "pms.yaml") as demo:
        app = create_app(state, config or demo, api_key)
    serve("simpms", app, host, port, sys.stdin.buffer.read if watch_stdin else None)


@simulate.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Port; 0 takes a free one.")
@click.option("--token", default=DEMO_TOKEN, envvar="LEADSVC_GRAPH_TOKEN", help="Page token that callers must send.")
@click.option("--watch-stdin", is_flag=True, help="End when standard input closes, so that it dies with its parent.")
def graph(host: str, port: int, token: str, watch_stdin: bool) -> None:
    """Facebook's Graph API as far as leads go: put them in at /control/leads, read them at /v21.0/ID.

    Prints its address as one JSON line when it listens.
    """
    from leadsvc.simulators.graph import create_app  # here, so that --help needs no web framework

    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    serve("graph", create_app(token), host, port, sys.stdin.buffer.read if watch_stdin else None)
