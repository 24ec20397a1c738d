"""What one answer of Rent Manager means, in awkward ways that nobody recorded."""

from __future__ import annotations

import pytest

from leadsvc.workers.destinations.base import Outcome
from leadsvc.workers.destinations.vendors.rentmanager.verdict import token
from tests.contract_cases import RECEIVED_AT, cases
from tests.judges import JSON, Judge, check_case

HTML = b"<html><head><title>IIS</title></head><body><h2>Server Error</h2></body></html>"
EPOCH = int(RECEIVED_AT.timestamp())
judge = Judge("rentmanager", JSON)


def error(words: str) -> dict[str, object]:
    return {"DeveloperMessage": words, "UserMessage": words, "ErrorCode": -2146233088, "Exception": "System.Exception"}


@pytest.mark.parametrize(
    ("status", "body", "outcome", "look"),
    [
        (200, HTML, "retry", True),
        (200, b"", "retry", True),
        (200, [], "retry", True),
        (200, b'[{"ProspectID": 41877, "Na', "retry", True),
        (200, '"a text"', "retry", True),
        (200, error("Object reference not set to an instance of an object."), "retry", True),
        (200, error("PropertyID 99 does not exist."), "reject", False),
        (200, error("You do not have the privilege Add Prospects."), "auth", False),
        (200, error("A record with the same parameters already exists."), "duplicate", False),
        (200, [error("LastName is required.")], "reject", False),
        (201, {"ProspectID": 7, "ConcurrencyID": 1}, "accepted", False),
        (201, b"", "accepted", False),
        (402, b"", "auth", False),
        (500, error("A record with the same parameters already exists."), "duplicate", False),
        (400, {"Message": "The request is invalid."}, "reject", False),
        (400, b"", "reject", False),
        (400, error("Rate limit reached"), "retry", False),
        (401, error("The token is not valid."), "auth", False),
        (401, HTML, "auth", False),
        (403, b"", "auth", False),
        (404, HTML, "reject", False),
        (404, error("Prospect 5 was not found."), "reject", False),
        (409, b"", "duplicate", False),
        (409, {"Message": "The record was changed by another user."}, "retry", True),
        (415, b"", "reject", False),
        (423, b"", "retry", True),
        (500, b"", "retry", True),
        (500, {"Message": "An error has occurred."}, "retry", True),
        (500, error("Your password has expired."), "auth", False),
        (500, error("User lacks the privilege Edit Prospects."), "auth", False),
        (500, HTML, "retry", True),
        (502, HTML, "retry", True),
        (503, b"", "retry", True),
        (429, HTML, "retry", False),
        (307, b"", "reject", False),
        (0, None, "retry", True),
    ],
)
def test_awkward_answers_to_a_create(status: int, body: object, outcome: str, look: bool) -> None:
    result = judge("create_prospect", status, body)
    assert (result.outcome, result.verify_first) == (outcome, look)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "empty"),
    [
        (204, None, "accepted", True),
        (200, [], "accepted", True),
        (200, b"\xef\xbb\xbf[]", "accepted", True),
        (200, {"ProspectID": 5}, "accepted", False),
        (200, b"", "retry", False),
        (200, HTML, "retry", False),
        (200, b'[{"ProspectID": 5}, {"Pro', "retry", False),
        (404, error("Prospect 5 was not found."), "accepted", True),
        (404, HTML, "reject", False),
        (400, error("Filter field Contacts.Mail is unknown."), "reject", False),
        (500, error("Sequence contains no elements"), "retry", False),
        (401, b"", "auth", False),
        (0, None, "retry", False),
    ],
)
def test_awkward_answers_to_a_read(status: int, body: object, outcome: str, empty: bool) -> None:
    result = judge("find_prospect", status, body)
    assert (result.outcome, result.empty, result.verify_first) == (outcome, empty, False)


def test_a_stale_version_is_told_from_a_twin() -> None:
    assert judge("update_prospect", 409, b"").code == "version_conflict"
    assert judge("update_prospect", 412, b"").code == "version_conflict"
    assert judge("update_prospect", 500, error("The record was changed by another user.")).code == "version_conflict"
    assert (
        judge("update_prospect", 409, error("A record with the same parameters already exists.")).outcome == "duplicate"
    )
    twin = judge("create_prospect", 409, b"", known_remote_id="41877")
    assert (twin.outcome, twin.card_id) == (Outcome.DUPLICATE, "41877")


def test_no_id_is_owed_a_look() -> None:
    bodies: tuple[object, ...] = ([{"ProspectID": 0}], [{"ProspectID": None, "ConcurrencyID": 1}], [{}])
    for body in bodies:
        result = judge("create_prospect", 200, body)
        assert (result.outcome, result.card_id, result.verified) == ("accepted", "", False)
    assert not judge("create_prospect", 204, None).verified
    assert judge("update_prospect", 200, [{"ProspectID": "5", "ConcurrencyID": "3"}]).version == "3"


def test_a_list_of_two_is_judged_record_by_record() -> None:
    result = judge("create_prospect", 200, [{"ProspectID": 1, "ConcurrencyID": 1}, error("LastName is required.")])
    assert [each.outcome for each in result.items] == ["accepted", "reject"]
    assert result.outcome == "partial"


def test_waits_of_the_recorded() -> None:
    throttled = [check_case(case) for case in cases("rentmanager") if case.status == 429]
    assert throttled
    assert {(told.retry_after_s, told.verify_first) for told in throttled} == {(1773501780 - EPOCH, False)}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": str(EPOCH + 30)}, 30),
        ({"X-RateLimit-ResetTime": "Sat, 14 Mar 2026 15:23:03 GMT"}, 40),
        ({"Retry-After": "7", "x-ratelimit-reset": str(EPOCH + 30)}, 7),
        ({"x-ratelimit-reset": "never"}, None),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert judge("create_prospect", 429, b"", headers).retry_after_s == seconds


def test_fields_are_named() -> None:
    model = {
        "Message": "The request is invalid.",
        "ModelState": {"model[0].PropertyID": ["PropertyID 99 does not exist."]},
    }
    assert judge("create_prospect", 400, model).field_errors == {"property_ref": ("PropertyID 99 does not exist.",)}
    task = judge("create_task", 400, error("AssignedUserID 7 does not exist."))
    assert set(task.field_errors) == {"assignee_ref"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'"EXAMPLE-TOKEN-0000"', "EXAMPLE-TOKEN-0000"),
        (b'\xef\xbb\xbf"EXAMPLE-TOKEN-0000"\r\n', "EXAMPLE-TOKEN-0000"),
        (b"EXAMPLE-TOKEN-0000", "EXAMPLE-TOKEN-0000"),
        (b'{"Token": "EXAMPLE-TOKEN-0000"}', "EXAMPLE-TOKEN-0000"),
        (b'""', ""),
        (b"null", ""),
        (HTML, ""),
        (b"[1]", ""),
    ],
)
def test_tokens(body: bytes, expected: str) -> None:
    assert token(body) == expected
    result = judge("authorize_user", 200, body)
    assert result.outcome == ("accepted" if expected else "retry")
    assert "EXAMPLE" not in repr(result)
