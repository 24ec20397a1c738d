"""What is odd about AppFolio, over the wire: keys that remember their bodies, compulsory filters, no place for ours."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx2
import pytest

from leadsvc.simulators.appfolio import CREDENTIALS
from leadsvc.workers.destinations.base import CardAt, CardKind, Destination, Outcome, OutcomeKind, Query
from tests.benches import WireBench
from tests.contracts.test_every_destination import CARD, EVENT, TASK

VENDOR = "appfolio"


def test_a_repeat_after_a_lost_answer_has_the_same_key_and_makes_no_second_lead(
    bench: WireBench, destination: Destination
) -> None:
    # Nothing is found by looking: only the key stands between a repeat and a second lead.
    bench.control("POST", "delay", {"visible_after_s": 60})
    bench.fault("create", "commit_then_drop")
    lost = destination.put_prospect(CARD, None)
    again = destination.put_prospect(CARD, None)
    assert (lost.outcome, lost.verify_first) == (Outcome.RETRY, True)
    assert again.outcome in (Outcome.RETRY, Outcome.DUPLICATE, Outcome.ACCEPTED)
    assert bench.live_cards(CARD.our_key) == 1


def test_a_lead_that_was_worked_on_meanwhile_keeps_what_was_done(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(replace(CARD, move_in=None), None)
    bench.agent_edits(made.card_id, {"first_name": "Nour"})
    # Its name no longer agrees, so it is not found by looking; the key gives it back.
    again = destination.put_prospect(replace(CARD, move_in=None), None)
    _, card = destination.get_card(CardAt(card_id=made.card_id, our_key=CARD.our_key))
    assert (again.outcome, again.card_id, again.kept) == (Outcome.DUPLICATE, made.card_id, ("first_name",))
    assert card is not None
    assert card.fields["first_name"] == "Nour"


def test_a_corrected_card_has_a_key_of_its_own(bench: WireBench, destination: Destination) -> None:
    refused = destination.put_prospect(replace(CARD, property_ref="nowhere"), None)
    corrected = destination.put_prospect(CARD, None)
    assert (refused.outcome, set(refused.field_errors)) == (Outcome.REJECT, {"property_ref"})
    assert corrected.outcome is Outcome.ACCEPTED


def test_a_list_without_a_filter_is_refused_and_ours_have_one(bench: WireBench, destination: Destination) -> None:
    headers = {"X-AppFolio-Developer-ID": CREDENTIALS["developer_id"]}
    login = (CREDENTIALS["client_id"], CREDENTIALS["client_secret"])
    bare = httpx2.get(f"{bench.url}/api/v0/leads", auth=login, headers=headers, trust_env=False)
    assert bare.status_code == 400
    destination.put_prospect(CARD, None)
    lists = [one["where"] for one in bench.wire()[1:] if one["where"].startswith("GET")]
    assert lists
    assert all("filters" in where for where in lists)


def test_the_mirror_reads_on_and_not_anew(bench: WireBench, destination: Destination) -> None:
    for number in range(3):
        destination.find_prospect(Query(email=f"nobody{number}@example.com"))
    made = destination.put_prospect(CARD, None)
    _, found = destination.find_prospect(Query(phone=CARD.phone, property_ref="olf"))
    _, elsewhere = destination.find_prospect(Query(phone=CARD.phone, property_ref="bvt"))
    assert [one.card_id for one in found] == [made.card_id]
    assert elsewhere == ()
    looks = [one["where"] for one in bench.wire() if "LastUpdatedAtFrom" in one["where"]]
    assert looks[0] not in looks[1:]


def test_an_inquiry_stays_here_and_says_so(bench: WireBench, destination: Destination) -> None:
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id)
    before = len(bench.requests())
    result = destination.add_event(at, EVENT)
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "event_is_ours")
    assert len(bench.requests()) == before


def test_a_showing_that_cannot_be_leaves_the_task_with_us(bench: WireBench, destination: Destination) -> None:
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id)
    result = destination.put_task(at, replace(TASK, due_at=datetime(2019, 1, 1, tzinfo=UTC)))
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "task_is_ours")


def test_a_tour_is_an_appointment_that_is_only_wanted(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id)
    tour = replace(TASK, kind="appointment", our_task_key="TK-0002", title="Tour wanted")
    result = destination.put_task(at, tour)
    destination.put_task(at, TASK)
    sent = [json.loads(one["body"]) for one in bench.wire() if one["where"] == "POST /api/v0/showings"]
    told = []
    cursor, more = "", True
    while more:
        _, page = destination.pull_outcomes(since, cursor)
        told += [one.kind for one in page.items if one.card_id == at.card_id]
        cursor, more = page.cursor, page.more
    assert result.code == "task_as_appointment"
    assert [one["Status"] for one in sent] == ["requested", "requested"]
    assert [one["Notes"].partition(" ")[0] for one in sent] == ["Tour", "To"]
    assert told == []


@pytest.mark.parametrize(("seconds", "status"), [(300, 533), (2, 409)])
def test_a_database_that_is_away_and_one_that_is_busy(
    bench: WireBench, destination: Destination, seconds: int, status: int
) -> None:
    bench.fault("create", "status", status=status)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.retry_after_s, result.verify_first) == (Outcome.RETRY, seconds, False)


def test_how_a_lead_ended_is_told_with_its_reason(bench: WireBench, destination: Destination) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    made = destination.put_prospect(CARD, None)
    words = {"fields": {}, "outcome": "Inactive", "reason": "rented_elsewhere"}
    bench.control("POST", f"cards/{made.card_id}/edit", words)
    _, page = destination.pull_outcomes(since)
    _, card = destination.get_card(CardAt(card_id=made.card_id))
    told = [one for one in page.items if one.card_id == made.card_id]
    assert [(one.kind, one.reason) for one in told] == [(OutcomeKind.LOST, "rented_elsewhere")]
    assert card is not None
    assert card.status is CardKind.CLOSED


def test_the_renter_is_described_in_what_appfolio_has(bench: WireBench, destination: Destination) -> None:
    destination.put_prospect(replace(CARD, move_in=date(2027, 2, 1), unit_ref="olf-9"), None)
    sent = next(json.loads(one["body"]) for one in bench.wire() if one["where"] == "POST /api/v0/leads")
    assert (sent["PhoneNumber"], sent["MaxRent"], sent["UnitIds"]) == ("(706) 555-0123", 1500, ["olf-9"])
    assert not {"Comment", "Notes", "HasDogs"} & set(sent)
