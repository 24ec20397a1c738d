"""``leadsvc maps learn``: a map proposed from payloads and what is expected of them."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import date
from pathlib import Path

import click

from leadsvc.cli.parse import delivered, moment_of
from leadsvc.errors import MapError, Quarantine
from leadsvc.fieldmap import check_file
from leadsvc.learning.propose import Proposal, lines, propose
from leadsvc.learning.samples import Sample, sample_of
from leadsvc.learning.write import map_text


@click.command()
@click.option("--id", "map_id", default="learned", show_default=True, help="Id of the map, which is its file's name.")
@click.option("--owner", default="integrations", show_default=True, help="Who is to look after the map.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write ID.yaml and fixtures/ID/ to; without it the map is printed.",
)
@click.argument("samples", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def learn(map_id: str, owner: str, out: Path | None, samples: tuple[Path, ...]) -> None:
    """Propose a field map from SAMPLES of one sender. Beside NAME.eml (or .json, .form, .xml …) its expected values
    stand in NAME.expected.json, in the keys that `leadsvc parse` prints.

    What could not be placed is said on standard error; exit status 1 when a value of any sample was not placed.
    """
    try:
        read = [_sample(file) for file in samples]
        proposal = propose(read, map_id, owner)
    except (MapError, Quarantine) as error:
        raise click.ClickException(str(error)) from error
    text = map_text(proposal.spec)
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, map_id, text, samples)
    for line in lines(proposal):
        click.echo(line, err=True)
    for key in proposal.missing:
        click.echo(f"could not be placed: {key}; say in the map where it stands", err=True)
    sys.exit(1 if _partial(proposal) else 0)


def _partial(proposal: Proposal) -> bool:
    return any(one.right < one.asserted for one in proposal.placed)


def _sample(file: Path) -> Sample:
    expected = file.with_name(f"{file.name.rpartition('.')[0]}.expected.json")
    try:
        wanted = json.loads(expected.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"{expected}: {error.strerror}; write there what {file.name} should give") from error
    except ValueError as error:
        raise click.ClickException(f"{expected}: not JSON: {error}") from error
    if not isinstance(wanted, dict):
        raise click.ClickException(f"{expected}: one JSON object is expected")
    try:
        return sample_of(
            file.stem, delivered(file, file.read_bytes(), moment_of(wanted.get("received_at")), None), wanted
        )
    except Quarantine as error:
        raise click.ClickException(f"{file}: {error.detail}") from error


def _write(out: Path, map_id: str, text: str, samples: tuple[Path, ...]) -> None:
    fixtures = out / "fixtures" / map_id
    fixtures.mkdir(parents=True, exist_ok=True)
    target = out / f"{map_id}.yaml"
    if target.exists():
        raise click.ClickException(f"{target} exists; choose another --id or remove it first")
    target.write_text(text, encoding="utf-8")
    for file in samples:
        shutil.copy(file, fixtures)
        shutil.copy(file.with_name(f"{file.stem}.expected.json"), fixtures)
        origin = (
            f'kind = "sample"\nmade = {date.today().isoformat()}\nlayout_rests_on = "{file.name} as given to learn"\n'
        )
        (fixtures / f"{file.stem}.origin.toml").write_text(origin, encoding="utf-8")
    faults = check_file(target)
    if faults:
        raise click.ClickException("\n".join(faults))
    click.echo(f"{target} and {fixtures} written", err=True)
