"""What a map can say about forms, JSON and XML: paths, questions, conditions, items, answers, what is no lead."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from leadsvc.fieldmap import check_file, load_maps
from leadsvc.model import Channel, Delivered, Reading, Verdict
from leadsvc.reading import read

NOW = datetime(2026, 2, 16, 14, tzinfo=UTC)
HEAD: dict[str, Any] = {
    "id": "sunny_feed",
    "version": 1,
    "owner": "web team",
    "source": "website",
    "contact_type": "form",
    "formats": ["form", "json", "xml"],
    "provenance": {"confidence": "inferred", "rests_on": ["our own form"]},
    "recognise": {"format": ["json", "xml", "form"]},
}


def written(folder: Path, **keys: Any) -> Path:
    file = folder / "sunny_feed.yaml"
    with file.open("w", encoding="utf-8") as out:
        YAML().dump({**HEAD, **keys}, out)
    return file


def reading(folder: Path, payload: Any, **keys: Any) -> Reading:
    file = written(folder, **keys)
    assert check_file(file) == []
    xml = isinstance(payload, str)
    body = payload.encode() if xml else json.dumps(payload).encode()
    kind = "application/xml" if xml else "application/json"
    return read(Delivered(body, kind, Channel.HTTP, NOW), load_maps(folder))


def test_address_and_number_in_each_others_field(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        {"who": "Rosa Diaz", "mail": "(212) 555-0101", "cell": "rosa@example.com"},
        fields={"name": [{"key": "who"}], "email": [{"key": "mail"}], "phone": [{"key": "cell"}]},
    )
    (lead,) = found.leads
    assert [each.value.address for each in lead.emails] == ["rosa@example.com"]
    assert [each.value.e164 for each in lead.phones] == ["+12125550101"]
    assert not lead.notes


def test_each_item_is_a_lead_and_can_look_at_the_whole(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        {
            "site": "Oakline",
            "rows": [{"mail": "a.b@example.com"}, {"mail": "none@none.com"}, {"mail": "c@example.com"}],
        },
        each={"jmespath": "rows"},
        fields={"email": {"key": "mail"}, "property_name": {"jmespath": "site", "whole": True}},
    )
    assert [lead.emails[0].value.address for lead in found.leads] == ["a.b@example.com", "c@example.com"]
    assert found.positions == (0, 2)
    assert [error.index for error in found.errors] == [1]
    assert found.leads[1].property_hints[0].value.text == "Oakline"


def test_a_payload_without_items_is_one(tmp_path: Path) -> None:
    found = reading(tmp_path, {"mail": "a.b@example.com"}, each={"jmespath": "rows"}, fields={"email": {"key": "mail"}})
    assert len(found.leads) == 1


def test_xpath_sees_ancestors_patterns_and_all_of_a_kind(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        '<x xmlns="urn:x"><site>Oakline</site><who Kind="Renter"><tel>7065550101</tel><tel>7065550102</tel></who></x>',
        each={"xpath": "//who[re:test(@Kind, '^renter$', 'i')]"},
        fields={"phone": {"xpath": "tel", "all": True}, "property_name": {"xpath": "../site"}},
    )
    assert [phone.value.e164 for phone in found.leads[0].phones] == ["+17065550101", "+17065550102"]
    assert found.leads[0].property_hints[0].value.text == "Oakline"


@pytest.mark.parametrize(
    ("answers", "payload"),
    [
        ([{"object": "form.data"}], {"form": {"data": {"E-Mail": "a.b@example.com"}}}),
        ([{"pairs": "rows[].[q, a]"}], {"rows": [{"q": "e_mail", "a": ["a.b@example.com"]}]}),
        ([{"titles": "shape[].[id, title]"}], {"f3": "a.b@example.com", "shape": [{"id": "F3", "title": "E mail"}]}),
        ([{"object": "@"}], {"fields[e_mail][value]": "a.b@example.com"}),
    ],
)
def test_answers_are_found_where_the_sender_keeps_them(tmp_path: Path, answers: Any, payload: Any) -> None:
    found = reading(tmp_path, payload, answers=answers, fields={"email": {"key": "email"}})
    assert found.leads[0].emails[0].value.address == "a.b@example.com"


def test_a_question_is_known_by_its_words(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        {"mail": "a.b@example.com", "bedOfRoses": "7", "How many bedrooms?": "2", "odd": "x"},
        fields={"email": {"key": "mail"}, "bedrooms": {"key_like": r"\bbed", "not_key": "roses"}},
    )
    assert found.leads[0].bedrooms is not None
    assert found.leads[0].bedrooms.raw == "2"
    assert found.leads[0].unused == ("odd",)


def test_an_alternative_can_have_a_condition_or_must_differ(tmp_path: Path) -> None:
    fields = {
        "phone": {"key": "tel"},
        "name": [{"key": "caller", "unlike": {"jmespath": "join(' ', [city, state])"}}],
        "contact_type": {"const": "text", "when": {"values": {"kind": "^sms"}}},
    }
    city = reading(
        tmp_path, {"tel": "7065550101", "caller": "MACON  GA", "city": "Macon", "state": "GA"}, fields=fields
    )
    assert city.leads[0].name is None
    assert city.leads[0].contact_type == "form"
    person = reading(tmp_path, {"tel": "7065550101", "caller": "LEE,ANN", "kind": "SMS"}, fields=fields)
    assert person.leads[0].name is not None
    assert person.leads[0].contact_type == "text"


def test_a_map_says_what_its_sender_sends_besides_leads(tmp_path: Path) -> None:
    refused = [{"cause": "outbound_call", "detail": "The office called.", "when": {"values": {"direction": "^out"}}}]
    found = reading(tmp_path, {"tel": "7065550101", "direction": "outbound"}, not_leads=refused)
    assert (found.verdict, found.cause) == (Verdict.NOT_LEAD, "outbound_call")


def test_an_advertiser_nobody_knows_is_noted(tmp_path: Path) -> None:
    fields = {"email": {"key": "mail"}, "source": [{"key": "site"}, {"key": "other"}]}
    known = reading(tmp_path, {"mail": "a.b@example.com", "site": "Sunny", "other": "Hot Pads"}, fields=fields)
    assert (known.leads[0].source, known.leads[0].notes) == ("hotpads", ())
    unknown = reading(tmp_path, {"mail": "a.b@example.com", "site": "Sunny"}, fields=fields)
    assert (unknown.leads[0].source, unknown.leads[0].notes) == ("website", ("source_unknown",))


def test_campaign_parameters_come_from_fields_groups_and_addresses(tmp_path: Path) -> None:
    page = "https://oakline.example.com/?utm_source=paper&utm_campaign=spring"
    payload = {"mail": "a.b@example.com", "page": page, "utm_source": "radio", "utm": {"term": "loft"}}
    found = reading(tmp_path, payload, fields={"email": {"key": "mail"}})
    assert found.leads[0].utm == {"source": "radio", "campaign": "spring", "term": "loft"}


def test_a_particular_map_is_preferred_to_a_general_one(tmp_path: Path) -> None:
    written(tmp_path, fields={"email": {"key": "mail"}})
    general = {**HEAD, "id": "any_form", "general": True, "fields": {"email": {"key": "mail"}}}
    with (tmp_path / "any_form.yaml").open("w", encoding="utf-8") as out:
        YAML().dump(general, out)
    body = b'{"mail": "a.b@example.com"}'
    found = read(Delivered(body, "application/json", Channel.HTTP, NOW), load_maps(tmp_path))
    assert found.map_id == "sunny_feed"


def test_common_fields_are_taken_over_and_can_be_overruled(tmp_path: Path) -> None:
    payload = {"email": "a.b@example.com", "comments": "hello", "name": "Oakline"}
    found = reading(tmp_path, payload, extends="form_fields", fields={"name": {"key": "who"}})
    assert found.leads[0].name is None
    assert found.leads[0].message is not None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"fields": {"email": {"jmespath": "a[?"}}}, "not a path"),
        ({"fields": {"email": {"xpath": "//a["}}}, "not a path"),
        ({"each": {"jmespath": "a."}}, "not a path"),
        ({"answers": [{"pairs": "a[b"}]}, "not a path"),
        ({"recognise": {"xpath": ["//a["]}}, "not a path"),
        ({"recognise": {"values": {"kind": "(["}}}, "not a regular expression"),
        ({"fields": {"email": {"key_like": "(["}}}, "not a regular expression"),
        ({"extends": "no_such_words"}, "there is no shared/no_such_words.yaml"),
        ({"not_leads": [{"cause": "spam", "when": {"keys": ["x"]}}]}, "'detail' is a required property"),
    ],
)
def test_faults_of_the_language_are_told(tmp_path: Path, keys: dict[str, Any], says: str) -> None:
    file = written(tmp_path, **keys)
    faults = check_file(file)
    assert len(faults) == 1
    assert says in faults[0]
    assert faults[0].startswith(f"{file}:")


def test_the_common_fields_are_good_themselves(tmp_path: Path) -> None:
    shared = Path(__file__).parents[2] / "mappings" / "shared" / "form_fields.yaml"
    assert check_file(written(tmp_path, **YAML(typ="safe").load(shared))) == []
