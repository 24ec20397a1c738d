"""What one answer of HubSpot means, in ways that nobody recorded."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.vendors.hubspot.verdict import OPS
from tests.judges import JSON, Judge

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
CONTACT = {"id": "501", "properties": {"leadsvc_key": "GC-1"}, "updatedAt": "2026-03-14T15:22:33.101Z"}
judge = Judge("hubspot", JSON, {"received_at": NOW})


def error(category: str, message: str = "No.", **more: Any) -> dict[str, object]:
    return {"status": "error", "message": message, "correlationId": "c-1", "category": category, **more}


def test_a_batch_is_matched_by_trace_and_not_by_position() -> None:
    body = {
        "status": "COMPLETE",
        "results": [
            {"id": 2, "objectWriteTraceId": "GC-2", "properties": {}},
            {"id": "1", "properties": {"leadsvc_key": "GC-1"}},
        ],
        "numErrors": "1",
        "errors": {"category": "RATE_LIMITS", "policyName": "SECONDLY", "context": {"objectWriteTraceId": "GC-3"}},
    }
    result = judge("batch_upsert_contacts", 207, body, keys=["GC-1", "GC-2", "GC-3", "GC-4"])
    assert result.outcome is Outcome.PARTIAL
    assert [item.outcome for item in result.items] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.RETRY, Outcome.RETRY]
    assert [item.card_id for item in result.items] == ["1", "2", "", ""]
    assert [item.verify_first for item in result.items] == [False, False, False, True]
    assert result.retry_after_s == 1


def test_a_batch_in_which_all_failed_is_no_success() -> None:
    errors = [error("VALIDATION_ERROR", context={"objectWriteTraceId": [key]}) for key in ("a", "b")]
    assert judge("batch_upsert_contacts", 207, {"results": [], "errors": errors}).outcome is Outcome.REJECT
    waiting = [error("RATE_LIMITS", context={"objectWriteTraceId": ["a", "b"]})]
    result = judge("batch_upsert_contacts", 200, {"status": "COMPLETE", "errors": waiting})
    assert (result.outcome, len(result.items)) == (Outcome.RETRY, 2)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_batch_that_is_not_done_is_owed_a_look(status: int) -> None:
    state = "PENDING" if status != 202 else "COMPLETE"
    result = judge("batch_upsert_contacts", status, {"status": state, "results": [CONTACT]})
    assert (result.outcome, result.verified) == (Outcome.ACCEPTED, False)


@pytest.mark.parametrize(
    ("category", "outcome"),
    [
        ("VALIDATION_ERROR", Outcome.REJECT),
        ("INVALID_AUTHENTICATION", Outcome.AUTH),
        ("EXPIRED_AUTHENTICATION", Outcome.AUTH),
        ("MISSING_SCOPES", Outcome.AUTH),
        ("RATE_LIMITS", Outcome.RETRY),
        ("LOCKED", Outcome.RETRY),
        ("INTERNAL_ERROR", Outcome.RETRY),
        ("CONFLICT", Outcome.DUPLICATE),
        ("A_CATEGORY_OF_TOMORROW", Outcome.REJECT),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 207])
def test_an_error_within_a_good_status(category: str, outcome: Outcome, status: int) -> None:
    result = judge("create_contact", status, error(category))
    assert result.outcome is outcome
    assert result.code == category


@pytest.mark.parametrize(
    "message",
    [
        "Contact already exists. Existing ID: 377",
        "Contact already exists. Existing id:377.",
        "A contact with this e-mail exists (ID 377)",
        'Conflict: {"id":"377"}',
        "Cannot set PropertyValueCoordinates{propertyName=leadsvc_key, value=GC-1} on 501. 377 already has that value.",
    ],
)
def test_the_contact_that_is_there_is_named_in_a_sentence(message: str) -> None:
    result = judge("create_contact", 409, error("CONFLICT", message))
    assert (result.outcome, result.card_id, result.person_id) == (Outcome.DUPLICATE, "377", "377")


def test_a_conflict_without_an_id_is_still_one() -> None:
    result = judge("create_contact", 409, error("CONFLICT", "Contact already exists."))
    assert (result.outcome, result.card_id) == (Outcome.DUPLICATE, "")
    assert judge("create_contact", 409, b"<html>Conflict</html>").outcome is Outcome.DUPLICATE


def test_a_value_that_must_be_unique_on_an_update_is_for_a_person() -> None:
    assert judge("update_contact", 409, error("CONFLICT", "Existing ID: 377")).outcome is Outcome.REJECT


def test_fields_are_named_in_our_words() -> None:
    listed = [
        {"message": "no", "code": "INVALID_OPTION", "in": "leadsvc_source"},
        {"message": "no", "code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}},
    ]
    result = judge("create_contact", 400, error("VALIDATION_ERROR", errors=listed))
    assert set(result.field_errors) == {"source_name", "email"}
    told = (
        'Property values were not valid: [{"isValid":false,"message":"bad","error":"INVALID_OPTION","name":"x_unit"}]'
    )
    result = judge("create_contact", 400, error("VALIDATION_ERROR", told), prefix="x_")
    assert set(result.field_errors) == {"unit_ref"}
    owner = [{"message": "no", "in": "hubspot_owner_id"}]
    assert set(judge("create_task", 400, error("VALIDATION_ERROR", errors=owner)).field_errors) == {"assignee_ref"}
    assert set(judge("create_contact", 400, error("VALIDATION_ERROR", errors=owner)).field_errors) == {"agent_ref"}


def test_a_message_shows_nobody() -> None:
    result = judge("create_contact", 400, error("VALIDATION_ERROR", "noor@example.com (706) 555-0123 is invalid"))
    assert "noor" not in result.message
    assert "0123" not in result.message


@pytest.mark.parametrize(
    ("headers", "more", "seconds"),
    [
        ({}, {"policyName": "TEN_SECONDLY_ROLLING"}, 10),
        ({}, {"policyName": "SECONDLY"}, 1),
        ({}, {}, 10),
        ({"X-HubSpot-RateLimit-Interval-Milliseconds": "4000"}, {}, 4),
        ({"X-HubSpot-RateLimit-Interval-Milliseconds": "soon"}, {}, 10),
        ({"retry-after": "7"}, {"policyName": "DAILY"}, 7),
        ({"Retry-After": "Fri, 20 Nov 2026 10:00:30 GMT"}, {}, 30),
        ({"Retry-After": "2.5"}, {}, 2.5),
        ({"X-RateLimit-Reset": "1795168860"}, {}, 60),
        ({}, {"policyName": "DAILY"}, 14 * 3600),
        ({"X-HubSpot-RateLimit-Daily-Remaining": "0"}, {}, 14 * 3600),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], more: dict[str, Any], seconds: float) -> None:
    result = judge("create_contact", 429, error("RATE_LIMITS", **more), headers)
    assert (result.outcome, result.retry_after_s, result.verify_first) == (Outcome.RETRY, seconds, False)


def test_the_daily_limit_ends_at_midnight_of_the_account() -> None:
    body = error("RATE_LIMITS", policyName="DAILY")
    assert judge("create_contact", 429, body, time_zone="America/New_York").retry_after_s == 19 * 3600
    assert judge("create_contact", 429, body, time_zone="Nowhere/Land").retry_after_s == 14 * 3600


def test_statuses_of_its_own() -> None:
    locked = judge("update_contact", 423, b"", {"Retry-After": "1"})
    assert (locked.outcome, locked.retry_after_s, locked.verify_first) == (Outcome.RETRY, 2, False)
    moving = judge("create_contact", 477, b"", {"Retry-After": "7200"})
    assert (moving.outcome, moving.retry_after_s) == (Outcome.RETRY, 7200)
    assert judge("create_contact", 402, b"").outcome is Outcome.AUTH


def test_reading_one_that_is_not_there_is_an_answer() -> None:
    gone = judge("get_contact", 404, error("OBJECT_NOT_FOUND"))
    assert (gone.outcome, gone.empty) == (Outcome.ACCEPTED, True)
    assert judge("get_contact", 404, b"<html>404</html>").outcome is Outcome.REJECT
    assert judge("search_contact", 404, error("OBJECT_NOT_FOUND")).outcome is Outcome.REJECT


def test_one_object_and_numbers_as_text() -> None:
    assert judge("search_contact", 200, {"total": "1", "results": CONTACT}).empty is False
    assert judge("search_contact", 200, {"total": "0"}).empty is True
    assert judge("create_contact", 201, {"id": 501}).card_id == "501"
    assert judge("create_contact", 201, {"id": 501.0}).card_id == "501"
    assert judge("create_contact", 201, {"properties": {"hs_object_id": "501"}}).card_id == "501"
    assert judge("create_contact", 201, b"\xef\xbb\xbf" + json.dumps(CONTACT).encode()).card_id == "501"


def test_no_content_is_done_and_owed_a_look() -> None:
    result = judge("update_contact", 204, None, known_remote_id="501")
    assert (result.outcome, result.verified, result.card_id) == (Outcome.ACCEPTED, False, "501")
    assert judge("get_contact", 204, None).outcome is Outcome.RETRY


def test_accepted_without_an_id_is_owed_a_look() -> None:
    result = judge("create_contact", 201, {"id": None, "properties": {}})
    assert (result.outcome, result.verified, result.card_id) == (Outcome.ACCEPTED, False, "")


@given(st.sampled_from(OPS), st.integers(0, 799), st.one_of(st.none(), st.binary(max_size=200)))
def test_any_bytes_are_judged(op: str, status: int, body: bytes | None) -> None:
    result = judge(op, status, body)
    assert result.outcome in (Outcome.RETRY, Outcome.REJECT, Outcome.AUTH, Outcome.DUPLICATE) or result.empty
