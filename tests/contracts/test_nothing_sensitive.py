"""Income, credit, employment and what tells a protected class never reach a lead, whichever map reads the payload:
every structured fixture is read again with such keys put beside its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from leadsvc.fieldmap import load_maps
from leadsvc.leadjson import to_json
from leadsvc.model import Channel, Delivered, Verdict
from leadsvc.normalize.sensitive import is_sensitive
from leadsvc.reading import read

FIXTURES = Path(__file__).parent.parent / "fixtures"
SECRET = "Zq7secret"
KEYS = (
    "annualIncome", "incomeYearly", "monthly_income", "creditScore", "Credit score", "credit_range", "employer",
    "employmentStatus", "Job title", "occupation", "ssn", "date_of_birth", "DOB", "religion", "maritalStatus",
    "Number of children", "disability", "race", "nationality", "smoker",
)  # fmt: skip


def _structured() -> Iterator[Any]:
    for path in sorted(FIXTURES.glob("*/*")):
        if path.suffix == ".form" or (path.suffix == ".json" and not path.name.endswith(".expected.json")):
            yield pytest.param(path, id=f"{path.parent.name}-{path.name}")


def _with_secrets(path: Path) -> tuple[bytes, str] | None:
    raw = path.read_bytes()
    if path.suffix == ".form":
        pairs = parse_qsl(raw.decode("utf-8", "replace").strip(), keep_blank_values=True)
        known = {key for key, _ in pairs}
        more = [(key, SECRET) for key in KEYS if key not in known]
        return urlencode([*pairs, *more]).encode(), "application/x-www-form-urlencoded"
    try:
        body = json.loads(raw)
    except ValueError:
        return None  # a fixture of broken JSON has no keys
    for holder in body if isinstance(body, list) else [body]:
        if isinstance(holder, dict):
            for key in KEYS:
                holder.setdefault(key, SECRET)
    return json.dumps(body).encode(), "application/json"


@pytest.mark.parametrize("path", _structured())
def test_no_map_lets_it_through(path: Path) -> None:
    sent = _with_secrets(path)
    if sent is None:
        return
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    reading = read(Delivered(sent[0], sent[1], Channel.HTTP, at), load_maps())
    if reading.verdict is not Verdict.LEADS:
        return
    for lead in reading.leads:
        assert SECRET not in json.dumps(to_json(lead), ensure_ascii=False)
        assert not [key for key in lead.unused if is_sensitive(key)]
        assert not [note for note in lead.notes if is_sensitive(note)]


@pytest.mark.parametrize("key", KEYS)
def test_such_keys_are_recognised(key: str) -> None:
    assert is_sensitive(key)


@pytest.mark.parametrize(
    "key",
    ["message", "agent", "Page URL", "packages", "email", "familyName", "first_name", "moveInDate", "language", "Stage",
     "incoming", "creditor_free", "occupants", "pets", "trace_id", "essex_tower", "family"],
)  # fmt: skip
def test_others_are_not(key: str) -> None:
    assert not is_sensitive(key)
