"""``leadsvc maps fixtures``: the payloads a map is proven by, read again and held against what is expected of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from leadsvc.cli.parse import delivered, moment_of, rows
from leadsvc.fieldmap import FieldMap, MapSet, load_maps
from leadsvc.learning.judge import Verdict, judge
from leadsvc.reading import read

FEWEST = 2
_ASIDE = frozenset({"lead", "leads", "accept", "extra", "received_at", "reason", "message_contains", "message_absent"})
# What a fixture asserts when it is made from a reading; the rest differs from day to day or is no value of the lead.
_NOT_ASSERTED = frozenset({"lead", "map", "map_version", "confidence", "notes", "unused"})


@dataclass(frozen=True, slots=True)
class Fixture:
    """One payload and its expectation."""

    payload: Path
    wanted: dict[str, Any]


def fixtures_root(folder: Path | None) -> Path | None:
    """Where the fixtures of a folder of maps are: beside the maps, or in the checkout for those that ship; ``None`` for
    an installed package, which comes without them."""
    if folder is not None:
        return folder / "fixtures"
    ours = Path(str(files("leadsvc").joinpath("mappings"))).resolve().parent / "tests" / "fixtures"
    return ours if ours.is_dir() else None


def fixtures_of(root: Path, map_id: str) -> Iterator[Fixture]:
    """Every payload of a map with its expectation."""
    for expected in sorted((root / map_id).glob("*.expected.json")):
        name = expected.name.removesuffix(".expected.json")
        payload = next((f for f in sorted(expected.parent.glob(f"{name}.*")) if _is_payload(f)), None)
        if payload is not None:
            yield Fixture(payload, json.loads(expected.read_text(encoding="utf-8")))


def _is_payload(file: Path) -> bool:
    return not file.name.endswith((".expected.json", ".origin.toml"))


@click.command()
@click.option(
    "--maps", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of field maps."
)
@click.option(
    "--add", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Make a fixture of this file."
)
@click.option("--name", help="Name of the fixture to add; without it the file's.")
@click.option("--received-at", metavar="ISO", help="The time of reception of the payload to add.")
@click.argument("map_ids", nargs=-1)
def fixtures(
    folder: Path | None, add: Path | None, name: str | None, received_at: str | None, map_ids: tuple[str, ...]
) -> None:
    """Read the fixtures of MAP_IDS (default: all maps) and say which values differ from what is expected.

    With --add, a payload becomes a fixture of the map that reads it, expecting what is read now: look at every value
    before you commit it. People in a fixture must be invented.
    """
    loaded = load_maps(folder)
    root = fixtures_root(folder)
    if root is None:
        raise click.ClickException("the installed package has no fixtures; run this in a checkout, or name --maps")
    if add is not None:
        _add(root, loaded, add, name or add.stem, received_at)
        return
    wrong = 0
    for map_id in map_ids or tuple(loaded.maps):
        if map_id not in loaded.maps:
            raise click.BadParameter(f"no field map {map_id}; `leadsvc maps list` shows them", param_hint="MAP_IDS")
        wrong += _report(loaded, loaded.maps[map_id], root)
    sys.exit(1 if wrong else 0)


def _report(loaded: MapSet, one: FieldMap, root: Path) -> int:
    cases = list(fixtures_of(root, one.id))
    faults = [(case.payload.name, fault) for case in cases for fault in _faults(loaded, one, case)]
    asserted = {key for case in cases for lead in _leads(case.wanted) for key in lead}
    bare = [name for name in one.spec.get("fields", {}) if not _PROOF.get(name, {name}) & asserted]
    click.echo(
        f"{one.id:<28} {len(cases):>3} fixtures  {len(faults)} wrong"
        + (f"  unproven: {', '.join(bare)}" if bare else "")
    )
    for file, fault in faults:
        click.echo(f"  {file}: {fault}")
    return len(faults)


# Which expected keys prove a field of the map language.
_PROOF: dict[str, set[str]] = {
    "name": {"first_name", "last_name"}, "given": {"first_name"}, "family": {"last_name"},
    "co_applicant": {"co_applicants"}, "phone": {"phone_e164"}, "not_renter": {"email"}, "unit": {"unit_hint"},
    "floor_plan": {"floor_plan_hint"}, "bedrooms": {"bedrooms_min", "bedrooms_max"},
    "bathrooms": {"bathrooms_min", "bathrooms_max"}, "beds_baths": {"bedrooms_min", "bathrooms_min"},
    "move_in": {"move_in_date"}, "budget": {"budget_max", "budget_min"}, "budget_min": {"budget_min"},
    "budget_max": {"budget_max"}, "pets": {"has_pets"}, "pet_details": {"has_pets", "pet_details"},
    "lease_term": {"lease_term_months"}, "tour_slots": {"tour_requested_at"}, "tour_kind": {"tour_requested"},
    **{name: {"property_hint"} for name in (
        "property_id", "listing_id", "mailbox_tag", "property_name", "address", "street", "city", "state", "postal_code"
    )},
    **{f"consent_{purpose}": {"consents"} for purpose in ("text", "call", "email", "wording")},
}  # fmt: skip


def _leads(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    leads = wanted.get("leads", [wanted])
    return [lead for lead in leads if lead.get("lead") is not False]


def _faults(loaded: MapSet, one: FieldMap, case: Fixture) -> Iterator[str]:
    leads = _leads(case.wanted)
    at = moment_of(case.wanted.get("received_at") or next((lead.get("received_at") for lead in leads), None))
    got = rows(read(delivered(case.payload, case.payload.read_bytes(), at, None), loaded))
    if leads and (got[0]["lead"] is False or len(got) != len(leads)):
        yield f"expected {len(leads)} leads, got {sum(row['lead'] for row in got)} ({got[0].get('reason', '')})"
        return
    if not leads:
        if got[0]["lead"]:
            yield "expected no lead, got one"
        return
    for wanted, row in zip(leads, got, strict=True):
        if row["map"] != one.id:
            yield f"read by {row['map']}"
        for key in wanted:
            if key not in _ASIDE and judge(key, wanted, row) not in (Verdict.RIGHT, Verdict.OPEN):
                yield f"{key}: expected {wanted[key]!r}, got {row.get(key)!r}"


def _add(root: Path, loaded: MapSet, file: Path, name: str, received_at: str | None) -> None:
    at = moment_of(received_at)
    found = [row for row in rows(read(delivered(file, file.read_bytes(), at, None), loaded)) if row["lead"]]
    if not found:
        raise click.ClickException(f"no map reads {file}; see `leadsvc maps try {file}`")
    folder = root / found[0]["map"]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}{file.suffix}"
    if target.exists():
        raise click.ClickException(f"{target} exists; choose another --name")
    leads = [{"lead": True, **{k: v for k, v in row.items() if k not in _NOT_ASSERTED}} for row in found]
    wanted = (
        {**leads[0], "received_at": at.isoformat()}
        if len(leads) == 1
        else {"leads": leads, "received_at": at.isoformat()}
    )
    target.write_bytes(file.read_bytes())
    text = json.dumps(wanted, ensure_ascii=False, indent=2) + "\n"
    (folder / f"{name}.expected.json").write_text(text, encoding="utf-8")
    origin = f'kind = "synthetic"\nmade = {date.today().isoformat()}\nlayout_rests_on = "payload {file.name}"\n'
    (folder / f"{name}.origin.toml").write_text(origin, encoding="utf-8")
    click.echo(f"{target} written; check every value of {name}.expected.json")
