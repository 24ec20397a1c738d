"""The long fault runs, as a table: ``.venv/bin/python -m tests.drill [--times N] [--traffic N] [--rounds N] …``.

Each part runs on SQLite (one process) and on PostgreSQL (API and worker processes) beside a simulated PMS, kills or
crowds them, and then compares what was acknowledged with the store and with the PMS. Before that two vendors'
simulators, or those of --vendor, take the sample leads and have a bad week each: away, taking and saying nothing, asked
too often, with kill -9 at every call and with Redis emptied. Exit status 1 when anything is missing or wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from leadsvc import logs
from leadsvc.store import migrate
from leadsvc.store.tables import inquiries
from tests import drift_run, fuzz, imapserver, servers
from tests.benches import BENCHED, starter_of
from tests.benches.simpms import SimPmsBench, running_simpms
from tests.graphbench import running_graph
from tests.histories import run
from tests.integration.desk_support import CRMS
from tests.postoffice import lead, post
from tests.processes import free_port, leadsvc
from tests.renters import running_office
from tests.system import badweek, crashes, crowds, siege
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


@contextlib.contextmanager
def _front(folder: Path, vendor: str) -> Iterator[Any]:
    """A vendor's simulator."""
    home = folder / vendor
    home.mkdir(exist_ok=True)
    with starter_of(vendor)(home) as bench:
        yield bench


def _sampled(folder: Path, vendor: str) -> Row:
    """The sample leads of ``make run``, with the vendor's simulator in the place of the PMS."""
    began = time.monotonic()
    env = {"LEADSVC_VAR": str(folder / f"{vendor}-sample"), "LEADSVC_PORT": str(free_port()), "COLUMNS": "200"}
    with leadsvc("demo", "--once", "--pms", vendor, env=env) as process:
        status, said = process.popen.wait(300), process.output()
    wrong = [] if status == 0 else [said[-2000:]]
    found = next((line.strip() for line in said.splitlines() if line.startswith("People in the PMS")), "")
    return f"{vendor}: sample leads", "SQLite", "make run ONCE=1", found, f"{time.monotonic() - began:.0f} s", wrong


def _bad_weeks(folder: Path, pms: SimPmsBench, vendor: str) -> Iterator[Row]:
    """Every scene of a vendor's bad week, on a store of its own."""
    with _front(folder, vendor) as bench:
        for number, scene in enumerate(badweek.SCENES):
            began = time.monotonic()
            url = f"sqlite:///{folder / f'{vendor}-week-{number}.db'}"
            migrate(url)
            renters, wrong = badweek.play(url, folder / f"{vendor}-week-{number}", pms, bench, scene)
            said = "everybody there once" if not wrong else ""
            yield f"{vendor}: {scene}", "SQLite", f"{renters} renters", said, f"{time.monotonic() - began:.0f} s", wrong


def _besieged(folder: Path, vendor: str, server: servers.PostgreSQL, times: int, traffic: int) -> Iterator[Row]:
    """kill -9 around everything that a vendor is asked, by API and worker processes on PostgreSQL."""
    url = server.create(f"drill_{vendor}")
    migrate(url)
    began = time.monotonic()
    try:
        with _front(folder, vendor) as bench, town(folder / f"{vendor}-siege", url, bench, workers=1) as made:
            tally = siege.run(made, times, traffic)
    except AssertionError as error:
        spent = f"{time.monotonic() - began:.0f} s"
        yield f"{vendor}: kill -9", "PostgreSQL, 1 + 1", "not to its end", "", spent, [str(error)[:2000]]
        return
    done = f"{sum(tally.kills.values())} kills at {len(tally.kills)} points"
    found = f"{len(tally.missing)} of {len(tally.owed)} acknowledged missing, {tally.unanswered} unanswered sends"
    yield (
        f"{vendor}: kill -9",
        "PostgreSQL, 1 + 1",
        done,
        found,
        f"{tally.seconds:.0f} s",
        [*tally.missing, *tally.wrong],
    )


def _flushed(folder: Path, vendor: str, server: servers.PostgreSQL, renters: int) -> Iterator[Row]:
    """Redis emptied ten times while two workers push to a vendor."""
    url, began = server.create(f"flush_{vendor}"), time.monotonic()
    migrate(url)
    with (
        servers.redis_server() as redis_url,
        _front(folder, vendor) as bench,
        town(folder / f"{vendor}-flush", url, bench, workers=2, redis_url=redis_url) as made,
    ):
        wrong = siege.flushed(made, redis_url, renters, 10)
    spent = f"{time.monotonic() - began:.0f} s"
    yield f"{vendor}: FLUSHALL", "PostgreSQL, 1 + 2", f"{renters} renters", "10 times in mid-run", spent, wrong


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
    parser.add_argument(
        "--vendor",
        action="append",
        choices=[each for each in BENCHED if each not in CRMS | {"simpms"}],
        help="whose simulator is given a bad week; one with and one without a native key where none is named",
    )
    parser.add_argument("--only-vendors", action="store_true", help="nothing but their bad weeks")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args()
    logs.configure("ERROR")
    rows: list[Row] = _vendors(chosen.vendor or ["yardi", "entrata"], chosen.times, chosen.traffic)
    if chosen.only_vendors:
        return _show(rows)
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


def _vendors(vendors: Sequence[str], times: int, traffic: int) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="leadsvc-drill-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with running_simpms(folder) as pms, servers.postgresql() as server:
            for vendor in vendors:
                rows.append(_sampled(folder, vendor))
                rows += _bad_weeks(folder, pms, vendor)
                # A vendor that shows all it has for every question takes an hour with thousands of renters.
                rows += _besieged(folder, vendor, server, times, max(traffic // 4, 1))
                rows += _flushed(folder, vendor, server, 10 * traffic)
    return rows


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
