"""The PMS's configuration, read on a schedule: history, former names, and what of ours a change there breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from leadsvc.config import Settings
from leadsvc.pipeline.sync import Synced
from leadsvc.store.tables import config_changes, exceptions, inquiries, properties, remote_names
from leadsvc.workers.accounts import profile
from leadsvc.workers.syncing import sync
from tests.benches.simpms import SimPmsBench
from tests.renters import Office
from tests.world import running_world


def there(office: Office, kind: str, item: str, **values: object) -> None:
    office.world.pms.control("POST", f"config/{kind}/{item}", values)


def read_again(office: Office, believe: bool = False) -> Synced:
    return sync(office.world.services, profile(office.world.settings.accounts["pms"]), believe=believe)


def history(office: Office) -> list[tuple[str, str, str]]:
    rows = sorted(office.world.rows(config_changes), key=lambda row: (row["at"], row["kind"], row["remote_id"]))
    return [(row["kind"], row["remote_id"], row["what"]) for row in rows]


def open_causes(office: Office) -> list[str]:
    still = exceptions.c.resolved_at.is_(None) & (exceptions.c.subject_kind == "configuration of pms")
    return sorted(row["cause"] for row in office.world.rows(exceptions, still))


def test_the_first_reading_is_no_change(office: Office) -> None:
    assert history(office) == []
    assert read_again(office).changes == ()


def test_what_changed_is_kept_and_said(office: Office) -> None:
    there(office, "agent", "ben", active=False)
    there(office, "property", "chd001", name="Cedar Hollow on Main")
    done = read_again(office)
    assert history(office) == [("agent", "ben", "retired"), ("property", "chd001", "renamed")]
    said = {each.sentence for each in done.changes}
    assert "property chd001 was 'Cedar Hollow' and is 'Cedar Hollow on Main' now" in said
    assert read_again(office).changes == ()
    office.forward(minutes=1)
    there(office, "agent", "ben", active=True)
    read_again(office)
    assert history(office)[-1] == ("agent", "ben", "revived")


def test_a_property_answers_to_its_former_name(office: Office) -> None:
    old = office.world.rows(properties, properties.c.remote_id == "chd001")[0]["name"]
    there(office, "property", "chd001", name="The Larkspur")
    read_again(office)
    office.lead("a", email="rosa@example.com", home=old)
    office.lead("b", "Ken Mori", "ken@example.com", home="The Larkspur")
    homes = {row["property_id"] for row in office.world.rows(inquiries)}
    assert homes == {office.world.rows(properties, properties.c.remote_id == "chd001")[0]["id"]}


def test_a_retired_source_name_is_an_exception_before_a_lead_and_closes_itself(office: Office) -> None:
    there(office, "source", "Zillow.com", active=False)
    done = read_again(office)
    assert open_causes(office) == ["source_gone"]
    assert "Zillow.com" in done.broken[0].detail
    read_again(office)
    assert open_causes(office) == ["source_gone"], "asked once"
    there(office, "source", "Zillow.com", active=True)
    read_again(office)
    assert open_causes(office) == []


def test_a_missing_fallback_is_said(office: Office) -> None:
    there(office, "source", "Unmapped - Review", active=False)
    read_again(office)
    assert open_causes(office) == ["fallback_gone"]


def test_lists_that_lost_most_are_not_believed_unless_a_person_says_so(office: Office) -> None:
    with office.world.services.store.read() as connection:
        names = list(connection.execute(select(remote_names.c.name)).scalars())
    for name in names:
        there(office, "source", name, active=False)
    done = read_again(office)
    assert done.refused
    assert open_causes(office) == ["config_shrunk"]
    assert history(office) == []
    assert not read_again(office, believe=True).refused
    assert {what for _, _, what in history(office)} == {"retired"}
    assert "config_shrunk" not in open_causes(office)


def test_the_sweep_reads_it_when_it_is_due_and_once(office: Office) -> None:
    office.settle()
    there(office, "agent", "ben", active=False)
    office.forward(hours=23)
    office.settle()
    assert history(office) == []
    office.forward(hours=1, minutes=1)
    office.settle()
    office.settle()
    assert history(office) == [("agent", "ben", "retired")]


def test_a_pms_that_does_not_answer_changes_nothing(office: Office) -> None:
    office.settle()
    before = office.world.rows(properties)
    office.forward(hours=25)
    office.world.pms.fault("*", "status", status=500, times=3)
    office.settle()
    assert office.world.rows(properties) == before
    office.world.pms.control("DELETE", "faults")
    assert replace(read_again(office), counts={}) == Synced({})


def test_what_the_settings_say_of_properties_completes_the_list(
    store_url: str,
    tmp_path: Path,
    simpms: SimPmsBench,
) -> None:
    said: dict[str, dict[str, Any]] = {
        "olf": {"time_zone": "America/Denver", "aliases": ["The Old Mill"]},
        "elm": {"name": "Elm Court", "time_zone": "America/Chicago", "address": {"street": "12 Elm Ct"}},
    }

    def configure(settings: Settings) -> Settings:
        return replace(settings, accounts={"pms": replace(settings.accounts["pms"], properties=said)})

    with running_world(store_url, tmp_path, simpms, configure=configure) as world:
        rows = {row["remote_id"]: row for row in world.rows(properties)}
        assert (rows["olf"]["time_zone"], rows["olf"]["name"]) == ("America/Denver", "Oakline Lofts")
        assert (rows["elm"]["name"], rows["elm"]["street"], rows["elm"]["active"]) == ("Elm Court", "12 Elm Ct", True)
        office = Office(world)
        office.lead("a", email="rosa@example.com", home="The Old Mill")
        assert office.inquiry("a").property_id == rows["olf"]["id"]
