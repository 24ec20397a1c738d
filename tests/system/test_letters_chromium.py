"""Dead letters in a real browser, by keyboard: found, understood, corrected, tried, sent; and many at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from leadsvc.app import create_app
from leadsvc.store.tables import deliveries
from tests.benches.simpms import SimPmsBench
from tests.integration.test_letters_doors import refused, state_of
from tests.integration.web_support import Clock, Site
from tests.system.test_engine import with_account
from tests.system.test_letters import edited
from tests.system.test_pages_chromium import CONTRAST, Walk, enter
from tests.world import World, running_world

pytestmark = pytest.mark.slow


@pytest.fixture
def world(sqlite_database: str, tmp_path: Path, simpms: SimPmsBench) -> Iterator[World]:
    with running_world(sqlite_database, tmp_path, simpms) as made:
        yield made


@pytest.fixture
def served(world: World) -> Iterator[tuple[Site, str]]:
    with serving(world) as made:
        yield made


@contextlib.contextmanager
def serving(world: World) -> Iterator[tuple[Site, str]]:
    """The pages of ``world`` behind a real server, and its address."""
    site = Site(create_app(world.services), world.services, Clock())
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield site, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_is_corrected_and_the_rest_sent_by_keyboard(world: World, served: tuple[Site, str], page: Page) -> None:
    first, *others = [
        refused(world, number, "invalid_phone" if number == 4 else "invalid_name") for number in range(1, 5)
    ]
    walk = Walk(page, served[1])
    enter(walk, served[0])
    walk.press("g", "f")
    page.wait_for_url("**/dead-letters")
    expect(page.locator("tbody tr")).to_have_count(4)
    walk.check("letters")
    walk.press("j", "Enter")
    page.wait_for_url(f"**/dead-letters/{first['id']}**")
    walk.check("letter")

    page.locator("#set-first_name").focus()
    walk.press("ControlOrMeta+a")
    page.keyboard.type("R" * 41)
    walk.press("Escape", "t")
    with page.expect_navigation():
        walk.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("has 41 characters")
    expect(page.locator("#set-first_name")).to_have_value("R" * 41)
    walk.check("letter_refused")
    page.locator("#set-first_name").focus()
    walk.press("ControlOrMeta+a")
    page.keyboard.type("Robin")
    walk.press("Escape", "t")
    with page.expect_navigation():
        walk.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("nothing was changed")
    expect(page.locator("tr", has_text="set by hand")).to_contain_text("Robin")
    walk.check("letter_tried")
    assert state_of(world, first) == "dead"
    walk.press("s")
    with page.expect_navigation():
        walk.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("sent again now")
    expect(page.locator("tbody tr")).to_have_count(3)

    page.get_by_role("link", name="pms: Invalid name 2").focus()
    with page.expect_navigation():
        walk.press("Enter")
    walk.press("a")
    with page.expect_navigation():
        walk.press("Enter")
    expect(page.get_by_role("heading", name="Send 2 deliveries again?")).to_be_visible()
    walk.check("letters_replay")
    assert {state_of(world, each) for each in others} == {"dead"}
    walk.press("s")
    with page.expect_navigation():
        walk.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("2 are sent again now")
    walk.press("g", "f")
    expect(page.locator("tbody tr")).to_have_count(1)

    world.settle()
    [left] = world.rows(deliveries, deliveries.c.state == "dead")
    assert left["cause"] == "invalid_phone"
    assert {card["first_name"] for card in world.pms.state()["cards"] if card["third_party_id"]} >= {"Robin"}


def test_it_can_be_read_at_night_and_on_a_phone(world: World, served: tuple[Site, str], chromium: Browser) -> None:
    row = refused(world, 1)
    paths = ("/dead-letters", f"/dead-letters/{row['id']}", "/dead-letters/replay?destination=pms")
    site, base = served
    with chromium.new_context(viewport={"width": 320, "height": 800}) as context:
        page = context.new_page()
        walk = Walk(page, base)
        enter(walk, site)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for number, path in enumerate(paths):
                walk.open(path, f"letters_{number}_{scheme}_320")
                assert page.evaluate(CONTRAST) == [], f"{scheme} {path}"


def test_corrections_that_were_kept_back_are_let_out_by_keyboard(
    sqlite_database: str, tmp_path: Path, simpms: SimPmsBench, page: Page
) -> None:
    with running_world(
        sqlite_database, tmp_path, simpms, configure=lambda made: with_account(made, corrections_per_day=0)
    ) as world:
        row = edited(world, 1, ())
        with serving(world) as (site, base):
            walk = Walk(page, base)
            enter(walk, site)
            walk.open("/exceptions", "exceptions_kept_back")
            page.get_by_role("link", name="Look at them …").focus()
            with page.expect_navigation():
                walk.press("Enter")
            walk.check("letters_kept_back")
            walk.press("c")
            with page.expect_navigation():
                walk.press("Enter")
            expect(page.get_by_role("heading", name="Let 1 correction go out to pms?")).to_be_visible()
            assert state_of(world, row) == "held"
            walk.check("letters_release")
            page.set_viewport_size({"width": 320, "height": 800})
            page.emulate_media(color_scheme="dark")
            for number, path in enumerate(("/dead-letters?held=1", "/dead-letters/kept-back/pms")):
                walk.open(path, f"letters_release_{number}_dark_320")
                assert page.evaluate(CONTRAST) == []
            walk.press("s")
            with page.expect_navigation():
                walk.press("Enter")
            expect(page.get_by_role("status")).to_contain_text("1 correction goes out now.")
        world.settle()
        assert state_of(world, row) == "acknowledged"
