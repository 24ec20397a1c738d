"""What a sender is told, through the whole pipeline: native and canonical, sent again, in test mode."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from sqlalchemy import Table

from leadsvc.api import examples
from leadsvc.store.tables import (
    audit,
    deliveries,
    exceptions,
    fates,
    guest_cards,
    inquiries,
    prospects,
    receipts,
    tasks,
)
from tests.integration.api_support import Door, door

LEAD = examples.LEAD
ZILLOW = {"listingId": "CF-2B", "name": "Rosa Example", "email": "rosa@example.com", "message": "Is it free?"}
EVERYTHING: tuple[Table, ...] = (
    receipts,
    inquiries,
    fates,
    prospects,
    guest_cards,
    tasks,
    deliveries,
    exceptions,
    audit,
)


@pytest.fixture
def api(store_url: str, tmp_path: Path) -> Iterator[Door]:
    with door(store_url, tmp_path) as opened:
        yield opened


def test_native_payload(api: Door) -> None:
    answer = api.client.post("/v1/leads/website", data=ZILLOW, headers=api.bearer())
    assert (answer.status_code, answer.get_json()["status"]) == (200, "accepted")
    assert set(answer.get_json()) == {"receipt", "status"}
    (inquiry,) = api.rows(inquiries)
    assert (inquiry["map_id"], inquiry["feed"], inquiry["source"]) == ("zillow_callback", "website", "zillow")


def test_through_a_hook(api: Door) -> None:
    made = api.key("url")
    answer = api.client.post(f"/v1/hooks/{made.shown}", data=ZILLOW)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "accepted")


def test_canonical_one_and_many(api: Door) -> None:
    headers = api.bearer("canonical")
    one = api.client.post("/v1/leads", json=LEAD, headers=headers).get_json()
    assert (one["status"], one["leads"]) == ("accepted", [{"position": 0, "status": "accepted"}])
    other = LEAD | {"external_id": "A-2", "email": "sam@example.com", "phone": "+1 512 555 0144"}
    other |= {"person": {"given": "Sam", "family": "Okafor"}}
    many = api.client.post("/v1/leads", json=[LEAD, other, {"person": {}}, 5], headers=headers).get_json()
    assert [item["status"] for item in many["leads"]] == ["duplicate", "accepted", "rejected", "rejected"]
    assert "email or phone" in str(many["leads"][2]["errors"])
    changed = api.client.post("/v1/leads", json=LEAD | {"message": "Still free?"}, headers=headers).get_json()
    assert changed["leads"] == [{"position": 0, "status": "revised"}]
    assert api.count(inquiries) == 2


def test_a_thousand_and_not_one_more(api: Door) -> None:
    headers = api.bearer("canonical")
    leads = [{"external_id": f"T-{n}", "email": f"t{n}@example.com", "source": "zillow"} for n in range(1001)]
    refused = api.client.post("/v1/leads", json=leads, headers=headers)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid_lead")
    taken = api.client.post("/v1/leads", json=leads[:1000], headers=headers)
    assert [item["status"] for item in taken.get_json()["leads"]] == ["accepted"] * 1000


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        (b'{"email": "rosa"}', "#/email", "name@example.com"),
        (b'{"person": {}}', "#", "email or phone"),
        (b'{"email": "rosa@example.com", "occupants": "many"}', "#/occupants", "integer"),
        (
            b'{"email": "rosa@example.com", "consents": [{"purpose": "sing"}]}',
            "#/consents/0/purpose",
            "text, call, email",
        ),
        (b'{"email": ', "#", "line 1, column"),
        (b"", "#", "line 1, column 1"),
        (b"[]", "#", "1 to 1,000"),
    ],
)
def test_canonical_refusals_name_the_place_and_are_recorded(api: Door, body: bytes, pointer: str, says: str) -> None:
    answer = api.client.post("/v1/leads", data=body, headers=api.bearer("canonical"))
    told = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert told["errors"][0]["pointer"] == pointer
    assert says in told["errors"][0]["detail"]
    (kept,) = api.rows(receipts)
    assert (str(kept["id"]), kept["body"]) == (told["receipt"], body)


@pytest.mark.parametrize(("path", "feed"), [("/v1/leads", "canonical"), ("/v1/leads/website", "website")])
def test_the_same_key_and_bytes_get_the_very_same_answer(api: Door, path: str, feed: str) -> None:
    headers = api.bearer(feed) | {"Idempotency-Key": "k-1"}
    first = api.client.post(path, json=LEAD, headers=headers)
    again = api.client.post(path, json=LEAD, headers=headers)
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert api.count(receipts) == api.count(inquiries) == 1
    other_sender = api.client.post(path, json=LEAD, headers=api.bearer(feed) | {"Idempotency-Key": "k-1"})
    assert other_sender.get_json()["receipt"] != first.get_json()["receipt"]
    assert api.count(inquiries) == 1


def test_the_same_key_with_other_bytes(api: Door) -> None:
    changed = LEAD | {"message": "Something else"}
    headers = api.bearer("canonical") | {"Idempotency-Key": "k-1"}
    api.client.post("/v1/leads", json=LEAD, headers=headers)
    refused = api.client.post("/v1/leads", json=changed, headers=headers)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_key_reused")
    native = api.bearer() | {"Idempotency-Key": "k-1"}
    first = api.client.post("/v1/leads/website", data=ZILLOW, headers=native).get_json()
    second = api.client.post("/v1/leads/website", data=ZILLOW | {"message": "Else"}, headers=native)
    assert (second.status_code, second.get_json()["status"]) == (200, "accepted")
    assert second.get_json()["receipt"] != first["receipt"]


@pytest.mark.parametrize("how", ["key", "query"])
@pytest.mark.parametrize("body", [LEAD, ZILLOW, {"person": {}}, []])
def test_test_mode_writes_nothing(api: Door, how: str, body: Any) -> None:
    headers = api.bearer("canonical", test=how == "key")
    before = [api.count(table) for table in EVERYTHING]
    answer = api.client.post("/v1/leads" + ("?test=1" if how == "query" else ""), json=body, headers=headers)
    assert answer.status_code == 200
    assert answer.get_json()["test"] is True
    assert [api.count(table) for table in EVERYTHING] == before


@pytest.mark.parametrize("query", ["?test=0", "?latest=1", "?test="])
def test_what_is_not_test_mode(api: Door, query: str) -> None:
    api.client.post(f"/v1/leads{query}", json=LEAD, headers=api.bearer("canonical"))
    assert api.count(receipts) == 1


def test_headers_are_kept_without_what_could_be_secret(api: Door) -> None:
    sent = {
        "X-Vendor-Event": "lead.created",
        "X-Api-Key": "s3",
        "Cookie": "a=b",
        "X-Auth": "s4",
        "Referer": "/v1/hooks/s5",
    }
    api.client.post("/v1/leads/website", data=ZILLOW, headers=api.bearer() | sent)
    (kept,) = api.rows(receipts)
    assert kept["headers"]["x-vendor-event"] == "lead.created"
    assert not {"x-api-key", "cookie", "x-auth", "referer", "authorization", ":path"} & set(kept["headers"])


def test_one_lead_sent_at_the_same_instant_by_many(api: Door) -> None:
    headers = api.bearer("canonical")
    barrier, told = threading.Barrier(8), []

    def send(number: int) -> None:
        client = api.client
        barrier.wait()
        told.append(client.post("/v1/leads", json=LEAD, headers=headers).get_json()["leads"][0]["status"])

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["accepted"] + ["duplicate"] * 7
    assert (api.count(receipts), api.count(inquiries), api.count(prospects)) == (8, 1, 1)


def test_answers_are_as_the_document_says(api: Door) -> None:
    document = api.client.get("/openapi.json").get_json()
    headers = api.bearer("canonical")
    answers = {
        "CanonicalReceipt": api.client.post("/v1/leads", json=[LEAD, {}], headers=headers),
        "Receipt": api.client.post("/v1/leads/website", data=ZILLOW, headers=api.bearer()),
        "Problem": api.client.post("/v1/leads", json={}, headers=headers),
    }
    answers["CardPage"] = api.client.get("/v1/guest-cards", headers=api.staff())
    card = answers["CardPage"].get_json()["guest_cards"][0]
    answers["CardDetail"] = api.client.get(f"/v1/guest-cards/{card['key']}", headers=api.staff())
    answers["ProspectView"] = api.client.get(f"/v1/prospects/{card['prospect']['key']}", headers=api.staff())
    answers["ExceptionPage"] = api.client.get("/v1/exceptions", headers=api.staff())
    receipt = answers["Receipt"].get_json()["receipt"]
    answers["ReceiptView"] = api.client.get(f"/v1/receipts/{receipt}", headers=api.staff())
    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        assert [error.message for error in OAS31Validator(schema).iter_errors(answer.get_json())] == [], name


def test_examples_of_the_document_are_true(api: Door) -> None:
    headers = api.bearer("canonical")
    document = api.client.get("/openapi.json").get_json()
    shown = document["paths"]["/v1/leads"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in shown.values():
        assert api.client.post("/v1/leads", json=example["value"], headers=headers).status_code == 200
    told = api.client.post(
        "/v1/leads", json=[LEAD | {"external_id": "A-9", "message": "x"}, {}], headers=headers
    ).get_json()
    assert told | {"receipt": examples.RECEIPT} == examples.ACCEPTED_LIST
