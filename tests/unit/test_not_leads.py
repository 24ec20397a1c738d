"""What is no lead is told by its class; a renter's own mail is none of these classes, whatever its headers say."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache

import pytest

from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.model import Channel, Delivered, Reading, Verdict
from leadsvc.reading import read

RECEIVED = datetime(2026, 2, 10, 12, tzinfo=UTC)
SOMEONE = "Ruth Adeyemi <ruth.adeyemi@example.com>"


@cache
def maps() -> MapSet:
    return load_maps()


def mail(subject: str, text: str, sender: str = SOMEONE, **headers: str) -> Reading:
    message = EmailMessage()
    message["From"], message["To"] = sender, "Leasing <leasing@oakline-living.com>"
    message["Subject"], message["Date"] = subject, "Tue, 10 Feb 2026 09:30:00 -0500"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text, charset="utf-8")
    return read(Delivered(bytes(message), "message/rfc822", Channel.EMAIL, RECEIVED), maps())


NO_LEADS = [
    ("autoreply", "Automatic reply: Your inquiry", "I am out of the office until Monday.", {}),
    ("autoreply", "Réponse automatique : Votre demande", "Je suis absent.", {}),
    ("autoreply", "Autosvar: Oakline", "Jag är på semester.", {}),
    ("autoreply", "自动回复: Oakline", "我目前不在办公室。", {}),
    ("autoreply", "Re: your apartment", "I am away and will be back on Monday.", {"Auto_Submitted": "auto-replied"}),
    ("autoreply", "Re: your apartment", "I have limited access to my email.", {"Return_Path": "<>"}),
    ("bounce", "Undeliverable: Welcome", "Your message could not be delivered.", {}),
    ("bounce", "Mail delivery failed: returning message", "user unknown", {}),
    ("read_receipt", "Read: Your tour", "Your message was read on Tuesday.", {}),
    ("challenge_response", "Please confirm your message", "Click here to prove that you are human.", {}),
    ("login_code", "Your verification code", "Your code is 481516.", {}),
    ("report", "Weekly performance report", "12 leads this week. Log in to see them.", {}),
    ("report", "Hot Sheet for Oakline Flats", "New listings near you.", {}),
    ("report", "You received 3 new leads", "Log in to your dashboard to see who asked about the apartment.", {}),
    ("listing_notice", "Your listing has expired", "Renew it to be seen by renters.", {}),
    ("application_notice", "Rental application submitted", "An applicant applied for unit 204.", {}),
    ("application_notice", "Screening report is ready", "View it online.", {}),
    ("calendar_reply", "Accepted: Tour @ Tue Feb 10, 2026 11am", "", {}),
    ("resident_mail", "Work order", "The sink in 204 is clogged.", {}),
    ("resident_mail", "Hello", "I live in unit 204 and my dishwasher is leaking again. Please send someone.", {}),
    ("resident_mail", "Rent", "I paid my rent on Friday, why is there a late fee?", {}),
    ("resident_mail", "Question", "I would like to renew my lease for another year at the apartment.", {}),
    ("vendor_mail", "Partners", "We specialize in carpet cleaning and offer a free quote for apartment homes.", {}),
    ("vendor_mail", "Quick question", "Our platform helps you increase your occupancy. Book a 15-minute demo?", {}),
    ("job_application", "Leasing Consultant position", "Please find my resume attached.", {}),
    ("spam", "Rank #1", "We noticed your apartment website. Our SEO services put you on the first page of Google.", {}),
    (
        "newsletter",
        "Spring is here",
        "Read more about apartment living.\nUnsubscribe here.",
        {"List_Unsubscribe": "<https://x.example/u>"},
    ),
]


@pytest.mark.parametrize(("cause", "subject", "text", "headers"), NO_LEADS)
def test_every_class(cause: str, subject: str, text: str, headers: dict[str, str]) -> None:
    reading = mail(subject, text, **headers)
    assert (reading.verdict, reading.cause) == (Verdict.NOT_LEAD, cause)
    assert reading.detail
    assert "ruth" not in reading.detail.lower()


RENTERS = [
    (
        "Dear Property Manager",
        "Dear Property Manager,\n\nIs the two bedroom on Oakline still available? I can move in March 1.",
        {},
    ),
    ("Apartment", "Hi, I am interested in renting a one bedroom.", {"Auto_Submitted": "auto-generated"}),
    (
        "Apartment",
        "Hello, do you have any studios available in May?",
        {"Precedence": "list", "List_Unsubscribe": "<https://x.example/u>"},
    ),
    ("Moving", "My lease ends in May and I am looking for a two bedroom. My AC is broken here, ha.", {}),
    ("Question", "Do you accept pets, and what is the application fee for a 1 bedroom?", {}),
    (
        "Apartment for my mother",
        "I'm a current resident in building 4. My mother is interested in renting a studio near me.",
        {},
    ),
    ("Disponibilidad", "Buenas tardes, busco un departamento de dos recámaras para mayo. Gracias, Ruth", {}),
    ("Logement", "Bonjour, je cherche un appartement de deux chambres. Est-il disponible?", {}),
]


@pytest.mark.parametrize(("subject", "text", "headers"), RENTERS)
def test_a_renter_stays_a_lead(subject: str, text: str, headers: dict[str, str]) -> None:
    reading = mail(subject, text, **headers)
    assert reading.verdict is Verdict.LEADS, (reading.cause, reading.detail)
    lead = reading.leads[0]
    assert lead.source == "direct_email"
    assert lead.emails[0].value.address == "ruth.adeyemi@example.com"


@pytest.mark.parametrize("name", ["Test Test", "test", "Test Lead"])
def test_a_test_is_no_lead(name: str) -> None:
    text = f"Name: {name}\nEmail: someone@example.com\nPhone: 706-555-0199\nMessage: ignore\n"
    assert mail("New lead", text, sender="Site <forms@oaksite.example>").cause == "test_lead"


def test_a_digest_that_names_people_is_no_report() -> None:
    text = "Name: Ann Lee\nEmail: ann.lee@example.com\n\nName: Bob Stone\nEmail: bob@example.net\n"
    reading = mail("Daily lead report", text, sender="Desk <noreply@leaddesk.example>")
    assert [lead.emails[0].value.address for lead in reading.leads] == ["ann.lee@example.com", "bob@example.net"]


def test_who_says_nothing_about_a_home_is_left_to_a_person() -> None:
    reading = mail("Hello", "Are you there? Please write back.")
    assert (reading.verdict, reading.cause) == (Verdict.QUARANTINE, "unknown_layout")
