"""``leadsvc config``: what is set, and where it came from."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from leadsvc.config import Settings


@click.command()
def config() -> None:
    """Show every setting, its value (secrets masked) and where it came from."""
    table = Table("setting", "value", "from")
    for row in Settings.load().shown():
        table.add_row(*row)
    Console().print(table)
