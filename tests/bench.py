"""``make bench``: what SPEC §14 promises, measured in one run as ratios on the machine at hand.

    python -m tests.bench [--keep] [PART…]   parts: api, statements, imports, readings, identity, pushes; without: all

Every figure of a part comes from slices of a few seconds that take turns on servers which all run at the same time, so
that a noisy neighbour disturbs the baseline as much as what is compared with it. ``--keep`` writes the tables into
``docs/performance.md``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leadsvc import logs
from leadsvc.app import build_services
from leadsvc.config import Settings
from leadsvc.model import Channel, Delivered
from leadsvc.store import Store, migrate
from tests import bench_identity, bench_import, bench_online, bench_push, bench_reading
from tests.bench_leads import HUNDRED, canonical, hundred
from tests.bench_servers import CORES, THREADS, Deployment, Served, baselines
from tests.counting import counting
from tests.processes import ROOT
from tests.servers import postgresql

CONNECTIONS = 16
SLICE_S = 3.0
WARM_UP_S = 2.0
ROUNDS = 5

KEPT = ROOT / "docs" / "performance.md"
_BEGIN, _END = "<!-- bench: begin -->", "<!-- bench: end -->"

Row = tuple[str, ...]


@dataclass
class Subject:
    """One thing that is sent leads. ``per_request`` leads a request."""

    name: str
    served: Served
    path: str
    form: str
    authorization: str = ""
    per_request: int = 1
    next: int = 0

    def slice(self, seconds: float) -> tuple[float, float, float]:
        """Leads a second, and milliseconds of a request at the 50th and the 99th percentile."""
        words = [self.served.port, self.path, self.form, self.next, seconds, CONNECTIONS, self.authorization]
        command = [sys.executable, "-m", "tests.bench_load", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{self.name}: {done.stderr}\n{self.served.process.output()[-2000:]}")
        told = json.loads(done.stdout)
        if told["wrong"]:
            raise AssertionError(f"{self.name} answered: {told['wrong']}")
        self.next = told["next"]
        return told["requests"] * self.per_request / told["seconds"], told["p50"], told["p99"]


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds; ratios are taken within each round, against the baseline's slices around it."""

    rate: float
    p50: float
    p99: float
    ratio: float
    p99_ratio: float


def rounds(subjects: Sequence[Subject], base: str, count: int = ROUNDS) -> dict[str, Measured]:
    """Let the subjects take turns; what is measured of each against the subject called ``base``."""
    for each in subjects:
        each.slice(WARM_UP_S)
    told: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for _ in range(count):
        for each in subjects:
            told[each.name].append(each.slice(SLICE_S))
    return {name: _measured(rows, told[base]) for name, rows in told.items()}


def _measured(rows: list[tuple[float, float, float]], base: list[tuple[float, float, float]]) -> Measured:
    return Measured(
        statistics.median(row[0] for row in rows),
        statistics.median(row[1] for row in rows),
        statistics.median(row[2] for row in rows),
        statistics.median(row[0] / other[0] for row, other in zip(rows, base, strict=True)),
        statistics.median(row[2] / other[2] for row, other in zip(rows, base, strict=True)),
    )


_A, _B = "baseline A: one INSERT", "baseline B: SELECT, 2 INSERTs"
_ZILLOW, _ONE, _MANY = "Zillow form", "canonical JSON", f"canonical, {HUNDRED} a request"
_SQLITE, _PUSHED = "canonical on SQLite", "canonical, worker pushing"
_TARGETS = {_ZILLOW: (0.5, 5.0), _ONE: (0.5, 5.0), _MANY: (1.3, None), _SQLITE: (None, None), _PUSHED: (None, None)}


def api() -> list[str]:
    """The rows of SPEC §14 about the API: from POST to outbox."""
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadsvc-bench-")))
        made = Deployment(folder, server)
        made.set_up()
        base = stack.enter_context(baselines(server.create("bench_baselines")))
        own = {name: stack.enter_context(made.serve(name, made.database(f"bench_{name}"))) for name in ("z", "c", "h")}
        light = stack.enter_context(made.serve("sqlite", made.sqlite))
        key = made.keys.__getitem__
        subjects = [
            Subject(_A, base, "/a", "canonical"),
            Subject(_B, base, "/b", "canonical"),
            Subject(_ZILLOW, own["z"], "/v1/leads/zillow", "zillow", key("postgresql:zillow")),
            Subject(_ONE, own["c"], "/v1/leads", "canonical", key("postgresql:canonical")),
            Subject(_MANY, own["h"], "/v1/leads", "hundred", key("postgresql:canonical"), per_request=HUNDRED),
            Subject(_SQLITE, light, "/v1/leads", "canonical", key("sqlite:canonical")),
        ]
        measured = rounds(subjects, _B)
        resident = max(max(served.resident()) for served in own.values())
        pushed = _while_pushing(made, subjects[1])
        return [*_api_table(measured | pushed), "", *_api_verdicts(measured, resident)]


def _while_pushing(made: Deployment, base: Subject) -> dict[str, Measured]:
    """The same path while a worker delivers to the simulated PMS on the same cores; last, as it leaves a backlog."""
    url = made.database("bench_pushed")
    with made.pms(), made.serve("pushed", url) as served, made.worker(url):
        subject = Subject(_PUSHED, served, "/v1/leads", "canonical", made.keys["postgresql:canonical"])
        subject.slice(WARM_UP_S)
        rows = [subject.slice(SLICE_S) for _ in range(2)]
    return {_PUSHED: _measured(rows, [base.slice(SLICE_S) for _ in range(2)])}


def _api_table(measured: dict[str, Measured]) -> list[str]:
    rows = [("from POST to outbox", "leads/s", "p50 ms", "p99 ms", "leads/s against B", "p99 against B", "target")]
    for name, one in measured.items():
        least, most = _TARGETS.get(name, (None, None))
        target = f"≥ {least}" + (f", ≤ {most:g}" if most else "") if least else ""
        rows.append(
            (
                name,
                f"{one.rate:,.0f}",
                f"{one.p50:.1f}",
                f"{one.p99:.1f}",
                f"{one.ratio:.2f}",
                f"{one.p99_ratio:.2f}",
                target,
            )
        )
    return table(rows)


def _api_verdicts(measured: dict[str, Measured], resident: int) -> list[str]:
    zillow, one, many = measured[_ZILLOW], measured[_ONE], measured[_MANY]
    light = measured[_SQLITE].rate / one.rate
    rows: list[Row] = [("promise (SPEC §14)", "target", "measured", "")]
    rows += [
        _verdict("one lead, Zillow form, leads/s against B", "≥", 0.5, zillow.ratio),
        _verdict("one lead, canonical, leads/s against B", "≥", 0.5, one.ratio),
        _verdict("its p99 against B's", "≤", 5.0, max(zillow.p99_ratio, one.p99_ratio)),
        _verdict(f"{HUNDRED} leads a request, leads/s against B", "≥", 1.3, many.ratio),
        _verdict("SQLite default against PostgreSQL", "≥", 0.5, light),
        _verdict("memory of one API process, MiB", "≤", 150, resident),
    ]
    return table(rows)


def _verdict(what: str, sign: str, target: float, measured: float) -> Row:
    met = measured >= target if sign == "≥" else measured <= target
    return what, f"{sign} {target:g}", f"{measured:.3g}", "met" if met else "MISSED"


def statements() -> list[str]:
    """Statements and commits a lead, on both databases."""
    rows: list[Row] = [("statements and commits", "PostgreSQL", "SQLite", "target")]
    with ExitStack() as stack:
        server = stack.enter_context(postgresql())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadsvc-bench-")))
        made = Deployment(folder, server)
        made.set_up()
        counts = [_counts(Settings.load(made.environment(url))) for url in (made.database("bench"), made.sqlite)]
    for name, one, other in zip(("new person", "same id again", f"{HUNDRED} new"), *counts, strict=True):
        rows.append((name, one, other, "≤ 12 and 2"))
    return table(rows)


def _counts(settings: Settings) -> list[str]:
    services = build_services(settings)
    found = []
    services.intake.portfolio()
    for body in (canonical(0), canonical(0), hundred(1)):
        delivered = Delivered(body, "application/json", Channel.HTTP, datetime.now(UTC))
        with counting(services.store.engine) as count:
            services.receiver.receive(delivered, feed=settings.feeds["canonical"], authenticated="bench")
        found.append(f"{count.statements} and {count.commits}")
    services.store.close()
    return found


_ROWS = 20_000


def imports() -> list[str]:
    """Backfill: rows a second, beside reading the same rows only."""
    rows: list[Row] = [("leadsvc import, 20,000 rows", "rows/s", "of reading only", "MiB", "a million rows")]
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadsvc-bench-")))
        made = Deployment(folder, server)
        made.set_up()
        path = bench_import.written(folder / "old.csv", _ROWS)
        base = bench_import.read_only(path, _ROWS)
        rows.append(("reading only, in one process", f"{base:,.0f}", "1.00", "", ""))
        for name, url in (("SQLite", made.sqlite), ("PostgreSQL", made.database("bench_import"))):
            rate, memory = bench_import.imported(path, _ROWS, made.environment(url))
            minutes = 1_000_000 / rate / 60
            rows.append((name, f"{rate:,.0f}", f"{rate / base:.2f}", str(memory), f"{minutes:.0f} min"))
    return table(rows)


def readings() -> list[str]:
    """Reading a payload, beside the library calls that it needs: milliseconds of CPU, medians over the fixtures."""
    rows: list[Row] = [("reading", "payloads", "ms of CPU", "bare ms", "× bare", "worst", "target")]
    for cost in bench_reading.costs():
        figures = (f"{cost.reading:.2f}", f"{cost.bare:.2f}", f"{cost.share:.1f}", f"{cost.worst:.1f}")
        target = "≤ 1.5" if cost.kind.startswith("mail") else ""
        rows.append((cost.kind, str(cost.payloads), *figures, target))
    return table(rows)


def identity() -> list[str]:
    """People found among labelled leads in bulk: how right, how fast, and whether the order of lines plays a part."""
    return [line for each in bench_identity.tables() for line in (*table(each), "")][:-1]


def online() -> list[str]:
    """One lead resolved as it comes, beside the bare look-up, insert and commit, in stores of many sizes."""
    found: list[Row] = [bench_online.HEAD]
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadsvc-bench-")))
        made = Deployment(folder, server)
        made.set_up()
        for url in (made.database("online"), made.sqlite):
            services = build_services(Settings.load(made.environment(url)))
            found += bench_online.rows(services, bench_online.sizes())
            services.store.close()
    return table(found)


_BACKLOG, _LIMIT, _SECONDS, _CALLS = 100_000, 50, 20.0, 6
_DELIVERED = os.environ.get("LEADSVC_BENCH_DELIVERED", "900000")


def pushes() -> list[str]:
    """A backlog of 100,000 deliveries against a destination that costs nothing, beside the bare HTTP client; and again
    with so many delivered in the same outbox as LEADSVC_BENCH_DELIVERED says, one number after the other."""
    rows: list[Row] = [("push, 100,000 waiting", "deliveries/s", "of the bare client", "target")]
    growth: list[Row] = [("delivered before", "ms to take 64", "× before", "target", "deliveries/s of the bare client")]
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadsvc-bench-")))
        pms = stack.enter_context(bench_push.noop())
        for name, url in (("SQLite", f"sqlite:///{folder / 'push.db'}"), ("PostgreSQL", server.create("bench_push"))):
            migrate(url)
            store = Store(url)
            bench_push.backlog(store, _BACKLOG)
            free = bench_push.settings(url, folder, pms)
            rate, share = _pushed_beside(store, free, pms)
            rows.append((name, f"{rate:,.0f}", f"{share:.2f}", "≥ 0.5"))
            limited = bench_push.settings(url, folder, pms, {"1s": _LIMIT})
            calls = bench_push.pushed(store, limited, _SECONDS).calls
            told = f"{calls / _LIMIT:.2f} of the limit"
            rows.append((f"{name}, {_LIMIT} calls/s allowed", f"{calls:.1f} calls/s", told, "≥ 0.8"))
            before, there = bench_push.taking(store), 0
            growth.append((f"{name}, next to none", f"{before:.1f}", "", "", f"{share:.2f}"))
            for many in map(int, _DELIVERED.split(",")):
                bench_push.delivered(store, there + 1, many - there)
                after, there = bench_push.taking(store), many
                share = _pushed_beside(store, free, pms)[1]
                growth.append((f"{name}, {many:,}", f"{after:.1f}", f"{after / before:.2f}", "≤ 1.3", f"{share:.2f}"))
            store.close()
    return [*table(rows), "", *table(growth)]


def _pushed_beside(store: Store, made: Settings, pms: str) -> tuple[float, float]:
    """Deliveries a second, and their share of the bare client's, which is measured before and after."""
    base = bench_push.bare(pms, _SECONDS / 2, _CALLS)
    rate = bench_push.pushed(store, made, _SECONDS).rate
    base = (base + bench_push.bare(pms, _SECONDS / 2, _CALLS)) / 2
    return rate, rate / base


PARTS = {
    "api": api,
    "statements": statements,
    "imports": imports,
    "readings": readings,
    "identity": identity,
    "online": online,
    "pushes": pushes,
}


def table(rows: Sequence[Row]) -> list[str]:
    """Rows as a Markdown table whose columns line up; the first row is the head."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [lines[0], rule, *lines[1:]]


def machine() -> str:
    """What it was measured on, in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}, {CORES} cores of {model}, "
        f"Python {platform.python_version()}, {CORES} processes of {THREADS} threads, {CONNECTIONS} connections; load "
        "generator, servers and database share the cores; PostgreSQL with fsync on"
    )


def keep(lines: Sequence[str]) -> None:
    """Put the tables into the document, in place of the last ones."""
    text = KEPT.read_text()
    head, rest = text.split(_BEGIN)
    tail = rest.split(_END)[1]
    KEPT.write_text(f"{head}{_BEGIN}\n" + "\n".join(lines) + f"\n{_END}{tail}")


def main(words: Sequence[str]) -> int:
    logs.configure("ERROR")  # the tables are read by people
    names = [word for word in words if word != "--keep"] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        sys.stderr.write(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}\n")
        return 2
    lines = [machine(), ""]
    for name in names:
        lines += [*PARTS[name](), ""]
    sys.stdout.write("\n".join(lines) + "\n")
    if "--keep" in words:
        keep(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
