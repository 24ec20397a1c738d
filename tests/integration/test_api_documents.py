"""The OpenAPI document, the page made from it, health, and the wording of errors."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import Page
from sqlalchemy import text
from werkzeug.serving import make_server

from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.store.tables import receipts
from tests.integration.api_support import Door, door
from tests.processes import free_port


@pytest.fixture
def api(sqlite_database: str, tmp_path: Path) -> Iterator[Door]:
    with door(sqlite_database, tmp_path) as opened:
        yield opened


def test_the_document_is_valid(api: Door) -> None:
    answer = api.client.get("/openapi.json")
    document = answer.get_json()
    assert document["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    again = api.client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_every_route_is_described(api: Door) -> None:
    document = api.client.get("/openapi.json").get_json()
    told = {
        (path, method) for path, methods in document["paths"].items() for method in methods if method != "parameters"
    }
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith(("/v1/", "/healthz", "/readyz"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == served


def test_every_operation_says_enough(api: Door) -> None:
    document = api.client.get("/openapi.json").get_json()
    schemes = document["components"]["securitySchemes"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            assert operation["summary"], path
            assert "200" in operation["responses"], path
            failure = operation["responses"]["default"]
            assert failure["$ref"] == "#/components/responses/DEFAULT_ERROR", path
            assert all(name in schemes for each in operation["security"] for name in each), path
            if method == "post" and path.startswith(("/v1/leads", "/v1/hooks")):
                assert operation["requestBody"]["content"], path
                assert operation["responses"]["200"]["content"]["application/json"]["example"], path
    assert "application/problem+json" in document["components"]["responses"]["DEFAULT_ERROR"]["content"]


def test_the_page_needs_nothing_from_elsewhere(api: Door) -> None:
    answer = api.client.get("/docs")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not re.search(r"<script|\son\w+=|style=|javascript:", html)
    assert set(re.findall(r'(?:src|href)="([^#"][^"]*)"', html)) == {"/docs/static/docs.css", "/openapi.json"}
    with api.client.get("/docs/static/docs.css") as style:
        assert style.status_code == 200
    document = api.client.get("/openapi.json").get_json()
    assert all(path.replace("<", "&lt;") in html for path in document["paths"])


def test_every_problem_leads_to_its_explanation(api: Door) -> None:
    html = api.client.get("/docs").get_data(as_text=True)
    client, key = api.client, api.bearer()
    problems = [
        client.post("/v1/leads/website"),
        client.post("/v1/leads/small", headers=key),
        client.post("/v1/leads/website", headers=api.staff()),
        client.get("/v1/guest-cards", headers=key),
        client.post("/v1/leads/small", headers=api.bearer("small"), data=b"x" * 2000),
        client.get("/v1/nothing"),
        client.post("/v1/receipts"),
        client.put("/v1/leads"),
        client.get("/v1/guest-cards?limit=9999", headers=api.staff()),
        client.get("/v1/guest-cards?cursor=nonsense", headers=api.staff()),
        client.get("/v1/guest-cards?property=nowhere", headers=api.staff()),
        client.post("/v1/prospects/P-22222222/merge", headers=api.staff("staff:write"), data=b"{"),
    ]
    assert [answer.status_code for answer in problems] == [401, 403, 403, 403, 413, 404, 404, 405, 422, 400, 404, 400]
    for answer in problems:
        told = answer.get_json()
        assert answer.mimetype == "application/problem+json"
        assert told["status"] == answer.status_code
        assert len(told["detail"]) > 20
        assert f'id="{told["type"].partition("#")[2]}"' in html, told["code"]
    assert problems[7].headers["Allow"]
    assert problems[8].get_json()["errors"][0]["pointer"] == "#/query/limit"


def test_pages_keep_their_own_errors(api: Door) -> None:
    assert api.client.get("/no-such-page").mimetype != "application/problem+json"


def test_alive_and_ready(api: Door) -> None:
    for path in ("/healthz", "/readyz"):
        answer = api.client.get(path)
        assert (answer.status_code, answer.get_json()) == (200, {"status": "ready", "problems": []})


def test_an_old_schema_is_not_ready(api: Door) -> None:
    with api.services.store.write(Commit.ADMIN) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = api.client.get("/readyz")
    assert answer.status_code == 503
    (trouble,) = answer.get_json()["problems"]
    assert trouble["code"] == "schema"
    assert "leadsvc serve" in trouble["next"]


def test_what_nobody_reads_is_degraded_but_still_takes_leads(api: Door) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=10)
    with api.services.store.write(Commit.ADMIN) as connection:
        row = {
            "id": uuid7(),
            "received_at": long_ago,
            "feed": "website",
            "channel": "http",
            "body": b"",
            "body_sha256": "",
        }
        connection.execute(receipts.insert().values(row))
    answer = api.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "degraded"
    assert [trouble["code"] for trouble in answer.get_json()["problems"]] == ["unread"]


def test_a_changed_secret_key_is_said(sqlite_database: str, tmp_path: Path) -> None:
    with door(sqlite_database, tmp_path) as before:
        made = before.key("hmac")
        assert before.client.get("/readyz").get_json()["status"] == "ready"
    with door(sqlite_database, tmp_path, SECRET_KEY="another key of the deployment") as after:
        told = after.client.get("/readyz").get_json()
    assert (told["status"], told["problems"][0]["code"]) == ("degraded", "signing")
    assert made.row["prefix"] in told["problems"][0]["detail"]


def test_database_away(sqlite_database: str, tmp_path: Path) -> None:
    with door(sqlite_database, tmp_path) as api:
        headers = api.bearer()
        assert api.client.post("/v1/leads/website", data=b"x=1", headers=headers).status_code == 200
        # A directory where the file was: SQLite says that it cannot open it, as a network store would.
        api.services.store.engine.dispose()
        file = Path(sqlite_database.removeprefix("sqlite:///"))
        for each in file.parent.iterdir():
            each.unlink()
        file.mkdir()
        refused = api.client.post("/v1/leads/website", data=b"x=2", headers=headers)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert refused.get_json()["code"] == "unavailable"
        ready = api.client.get("/readyz")
        assert (ready.status_code, ready.get_json()["problems"][0]["code"]) == (503, "database")
        assert api.client.get("/healthz").status_code == 200


@pytest.mark.slow
def test_the_page_is_readable_in_a_browser_and_on_a_phone(api: Door, page: Page) -> None:
    port = free_port()
    server = make_server("127.0.0.1", port, api.app)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    try:
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(f"http://127.0.0.1:{port}/docs")
        assert page.locator("h2").count() >= 5
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("code", has_text="/v1/leads/{feed}").first.is_visible()
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
    assert [line for line in complaints if "favicon" not in line and "404" not in line] == []
