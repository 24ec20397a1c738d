"""``leadsvc maps`` on real payloads and on a store: try, unused, fixtures, and what another version would change."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from leadsvc.app import build_services, prepare
from leadsvc.cli.maps import maps
from leadsvc.config import Feed, Settings
from leadsvc.model import Channel, Delivered
from tests.processes import ROOT

MAIL = ROOT / "tests" / "fixtures" / "zillow_group_mail" / "zillow_group.eml"
FORM = ROOT / "tests" / "fixtures" / "zillow_callback" / "zillow_lead_api.form"

AT = datetime(2026, 2, 10, 15, 0, tzinfo=UTC)


def run(*words: str, code: int = 0) -> str:
    told = CliRunner().invoke(maps, list(words))
    assert told.exit_code == code, told.output
    return told.output


def test_try_shows_value_origin_and_rule() -> None:
    told = json.loads(run("try", "--json", str(MAIL)))
    one = told["explained"][0]
    phone = next(value for value in one["values"] if value["field"] == "phones")
    assert (phone["raw"], phone["rule"]) == ("253.555.0108", "phone:e164")
    taken = [step for step in one["alternatives"] if step["field"] == "phone" and step["taken"]]
    assert taken
    assert all(step["found"] for step in taken)


def test_unused_shows_what_is_left_and_no_sensitive_answer() -> None:
    told = run("unused", str(MAIL), code=1)
    assert "New Contact" in told
    assert "$72500" not in told
    assert "700 to 719" not in told


def test_unused_shows_a_new_key(tmp_path: Path) -> None:
    payload = tmp_path / "lead.form"
    payload.write_bytes(FORM.read_bytes() + b"&favouriteColour=teal")
    assert run("unused", str(payload), code=1).strip() == "favouriteColour: teal"


def test_fixtures_tell_a_wrong_value(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    (folder / "fixtures" / "zillow_callback").mkdir(parents=True)
    shutil.copy(ROOT / "mappings" / "zillow_callback.yaml", folder)
    payload = tmp_path / "ada.form"
    payload.write_text("listingId=A1&name=Ada+Quinn&email=ada.quinn%40example.com&phone=918-555-0111")
    run("check", "--maps", str(folder), code=1)
    run("fixtures", "--maps", str(folder), "--add", str(payload), "--received-at", "2026-03-04T10:00:00+00:00")
    run("fixtures", "--maps", str(folder), "--add", str(payload), "--name", "again")
    assert "0 wrong" in run("fixtures", "--maps", str(folder), "zillow_callback")
    run("check", "--maps", str(folder))
    expected = folder / "fixtures" / "zillow_callback" / "ada.expected.json"
    expected.write_text(expected.read_text().replace("Quinn", "Quill"))
    assert "last_name: expected 'Quill', got 'Quinn'" in run("fixtures", "--maps", str(folder), code=1)


def test_diff_shows_what_another_version_would_read(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    text = (ROOT / "mappings" / "zillow_callback.yaml").read_text()
    (folder / "zillow_callback.yaml").write_text(text.replace("  message: [{key: message}, {key: introduction}]\n", ""))
    settings = Settings(tmp_path / "var", store_url, "test-secret-key")
    prepare(settings)
    body = Delivered(FORM.read_bytes(), "application/x-www-form-urlencoded", Channel.HTTP, AT)
    services = build_services(settings)
    services.receiver.receive(body, feed=Feed("zillow", map="zillow_callback"), authenticated="test")
    services.store.close()
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    same = run("diff", "--since", "2020-01-01")
    assert same.endswith("1 receipts read again, 0 would be read differently\n")
    told = run("diff", "--since", "2020-01-01", "--maps", str(folder), "--values")
    assert "message lost" in told
    assert told.endswith("1 receipts read again, 1 would be read differently\n")
