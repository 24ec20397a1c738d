"""The long fault runs, as a table: ``.venv/bin/python -m tests.drill [--times N] [--traffic N] [--rounds N] …``.

Each part runs on SQLite (one process) and on PostgreSQL (API and worker processes) beside a simulated PMS, kills or
crowds them, and then compares what was acknowledged with the store and with the PMS. Exit status 1 when anything is
missing or wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from leadsvc.store import migrate
from leadsvc.store.tables import inquiries
from tests import drift_run, fuzz, imapserver, servers
from tests.benches.simpms import SimPmsBench, running_simpms
from tests.graphbench import running_graph
from tests.histories import run
from tests.postoffice import lead, post
from tests.renters import running_office
from tests.system import crashes, crowds
from tests.system.town import Town, town

Row = tuple[str, str, str, str, str, list[str]]


@contextlib.contextmanager
def _towns(
    folder: Path, pms: SimPmsBench, name: str, server: servers.PostgreSQL
) -> Iterator[Iterator[tuple[str, Town]]]:
    """A fresh town on each kind of store, one after the other."""

    def each() -> Iterator[tuple[str, Town]]:
        url = f"sqlite:///{folder / f'{name}.db'}"
        migrate(url)
        with running_graph() as graph, town(folder / f"{name}-sqlite", url, pms, graph=graph) as made:
            yield "SQLite, 1 process", made
        url = server.create(f"drill_{name}")
        migrate(url)
        with (
            running_graph() as graph,
            town(folder / f"{name}-pg", url, pms, workers=1, processes=2, graph=graph) as made,
        ):
            yield "PostgreSQL, 2 + 1", made

    yield each()


def _killed(store: str, made: Town, times: int, traffic: int) -> Row:
    tally = crashes.run(made, times, traffic)
    points = len(tally.kills)
    done = f"{sum(tally.kills.values())} kills at {points} points"
    lost = f"{len(tally.missing)} of {len(tally.owed)} acknowledged missing, {tally.unanswered} unanswered sends"
    return "kill -9 everywhere", store, done, lost, f"{tally.seconds:.0f} s", [*tally.missing, *tally.wrong]


def _together(store: str, made: Town, rounds: int) -> Row:
    kinds = [("same", "resent", "bridged")[number % 3] for number in range(rounds)]
    crowd = crowds.Twins(made).run(kinds)
    speed = f"{crowd.rounds / crowd.seconds:.1f} rounds/s, slowest answer {crowd.slowest:.1f} s"
    done = f"{crowd.rounds} rounds of {crowds.THREADS} senders"
    return "one person at once", store, done, speed, f"{crowd.seconds:.0f} s", crowd.wrong


def _many_times(store: str, made: Town, renters: int, seed: int) -> Row:
    crowd = crowds.resend(made, renters, seed)
    done = f"{crowd.sent} sends of {crowd.rounds} inquiries"
    return "1-20 times each", store, done, f"seed {seed}", f"{crowd.seconds:.0f} s", crowd.wrong


def _waiting(store: str, url: str, folder: Path, mails: int) -> Row:
    """``mails`` wait in one folder; two readers that know nothing of each other take them over lines that are cut."""
    kind = imapserver.dovecot if imapserver.dovecot_version() else imapserver.pymap
    with servers.scratch_folder("leadsvc-imap-") as home, kind(home) as imap:
        imap.drop([lead(number) for number in range(mails)])
        with (
            imapserver.cutter(imap.port) as proxy,
            post(url, folder, imap, boxes=("leads", "twin"), port=proxy.port) as office,
        ):
            proxy.after = [100_000, 400_000, 900_000, 1_600_000, 2_500_000, 50_000]
            started = time.monotonic()
            office.start(*office.services.settings.mailboxes.values())
            office.until(lambda: office.count(inquiries) >= mails, "every mail is processed", mails / 5)
            office.until(lambda: imap.count("INBOX") == 0, "every mail is moved", 60)
            seconds = time.monotonic() - started
            office.stop()
            wrong = []
            try:
                office.assert_each_once(mails)
            except AssertionError as error:
                wrong.append(str(error)[:300])
            # Two that move one mail at the same time may leave two copies of it among what is done; never none.
            if imap.count("leadsvc-done") < mails:
                wrong.append(f"{imap.count('leadsvc-done')} mails are moved")
    found = f"{imap.kind}: {mails / seconds:.0f} mails/s, {proxy.cuts} cuts"
    return "mails waiting", store, f"{mails} mails, 2 readers", found, f"{seconds:.0f} s", wrong


def _taken_back(store: str, url: str, folder: Path, pms: SimPmsBench, histories: int) -> Row:
    """Random histories of leads, merges, splits, verdicts, outcomes and pushes, played with and without what was taken
    back."""
    migrate(url)
    began, wrong = time.monotonic(), []
    with running_office(url, folder, pms) as office:
        try:
            run(office, histories, steps=30)
        except AssertionError as error:
            wrong.append(str(error)[:2000])
    return "merged and unmerged", store, f"{histories} histories", "", f"{time.monotonic() - began:.0f} s", wrong


def main() -> int:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description="Long fault runs of leadsvc, with counts.")
    parser.add_argument("--times", type=int, default=3, help="kills at every point")
    parser.add_argument("--traffic", type=int, default=20, help="new renters at every kill")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of 64 senders")
    parser.add_argument("--renters", type=int, default=100, help="inquiries sent up to 20 times")
    parser.add_argument("--mails", type=int, default=10_000, help="mails that wait in a mailbox")
    parser.add_argument("--fuzz", type=float, default=10.0, metavar="MINUTES", help="hostile payloads for so long")
    parser.add_argument("--histories", type=int, default=200, help="histories with merges that are taken back")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="leadsvc-drill-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with running_simpms(folder) as pms, servers.postgresql() as server:
            with _towns(folder, pms, "kills", server) as towns:
                rows += [_killed(store, made, chosen.times, chosen.traffic) for store, made in towns]
            with _towns(folder, pms, "twins", server) as towns:
                rows += [_together(store, made, chosen.rounds) for store, made in towns]
            with _towns(folder, pms, "resends", server) as towns:
                rows += [_many_times(store, made, chosen.renters, chosen.seed) for store, made in towns]
            for store, url in (("SQLite", f"sqlite:///{folder / 'mails.db'}"), ("PostgreSQL", server.create("mails"))):
                rows.append(_waiting(store, url, folder / f"mails-{store}", chosen.mails))
            for store, url in (("SQLite", f"sqlite:///{folder / 'h.db'}"), ("PostgreSQL", server.create("histories"))):
                rows.append(_taken_back(store, url, folder / f"histories-{store}", pms, chosen.histories))
    rows.append(_drift(chosen.seed))
    rows.append(_fuzzed(chosen.seed, chosen.fuzz))
    return _show(rows)


def _fuzzed(seed: int, minutes: float) -> Row:
    """Hostile payloads for every reader and map; wrong is what raised, took too long or needed too much."""
    began, slowest, tries = time.monotonic(), 0.0, 0
    wrong: list[str] = []
    for number, made, outcome in fuzz.run(seed, fuzz.warm(), seconds=60 * minutes):
        tries, slowest = tries + 1, max(slowest, outcome.seconds)
        if outcome.wrong:
            wrong.append(f"{fuzz.kept(Path('var/fuzz'), seed, number, made)}: {outcome.wrong}")
    found = f"seed {seed}, slowest {slowest:.2f} s of CPU"
    return "hostile payloads", "none", f"{tries} payloads", found, f"{time.monotonic() - began:.0f} s", wrong


def _drift(seed: int) -> Row:
    """A simulated quarter of 40 feeds; wrong is what misses the promise."""
    began = time.monotonic()
    run = drift_run.Run(seed, 40).run()
    right, told = run.told_right()
    alarms = run.false_alarms / run.feed_quarters
    wrong = [f"{alarms:.2f} false alarms a feed and quarter"] if alarms > 1 else []
    wrong += [f"{right} of {told} causes told right"] if right < 0.95 * told else []
    found = f"{alarms:.2f} false alarms a feed, {right} of {told} causes right"
    spent = f"{time.monotonic() - began:.0f} s"
    return "feeds cut, changed, quiet", "simulated", f"40 feeds, 91 days, seed {seed}", found, spent, wrong


def _show(rows: list[Row]) -> int:
    table = Table("drill", "store", "done", "found", "time", "verdict", title="Fault drill")
    for drill, store, done, found, seconds, wrong in rows:
        table.add_row(drill, store, done, found, seconds, "holds" if not wrong else f"{len(wrong)} WRONG")
    console = Console(width=150)
    console.print(table)
    for drill, store, _, _, _, wrong in rows:
        for each in wrong[:20]:
            console.print(f"{drill}, {store}: {each}")
    return 1 if any(row[-1] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
