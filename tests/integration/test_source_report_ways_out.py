"""The source report by command and by API: the same figures, read back as a program and a spreadsheet read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from leadsvc.cli.report import report
from leadsvc.faults import Commit
from leadsvc.reports import formats
from leadsvc.store import Store
from tests.integration.api_support import Door, door
from tests.reportdata import Lot, utc

HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", 'a,"b"\r\nc', "[red]\x1b[31m")
MARCH = {"from": "2026-03", "to": "2026-03"}
WANTED = ["--from", "2026-03", "--to", "2026-03"]


@pytest.fixture
def filled(sqlite_database: str) -> str:
    """A store with a lead of each hostile campaign, one repeat, one lease, one relay-only lead without property."""
    lot = Lot()
    cedar = lot.place("=Cedar", "America/Chicago")
    lot.source("zillow", "Zillow")
    for campaign in HOSTILE:
        lot.touch(lot.card(lot.person(), cedar), "zillow", utc("2026-03-10T12:00"), campaign)
    card = lot.card(lot.person(), cedar, "GC-22222222")
    lot.touch(card, "zillow", utc("2026-03-10T12:00"))
    lot.touch(card, "zillow", utc("2026-03-10T13:00"))
    lot.touch(card, "website", utc("2026-03-11T12:00"))
    lot.touch(card, "google", utc("2026-03-12T12:00"))
    lot.outcome(card, "leased", utc("2026-03-20T12:00"))
    lot.touch(lot.card(lot.person("thread", "relay"), None), "zillow", utc("2026-03-10T12:00"))
    store = Store(sqlite_database)
    with store.write(Commit.ADMIN) as connection:
        lot.save(connection)
    store.close()
    return sqlite_database


@pytest.fixture
def front(filled: str, tmp_path: Path) -> Iterator[Door]:
    with door(filled, tmp_path) as opened:
        yield opened


def command(url: str, *arguments: str) -> str:
    environ = {"LEADSVC_DATABASE_URL": url, "LEADSVC_VAR": str(Path(url.partition("///")[2]).parent)}
    done = CliRunner().invoke(report, ["sources", *arguments], env=environ, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout_bytes.decode()


def test_api_json_and_its_cards(front: Door) -> None:
    reading = front.staff()
    answer = front.client.get("/v1/reports/sources", query_string=MARCH, headers=reading)
    body = answer.json
    assert answer.status_code == 200
    assert body is not None
    assert (body["conversions"], body["totals"]["leads"], body["totals"]["touches"]) == (12, 12, 15)
    assert body["totals"]["credit_micros"] == dict.fromkeys(("first", "last", "linear"), 12_000_000)
    assert body["totals"]["unidentified_share_micros"] == 83_333
    assert body["window_days"] == 60
    assert {"As of", "Window", "Scope", "Collapse", "Models", "Months"} <= body["header"].keys()
    for row in body["rows"]:
        words = MARCH | {name: row[name] for name in ("month", "property", "source", "campaign")}
        cards = front.client.get("/v1/reports/sources/guest-cards", query_string=words, headers=reading).json
        assert cards is not None
        assert sum(card["touches"] for card in cards["guest_cards"]) == row["touches"]
        assert sum(card["credit_micros"]["linear"] for card in cards["guest_cards"]) == row["credit_micros"]["linear"]


def test_a_lease_is_shared_in_thirds_that_add_up(front: Door) -> None:
    words = MARCH | {"conversion": "leased", "model": "linear"}
    body = front.client.get("/v1/reports/sources", query_string=words, headers=front.staff()).json
    assert body is not None
    shares = {row["source"]: row["credit_micros"] for row in body["rows"] if row["credit_micros"]["linear"]}
    assert shares == {"zillow": {"linear": 333_334}, "website": {"linear": 333_333}, "google": {"linear": 333_333}}


def test_csv_is_the_same_data_and_starts_no_formula(front: Door, filled: str) -> None:
    answer = front.client.get("/v1/reports/sources", query_string=MARCH | {"format": "csv"}, headers=front.staff())
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    assert "attachment" in answer.headers["Content-Disposition"]
    served = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    printed = list(csv.DictReader(io.StringIO(command(filled, *WANTED, "--format", "csv"), newline="")))
    told = json.loads(command(filled, *WANTED, "--format", "json"))["rows"]
    assert len(served) == len(printed) == len(told)
    for row, again, meant in zip(served, printed, told, strict=True):
        assert row | {"as_of": ""} == again | {"as_of": ""}
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for value in row.values())
        assert row["campaign"].removeprefix("'") == meant["campaign"]
        assert int(row["touches"]) == meant["touches"]
        assert {name: int(row[f"{name}_micros"]) for name in ("first", "last", "linear")} == meant["credit_micros"]
    assert {row["campaign"].removeprefix("'") for row in served} == {*HOSTILE, ""}
    assert answer.text.count("\r\n") >= len(served) + 1


def test_table_says_how_it_counts_and_cannot_be_steered(filled: str) -> None:
    text = command(filled, *WANTED)
    for word in ("As of", "America/Chicago", "60 days", "24 h", "first, last, linear", "Zillow", "12.000000"):
        assert word in text
    assert "\x1b" not in text
    assert "[red]�[31m" in text


def test_an_empty_month_says_what_to_do(filled: str) -> None:
    assert "Ask for others with --from" in command(filled, "--from", "2020-01", "--to", "2020-01")
    assert command(filled, "--from", "2020-01", "--to", "2020-01", "--format", "csv").count("\r\n") == 1


def test_unplaced_alone(front: Door) -> None:
    body = front.client.get(
        "/v1/reports/sources", query_string=MARCH | {"property": "unplaced"}, headers=front.staff()
    ).json
    assert body is not None
    assert [(row["property"], row["time_zone"], row["unidentified_leads"]) for row in body["rows"]] == [
        ("unplaced", "UTC", 1)
    ]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"from": "2026-13"}, 422),
        ({"from": "March"}, 422),
        ({"from": "2026-04", "to": "2026-03"}, 422),
        ({"from": "1990-01", "to": "2026-03"}, 422),
        ({"window": "-1"}, 422),
        ({"window": "٣"}, 422),
        ({"window": "99999"}, 422),
        ({"scope": "galaxy"}, 422),
        ({"model": "shapley"}, 422),
        ({"conversion": "lost"}, 422),
        ({"format": "pdf"}, 422),
        ({"property": "no such"}, 404),
    ],
)
def test_what_cannot_be_asked_is_a_problem_that_says_what_to_do(
    front: Door, words: dict[str, Any], status: int
) -> None:
    answer = front.client.get("/v1/reports/sources", query_string=words, headers=front.staff())
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["detail"]


def test_feeds_read_no_reports(front: Door) -> None:
    assert front.client.get("/v1/reports/sources").status_code == 401
    assert front.client.get("/v1/reports/sources", headers=front.bearer()).status_code == 403


def test_decimals_are_exact() -> None:
    assert [formats.decimal(micros) for micros in (0, 1, 2_500_000)] == ["0.000000", "0.000001", "2.500000"]
    assert formats.instant(datetime(2026, 3, 31, tzinfo=UTC)) == "2026-03-31T00:00:00Z"
