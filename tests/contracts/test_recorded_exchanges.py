"""Every recorded request reaches the operation it was recorded for, and the double answers as was recorded, byte for
byte; to a stranger it answers as the vendor does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.benches import LOCAL, WireBench, starter_of
from tests.contract_cases import FOLDER

VENDORS = ("entrata", "mri", "realpage", "rentmanager")
_PLACES = {"vendor": "LEADSVC", "subdomain": "example"}


@pytest.fixture(scope="module", params=VENDORS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireBench]:
    with starter_of(request.param)(tmp_path_factory.mktemp(request.param)) as started:
        assert isinstance(started, WireBench)
        yield started


def operations(vendor: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / vendor / "manifest.json").read_text(encoding="utf-8"))[
        "operations"
    ]
    return found


def sent(bench: WireBench, operation: dict[str, Any]) -> httpx2.Response:
    """The recorded request of an operation, sent to the double."""
    path = operation["path"]
    for name, value in _PLACES.items():
        path = path.replace(f"{{{name}}}", value)
    query = quote(operation.get("query") or "", safe="=&,;:.")
    body = (FOLDER / bench.vendor / operation["request"]).read_bytes() if operation.get("request") else None
    headers = {name: value for name, value in operation.get("headers", {}).items() if "{" not in value}
    url = f"{bench.url}{path}" + (f"?{query}" if query else "")
    return LOCAL.request(operation["method"], url, content=body, headers=headers)


def test_recorded_requests_and_answers(bench: WireBench) -> None:
    for operation in operations(bench.vendor):
        for case in operation["responses"]:
            body = (FOLDER / bench.vendor / case["body"]).read_bytes() if case.get("body") else b""
            headers = case.get("headers") or {}
            words = {"status": case["status"], "headers": headers, "body": body.decode()}
            bench.control("POST", "faults", [{"op": operation["op"], "mode": "replay", **words}])
            answer = sent(bench, operation)
            where = f"{operation['op']} {case['case']}"
            assert (answer.status_code, answer.content) == (case["status"], body), where
            assert {name: answer.headers.get(name) for name in headers} == headers, where
        assert bench.state()["faults_left"] == 0, operation["op"]


def test_strangers_are_refused_in_the_vendors_way(bench: WireBench) -> None:
    for operation in operations(bench.vendor):
        answer = sent(bench, operation)
        refused = answer.status_code in (401, 403, 500) or b"401" in answer.content
        assert refused, (operation["op"], answer.status_code, answer.content[:200])
