"""ResMan's own ways, over the wire: people found by address or number alone, our key as a mark, sources by id."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from lxml import etree

from leadsvc.simulators.resman import CREDENTIALS
from leadsvc.workers.destinations import classifier, connect
from leadsvc.workers.destinations.base import (
    CardAt,
    CardPush,
    Destination,
    EventPush,
    Outcome,
    OutcomeKind,
    Query,
    RemoteOutcome,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.careful import UNPROVEN
from tests.benches import LOCAL, WireBench
from tests.contract_cases import FOLDER, cases

VENDOR = "resman"

CARD = CardPush(
    our_key="GC-3M5N7P9Q",
    property_ref="olf",
    time_zone="America/New_York",
    first_name="Lena",
    last_name="Sørensen",
    email="lena.sorensen@example.com",
    phone="+17065550151",
    move_in=date(2027, 6, 1),
    bedrooms_min=2,
    bedrooms_max=2,
    budget_max_cents=210_000,
    floor_plan_ref="L2",
    source_name="zillow",
    agent_ref="ben",
    comment="Is there a lift?\n& parking",
)
EVENT = EventPush(
    our_event_key="IN-88",
    kind="call",
    at=datetime(2026, 7, 1, 2, 30, tzinfo=UTC),
    text="Called about the lift",
    source_name="zillow",
    time_zone="America/New_York",
)
TASK = TaskPush(our_task_key="TK-88", title="Call back", due_at=datetime(2026, 12, 1, 15, 0, tzinfo=UTC))


def at(card_id: str) -> CardAt:
    return CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key, email=CARD.email, phone=CARD.phone)


def posted(bench: WireBench) -> list[etree._Element]:
    forms = [parse_qs(request["body"]) for request in bench.wire() if request["op"].startswith("post_")]
    return [etree.fromstring(form["Xml"][0].encode()) for form in forms]


def source_id(bench: WireBench) -> str:
    """The id of the source Zillow.com, as the simulator gives it out."""
    given = {"IntegrationPartnerID": "integration_partner_id", "APIKey": "api_key", "AccountID": "account_id"}
    form = {field: CREDENTIALS[ours] for field, ours in given.items()} | {"PropertyID": "olf"}
    listed = LOCAL.post(f"{bench.url}/Leasing/GetProspectSources", data=form).json()["ProspectSources"]
    return next(str(one["ID"]) for one in listed if one["Name"] == "Zillow.com")


def test_sources_travel_by_id_and_are_read_as_names(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(CARD, None)
    assert made.outcome is Outcome.ACCEPTED
    (document,) = posted(bench)
    event = document.find("Prospects/Prospect/Events/Event")
    assert event is not None
    assert event.findtext("TransactionSource") == source_id(bench)
    assert event.find("EventID") is None
    assert event.find("Agent/AgentID") is not None
    assert document.find("Prospects/Prospect/CustomerPreferences/DesiredFloorplan") is None
    _, card = destination.get_card(at(made.card_id))
    assert card is not None
    assert (card.source, card.our_key, card.fields["agent_ref"]) == ("Zillow.com", CARD.our_key, "ben")
    assert card.fields["comment"] == "Is there a lift? & parking"


def test_an_unknown_source_is_refused_before_anything_is_sent(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, sources={"zillow": "No Such Source"}, fallback_source="None Either"))
    result = destination.put_prospect(CARD, None)
    destination.close()
    assert (result.outcome, list(result.field_errors)) == (Outcome.REJECT, ["source_name"])
    assert posted(bench) == []


def test_a_source_that_was_renamed_since_is_read_again_by_a_new_account(
    bench: WireBench, destination: Destination
) -> None:
    assert destination.put_prospect(CARD, None).fallbacks == ()
    bench.control("POST", "config/source/Zillow.com", {"active": False})
    other = replace(CARD, our_key="GC-2", email="b@example.com", phone="+17065550152")
    assert destination.put_prospect(other, None).fallbacks == ("source_name",)


def test_somebody_with_the_same_address_is_looked_at_and_not_made_twice(
    bench: WireBench, destination: Destination
) -> None:
    words = {"property": "olf", "first_name": "Lena", "last_name": "Sørensen", "email": CARD.email}
    there = bench.control("POST", "cards", words)["card"]["card_id"]
    refused = destination.put_prospect(CARD, None)
    assert (refused.outcome, refused.code, refused.verify_first) == (Outcome.RETRY, "exists", True)
    _, found = destination.find_prospect(Query(our_key=CARD.our_key, email=CARD.email, property_ref="olf"))
    assert [card.card_id for card in found] == [there]
    adopted = destination.put_prospect(CARD, found[0])
    assert (adopted.ok, adopted.card_id) == (True, there)
    again = destination.put_prospect(CARD, None)
    assert (again.outcome, again.card_id) == (Outcome.DUPLICATE, there)
    assert bench.state()["counts"]["live_cards"] == 4


def test_who_has_neither_address_nor_number_is_not_guessed(bench: WireBench) -> None:
    destination = connect(bench.profile)
    result, card = destination.get_card(CardAt(card_id="0f0f0000-0000-4000-8000-000000000001", property_ref="olf"))
    destination.close()
    assert (result.outcome, result.code, card) == (Outcome.REJECT, "not_searchable", None)
    blank = replace(CARD, email="", phone="", unsure=True)
    destination = connect(bench.profile)
    held = destination.put_prospect(blank, None)
    destination.close()
    assert (held.outcome, held.code) == (Outcome.RETRY, UNPROVEN.code)
    assert bench.live_cards(CARD.our_key) == 0


def test_a_person_met_once_is_found_again_without_being_told_how(destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    result, card = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    assert result.ok
    assert card is not None


def old_hand(bench: WireBench, **words: str) -> CardAt:
    """Somebody whom an agent entered, without any history."""
    known = {"property": "olf", "first_name": "Old", "last_name": "Hand", "email": "old.hand@example.com"}
    card_id: str = bench.control("POST", "cards", known | words)["card"]["card_id"]
    return CardAt(card_id=card_id, property_ref="olf", email="old.hand@example.com")


def test_where_no_events_are_told_none_is_written_twice(bench: WireBench, destination: Destination) -> None:
    """As the recorded searches are, which tell who somebody is and nothing of their history."""
    bench.control("POST", "search", {"events": False})
    there = old_hand(bench)
    first = destination.add_event(there, EVENT)
    again = destination.add_event(there, replace(EVENT, unsure=True))
    assert (first.outcome, again.outcome, again.code) == (Outcome.ACCEPTED, Outcome.RETRY, UNPROVEN.code)
    bench.fault("event", "commit_then_drop")
    lost = destination.put_task(there, TASK)
    again = destination.put_task(there, replace(TASK, unsure=lost.verify_first))
    assert (lost.outcome, again.outcome, again.code) == (Outcome.RETRY, Outcome.RETRY, UNPROVEN.code)
    assert bench.state()["counts"]["events"] == 2


def test_a_resident_without_history_is_written_to_at_once(bench: WireBench, destination: Destination) -> None:
    there = old_hand(bench, status="resident")
    told = destination.add_event(there, EVENT)
    asked = destination.put_task(there, TASK)
    assert (told.outcome, asked.outcome, asked.verified) == (Outcome.ACCEPTED, Outcome.ACCEPTED, True)
    again = [destination.add_event(there, replace(EVENT, unsure=True)), destination.put_task(there, TASK)]
    assert [result.outcome for result in again] == [Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert bench.state()["counts"]["events"] == 2


def test_where_no_events_are_told_our_mark_is_written_once(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "search", {"events": False})
    known = destination.get_card(old_hand(bench))[1]
    card = replace(CARD, first_name="Old", last_name="Hand", email="old.hand@example.com")
    adopted = destination.put_prospect(card, known)
    assert (adopted.outcome, adopted.card_id) == (Outcome.ACCEPTED, known.card_id if known else "")
    changed = replace(card, move_in=date(2027, 9, 1), last_pushed=dict(adopted.written))
    assert destination.put_prospect(changed, known).ok
    assert bench.events(adopted.card_id, CARD.our_key) == 1
    (there,) = (one for one in bench.state()["cards"] if one["card_id"] == adopted.card_id)
    assert there["move_in"] == "2027-09-01"


def test_history_in_local_time_and_a_follow_up_that_moves(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    assert destination.add_event(at(card_id), EVENT).ok
    made = destination.put_task(at(card_id), replace(TASK, time_zone="America/New_York", assignee_ref="nobody"))
    assert (made.code, made.fallbacks) == ("task_as_appointment", ("assignee_ref",))
    moved = destination.put_task(at(card_id), replace(TASK, due_at=TASK.due_at + timedelta(hours=1)))
    assert moved.task_id == made.task_id
    times = {event["kind"]: event["at"] for event in bench.state()["events"]}
    assert times["CallFromProspect"] == "2026-06-30T22:30:00"
    assert times["Appointment"] == "2026-12-01T16:00:00"


def test_a_person_who_is_lost_takes_no_more_events(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    bench.agent_edits(card_id, {}, "lost")
    assert destination.add_event(at(card_id), EVENT).outcome is Outcome.REJECT


def test_what_became_of_people(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    words = {"outcome": "Lease Signed", "lease_id": "L-7", "reason": "Liked the lift"}
    bench.control("POST", f"cards/{card_id}/edit", words)
    told: list[RemoteOutcome] = []
    cursor, more = "", True
    while more:
        result, page = destination.pull_outcomes(datetime.now(UTC) - timedelta(hours=1), cursor)
        assert result.ok
        told += page.items
        cursor, more = page.cursor, page.more
    ours = [one for one in told if one.card_id == card_id]
    assert [(one.kind, one.lease_id, one.reason) for one in ours] == [(OutcomeKind.LEASED, "L-7", "Liked the lift")]
    assert {one.kind for one in told} >= {OutcomeKind.MOVED_IN, OutcomeKind.APPLIED}
    _, later = destination.pull_outcomes(datetime.now(UTC) + timedelta(days=30))
    assert later.items == ()


_PATHS = {
    "get_sources": "Leasing/GetProspectSources",
    "get_employees": "Leasing/GetEmployees",
    "post_lead": "MITS/PostLeadManagement4_0",
    "search_prospects": "MITS/SearchProspects",
    "post_event": "MITS/PostLeadManagement4_0",
}


def _ask(bench: WireBench, op: str, person: str, **changes: str) -> tuple[httpx2.Response, Result]:
    """A recorded request, for the demo operator and with ``changes`` of its fields, and what its answer means."""
    fields = {
        "IntegrationPartnerID": CREDENTIALS["integration_partner_id"],
        "APIKey": CREDENTIALS["api_key"],
        "AccountID": CREDENTIALS["account_id"],
        "PropertyID": "olf",
    }
    if op.startswith("post_"):
        text = (FOLDER / "resman" / f"{op}.request.xml").read_text(encoding="utf-8")
        text = text.replace(">31<", f">{source_id(bench)}<").replace('IDValue="a7"', 'IDValue="ben"')
        fields["Xml"] = text.replace("0f0f0000-1111-4aaa-8bbb-000000041877", person)
    if op == "search_prospects":
        fields["Email"] = "JORDAN.avery@example.com"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({**fields, **changes}).encode()
    answer = LOCAL.post(f"{bench.url}/{_PATHS[op]}", content=body, headers=headers)
    return answer, classifier("resman")(op, answer.status_code, dict(answer.headers), answer.content, {})


def test_recorded_requests_are_understood_and_answered_in_the_recorded_shape(bench: WireBench) -> None:
    good = {case.op: case for case in cases("resman") if case.name == "success"}
    person = ""
    for op in _PATHS:
        answer, told = _ask(bench, op, person)
        assert told.ok, (op, answer.text)
        assert not told.empty
        person = told.person_id or person
        assert answer.headers["Content-Type"] == good[op].headers["Content-Type"]
    assert bench.state()["counts"]["events"] == 2


@pytest.mark.parametrize(
    ("op", "case", "changes"),
    [
        ("post_lead", "duplicate", {}),
        ("post_lead", "auth_error", {"APIKey": "wrong"}),
        ("search_prospects", "auth_error", {"IntegrationPartnerID": "wrong"}),
        ("search_prospects", "empty", {"Email": "nobody@example.com"}),
        ("get_sources", "failed", {"PropertyID": "nowhere"}),
    ],
)
def test_what_is_wrong_is_said_in_the_recorded_words(
    bench: WireBench, op: str, case: str, changes: dict[str, str]
) -> None:
    _, made = _ask(bench, "post_lead", "")
    answer, told = _ask(bench, op, made.person_id, **changes)
    recorded = next(each for each in cases("resman") if (each.op, each.name) == (op, case))
    assert ("empty" if told.empty else told.outcome) == recorded.outcome
    expected = classifier("resman")(op, recorded.status, recorded.headers, recorded.body, recorded.context)
    assert (answer.status_code, told.message) == (recorded.status, expected.message)
