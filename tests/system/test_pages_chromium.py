"""The pages in a real browser: signed in by the one-time link, walked by keyboard, with strangers' text on every one.

Screenshots go to ``screenshots/`` (ignored by git) for people to look at.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from leadsvc.faults import Commit
from leadsvc.store import tables
from leadsvc.web.inert import visible
from tests import webdata, webrows
from tests.integration.web_support import PASSWORD, Site, site
from tests.processes import ROOT
from tests.webdata import Seeded

pytestmark = pytest.mark.slow

SHOTS = ROOT / "screenshots"
# Runs before any page: whatever a page does against the rules is kept for the test to see.
WATCH = """
window.broken = [];
addEventListener("securitypolicyviolation", (e) => window.broken.push(`csp: ${e.violatedDirective} ${e.blockedURI}`));
addEventListener("error", (e) => window.broken.push(`error: ${e.message}`));
"""


class Walk:
    """A browser tab that notes everything which must never happen."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.wrong: list[str] = []
        page.add_init_script(WATCH)
        page.on("dialog", self._dialog)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._own)

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, entry: ConsoleMessage) -> None:
        if entry.type == "error":
            self.wrong.append(entry.text)

    def _own(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:")):
            self.wrong.append(f"request to {request.url}")

    def open(self, path: str, shot: str = "") -> None:
        self.page.goto(self.base + path)
        self.check(shot)

    def check(self, shot: str = "") -> None:
        """The page did nothing of its own, kept its title, and fits its window."""
        self.wrong += self.page.evaluate("window.broken")
        assert self.wrong == []
        assert self.page.title() != "owned"
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "the page is wider than the window"
        )
        if shot:
            SHOTS.mkdir(exist_ok=True)
            self.page.screenshot(path=SHOTS / f"{shot}.png", full_page=True)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type_search(self, text: str) -> None:
        self.press("/")
        expect(self.page.locator("#q")).to_be_focused()
        self.page.keyboard.type(text)
        with self.page.expect_navigation():
            self.press("Enter")


@pytest.fixture
def served(sqlite_database: str, tmp_path: Path) -> Iterator[tuple[Site, str]]:
    """The whole app behind a real server, and its address."""
    with site(sqlite_database, tmp_path, operator="Example Homes") as made:
        server = make_server("127.0.0.1", 0, made.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def walk(served: tuple[Site, str], page: Page) -> Walk:
    return Walk(page, served[1])


def enter(walk: Walk, made: Site) -> None:
    """Sign in by the one-time link, with the keyboard alone."""
    link = made.link()
    assert link
    walk.open(link, "welcome")
    expect(walk.page.locator("#login")).to_be_focused()
    walk.page.keyboard.type("dana")
    for _ in range(2):
        walk.press("Tab")
        walk.page.keyboard.type(PASSWORD)
    walk.press("Enter")
    expect(walk.page.get_by_role("heading", name="Guest cards")).to_be_visible()


def fill(made: Site) -> Seeded:
    seeded = made.seed()
    with made.services.store.write(Commit.ADMIN) as connection:
        places = connection.execute(select(tables.properties.c.id)).scalars().all()
        for number, name in enumerate((("Maria", "Lopez"), ("Wei", "Chen"), ("Tom", "O'Neil")) * 20):
            at = webrows.NOW - timedelta(hours=3 * number + 3)
            webrows.simple(connection, 1000 + number, places[number % 2], at, name)
    return seeded


def test_everything_by_keyboard(served: tuple[Site, str], walk: Walk) -> None:
    made, _ = served
    seeded = fill(made)
    enter(walk, made)
    page = walk.page
    walk.check("inbox")

    walk.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    walk.press("j", "j", "k", "j")
    expect(page.locator("tr.chosen")).to_have_count(1)
    chosen = page.locator("tr.chosen a.go").get_attribute("href")
    walk.press("Enter")
    page.wait_for_url(f"**{chosen}")
    walk.check()

    walk.type_search("jordan")
    expect(page.locator("tbody tr")).to_have_count(3)
    walk.check("search")
    walk.type_search(seeded.cards[1])
    walk.press("j", "Enter")
    page.wait_for_url(f"**/{seeded.cards[0]}")
    walk.check("card")

    walk.press("g", "e")
    page.wait_for_url("**/exceptions")
    walk.check("exceptions")
    walk.press("?")
    page.wait_for_url("**/help")
    walk.check("help")
    walk.press("g", "c")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.locator("a[rel=next]").focus()
    walk.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(13)

    page.get_by_role("button", name="Sign out").focus()
    walk.press("Enter")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    walk.check("sign_in")
    page.go_back()
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_every_stored_field_can_be_read_on_screen(served: tuple[Site, str], walk: Walk) -> None:
    made, _ = served
    seeded = made.seed()
    enter(walk, made)
    walk.open(f"/guest-cards/{seeded.cards[0]}")
    for summary in walk.page.locator("summary").all():
        if summary.evaluate("each => !each.parentElement.open"):
            summary.focus()
            walk.press("Enter")
    walk.check("card_open")
    # innerText is what can be seen: closed details and hidden elements are not in it.
    shown = " ".join(walk.page.locator("main").inner_text().split())
    for lead in seeded.leads:
        for leaf in webdata.leaves(lead):
            wanted = ("yes" if leaf else "no") if isinstance(leaf, bool) else str(leaf)
            assert " ".join(visible(wanted).split()) in shown, wanted


def test_hostile_text_stays_text_on_every_page(served: tuple[Site, str], walk: Walk) -> None:
    made, _ = served
    seeded = made.seed()
    enter(walk, made)
    pages = {
        "unplaced": f"/guest-cards/{seeded.cards[3]}",
        "prospect": f"/prospects/{seeded.prospects[0]}",
        "prospect_merged": f"/prospects/{seeded.prospects[1]}",
        "receipt": f"/receipts/{seeded.receipts[1]}",
        "receipt_hex": f"/receipts/{seeded.receipts[2]}",
        "compare": f"/prospects/{seeded.prospects[2]}/compare?into={seeded.prospects[0]}",
        "unmerge": f"/decisions/{seeded.ids['decision']}/unmerge",
        "sources": "/reports/sources",
        "audit": "/audit",
    }
    for name, path in pages.items():
        walk.open(path, name)
    walk.open(f"/?q={webrows.EVIL.replace('#', '')[:100]}", "search_hostile")
    assert walk.page.locator("main script, main img, main svg, main iframe").count() == 0


def test_a_huge_message_leaves_the_page_usable(served: tuple[Site, str], walk: Walk) -> None:
    made, _ = served
    with made.services.store.write(Commit.ADMIN) as connection:
        place = webrows.base(connection)["Oak Court"]
        one = webrows.simple(connection, 1, place, webrows.NOW, ("W" * 3000, "Z\u0300\u0301\u0302" * 2000))
        lead = webrows.full_lead(1, "word " * 40_000 + "x" * 100_000, "W" * 3000, "Z")
        connection.execute(tables.inquiries.update().values(lead=lead))
    enter(walk, made)
    walk.check("inbox_huge")
    walk.open(f"/guest-cards/{one['key']}", "card_huge")
    box = walk.page.locator("blockquote").bounding_box()
    assert box
    assert box["height"] < 500


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1360), ("light", 390), ("dark", 320)])
def test_dark_and_on_a_phone(served: tuple[Site, str], chromium: Browser, scheme: str, width: int) -> None:
    made, base = served
    seeded = made.seed()
    with chromium.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        walk = Walk(page, base)
        enter(walk, made)
        walk.check(f"inbox_{scheme}_{width}")
        for name, path in (
            ("card", f"/guest-cards/{seeded.cards[0]}"),
            ("exceptions", "/exceptions"),
            ("sources", "/reports/sources"),
            ("receipt", f"/receipts/{seeded.receipts[0]}"),
        ):
            walk.open(path, f"{name}_{scheme}_{width}")


def test_text_has_enough_contrast(served: tuple[Site, str], chromium: Browser) -> None:
    made, base = served
    seeded = made.seed()
    with chromium.new_context() as context:
        page = context.new_page()
        walk = Walk(page, base)
        enter(walk, made)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for path in ("/", f"/guest-cards/{seeded.cards[0]}", "/exceptions", "/help"):
                walk.open(path)
                assert page.evaluate(CONTRAST) == [], f"{scheme} {path}"


# Every element with text of its own, against the nearest background: WCAG 2 AA is 4.5 to 1.
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const part = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgb(getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#000" : "#fff");
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".skip, option")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)];
}
"""
