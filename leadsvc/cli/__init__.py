"""The operator's verbs. Each lives in a module of its own and is imported when it is called, so that
``leadsvc --help`` stays quick and a verb that needs no database never loads one."""

from __future__ import annotations

import importlib
import sys

import click

from leadsvc import __version__
from leadsvc.errors import ConfigurationError, LeadsvcError

VERBS: dict[str, str] = {
    "check": "leadsvc.cli.check:check",
    "config": "leadsvc.cli.config:config",
    "dedup": "leadsvc.cli.dedup:dedup",
    "demo": "leadsvc.cli.demo:demo",
    "destinations": "leadsvc.cli.destinations:destinations",
    "doctor": "leadsvc.cli.doctor:doctor",
    "identity": "leadsvc.cli.identity:identity",
    "import": "leadsvc.cli.import_:import_",
    "drift": "leadsvc.cli.drift:drift",
    "hooks": "leadsvc.cli.hooks:hooks",
    "ingest": "leadsvc.cli.ingest:ingest",
    "key": "leadsvc.cli.key:key",
    "mailbox": "leadsvc.cli.mailbox:mailbox",
    "maps": "leadsvc.cli.maps:maps",
    "names": "leadsvc.cli.names:names",
    "parse": "leadsvc.cli.parse:parse",
    "prospects": "leadsvc.cli.prospects:prospects",
    "rebuild": "leadsvc.cli.rebuild:rebuild",
    "replay": "leadsvc.cli.replay:replay",
    "report": "leadsvc.cli.report:report",
    "serve": "leadsvc.cli.serve:serve",
    "settle": "leadsvc.cli.settle:settle",
    "simulate": "leadsvc.cli.simulate:simulate",
    "user": "leadsvc.cli.user:user",
    "worker": "leadsvc.cli.serve:worker",
}


class Verbs(click.Group):
    """A group that finds its commands in ``VERBS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = VERBS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is not a command")
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="leadsvc")
def cli() -> None:
    """Rental leads in, one clean and credited guest card out."""


def main() -> None:
    """Run a verb; errors that say what to do next are printed without a traceback, exit status 1."""
    try:
        cli()
    except (LeadsvcError, ConfigurationError) as error:
        click.echo(f"leadsvc: {error}", err=True)
        sys.exit(1)
