"""What is kept for a destination that needs it, and what belongs to whoever is along with the renter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from leadsvc.config import SENSITIVE, Settings
from leadsvc.errors import ConfigurationError
from leadsvc.fieldmap import load_maps
from leadsvc.leadjson import from_json, to_json
from leadsvc.model import Channel, CoContact, Delivered, Lead
from leadsvc.normalize.data import shared
from leadsvc.normalize.sensitive import kinds_of
from leadsvc.reading import read
from leadsvc.web import fields

FORM = "application/x-www-form-urlencoded"
ZILLOW = {
    "listingId": "bvt-11",
    "name": "Ines Marsh",
    "email": "ines.marsh@example.com",
    "incomeYearly": "52000",
    "creditScore": "700-720",
    "smoker": "false",
    "dateOfBirth": "1990-01-01",
}
HOUSEHOLD = b"""<LeadManagement><Prospects><Prospect><Customers>
<Customer Type="prospect"><Name><FirstName>Ana</FirstName><LastName>Ruiz</LastName></Name>
<Phone PhoneType="cell"><PhoneNumber>(509) 555-0141</PhoneNumber></Phone><Email>ana@example.com</Email>
<MonthlyIncome>5000</MonthlyIncome></Customer>
<Customer Type="roommate"><Name><FirstName>Bo</FirstName><LastName>Lind</LastName></Name>
<Phone PhoneType="cell"><PhoneNumber>509-555-0142</PhoneNumber></Phone>
<Phone PhoneType="work"><PhoneNumber>555-0</PhoneNumber></Phone>
<Email>bo@example.com</Email><MonthlyIncome>4000</MonthlyIncome></Customer>
<Customer Type="guarantor"><Email>gus@example.com</Email></Customer>
<Customer Type="child"><Name><FirstName>Kit</FirstName></Name><Email>kit@example.com</Email></Customer>
</Customers></Prospect></Prospects></LeadManagement>"""


def lead_of(body: bytes, content_type: str, *kinds: str) -> Lead:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    channel = Channel.EMAIL if content_type == "message/rfc822" else Channel.HTTP
    reading = read(Delivered(body, content_type, channel, at), load_maps(None, frozenset(kinds)))
    (lead,) = reading.leads
    return lead


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        ((), {}),
        (("income",), {"income yearly": "52000"}),
        (("credit", "income"), {"income yearly": "52000", "credit score": "700-720"}),
        (("employment",), {}),
    ],
)
def test_only_the_kinds_that_are_needed_are_kept(kinds: tuple[str, ...], kept: dict[str, str]) -> None:
    lead = lead_of(urlencode(ZILLOW).encode(), FORM, *kinds)
    assert lead.extras == kept
    assert from_json(json.loads(json.dumps(to_json(lead)))) == lead


def test_answers_inside_objects_are_found() -> None:
    body = {"first_name": "Ana", "last_name": "Ruiz", "email": "ana@example.com", "phone": "509-555-0141",
            "message": "Is it free?", "details": {"work": [{"Employer name": "Example Mill"}], "ssn": "0"}}  # fmt: skip
    lead = lead_of(json.dumps(body).encode(), "application/json", "employment", "income")
    assert lead.extras == {"employer name": "Example Mill"}


def test_a_labelled_answer_of_a_mail() -> None:
    mail = (
        "From: ShowMojo <no-reply@showmojo.com>\r\nTo: leads@inbox.example.com\r\n"
        "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nSubject: Showing scheduled: 88 Bayview Ter\r\n\r\n"
        "Name: Ana Ruiz\r\nPhone: 509-555-0141\r\nEmail: ana@example.com\r\nShowing Time: 11/24/2026 3pm\r\n"
        "Monthly Income: $4,500\r\nCredit Score: 700\r\n"
    )
    lead = lead_of(mail.encode(), "message/rfc822", "income")
    assert lead.map_id == "showmojo_mail"
    assert lead.extras == {"monthly income": "$4,500"}


def test_whoever_is_along_is_told_and_is_no_sign_of_the_renter() -> None:
    lead = lead_of(HOUSEHOLD, "application/xml", "income")
    assert [each.value.address for each in lead.emails] == ["ana@example.com"]
    assert [each.value.e164 for each in lead.phones] == ["+15095550141"]
    assert [each.value for each in lead.co_contacts] == [
        CoContact("Bo Lind", ("bo@example.com",), ("+15095550142",)),
        CoContact("", ("gus@example.com",), ()),
    ]
    assert lead.extras == {"monthly income": "5000"}  # and nobody else's
    assert from_json(json.loads(json.dumps(to_json(lead)))) == lead


def test_the_page_shows_the_contacts_and_not_the_answers() -> None:
    lines = fields.lines(to_json(lead_of(HOUSEHOLD, "application/xml", "income")))
    shown = [line.shown for line in fields.facts(lines) if line.name == "co_contacts"]
    assert shown == ["Bo Lind · bo@example.com · (509) 555-0142", "gus@example.com"]
    assert "5000" not in " ".join(line.kept + line.raw + line.shown for line in lines)


def test_a_contact_of_adf() -> None:
    body = (
        b"<adf><prospect><customer><contact><name part='full'>Ana Ruiz</name><email>ana@example.com</email></contact>"
        b"<contact><name part='full'>Bo Lind</name><phone>509-555-0142</phone></contact></customer>"
        b"<vendor><vendorname>Bayview Terrace</vendorname></vendor></prospect></adf>"
    )
    lead = lead_of(body, "application/xml")
    assert [each.value for each in lead.co_contacts] == [CoContact("Bo Lind", (), ("+15095550142",))]
    assert not lead.phones


def test_a_form_that_asks_for_the_roommate_too() -> None:
    body = {"your-name": "Ana Ruiz", "roommate_email": "bo@example.com", "Roommate Phone": "509-555-0142",
            "guarantor mobile phone": "509-555-0143", "phone": "509-555-0141", "message": "Is it free?",
            "roommate_name": "Bo Lind"}  # fmt: skip
    lead = lead_of(urlencode(body).encode(), FORM)
    assert lead.map_id == "website_form"
    assert not lead.emails
    assert [each.value.e164 for each in lead.phones] == ["+15095550141"]
    assert [each.value for each in lead.co_contacts] == [CoContact("Bo Lind", ("bo@example.com",), ("+15095550142",))]


def test_what_a_key_asks_for_with_something_nobody_may_have_is_not_kept() -> None:
    assert kinds_of("Disability income") == {"income", ""}
    body = urlencode(ZILLOW | {"incomeYearly": "", "Disability income": "1200"}).encode()
    assert lead_of(body, FORM, *SENSITIVE).extras == {"credit score": "700-720"}


def test_the_configuration_names_the_kinds_of_the_table(tmp_path: Any) -> None:
    assert set(SENSITIVE) == set(shared("sensitive")["kinds"])
    file = tmp_path / "leadsvc.yaml"
    account = "destinations: {{pms: {{vendor: simpms, base_url: 'http://127.0.0.1:9', keep_sensitive: [{}]}}}}\n"
    environ = {"LEADSVC_VAR": str(tmp_path), "LEADSVC_CONFIG": str(file), "LEADSVC_SECRET_KEY": "k" * 32}
    file.write_text(account.format("income, credit"))
    assert Settings.load(environ).accounts["pms"].keep_sensitive == {"income", "credit"}
    file.write_text(account.format("religion"))
    with pytest.raises(ConfigurationError, match=r"leadsvc\.yaml:1:\d+: destinations\.pms\.keep_sensitive"):
        Settings.load(environ)
