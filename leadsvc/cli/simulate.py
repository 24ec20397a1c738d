"""``leadsvc simulate``: a vendor's system to try things on, as a process of its own."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import NoReturn

import click

import leadsvc.simulators
from leadsvc.simulators.server import serve

DEMO_KEY = "simpms-demo-key"
DEMO_TOKEN = "graph-demo-token"  # noqa: S105  # of the simulator only


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _until_told() -> None:
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)


class _Vendors(click.Group):
    """The commands written here, and one for every other package of simulators."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = {each.name for each in pkgutil.iter_modules(leadsvc.simulators.__path__) if each.ispkg}
        return sorted({*super().list_commands(ctx), *found})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self.list_commands(ctx):
            return own
        return _vendor(cmd_name)


@click.group(cls=_Vendors)
def simulate() -> None:
    """Run a simulated destination (a PMS that forgets nothing and can be told to misbehave)."""


_host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
_port = click.option("--port", default=0, show_default=True, help="Port; 0 takes a free one.")
_state = click.option(
    "--state", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Its SQLite file."
)
_config = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Properties, agents, sources and people already there; default: the demo operator.",
)
_watch = click.option(
    "--watch-stdin", is_flag=True, help="End when standard input closes, so that it dies with its parent."
)


@simulate.command()
@_host
@_port
@_state
@_config
@click.option("--api-key", default=DEMO_KEY, envvar="LEADSVC_SIMPMS_API_KEY", help="Key that callers must send.")
@_watch
def simpms(host: str, port: int, state: Path, config: Path | None, api_key: str, watch_stdin: bool) -> None:
    """A simulated PMS: API under /api/v1, orders under /control, a readable page at /.

    Prints its address as one JSON line when it listens.
    """
    from leadsvc.simulators.simpms import create_app  # here, so that --help needs no web framework

    _until_told()
    state.parent.mkdir(parents=True, exist_ok=True)
    with as_file(files("leadsvc") / "demo" / "pms.yaml") as demo:
        app = create_app(state, config or demo, api_key)
    serve("simpms", app, host, port, sys.stdin.buffer.read if watch_stdin else None)


@simulate.command()
@_host
@_port
@click.option("--token", default=DEMO_TOKEN, envvar="LEADSVC_GRAPH_TOKEN", help="Page token that callers must send.")
@_watch
def graph(host: str, port: int, token: str, watch_stdin: bool) -> None:
    """Facebook's Graph API as far as leads go: put them in at /control/leads, read them at /v21.0/ID.

    Prints its address as one JSON line when it listens.
    """
    from leadsvc.simulators.graph import create_app  # here, so that --help needs no web framework

    _until_told()
    serve("graph", create_app(token), host, port, sys.stdin.buffer.read if watch_stdin else None)


def _vendor(name: str) -> click.Command:
    """The command of a vendor's package, which offers ``create_app`` and ``CREDENTIALS``."""

    @click.command(name, help=f"A double of {name}: its wire at its own paths, orders under /control, a page at /.")
    @_host
    @_port
    @_state
    @_config
    @click.option(
        "--credential",
        "credentials",
        multiple=True,
        metavar="NAME=VALUE",
        help="What callers must send, in place of the demo credential of that name; may be repeated.",
    )
    @_watch
    def run(
        host: str, port: int, state: Path, config: Path | None, credentials: tuple[str, ...], watch_stdin: bool
    ) -> None:
        module = importlib.import_module(f"leadsvc.simulators.{name}")
        expected: dict[str, str] = dict(module.CREDENTIALS)
        for each in credentials:
            key, given, value = each.partition("=")
            if not given or key not in expected:
                raise click.BadParameter(
                    f"write NAME=VALUE with a name of {', '.join(expected)}", param_hint="credential"
                )
            expected[key] = value
        _until_told()
        state.parent.mkdir(parents=True, exist_ok=True)
        with as_file(files("leadsvc") / "demo" / "pms.yaml") as demo:
            app = module.create_app(state, config or demo, expected)
        serve(name, app, host, port, sys.stdin.buffer.read if watch_stdin else None)

    return run
