"""Faults of field maps are told where they stand; maps of a folder can be used in place of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadsvc.errors import MapError
from leadsvc.fieldmap import check_file, load_maps

GOOD = """id: sunny_form
version: 1
owner: web team
source: website
contact_type: form
formats: [form, json]
provenance: {confidence: inferred, rests_on: [our own form]}
recognise: {keys: [sunny_id]}
fields:
  name: {key: who}
  email: {key: mail}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "sunny_form.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_good_map_has_no_faults(tmp_path: Path) -> None:
    assert check_file(written(tmp_path, GOOD)) == []
    assert list(load_maps(tmp_path).maps) == ["sunny_form"]


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("owner: web team\n", "", "1:1", "'owner' is a required property"),
        ("provenance: {confidence: inferred, rests_on: [our own form]}\n", "", "1:1", "'provenance'"),
        ("{key: who}", "{key: who, convert: [shout]}", "10:29", "unknown converter shout"),
        ("{key: who}", '{key: who, match: "(["}', "10:27", "not a regular expression"),
        ("  email:", "  e_mail:", "11:11", "unknown field e_mail"),
        ("{key: who}", "{kee: who}", "10:9", "'kee' was unexpected"),
        ("contact_type: form", "contact_type: pigeon", "5:15", "'pigeon' is not one of"),
        ("source: website", "source: moon", "4:9", "no source moon"),
        ("id: sunny_form", "id: rainy_form", "1:5", "the file's name, sunny_form"),
        ("{key: who}", '{json: "a[b[c"}', "10:16", "not a step of a path"),
        ("version: 1", "version: [1", "3:6", "expected"),
    ],
)
def test_faults_name_line_and_column(tmp_path: Path, old: str, new: str, place: str, says: str) -> None:
    assert old in GOOD
    file = written(tmp_path, GOOD.replace(old, new))
    fault = check_file(file)[0]
    assert fault.startswith(f"{file}:")
    assert says in fault
    assert f":{place}:" in fault
    with pytest.raises(MapError, match=r"sunny_form\.yaml:\d+:\d+: "):
        load_maps(tmp_path)


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no field maps"):
        load_maps(tmp_path)
