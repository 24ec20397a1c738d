"""Entrata's own ways, over the wire: successes that make nothing, ids that come late, Mountain Time, pages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.simulators.entrata import CREDENTIALS
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

VENDOR = "entrata"

CARD = replace(
    IMANI,
    time_zone="America/New_York",
    bedrooms_min=0,
    bedrooms_max=1,
    comment="Two lines\nof text & <tags>",
)
DUE = datetime(2027, 1, 15, 17, 0, tzinfo=UTC)


def there(bench: WireBench, **values: object) -> str:
    """A lead that an agent entered."""
    words = {"property": "olf", "first_name": "Kofi", "last_name": "Mensah", **values}
    card_id: str = bench.control("POST", "cards", words)["card"]["card_id"]
    return card_id


@pytest.mark.parametrize("shared", [{"email": CARD.email}, {"phone": CARD.phone}])
def test_a_known_address_or_number_makes_no_lead_but_an_event(
    bench: WireBench, destination: Destination, shared: dict[str, str]
) -> None:
    card_id = there(bench, **shared)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.code, result.card_id) == (Outcome.DUPLICATE, "joined", card_id)
    state = bench.state()
    assert state["counts"]["live_api_cards"] == 0
    texts = [one["text"] for one in state["events"]]
    assert [CARD.our_key in text and "Two lines" in text for text in texts] == [True]
    kept = next(one for one in state["cards"] if one["card_id"] == card_id)
    assert (kept["first_name"], kept["move_in"]) == ("Kofi", "")
    again = destination.put_prospect(CARD, None)
    assert (again.ok, again.card_id) == (True, card_id)
    assert len(bench.state()["events"]) == 1


def test_two_of_our_cards_on_one_lead_are_each_found(bench: WireBench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    other = replace(CARD, our_key="GC-9X2Y4Z6B", first_name="Ada", phone="")
    second = destination.put_prospect(other, None)
    assert (second.outcome, second.code, second.card_id) == (Outcome.DUPLICATE, "joined", first.card_id)
    for key in (CARD.our_key, other.our_key):
        _, card = destination.get_card(CardAt(card_id=first.card_id, property_ref="olf", our_key=key))
        assert card is not None
        assert card.our_key == key
    assert destination.put_prospect(other, None).card_id == first.card_id
    _, card = destination.get_card(CardAt(card_id=first.card_id, property_ref="olf"))
    assert card is not None
    assert card.name == "Imani Okafor"


def test_the_same_address_at_another_property_is_another_lead(bench: WireBench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    second = destination.put_prospect(replace(CARD, our_key="GC-9X2Y4Z6B", property_ref="bvt"), None)
    assert (second.outcome, second.card_id == first.card_id) == (Outcome.ACCEPTED, False)


def test_the_look_fails_after_a_success(bench: WireBench, destination: Destination) -> None:
    bench.fault("find", "html_error", skip=1)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, True)
    assert destination.put_prospect(replace(CARD, unsure=True), None).ok
    assert bench.live_cards(CARD.our_key) == 1


def test_what_shows_late_is_not_sent_as_another(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "delay", {"visible_after_s": 60})
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, True)
    bench.control("POST", "delay", {"visible_after_s": 0})
    assert destination.put_prospect(replace(CARD, unsure=True), None).ok
    assert bench.live_cards(CARD.our_key) == 1


def test_throttled_inside_a_success_waits_until_the_window_ends(bench: WireBench, destination: Destination) -> None:
    reset = str(int(datetime.now(UTC).timestamp()) + 40)
    body = json.dumps({"response": {"error": {"code": 429, "message": "Rate limit exceeded."}}})
    bench.fault("create", "replay", status=200, headers={"X-RateLimit-Reset": reset}, body=body)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, False)
    assert result.retry_after_s is not None
    assert 30 < result.retry_after_s <= 40


def test_a_property_or_method_that_is_not_granted_is_a_matter_of_rights(
    bench: WireBench, destination: Destination
) -> None:
    bench.control("POST", "revoke", {"property": "olf"})
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH
    assert destination.put_prospect(replace(CARD, property_ref="bvt"), None).ok


def test_times_are_mountain_time_and_appointments_move(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    at = CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)
    tour = TaskPush(our_task_key="TK-77", title="Tour", due_at=DUE, kind="appointment")
    made = destination.put_task(at, tour)
    assert (made.ok, made.code) == (True, "task_as_appointment")
    events = {one["event_id"]: one for one in bench.state()["events"]}
    assert events[made.task_id]["due"] == "01/15/2027T10:00:00"
    assert events[made.task_id]["subtype_id"] == "454"
    assert "Requested tour" in events[made.task_id]["text"]
    moved = destination.put_task(at, replace(tour, due_at=DUE + timedelta(hours=2)))
    assert moved.task_id == made.task_id
    events = {one["event_id"]: one for one in bench.state()["events"]}
    assert events[made.task_id]["due"] == "01/15/2027T12:00:00"
    assert len(events) == 2


def test_bedrooms_of_a_range_and_a_studio(destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    _, card = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    assert card is not None
    assert (card.fields["bedrooms_min"], card.fields["bedrooms_max"]) == ("0", "1")


def all_told(destination: Destination, since: datetime) -> list[RemoteOutcome]:
    found: list[RemoteOutcome] = []
    cursor, more = "", True
    while more:
        result, page = destination.pull_outcomes(since, cursor)
        assert result.ok
        found, cursor, more = [*found, *page.items], page.cursor, page.more
    return found


def test_outcomes_with_reasons_and_a_clients_own_statuses(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, options={"statuses": "77=lost"}))
    since = datetime.now(UTC) - timedelta(hours=1)
    card_id = destination.put_prospect(CARD, None).card_id
    at = CardAt(card_id=card_id, property_ref="olf", our_key=CARD.our_key)
    destination.add_event(at, EventPush(our_event_key="IN-78", kind="call", at=since, text="Rang."))
    bench.control("POST", f"cards/{card_id}/edit", {"outcome": "Went elsewhere", "reason": "Price"})
    told = [one for one in all_told(destination, since) if one.card_id == card_id]
    destination.close()
    assert [(one.kind, one.raw_status, one.reason) for one in told] == [(OutcomeKind.LOST, "Went elsewhere", "Price")]
    assert told[0].our_key == CARD.our_key


def test_residents_are_known_by_their_lease(bench: WireBench, destination: Destination) -> None:
    told = all_told(destination, datetime.now(UTC) - timedelta(hours=1))
    assert [(one.kind, bool(one.lease_id)) for one in told if one.card_id == "p0000871"] == [
        (OutcomeKind.MOVED_IN, True)
    ]


def test_the_older_gateway(bench: WireBench) -> None:
    known = {name: CREDENTIALS[name] for name in ("username", "password")}
    destination = connect(replace(bench.profile, credentials=known))
    assert destination.check().ok
    assert destination.put_prospect(CARD, None).ok
    destination.close()
    assert all("/api/v1/" in one["where"] for one in bench.wire())


def test_nobody_is_looked_for_by_what_may_not_be_told(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, allowed_fields=frozenset({"first_name", "last_name", "email"})))
    destination.find_prospect(Query(email=CARD.email, phone=CARD.phone, property_ref="olf"))
    destination.close()
    assert bench.requests() == ["get_leads_by_email"]


def test_the_double_replays_what_was_recorded(bench: WireBench) -> None:
    for case in (one for one in cases("entrata") if one.op == "send_leads" and one.body is not None):
        assert case.body is not None
        words = {"status": case.status, "headers": dict(case.headers), "body": case.body.decode()}
        bench.fault("create", "replay", **words)
        answer = LOCAL.post(f"{bench.url}/ext/orgs/x/v1/leads", json={"method": {"name": "sendLeads", "params": {}}})
        assert (answer.status_code, answer.content) == (case.status, case.body), case.name


def names(value: object) -> set[str]:
    """Every key of a document."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in names(inner)}
    return {key for inner in value for key in names(inner)} if isinstance(value, list) else set()


def test_what_is_sent_says_nothing_that_was_not_recorded(bench: WireBench, destination: Destination) -> None:
    destination.put_prospect(replace(CARD, budget_max_cents=150_000), None)
    for one in (each for each in bench.wire() if each["op"] not in ("get_leads_by_phone", "get_lead")):
        recorded = json.loads((FOLDER / "entrata" / f"{one['op']}.request.json").read_text(encoding="utf-8"))
        more = {"eventTypeIds"} if one["op"].startswith("get_leads") else set()
        assert names(json.loads(one["body"])) <= names(recorded) | more, one["op"]
