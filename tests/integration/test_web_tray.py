"""The tray on the pages and by the API: what is in it, and the form that makes a lead of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest

from leadsvc.config import Feed
from leadsvc.model import Channel, Delivered
from leadsvc.store import tables
from tests.integration.web_support import Site, site

RESIDENT = "My AC is out again, please send the maintenance team."


@pytest.fixture
def pages(store_url: str, tmp_path: Path) -> Iterator[Site]:
    with site(store_url, tmp_path) as made:
        yield made.as_user("dana", "admin")


def deliver(pages: Site, subject: str, text: str, sender: str = "Ruth Adeyemi <ruth.adeyemi@example.com>") -> UUID:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "leasing@oakline-living.com", subject
    message.set_content(text)
    delivered = Delivered(bytes(message), "message/rfc822", Channel.EMAIL, pages.clock())
    answer = pages.services.receiver.receive(delivered, feed=Feed(name="mail"), authenticated="test")
    return UUID(answer.body["receipt"])


def test_the_tray_shows_classes_and_no_person(pages: Site) -> None:
    deliver(pages, "Work order", RESIDENT)
    deliver(pages, "Automatic reply: tour", "I am away.")
    deliver(pages, "Hello", "Are you there?")
    shown = pages.get("/tray").text
    for word in ("Resident&#39;s mail 1", "Automatic reply 1", "No field map fits 1", "example.com"):
        assert word in shown
    assert "Ruth" not in shown
    assert "ruth.adeyemi" not in shown
    only = pages.get("/tray?cause=resident_mail").text
    assert only.count("Make it a lead</a>") == 1


def test_the_form_is_filled_in_and_makes_a_lead(pages: Site) -> None:
    receipt = deliver(pages, "Work order", RESIDENT + "\n\nRuth\n918-555-0143")
    form = pages.get(f"/receipts/{receipt}").text
    filled = dict(re.findall(r'<input type="hidden" name="read_(\w+)" value="([^"]*)"', form))
    assert filled["email"] == "ruth.adeyemi@example.com"
    assert filled["phone"] == "+19185550143"
    sent = {f"read_{name}": value for name, value in filled.items()} | filled | {"name": "Ruth Cole"}
    answer = pages.post(f"/receipts/{receipt}/lead", **sent)
    assert answer.status_code == 303
    lead = pages.rows(tables.inquiries)[0].lead
    assert lead["name"]["value"]["family"] == "Cole"
    assert lead["name"]["rule"] == "entered"
    assert lead["emails"][0]["rule"] == "email:address"  # what was not changed is not said to be entered
    assert "Make it a lead</button>" not in pages.get(f"/receipts/{receipt}").text
    ruling = pages.rows(tables.rulings)[0]
    assert (ruling.verdict, ruling.entered, ruling.decided_by) == ("lead", {"name": "Ruth Cole"}, "dana")


def test_without_anybody_to_reach_the_page_says_what_is_missing(pages: Site) -> None:
    receipt = deliver(pages, "Hello", "Are you there?", sender="noreply@example.com")
    answer = pages.post(f"/receipts/{receipt}/lead", name="Ann Lee")
    assert answer.status_code == 422
    assert "Enter one" in answer.text


def test_it_is_no_lead_says_a_person(pages: Site) -> None:
    receipt = deliver(pages, "Hello", "Are you there?")
    assert pages.post(f"/receipts/{receipt}/dismiss").status_code == 303
    row = pages.rows(tables.receipts)[0]
    assert (row.state, row.cause) == ("not_lead", "dismissed")


def test_a_card_says_what_the_generic_reader_doubts(pages: Site) -> None:
    deliver(pages, "apartment", "Is a two bedroom available? Thanks,\nGreta Holm", sender="desk <gh77@example.com>")
    card = pages.rows(tables.guest_cards)[0].key
    shown = pages.get(f"/guest-cards/{card}").text
    assert "read by the generic reader, check against" in shown
    assert re.search(r"Least sure: [^<]*name", shown)
    assert "Read without a field map" in pages.get("/exceptions").text
