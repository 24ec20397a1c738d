"""The identity resolver in bulk, on worlds of labelled leads: how right it is, how fast, and how much memory it takes.

``python -m tests.bench identity`` prints it; by itself it takes other worlds, sizes and files::

    python -m tests.bench_identity [--leads N] [--seed S] [--large N] [--noise FILE] [WORLD|FOLDER …]

A ``FOLDER`` has ``leads.csv.gz``, ``labels.csv.gz`` and ``properties.csv``, as ``tests/identity_world.py`` makes them.
``LEADSVC_SPLINK`` names the Python of an environment that has Splink (``tests/identity_peer.py`` says how to make one);
with it, or when Splink is importable here, its figures stand beside ours, at the threshold that the labels say is best
for it. ``LEADSVC_BENCH_LEADS`` is the size of the large run (200,000).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests import identity_peer
from tests.identity_score import (
    HouseholdScore,
    Score,
    oracle,
    read_clusters,
    read_labels,
    read_links,
    read_places,
    rows,
    score,
    score_households,
)
from tests.identity_world import worlds, write
from tests.processes import LEADSVC, ROOT

LEADS, SEED = 20_000, 11
LARGE = int(os.environ.get("LEADSVC_BENCH_LEADS", "200000"))
SHUFFLES = 5
_LOOK_S = 0.5

Row = tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """One run of ``leadsvc dedup``; ``peak_mib`` is of all its processes together, what they share counted once."""

    clusters: dict[str, str]
    links: list[tuple[str, str]]
    asked: int
    seconds: float
    peak_mib: int


def run(folder: Path, leads: Path | None = None, *more: str) -> Run:
    """Resolve the leads of a folder with the command as it is used."""
    with tempfile.TemporaryDirectory(prefix="leadsvc-dedup-") as name:
        out, review, homes = (Path(name) / each for each in ("clusters.csv", "review.csv", "households.csv"))
        words = [*LEADSVC, "dedup", leads or folder / "leads.csv.gz", "--properties", folder / "properties.csv"]
        words += ["--out", out, "--review", review, "--households", homes, *more]
        began, peak = time.perf_counter(), 0
        with subprocess.Popen(
            list(map(str, words)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as done:
            while done.poll() is None:
                peak = max(peak, _kib(done.pid))
                try:
                    done.wait(_LOOK_S)
                except subprocess.TimeoutExpired:
                    continue
            seconds = time.perf_counter() - began
            told = done.stderr.read() if done.stderr else ""
        if done.returncode:
            raise AssertionError(f"leadsvc dedup of {folder}: {told[-2000:]}")
        asked = sum(1 for _ in rows(review))
        return Run(read_clusters(out), read_links(homes), asked, seconds, peak // 1024)


def _kib(pid: int) -> int:
    """Memory of a process and all below it, in KiB; 0 for one that is gone."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = next((int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")), 0)
    return own + sum(map(_kib, map(int, below)))


# -- how right --------------------------------------------------------------------------------------------------------

_HEAD: Row = ("leads of", "F1", "P", "R", "B-cubed F1", "false pairs", "of a household", "to review", "households P, R",
              "ceiling F1")  # fmt: skip
_PEERS: Row = ("Splink F1", "its false pairs", "tuned F1", "its false pairs")


@dataclass(frozen=True)
class Judged:
    title: str
    score: Score
    households: HouseholdScore
    ceiling: Score
    run: Run


def judged(title: str, folder: Path) -> Judged:
    """Resolve a folder and compare with its labels. The ceiling is what one makes of it who knows every value behind
    the noise."""
    done, truth = run(folder), read_labels(folder / "labels.csv.gz")
    best = oracle(truth, read_places(folder / "leads.csv.gz", folder / "properties.csv"))
    return Judged(
        title, score(truth, done.clusters), score_households(truth, done.clusters, done.links), score(truth, best), done
    )


def quality(titles: Sequence[str], leads: int, seed: int, noise: Path | None = None) -> list[Row]:
    """A row for each world or folder, the head first. ``noise``: where recall and false pairs by noise are written."""
    peer = _peer()
    lines = [_HEAD + _PEERS if peer else _HEAD]
    found = []
    for title in titles:
        with tempfile.TemporaryDirectory(prefix="leadsvc-world-") as name:
            there = Path(title) if Path(title).is_dir() else write(title, leads, seed, Path(name))
            each = judged(there.name if Path(title).is_dir() else title, there)
            found.append(each)
            lines.append(_line(each) + (_theirs(peer, there) if peer else ()))
    if noise:
        noise.write_text(_by_noise(found), encoding="utf-8")
    return lines


def _line(each: Judged) -> Row:
    told, homes = each.score, each.households
    return (
        each.title,
        *(f"{figure:.3f}" for figure in (told.f1, told.precision, told.recall, told.b3_f1)),
        f"{told.false_pairs:,}",
        f"{told.false_pairs_in_household:,}",
        f"{each.run.asked / told.leads:.1%}",
        f"{homes.precision:.2f}, {homes.recall:.2f}",
        f"{each.ceiling.f1:.3f}",
    )


def _by_noise(found: Sequence[Judged]) -> str:
    """For each kind of noise and each world, recall and false pairs, as a Markdown table."""
    kinds = sorted({kind for each in found for kind in each.score.noise}, key=lambda kind: -_leads(found, kind))
    head = ["what is wrong with a lead", *(f"{each.title}: leads, recall, false pairs" for each in found)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for kind in kinds:
        cells = []
        for each in found:
            told = each.score.noise.get(kind)
            cells.append(f"{told.leads:,}, {told.recall:.3f}, {told.false_pairs:,}" if told else "")
        lines.append(f"| {kind.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _leads(found: Sequence[Judged], kind: str) -> int:
    return sum(each.score.noise[kind].leads for each in found if kind in each.score.noise)


# -- how fast ---------------------------------------------------------------------------------------------------------


def speed(title: str, leads: int, seed: int) -> list[Row]:
    """Seconds and memory for many leads, the head first."""
    lines: list[Row] = [(f"{leads:,} leads of {title}", "s", "MiB at most", "F1")]
    peer = _peer()
    with tempfile.TemporaryDirectory(prefix="leadsvc-world-") as name:
        folder = write(title, leads, seed, Path(name))
        done = run(folder)
        told = score(read_labels(folder / "labels.csv.gz"), done.clusters)
        lines.append(("leadsvc dedup", f"{done.seconds:.0f}", f"{done.peak_mib:,}", f"{told.f1:.3f}"))
        if peer:
            theirs = _linked(peer, folder, "plain")
            lines.append(
                (
                    "Splink with EM",
                    f"{theirs['wall_seconds']:.0f}",
                    f"{theirs['peak_mib']:,}",
                    f"{theirs['best']['f1']:.3f}",
                )
            )
    return lines


def order_free(title: str, leads: int, seed: int) -> list[Row]:
    """How far the people of shuffled files agree with those of the file in order, the head first."""
    lines: list[Row] = [(f"{leads:,} leads of {title}, lines in another order", "F1 with the first run")]
    with tempfile.TemporaryDirectory(prefix="leadsvc-world-") as name:
        folder = write(title, leads, seed, Path(name))
        labels, first = read_labels(folder / "labels.csv.gz"), run(folder).clusters
        known = {lead: type(label)(first[lead], "", ()) for lead, label in labels.items()}
        for number in range(SHUFFLES):
            again = run(folder, _shuffled(folder, number))
            lines.append((f"shuffle {number + 1}", f"{score(known, again.clusters).f1:.6f}"))
    return lines


def _shuffled(folder: Path, seed: int) -> Path:
    with gzip.open(folder / "leads.csv.gz", "rt", encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    path = folder / f"shuffled-{seed}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(Random(seed).sample(lines, len(lines)))
    return path


# -- the peer ---------------------------------------------------------------------------------------------------------


def _peer() -> str | None:
    named = os.environ.get("LEADSVC_SPLINK")
    return named or (sys.executable if identity_peer.installed() else None)


def _theirs(python: str, folder: Path) -> Row:
    plain, tuned = (_linked(python, folder, way)["best"] for way in ("plain", "tuned"))
    return (
        f"{plain['f1']:.3f}",
        f"{plain['false_pairs']:,.0f}",
        f"{tuned['f1']:.3f}",
        f"{tuned['false_pairs']:,.0f}",
    )


def _linked(python: str, folder: Path, way: str) -> dict[str, Any]:
    command = [python, "-m", "tests.identity_peer", str(folder), "--way", way, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"Splink on {folder}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def tables(
    titles: Sequence[str] = worlds(),
    leads: int = LEADS,
    seed: int = SEED,
    large: int = LARGE,
    noise: Path | None = None,
) -> list[list[Row]]:
    """Every table of the part, each with its head first."""
    found = [quality(titles, leads, seed, noise)]
    if large:
        found.append(speed("mixed", large, seed))
    return [*found, order_free("mixed", leads, seed)]


def main() -> None:
    from tests.bench import table

    parser = argparse.ArgumentParser(description="How right and how fast identity resolution in bulk is.")
    parser.add_argument("titles", nargs="*", metavar="WORLD|FOLDER", help=f"of {', '.join(worlds())}; all by default")
    parser.add_argument("--leads", type=int, default=LEADS, help="how many leads a world is made with")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--large", type=int, default=0, help="how many leads time and memory are measured with")
    parser.add_argument("--noise", type=Path, help="where the table by noise goes")
    options = parser.parse_args()
    for each in tables(options.titles or worlds(), options.leads, options.seed, options.large, options.noise):
        sys.stdout.write("\n".join(table(each)) + "\n\n")


if __name__ == "__main__":
    main()
