"""What one answer of AppFolio means, in ways that nobody recorded."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.vendors.appfolio.wire import national, their_names
from tests.judges import HTML, Judge

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
LEAD = {"Id": "5f1f6c1e-2222-4aaa-8bbb-000000003417", "LastName": "Avery", "LastUpdatedAt": "2026-03-14T15:22:33Z"}
judge = Judge("appfolio", known={"received_at": NOW})

ANSWERS: list[tuple[int, object, Outcome, bool]] = [
    # status, body, outcome, look before writing again
    (701, {"code": 701, "message": "Invalid credential."}, Outcome.AUTH, False),
    (701, b"", Outcome.AUTH, False),
    (400, {"code": "701", "message": "Invalid credential."}, Outcome.AUTH, False),
    (200, {"code": 701, "message": "Invalid credential."}, Outcome.AUTH, False),
    (200, {"code": 401, "message": "Invalid credentials."}, Outcome.AUTH, False),
    (200, b"HTTP Basic: Access denied.\n", Outcome.AUTH, False),
    (401, b"HTTP Basic: Access denied.\n", Outcome.AUTH, False),
    (403, HTML, Outcome.AUTH, False),
    (402, b"", Outcome.AUTH, False),
    (533, HTML, Outcome.RETRY, False),
    (500, {"code": 533, "message": "Customer data is temporarily unavailable."}, Outcome.RETRY, False),
    (200, {"code": "533"}, Outcome.RETRY, False),
    (200, {"code": 429, "message": "Rate limit exceeded."}, Outcome.RETRY, False),
    (200, {"code": 422, "message": "PropertyId is not valid."}, Outcome.REJECT, False),
    (200, {"status": 404, "error": "Not Found"}, Outcome.REJECT, False),
    (404, HTML, Outcome.REJECT, False),
    (409, b"", Outcome.RETRY, False),
    (409, {"code": 409, "message": "A request with this Idempotency Key is still running"}, Outcome.RETRY, False),
    (422, {"code": 422, "message": "Idempotency-Key was used with another body"}, Outcome.REJECT, False),
    (422, b'{"code": 422, "mess', Outcome.REJECT, False),
    (500, HTML, Outcome.RETRY, True),
    (502, b"", Outcome.RETRY, True),
    (504, {"message": "x"}, Outcome.RETRY, True),
    (408, b"", Outcome.RETRY, True),
    (302, b"", Outcome.REJECT, False),
    (0, None, Outcome.RETRY, True),
]


@pytest.mark.parametrize(("status", "body", "outcome", "look"), ANSWERS)
def test_awkward(status: int, body: object, outcome: Outcome, look: bool) -> None:
    result = judge("create_lead", status, body)
    assert (result.outcome, result.verify_first) == (outcome, look)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {}, 5),
        (429, {"Retry-After": "15"}, 15),
        (429, {"retry-after": "Fri, 20 Nov 2026 10:00:45 GMT"}, 45),
        (429, {"X-RateLimit-Reset": "1795168830"}, 30),
        (429, {"RateLimit-Reset": "12"}, 12),
        (533, {}, 300),
        (533, {"Retry-After": "60"}, 60),
        (409, {}, 2),
        (409, {"Retry-After": "5"}, 5),
        (503, {"Retry-After": "90"}, 90),
        (503, {}, None),
    ],
)
def test_how_long_to_wait(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert judge("create_lead", status, {"message": "x"}, headers).retry_after_s == seconds


def test_a_lead_in_every_dress() -> None:
    for body in (LEAD, {"data": LEAD}, {"data": [LEAD]}, [LEAD], b"\xef\xbb\xbf" + json.dumps(LEAD).encode()):
        assert judge("create_lead", 201, body).card_id == LEAD["Id"]
    assert judge("create_lead", 201, {"Id": 3417, "LastName": "x"}).card_id == "3417"
    replayed = judge("create_lead", 201, LEAD, {"idempotent-replayed": "True"})
    assert (replayed.outcome, replayed.code) == (Outcome.ACCEPTED, "replayed")


def test_what_is_owed_a_look() -> None:
    assert judge("create_lead", 201, LEAD).verified is True
    assert judge("create_lead", 200, LEAD).verified is False
    assert judge("create_lead", 201, {"LastName": "Avery", "Id": None}).verified is False
    assert judge("update_lead", 200, LEAD).verified is True


def test_a_message_names_its_field() -> None:
    refused = {"code": 422, "message": "PropertyId is not valid."}
    assert set(judge("create_lead", 422, refused).field_errors) == {"property_ref"}
    user = {"code": 422, "message": "AssignedUserId is inactive"}
    assert set(judge("create_lead", 422, user).field_errors) == {"agent_ref"}
    assert set(judge("create_showing", 422, user).field_errors) == {"assignee_ref"}
    past = {"code": 422, "message": "StartAt must be in the future."}
    assert set(judge("create_showing", 422, past).field_errors) == {"due_at"}


def test_errors_in_a_list_and_no_content() -> None:
    listed = {"code": 422, "message": "Invalid.", "errors": [{"field": "Email", "message": "is invalid"}]}
    assert judge("create_lead", 422, listed).field_errors == {"email": ("is invalid",)}
    assert judge("update_lead", 204, None).outcome is Outcome.ACCEPTED
    assert judge("update_lead", 204, None).verified is False


def test_reads() -> None:
    assert judge("list_leads", 200, {"data": LEAD, "next_page_path": None}).empty is False
    assert judge("list_leads", 200, {"data": []}).empty is True
    assert judge("list_leads", 200, []).empty is True
    assert judge("list_leads", 200, {"data": None}).outcome is Outcome.RETRY
    assert judge("list_leads", 0).verify_first is False
    assert judge("report_guest_card_inquiries", 200, {"results": []}).empty is True


def test_values_as_they_go_out() -> None:
    sent = their_names({"budget_max_cents": 150_050, "unit_ref": "u1", "phone": "+12145550142", "comment": "x"})
    assert sent == {"MaxRent": 1500.5, "UnitIds": ["u1"], "PhoneNumber": "(214) 555-0142"}
    assert their_names({"budget_max_cents": 150_000}) == {"MaxRent": 1500}
    assert national("+4930123456") == "+4930123456"
