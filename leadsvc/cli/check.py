"""``leadsvc check``: the books, at any time."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console
from rich.table import Table

from leadsvc.config import Settings
from leadsvc.reports.books import Books, balance
from leadsvc.store import Store


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def check(as_json: bool) -> None:
    """Prove that the books balance: exit 0 when they do, 1 when anything does not add up."""
    store = Store(Settings.load().database_url)
    try:
        with store.read() as connection:
            books = balance(connection)
    finally:
        store.close()
    if as_json:
        entries = [{"question": each.name, "wrong": each.wrong, "sample": each.sample} for each in books.entries]
        sums = [{"of": word, "state": state, "count": count} for word, state, count in books.sums]
        click.echo(json.dumps({"balance": books.balance, "entries": entries, "sums": sums}))
    else:
        show(books, Console())
    sys.exit(0 if books.balance else 1)


def show(books: Books, console: Console) -> None:
    """Both tables."""
    sums = Table("what there is", "state", "count", title="Sums")
    for word, state, count in books.sums:
        sums.add_row(word, state, str(count))
    console.print(sums)
    entries = Table("must be none", "found", "for example", title="Books")
    for entry in books.entries:
        style = "red" if entry.wrong else ""
        entries.add_row(entry.name, str(entry.wrong), ", ".join(entry.sample), style=style)
    console.print(entries)
    console.print("The books balance." if books.balance else "The books do not balance: see what was found above.")
