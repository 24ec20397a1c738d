"""RealPage's write-only door: a lead is handed in once, and where nobody can say whether it arrived, never again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from leadsvc.simulators.realpage import CREDENTIALS
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import CardAt, Destination, EventPush, Outcome, Profile, TaskPush
from tests.benches import IMANI, WRONG, WireBench, with_timeout
from tests.contract_cases import FOLDER

VENDOR = "realpage"

CARD = replace(
    IMANI,
    bedrooms_min=0,
    bedrooms_max=1,
    budget_max_cents=170_000,
    comment="Ground floor?",
)
AT = CardAt(card_id=CARD.our_key, property_ref="olf", our_key=CARD.our_key)


def account(bench: WireBench, **more: str) -> Profile:
    known = {"apikey": CREDENTIALS["apikey"]}
    return replace(with_timeout(bench.profile, 0.8), credentials=known, options={"door": "ilm", **more})


@pytest.fixture
def door(bench: WireBench) -> Iterator[Destination]:
    destination = connect(account(bench))
    yield destination
    destination.close()


def taken(bench: WireBench) -> int:
    return bench.requests().count("ilm_lead")


def test_a_lead_is_handed_in_and_confirmed(bench: WireBench, door: Destination) -> None:
    result = door.put_prospect(CARD, None)
    assert (result.outcome, result.card_id, result.verified) == (Outcome.ACCEPTED, CARD.our_key, True)
    assert result.raw_ref
    (heard,) = bench.wire()
    prospect = json.loads(heard["body"])["Prospects"][0]
    assert prospect["Customers"] == [
        {
            "Name": {"FirstName": "Imani", "LastName": "Okafor"},
            "Phone": [{"PhoneType": "cell", "PhoneNumber": "7065550131"}],
            "Email": CARD.email,
        }
    ]
    assert prospect["CustomerPreferences"]["DesiredNumBedrooms"] == {"Min": 0, "Max": 1}
    recorded = json.loads((FOLDER / "realpage" / "ilm_lead.request.json").read_text(encoding="utf-8"))["Prospects"][0]
    assert set(prospect) <= set(recorded)
    assert set(prospect["CustomerPreferences"]) <= set(recorded["CustomerPreferences"])


def test_what_was_handed_in_is_not_handed_in_again(bench: WireBench, door: Destination) -> None:
    door.put_prospect(CARD, None)
    _, known = door.get_card(AT)
    assert known is not None
    again = door.put_prospect(replace(CARD, phone="+17065550199"), known)
    assert (again.outcome, again.code, again.card_id) == (Outcome.DUPLICATE, "write_only", CARD.our_key)
    assert taken(bench) == 1


@pytest.mark.parametrize("mode", ["commit_then_drop", "cut_body", "html_ok", "status"])
def test_a_lost_answer_is_never_followed_by_a_second_lead(bench: WireBench, door: Destination, mode: str) -> None:
    bench.fault("ilm_lead", mode)
    result = door.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first) == (Outcome.RETRY, True)
    again = door.put_prospect(replace(CARD, unsure=True), None)
    assert (again.outcome, again.code) == (Outcome.RETRY, "presence_unknown")
    assert taken(bench) == 1


def test_what_surely_was_not_taken_may_be_sent_again(bench: WireBench, door: Destination) -> None:
    bench.fault("ilm_lead", "status", status=429, retry_after="7")
    result = door.put_prospect(CARD, None)
    assert (result.outcome, result.verify_first, result.retry_after_s) == (Outcome.RETRY, False, 7)


def test_a_wrong_key(bench: WireBench) -> None:
    stranger = connect(replace(account(bench), credentials={"apikey": WRONG}))
    result = stranger.put_prospect(CARD, None)
    stranger.close()
    assert result.outcome is Outcome.AUTH
    assert WRONG not in repr(result)


def test_history_and_tasks_stay_here_and_say_so(bench: WireBench, door: Destination) -> None:
    now = datetime.now(UTC)
    event = door.add_event(AT, EventPush(our_event_key="IN-1", kind="email", at=now, text="Hi"))
    task = door.put_task(AT, TaskPush(our_task_key="TK-1", title="Call", due_at=now))
    assert (event.ok, event.code) == (True, "event_is_ours")
    assert (task.ok, task.code) == (True, "task_is_ours")
    assert door.check().ok
    assert bench.requests() == []


def test_only_what_may_leave_leaves(bench: WireBench) -> None:
    door = connect(replace(account(bench), allowed_fields=frozenset({"last_name", "email"})))
    door.put_prospect(CARD, None)
    door.close()
    (heard,) = bench.wire()
    assert "7065550131" not in heard["body"]
    assert "Ground floor" not in heard["body"]
    assert "Imani" not in heard["body"]
