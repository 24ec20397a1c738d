"""``leadsvc mailbox``: the process that reads mailboxes, and what is known of them."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from leadsvc import logs
from leadsvc.app import build, prepare
from leadsvc.config import Mailbox, Settings
from leadsvc.mailbox.keeper import Keeper
from leadsvc.mailbox.preflight import examine
from leadsvc.mailbox.trouble import Trouble
from leadsvc.services import Services
from leadsvc.store.queries import mailboxes as known


@click.command()
@click.option("--once", is_flag=True, help="Take what waits now, then end; 1 when a mailbox could not be read.")
@click.option("--check", "check_", is_flag=True, help="Sign in and say what would hinder reading; touch no mail.")
@click.option("--list", "list_", is_flag=True, help="Show the mailboxes and what they suffer from.")
@click.argument("names", nargs=-1)
def mailbox(once: bool, check_: bool, list_: bool, names: tuple[str, ...]) -> None:
    """Read the mailboxes NAMES (default: all that are configured) until interrupted.

    Any number of these processes may run: one reads a mailbox, the others stand by.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    boxes = _chosen(settings, names)
    if check_:
        sys.exit(_examined(boxes))
    prepare(settings)
    built = build(settings)
    if settings.redis_url:
        from leadsvc.workers.queue import nudger  # late: most installations have no Redis, and it is slow to load

        built.nudge.listen(nudger(settings.redis_url, list(settings.accounts)))
    if list_:
        _show(built.services, boxes)
    elif once:
        sys.exit(_read_once(built.services, boxes))
    else:
        _read(built.services, boxes)


def _chosen(settings: Settings, names: tuple[str, ...]) -> list[Mailbox]:
    unknown = [name for name in names if name not in settings.mailboxes]
    if unknown:
        there = ", ".join(settings.mailboxes) or "none"
        raise click.UsageError(f"no mailbox {', '.join(unknown)} is configured; there is {there}")
    if not settings.mailboxes:
        raise click.UsageError("no mailbox is configured; name one under mailboxes in the file of LEADSVC_CONFIG")
    return [settings.mailboxes[name] for name in names or settings.mailboxes]


def _read(services: Services, boxes: list[Mailbox]) -> None:
    keeper = Keeper(services, boxes)
    if keeper.left_out:
        click.echo(f"leadsvc: too many for one process, start another for: {' '.join(keeper.left_out)}", err=True)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    keeper.start()
    click.echo(f"leadsvc reads {len(keeper.pollers)} mailboxes", err=True)
    stopped.wait()
    keeper.stop()


def _read_once(services: Services, boxes: list[Mailbox]) -> int:
    keeper = Keeper(services, boxes)
    failed = len(keeper.left_out)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ending(keeper))
    for poller in keeper.pollers:
        try:
            if poller.once():
                click.echo(f"{poller.box.name}: {poller.taken} mails taken")
            else:
                click.echo(f"{poller.box.name}: another process reads it")
        except Trouble as trouble:
            failed += 1
            click.echo(f"{poller.box.name}: {trouble.detail}", err=True)
        poller.close()
    return 1 if failed else 0


def _ending(keeper: Keeper) -> Callable[[int, object], None]:
    def end(_number: int, _frame: object) -> None:
        for poller in keeper.pollers:
            poller.stop()

    return end


def _examined(boxes: list[Mailbox]) -> int:
    wrong = 0
    for box in boxes:
        click.echo(box.name)
        for well, sentence in examine(box):
            wrong += not well
            click.echo(f"  {'✓' if well else '✗'} {sentence}")
    return 1 if wrong else 0


def _show(services: Services, boxes: list[Mailbox]) -> None:
    with services.store.read() as connection:
        told = known.told(connection)
    table = Table("mailbox", "state", "looked at", "taken", "put aside", "what to do")
    for box in boxes:
        one = told.get(box.name)
        if one is None:
            table.add_row(box.name, "never read", "", "", "", "Start leadsvc mailbox, or leadsvc mailbox --check.")
            continue
        looked = one.last_success_at.isoformat(timespec="seconds") if one.last_success_at else "never"
        state = one.trouble or ("read" if one.holder else "well, read by nobody now")
        table.add_row(box.name, state, looked, str(one.taken), str(one.poisoned), one.detail)
    Console().print(table)
