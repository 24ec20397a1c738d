"""The signed web hook over the wire: signatures, ids that are remembered, content that returns, merging."""

from __future__ import annotations

from dataclasses import replace

import httpx2

from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import CardAt, Destination, Outcome
from tests.benches import WRONG, WireBench
from tests.contracts.test_every_destination import CARD, EVENT

VENDOR = "webhook"


def test_an_unsigned_request_is_refused(bench: WireBench) -> None:
    body = {"type": "ping", "data": {}}
    answer = httpx2.post(f"{bench.url}/hooks/leads", json=body, trust_env=False)
    assert answer.status_code == 401


def test_both_secrets_are_good_while_one_is_changed(bench: WireBench) -> None:
    now, new = bench.profile.credentials["signing_secret"], "whsec_bmV3LXNlY3JldA=="
    changing = replace(bench.profile, credentials={"signing_secret": new, "previous_secret": now})
    destination = connect(changing)
    assert destination.put_prospect(CARD, None).outcome is Outcome.ACCEPTED
    destination.close()
    changed = connect(replace(bench.profile, credentials={"signing_secret": new}))
    assert changed.put_prospect(CARD, None).outcome is Outcome.AUTH
    changed.close()


def test_an_account_without_a_secret_sends_nothing(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, credentials={}))
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH
    destination.close()
    assert bench.requests() == []


def test_what_was_taken_before_the_answer_was_lost_is_not_taken_twice(
    bench: WireBench, destination: Destination
) -> None:
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id, property_ref="olf")
    bench.fault("event", "commit_then_drop")
    lost = destination.add_event(at, EVENT)
    again = destination.add_event(at, EVENT)
    assert (lost.outcome, lost.verify_first) == (Outcome.RETRY, False)
    assert again.outcome is Outcome.DUPLICATE
    assert bench.events(at.card_id, EVENT.our_event_key) == 1


def test_content_that_is_true_again_is_told_again(bench: WireBench, destination: Destination) -> None:
    for number, name in enumerate(("Noor", "Nour", "Noor", "Nour")):
        told = replace(CARD, first_name=name, delivery_key=f"d{number}")
        assert destination.put_prospect(told, None).outcome is Outcome.ACCEPTED
        assert destination.put_prospect(told, None).outcome is Outcome.DUPLICATE
    assert [one["first_name"] for one in bench.state()["cards"] if one["our_key"] == CARD.our_key] == ["Nour"]


def test_merging_and_parting_are_told(bench: WireBench, destination: Destination) -> None:
    keys = ("GC-AAAA", "GC-BBBB")
    survivor, loser = (CardAt(card_id=destination.put_prospect(replace(CARD, our_key=k), None).card_id) for k in keys)
    for round_ in range(2):
        merged = destination.merge_cards(replace(loser, delivery_key=f"m{round_}"), survivor)
        assert (merged.outcome, merged.card_id) == (Outcome.ACCEPTED, "GC-AAAA")
        assert bench.live_cards("GC-BBBB") == 0
        parted = destination.unmerge_card(replace(loser, delivery_key=f"u{round_}"))
        assert (parted.outcome, bench.live_cards("GC-BBBB")) == (Outcome.ACCEPTED, 1)


def test_a_receiver_that_wants_no_more(bench: WireBench, destination: Destination) -> None:
    bench.fault("create", "status", status=410)
    result = destination.put_prospect(CARD, None)
    assert (result.outcome, result.code) == (Outcome.AUTH, "http_410")


def test_the_address_is_taken_as_it_is_written(bench: WireBench) -> None:
    destination = connect(replace(bench.profile, base_url=f"{bench.url}/hooks/leads?tenant=7"))
    assert destination.check().outcome is Outcome.ACCEPTED
    destination.close()
    assert bench.wire()[-1]["where"] == "POST /hooks/leads?tenant=7"


def test_no_secret_is_shown(bench: WireBench, destination: Destination) -> None:
    secret = bench.profile.credentials["signing_secret"]
    bench.fault("create", "replay", status=422, body=f'{{"message": "{secret} {WRONG}"}}')
    result = destination.put_prospect(CARD, None)
    assert result.outcome is Outcome.REJECT
    assert secret not in repr(result)
