"""What the pages show, that they stay fast and inert, and that every button does what it says. One file, as one site
full of rows serves all of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pytest
from sqlalchemy import select

from leadsvc.faults import Commit
from leadsvc.store import tables
from leadsvc.store.queries.cards import list_cards
from leadsvc.web.inert import visible
from tests import webdata, webrows
from tests.integration.web_support import Site, site, statements
from tests.webdata import Seeded
from tests.webrows import NOW


@pytest.fixture
def pages(store_url: str, tmp_path: Path) -> Iterator[Site]:
    with site(store_url, tmp_path) as made:
        yield made.as_user("dana", "admin")


@pytest.fixture
def seeded(pages: Site) -> Seeded:
    return pages.seed()


def addresses(seeded: Seeded) -> list[str]:
    """Every page that shows data."""
    return [
        "/",
        "/?q=jordan",
        "/exceptions",
        "/exceptions?resolved=1",
        "/mapping",
        "/mapping?state=answered",
        "/audit",
        "/help",
        "/dead-letters",
        "/dead-letters?held=1",
        "/dead-letters/replay?destination=pms",
        f"/dead-letters/{seeded.ids['dead']}",
        *(f"/guest-cards/{key}" for key in seeded.cards),
        *(f"/prospects/{key}" for key in seeded.prospects),
        *(f"/receipts/{each}" for each in seeded.receipts),
        f"/prospects/{seeded.prospects[2]}/compare?into={seeded.prospects[0]}",
        f"/decisions/{seeded.ids['decision']}/unmerge",
    ]


def words_of(page: str) -> str:
    """The text of a page, tags gone and entities read."""
    return html.unescape(re.sub(r"<[^>]*>", "\x00", page)).replace("\x00", " ")


def test_every_page_opens_and_is_well_made(pages: Site, seeded: Seeded) -> None:
    for path in addresses(seeded):
        answer = pages.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.text.count("<h1") == 1, path
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), f"{path}: an id stands twice"
        for wanted in re.findall(r'<label[^>]* for="([^"]+)"', answer.text):
            assert wanted in ids, f"{path}: a label without its field {wanted}"


def test_every_link_on_every_page_leads_somewhere(pages: Site, seeded: Seeded) -> None:
    found = {link for path in addresses(seeded) for link in re.findall(r'href="(/[^"]*)"', pages.get(path).text)}
    assert len(found) > 20
    for link in found:
        assert pages.get(html.unescape(link)).status_code == 200, link


def test_nothing_hostile_gets_through(pages: Site, seeded: Seeded) -> None:
    for path in addresses(seeded):
        text = pages.get(path).text
        outside = re.sub(r'<script src="/static/web/keys.js[^"]*" defer></script>', "", text)
        assert "<script" not in outside, path
        assert "<img" not in outside, path
        assert "<svg" not in outside, path
        assert "<b>J</b>" not in outside, path
        assert not re.search(r"<[^>]*\son[a-z]+=", outside), path
        assert not re.search(r"<[^>]*\sstyle=", outside), f"{path}: the policy forbids inline styles"
        assert "\u202e" not in text, path
        assert not re.search("[\x00-\x08\x0b-\x1f]", text), path
        for link in re.findall(r'(?:href|src|action|formaction)="([^"]*)"', text):
            assert link.startswith(("/", "#", "mailto:", "tel:")), (path, link)
        assert not re.search(r"(?<!\S)49 ", words_of(text)) or "{{ 7*7 }}" in words_of(text), "data is no template"


def test_every_stored_field_of_each_inquiry_is_on_the_card(pages: Site, seeded: Seeded) -> None:
    shown = " ".join(words_of(pages.get(f"/guest-cards/{seeded.cards[0]}").text).split())
    for lead in seeded.leads:
        for leaf in webdata.leaves(lead):
            wanted = {True: "yes", False: "no"}.get(leaf, str(leaf)) if isinstance(leaf, bool) else str(leaf)
            assert " ".join(visible(wanted).split()) in shown, leaf


def test_the_card_says_when_where_and_why(pages: Site, seeded: Seeded) -> None:
    shown = " ".join(words_of(pages.get(f"/guest-cards/{seeded.cards[0]}").text).split())
    for wanted in (
        "Tue 17 Nov 2026, 2:00 pm CST",  # the property's clock, not ours
        "Same phone and last name, 3 days apart",
        "Same address, different people",
        "Entered by dana",
        "(512) 555-0199",
        "Resident",
        "Toured",
        "overdue 5 h",
        "PMS card id",
        "90417",
        "Drive By; ours: Zillow",
        "read by field map zillow-callback version 3",
        "Same message within 24 h",
        "fall-specials",
        "May be the same person as",
    ):
        assert wanted in shown, wanted


def test_a_merged_card_opens_the_one_it_is_part_of(pages: Site, seeded: Seeded) -> None:
    shown = words_of(pages.get(f"/guest-cards/{seeded.cards[1].lower()}").text)
    assert f"{seeded.cards[1]} was merged into this card" in " ".join(shown.split())
    assert seeded.cards[0] in shown


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("jordan.sample142@example.com", {0, 2}),
        ("JORDAN.SAMPLE142+x@Example.com", {0, 2}),
        ("512-555-0142", {0, 2}),
        ("+1 (512) 555-0143", {0, 2}),
        ("555 0142", {0, 2}),
        ("5550144", {3}),
        ("jor sam", {0, 2, 3}),
        ("SAMPLES", {3}),
        ("sample", {0, 2, 3}),
        ("oak court", {0}),
        ("harbor", {2}),
        ("nobody", set()),
        ("%", set()),
        ("_ordan", set()),
        ("' or 1=1 --", set()),
        ("\x00\ud800", {0, 2, 3}),
    ],
)
def test_search(pages: Site, seeded: Seeded, q: str, found: set[int]) -> None:
    with pages.services.store.read() as connection:
        cards = list_cards(connection, q=q).cards
    assert {seeded.cards.index(card.key) for card in cards} == found


def test_search_by_key_finds_card_and_person(pages: Site, seeded: Seeded) -> None:
    with pages.services.store.read() as connection:
        by_card = list_cards(connection, q=seeded.cards[1].lower()).cards
        by_person = list_cards(connection, q=seeded.prospects[1]).cards
    assert [card.key for card in by_card] == [seeded.cards[0]]
    assert {card.key for card in by_person} == {seeded.cards[0], seeded.cards[2]}


def test_the_inbox_costs_the_same_however_much_is_in_it(pages: Site, seeded: Seeded) -> None:
    pages.get("/")
    with statements(pages.services.store) as few:
        pages.get("/")
    with pages.services.store.write(Commit.ADMIN) as connection:
        place = connection.execute(select(tables.properties.c.id)).scalars().first()
        for number in range(60):
            at = NOW - timedelta(hours=number + 1)
            webrows.simple(connection, 2000 + number, place, at, ("Maria", f"Lopez{number}"))
    with statements(pages.services.store) as many:
        page = pages.get("/")
    assert page.text.count('class="go"') == 50
    assert len(many) == len(few) <= 6
    with statements(pages.services.store) as card:
        pages.get(f"/guest-cards/{seeded.cards[0]}")
    assert len(card) <= 12


def test_paging_shows_each_card_once_in_order(pages: Site) -> None:
    with pages.services.store.write(Commit.ADMIN) as connection:
        place = webrows.base(connection)["Oak Court"]
        for number in range(25):  # several at one instant: the id breaks the tie
            webrows.simple(connection, 3000 + number, place, NOW - timedelta(minutes=number // 5), ("A", f"B{number}"))
    seen: list[str] = []
    before: str | None = None
    with pages.services.store.read() as connection:
        while True:
            page = list_cards(connection, before=before, limit=4)
            seen += [card.key for card in page.cards]
            before = page.before
            if before is None:
                break
        whole = [card.key for card in list_cards(connection, limit=100).cards]
    assert seen == whole
    assert len(set(seen)) == 25


@pytest.mark.parametrize(
    "path",
    [
        "/?before=x",
        "/?before=-",
        "/?before=" + "f" * 400,
        "/?property=1",
        "/exceptions?before=0-0",
        "/prospects/%00",
        "/?q=%00",
        "/audit?actor=a%00",
    ],
)
def test_a_broken_address_is_a_page(pages: Site, path: str) -> None:
    answer = pages.get(path)
    assert answer.status_code in {400, 404}
    assert "<h1>" in answer.text


def test_what_does_not_exist_is_a_page(pages: Site) -> None:
    for path in (
        "/guest-cards/GC-00000000",
        f"/receipts/{uuid4()}",
        "/nowhere",
        "/guest-cards/" + "A" * 3000,
    ):
        answer = pages.get(path)
        assert answer.status_code == 404, path
        assert "Guest cards" in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_every_view_of_a_person_is_in_the_audit_log(pages: Site, seeded: Seeded) -> None:
    looked = {
        "/": "cards.list",
        f"/guest-cards/{seeded.cards[0]}": "card.view",
        f"/prospects/{seeded.prospects[0]}": "prospect.view",
        "/exceptions": "exceptions.list",
        f"/receipts/{seeded.receipts[0]}": "receipt.view",
        f"/receipts/{seeded.receipts[0]}/raw": "receipt.download",
        f"/prospects/{seeded.prospects[2]}/compare?into={seeded.prospects[0]}": "prospects.compare",
    }
    for path, action in looked.items():
        before = pages.count(tables.audit)
        pages.get(path)
        rows = pages.rows(tables.audit, tables.audit.c.action == action)
        assert len(rows) >= 1, path
        assert pages.count(tables.audit) == before + 1, path
        assert rows[-1].actor == "dana"
    pages.get("/?q=jordan.sample142@example.com")
    every = str([(row.subject, row.detail) for row in pages.rows(tables.audit)])
    assert "example.com" not in every
    assert seeded.cards[0] in every


def test_raw_bytes_come_as_an_inert_download(pages: Site, seeded: Seeded) -> None:
    answer = pages.get(f"/receipts/{seeded.receipts[1]}/raw")
    assert answer.data == webrows.EVIL.encode() + b"\xff\xfe"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    shown = pages.get(f"/receipts/{seeded.receipts[2]}").text
    assert "00000000  00 01 50 4b 03" in shown


def test_links_to_call_and_write(pages: Site, seeded: Seeded) -> None:
    text = pages.get("/").text
    assert 'href="tel:+15125550199"' in text
    for link in re.findall(r'href="(mailto:[^"]+)"', text):
        assert re.fullmatch(r"mailto:[^?&]+@example\.(com|net)", unquote(html.unescape(link))), link


def test_placing_a_card(pages: Site, seeded: Seeded) -> None:
    (place,) = pages.rows(tables.properties, tables.properties.c.name == "Oak Court")
    path = f"/guest-cards/{seeded.cards[3]}"
    assert "At which property?" in pages.get(path).text
    answer = pages.post(f"{path}/place", form_on=path, property=str(place.id), learn="1")
    assert answer.status_code == 303
    assert "is placed" in pages.get(path).text
    (card,) = pages.rows(tables.guest_cards, tables.guest_cards.c.key == seeded.cards[3])
    assert card.property_id == place.id
    again = pages.post(f"{path}/place", form_on=path, property=str(place.id))
    assert again.status_code == 409
    assert pages.post(f"{path}/place", form_on=path).status_code == 422


def test_correcting_a_person(pages: Site, seeded: Seeded) -> None:
    path = f"/guest-cards/{seeded.cards[0]}"
    for values in (
        {"field": "name", "given": "Jordana", "family": "Samplewood"},
        {"field": "email", "value": "new.address@example.net"},
        {"field": "phone", "value": "(512) 555-0177"},
    ):
        assert pages.post(f"{path}/edit", form_on=path, **values).status_code == 303, values
    shown = pages.get(path).text
    for wanted in ("Jordana Samplewood", "new.address@example.net", "(512) 555-0177"):
        assert wanted in shown
    with pages.services.store.read() as connection:
        assert list_cards(connection, q="jordana").cards
    for values in (
        {"field": "email", "value": "no address"},
        {"field": "phone", "value": "12"},
        {"field": "name", "given": " ", "family": ""},
        {"field": "standing", "value": "x"},
    ):
        assert pages.post(f"{path}/edit", form_on=path, **values).status_code == 422, values


def test_outcomes_and_tasks(pages: Site, seeded: Seeded) -> None:
    path = f"/guest-cards/{seeded.cards[0]}"
    done = pages.post(f"/tasks/{seeded.ids['task']}/done", form_on=path, back=path)
    assert done.headers["Location"] == path
    assert pages.post(f"{path}/outcome", form_on=path, kind="applied", at="2026-11-20T09:30").status_code == 303
    (row,) = pages.rows(tables.outcomes, tables.outcomes.c.kind == "applied")
    assert row.at.isoformat() == "2026-11-20T15:30:00+00:00", "half past nine at the property"
    for values in (
        {"kind": "applied", "at": "2026-11-21T09:30"},
        {"kind": "applied", "at": "soon"},
        {"kind": "married"},
    ):
        assert pages.post(f"{path}/outcome", form_on=path, **values).status_code == 422, values


def test_the_card_says_what_became_of_a_task_where_there_are_none(pages: Site, seeded: Seeded) -> None:
    path = f"/guest-cards/{seeded.cards[0]}"
    assert "has no tasks" not in words_of(pages.get(path).text)
    mine = tables.guest_cards.c.key == seeded.cards[0]
    (card,) = pages.rows(tables.guest_cards, mine)
    with pages.services.store.write(Commit.ADMIN) as connection:
        delivery = webrows.delivery(connection, card.id, "acknowledged", NOW, kind="task", destination="yardi")
        attempt = {"delivery_id": delivery, "number": 1, "started_at": NOW, "outcome": "accepted"}
        connection.execute(tables.attempts.insert().values(**attempt, code="task_as_appointment"))
    assert "yardi has no tasks of this kind: it is an appointment there." in words_of(pages.get(path).text)


def test_deliveries(pages: Site, seeded: Seeded) -> None:
    path = f"/guest-cards/{seeded.cards[0]}"
    assert pages.post(f"/deliveries/{seeded.ids['dead']}/retry", form_on=path, back="/exceptions").status_code == 303
    (row,) = pages.rows(tables.deliveries, tables.deliveries.c.id == seeded.ids["dead"])
    assert row.state == "pending"
    assert pages.post(f"/deliveries/{seeded.ids['dead']}/cancel", form_on=path).status_code == 303
    assert pages.post(f"/deliveries/{seeded.ids['dead']}/cancel", form_on=path).status_code == 404
    assert pages.post(f"/deliveries/{seeded.ids['held']}/explode", form_on=path).status_code == 404


def test_undoing_a_merge_is_shown_before_it_is_done(pages: Site, seeded: Seeded) -> None:
    path = f"/decisions/{seeded.ids['decision']}/unmerge"
    before = pages.rows(tables.prospects, tables.prospects.c.id == tables.prospects.c.root_id)
    assert "Nothing has changed yet" in pages.get(path).text
    assert len(pages.rows(tables.prospects, tables.prospects.c.id == tables.prospects.c.root_id)) == len(before)
    assert pages.post(path, form_on=path, back=f"/guest-cards/{seeded.cards[0]}").status_code == 303
    assert len(pages.rows(tables.prospects, tables.prospects.c.id == tables.prospects.c.root_id)) == len(before) + 1


@pytest.mark.parametrize("verdict", ["same", "different"])
def test_deciding_a_review(pages: Site, seeded: Seeded, verdict: str) -> None:
    one, other = seeded.prospects[2], seeded.prospects[0]
    path = f"/prospects/{one}/compare?into={other}"
    shown = pages.get(path).text
    assert one in shown
    assert other in shown
    roots = len(pages.rows(tables.prospects, tables.prospects.c.id == tables.prospects.c.root_id))
    answer = pages.post(f"/prospects/{one}/decide", form_on=path, into=other, verdict=verdict, back="/exceptions")
    assert answer.status_code == 303
    after = len(pages.rows(tables.prospects, tables.prospects.c.id == tables.prospects.c.root_id))
    assert after == roots - (verdict == "same")
    assert pages.get(path).status_code == (422 if verdict == "same" else 200)


def test_replay_can_be_tried_first(pages: Site, seeded: Seeded) -> None:
    broken = seeded.receipts[2]
    path = f"/receipts/{broken}"
    assert pages.post("/receipts/replay", form_on=path, receipt=str(broken), how="try", back=path).status_code == 303
    assert "Tried, nothing changed" in pages.get(path).text
    (row,) = pages.rows(tables.receipts, tables.receipts.c.id == broken)
    assert row.state == "quarantined"
    assert pages.post("/receipts/replay", form_on=path, receipt=str(broken), how="replay", back=path).status_code == 303
    assert "Replayed: was" in pages.get(path).text
    assert pages.post("/receipts/replay", form_on=path, back=path).status_code == 422
    assert pages.post("/receipts/replay", form_on=path, receipt="x", back=path).status_code == 404


def test_resolving_an_exception(pages: Site, seeded: Seeded) -> None:
    (stuck,) = pages.rows(tables.exceptions, tables.exceptions.c.kind == "stuck")
    path = f"/exceptions/{stuck.id}/resolve"
    assert pages.post(path, form_on="/exceptions").status_code == 422
    assert (
        pages.post(path, form_on="/exceptions", note="Called the vendor", back="//evil.example").headers["Location"]
        == "/"
    )
    assert "Called the vendor" in pages.get("/exceptions?resolved=1").text
    assert "reopening" not in pages.get("/exceptions").text.lower()


def test_errors_of_ours_quote_nobody(
    pages: Site, seeded: Seeded, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with pages.services.store.write(Commit.ADMIN) as connection:
        row = connection.execute(select(tables.inquiries.c.id)).first()
        assert row
        connection.execute(tables.inquiries.update().values(lead=["Jordan", "secret words"]))
    answer = pages.get(f"/guest-cards/{seeded.cards[0]}")
    assert answer.status_code == 500
    assert "Our mistake" in answer.text
    told = answer.text + caplog.text + "".join(capsys.readouterr())
    assert "secret words" not in told


def test_the_source_report_opens_into_its_cards(pages: Site, seeded: Seeded) -> None:
    page = pages.get("/reports/sources").text
    assert "Apartments.com" in page
    assert "Oak Court" in page
    links = [html.unescape(link) for link in re.findall(r'href="(/reports/sources/cards[^"]*)"', page)]
    assert links
    assert any(seeded.cards[0] in pages.get(link).text for link in links)
    (row,) = pages.rows(tables.audit, tables.audit.c.action == "report.cards")[:1]
    assert row.actor == "dana"


def test_the_source_report_as_a_file_and_with_bad_words(pages: Site, seeded: Seeded) -> None:
    answer = pages.get("/reports/sources.csv?from=2026-10&to=2026-11")
    assert answer.content_type.startswith("text/csv")
    assert 'filename="sources-2026-10-2026-11.csv"' in answer.headers["Content-Disposition"]
    assert answer.text.startswith("month,property,")
    assert "zillow" in answer.text
    for words in ("from=soon", "from=2026-11&to=2026-01", "model=magic", "window=-1", "property=nowhere", "scope=all"):
        broken = pages.get(f"/reports/sources?{words}")
        assert broken.status_code in {404, 422}, words
        assert "<h1>" in broken.text
