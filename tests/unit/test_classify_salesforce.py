"""What one answer of Salesforce means, in ways that nobody recorded."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.vendors.salesforce.wire import quoted
from tests.judges import HTML, Judge

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
LEAD = "00QEX00000041877AA"
judge = Judge("salesforce", known={"received_at": NOW})


def error(code: str, message: str = "No.", *fields: str, **more: object) -> dict[str, object]:
    return {"message": message, "errorCode": code, "fields": list(fields), **more}


CODES = [
    (400, "REQUIRED_FIELD_MISSING", Outcome.REJECT),
    (400, "STRING_TOO_LONG", Outcome.REJECT),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Outcome.REJECT),
    (400, "A_CODE_OF_TOMORROW", Outcome.REJECT),
    (404, "NOT_FOUND", Outcome.REJECT),
    (400, "CANNOT_UPDATE_CONVERTED_LEAD", Outcome.REJECT),
    (400, "UNABLE_TO_LOCK_ROW", Outcome.RETRY),
    (403, "REQUEST_LIMIT_EXCEEDED", Outcome.RETRY),
    (400, "REQUEST_LIMIT_EXCEEDED", Outcome.RETRY),
    (400, "QUERY_TIMEOUT", Outcome.RETRY),
    (400, "SERVER_UNAVAILABLE", Outcome.RETRY),
    (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Outcome.AUTH),
    (403, "API_DISABLED_FOR_ORG", Outcome.AUTH),
    (400, "INVALID_SESSION_ID", Outcome.AUTH),
    (403, "A_CODE_OF_TOMORROW", Outcome.AUTH),
    (400, "DUPLICATES_DETECTED", Outcome.DUPLICATE),
    (400, "DUPLICATE_VALUE", Outcome.DUPLICATE),
    (500, "UNABLE_TO_LOCK_ROW", Outcome.RETRY),
    (503, "REQUEST_LIMIT_EXCEEDED", Outcome.RETRY),
]


@pytest.mark.parametrize(("status", "code", "outcome"), CODES)
@pytest.mark.parametrize("shape", ["list", "object", "within", "success"])
def test_codes_in_every_shape(status: int, code: str, outcome: Outcome, shape: str) -> None:
    body: object = [error(code)]
    if shape == "object":
        body = error(code)
    if shape == "within":
        body = {"errors": [error(code)]}
    if shape == "success":
        body = {"success": False, "id": None, "errors": [{"statusCode": code, "message": "No.", "fields": []}]}
    result = judge("upsert_lead", status, body)
    assert (result.outcome, result.code) == (outcome, code)


@pytest.mark.parametrize(("_", "code", "outcome"), CODES)
def test_an_error_within_a_good_status(_: int, code: str, outcome: Outcome) -> None:
    if code != "A_CODE_OF_TOMORROW":
        assert judge("upsert_lead", 200, [error(code)]).outcome is outcome
    cut = json.dumps([error(code)]).encode()[:-4]
    assert judge("upsert_lead", 200, cut).code == code


def test_codes_in_xml_and_limits_without_a_body() -> None:
    xml = b"<?xml version='1.0'?><Errors><Error><errorCode>REQUEST_LIMIT_EXCEEDED</errorCode></Error></Errors>"
    assert judge("upsert_lead", 403, xml).outcome is Outcome.RETRY
    assert judge("upsert_lead", 403, b"", {"sforce-limit-info": "api-usage=100000/100000"}).outcome is Outcome.RETRY
    assert judge("upsert_lead", 403, b"", {"sforce-limit-info": "api-usage=5/100000"}).outcome is Outcome.AUTH


def test_where_the_new_record_is_stands_in_a_header_too() -> None:
    headers = {"Location": f"/services/data/v62.0/sobjects/Lead/{LEAD}"}
    result = judge("upsert_lead", 201, b'{"id": "00', headers)
    assert (result.outcome, result.card_id, result.verified) == (Outcome.ACCEPTED, LEAD, False)


def test_a_cut_refusal_still_names_its_code() -> None:
    cut = b'[{"message":"unable to obtain exclusive access","errorCode":"UNABLE_TO_LOCK_ROW","fie'
    assert judge("upsert_lead", 400, cut).outcome is Outcome.RETRY


def test_limits_and_how_long_to_wait() -> None:
    body = [error("REQUEST_LIMIT_EXCEEDED")]
    assert judge("upsert_lead", 403, body).retry_after_s == 3600
    assert judge("upsert_lead", 403, body).verify_first is False
    assert judge("upsert_lead", 403, body, {"Retry-After": "30"}).retry_after_s == 30
    assert judge("upsert_lead", 503, HTML, {"Retry-After": "Fri, 20 Nov 2026 10:01:00 GMT"}).retry_after_s == 60
    assert judge("upsert_lead", 503, HTML).verify_first is True
    assert judge("upsert_lead", 400, [error("UNABLE_TO_LOCK_ROW")]).verify_first is False


def test_which_record_is_the_duplicate() -> None:
    records = [{"record": {"Id": "003EX00000000501AA"}}, {"record": {"Id": LEAD}}]
    detected = error("DUPLICATES_DETECTED", duplicateResult={"matchResults": {"matchRecords": records}})
    assert judge("upsert_lead", 400, [detected]).card_id == LEAD
    told = error("DUPLICATE_VALUE", f"duplicate value found: Key__c duplicates value on record with id: {LEAD}")
    assert judge("upsert_lead", 400, [told]).card_id == LEAD
    assert judge("upsert_lead", 400, [error("DUPLICATE_VALUE", "duplicate value found")]).card_id == ""


def test_fields_are_named_in_our_words() -> None:
    bad = [error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad", "LeadSource"), error("X", "bad", "Own_Unit__c")]
    assert set(judge("upsert_lead", 400, bad, prefix="Own_").field_errors) == {"source_name", "unit_ref"}
    owner = [error("INVALID_CROSS_REFERENCE_KEY", "inactive", "OwnerId")]
    assert set(judge("create_task", 400, owner).field_errors) == {"assignee_ref"}
    assert set(judge("upsert_lead", 400, owner).field_errors) == {"agent_ref"}
    assert set(judge("upsert_lead", 400, [error("X", "bad") | {"fields": "Email"}]).field_errors) == {"email"}


def test_a_good_answer_that_contradicts_itself_is_owed_a_look() -> None:
    good = {"id": LEAD, "success": "true", "errors": [], "created": True}
    assert judge("upsert_lead", 201, good).verified is True
    assert judge("upsert_lead", 200, good).verified is False
    assert judge("upsert_lead", 200, good | {"created": "false"}).verified is True
    assert judge("upsert_lead", 201, [good]).card_id == LEAD
    assert judge("upsert_lead", 201, good | {"id": None}).verified is False
    assert judge("create_task", 200, {"id": "00T", "success": True}).verified is False


def test_no_body_at_all() -> None:
    assert judge("upsert_lead", 204, b"", known_remote_id=LEAD).card_id == LEAD
    assert judge("upsert_lead", 204, None).verified is False
    assert judge("update_lead", 204, None, known_remote_id=LEAD).verified is True
    assert judge("query_leads", 204, None).outcome is Outcome.RETRY


def test_a_collection_is_judged_record_by_record() -> None:
    good = {"id": LEAD, "success": True, "errors": []}
    bad = {"success": "false", "errors": {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "x"}}
    result = judge("upsert_leads_collection", 200, [bad, good], keys=["a", "b", "c"])
    assert [one.outcome for one in result.items] == [Outcome.RETRY, Outcome.ACCEPTED, Outcome.RETRY]
    assert (result.outcome, result.items[2].verify_first) == (Outcome.PARTIAL, True)
    assert judge("upsert_leads_collection", 200, [bad, bad]).outcome is Outcome.RETRY
    assert judge("upsert_leads_collection", 200, good).outcome is Outcome.ACCEPTED
    refused = {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "fields": ["LastName"]}]}
    assert judge("upsert_leads_collection", 200, [refused]).outcome is Outcome.REJECT
    assert judge("upsert_leads_collection", 200, []).outcome is Outcome.RETRY


def test_reads() -> None:
    assert judge("query_leads", 200, {"totalSize": "0", "done": True}).empty is True
    assert judge("query_leads", 200, {"totalSize": 1, "done": "true", "records": {"Id": LEAD}}).empty is False
    more = {"totalSize": 5, "done": False, "records": [], "nextRecordsUrl": "/x"}
    assert judge("query_leads", 200, more).empty is False
    gone = judge("get_lead", 404, [error("NOT_FOUND", "The requested resource does not exist")])
    assert (gone.outcome, gone.empty) == (Outcome.ACCEPTED, True)
    assert judge("get_lead", 404, HTML).outcome is Outcome.REJECT
    assert judge("query_leads", 404, [error("NOT_FOUND")]).outcome is Outcome.REJECT


def test_several_records_with_our_key() -> None:
    assert judge("upsert_lead", 300, b"").outcome is Outcome.REJECT
    assert judge("upsert_lead", 302, b"").outcome is Outcome.REJECT


def test_tokens() -> None:
    assert judge("token", 200, {"access_token": "x"}).outcome is Outcome.ACCEPTED
    assert judge("token", 200, {"error": "invalid_grant"}).outcome is Outcome.AUTH
    assert judge("token", 400, HTML).outcome is Outcome.AUTH
    assert judge("token", 400, {"error": "x", "error_description": "login rate exceeded"}).outcome is Outcome.RETRY
    assert judge("token", 503, HTML).outcome is Outcome.RETRY
    assert judge("token", 429, b"").outcome is Outcome.RETRY


def test_a_message_shows_nobody() -> None:
    result = judge("upsert_lead", 400, [error("INVALID_EMAIL_ADDRESS", "noor@example.com +17065550123")])
    assert "noor" not in result.message
    assert "0123" not in result.message


def test_a_question_cannot_be_broken_out_of() -> None:
    assert quoted("x' OR Name != '") == "'x\\' OR Name != \\''"
    assert quoted("a\\") == "'a\\\\'"
