"""What no field map claims: read by tags, keys, labels and words, with how sure each value is."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadsvc.fieldmap import MapSet, generic, load_maps
from leadsvc.flat import row_of
from leadsvc.model import Channel, Delivered, Lead, Reading, Verdict
from leadsvc.parsers import email_mime
from leadsvc.reading import read

RECEIVED = datetime(2026, 2, 10, 12, tzinfo=UTC)
DESK = "Leads Desk <noreply@leaddesk.example>"


@cache
def maps() -> MapSet:
    return load_maps()


def mail(subject: str, text: str = "", sender: str = DESK, html: str = "", vcard: str = "") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = sender, "Leasing <leasing@oakline-living.com>"
    message["Subject"], message["Date"] = subject, "Tue, 10 Feb 2026 09:30:00 -0500"
    if text:
        message.set_content(text, charset="utf-8")
    if html:
        message.add_alternative(html, subtype="html") if text else message.set_content(html, subtype="html")
    if vcard:
        message.add_attachment(vcard.encode(), "text", "vcard", filename="contact.vcf")
    return bytes(message)


def reading(body: bytes, kind: str = "message/rfc822", hint: str | None = None) -> Reading:
    return read(Delivered(body, kind, Channel.EMAIL, RECEIVED, map_hint=hint), maps())


def leads(body: bytes, kind: str = "message/rfc822") -> tuple[Lead, ...]:
    found = reading(body, kind)
    assert found.verdict is Verdict.LEADS, (found.cause, found.detail)
    assert {lead.map_id for lead in found.leads} == {"generic"}
    return found.leads


def values(lead: Lead, **wanted: object) -> None:
    row = row_of(lead)
    assert {name: row[name] for name in wanted} == wanted


def test_lead_metadata() -> None:
    tags = {
        "lead_information_version": "1.0", "lead_source": "Zumper", "lead_name": "Ann Lee",
        "lead_email": "ann.lee@example.com", "lead_phone": "+17065550101",
        "lead_message": "Message: Is parking included?",
        "lead_property_address": "600 Oakline Ave, Columbus, GA 31901",
    }  # fmt: skip
    head = "".join(f'<meta name="{name}" content="{text}">' for name, text in tags.items())
    lead = leads(mail("New lead", html=f"<html><head>{head}</head><body>You have a lead.</body></html>"))[0]
    values(lead, source="zumper", first_name="Ann", last_name="Lee", email="ann.lee@example.com")
    values(lead, phone_e164="+17065550101", message="Is parking included?")
    assert lead.sure["emails"] == 0.95


@pytest.mark.parametrize(
    "labels",
    [
        ("Name", "Email", "Phone", "Move-in Date", "Bedrooms", "Message"),
        ("Nombre", "Correo electrónico", "Teléfono", "Fecha de mudanza", "Recámaras", "Mensaje"),
        ("Nom", "Courriel", "Téléphone", "Date d'emménagement", "Chambres", "Commentaires"),
    ],
    ids=["english", "spanish", "french"],
)
def test_labels_in_three_languages(labels: tuple[str, ...]) -> None:
    said = ("Ann Lee", "ann.lee@example.com", "(706) 555-0101", "04/01/2026", "2", "Is it near the park?")
    text = "A visitor wrote.\n\n" + "\n".join(f"{label}: {value}" for label, value in zip(labels, said, strict=True))
    lead = leads(mail("New message", text))[0]
    values(lead, first_name="Ann", last_name="Lee", email="ann.lee@example.com", phone_e164="+17065550101")
    values(lead, move_in_date="2026-04-01", bedrooms_min=2, message="Is it near the park?", source="website")


DIRECT = """Hi there,

I'm relocating to Columbus for work and looking for a two bedroom apartment. We'd like to move in around
April 1st, and our budget is up to $1,650 a month. We have one small dog. Could we schedule a tour on
Saturday February 14 at 11 AM?

Thanks,
Marisol Vega
706-555-0162
"""


@pytest.mark.parametrize(
    "text",
    [
        "Name (required): Nia Cole\nEmail (required): nia.cole@example.com\nPhone (optional): 651-555-0166\n",
        "1. Full name - Nia Cole\n2. Email - nia.cole@example.com\n3. Phone - 651-555-0166\n",
        "| Name | Nia Cole |\n| Email | nia.cole@example.com |\n| Phone | 651-555-0166 |\n",
        "*Name:* Nia Cole\n*E-Mail:* <nia.cole@example.com>\n*Phone number:* tel:+16515550166\n",
        "Name=Nia Cole\nEmail=nia.cole@example.com\nPhone=651-555-0166\n",
        "Prospect: Nia Cole\nReach at: nia.cole@example.com\nTel: 651-555-0166\n",
        "Pr\u00e9nom : Nia\nNom : Cole\nCourriel : nia.cole@example.com\nT\u00e9l\u00e9phone : 651-555-0166\n",
        "Nombre: Nia\nApellidos: Cole\nCorreo: nia.cole@example.com\nTel\u00e9fono: 651-555-0166\n",
    ],
)
def test_marks_between_label_and_value(text: str) -> None:
    [lead] = leads(mail("New rental lead", text))
    values(
        lead, first_name="Nia", last_name="Cole", email="nia.cole@example.com", phone_e164="+16515550166", message=None
    )


@pytest.mark.parametrize(
    "text",
    [
        "Renter name: Dana Whitlock\nReach: dana.whitlock@example.com\nRing on: (918) 555-0144\n"
        "Looking to move: mid March\nTheir words: Is the ground floor free?\n",
        "House hunter: Dana Whitlock\nWrite back to: dana.whitlock@example.com\nWhatsApp: 918-555-0144\n"
        "Arrival: mid March\nOffice line: (918) 555-0100\nWhat she asked:\nIs the ground floor free?\n\n"
        "View this lead\n",
    ],
)
def test_labels_in_words_of_the_senders_own(text: str) -> None:
    (lead,) = leads(mail("New interest", text))
    values(lead, first_name="Dana", last_name="Whitlock", email="dana.whitlock@example.com", phone_e164="+19185550144")
    values(lead, move_in_date="2026-03-01", message="Is the ground floor free?")
    assert lead.sure["emails"] < 0.85


def test_what_a_portal_says_below_the_message_is_not_the_renters() -> None:
    below = "This is an automated message, please do not reply.\n"
    [lead] = leads(mail("New lead", f"Name: Nia Cole\nE-mail addr : nia.cole@example.com\nMessage : Hi!\n\n{below}"))
    values(lead, message="Hi!", email="nia.cole@example.com")
    office = "Property contact\nName:\nMax Mann\nEmail:\nmax@example.org\n"
    [lead] = leads(mail("New lead", f"Name:\nNia Cole\nEmail:\nnia.cole@example.com\nMessage:\nHi!\n\n{office}"))
    values(lead, first_name="Nia", message="Hi!", email="nia.cole@example.com")


def test_the_mailbox_tag_where_a_form_names_no_property() -> None:
    body = mail("Nueva solicitud", "Nombre: Nia Cole\nCorreo: nia.cole@example.com\nMensaje: Hola\n")
    [lead] = leads(body.replace(b"leasing@oakline", b"leads+olf@oakline"))
    values(lead, property_hint="olf")


def test_a_late_reply_is_no_notice_and_keeps_its_number() -> None:
    text = (
        "I was out of office, sorry! I'm still interested in the apartment. Could I apply? My number is 612-555-0175.\n"
    )
    [lead] = leads(mail("Re: application for the apartment", text, "Lena Novak <lena.novak@example.com>"))
    values(lead, first_name="Lena", phone_e164="+16125550175", source="direct_email")


def test_a_comma_in_an_encoded_name_is_no_second_address() -> None:
    body = mail("Birch", "Is the one bedroom still available?\n", "X <md.garcia@example.org>")
    encoded = b"From: =?windows-1252?Q?Garc=EDa=2C_Mar=EDa_Dolores?= <md.garcia@example.org>"
    [lead] = leads(body.replace(b"From: X <md.garcia@example.org>", encoded))
    values(lead, first_name="Mar\u00eda Dolores", last_name="Garc\u00eda", email="md.garcia@example.org")


def test_a_renters_own_words() -> None:
    lead = leads(mail("2 bedroom at Oakline Flats?", DIRECT, "Marisol Vega <marisol.vega@example.com>"))[0]
    values(lead, source="direct_email", contact_type="email", first_name="Marisol", last_name="Vega")
    values(lead, email="marisol.vega@example.com", phone_e164="+17065550162", property_hint="Oakline Flats")
    values(lead, bedrooms_min=2, bedrooms_max=2, move_in_date="2026-04-01", budget_max=1650, has_pets=True)
    values(lead, tour_requested_at="2026-02-14T11:00:00")
    assert lead.sure["move_in"] < lead.sure["emails"]


def test_a_robot_passes_on_the_words_of_somebody_it_names() -> None:
    text = (
        'Ilse Brandt sent you a message about Cedar Hollow:\n\n"Is the apartment still free?"\n\n'
        "Reply to Ilse: ilse.b@example.com\n\nRentFinder, 1 Market St"
    )
    lead = leads(mail("You have a new message", text, "RentFinder <no-reply@rentfinder.example>"))[0]
    values(
        lead, first_name="Ilse", last_name="Brandt", email="ilse.b@example.com", message="Is the apartment still free?"
    )
    assert lead.source != "direct_email"


def test_who_signs_as_somebody_else_is_less_sure() -> None:
    text = "Is a two bedroom available?\n\nThanks,\nGreta Holm"
    lead = leads(mail("apartment", text, "front desk <gh77@example.com>"))[0]
    values(lead, first_name="Greta", last_name="Holm")
    assert lead.sure["name"] < 0.5
    assert lead.confidence < 0.7


def test_two_room_counts_are_none() -> None:
    lead = leads(mail("apartment", "Do you have a 1 bedroom, or else a 3 bedroom?", "Ann Lee <ann@example.com>"))[0]
    values(lead, bedrooms_min=None, bedrooms_max=None)


def test_an_agents_forward_is_the_renters_lead() -> None:
    text = (
        "Please call her.\n\n---------- Forwarded message ---------\nFrom: Ann Lee <ann.lee@example.net>\n"
        "Date: Mon, Feb 9, 2026 at 9:01 PM\nSubject: one bedroom?\nTo: <dana.cole@oakline-living.com>\n\n"
        "Is the one bedroom still available?\n\nAnn Lee\n706-555-0101\n"
    )
    lead = leads(mail("Fwd: one bedroom?", text, "Dana Cole <dana.cole@oakline-living.com>"))[0]
    values(lead, email="ann.lee@example.net", first_name="Ann", phone_e164="+17065550101", source="direct_email")
    assert "call her" not in row_of(lead)["message"]


def test_structured_people() -> None:
    person = {"@context": "https://schema.org", "@type": "Person", "name": "Ann Lee", "email": "ann.lee@example.com"}
    page = f'<script type="application/ld+json">{json.dumps(person)}</script><p>Asks about the apartment.</p>'
    values(leads(mail("New lead", html=page))[0], first_name="Ann", email="ann.lee@example.com")
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Lee\r\nTEL;TYPE=CELL:+1 706 555 0101\r\nEND:VCARD\r\n"
    values(
        leads(mail("New contact", "Asks about an apartment.", vcard=card))[0],
        last_name="Lee",
        phone_e164="+17065550101",
    )


NESTED = {
    "event": "lead.created",
    "data": {
        "contact": {
            "firstName": "Ann",
            "lastName": "Lee",
            "emailAddress": "ann.lee@example.com",
            "mobile": "7065550101",
        },
        "property": {"name": "Oakline Flats", "email": "office@oakline-living.com", "phone": "7065550100"},
        "preferences": {"bedrooms": 2, "moveInDate": "2026-03-01"},
        "answers": [{"question": "comments", "answer": "Is parking included?"}],
        "agent": {"name": "Dana Cole", "email": "dana.cole@example.org"},
    },
}


def test_nested_json() -> None:
    lead = leads(json.dumps(NESTED).encode(), "application/json")[0]
    values(lead, first_name="Ann", last_name="Lee", email="ann.lee@example.com", phone_e164="+17065550101")
    values(lead, property_hint="Oakline Flats", bedrooms_min=2, move_in_date="2026-03-01", source="partner")
    values(lead, message="Is parking included?", other_emails=[], other_phones=[])


def test_nested_json_with_spans_and_kinds_of_numbers() -> None:
    payload = {
        "submission": {
            "contact": {
                "name": {"first": "Ann", "last": "Lee"},
                "phones": [{"type": "mobile", "number": "(706) 555-0120"}],
            },
            "preferences": {"bedrooms": {"min": 1, "max": 2}},
            "utm": {"source": "bing"},
        }
    }
    lead = leads(json.dumps(payload).encode(), "application/json")[0]
    values(lead, first_name="Ann", phone_e164="+17065550120", bedrooms_min=1, bedrooms_max=2, source="website")


def test_only_the_visitors_lines_of_a_conversation_are_the_message() -> None:
    lines = [{"speaker": "agent", "text": "Hi, how can I help?"}, {"speaker": "Guest 12", "text": "A flat for July?"}]
    payload = {"talk": {"who": {"full_name": "Ann Lee", "email": "ann.lee@example.com"}, "log": lines}}
    values(leads(json.dumps(payload).encode(), "application/json")[0], message="A flat for July?")


def test_what_stands_around_the_leads_of_a_digest_is_none_of_theirs() -> None:
    text = (
        "You have 2 new leads\n\nLead 1\nName: Ann Lee\nEmail: ann.lee@example.com\nMessage: One?\n\n"
        "Lead 2\nName: Bo Day\nEmail: bo.day@example.com\nMessage: Two?\n\n"
        "LeadDesk, 1 Market St. help@leaddesk.example\n"
    )
    found = leads(mail("Your 2 new leads", text))
    assert [lead.message.value for lead in found if lead.message] == ["One?", "Two?"]
    assert not any("Market" in hint.value.text for lead in found for hint in lead.property_hints)


def test_unknown_xml() -> None:
    body = (
        b"<inquiry><person><fullname>Ann Lee</fullname><email>ann.lee@example.com</email></person>"
        b"<property><name>Oakline Flats</name><phone>7065550100</phone></property><comments>Hello</comments></inquiry>"
    )
    values(
        leads(body, "application/xml")[0], email="ann.lee@example.com", property_hint="Oakline Flats", phone_e164=None
    )


DIGESTS = {
    "numbered": "You have 2 new leads.\n\n1. Ann Lee\n   ann.lee@example.com\n   (706) 555-0101\n\n2. Bob Stone\n"
    "   bob@example.net | 706-555-0102\n\n-----\nLead Desk, 1 Main St\n",
    "labelled": "Property: Oakline Flats\nName: Ann Lee\nEmail: ann.lee@example.com\nPhone: 7065550101\n\n"
    "Property: Bayview Lofts\nName: Bob Stone\nEmail: bob@example.net\nPhone: 7065550102\n",
    "a line each": "2 new leads today\n\nAnn Lee | ann.lee@example.com | 706-555-0101\n"
    "Bob Stone | bob@example.net | 706-555-0102\n",
    "table": "Daily lead digest\n\nName | Email | Phone\n--- | --- | ---\n"
    "Ann Lee | ann.lee@example.com | 706-555-0101\n"
    "Bob Stone | bob@example.net | 706-555-0102\n",
}


@pytest.mark.parametrize("text", DIGESTS.values(), ids=DIGESTS)
def test_several_leads_in_order(text: str) -> None:
    found = leads(mail("2 new leads today", text))
    assert [row_of(lead)["first_name"] for lead in found] == ["Ann", "Bob"]
    assert [row_of(lead)["email"] for lead in found] == ["ann.lee@example.com", "bob@example.net"]
    assert [row_of(lead)["phone_e164"] for lead in found] == ["+17065550101", "+17065550102"]


def test_several_leads_in_an_html_table() -> None:
    rows = [
        ("Name", "Email", "Property"),
        ("Ann Lee", "ann@example.com", "Oakline"),
        ("Bob Ray", "bob@example.net", "Bay"),
    ]
    table = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    found = leads(mail("Your leads", html=f"<table>{table}</table>"))
    assert [row_of(lead)["property_hint"] for lead in found] == ["Oakline", "Bay"]


def test_an_agent_in_the_mail_is_no_second_lead() -> None:
    text = (
        "Name: Ann Lee\nEmail: ann.lee@example.com\nPhone: 706-555-0101\nMessage: Hello\n\n"
        "Listing agent\nName: Dana Cole\nEmail: dana@example.org\nPhone: 706-555-0100\n"
    )
    found = leads(mail("New lead", text))
    assert [row_of(lead)["email"] for lead in found] == ["ann.lee@example.com"]


def test_a_feed_with_a_map_is_never_read_generically() -> None:
    found = reading(json.dumps(NESTED).encode(), "application/json", hint="zillow_callback")
    assert (found.verdict, found.cause) == (Verdict.QUARANTINE, "unknown_layout")


def test_income_never_reaches_a_lead() -> None:
    text = "Name: Ann Lee\nEmail: ann.lee@example.com\nIncome: $58,000\nEmployer: Acme\nMessage: Hello\n"
    assert "58,000" not in json.dumps(row_of(leads(mail("New lead", text))[0]))


PIECES = st.sampled_from([
    "Name:", "Email:", "ann@example.com", "706-555-0101", "I'm Ann", "Thanks,", "From:", "Sent:", "To:", "Subject:",
    "> ", "----- Forwarded Message -----", "1. ", "| ", "2 bedroom", "tour", "A" * 300, "A b " * 80,
    "100 A A A A St ", "The A on ",
    "move in ", "up to $", "\n", "\n\n", ", ", "@", "<mailto:a@example.com>", "BEGIN:VCARD", "my name is ", "-- ",
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.text(max_size=20), max_size=60))
def test_any_words_end_in_a_reading_soon(pieces: list[str]) -> None:
    body = b"From: Ann Lee <ann@example.com>\nSubject: apartment\n\n" + " ".join(pieces).encode("utf-8", "replace")
    started = time.process_time()
    found = reading(body)
    assert found.verdict in Verdict
    assert time.process_time() - started < 2


def test_long_hostile_lines_are_read_in_time() -> None:
    for line in ("A" * 4_000, "A " * 2_000, "1 " + "A" * 3_900 + " St", "my name is " + "a-" * 1_900, "x@" * 2_000):
        record = email_mime.read(mail("apartment", f"{line}\n" * 50, "Ann Lee <ann@example.com>"), {})
        started = time.process_time()
        generic.read(record, RECEIVED)
        assert time.process_time() - started < 2, line[:20]
