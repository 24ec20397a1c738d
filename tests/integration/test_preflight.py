"""``leadsvc destinations check``: what an account is missing, asked of a real (simulated) PMS over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from leadsvc.cli.destinations import destinations
from leadsvc.config import Account
from leadsvc.workers.deliver import around
from leadsvc.workers.preflight import Finding, preflight
from tests.benches.simpms import SimPmsBench


def account(bench: SimPmsBench) -> Account:
    profile = bench.profile
    return Account(
        name="pms",
        vendor="simpms",
        base_url=profile.base_url,
        api_key=profile.api_key,
        sources=profile.sources,
        fallback_source=profile.fallback_source,
        creates=("chd001",),
    )


def looked(asked: Account) -> list[Finding]:
    return list(preflight(asked, around, datetime.now(UTC)))


def wrong(asked: Account) -> list[str]:
    found = [each for each in looked(asked) if not each.ok]
    assert all(each.step for each in found), "whoever reads it is told what to do"
    return [each.what for each in found]


def test_an_account_that_is_ready(simpms: SimPmsBench) -> None:
    simpms.reset()
    found = looked(account(simpms))
    assert [each for each in found if not each.ok] == []
    said = " ".join(each.what for each in found)
    for part in ("takes the credentials", "clock", "unit list", "guest cards", "source names", "all of creates"):
        assert part in said
    assert {call["op"] for call in simpms.state()["requests"]} == {"check", "pull_config", "pull_outcomes"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": {"zillow": "Zilow.com"}}, "did you mean 'Zillow.com'"),
        ({"fallback_source": "Nothing like it"}, "no source of that name"),
        ({"creates": ("chd001", "chd01")}, "did you mean 'chd001'?"),
        ({"options": {"fallback_agent": "nobody"}}, "no such active agent"),
        ({"api_key": "wrong"}, "does not answer as it should"),
        ({"base_url": "http://127.0.0.1:9"}, "does not answer as it should"),
    ],
)
def test_what_is_missing_is_said(simpms: SimPmsBench, change: Mapping[str, object], said: str) -> None:
    simpms.reset()
    found = wrong(replace(account(simpms), **change))  # type: ignore[arg-type]  # one field at a time
    assert len(found) == 1, found
    assert said in found[0]


def test_a_right_that_is_missing_does_not_hide_the_rest(simpms: SimPmsBench) -> None:
    simpms.reset()
    simpms.fault("pull_outcomes", "status", status=403)
    found = wrong(replace(account(simpms), sources={"zillow": "Zilow.com"}))
    assert len(found) == 2
    assert "what becomes of guest cards cannot be read" in found[0]
    assert "Zilow.com" in found[1]


def test_the_command_says_it_and_exits_1(
    simpms: SimPmsBench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simpms.reset()
    file = tmp_path / "leadsvc.yaml"
    text = f'destinations:\n  pms: {{vendor: simpms, base_url: "{simpms.url}", api_key: "env:pms_key"'
    monkeypatch.setenv("LEADSVC_CONFIG", str(file))
    monkeypatch.setenv("LEADSVC_VAR", str(tmp_path))
    monkeypatch.setenv("pms_key", simpms.profile.api_key)
    file.write_text(text + ', fallback_source: "Unmapped - Review"}\n')
    done = CliRunner().invoke(destinations, ["check", "pms"])
    assert done.exit_code == 0, done.output
    assert "ready for leads" in done.output
    file.write_text(text + ', fallback_source: "Unmaped - Review"}\n')
    done = CliRunner().invoke(destinations, ["check", "pms"])
    assert done.exit_code == 1
    assert "did you mean 'Unmapped - Review'?" in done.output
    assert simpms.profile.api_key not in done.output
