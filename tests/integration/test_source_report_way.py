"""The example of docs/reports.md through the whole pipeline: sent as leads, merged by a person, taken apart again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from leadsvc.faults import Commit
from leadsvc.store.tables import guest_cards, prospects
from tests.integration.api_support import Door, door
from tests.reportdata import Lot, utc

APART = {
    "zillow": [2, 1, 1, 1_000_000, 1_000_000, 1_000_000],
    "apartments_com": [1, 1, 1, 500_000, 500_000, 500_000],
    "website": [1, 1, 0, 500_000, 500_000, 500_000],
}
MERGED = {
    "zillow": [2, 1, 1, 1_000_000, 0, 333_334],
    "apartments_com": [1, 1, 0, 0, 500_000, 333_333],
    "website": [1, 1, 0, 0, 500_000, 333_333],
}
CREDIT = ("first", "last", "linear")


@pytest.fixture
def front(store_url: str, tmp_path: Path) -> Iterator[Door]:
    with door(store_url, tmp_path) as opened:
        lot = Lot()
        lot.place("Cedar Flats", "America/Chicago")
        with opened.services.store.write(Commit.ADMIN) as connection:
            lot.save(connection)
        opened.services.intake.forget_portfolio()
        yield opened


def lead(number: str, source: str, at: str, person: dict[str, Any]) -> dict[str, Any]:
    told = {"external_id": number, "source": source, "occurred_at": f"2026-03-{at}Z", "message": f"Question {number}"}
    return told | person | {"property": {"name": "Cedar Flats"}, "contact_type": "form"}


def figures(front: Door, reading: dict[str, str], **words: str) -> dict[str, list[int]]:
    asked = {"from": "2026-03", "to": "2026-03"} | words
    body = front.client.get("/v1/reports/sources", query_string=asked, headers=reading).json
    assert body is not None
    return {
        row["source"]: [
            *(row[name] for name in ("touches", "collapsed_touches", "leads")),
            *(row["credit_micros"][model] for model in CREDIT),
        ]
        for row in body["rows"]
    }


def test_the_example_of_the_handbook(front: Door) -> None:
    one = {"person": {"given": "Rosa", "family": "Example"}, "email": "rosa@example.com"}
    other = {"person": {"given": "R.", "family": "Sample"}, "email": "r.sample@example.org"}
    sent = [
        lead("a", "zillow", "10T15:00:00", one),
        lead("b", "zillow", "10T15:04:00", one),
        lead("c", "apartments_com", "12T18:00:00", other),
        lead("d", "website", "12T18:00:00", other),
    ]
    sending, reading = front.bearer("canonical"), front.staff()
    for each in sent:
        answer = front.client.post("/v1/leads", json=each, headers=sending)
        assert answer.json is not None
        assert answer.json["status"] == "accepted", answer.json
    assert figures(front, reading) == APART

    actions = front.services.actions
    survivor, loser = (card["key"] for card in _prospects(front))
    merge = actions.merge(loser, survivor, "tester")
    assert figures(front, reading) == MERGED

    card = next(row["key"] for row in front.rows(guest_cards) if row["root_id"] == row["id"])
    actions.record_outcome(card, "leased", utc("2026-04-01T04:59:59"), "tester")
    assert figures(front, reading, conversion="leased") == {
        source: [*counted, *MERGED[source][3:]] for source, (*counted, _, _, _) in MERGED.items()
    }
    assert figures(front, reading, conversion="leased", window="20")["website"][3:] == [500_000] * 3

    actions.unmerge(UUID(merge["decision"]), "tester")
    assert figures(front, reading) == APART


def _prospects(front: Door) -> list[dict[str, Any]]:
    return sorted(front.rows(prospects), key=lambda row: str(row["first_at"]))
