"""Rent Manager's own ways, over the wire: tokens that end, versions, twins it does not name, limits in headers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import (
    CardAt,
    Destination,
    Outcome,
    OutcomeKind,
    Query,
    TaskPush,
)
from tests.benches import IMANI, LOCAL, WireBench
from tests.contract_cases import cases

VENDOR = "rentmanager"

CARD = replace(
    IMANI,
    comment="Two lines\nof text; with, marks",
)


def entered(bench: WireBench, **values: object) -> str:
    """A prospect that an agent entered, the same person in every field."""
    words = {name: getattr(CARD, name) for name in ("first_name", "last_name", "email", "phone")}
    card_id: str = bench.control("POST", "cards", {"property": "olf", **words, **values})["card"]["card_id"]
    return card_id


def test_a_token_that_ends_in_mid_run_is_renewed_once(bench: WireBench, destination: Destination) -> None:
    assert destination.put_prospect(CARD, None).ok
    bench.control("POST", "tokens/expire")
    before = len(bench.requests())
    assert destination.find_prospect(Query(our_key=CARD.our_key))[0].ok
    assert bench.requests()[before:].count("authorize_user") == 1


def test_a_token_that_ends_between_look_and_write_makes_no_second_prospect(
    bench: WireBench, destination: Destination
) -> None:
    destination.check()
    bench.fault("create", "auth")
    assert destination.put_prospect(CARD, None).ok
    assert bench.live_cards(CARD.our_key) == 1


def test_a_second_refusal_is_for_good(bench: WireBench, destination: Destination) -> None:
    bench.fault("create", "auth", times=2)
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH
    assert bench.live_cards(CARD.our_key) == 0


def test_a_password_that_must_be_changed_is_no_server_error(bench: WireBench) -> None:
    model = {"UserMessage": "The password must be changed before continuing.", "ErrorCode": -2146233088}
    bench.fault("authorize_user", "replay", status=500, headers={}, body=json.dumps(model))
    fresh = connect(bench.profile)
    result = fresh.put_prospect(CARD, None)
    fresh.close()
    assert result.outcome is Outcome.AUTH


def test_no_token_and_no_password_is_ever_told(bench: WireBench) -> None:
    stranger = connect(bench.stranger)
    assert "wrong-key-entirely" not in repr(stranger.check())
    stranger.close()


def test_a_twin_that_is_nobodys_is_adopted(bench: WireBench, destination: Destination) -> None:
    card_id = entered(bench)
    result = destination.put_prospect(CARD, None)
    assert (result.ok, result.card_id) == (True, card_id)
    _, card = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    assert card is not None
    assert (card.our_key, card.fields["move_in"]) == (CARD.our_key, "2027-04-01")


def test_a_twin_that_is_another_cards_is_for_a_person(bench: WireBench, destination: Destination) -> None:
    entered(bench, our_key="GC-9X2Y4Z6B")
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.code) == (Outcome.REJECT, "twin")
    assert bench.live_cards(CARD.our_key) == 0


def test_who_changed_it_meanwhile_wins(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(replace(CARD, move_in=None, phone=""), None).card_id
    _, known = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    bench.agent_edits(card_id, {"phone": "+17065550199"})
    result = destination.put_prospect(CARD, known)
    assert (result.ok, result.kept, dict(result.written)) == (True, ("phone",), {"move_in": "2027-04-01"})
    _, card = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    assert card is not None
    assert card.phones == ("+17065550199",)


def test_other_contacts_of_a_prospect_stay(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(replace(CARD, phone=""), None).card_id
    bench.agent_edits(card_id, {"other_contacts": [{"FirstName": "Ada", "Email": "ada@example.com"}]})  # type: ignore[dict-item]
    assert destination.put_prospect(CARD, None).ok
    _, card = destination.get_card(CardAt(card_id=card_id, property_ref="olf"))
    assert card is not None
    assert card.emails == (CARD.email, "ada@example.com")
    assert card.phones == (CARD.phone,)


def test_the_window_of_the_limit_is_waited_for(bench: WireBench, destination: Destination) -> None:
    destination.check()
    bench.fault("create", "throttle", seconds=30)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, False)
    assert result.retry_after_s is not None
    assert 25 < result.retry_after_s <= 30


def test_a_property_without_rights(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "revoke", {"property": "olf"})
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH
    assert destination.put_prospect(replace(CARD, property_ref="bvt"), None).ok


def test_an_agent_that_is_gone_leaves_the_task_to_nobody(bench: WireBench, destination: Destination) -> None:
    card_id = destination.put_prospect(CARD, None).card_id
    due = datetime(2027, 1, 15, 15, 0, tzinfo=UTC)
    task = TaskPush(our_task_key="TK-77", title="Call", due_at=due, assignee_ref="gone", time_zone="America/New_York")
    result = destination.put_task(CardAt(card_id=card_id, property_ref="olf"), task)
    assert (result.ok, result.fallbacks) == (True, ("assignee_ref",))
    assert [(one["due_at"], one["assignee_ref"]) for one in bench.state()["tasks"]] == [("2027-01-15T10:00:00", "")]


def test_the_companys_own_statuses(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, options={"statuses": "Signed=leased, Gone = lost"}))
    since = datetime.now(UTC) - timedelta(hours=1)
    card_id = destination.put_prospect(CARD, None).card_id
    bench.agent_edits(card_id, {}, "Gone")
    _, page = destination.pull_outcomes(since)
    destination.close()
    assert [one.kind for one in page.items if one.card_id == card_id] == [OutcomeKind.LOST]


def test_the_double_replays_what_was_recorded(bench: WireBench, destination: Destination) -> None:
    for case in (one for one in cases("rentmanager") if one.op == "create_prospect"):
        body = (case.body or b"").decode()
        bench.fault("create", "replay", status=case.status, headers=dict(case.headers), body=body)
        answer = LOCAL.post(f"{bench.url}/Prospects", json=[{"LastName": "x"}])
        assert (answer.status_code, answer.content) == (case.status, case.body or b""), case.name
