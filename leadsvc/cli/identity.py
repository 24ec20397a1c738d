"""``leadsvc identity``: why two inquiries are one person or not, weights, and what other weights would change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from leadsvc.cli.opening import as_configured
from leadsvc.dedup.cores import Cores
from leadsvc.dedup.table import read
from leadsvc.errors import NotFound
from leadsvc.faults import Commit
from leadsvc.pipeline.weighing import Difference, Record, explained, on_record, refitted, what_if
from leadsvc.resolve.engine import Score, score
from leadsvc.resolve.levels import usable
from leadsvc.resolve.model import LEAST, MOST, Model, weights_of
from leadsvc.store.queries.models import activate, active_model

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_file = click.option(
    "--file", "file", type=_FILE, help="A CSV of leads, as for `leadsvc dedup`, in place of the store."
)
_properties = click.option("--properties", type=_FILE, help="CSV with property_id and region, beside --file.")
_weights = click.option("--weights", type=_FILE, help="Weights (TOML or JSON) in place of those in force.")


@click.group()
def identity() -> None:
    """Who is who, and why: explain a pair, learn weights, try weights before they are in force."""


@identity.command()
@click.argument("one")
@click.argument("other")
@_file
@_properties
@_weights
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    one: str, other: str, file: Path | None, properties: Path | None, weights: Path | None, as_json: bool
) -> None:
    """Say how ONE and OTHER compare: ids of inquiries, or keys of prospects or guest cards (PR-…, GC-…); with --file,
    lead_ids of the file.

    One sentence first, then what each field says, in bits: each bit doubles the odds that one person wrote both, or
    halves them.
    """
    if file is not None:
        found = _in_file(file, properties, weights, one, other)
    else:
        with as_configured().store.read() as connection:
            model = _model(weights, active_model(connection))
            found = explained(connection, one, other, model)
    if as_json:
        told = {"sentence": found.sentence, "probability": round(found.probability, 4)}
        told |= {"household": round(found.household, 4), "against": found.rival, "steps": found.evidence()}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    _print(found)


def _in_file(file: Path, properties: Path | None, weights: Path | None, one: str, other: str) -> Score:
    columns = read(file, properties, Cores())
    rows = {id: row for row, id in enumerate(columns.ids)}
    missing = [each for each in (one, other) if each not in rows]
    if missing:
        raise NotFound(f"{file}: there is no lead_id {', '.join(missing)}")
    model = replace(_model(weights, None), frequencies=columns.frequencies())
    ours, theirs = (usable(columns.trace(rows[each]), columns.crowd, model.frequencies.masked) for each in (one, other))
    return score(ours, theirs, model)


def _print(found: Score) -> None:
    console = Console()
    console.print(f"{found.sentence}.")
    console.print(
        f"The same person: {found.probability:.1%}. Of one household: {found.household:.1%}."
        f" Compared with: {found.rival}."
    )
    table = Table(box=None, pad_edge=False)
    for head in ("field", "says", "one", "other"):
        table.add_column(head, overflow="fold")
    table.add_column("bits", justify="right")
    table.add_column("")
    for step in found.steps:
        bar = ("+" if step.weight > 0 else "-") * min(20, max(1, round(abs(step.weight)))) if step.weight else ""
        table.add_row(step.field, step.level, step.ours, step.theirs, f"{step.weight:+.1f}", bar)
    table.add_row("sum", "", "", "", f"{sum(step.weight for step in found.steps):+.1f}", "")
    console.print(table)


@identity.command()
@_file
@_properties
@click.option("--start", type=_FILE, help="Weights to begin with; without it, those in force.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the weights are written (JSON).")
@click.option("--apply", "apply_", is_flag=True, help="Put them in force; the store is then settled anew by and by.")
@click.option("--processes", type=click.IntRange(1), help="Processes to work with; without it, one for each core.")
def fit(
    file: Path | None,
    properties: Path | None,
    start: Path | None,
    out: Path | None,
    apply_: bool,
    processes: int | None,
) -> None:
    """Learn weights from the inquiries on record (or in a file), without labels; what reviewers decided takes part.

    Prints how the weights moved. Nothing changes without --apply; `leadsvc identity what-if --weights FILE` says what
    would.
    """
    if apply_ and file is not None:
        raise click.UsageError("--apply is for weights learned from the store: leave --file out.")
    cores, now = Cores(processes), datetime.now(UTC)
    if file is not None:
        found = refitted(Record(read(file, properties, cores)), _model(start, None), cores, now)
        _fitted(found.model, _model(start, None), out)
        return
    services = as_configured()
    with services.store.read() as connection:
        before = _model(start, active_model(connection))
        found = refitted(on_record(connection), before, cores, now)
    _fitted(found.model, before, out)
    if apply_:
        with services.store.write(Commit.ADMIN) as connection:
            activate(connection, found.model, "command", now)
        click.echo(f"{found.model.version} is in force; `leadsvc settle` looks at everything under it.", err=True)


def _fitted(model: Model, before: Model, out: Path | None) -> None:
    told, was = model.to_json(), before.to_json()
    if out is not None:
        out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    table = Table(title=f"{before.version} -> {model.version}", box=None, pad_edge=False)
    for head in ("field", "level", "same", "household", "stranger"):
        table.add_column(head, justify="left" if head in {"field", "level"} else "right")
    for field, levels in told["same"].items():
        for level in levels:
            moved = (
                f"{was[kind][field][level]:.4f} -> {told[kind][field][level]:.4f}"
                for kind in ("same", "household", "stranger")
            )
            if level != "missing":
                table.add_row(field, level, *moved)
    for name in ("repeats", "mates"):
        table.add_row(name, "", f"{was[name]:.3f} -> {told[name]:.3f}", "", "")
    Console().print(table)


@identity.command("what-if")
@_file
@_properties
@_weights
@click.option("--join", type=click.FloatRange(LEAST, MOST), help="Another probability that joins.")
@click.option(
    "--threshold",
    "join",
    type=click.FloatRange(LEAST, MOST),
    help="The same as --join.",
)
@click.option("--review", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="… and that is reviewed.")
@click.option("--show", type=click.IntRange(0), default=10, show_default=True, help="Examples of either kind.")
@click.option("--processes", type=click.IntRange(1), help="Processes to work with; without it, one for each core.")
def what_if_(
    file: Path | None,
    properties: Path | None,
    weights: Path | None,
    join: float | None,
    review: float | None,
    show: int,
    processes: int | None,
) -> None:
    """Say what other weights or thresholds would change, before they do. Nothing is written."""
    cores = Cores(processes)
    if file is not None:
        record = Record(read(file, properties, cores))
        now = replace(_model(None, None), frequencies=record.columns.frequencies())
    else:
        with as_configured().store.read() as connection:
            record, now = on_record(connection), _model(None, active_model(connection))
    then = replace(_model(weights, now), frequencies=now.frequencies)
    join = then.join if join is None else join
    then = replace(then, join=join, review=min(join, then.review if review is None else review))
    _difference(record, what_if(record, now, then, cores), show)


def _difference(record: Record, found: Difference, show: int) -> None:
    console = Console()
    for what, (was, would) in (
        ("people", found.people),
        ("pairs to review", found.reviews),
        ("households proposed", found.households),
    ):
        console.print(f"{what}: {was} -> {would}")
    console.print(f"would be joined: {len(found.joined)}, would come apart: {len(found.parted)}")
    ids = record.columns.ids
    for head, pairs in (("joined", found.joined), ("apart", found.parted)):
        for one, other, compared in pairs[:show]:
            console.print(
                f"  {head} {ids[one]} {ids[other]} {compared.probability:.2f} {compared.sentence}", soft_wrap=True
            )


def _model(weights: Path | None, in_force: Model | None) -> Model:
    """The weights of a file with the frequencies in force; else those in force; else the shipped ones."""
    if weights is None:
        return in_force or Model.default()
    model = weights_of(weights)
    return replace(model, frequencies=in_force.frequencies) if in_force else model
