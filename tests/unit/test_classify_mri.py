"""What one answer of MRI means, in awkward ways that nobody recorded."""

from __future__ import annotations

import pytest

from leadsvc.workers.destinations.base import Outcome
from tests.judges import XML, Judge

HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"
TEXT = {"Content-Type": "text/plain"}
DEEP = "<ProspectiveTenant><entry><Beds>2</Beds>{}</entry></ProspectiveTenant>"
judge = Judge("mri", XML)


def cards(*entries: str) -> str:
    inside = "".join(f"<entry>{each}</entry>" for each in entries)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><mri_s-pmrm_guestcardsbysiteid>{inside}</mri_s-pmrm_guestcardsbysiteid>'
    )


def error(words: str) -> str:
    return f"<Error><Message>{words}</Message></Error>"


GOOD = "<NameID>0000041877</NameID><FirstName>Ana</FirstName>"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "look"),
    [
        (200, HTML, "retry", True),
        (200, b"", "retry", True),
        (200, None, "retry", True),
        (200, cards(GOOD)[:-20], "retry", True),
        (200, cards(), "retry", True),
        (200, "<other/>", "retry", True),
        (200, "Good morning", "retry", True),
        (200, cards(error("LASTNAME: a value is required.")), "reject", False),
        (200, cards(error("The web user has no access to this API.")), "auth", False),
        (200, cards(error("Transaction was deadlocked; deadlock victim.")), "retry", True),
        (200, cards("<Error>PROPERTYID: HC99 was not found.</Error>"), "reject", False),
        (200, cards("<NameID/>" + DEEP.format(error("BEDS: bad."))), "reject", False),
        (200, cards(GOOD + DEEP.format(error("BEDS: bad."))), "partial", False),
        (200, cards(GOOD + "<Error/>"), "accepted", False),
        (200, cards(GOOD + DEEP.format("<Error><Message/></Error>")), "accepted", False),
        (200, "<mri_x><Error><Message>Unknown API.</Message></Error></mri_x>", "reject", False),
        (200, "<Result>Success: 1 record</Result>", "accepted", False),
        (200, "<Result>PROPERTYID: not found</Result>", "reject", False),
        (200, "Success", "accepted", False),
        (200, "RESIDENTID: The specified value was not found.", "reject", False),
        (200, {"error": {"code": "BadRequest", "message": "Unknown parameter."}}, "reject", False),
        (200, {"value": [{"NameID": "0000041877"}]}, "accepted", False),
        (201, cards(GOOD), "accepted", False),
        (204, None, "accepted", False),
        (200, cards(error("RESIDENTID: the record is locked by another user, try again.")), "retry", True),
        (400, "LASTNAME: a value is required.", "reject", False),
        (400, b"", "reject", False),
        (401, b"", "auth", False),
        (403, HTML, "auth", False),
        (404, HTML, "reject", False),
        (429, b"", "retry", False),
        (500, "PROPERTYID: HC99 was not found.", "reject", False),
        (500, "An unexpected error occurred.", "retry", True),
        (500, cards(error("EMAIL: too long")), "reject", False),
        (500, "The partner key is not granted for this client.", "auth", False),
        (500, HTML, "retry", True),
        (502, HTML, "retry", True),
        (302, b"", "reject", False),
        (0, None, "retry", True),
    ],
)
def test_awkward_answers_to_a_write(status: int, body: object, outcome: str, look: bool) -> None:
    result = judge("create_guest_card", status, body, TEXT if isinstance(body, str) and body[:1] != "<" else XML)
    assert (result.outcome, result.verify_first) == (outcome, look)


@pytest.mark.parametrize(
    "body",
    [
        cards(GOOD),
        "\ufeff" + cards(GOOD),
        "\r\n" + cards(GOOD),
        cards(GOOD).replace("mri_s-pmrm", "x:mri_s-pmrm").replace("bysiteid>", 'bysiteid xmlns:x="urn:m">', 1),
        cards(GOOD).replace("NameID", "nameid"),
        cards(GOOD.replace("0000041877", " 0000041877\n")),
    ],
)
def test_one_good_answer_in_many_dresses(body: str) -> None:
    result = judge("create_guest_card", 200, body)
    assert (result.outcome, result.card_id, result.person_id, result.verified) == (
        "accepted",
        "0000041877",
        "0000041877",
        True,
    )


def test_no_id_is_owed_a_look() -> None:
    for body in (cards("<NameID/>"), cards("<NameID>0000000000</NameID>"), cards("<FirstName>Ana</FirstName>")):
        result = judge("create_guest_card", 200, body)
        assert (result.outcome, result.card_id, result.verified) == ("accepted", "", False)


def test_a_part_that_failed_keeps_the_id() -> None:
    result = judge(
        "create_guest_card", 200, cards(GOOD + DEEP.format(error("DESIREDMOVEINDATE: the date is not valid.")))
    )
    assert (result.outcome, result.remote_id) == (Outcome.PARTIAL, "0000041877")
    assert [each.outcome for each in result.items] == ["accepted", "reject"]
    assert set(result.field_errors) == {"move_in"}


def test_an_error_of_the_whole_entry_beside_the_id_that_was_sent() -> None:
    body = cards(GOOD + error("EMAIL: not valid."))
    updated = judge("update_guest_card", 200, body)
    assert (updated.outcome, updated.card_id, set(updated.field_errors)) == ("reject", "0000041877", {"email"})
    created = judge("create_guest_card", 200, body)
    assert (created.outcome, created.card_id) == ("partial", "0000041877")
    assert judge("update_guest_card", 200, cards(GOOD + DEEP.format(error("BEDS: bad.")))).outcome == "partial"


def test_entries_are_judged_one_by_one() -> None:
    result = judge("create_guest_card", 200, cards(GOOD, error("PROPERTYID: HC99 was not found.")))
    assert (result.outcome, [each.outcome for each in result.items]) == ("partial", ["accepted", "reject"])
    both = judge("create_guest_card", 200, cards(error("A: x"), error("PROPERTYID: y")))
    assert both.outcome == "reject"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "empty"),
    [
        (200, {"value": []}, "accepted", True),
        (200, {"odata.metadata": "x", "value": {"NameID": "1"}}, "accepted", False),
        (200, b"[]", "accepted", True),
        (204, None, "accepted", True),
        (200, cards(GOOD), "accepted", False),
        (200, cards(), "accepted", True),
        (200, cards(error("No records found.")), "accepted", True),
        (200, cards(error("SITEID: HC99 was not found.")), "reject", False),
        (200, {"error": {"message": "No records were found."}}, "accepted", True),
        (200, {"error": {"message": "Access denied."}}, "auth", False),
        (200, {"error": "Too many requests"}, "retry", False),
        (200, {}, "retry", False),
        (200, b'{"value": [{"NameID": "1"', "retry", False),
        (200, HTML, "retry", False),
        (200, b"", "retry", False),
        (400, b"SITEID: required.", "reject", False),
        (503, HTML, "retry", False),
        (0, None, "retry", False),
    ],
)
def test_awkward_answers_to_a_read(status: int, body: object, outcome: str, empty: bool) -> None:
    result = judge("list_guest_cards", status, body, {})
    assert (result.outcome, result.empty, result.verify_first) == (outcome, empty, False)
