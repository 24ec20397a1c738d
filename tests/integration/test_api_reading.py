"""Reading and acting: who sees what, paging, ETags, audit, and the actions of staff scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from leadsvc.faults import Commit
from leadsvc.ids import uuid7
from leadsvc.store.tables import audit, outcomes, properties
from tests.integration.api_support import Door, door
from tests.system import people

LEAD: dict[str, Any] = {
    "email": "rosa@example.com",
    "person": {"given": "Rosa", "family": "Example"},
    "property": {"name": "Cedar Flats"},
    "source": "zillow",
    "message": "Is it free?",
}


@pytest.fixture
def api(store_url: str, tmp_path: Path) -> Iterator[Door]:
    with door(store_url, tmp_path) as opened:
        yield opened


def lead(api: Door, **changes: Any) -> str:
    """Send a lead; returns the id of its receipt."""
    answer = api.client.post("/v1/leads", json=LEAD | changes, headers=api.bearer("canonical"))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    receipt: str = answer.get_json()["receipt"]
    return receipt


def get(api: Door, path: str, headers: dict[str, str] | None = None, status: int = 200) -> Any:
    answer = api.client.get(path, headers=headers or api.staff())
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def post(api: Door, path: str, body: Any, status: int = 200, scope: str = "staff:write") -> Any:
    answer = api.client.post(path, json=body, headers=api.staff(scope))
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def reads(api: Door) -> list[dict[str, Any]]:
    return [row for row in api.rows(audit) if row["action"] == "read"]


def cedar_flats(api: Door) -> UUID:
    identity = uuid7()
    row = {
        "id": identity,
        "destination": "pms",
        "remote_id": "CF",
        "name": "Cedar Flats",
        "time_zone": "America/Chicago",
    }
    with api.services.store.write(Commit.SYNC) as connection:
        connection.execute(properties.insert().values(row))
    return identity


def test_a_feed_sees_its_own_receipts_only(api: Door) -> None:
    receipt = lead(api)
    own = get(api, f"/v1/receipts/{receipt}", api.bearer("canonical"))
    assert (own["state"], own["leads_found"], own["map"]) == ("processed", 1, "canonical@1")
    assert own["leads"] == [{"position": 0, "fate": "inquiry", "reason": ""}]
    other = api.client.get(f"/v1/receipts/{receipt}", headers=api.bearer("website"))
    unknown = api.client.get(f"/v1/receipts/{UUID(int=7)}", headers=api.bearer("website"))
    assert other.status_code == unknown.status_code == 404
    assert other.get_data(as_text=True).replace(receipt, "") == unknown.get_data(as_text=True).replace(
        str(UUID(int=7)), ""
    )
    staff = get(api, f"/v1/receipts/{receipt}")
    assert staff["leads"][0]["guest_card"].startswith("GC-")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/guest-cards",
        "/v1/guest-cards/GC-22222222",
        "/v1/prospects/PR-22222222",
        "/v1/exceptions",
        f"/v1/receipts/{UUID(int=7)}/raw",
    ],
)
def test_reading_needs_a_staff_scope(api: Door, path: str) -> None:
    assert api.client.get(path).status_code == 401
    answer = api.client.get(path, headers=api.bearer())
    assert (answer.status_code, answer.get_json()["code"]) == (403, "wrong_scope")


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/receipts/{UUID(int=7)}/replay",
        "/v1/prospects/PR-22222222/merge",
        f"/v1/decisions/{UUID(int=7)}/unmerge",
        "/v1/guest-cards/GC-22222222/outcomes",
        "/v1/guest-cards/GC-22222222/place",
    ],
)
def test_acting_needs_to_write(api: Door, path: str) -> None:
    for headers in (api.bearer(), api.staff("staff:read")):
        answer = api.client.post(path, data=b"{not json", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "wrong_scope")
    for body in (b"{not json", b"[" * 30_000, b'{"a": ' + b"9" * 5000 + b"}", b'"\xff"'):
        answer = api.client.post(path, data=body, headers=api.staff("staff:write"), content_type="application/json")
        assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed")
    assert api.client.post(path, data=b" " * 70_000, headers=api.staff("staff:write")).status_code == 413


def test_the_bytes_of_a_receipt(api: Door) -> None:
    body = b"<html><script>alert(1)</script>\x00\xff"
    headers = api.bearer() | {"Content-Type": "text/html"}
    receipt = api.client.post("/v1/leads/website", data=body, headers=headers).get_json()["receipt"]
    answer = api.client.get(f"/v1/receipts/{receipt}/raw", headers=api.staff())
    assert (answer.data, answer.mimetype) == (body, "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [row["subject"] for row in reads(api)] == [receipt]


def test_cards_in_pages(api: Door) -> None:
    for number in range(5):
        lead(api, email=people.email(number), phone=None, person=people.name(number))
    staff, seen, cursor = api.staff(), [], ""
    while True:
        page = get(api, f"/v1/guest-cards?limit=2&cursor={cursor}" if cursor else "/v1/guest-cards?limit=2", staff)
        seen += [card["prospect"]["email"] for card in page["guest_cards"]]
        if not (cursor := page["next"]):
            break
        lead(api, email="late@example.com", phone=None, person=people.name(99))  # what arrives meanwhile moves nothing
    assert seen == [people.email(number) for number in reversed(range(5))]


def test_cards_that_are_looked_for(api: Door) -> None:
    home = cedar_flats(api)
    api.services.intake.forget_portfolio()
    lead(api, phone="+1 512 555 0143")
    lead(api, email="sam@example.net", person={"given": "Sam", "family": "Sample"}, property={"name": "Elsewhere"})
    card = get(api, "/v1/guest-cards?q=rosa@example.com")["guest_cards"][0]
    for query in ("q=512-555-0143", "q=Rosa", f"q={card['key']}", "property=CF", f"property={home}", "q=cedar+flats"):
        found = get(api, f"/v1/guest-cards?{query}")["guest_cards"]
        assert [each["key"] for each in found] == [card["key"]], query
    assert get(api, "/v1/guest-cards?since=2999-01-01T00:00:00Z") == {"guest_cards": [], "next": None}
    assert len(get(api, "/v1/guest-cards?since=2020-01-01T00:00:00Z")["guest_cards"]) == 2


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "since=yesterday", "since=2026-01-01T00:00:00", "q=%00", "cursor=%00"]
)
def test_parameters_that_cannot_be_used(api: Door, query: str) -> None:
    told = get(api, f"/v1/guest-cards?{query}", status=422)
    assert told["errors"][0]["pointer"] == f"#/query/{query.partition('=')[0]}"


def test_each_reading_of_personal_data_leaves_one_row(api: Door) -> None:
    lead(api)
    card = get(api, "/v1/guest-cards?q=rosa@example.com")["guest_cards"][0]
    get(api, f"/v1/guest-cards/{card['key'].lower()}")
    get(api, f"/v1/prospects/{card['prospect']['key']}")
    rows = reads(api)
    assert [(row["subject_kind"], row["subject"]) for row in rows] == [
        ("guest_card", ""),
        ("guest_card", card["key"]),
        ("prospect", card["prospect"]["key"]),
    ]
    assert rows[0]["detail"] == {"keys": [card["key"]], "searched": True}
    assert "rosa" not in str(rows)


def test_a_reader_who_has_it_already(api: Door) -> None:
    lead(api)
    key = get(api, "/v1/guest-cards")["guest_cards"][0]["key"]
    staff = api.staff()
    first = api.client.get(f"/v1/guest-cards/{key}", headers=staff)
    again = api.client.get(f"/v1/guest-cards/{key}", headers=staff | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "private" in first.headers["Cache-Control"]


def test_merge_and_unmerge(api: Door) -> None:
    lead(api)
    lead(api, email="rosa@example.net", person={"given": "Rosie", "family": "Other"})
    one, other = (card["prospect"]["key"] for card in get(api, "/v1/guest-cards")["guest_cards"])
    before = get(api, f"/v1/prospects/{one}")
    post(api, f"/v1/prospects/{one}/merge", {"into": other, "dry_run": True})
    assert get(api, f"/v1/prospects/{one}") == before
    decision = post(api, f"/v1/prospects/{one}/merge", {"into": other})["decision"]
    assert get(api, f"/v1/prospects/{one}")["key"] == other
    post(api, f"/v1/prospects/{one}/merge", {"into": other}, status=409)
    post(api, f"/v1/decisions/{decision}/unmerge", {})
    assert get(api, f"/v1/prospects/{one}")["key"] == one
    actors = {row["actor"] for row in api.rows(audit) if row["action"] in {"merge", "unmerge"}}
    assert len(actors) == 2  # each call here has a key of its own, and its prefix is the actor
    assert "cli" not in str(actors)


def test_place_outcome_and_replay(api: Door) -> None:
    receipt = lead(api)
    key = get(api, "/v1/guest-cards")["guest_cards"][0]["key"]
    cedar_flats(api)
    post(api, f"/v1/guest-cards/{key}/place", {"property": "nowhere"}, status=404)
    post(api, f"/v1/guest-cards/{key}/place", {"property": "CF"})
    assert get(api, f"/v1/guest-cards/{key}")["property"]["name"] == "Cedar Flats"
    post(api, f"/v1/guest-cards/{key}/outcomes", {"kind": "toured", "at": "2026-11-20T10:00:00-06:00"})
    refused = post(api, f"/v1/guest-cards/{key}/outcomes", {"kind": "vanished"}, status=422)
    assert refused["errors"][0]["pointer"] == "#/json/kind"
    assert [row["kind"] for row in api.rows(outcomes)] == ["toured"]
    assert post(api, f"/v1/receipts/{receipt}/replay", {"dry_run": True})
    post(api, f"/v1/receipts/{UUID(int=7)}/replay", {}, status=404)
    post(api, "/v1/guest-cards/GC-22222222/outcomes", {"kind": "toured"}, status=404)


def test_a_receipt_is_made_a_lead(api: Door) -> None:
    sent = api.client.post("/v1/leads/website", data=b"what is this", headers=api.bearer())
    receipt = sent.get_json()["receipt"]
    refused = post(api, f"/v1/receipts/{receipt}/lead", {"name": "Ann Lee"}, status=422)
    assert refused["code"] == "missing_contact"
    entered = {"name": "Ann Lee", "email": "ann.lee@example.com"}
    assert post(api, f"/v1/receipts/{receipt}/lead", entered | {"dry_run": True})["leads"] == 1
    assert get(api, f"/v1/receipts/{receipt}")["state"] == "quarantined"
    assert post(api, f"/v1/receipts/{receipt}/lead", entered)["after"] == "processed"
    assert get(api, "/v1/guest-cards")["guest_cards"][0]["prospect"]["email"] == "ann.lee@example.com"
    post(api, f"/v1/receipts/{receipt}/dismiss", {}, status=409)


def test_exceptions(api: Door) -> None:
    lead(api)
    api.client.post("/v1/leads/website", data=b"what is this", headers=api.bearer())
    page = get(api, "/v1/exceptions")
    assert page["open"] == {"quarantined": 1, "unplaced_card": 1}
    only = get(api, "/v1/exceptions?kind=unplaced_card")["exceptions"]
    assert [row["guest_card"][:3] for row in only] == ["GC-"]
    assert get(api, "/v1/exceptions?resolved=true")["exceptions"] == []
