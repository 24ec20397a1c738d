"""MRI's own ways, over the wire: no key, short notes, parts that fail alone, entries that go out whole, pages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from lxml import etree

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import (
    CardAt,
    Destination,
    EventPush,
    Outcome,
    OutcomeKind,
    Query,
    RemoteOutcome,
    TaskPush,
)
from leadsvc.workers.destinations.vendors.mri import wire
from tests.benches import IMANI, LOCAL, WireBench
from tests.benches.mri import OPTIONS
from tests.contract_cases import FOLDER, cases

VENDOR = "mri"

CARD = replace(
    IMANI,
    bedrooms_max=2,
    comment="A long letter " * 20,
)


def at(card_id: str) -> CardAt:
    return CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)


def card_there(bench: WireBench, card_id: str) -> dict[str, object]:
    found: dict[str, object] = next(one for one in bench.state()["cards"] if one["card_id"] == card_id)
    return found


def test_the_mark_fits_into_the_notes_and_nothing_else_is_put_there(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    notes = str(card_there(bench, card_id)["comment"])
    assert notes == f"[ref {CARD.our_key}]"
    assert len(notes) <= wire.NOTES_MAX
    assert "long letter" not in "".join(one["body"] for one in bench.wire())


def test_an_agents_card_that_is_adopted_keeps_its_notes_behind_the_mark(
    bench: WireBench, destination: Destination
) -> None:
    words = {
        "property": "olf",
        "first_name": "Imani",
        "last_name": "Okafor",
        "email": CARD.email,
        "comment": "2BR, cat",
    }
    card_id = bench.control("POST", "cards", words)["card"]["card_id"]
    _, known = destination.get_card(at(card_id))
    assert destination.put_prospect(CARD, known).ok
    assert card_there(bench, card_id)["comment"] == f"[ref {CARD.our_key}] 2BR, cat"


def test_a_part_that_failed_keeps_the_name_and_is_for_a_person(bench: WireBench, destination: Destination) -> None:
    result = destination.put_prospect(replace(CARD, move_in=date(2099, 1, 1)), None)
    assert (result.outcome, bool(result.card_id), set(result.field_errors)) == (Outcome.PARTIAL, True, {"move_in"})
    mended = destination.put_prospect(replace(CARD, move_in=date(2027, 5, 1)), None)
    assert (mended.ok, mended.card_id) == (True, result.card_id)
    assert bench.live_cards(CARD.our_key) == 1
    assert card_there(bench, result.card_id)["move_in"] == "2027-05-01"


def test_a_change_sends_back_what_else_is_on_the_card(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(replace(CARD, phone=""), None).card_id
    bench.agent_edits(card_id, {"Baths": "2", "TotalOccupants": "3"})
    assert destination.put_prospect(CARD, None).ok
    card = card_there(bench, card_id)
    assert (card["Baths"], card["TotalOccupants"], card["phone"]) == ("2", "3", CARD.phone)
    assert card["VisitDate"]


def test_a_blind_second_create_would_make_two(bench: WireBench, destination: Destination) -> None:
    bench.fault("create", "commit_then_drop")
    assert destination.put_prospect(CARD, None).ok
    assert bench.requests().count("create_guest_card") == 1
    assert bench.live_cards(CARD.our_key) == 1


def test_cards_beyond_the_first_page_are_found(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    for number in range(wire.TOP + 5):
        words = {"card_id": f"9{number:05d}", "property": "olf", "last_name": f"Crowd{number}"}
        bench.control("POST", "cards", words)
    bench.control("POST", "cards", {"card_id": "999999", "property": "olf", "email": "last@example.com"})
    _, found = destination.find_prospect(Query(email="last@example.com", property_ref="olf"))
    assert [one.card_id for one in found] == ["999999"]
    _, found = destination.find_prospect(Query(our_key=CARD.our_key, property_ref="olf"))
    assert [one.card_id for one in found] == [card_id]


def test_a_list_that_repeats_itself_proves_nothing(bench: WireBench, destination: Destination) -> None:
    page = {"value": [{"NameID": "1"}], "nextLink": f"{bench.url}/MRIAPIServices/api.asp?%24skip=300"}
    bench.fault("find", "replay", status=200, headers={}, body=json.dumps(page), times=None)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.code) == (Outcome.REJECT, "endless_list")
    assert bench.live_cards(CARD.our_key) == 0


def test_a_link_to_another_host_is_not_followed() -> None:
    link = "https://elsewhere.example.com/x?%24skip=300&_next=abc&%24api=Evil"
    assert wire.following({"nextLink": link}) == {"$skip": "300", "_next": "abc"}
    assert wire.following({"nextLink": "http://[bad"}) == {}
    assert wire.following([]) == {}


def test_events_are_interactions_with_the_mark_first(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    late = datetime(2027, 1, 16, 3, 0, tzinfo=UTC)
    event = EventPush(
        our_event_key="IN-77", kind="call", at=late, text="x" * 5000, source_name="zillow", time_zone="America/New_York"
    )
    assert destination.add_event(at(card_id), event).ok
    (kept,) = bench.state()["events"]
    assert (kept["kind"], kept["at"]) == ("PH", "2027-01-15")
    assert kept["text"].startswith("[ref IN-77] Source: Zillow.com")
    assert len(kept["text"]) == wire.INTERACTION_MAX
    assert destination.add_event(at(card_id), event).outcome is Outcome.DUPLICATE


def test_a_code_the_client_does_not_have_becomes_the_usual_one(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, options={**OPTIONS, "interaction_types": "call=ZZ"}))
    card_id = destination.put_prospect(CARD, None).card_id
    now = datetime.now(UTC)
    assert destination.add_event(at(card_id), EventPush(our_event_key="IN-78", kind="call", at=now, text="Rang.")).ok
    destination.close()
    assert [one["kind"] for one in bench.state()["events"]] == ["EM"]


def test_a_task_is_a_note_and_says_so(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    task = TaskPush(our_task_key="TK-77", title="Call", due_at=datetime(2027, 1, 15, 15, 0, tzinfo=UTC))
    result = destination.put_task(at(card_id), task)
    assert (result.ok, result.code) == (True, "task_as_note")
    assert bench.tasks(card_id, "TK-77") == 1


def test_a_property_without_rights(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "revoke", {"property": "olf"})
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH


def all_told(destination: Destination) -> list[RemoteOutcome]:
    found: list[RemoteOutcome] = []
    cursor, more = "", True
    while more:
        result, page = destination.pull_outcomes(datetime.now(UTC) - timedelta(hours=1), cursor)
        assert result.ok
        found, cursor, more = [*found, *page.items], page.cursor, page.more
    return found


def test_signed_is_leased_and_moved_in_comes_later(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    bench.agent_edits(card_id, {}, "F")
    signed = [(one.kind, bool(one.lease_id)) for one in all_told(destination) if one.card_id == card_id]
    bench.agent_edits(card_id, {}, "R")
    moved = [one.kind for one in all_told(destination) if one.card_id == card_id]
    assert (signed, moved) == ([(OutcomeKind.LEASED, True)], [OutcomeKind.MOVED_IN])


def test_a_reason_not_to_lease_is_a_loss(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    bench.agent_edits(card_id, {"reason": "Too dear"})
    told = [(one.kind, one.reason) for one in all_told(destination) if one.card_id == card_id]
    assert told == [(OutcomeKind.LOST, "Too dear")]


def test_the_double_replays_what_was_recorded(bench: WireBench) -> None:
    for case in (one for one in cases("mri") if one.op == "create_guest_card"):
        body = (case.body or b"").decode()
        bench.fault("create", "replay", status=case.status, headers=dict(case.headers), body=body)
        answer = LOCAL.post(f"{bench.url}/MRIAPIServices/api.asp?$api={wire.GUEST_CARDS}", content=b"<x/>")
        assert (answer.status_code, answer.content) == (case.status, case.body or b""), case.name


def elements(document: str) -> list[str]:
    return [str(each.tag) for each in etree.fromstring(document.encode()).iter()]


def test_what_is_sent_has_the_elements_of_what_was_recorded(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    destination.put_prospect(replace(CARD, move_in=date(2027, 6, 1), last_pushed={"move_in": "2027-04-01"}), None)
    destination.add_event(at(card_id), EventPush(our_event_key="IN-1", kind="email", at=datetime.now(UTC), text="Hi"))
    heard = {one["op"]: one["body"] for one in bench.wire()}
    for op in ("create_guest_card", "update_guest_card", "add_interaction"):
        recorded = (FOLDER / "mri" / f"{op}.request.xml").read_text(encoding="utf-8")
        assert elements(heard[op]) == elements(recorded), op
