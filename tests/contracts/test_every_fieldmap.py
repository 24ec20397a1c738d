"""What every field map promises, tried with every fixture: one map claims it, and every expected value is right."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from leadsvc.cli.parse import delivered, rows
from leadsvc.fieldmap import MapSet, check_file, load_maps
from leadsvc.model import Verdict
from leadsvc.normalize.records import MailRecord, Record
from leadsvc.parsers import email_mime, records, xml_body
from leadsvc.reading import read

FIXTURES = Path(__file__).parent.parent / "fixtures"
MAPPINGS = Path(__file__).parent.parent.parent / "mappings"
# Helper keys of an expectation, not values of a lead.
_HELPERS = {"lead", "accept", "extra", "received_at", "reason", "message_contains", "message_absent"}
_NOT_LEADS = "not_leads"


@cache
def maps() -> MapSet:
    return load_maps()


def _cases() -> Iterator[Any]:
    folders = [*maps().maps, _NOT_LEADS]
    for folder in folders:
        for expected in sorted((FIXTURES / folder).glob("*.expected.json")):
            name = expected.name.removesuffix(".expected.json")
            sample = next(file for file in (FIXTURES / folder).glob(f"{name}.*") if file.name in _payloads(name))
            yield pytest.param(folder, sample, expected, id=f"{folder}-{name}")


def _payloads(name: str) -> set[str]:
    return {f"{name}.{extension}" for extension in ("form", "json", "eml", "xml", "csv")}


CASES = list(_cases())


def received_at(want: dict[str, Any]) -> datetime:
    one = want["leads"][0] if "leads" in want else want
    return datetime.fromisoformat(one["received_at"]) if "received_at" in one else datetime(2026, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(("folder", "sample", "expected"), CASES)
def test_every_expected_value(folder: str, sample: Path, expected: Path) -> None:
    want = json.loads(expected.read_text(encoding="utf-8"))
    reading = read(delivered(sample, sample.read_bytes(), received_at(want), None), maps())
    got = rows(reading)
    if want.get("lead") is False:
        assert reading.verdict is not Verdict.LEADS
        assert got[0]["reason"] == want["reason"]
        return
    assert reading.verdict is Verdict.LEADS, (reading.cause, reading.detail)
    wanted = want.get("leads", [want])
    assert len(got) == len(wanted)
    for one, row in zip(wanted, got, strict=True):
        assert row["map"] == folder
        assert differences(one, row) == {}


def differences(one: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What is wrong in ``row``: each key with what was wanted and what came."""
    wrong = {key: (value, row.get(key)) for key, value in one.items() if not _right(key, value, row, one)}
    message = row["message"] or ""
    if strange := [part for part in one.get("message_absent", []) if part.casefold() in message.casefold()]:
        wrong["message_absent"] = (strange, message)
    if missing := [part for part in one.get("message_contains", []) if part not in message]:
        wrong["message_contains"] = (missing, message)
    return wrong


def _right(key: str, want: Any, row: dict[str, Any], one: dict[str, Any]) -> bool:
    if key in _HELPERS:
        return True
    got = row[key]
    options = [want, *one.get("accept", {}).get(key, [])]
    if key == "property_hint" and want is not None:
        return any(str(option).casefold() in str(got).casefold() for option in options)
    if key == "message" and want is not None:
        return _collapsed(want) == _collapsed(got)
    return got in options


def _collapsed(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


@pytest.mark.parametrize(("folder", "sample", "expected"), CASES)
def test_exactly_one_map_claims_a_lead(folder: str, sample: Path, expected: Path) -> None:
    want = json.loads(expected.read_text(encoding="utf-8"))
    payload = delivered(sample, sample.read_bytes(), received_at(want), None)
    claiming: set[str] = set()
    for record in records(payload.body, payload.content_type, {}):
        for candidate in _with_forwarded(record):
            claiming.update(one.id for one in maps().claiming(candidate, None))
    assert len(claiming) <= 1
    if want.get("lead") is not False:
        assert claiming == {folder}
        # A feed that is set to another map must not be given this payload's lead.
        for other in maps().maps:
            if other not in (folder, "canonical") and not maps().maps[other].general:
                assert read(replace(payload, map_hint=other), maps()).verdict is Verdict.QUARANTINE


def _with_forwarded(record: Record) -> Iterator[Record]:
    """``record``, XML in it, and the mails somebody forwarded in it, in its text or attached."""
    yield record
    if isinstance(record, MailRecord):
        if (document := xml_body.in_mail(record)) is not None:
            yield document
        if (inner := record.unwrapped(email_mime.mailbox)) is not None:
            yield from _with_forwarded(inner)
        for attached in record.attached:
            yield from _with_forwarded(email_mime.read(attached, {}))


@pytest.mark.parametrize("map_id", list(maps().maps))
def test_every_map_is_owned_and_proven(map_id: str) -> None:
    one = maps().maps[map_id]
    assert one.owner
    assert one.rests_on
    folder = FIXTURES / map_id
    assert len(list(folder.glob("*.expected.json"))) >= 6, f"{folder} needs at least six cases"
    assert check_file(MAPPINGS / f"{map_id}.yaml") == []


@pytest.mark.parametrize(("folder", "sample", "expected"), CASES)
def test_every_fixture_says_where_it_comes_from(folder: str, sample: Path, expected: Path) -> None:
    origin = tomllib.loads(expected.with_name(sample.stem + ".origin.toml").read_text(encoding="utf-8"))
    assert origin["kind"] in ("real", "synthetic")
    assert origin["layout_rests_on"]


@pytest.mark.parametrize(("folder", "sample", "expected"), CASES)
def test_sensitive_answers_never_reach_a_lead(folder: str, sample: Path, expected: Path) -> None:
    want = json.loads(expected.read_text(encoding="utf-8"))
    shown = json.dumps(rows(read(delivered(sample, sample.read_bytes(), received_at(want), None), maps())))
    for secret in ("47000", "creditScore", "660 to 719", "700 to 719", "$50400", "72500", "61000", "88000", "58000"):
        assert secret not in shown
