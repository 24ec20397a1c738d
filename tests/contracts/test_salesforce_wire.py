"""What is odd about Salesforce, over the wire: duplicate rules, conversion, merged leads, sessions that end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.simulators.salesforce.records import LEAD_STATUSES, STAGES
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import CardAt, CardKind, Destination, Outcome, OutcomeKind, Query
from tests.benches import WireBench
from tests.contracts.test_every_destination import CARD, EVENT, TASK

VENDOR = "salesforce"

THEIRS = {"first_name": CARD.first_name, "last_name": CARD.last_name, "email": CARD.email, "property": "olf"}


def test_a_rule_that_blocks_another_guest_card_is_passed_by(bench: WireBench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    second = destination.put_prospect(replace(CARD, our_key="GC-OTHER", property_ref="bvt"), None)
    assert (second.outcome, second.card_id == first.card_id) == (Outcome.ACCEPTED, False)
    assert bench.live_cards("GC-OTHER") == 1


def test_a_rule_that_blocks_is_left_to_a_person_where_the_account_says_so(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, options={"duplicates": "hold"}))
    destination.put_prospect(CARD, None)
    held = destination.put_prospect(replace(CARD, our_key="GC-OTHER"), None)
    destination.close()
    assert (held.outcome, held.code) == (Outcome.REJECT, "DUPLICATES_DETECTED")
    assert bench.live_cards("GC-OTHER") == 0


def test_somebody_entered_the_person_in_the_same_minute(bench: WireBench, destination: Destination) -> None:
    made = bench.control("POST", "cards", {**THEIRS, "prefix": "00QEX"})["card"]["card_id"]
    unseen = destination.put_prospect(CARD, None)
    assert (unseen.outcome, unseen.code) == (Outcome.RETRY, "appeared")
    _, found = destination.find_prospect(Query(our_key=CARD.our_key, email=CARD.email, property_ref="olf"))
    assert [one.card_id for one in found] == [made]
    assert destination.put_prospect(CARD, found[0]).card_id == made
    assert bench.live_cards(CARD.our_key) == 1


def test_a_converted_lead_goes_on_without_us(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    made = destination.put_prospect(replace(CARD, phone=""), None)
    bench.agent_edits(made.card_id, {}, "Closed - Converted")
    _, card = destination.get_card(CardAt(card_id=made.card_id))
    result = destination.put_prospect(CARD, card)
    assert card is not None
    assert card.status is CardKind.APPLICANT
    assert (result.outcome, result.code, "phone" in result.kept) == (Outcome.DUPLICATE, "not_editable", True)
    assert result.written == {}
    bench.agent_edits(made.card_id, {"stage": "Closed Won"})
    _, page = destination.pull_outcomes(since)
    assert [(one.kind, one.raw_status) for one in page.items] == [(OutcomeKind.LEASED, "Closed Won")]
    assert page.items[0].person_id.startswith("003")


MEANS = {
    "Open - Not Contacted": None,
    "New": None,
    "Working - Contacted": OutcomeKind.CONTACTED,
    "Contacted": OutcomeKind.CONTACTED,
    "Working": OutcomeKind.CONTACTED,
    "Nurturing": OutcomeKind.CONTACTED,
    "Qualified": OutcomeKind.APPLIED,
    "Closed - Converted": OutcomeKind.APPLIED,
    "Unqualified": OutcomeKind.LOST,
    "Closed - Not Converted": OutcomeKind.LOST,
}
STAGES_MEAN = dict.fromkeys(STAGES, OutcomeKind.APPLIED) | {
    "Closed Won": OutcomeKind.LEASED,
    "Closed Lost": OutcomeKind.LOST,
}


def test_every_status_and_stage_there_is_has_a_meaning(bench: WireBench, destination: Destination) -> None:
    """And one that an organisation added is told as it stands."""
    assert set(MEANS) == set(LEAD_STATUSES)
    since = datetime.now(UTC) - timedelta(minutes=1)
    leads = [("", word, kind) for word, kind in (MEANS | {"Asked his mother": OutcomeKind.OTHER}).items()]
    stages = STAGES_MEAN | {"Waits for the guarantor": OutcomeKind.OTHER}
    leads += [(stage, "Closed - Converted", kind) for stage, kind in stages.items()]
    expected: dict[str, tuple[OutcomeKind, str]] = {}
    for number, (stage, status, kind) in enumerate(leads):
        card = replace(CARD, our_key=f"GC-{number}", email=f"{number}@example.com")
        card_id = destination.put_prospect(card, None).card_id
        bench.agent_edits(card_id, {"stage": stage}, status)
        expected |= {card_id: (kind, stage or status)} if kind is not None else {}
    _, page = destination.pull_outcomes(since)
    assert {one.card_id: (one.kind, one.raw_status) for one in page.items} == expected


def test_who_was_there_before_is_what_they_were(destination: Destination) -> None:
    kinds = {}
    for email in ("harold.finch@example.com", "mina.patel@example.com", "jonas.weber@example.com"):
        _, (card,) = destination.find_prospect(Query(email=email))
        kinds[card.name] = card.status
    told = {"Harold Finch": CardKind.RESIDENT, "Mina Patel": CardKind.PROSPECT, "Jonas Weber": CardKind.APPLICANT}
    assert kinds == told


def test_why_a_lead_was_lost(bench: WireBench) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    destination = connect(replace(bench.profile, options={"lost_reason_field": "Why__c"}))
    made = destination.put_prospect(CARD, None)
    bench.agent_edits(made.card_id, {"reason": "too far from work"}, "Closed - Not Converted")
    _, page = destination.pull_outcomes(since)
    destination.close()
    assert [(one.kind, one.reason) for one in page.items] == [(OutcomeKind.LOST, "too far from work")]


def test_a_field_that_is_not_written_is_not_asked_for(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, allowed_fields=frozenset({"last_name", "email"})))
    destination.put_prospect(CARD, None)
    destination.find_prospect(Query(email=CARD.email))
    destination.pull_outcomes(datetime.now(UTC))
    destination.close()
    heard = " ".join(one["where"] for one in bench.wire())
    assert "Leadsvc_Key__c" in heard
    assert "Leadsvc_Move_In__c" not in heard


def test_a_lead_that_was_merged_there_is_followed(bench: WireBench, destination: Destination) -> None:
    loser = destination.put_prospect(replace(CARD, our_key="GC-LOSER", email=""), None).card_id
    survivor = destination.put_prospect(CARD, None).card_id
    bench.control("POST", f"cards/{loser}/merge", {"into": survivor})
    _, card = destination.get_card(CardAt(card_id=loser))
    _, found = destination.find_prospect(Query(remote_id=loser))
    assert card is not None
    assert card.merged_into == survivor
    assert [one.card_id for one in found] == [survivor]


def test_a_session_that_ends_in_mid_run_is_renewed_once(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(CARD, None)
    bench.control("POST", "tokens/expire")
    result = destination.add_event(CardAt(card_id=made.card_id), EVENT)
    assert result.outcome is Outcome.ACCEPTED
    assert bench.requests().count("token") == 2


def test_an_address_is_a_value_and_never_a_question(bench: WireBench, destination: Destination) -> None:
    destination.put_prospect(CARD, None)
    for odd in ("x' OR Email != '", "x\\' OR Email != null --", "o'hara@example.com"):
        result, found = destination.find_prospect(Query(email=odd))
        assert (result.ok, found) == (True, ())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (("LastName", "Leadsvc_Key__c"), "fields_missing"),
        (("LastName", "Leadsvc_Key__c", "Leadsvc_Property__c"), "key_not_unique"),
    ],
)
def test_check_says_what_was_not_set_up(bench: WireBench, fields: tuple[str, ...], code: str) -> None:
    described = {"name": "Lead", "fields": [{"name": name} for name in fields]}
    bench.fault("describe_lead", "replay", body=json.dumps(described))
    destination = connect(replace(bench.profile, allowed_fields=frozenset({"last_name"})))
    result, again = destination.check(), destination.check()
    destination.close()
    assert (result.outcome, result.code, again.ok) == (Outcome.REJECT, code, True)
    assert ("Leadsvc_Property__c" in result.message) is (code == "fields_missing")


def test_a_limit_that_comes_as_a_403_is_no_matter_of_rights(bench: WireBench, destination: Destination) -> None:
    bench.fault("create", "throttle", seconds=90)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.retry_after_s) == (Outcome.RETRY, 90)


def test_a_task_moves_and_keeps_its_owner(bench: WireBench, destination: Destination) -> None:
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id)
    late = replace(TASK, due_at=datetime(2026, 11, 22, 3, 0, tzinfo=UTC), time_zone="America/New_York")
    made = destination.put_task(at, replace(late, assignee_ref="nobody"))
    assert "assignee_ref" in made.fallbacks
    assert destination.put_task(at, late).outcome is Outcome.DUPLICATE
    task = bench.state()["tasks"][0]
    assert (task["due_at"], task["remind_at"]) == ("2026-11-21", "2026-11-22T03:00:00Z")
