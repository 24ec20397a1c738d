"""What one answer of ResMan means, in awkward ways that nobody recorded."""

from __future__ import annotations

import json

import pytest

from leadsvc.workers.destinations.base import Outcome, Result
from tests.judges import XML, Judge

PERSON = "0f0f0000-2222-4bbb-8ccc-000000077310"
PAGE = b"<!DOCTYPE html><html><body><h2>Server Error in '/' Application.</h2></body></html>"
judge = Judge("resman", XML)


def person(key: str = PERSON) -> str:
    customer = f'<Customer Type="prospect"><Identification IDType="PersonID" IDValue="{key}"/></Customer>'
    return f"<Prospect><Customers>{customer}</Customers></Prospect>"


def good(*people: str, status: str = "Success") -> str:
    inner = f"<LeadManagement><Prospects>{''.join(people)}</Prospects></LeadManagement>"
    return f"<ResMan><Status>{status}</Status><Response>{inner}</Response></ResMan>"


def error(words: str, status: str = "Error") -> str:
    return f"<ResMan><Status>{status}</Status><ErrorDescription>{words}</ErrorDescription></ResMan>"


@pytest.mark.parametrize(
    "body",
    [
        good(person()),
        good(person(), status="SUCCESS"),
        "\ufeff" + good(person()),
        good(person()).replace("<ResMan>", '<r:ResMan xmlns:r="urn:r">').replace("</ResMan>", "</r:ResMan>"),
        f'<?xml version="1.0" encoding="utf-8"?>\r\n{good(person())}',
        good(person(), person()),
        "<string>" + good(person()).replace("<", "&lt;") + "</string>",
        f"<LeadManagement><Prospects>{person()}</Prospects></LeadManagement>",
    ],
)
def test_posted_in_any_wrapping(body: str) -> None:
    told = judge("post_lead", 200, body)
    assert (told.outcome, told.card_id, told.person_id, told.verified) == (Outcome.ACCEPTED, PERSON, PERSON, True)


@pytest.mark.parametrize("body", [good(), "<ResMan><Status>Success</Status></ResMan>", good(person("0"))])
def test_accepted_without_an_id_is_to_be_looked_up(body: str) -> None:
    told = judge("post_lead", 200, body)
    assert (told.outcome, told.card_id, told.verified) == (Outcome.ACCEPTED, "", False)


@pytest.mark.parametrize(
    ("words", "expected", "field"),
    [
        ("Transaction Source could not be found", Outcome.REJECT, "source_name"),
        ("The agent could not be found", Outcome.REJECT, "agent_ref"),
        ("Property is not available.", Outcome.REJECT, "property_ref"),
        ("The account has no access to this property.", Outcome.REJECT, "property_ref"),
        ("LastName is required.", Outcome.REJECT, "last_name"),
        ("Nobody has seen this text before.", Outcome.REJECT, ""),
        ("The Integration Partner or API Key is invalid.", Outcome.AUTH, ""),
        ("The AccountID is not known.", Outcome.AUTH, ""),
        ("A prospect with the same email already exists.", Outcome.DUPLICATE, ""),
        ("Timeout expired, please try again later.", Outcome.RETRY, ""),
        ("An unexpected error occurred.", Outcome.RETRY, ""),
        ("Too many requests", Outcome.RETRY, ""),
    ],
)
@pytest.mark.parametrize("word", ["Error", "FAILED", "Failure"])
def test_an_error_in_a_good_status(words: str, expected: Outcome, field: str, word: str) -> None:
    told = judge("post_lead", 200, error(words, word))
    assert told.outcome is expected
    assert list(told.field_errors) == ([field] if field else [])
    assert told.verify_first is (expected is Outcome.RETRY and "many" not in words)


def test_an_error_without_a_status_is_one() -> None:
    assert (
        judge("post_lead", 200, "<ResMan><ErrorDescription>Nope.</ErrorDescription></ResMan>").outcome is Outcome.REJECT
    )


def test_a_duplicate_that_names_the_person() -> None:
    body = error("A prospect with the same email already exists.").replace("</ResMan>", f"{person()}</ResMan>")
    told = judge("post_lead", 200, body)
    assert (told.outcome, told.card_id, told.verified) == (Outcome.DUPLICATE, PERSON, True)
    assert judge("post_event", 200, body).outcome is Outcome.REJECT


@pytest.mark.parametrize("op", ["post_lead", "post_event"])
@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"  ",
        PAGE,
        good(person())[:-30].encode(),
        b"\x00\xff",
        b"[]",
        b"null",
        b"Success",
        b"<Other/>",
        b"{}",
    ],
)
def test_an_answer_that_says_nothing_leaves_a_write_unknown(op: str, body: bytes | None) -> None:
    told = judge(op, 200, body)
    assert (told.outcome, told.verify_first, told.verified) == (Outcome.RETRY, True, False)


@pytest.mark.parametrize(
    ("status", "expected", "verify_first"),
    [
        (0, Outcome.RETRY, True),
        (302, Outcome.REJECT, False),
        (400, Outcome.REJECT, False),
        (401, Outcome.AUTH, False),
        (403, Outcome.AUTH, False),
        (404, Outcome.REJECT, False),
        (408, Outcome.RETRY, True),
        (429, Outcome.RETRY, False),
        (500, Outcome.RETRY, True),
        (503, Outcome.RETRY, True),
    ],
)
def test_pages_of_web_servers(status: int, expected: Outcome, verify_first: bool) -> None:
    told = judge("post_lead", status, PAGE, {"Content-Type": "text/html", "Retry-After": "7"})
    assert (told.outcome, told.verify_first) == (expected, verify_first)
    assert told.retry_after_s == (7.0 if expected is Outcome.RETRY and status else None)
    assert judge("search_prospects", status, PAGE).verify_first is False


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (400, "Transaction Source could not be found", Outcome.REJECT),
        (400, "The API Key is invalid.", Outcome.AUTH),
        (400, "A prospect with the same email already exists.", Outcome.DUPLICATE),
        (500, "Object reference not set.", Outcome.RETRY),
        (500, "Something else.", Outcome.RETRY),
        (403, "Something else.", Outcome.AUTH),
    ],
)
def test_errors_in_words_under_a_bad_status(status: int, words: str, expected: Outcome) -> None:
    assert judge("post_lead", status, error(words)).outcome is expected


def test_searches() -> None:
    one = judge("search_prospects", 200, good(person()))
    assert (one.outcome, one.empty, one.card_id) == (Outcome.ACCEPTED, False, PERSON)
    two = judge("search_prospects", 200, good(person(), person("7")))
    assert (two.empty, two.card_id) == (False, "")
    for body in (good(), "<ResMan><Status>Success</Status><Response><LeadManagement/></Response></ResMan>"):
        assert judge("search_prospects", 200, body).empty
    assert judge("search_prospects", 200, error("No prospects were found.")).empty
    assert judge("search_prospects", 200, "<ResMan><Status>Success</Status></ResMan>").outcome is Outcome.RETRY


@pytest.mark.parametrize(("op", "name"), [("get_sources", "ProspectSources"), ("get_employees", "Employees")])
def test_lists(op: str, name: str) -> None:
    def said(**words: object) -> Result:
        return judge(op, 200, json.dumps(words), {"Content-Type": "application/json"})

    assert said(Status="Success", **{name: [{"ID": "31"}]}).outcome is Outcome.ACCEPTED
    assert said(status="success", **{name.lower(): {"ID": 31}}).empty is False
    assert said(Status="Success", **{name: []}).empty
    assert said(Status="Success").outcome is Outcome.RETRY
    assert said(Status="Failed", ErrorDescription="The API Key is invalid.").outcome is Outcome.AUTH
    assert list(said(Status="Failed", ErrorDescription="Property is not available.").field_errors) == ["property_ref"]
    assert judge(op, 200, error("The API Key is invalid.")).outcome is Outcome.AUTH


def test_lists_in_xml_and_writes_in_json() -> None:
    rows = "<ProspectSources><ProspectSource><ID>31</ID><Name>Zillow.com</Name></ProspectSource></ProspectSources>"
    listed = f"<ResMan><Status>Success</Status><Response>{rows}</Response></ResMan>"
    assert (judge("get_sources", 200, listed).outcome, judge("get_sources", 200, listed).empty) == (
        Outcome.ACCEPTED,
        False,
    )
    written = judge("post_lead", 200, json.dumps({"Status": "Success", "Response": {"PersonID": PERSON}}))
    assert (written.outcome, written.card_id, written.verified) == (Outcome.ACCEPTED, PERSON, True)
    broken = judge("post_lead", 200, json.dumps({"Message": "An error has occurred."}))
    assert (broken.outcome, broken.verify_first) == (Outcome.RETRY, True)


def test_nothing_said_in_so_many_words() -> None:
    bare = "<ResMan><Status>Success</Status><Response/></ResMan>"
    assert judge("search_prospects", 200, bare).empty
    assert judge("get_sources", 200, b'{"Status": "Success", "ProspectSources": null}').empty


def test_gateways_between_us() -> None:
    refused = judge("post_lead", 200, b'{"message": "Invalid API key."}')
    limited = judge("post_lead", 403, b"<html><h1>Rate limit exceeded</h1></html>")
    assert (refused.outcome, limited.outcome, limited.verify_first) == (Outcome.AUTH, Outcome.RETRY, False)
