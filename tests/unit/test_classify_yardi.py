"""What one answer of Voyager means, in awkward ways that nobody recorded."""

from __future__ import annotations

import pytest

from leadsvc.workers.destinations.base import Outcome
from tests.judges import XML, Judge

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"
SPACE = "http://tempuri.org/YSI.Interfaces.WebServices/ItfILSGuestCard"
SAVED = "Oakline Lofts: prospect saved. CustomerID: p0077310"
judge = Judge("yardi", XML)


def soap(inner: str, prefix: str = "soap", space: str = "http://schemas.xmlsoap.org/soap/envelope/") -> str:
    return f'<{prefix}:Envelope xmlns:{prefix}="{space}"><{prefix}:Body>{inner}</{prefix}:Body></{prefix}:Envelope>'


def result(inner: str, method: str = "ImportYardiGuest_Login") -> str:
    return soap(f'<{method}Response xmlns="{SPACE}"><{method}Result>{inner}</{method}Result></{method}Response>')


def message(words: str, kind: str = "Error") -> str:
    return f'<Message messageType="{kind}">{words}</Message>'


def messages(*each: str) -> str:
    return f'<Messages xmlns="">{"".join(each)}</Messages>'


def fault(words: str, code: str = "soap:Server", prefix: str = "soap") -> str:
    inner = f"<faultcode>{code}</faultcode><faultstring>{words}</faultstring><detail/>"
    return soap(f"<{prefix}:Fault>{inner}</{prefix}:Fault>", prefix)


def guests(*each: str) -> str:
    return f'<LeadManagement xmlns=""><Prospects>{"".join(each)}</Prospects></LeadManagement>'


def guest(prospect_id: str) -> str:
    ids = f'<Identification IDType="ProspectID" IDValue="{prospect_id}"/>'
    return f'<Prospect><Customers><Customer Type="prospect">{ids}</Customer></Customers></Prospect>'


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Login failed. Please check login credentials and try again.", Outcome.AUTH),
        ("The interface license has expired.", Outcome.AUTH),
        ("Invalid user name or password.", Outcome.AUTH),
        ("Invalid or no access to Yardi Property", Outcome.REJECT),
        ("Interface 'Leadsvc' is not Configured for property 'olf'", Outcome.REJECT),
        ("The source 'Pigeon' is not set up for property 'olf'.", Outcome.REJECT),
        ("Something nobody has seen before.", Outcome.REJECT),
        ("Prospect Status is 'Canceled Guest', Prospect is not editable", Outcome.DUPLICATE),
        ("Timeout expired. The timeout period elapsed.", Outcome.RETRY),
        ("Transaction was deadlocked on lock resources; please try again.", Outcome.RETRY),
    ],
)
def test_an_error_in_a_good_status(words: str, expected: Outcome) -> None:
    told = judge("import_guest", 200, result(messages(message(words))))
    assert told.outcome is expected
    assert told.verify_first is (expected is Outcome.RETRY)
    assert judge("import_guest", 500, fault(words)).outcome in (expected, Outcome.RETRY)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("The agent 'Ana Ruiz' is not set up for property 'olf'.", "agent_ref"),
        ("The source 'Pigeon' is not set up for property 'olf'.", "source_name"),
        ("Required node LastName was not found.", "last_name"),
        ("The floor plan 'ZZ' is not set up for property 'olf'.", "floor_plan_ref"),
        ("Invalid Yardi Property Code", "property_ref"),
        ("Email is not in a valid format.", "email"),
    ],
)
def test_the_field_that_an_error_names(words: str, field: str) -> None:
    assert list(judge("import_guest", 200, result(messages(message(words)))).field_errors) == [field]


@pytest.mark.parametrize(
    "body",
    [
        result(messages(message("Import started.", "FYI"), message(SAVED, "FYI"))),
        result(messages(message(SAVED, "fyi"))),
        result(messages(message(SAVED, "Information"))),
        result(messages(f"<Message>{SAVED}</Message>")),
        result(messages(message("Saved. CustomerID:p0077310", "FYI"))),
        result(messages(message("Saved. Customer ID: p0077310.", "FYI"))),
        result("&lt;Messages&gt;&lt;Message messageType='FYI'&gt;" + SAVED + "&lt;/Message&gt;&lt;/Messages&gt;"),
        result(f"<![CDATA[{messages(message(SAVED, 'FYI'))}]]>"),
        "\ufeff" + result(messages(message(SAVED, "FYI"))),
        soap(messages(message(SAVED, "FYI"))),
        messages(message(SAVED, "FYI")),
        result(messages(message(SAVED, "FYI"))).replace("soap:", "SOAP-ENV:").replace("xmlns:soap", "xmlns:SOAP-ENV"),
        result(messages(message(SAVED, "FYI"))).replace("<Message ", '<y:Message xmlns:y="urn:y" ').replace(
            "</Message>", "</y:Message>"
        ),
        soap(
            f"<ImportYardiGuest_LoginResult>{messages(message(SAVED, 'FYI'))}</ImportYardiGuest_LoginResult>",
            "e",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
    ],
)  # fmt: skip
def test_saved_in_any_wrapping(body: str) -> None:
    told = judge("import_guest", 200, body)
    assert (told.outcome, told.card_id, told.verified) == (Outcome.ACCEPTED, "p0077310", True)


@pytest.mark.parametrize("words", ["Import finished.", "CustomerID: p0000000", "CustomerID: ", "Customer saved."])
def test_accepted_without_an_id_is_to_be_looked_up(words: str) -> None:
    told = judge("import_guest", 200, result(messages(message(words, "FYI"))))
    assert (told.outcome, told.card_id, told.verified) == (Outcome.ACCEPTED, "", False)


def test_an_error_beside_an_id_is_half_a_success() -> None:
    body = result(messages(message(SAVED, "FYI"), message("The agent 'Ana Ruiz' is not set up.")))
    told = judge("import_guest", 200, body)
    assert (told.outcome, told.card_id) == (Outcome.PARTIAL, "p0077310")
    assert [one.outcome for one in told.items] == [Outcome.ACCEPTED, Outcome.REJECT]
    assert "agent_ref" in told.field_errors


def test_the_worst_of_several_errors_decides() -> None:
    both = messages(message("Timeout expired."), message("Required node LastName was not found."))
    assert judge("import_guest", 200, result(both)).outcome is Outcome.REJECT
    worse = messages(message("Required node LastName was not found."), message("Login failed."))
    assert judge("import_guest", 200, result(worse)).outcome is Outcome.AUTH


@pytest.mark.parametrize("op", ["import_guest", "import_guest_v20", "add_event"])
@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"   \r\n",
        PAGE,
        b"\xff\xfe\x00garbage",
        result("").encode(),
        result('<Messages xmlns="" />').encode(),
        result(messages(message(SAVED, "FYI")))[:-20].encode(),
        soap("").encode(),
        b'{"status": "ok"}',
        b'<!DOCTYPE x [<!ENTITY a "b">]><Messages><Message>&a;</Message></Messages>',
        result(guests(guest("p1"))).encode(),
    ],
)
def test_an_answer_that_says_nothing_leaves_a_write_unknown(op: str, body: bytes | None) -> None:
    told = judge(op, 200, body)
    assert (told.outcome, told.verify_first, told.verified) == (Outcome.RETRY, True, False)


@pytest.mark.parametrize(
    ("status", "expected", "verify_first"),
    [
        (0, Outcome.RETRY, True),
        (301, Outcome.REJECT, False),
        (400, Outcome.REJECT, False),
        (401, Outcome.AUTH, False),
        (403, Outcome.AUTH, False),
        (404, Outcome.REJECT, False),
        (405, Outcome.REJECT, False),
        (408, Outcome.RETRY, True),
        (413, Outcome.REJECT, False),
        (429, Outcome.RETRY, False),
        (500, Outcome.RETRY, True),
        (502, Outcome.RETRY, True),
        (503, Outcome.RETRY, True),
    ],
)
def test_pages_of_web_servers(status: int, expected: Outcome, verify_first: bool) -> None:
    told = judge("import_guest", status, PAGE, {"Content-Type": "text/html"})
    assert (told.outcome, told.verify_first) == (expected, verify_first)
    assert judge("search_guest", status, PAGE, {"Content-Type": "text/html"}).verify_first is False


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After": "90"}, 90.0), ({"retry-after": "Fri, 20 Nov 2037 10:00:00 GMT"}, 86400.0), ({}, None)],
)
def test_when_to_come_again(header: dict[str, str], seconds: float | None) -> None:
    assert judge("import_guest", 503, PAGE, header).retry_after_s == seconds


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("soap:Client", "Server did not recognize the value of HTTP Header SOAPAction.", Outcome.REJECT),
        ("SOAP-ENV:Client", "Unable to read the request.", Outcome.REJECT),
        ("soap:Server", "Object reference not set to an instance of an object.", Outcome.RETRY),
        ("soap:Server", "Login failed for user.", Outcome.AUTH),
        ("soap:Server", "Invalid Yardi Property Code", Outcome.REJECT),
        ("", "Nobody knows.", Outcome.RETRY),
    ],
)
def test_faults_under_any_status(status: int, code: str, words: str, expected: Outcome) -> None:
    assert judge("import_guest", status, fault(words, code)).outcome is expected
    assert judge("import_guest", status, fault(words, code, "SOAP-ENV")).outcome is expected


def test_searches() -> None:
    method = "GetYardiGuestActivity_Search"
    one = judge("search_guest", 200, result(guests(guest("p0000042")), method))
    assert (one.outcome, one.empty, one.card_id) == (Outcome.ACCEPTED, False, "p0000042")
    two = judge("search_guest", 200, result(guests(guest("p0000042"), guest("p0000043")), method))
    assert (two.outcome, two.empty, two.card_id) == (Outcome.ACCEPTED, False, "")
    for inner in (
        guests(),
        '<LeadManagement xmlns=""/>',
        messages(message("No guests exist with the given search criteria.")),
    ):
        none = judge("search_guest", 200, result(inner, method))
        assert (none.outcome, none.empty) == (Outcome.ACCEPTED, True), inner
    bare = judge("search_guest", 200, f"<LeadManagement><Prospects>{guest('p0000042')}</Prospects></LeadManagement>")
    assert bare.card_id == "p0000042"
    halved = judge("search_guest", 200, result(guests(guest("p1")) + messages(message("Timeout expired.")), method))
    assert halved.outcome is Outcome.PARTIAL


def test_nothing_found_is_no_success_of_a_write() -> None:
    body = result(messages(message("No guests exist with the given search criteria.")))
    assert judge("add_event", 200, body).outcome is Outcome.REJECT


@pytest.mark.parametrize(
    ("op", "method"),
    [
        ("agents_sources", "GetYardiAgentsSourcesResults_Login"),
        ("property_configurations", "GetPropertyConfigurations"),
        ("unit_availability", "UnitAvailability_Login"),
    ],
)
def test_configuration(op: str, method: str) -> None:
    holder = "PhysicalProperty" if op == "unit_availability" else "Properties"
    full = judge(op, 200, result(f"<{holder}><Property><Code>olf</Code></Property></{holder}>", method))
    assert (full.outcome, full.empty) == (Outcome.ACCEPTED, False)
    assert judge(op, 200, result(f"<{holder}/>", method)).empty
    assert judge(op, 200, result("", method)).outcome is Outcome.RETRY
    wrong = judge(op, 200, result("<ErrorMessage>Invalid Yardi Property Code</ErrorMessage>", method))
    assert (wrong.outcome, list(wrong.field_errors)) == (Outcome.REJECT, ["property_ref"])


def test_ping() -> None:
    assert judge("ping", 200, result("Interface is up", "Ping")).outcome is Outcome.ACCEPTED
    assert judge("ping", 200, PAGE).outcome is Outcome.RETRY
    assert judge("ping", 200, result("Login failed.", "Ping")).outcome is Outcome.AUTH


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Login failed. Please check login credentials and try again.", Outcome.AUTH),
        ("Invalid Yardi Property Code", Outcome.REJECT),
        ("Prospect Status is 'Resident', Prospect is not editable", Outcome.DUPLICATE),
        ("Something nobody has seen before.", Outcome.RETRY),
    ],
)
def test_voyagers_own_words_under_a_bad_status(words: str, expected: Outcome) -> None:
    assert judge("import_guest", 500, result(messages(message(words)))).outcome is expected


@pytest.mark.parametrize(
    "words",
    ["The license could not be decrypted.", "Required node UserName was not found.", "Unknown InterfaceEntity."],
)
def test_what_is_wrong_with_the_account(words: str) -> None:
    assert judge("import_guest", 200, result(messages(message(words)))).outcome is Outcome.AUTH


def test_the_answer_of_another_method_proves_nothing() -> None:
    told = judge("import_guest", 200, result("Interface is up", "Ping"))
    assert (told.outcome, told.verify_first) == (Outcome.RETRY, True)


@pytest.mark.parametrize(
    ("status", "body", "expected", "verify_first"),
    [
        (200, b'{"Message": "Authorization has been denied for this request."}', Outcome.AUTH, False),
        (200, b'{"message": "Invalid API key."}', Outcome.AUTH, False),
        (200, b'{"error": "Rate limit exceeded"}', Outcome.RETRY, False),
        (403, b"<html><h1>Too many requests</h1></html>", Outcome.RETRY, False),
        (403, b"<html><h1>Forbidden</h1></html>", Outcome.AUTH, False),
    ],
)
def test_gateways_between_us(status: int, body: bytes, expected: Outcome, verify_first: bool) -> None:
    told = judge("import_guest", status, body)
    assert (told.outcome, told.verify_first) == (expected, verify_first)


@pytest.mark.parametrize(
    "words", ["The remote server returned an error: (503) Server Unavailable.", "An error occurred."]
)
def test_what_passes_by_itself(words: str) -> None:
    for body in (result(messages(message(words))), result(words)):
        told = judge("import_guest", 200, body)
        assert (told.outcome, told.verify_first) == (Outcome.RETRY, True)


def test_no_personal_data_in_words() -> None:
    words = "Guest noor.haddad@example.com (706) 555-0123 is locked."
    said = judge("import_guest", 200, result(messages(message(words)))).message
    assert "example.com" not in said
    assert "555" not in said
