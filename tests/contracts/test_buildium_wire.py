"""What is odd about Buildium, over the wire: nothing notices a duplicate, updates replace, notes hold what is ours."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import CardAt, Destination, Outcome, OutcomeKind
from tests.benches import WireBench
from tests.contracts.test_every_destination import CARD, TASK, until_done

VENDOR = "buildium"


def applicants(bench: WireBench) -> int:
    return sum(card["email"] == CARD.email for card in bench.state()["cards"])


@pytest.mark.parametrize("op", ["create_applicant", "add_note", "list_notes", "get_applicant", "find_applicant"])
@pytest.mark.parametrize("mode", ["commit_then_drop", "drop_before", "cut_body", "html_ok"])
def test_wherever_it_breaks_off_there_is_one_applicant_with_one_note(bench: WireBench, op: str, mode: str) -> None:
    destination = connect(replace(bench.profile, timeout_s=2.0))
    bench.fault(op, mode)
    result = until_done(lambda: destination.put_prospect(CARD, None))
    again = destination.put_prospect(CARD, None)
    destination.close()
    assert result.ok
    assert (again.outcome, again.card_id) == (Outcome.DUPLICATE, result.card_id)
    assert (applicants(bench), bench.live_cards(CARD.our_key)) == (1, 1)
    assert bench.events(result.card_id, CARD.our_key) == 1


def test_a_renter_without_an_address_is_looked_for_by_name(bench: WireBench) -> None:
    nameless = replace(CARD, email="")
    destination = connect(replace(bench.profile, timeout_s=2.0))
    bench.fault("create", "commit_then_drop")
    result = until_done(lambda: destination.put_prospect(nameless, None))
    destination.close()
    assert result.ok
    assert bench.live_cards(CARD.our_key) == 1
    assert sum(card["last_name"] == CARD.last_name for card in bench.state()["cards"]) == 1


def test_nobody_is_ever_mailed_an_application_form(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(replace(CARD, phone=""), None)
    destination.put_prospect(CARD, None)
    destination.put_task(CardAt(card_id=made.card_id, property_ref="olf"), TASK)
    bodies = [one["body"] for one in bench.wire() if one["where"].startswith(("POST", "PUT")) and one["body"]]
    created = [json.loads(body) for body in bodies if "SendRentalApplicationEmail" in body]
    assert [one["SendRentalApplicationEmail"] for one in created] == [False]


def test_a_change_leaves_alone_what_an_agent_entered(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(replace(CARD, phone=""), None)
    bench.agent_edits(made.card_id, {"unit_ref": "olf-9", "property": "olf"})
    bench.control("POST", f"cards/{made.card_id}/edit", {"fields": {"other_phones": {"Work": "(706) 555-0188"}}})
    _, known = destination.get_card(CardAt(card_id=made.card_id))
    result = destination.put_prospect(CARD, replace(known, fields={**known.fields, "phone": ""}) if known else None)
    card = next(one for one in bench.state()["cards"] if one["card_id"] == made.card_id)
    assert result.ok
    assert (card["unit_ref"], card["email"]) == ("olf-9", CARD.email)
    assert (card["phone"], card["other_phones"]) == ("(706) 555-0123", {"Work": "(706) 555-0188"})


def test_the_source_is_told_in_a_note(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(CARD, None)
    note = next(one["text"] for one in bench.state()["events"] if one["card_id"] == made.card_id)
    assert note.startswith("Inquiry details\nLead source: Zillow.com\nProperty: olf\nMove-in: 2027-02-01")
    assert note.endswith(f"[ref {CARD.our_key}]")


def test_a_task_needs_a_user(bench: WireBench) -> None:
    without = connect(replace(bench.profile, options={}))
    at = CardAt(card_id=without.put_prospect(CARD, None).card_id, property_ref="olf")
    ours = without.put_task(at, TASK)
    without.close()
    assert (ours.outcome, ours.code) == (Outcome.ACCEPTED, "task_is_ours")
    destination = connect(bench.profile)
    spare = destination.put_task(at, replace(TASK, assignee_ref="nobody"))
    destination.close()
    assert spare.outcome is Outcome.ACCEPTED
    assert "assignee_ref" in spare.fallbacks
    assert [task["assignee_ref"] for task in bench.state()["tasks"]] == ["ana"]


def test_a_due_date_is_the_propertys_and_keeps_its_hour(bench: WireBench, destination: Destination) -> None:
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id, property_ref="olf")
    late = replace(TASK, due_at=datetime(2026, 11, 22, 3, 30, tzinfo=UTC), time_zone="America/New_York")
    assert destination.put_task(at, late).outcome is Outcome.ACCEPTED
    assert destination.put_task(at, late).outcome is Outcome.DUPLICATE
    task = bench.state()["tasks"][0]
    assert (task["due_at"], "2026-11-21 22:30" in task["text"]) == ("2026-11-21", True)


def test_a_property_that_was_taken_away(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "revoke", {"property": "olf"})
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, set(result.field_errors)) == (Outcome.REJECT, {"property_ref"})
    assert applicants(bench) == 0


def test_moving_in_is_read_from_leases(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    made = destination.put_prospect(CARD, None)
    words = {"fields": {}, "outcome": "AddedToLease", "lease_id": "70012"}
    bench.control("POST", f"cards/{made.card_id}/edit", words)
    told, cursor, more = [], "", True
    while more:
        _, page = destination.pull_outcomes(since, cursor)
        told += [(one.kind, one.lease_id) for one in page.items if one.card_id == made.card_id]
        cursor, more = page.cursor, page.more
    assert told == [(OutcomeKind.LEASED, ""), (OutcomeKind.MOVED_IN, "70012")]
