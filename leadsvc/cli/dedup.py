"""``leadsvc dedup``: who is who in a file of leads, without a store."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from leadsvc.dedup import Outcome, resolve
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.table import read
from leadsvc.resolve.engine import score
from leadsvc.resolve.levels import usable
from leadsvc.resolve.model import LEAST, MOST, Model, weights_of

_STEPS = ("reading", "candidates", "comparing", "learning weights", "judging", "completing", "grouping", "writing")

_existing = click.Path(path_type=Path, exists=True, dir_okay=False)
_new = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("leads", type=_existing)
@click.option("--properties", type=_existing, help="CSV with property_id and region.")
@click.option("--out", "out", type=_new, required=True, help="Where lead_id,cluster_id is written.")
@click.option("--review", type=_new, help="Where the pairs are written that a person should look at; they stay apart.")
@click.option("--households", type=_new, help="Where pairs of people are written who are probably one household.")
@click.option("--weights", type=_existing, help="Weights to begin with (TOML or JSON); without it, the shipped ones.")
@click.option(
    "--fit/--no-fit",
    default=True,
    help="Learn weights from this file first, without labels; names are counted in it either way.  [default: fit]",
)
@click.option("--join", type=click.FloatRange(LEAST, MOST), help="Probability that joins.")
@click.option("--processes", type=click.IntRange(1), help="Processes to work with; without it, one for each core.")
def dedup(
    leads: Path,
    properties: Path | None,
    out: Path,
    review: Path | None,
    households: Path | None,
    weights: Path | None,
    fit: bool,
    join: float | None,
    processes: int | None,
) -> None:
    """Find the people behind LEADS, a CSV file (packed by gzip or not) with the columns lead_id and received_at, and as
    far as they are known first_name, last_name, email, phone, property_id, move_in_date, bedrooms and message.

    Every lead gets a cluster_id, the id of its person's first lead. The same engine and the same weights decide as for
    a lead that comes alone.
    """
    for path in filter(None, (out, review, households)):
        if not path.parent.is_dir():
            raise click.UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    start = weights_of(weights) if weights else Model.default()
    if join is not None:
        start = replace(start, join=join, review=min(start.review, join))
    cores = Cores(processes)
    console = Console(stderr=True)
    bar = (
        TextColumn("{task.description:16}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*bar, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(_STEPS[0], total=len(_STEPS))

        def note(step: str) -> None:
            progress.update(task, description=step, completed=_STEPS.index(step))

        columns = read(leads, properties, cores)
        if not fit:
            start = replace(start, frequencies=columns.frequencies())
        outcome = resolve(columns, start, cores, fit=fit, note=note)
        note("writing")
        _write(out, ("lead_id", "cluster_id"), _clusters(outcome))
        if review:
            _write(review, ("lead_a", "lead_b", "probability", "sentence"), _reviews(outcome))
        if households:
            _write(households, ("lead_a", "lead_b", "cluster_a", "cluster_b", "probability"), _households(outcome))
        progress.update(task, completed=len(_STEPS))
    people = len(set(outcome.people.tolist()))
    told = {
        "leads": len(columns),
        "people": people,
        "review": len(outcome.reviews),
        "households": len(outcome.households),
    }
    click.echo(json.dumps(told | {"pairs_compared": outcome.pairs}), err=True)


def _write(path: Path, head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _clusters(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    ids = outcome.columns.ids
    return ((ids[row], ids[first]) for row, first in enumerate(outcome.people.tolist()))


def _reviews(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    columns, model = outcome.columns, outcome.model
    for one, other, _ in outcome.reviews:
        ours, theirs = (usable(columns.trace(row), columns.crowd, model.frequencies.masked) for row in (one, other))
        found = score(ours, theirs, model)
        yield columns.ids[one], columns.ids[other], f"{found.probability:.3f}", found.sentence


def _households(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    ids, people = outcome.columns.ids, outcome.people
    for one, other, chance in outcome.households:
        yield ids[one], ids[other], ids[people[one]], ids[people[other]], f"{chance:.3f}"
