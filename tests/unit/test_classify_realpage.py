"""What one answer of RealPage means, in awkward ways that nobody recorded."""

from __future__ import annotations

import pytest

from leadsvc.workers.destinations.base import Outcome
from tests.judges import XML, Judge

HTML = b"<html><head><title>Error</title></head><body><h1>Bad Gateway</h1></body></html>"
GOOD = (
    "<InsertProspectResponse><message>SUCCESS</message><Guestcard><ID>3300417</ID><Status>Success</Status>"
    "<Action>Inserted</Action></Guestcard><Customers><CustomerID>8800912</CustomerID></Customers></InsertProspectResponse>"
)
judge = Judge("realpage", XML)


def soap(inner: str, prefix: str = "s", space: str = "http://schemas.xmlsoap.org/soap/envelope/") -> str:
    return f'<{prefix}:Envelope xmlns:{prefix}="{space}"><{prefix}:Body>{inner}</{prefix}:Body></{prefix}:Envelope>'


def answered(inner: str, method: str = "insertprospect") -> str:
    return soap(
        f'<{method}Response xmlns="http://tempuri.org/"><{method}Result>{inner}</{method}Result></{method}Response>'
    )


def wrote(message: str, status: str = "", card: str = "3300417", action: str = "") -> str:
    state = (
        f"<Guestcard><ID>{card}</ID><Status>{status}</Status><Action>{action}</Action></Guestcard>" if status else ""
    )
    return answered(f"<InsertProspectResponse><message>{message}</message>{state}</InsertProspectResponse>")


def fault(code: str, words: str, prefix: str = "s", detail: str = "") -> str:
    inside = f"<faultcode>{code}</faultcode><faultstring>{words}</faultstring><detail>{detail}</detail>"
    return soap(f"<{prefix}:Fault>{inside}</{prefix}:Fault>", prefix)


TWELVE = soap(
    "<e:Fault><e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>a:InternalServiceFault</e:Value></e:Subcode></e:Code>"
    "<e:Reason><e:Text>Something broke.</e:Text></e:Reason></e:Fault>",
    "e",
    "http://www.w3.org/2003/05/soap-envelope",
)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "look"),
    [
        (200, HTML, "retry", True),
        (200, b"", "retry", True),
        (200, None, "retry", True),
        (200, answered(GOOD)[:-40], "retry", True),
        (200, "<!DOCTYPE x [<!ENTITY a 'b'>]>" + answered(GOOD), "retry", True),
        (200, soap(""), "retry", True),
        (200, answered(""), "retry", True),
        (200, answered("<UpdateProspect><message>SUCCESS</message></UpdateProspect>", "updateprospect"), "retry", True),
        (200, '{"message": "SUCCESS"}', "retry", True),
        (200, wrote("Deadlock victim. Please try again."), "retry", True),
        (200, wrote("Too many requests for this site."), "retry", False),
        (200, wrote("License key is not valid for this company and site."), "auth", False),
        (200, wrote("User does not have permission for site 2000002."), "auth", False),
        (200, wrote("Leasing agent 5512 is not active."), "reject", False),
        (200, wrote("SUCCESS", "Failure", "0"), "reject", False),
        (200, wrote("Guest card was saved.", "Success"), "accepted", False),
        (200, wrote("Guest card was saved."), "reject", False),
        (402, HTML, "auth", False),
        (200, wrote("The guest card already exists.", "Failure", "3300102"), "duplicate", False),
        (200, fault("s:Client", "Authentication failed."), "auth", False),
        (200, fault("s:Server", "Something broke."), "retry", True),
        (500, fault("SOAP-ENV:Client", "lastname is required", "SOAP-ENV"), "reject", False),
        (500, fault("soap:Server", "Server was unable to process request.", "soap"), "retry", True),
        (500, fault("s:Client", "Timeout expired while saving."), "retry", True),
        (500, fault("s:Server", "The license key has expired."), "auth", False),
        (500, fault("a:InternalServiceFault", "The server was unable to process the request."), "retry", True),
        (500, fault("a:DeserializationFailed", "Element 'leasetermmonths' is not an int."), "reject", False),
        (500, fault("s:Client", "No.", detail="<x><CustomMessage>Access denied</CustomMessage></x>"), "auth", False),
        (400, fault("s:Client", "firstname exceeds 30 characters"), "reject", False),
        (500, TWELVE, "retry", True),
        (500, HTML, "retry", True),
        (500, b"", "retry", True),
        (502, HTML, "retry", True),
        (503, b"", "retry", True),
        (401, HTML, "auth", False),
        (403, HTML, "auth", False),
        (404, HTML, "reject", False),
        (415, b"", "reject", False),
        (429, b"", "retry", False),
        (302, b"", "reject", False),
        (0, None, "retry", True),
    ],
)
def test_awkward_answers_to_a_write(status: int, body: bytes | str | None, outcome: str, look: bool) -> None:
    result = judge("insert_prospect", status, body)
    assert (result.outcome, result.verify_first) == (outcome, look)


@pytest.mark.parametrize(
    "body",
    [
        answered(GOOD),
        "\ufeff" + answered(GOOD),
        '\n<?xml version="1.0" encoding="utf-8"?>\n' + answered(GOOD),
        answered(GOOD)
        .replace("<s:", "<SOAP-ENV:")
        .replace("</s:", "</SOAP-ENV:")
        .replace("xmlns:s=", "xmlns:SOAP-ENV="),
        answered(GOOD).replace("Guestcard>", "GUESTCARD>").replace("<ID>", "<id>").replace("</ID>", "</id>"),
        answered(f"<![CDATA[{GOOD}]]>"),
        answered(GOOD.replace("<", "&lt;")),
        answered(GOOD).replace("SUCCESS", "Success."),
        answered(GOOD).replace("<message>SUCCESS</message>", ""),
        answered(GOOD).replace("Inserted", "Walked"),
    ],
)
def test_one_good_answer_in_many_dresses(body: str) -> None:
    result = judge("insert_prospect", 200, body)
    assert (result.outcome, result.card_id, result.person_id, result.verified) == (
        "accepted",
        "3300417",
        "8800912",
        True,
    )


@pytest.mark.parametrize("action", ["Updated", "MERGED", "Matched existing", "Duplicate"])
def test_a_card_the_vendor_joined_is_no_new_one(action: str) -> None:
    result = judge("insert_prospect", 200, wrote("SUCCESS", "Success", action=action))
    assert (result.outcome, result.card_id) == (Outcome.DUPLICATE, "3300417")


def test_no_id_is_owed_a_look() -> None:
    for body in (wrote("SUCCESS"), wrote("SUCCESS", "Success", "0"), wrote("SUCCESS", "Success", "")):
        result = judge("insert_prospect", 200, body)
        assert (result.outcome, result.card_id, result.verified) == ("accepted", "", False)
    followup = answered("<InsertFollowUp><message>SUCCESS</message></InsertFollowUp>", "insertfollowup")
    assert not judge("insert_followup", 200, followup).verified


def test_a_person_that_was_left_out_makes_it_partial() -> None:
    people = "".join(
        f"<CustomerResult><CustomerID>{key}</CustomerID><Status>{state}</Status></CustomerResult>"
        for key, state in (("8800912", "Success"), ("0", "Failure"))
    )
    body = answered(
        GOOD.replace(
            "</InsertProspectResponse>", f"<CustomerResults>{people}</CustomerResults></InsertProspectResponse>"
        )
    )
    result = judge("insert_prospect", 200, body)
    assert (result.outcome, result.card_id) == (Outcome.PARTIAL, "3300417")
    assert [each.outcome for each in result.items] == ["accepted", "reject"]


@pytest.mark.parametrize(
    ("inner", "outcome", "empty"),
    [
        ("<GuestCards/>", "accepted", True),
        ("<GuestCards><GuestCard><GuestCardID>5</GuestCardID></GuestCard></GuestCards>", "accepted", False),
        ("<guestcards><guestcard><guestcardid>5</guestcardid></guestcard></guestcards>", "accepted", False),
        ("<ProspectSearch><message>SUCCESS</message></ProspectSearch>", "accepted", True),
        ("<ProspectSearch><message>No records found.</message></ProspectSearch>", "accepted", True),
        ("<ProspectSearch><message>Site 2000009 is unknown.</message></ProspectSearch>", "reject", False),
        ("<ProspectSearch><message>Request limit reached.</message></ProspectSearch>", "retry", False),
        ("", "retry", False),
        ("<Other/>", "retry", False),
    ],
)
def test_awkward_answers_to_a_read(inner: str, outcome: str, empty: bool) -> None:
    result = judge("prospect_search", 200, answered(inner, "prospectsearch"))
    assert (result.outcome, result.empty, result.verify_first) == (outcome, empty, False)


def test_reads_that_fail() -> None:
    assert judge("marketing_sources", 500, fault("s:Server", "x")).verify_first is False
    assert judge("prospect_search", 500, fault("s:Client", "No guest cards were found.")).empty
    assert judge("units", 200, HTML).outcome == "retry"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "look"),
    [
        (200, b'{"ConfirmationId": ""}', "accepted", False),
        (200, b'{"confirmationid": "c0ffee00-1111"}', "accepted", False),
        (200, b'{"Message": "Customers[0].Email is not valid."}', "reject", False),
        (200, b"", "retry", True),
        (200, b"<html/>", "retry", True),
        (200, b'\xef\xbb\xbf{"ConfirmationId": "c0ff', "retry", True),
        (202, b"", "retry", True),
        (400, b"", "reject", False),
        (400, b'{"Message": "API key is missing."}', "auth", False),
        (403, b'{"Message": "Out of call volume quota."}', "auth", False),
        (404, b'{"statusCode": 404, "message": "Resource not found"}', "reject", False),
        (500, b"", "retry", True),
        (503, HTML, "retry", True),
    ],
)
def test_awkward_answers_of_the_other_door(status: int, body: bytes, outcome: str, look: bool) -> None:
    result = judge("ilm_lead", status, body, {"Content-Type": "application/json"})
    assert (result.outcome, result.verify_first, result.remote_id) == (outcome, look, "")


def test_a_wait_told_in_words() -> None:
    body = b'{"Message": "Rate limit is exceeded. Try again in 12 seconds."}'
    assert judge("ilm_lead", 429, body, {"Content-Type": "application/json"}).retry_after_s == 12


def test_fields_are_named() -> None:
    assert set(
        judge("insert_prospect", 200, wrote("Primary lead source 9999 does not exist for this site.")).field_errors
    ) == {"source_name"}
    assert set(judge("insert_prospect", 500, fault("s:Client", "firstname exceeds 30 characters")).field_errors) == {
        "first_name"
    }
