"""``leadsvc parse`` and ``leadsvc maps`` as an operator meets them."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from leadsvc.cli.maps import maps
from leadsvc.cli.parse import parse

FIXTURES = Path(__file__).parent.parent / "fixtures"
MAPPINGS = Path(__file__).parent.parent.parent / "mappings"
LEAD = FIXTURES / "zillow_callback" / "zillow_lead_api.form"
AUTOREPLY = FIXTURES / "not_leads" / "vacation_autoreply.eml"


def test_leads_and_other_things_both_end_well() -> None:
    result = CliRunner().invoke(parse, ["--received-at", "2026-02-02T15:00:00Z", str(LEAD), str(AUTOREPLY)])
    assert result.exit_code == 0
    lead, other = (json.loads(line) for line in result.stdout.splitlines())
    assert (lead["lead"], lead["map"], lead["first_name"]) == (True, "zillow_callback", "Nadia")
    assert (other["lead"], other["reason"], other["verdict"]) == (False, "autoreply", "not_lead")


def test_formats_are_told_by_content_when_the_name_says_nothing(tmp_path: Path) -> None:
    for source in (LEAD, AUTOREPLY, FIXTURES / "zillow_callback" / "json_twin.json"):
        bare = tmp_path / source.stem
        bare.write_bytes(source.read_bytes())
        known = CliRunner().invoke(parse, ["--received-at", "2026-02-02T15:00:00Z", str(source)])
        guessed = CliRunner().invoke(parse, ["--received-at", "2026-02-02T15:00:00Z", str(bare)])
        assert guessed.stdout == known.stdout


def test_an_unreadable_file_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    result = CliRunner().invoke(parse, [str(tmp_path / "gone.eml"), str(LEAD)])
    assert result.exit_code == 2
    assert "gone.eml" in result.stderr
    assert json.loads(result.stdout)["lead"] is True


def test_a_wrong_feed_or_time_is_a_usage_error() -> None:
    assert "no field map nowhere" in CliRunner().invoke(parse, ["--feed", "nowhere", str(LEAD)]).stderr
    assert "2026-02-03T09:30" in CliRunner().invoke(parse, ["--received-at", "monday", str(LEAD)]).stderr


def test_maps_are_listed_checked_and_tried() -> None:
    listed = CliRunner().invoke(maps, ["list"])
    assert "zillow_callback" in listed.stdout
    # All of them are checked in tests/contracts, pattern by pattern.
    files = [str(MAPPINGS / f"{name}.yaml") for name in ("zillow_callback", "canonical")]
    checked = CliRunner().invoke(maps, ["check", *files])
    assert checked.exit_code == 0, checked.stderr
    assert checked.stdout == "2 field maps are good\n"
    tried = CliRunner().invoke(maps, ["try", "--json", "--map", "zillow_callback", str(LEAD)])
    assert json.loads(tried.stdout)["rows"][0]["email"] == "nadia.farouk@example.com"
    shown = CliRunner().invoke(maps, ["try", "--map", "zillow_callback", str(LEAD)])
    assert "nadia.farouk@example.com" in shown.stdout
