"""``leadsvc demo``: what ``make run`` starts."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import click
from rich.console import Console

from leadsvc.demo.accounts import VENDORS
from leadsvc.demo.run import run


@click.command()
@click.option("--once", is_flag=True, help="End after the table; exit 0 only if every sample ended as it should.")
@click.option(
    "--pms",
    type=click.Choice(VENDORS),
    default="simpms",
    show_default=True,
    help="Whose simulator stands in for the PMS; a CRM's stands beside the simulated PMS.",
)
def demo(once: bool, pms: str) -> None:
    """Start everything embedded with a simulated PMS, send the sample leads and show what became of them."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    var = Path(os.environ.get("LEADSVC_VAR", "var"))
    port = int(os.environ.get("LEADSVC_PORT", "8080"))
    console = Console(width=None if sys.stdout.isatty() else 180)
    wrong = run(var, port, console, once, stopped.wait, pms)
    sys.exit(1 if wrong else 0)
