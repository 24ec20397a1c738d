"""The queue of people who may be one, and households, in a real browser and by keyboard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from leadsvc.app import create_app
from tests.benches.simpms import SimPmsBench
from tests.integration.web_support import Clock, Site
from tests.renters import Office, parts, running_office
from tests.system.test_pages_chromium import Walk, enter

pytestmark = pytest.mark.slow


@pytest.fixture
def office(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[Office]:
    with running_office(sqlite_database, tmp_path, simpms) as made:
        yield made
        made.assert_sound()


@pytest.fixture
def walk(office: Office, page: Page) -> Iterator[Walk]:
    site = Site(create_app(office.world.services), office.world.services, Clock())
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    walk = Walk(page, f"http://127.0.0.1:{server.server_port}")
    enter(walk, site)
    yield walk
    server.shutdown()
    thread.join()
    server.server_close()


def two_questions(office: Office) -> None:
    office.wary()
    for number, (given, one, other) in enumerate(
        (("Rosa", "Rosa Berg", "Anders Berg"), ("Ken", "Ken Mori", "Aya Mori"))
    ):
        office.lead(f"{given}1", one, None, f"012{number}", source="zillow")
        office.forward(hours=5)
        office.lead(f"{given}2", other, None, f"012{number}", move_in="2026-05-01")
    assert len(office.asked("match_review")) == 2


def test_the_queue_by_keyboard(office: Office, walk: Walk) -> None:
    two_questions(office)
    page = walk.page
    walk.open("/reviews", "reviews")
    expect(page.locator("tbody tr")).to_have_count(2)
    walk.press("n", "Enter")
    page.wait_for_url("**/compare**")
    walk.check("review")
    expect(page.get_by_text("2 waiting")).to_be_visible()
    page.locator("details.evidence summary").first.click()
    walk.check("review_open")
    walk.press("s")
    expect(page.get_by_role("button", name="The same person")).to_be_focused()
    walk.press("Enter")
    expect(page.get_by_text("1 waiting")).to_be_visible()
    walk.press("d", "Enter")
    expect(page.get_by_text("Nothing to decide")).to_be_visible()
    walk.check("reviews_none")
    assert office.people() == parts("Rosa1 Rosa2", "Ken1", "Ken2")
    assert office.asked("match_review") == []


def test_later_leaves_the_question(office: Office, walk: Walk) -> None:
    two_questions(office)
    walk.press("g", "s")
    walk.page.wait_for_url("**/compare**")
    walk.press("l", "Enter")
    walk.page.wait_for_url("**/reviews")
    expect(walk.page.locator("tbody tr")).to_have_count(2)


def test_a_household_is_proposed_with_its_evidence_and_confirmed(office: Office, walk: Walk) -> None:
    office.lead("a", "Rosa Berg", "home@example.com", "0120")
    office.forward(minutes=3)
    office.lead("b", "Anders Berg", "home@example.com", "0133", source="zillow")
    card = f"/guest-cards/{office.card('b')['key']}"
    walk.open(card, "household_proposed")
    section = walk.page.locator("#household")
    expect(section).to_contain_text("Perhaps one household with Rosa Berg")
    section.get_by_role("button", name="Yes, one household").focus()
    walk.press("Enter")
    expect(section).to_contain_text("One household with Rosa Berg")
    walk.check("household_confirmed")
    walk.open(f"/prospects/{office.key('a')}", "household_prospect")
    expect(walk.page.locator("#household")).to_contain_text("One household with Anders Berg")
    walk.page.get_by_role("button", name="They are none after all").click()
    expect(walk.page.locator("#household")).to_contain_text("No household with Anders Berg")


def test_a_card_says_why_each_value_is_shown_and_who_the_renter_is(office: Office, walk: Walk) -> None:
    office.lead("a", "Rosa Lindqvist", "rosa@example.com", "0120", contact_type="walk_in")
    office.forward(minutes=3)
    office.lead("b", "Rosa Lindqvist", "rosa@example.com", "0144")
    walk.open(f"/guest-cards/{office.card('a')['key']}")
    page = walk.page
    page.get_by_text("Where each value came from").first.click()
    page.locator("summary", has_text="Where each value came from").last.click()
    table = page.locator("table.fields").filter(has_text="in person counts before written by the renter")
    expect(table).to_contain_text("Next: (918) 555-0144")
    walk.check("golden")
    page.locator("summary", has_text="Correct name").click()
    page.get_by_label("Known as").select_option("opted_out")
    page.locator("form", has=page.get_by_label("Known as")).get_by_role("button").click()
    expect(page.locator(".head")).to_contain_text("Opted out")


def test_undoing_shows_first_what_it_changes(office: Office, walk: Walk) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", "0120")
    office.lead("b", "Ken Mori", "ken@example.com", "0121", source="zillow")
    office.settle()
    office.outcome("b", "leased")
    merge = office.merge("b", "a")
    office.settle()
    walk.open(f"/decisions/{merge}/unmerge", "unmerge_impact")
    expect(walk.page.locator("main")).to_contain_text("stands for itself")
    walk.page.locator("summary", has_text="Credit").click()
    walk.check("unmerge_credit")
    walk.press("u", "Enter")
    expect(walk.page.locator(".flash")).to_contain_text("taken back")
    assert office.people() == parts("a", "b")
