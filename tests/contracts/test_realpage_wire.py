"""RealPage's own ways, over the wire: what it joins by its own rule, answers without ids, days instead of searches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lxml import etree

from leadsvc.simulators.realpage import CREDENTIALS
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
from tests.benches import IMANI, LOCAL, WireBench
from tests.contract_cases import FOLDER, cases

VENDOR = "realpage"

CARD = replace(
    IMANI,
    time_zone="America/New_York",
    comment="Two lines\nof text & <tags>",
)


def there(bench: WireBench, **values: object) -> str:
    """An agent's own card for the same renter."""
    words = {"property": "olf", "last_name": "Okafor", "email": CARD.email, **values}
    card_id: str = bench.control("POST", "cards", words)["card"]["card_id"]
    return card_id


def test_a_card_without_anybodys_key_that_they_joined_becomes_ours(bench: WireBench, destination: Destination) -> None:
    card_id = there(bench, first_name="Imani", phone="+17065550199")
    result = destination.put_prospect(CARD, None)
    assert (result.ok, result.card_id) == (True, card_id)
    _, card = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    assert card is not None
    assert (card.our_key, card.phones) == (CARD.our_key, ("+17065550199",))


def test_another_guest_cards_record_that_they_joined_is_left_alone(bench: WireBench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    before = len(bench.requests())
    second = destination.put_prospect(replace(CARD, our_key="GC-9X2Y4Z6B", first_name="Ada"), None)
    assert (second.outcome, second.code, second.card_id) == (Outcome.DUPLICATE, "joined", first.card_id)
    assert "update_prospect" not in bench.requests()[before:]


def test_told_not_to_join_it_makes_a_second_card(bench: WireBench) -> None:
    options = {"skip_duplicate_check": "true"}
    destination = connect(replace(bench.profile, options=options))
    first = destination.put_prospect(CARD, None)
    second = destination.put_prospect(replace(CARD, our_key="GC-9X2Y4Z6B", first_name="Ada"), None)
    destination.close()
    assert second.outcome is Outcome.ACCEPTED
    assert second.card_id != first.card_id


def test_an_answer_without_ids_is_found_by_its_mark(bench: WireBench, destination: Destination) -> None:
    bench.fault("create", "ok_without_id")
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verified) == (Outcome.ACCEPTED, True)
    assert result.card_id
    assert result.person_id


def test_what_shows_late_is_not_written_twice(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "delay", {"visible_after_s": 60})
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, True)
    bench.control("POST", "delay", {"visible_after_s": 0})
    again = destination.put_prospect(replace(CARD, unsure=True), None)
    assert again.ok
    assert bench.live_cards(CARD.our_key) == 1


def test_a_site_that_was_taken_away_is_a_matter_of_rights(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "revoke", {"property": "olf"})
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH
    assert destination.put_prospect(replace(CARD, property_ref="bvt"), None).ok


def test_a_source_that_was_renamed_falls_back_and_says_so(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "config/source/Zillow.com", {"name": "Zillow Rentals"})
    result = destination.put_prospect(CARD, None)
    assert result.ok
    assert "source_name" in result.fallbacks
    _, card = destination.get_card(CardAt(card_id=result.card_id, property_ref="olf"))
    assert card is not None
    assert card.source == "Unmapped - Review"


def test_one_look_asks_the_gateway_once(bench: WireBench, destination: Destination) -> None:
    destination.find_prospect(
        Query(our_key="GC-NOBODY22", email="x@example.com", phone="+17065550188", property_ref="olf")
    )
    assert bench.requests().count("prospect_search") == 1


def test_times_are_those_of_the_property(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    at = CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)
    due = datetime(2027, 1, 15, 15, 0, tzinfo=UTC)
    task = TaskPush(our_task_key="TK-77", title="Call", due_at=due, time_zone="America/New_York", assignee_ref="ben")
    destination.put_task(at, task)
    destination.add_event(
        at, EventPush(our_event_key="IN-77", kind="call", at=due, text="Rang.", time_zone="America/New_York")
    )
    state = bench.state()
    assert [one["due_at"] for one in state["tasks"]] == ["2027-01-15T10:00:00"]
    assert [(one["at"], one["kind"]) for one in state["events"]] == [("2027-01-15T10:00:00", "Phone call")]
    before = len(bench.requests())
    assert destination.put_task(at, task).outcome is Outcome.DUPLICATE
    assert "update_prospect" not in bench.requests()[before:]


def test_our_own_entries_are_no_outcomes_and_a_reason_is_kept(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    card_id = destination.put_prospect(CARD, None).card_id
    at = CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)
    destination.add_event(at, EventPush(our_event_key="IN-78", kind="call", at=since, text="Rang."))
    bench.control("POST", f"cards/{card_id}/edit", {"outcome": "Lost", "reason": "Rented elsewhere"})
    found: list[RemoteOutcome] = []
    cursor, more = "", True
    while more:
        result, page = destination.pull_outcomes(since, cursor)
        assert result.ok
        found, cursor, more = [*found, *page.items], page.cursor, page.more
    told = [(one.kind, one.reason) for one in found if one.card_id == card_id]
    assert told == [(OutcomeKind.LOST, "Rented elsewhere")]


def test_credentials_show_in_no_message(bench: WireBench) -> None:
    destination = connect(bench.stranger)
    assert "wrong-key-entirely" not in repr(destination.check())
    destination.close()


def test_an_account_without_a_licence_says_what_it_lacks(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, credentials={"pmcid": "1000001"}))
    result = destination.check()
    destination.close()
    assert (result.outcome, result.code) == (Outcome.AUTH, "no_credentials")
    assert "licensekey" in result.message
    assert bench.requests() == []


def test_the_double_replays_what_was_recorded(bench: WireBench, destination: Destination) -> None:
    recorded = {case.name: case for case in cases("realpage") if case.op == "insert_prospect"}
    for name, case in recorded.items():
        assert case.body is not None
        words = {"status": case.status, "headers": dict(case.headers), "body": case.body.decode()}
        bench.fault("create", "replay", **words)
        answer = LOCAL.post(
            f"{bench.url}/rpxgateway/partner/LEADSVC/LEADSVC.svc",
            content=ENVELOPE,
            headers={"Content-Type": "text/xml"},
        )
        assert (answer.status_code, answer.content) == (case.status, case.body), name


ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<insertprospect xmlns="http://tempuri.org/"/></s:Body></s:Envelope>'
)


def test_the_other_door_confirms_and_keeps_nothing_to_read(bench: WireBench) -> None:
    lead = {"Prospects": [{"Customers": [{"Email": "imani.okafor@example.com"}]}]}
    taken = LOCAL.post(f"{bench.url}/leasing/lead", json=lead, headers={"apikey": CREDENTIALS["apikey"]})
    assert taken.content.startswith(b"\xef\xbb\xbf")
    assert LOCAL.post(f"{bench.url}/leasing/lead", json=lead, headers={"apikey": "x"}).status_code == 401
    assert (
        LOCAL.post(f"{bench.url}/leasing/lead", json={}, headers={"apikey": CREDENTIALS["apikey"]}).status_code == 400
    )


def elements(document: str, name: str) -> list[str]:
    """The names of what lies below the first element called ``name``, in order."""
    root = etree.fromstring(document.encode())
    found = next(each for each in root.iter() if etree.QName(each).localname == name)
    return [etree.QName(each).localname for each in found.iter() if each is not found]


def test_what_is_sent_has_the_order_of_what_was_recorded(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(replace(CARD, agent_ref="ben", floor_plan_ref="L1"), None).card_id
    at = CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)
    destination.put_prospect(replace(CARD, budget_max_cents=150_000), None)
    destination.add_event(
        at, EventPush(our_event_key="IN-1", kind="chat", at=datetime.now(UTC), text="Hi", agent_ref="ben")
    )
    task = TaskPush(our_task_key="TK-1", title="Call", due_at=datetime.now(UTC), assignee_ref="ben")
    destination.put_task(at, task)
    heard = {one["op"]: one["body"] for one in bench.wire()}
    for op, name in (
        ("insert_prospect", "guestcard"),
        ("update_prospect", "guestcard"),
        ("insert_activity", "activity"),
        ("insert_followup", "followup"),
    ):
        recorded = elements((FOLDER / "realpage" / f"{op}.request.xml").read_text(encoding="utf-8"), name)
        ours = elements(heard[op], name)
        shared = [each for each in ours if each in recorded]
        assert shared == [each for each in recorded if each in ours], op
        assert len(shared) >= 4, op
