"""What one answer of Entrata means, in awkward ways that nobody recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadsvc.workers.destinations import classifier
from leadsvc.workers.destinations.base import Outcome
from tests.contract_cases import RECEIVED_AT, cases
from tests.judges import JSON, Judge

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
EPOCH = int(RECEIVED_AT.timestamp())
judge = Judge("entrata", JSON)


def answer(result: object = None, **more: object) -> dict[str, object]:
    return {"response": {"requestId": "x-1", "code": 200, "result": result, **more}}


def error(code: object, message: object = "No.") -> dict[str, object]:
    return {"response": {"requestId": "x-1", "error": {"code": code, "message": message}}}


def sent(*items: dict[str, Any]) -> dict[str, object]:
    return answer({"prospects": {"prospect": list(items)}})


def test_waits_of_the_recorded() -> None:
    waits = {case.name: case for case in cases("entrata") if case.name.startswith("throttled")}
    judged = {
        name: classifier("entrata")(case.op, case.status, case.headers, case.body, case.context)
        for name, case in waits.items()
    }
    assert judged["throttled"].retry_after_s == 37
    assert judged["throttled_in_200"].retry_after_s == 1773501780 - EPOCH
    assert not any(result.verify_first for result in judged.values())


WRITES: list[tuple[int, object, str, bool]] = [
    # status, body, outcome, look before writing again
    (200, HTML, "retry", True),
    (200, b"", "retry", True),
    (200, None, "retry", True),
    (200, json.dumps(sent({"status": "Success", "applicationId": 1}))[:-9].encode(), "retry", True),
    (200, b"\xff\xfe\x00", "retry", True),
    (200, b"[" * 5000, "retry", True),
    (200, answer(), "retry", True),
    (200, answer([]), "retry", True),
    (200, answer({"prospects": {"prospect": []}}), "retry", True),
    (200, answer({"prospects": ""}), "retry", True),
    (200, sent({"node": "0", "status": "Tired", "message": "?"}), "retry", True),
    (200, error(None, None), "retry", True),
    (200, error("500", "Internal error."), "retry", True),
    (200, error(503.0, "Down for maintenance"), "retry", True),
    (200, error("429", ""), "retry", False),
    (200, error(301, "API rate limit has been exceeded"), "retry", False),
    (200, error(310, "The record is locked by another user. Try again."), "retry", True),
    (200, error("401", "x"), "auth", False),
    (200, error(403, "x"), "auth", False),
    (200, error("113", "x"), "auth", False),
    (200, error(301, "Authentication failed."), "auth", False),
    (200, error(None, "Invalid API key"), "auth", False),
    (200, error("303", "Invalid lead source id."), "reject", False),
    (200, error(404, "Property not found"), "reject", False),
    (200, error(None, "firstName is required"), "reject", False),
    (200, {"response": {"error": "createdDate cannot be in the future"}}, "reject", False),
    (200, {"response": {"error": [{"code": 303, "message": "Bad date"}]}}, "reject", False),
    (200, {"response": {"code": 500, "message": "Oops"}}, "retry", True),
    (200, {"response": {"code": "401", "result": None}}, "auth", False),
    (200, {"error": {"code": 401, "message": "Unauthorized"}}, "auth", False),
    (
        200,
        sent({"node": 0, "status": "Error", "message": "Lead already exists.", "applicationId": 7}),
        "duplicate",
        False,
    ),
    (200, sent({"node": 0, "status": "error", "message": "Deadlock, please try again"}), "retry", True),
    (200, sent({"node": 0, "status": "FAILED", "message": "Email is not valid"}), "reject", False),
    (200, sent({"node": 0, "status": "Unsuccessful"}), "reject", False),
    (400, error("400", "propertyId is required"), "reject", False),
    (400, HTML, "reject", False),
    (400, error(401, "Authentication failed"), "auth", False),
    (400, error(429, "Slow down"), "retry", False),
    (401, b"", "auth", False),
    (402, b"", "auth", False),
    (403, HTML, "auth", False),
    (403, error(303, "Forbidden by policy"), "auth", False),
    (404, HTML, "reject", False),
    (405, b"", "reject", False),
    (408, b"", "retry", True),
    (413, HTML, "reject", False),
    (423, b"", "retry", True),
    (429, HTML, "retry", False),
    (500, b"", "retry", True),
    (500, error(401, "Authentication failed"), "auth", False),
    (502, HTML, "retry", True),
    (503, b"", "retry", True),
    (504, HTML, "retry", True),
    (302, b"", "reject", False),
    (0, None, "retry", True),
]


@pytest.mark.parametrize(("status", "body", "outcome", "look"), WRITES)
def test_awkward_answers_to_a_write(status: int, body: object, outcome: str, look: bool) -> None:
    result = judge("send_leads", status, body)
    assert (result.outcome, result.verify_first) == (outcome, look)
    if outcome == "retry" and look:
        assert not result.verified


@pytest.mark.parametrize(
    ("status", "body", "outcome", "empty"),
    [
        (200, HTML, "retry", False),
        (200, b"", "retry", False),
        (200, answer(), "retry", False),
        (200, {"response": {"code": 200}}, "retry", False),
        (200, answer({"propertyId": 5}), "retry", False),
        (200, answer([]), "accepted", True),
        (200, answer({"prospects": []}), "accepted", True),
        (200, answer({"prospects": {"prospect": None}}), "accepted", True),
        (200, answer({"Prospects": {"Prospect": {"@attributes": {"reference_id": 9}}}}), "accepted", False),
        (200, {"code": 200, "result": {"prospects": {"prospect": [{"applicationId": 9}]}}}, "accepted", False),
        (200, error("301", "No prospects were found for this e-mail."), "accepted", True),
        (200, error(404, "No records found"), "accepted", True),
        (200, error(401, "No leads found."), "auth", False),
        (200, error(500, "No leads found."), "retry", False),
        (200, error(304, "The property does not exist."), "reject", False),
        (502, HTML, "retry", False),
        (0, None, "retry", False),
    ],
)
def test_awkward_answers_to_a_read(status: int, body: object, outcome: str, empty: bool) -> None:
    result = judge("get_leads_by_email", status, body)
    assert (result.outcome, result.empty, result.verify_first) == (outcome, empty, False)


def test_a_mark_in_front_and_ids_as_numbers() -> None:
    raw = b"\xef\xbb\xbf" + json.dumps(sent({"status": "Success", "applicationId": 204, "applicantId": 9.0})).encode()
    result = judge("send_leads", 200, raw)
    assert (result.outcome, result.card_id, result.person_id, result.verified) == ("accepted", "204", "9", True)


def test_no_id_is_owed_a_look() -> None:
    for item in ({"status": "SUCCESS", "applicationId": "0"}, {"status": "Success", "applicationId": None}):
        result = judge("send_leads", 200, sent(item))
        assert (result.outcome, result.card_id, result.verified) == ("accepted", "", False)
    assert judge("send_leads", 200, sent({"status": "Queued", "applicationId": "7"})).verified is False


def test_items_stand_in_the_order_of_the_request() -> None:
    items = ({"node": "1", "status": "Error", "message": "No."}, {"node": "0", "status": "Success", "applicationId": 5})
    result = judge("send_leads", 200, sent(*items))
    assert [each.outcome for each in result.items] == [Outcome.ACCEPTED, Outcome.REJECT]
    assert result.items[0].card_id == "5"
    both = judge("send_leads", 200, sent(*({**one, "status": "Error"} for one in items)))
    assert (both.outcome, len(both.items)) == (Outcome.REJECT, 2)


def test_waits() -> None:
    def wait(headers: dict[str, str], **context: object) -> float | None:
        return judge("send_leads", 429, b"", headers, **context).retry_after_s

    assert wait({"Retry-After": "Sat, 14 Mar 2026 15:23:23 GMT"}) == 60
    assert wait({"x-ratelimit-reset": str(EPOCH + 12)}) == 12
    assert wait({"X-RateLimit-Reset": str((EPOCH + 12) * 1000)}) == 12
    assert wait({"RateLimit-Reset": "9"}) == 9
    assert wait({"X-RateLimit-Reset": str(EPOCH - 100)}) == 0
    assert wait({"X-RateLimit-Reset": "soon"}) is None
    assert wait({"X-RateLimit-Reset": str(EPOCH + 5), "Date": "Sat, 14 Mar 2026 15:22:23 GMT"}, received_at=None) == 5
    assert judge("send_leads", 429, error(429, "Try again in 2 minutes")).retry_after_s == 120


def test_fields_are_named() -> None:
    assert set(judge("send_leads", 200, error(303, "Invalid lead source id.")).field_errors) == {"source_name"}
    item = {"status": "Error", "message": "Lead source is not associated with the property."}
    assert set(judge("send_leads", 200, sent(item)).field_errors) == {"source_name"}


def test_nobody_is_named_in_a_message() -> None:
    result = judge("send_leads", 200, error(303, "ana@example.com / 214-555-0142 is not valid"))
    assert "example.com" not in result.message
    assert "0142" not in result.message
