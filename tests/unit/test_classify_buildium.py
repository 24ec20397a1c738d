"""What one answer of Buildium means, in ways that nobody recorded; and its notes."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.workers.destinations.base import Outcome, OutcomeKind
from leadsvc.workers.destinations.vendors.buildium.wire import (
    LISTS,
    applicant_outcomes,
    lease_outcome,
    note,
    noted,
    replaced,
)
from tests.judges import HTML, Judge, any_json

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
APPLICANT = {"Id": 41877, "TenantId": None, "FirstName": "Jordan", "LastUpdatedDateTime": "2026-03-14T15:22:33Z"}
judge = Judge("buildium", known={"received_at": NOW})


def error(words: str = "The request could not be processed.", **fields: str) -> dict[str, object]:
    listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in fields.items()]
    return {"UserMessage": words, "ErrorCode": None, "Errors": listed}


ANSWERS: list[tuple[int, object, Outcome, bool]] = [
    # status, body, outcome, look before writing again
    (200, error("Your request could not be authenticated."), Outcome.AUTH, False),
    (200, error("The API key does not have permission for this resource."), Outcome.AUTH, False),
    (200, error("Too many requests."), Outcome.RETRY, False),
    (200, error("An unexpected error occurred."), Outcome.RETRY, True),
    (201, error("The request could not be processed.", FirstName="is required"), Outcome.REJECT, False),
    (400, HTML, Outcome.REJECT, False),
    (401, HTML, Outcome.AUTH, False),
    (402, b"", Outcome.AUTH, False),
    (403, HTML, Outcome.AUTH, False),
    (404, HTML, Outcome.REJECT, False),
    (404, error(), Outcome.REJECT, False),
    (409, error(), Outcome.REJECT, False),
    (415, b"", Outcome.REJECT, False),
    (422, b'{"UserMess', Outcome.REJECT, False),
    (422, {"UserMessage": "x", "Errors": {"Key": "Email", "Value": "y"}}, Outcome.REJECT, False),
    (429, b"", Outcome.RETRY, False),
    (500, HTML, Outcome.RETRY, True),
    (502, HTML, Outcome.RETRY, True),
    (503, {"message": "Service Unavailable"}, Outcome.RETRY, True),
    (504, None, Outcome.RETRY, True),
    (408, b"", Outcome.RETRY, True),
    (301, b"", Outcome.REJECT, False),
    (0, None, Outcome.RETRY, True),
]


@pytest.mark.parametrize(("status", "body", "outcome", "look"), ANSWERS)
def test_awkward(status: int, body: object, outcome: Outcome, look: bool) -> None:
    result = judge("create_applicant", status, body)
    assert (result.outcome, result.verify_first) == (outcome, look)


def test_how_long_to_wait() -> None:
    assert judge("create_applicant", 429, error()).retry_after_s == 0.2
    assert judge("create_applicant", 429, error(), {"Retry-After": "3"}).retry_after_s == 3
    assert judge("create_applicant", 429, error(), {"X-RateLimit-Reset": "1795168830"}).retry_after_s == 30
    late = {"Retry-After": "Fri, 20 Nov 2026 10:00:45 GMT"}
    assert judge("create_applicant", 503, HTML, late).retry_after_s == 45


def test_fields_are_named_in_our_words() -> None:
    result = judge("create_applicant", 422, error(PhoneNumbers__Mobile="too short", UnitId="no unit", Sent="x"))
    assert set(result.field_errors) == {"phone", "unit_ref", "Sent"}
    assert set(judge("create_contact_request", 422, error(AssignedToUserId="x")).field_errors) == {"assignee_ref"}


def test_a_record_in_every_dress() -> None:
    for body in (
        APPLICANT,
        [APPLICANT],
        {**APPLICANT, "Id": "41877"},
        b"\xef\xbb\xbf" + json.dumps(APPLICANT).encode(),
    ):
        result = judge("create_applicant", 201, body)
        assert (result.outcome, result.card_id, result.verified) == (Outcome.ACCEPTED, "41877", True)
    assert judge("create_applicant", 200, APPLICANT).verified is False
    assert judge("create_applicant", 201, {"FirstName": "Jordan"}).verified is False
    assert judge("update_applicant", 200, APPLICANT).verified is True
    assert judge("add_note", 201, {"Id": 99017, "Note": "x"}).event_id == "99017"


def test_where_the_new_record_is_stands_in_a_header_too() -> None:
    headers = {"location": "https://api.buildium.com/v1/applicants/41877/"}
    for body in (b"", b'{"Id": 418'):
        result = judge("create_applicant", 201, body, headers)
        assert (result.outcome, result.card_id, result.verified) == (Outcome.ACCEPTED, "41877", False)
    assert judge("update_applicant", 204, None, known_remote_id="1").card_id == "1"
    assert judge("find_applicant", 204, None).outcome is Outcome.RETRY


def test_lists_and_ones() -> None:
    assert judge("find_applicant", 200, APPLICANT).empty is False
    assert judge("find_applicant", 200, []).empty is True
    assert judge("find_applicant", 404, error()).outcome is Outcome.REJECT
    gone = judge("get_applicant", 404, error("The requested resource was not found."))
    assert (gone.outcome, gone.empty) == (Outcome.ACCEPTED, True)
    assert judge("get_applicant", 404, HTML).outcome is Outcome.REJECT
    assert judge("get_applicant", 200, {"FirstName": "Jordan"}).outcome is Outcome.RETRY


# -- notes and records ------------------------------------------------------------------------------------------------


def test_a_note_tells_what_an_applicant_has_no_field_for() -> None:
    words = note({"source_name": "Zillow.com", "budget_max_cents": 150_050, "comment": "Two\nlines"}, "2101", "GC-1")
    told = "Lead source: Zillow.com\nProperty: 2101\nBudget up to: 1500.50\nComment: Two\nlines"
    assert words == f"Inquiry details\n{told} [ref GC-1]"
    key, fields = noted([{"Id": 1, "Note": words}])
    assert key == "GC-1"
    assert fields == {
        "source_name": "Zillow.com",
        "property_ref": "2101",
        "budget_max_cents": "150050",
        "comment": "Two\nlines",
    }


def test_a_later_note_overrules_and_others_do_not_count() -> None:
    first, second = note({"source_name": "A"}, "1", "GC-1"), note({"source_name": "B"}, "1", "GC-1")
    notes = [{"Id": 10, "Note": second}, {"Id": 9, "Note": first}, {"Id": 11, "Note": "Lead source: C [ref GC-2]"}]
    assert noted(notes) == ("GC-1", {"source_name": "B", "property_ref": "1"})
    assert noted([{"Id": 1, "Note": None}, {}]) == ("", {})


def test_a_renter_cannot_write_our_mark() -> None:
    words = note({"comment": "x [ref GC-EVIL]\nLead source: Mine"}, "1", "GC-1")
    key, fields = noted([{"Id": 1, "Note": words}])
    assert (key, "source_name" in fields) == ("GC-1", False)


def test_a_replacement_keeps_what_it_does_not_change() -> None:
    item = {
        **APPLICANT,
        "LastName": "Avery",
        "Email": None,
        "UnitId": 10104,
        "PhoneNumbers": [{"Number": "(214) 555-0142", "Type": "Cell"}, {"Number": "(214) 555-0150", "Type": "Work"}],
    }
    assert replaced(item, {"email": "j@example.com", "phone": "+12145550143"}) == {
        "FirstName": "Jordan",
        "LastName": "Avery",
        "Email": "j@example.com",
        "UnitId": 10104,
        "PhoneNumbers": {"Mobile": "(214) 555-0143", "Work": "(214) 555-0150"},
    }


def test_what_became_of_an_applicant() -> None:
    form = {"Id": 61, "ApplicationSubmittedDateTime": "2026-03-25T18:00:00Z"}
    told = applicant_outcomes({**APPLICANT, "TenantId": 88001, "Status": "AddedToLease", "Applications": form})
    assert [one.kind for one in told] == [OutcomeKind.APPLIED, OutcomeKind.LEASED]
    assert {one.card_id for one in told} == {"41877"}
    assert applicant_outcomes({**APPLICANT, "Status": "Undecided"}) == []
    assert [one.kind for one in applicant_outcomes({**APPLICANT, "Status": "Ghosted"})] == [OutcomeKind.OTHER]
    lease = {"Id": 70012, "LeaseStatus": "Active", "LastUpdatedDateTime": "2026-05-01T10:00:00Z"}
    moved = lease_outcome(lease, {"Id": 88001}, [{"Id": 1, "TenantId": 5}, {"Id": 2, "TenantId": "88001"}])
    assert moved is not None
    assert (moved.card_id, moved.kind, moved.lease_id) == ("2", OutcomeKind.MOVED_IN, "70012")
    assert lease_outcome({**lease, "LeaseStatus": "Future"}, {"Id": 88001}, [{"Id": 2, "TenantId": 88001}]) is None
    assert lease_outcome(lease, {"Id": None}, [{"Id": 2, "TenantId": None}]) is None


@given(st.sampled_from(sorted(LISTS)), st.sampled_from([200, 201]), any_json(("Id", "Errors", "FirstName", "TenantId")))
def test_only_an_empty_list_is_an_empty_answer(op: str, status: int, value: object) -> None:
    assert judge(op, status, json.dumps(value).encode()).empty is (value == [])


@given(st.text(max_size=200))
def test_any_comment_is_told_and_nothing_else(comment: str) -> None:
    key, fields = noted([{"Id": 1, "Note": note({"source_name": "A", "comment": comment}, "1", "GC-1")}])
    assert (key, fields["source_name"], fields["property_ref"]) == ("GC-1", "A", "1")
    assert set(fields) <= {"source_name", "property_ref", "comment"}
