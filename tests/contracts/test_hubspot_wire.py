"""What is odd about HubSpot, over the wire: unique addresses, tokens that end, a search that lags, merged contacts."""

from __future__ import annotations

import json
from dataclasses import replace

from leadsvc.simulators.hubspot import CREDENTIALS
from leadsvc.workers.destinations import connect
from leadsvc.workers.destinations.base import CardAt, CardKind, Destination, Outcome, Query
from tests.benches import WireBench
from tests.contracts.test_every_destination import CARD, EVENT

VENDOR = "hubspot"


def test_a_second_card_with_the_same_address_is_a_second_contact(bench: WireBench, destination: Destination) -> None:
    first = destination.put_prospect(CARD, None)
    second = destination.put_prospect(replace(CARD, our_key="GC-OTHER", property_ref="bvt"), None)
    assert (second.outcome, second.card_id == first.card_id) == (Outcome.ACCEPTED, False)
    again = destination.put_prospect(replace(CARD, our_key="GC-OTHER", property_ref="bvt"), None)
    assert (again.outcome, again.card_id) == (Outcome.DUPLICATE, second.card_id)
    _, card = destination.get_card(CardAt(card_id=second.card_id))
    _, found = destination.find_prospect(Query(email=CARD.email))
    assert card is not None
    assert card.fields["email"] == CARD.email
    assert {one.card_id for one in found} == {first.card_id, second.card_id}


def test_an_address_that_another_contact_took_meanwhile(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(replace(CARD, email=""), None)
    bench.control("POST", "cards", {"first_name": "Ola", "last_name": "Berg", "email": CARD.email, "property": "olf"})
    result = destination.put_prospect(CARD, None)
    _, card = destination.get_card(CardAt(card_id=made.card_id))
    assert (result.outcome, result.written) == (Outcome.ACCEPTED, {"email": CARD.email})
    assert card is not None
    assert card.fields["email"] == CARD.email


def test_somebody_entered_the_person_in_the_same_minute(bench: WireBench, destination: Destination) -> None:
    theirs = {"first_name": CARD.first_name, "last_name": CARD.last_name, "email": CARD.email, "property": "olf"}
    made = bench.control("POST", "cards", theirs)["card"]["card_id"]
    unseen = destination.put_prospect(CARD, None)
    assert (unseen.outcome, unseen.code) == (Outcome.RETRY, "appeared")
    _, found = destination.find_prospect(Query(our_key=CARD.our_key, email=CARD.email, property_ref="olf"))
    assert [one.card_id for one in found] == [made]
    adopted = destination.put_prospect(CARD, found[0])
    assert (adopted.ok, adopted.card_id) == (True, made)
    assert bench.live_cards(CARD.our_key) == 1


def test_a_token_that_ends_in_mid_run_is_renewed_once(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(CARD, None)
    bench.control("POST", "tokens/expire")
    result = destination.add_event(CardAt(card_id=made.card_id), EVENT)
    assert result.outcome is Outcome.ACCEPTED
    assert bench.requests().count("token") == 2


def test_the_token_of_a_private_app_is_never_renewed(bench: WireBench) -> None:
    private = replace(bench.profile, credentials={"access_token": CREDENTIALS["access_token"]})
    destination = connect(private)
    assert destination.check().ok
    bench.fault("create", "auth")
    assert destination.put_prospect(CARD, None).outcome is Outcome.AUTH
    destination.close()
    assert "token" not in bench.requests()


def test_check_says_which_properties_are_missing(bench: WireBench) -> None:
    without = {"results": [{"name": name} for name in ("firstname", "lastname", "email", "leadsvc_key")]}
    bench.fault("list_properties", "replay", body=json.dumps(without))
    narrow = replace(bench.profile, allowed_fields=frozenset({"last_name", "email", "move_in"}))
    destination = connect(narrow)
    result = destination.check()
    again = destination.check()
    destination.close()
    assert (result.outcome, result.code) == (Outcome.REJECT, "properties_missing")
    assert result.message.endswith("in HubSpot: leadsvc_email, leadsvc_move_in, leadsvc_property.")
    assert again.ok


def test_a_key_that_is_not_unique_is_no_key(bench: WireBench) -> None:
    names = ("lastname", "leadsvc_property")
    found = {"results": [*({"name": one} for one in names), {"name": "leadsvc_key", "hasUniqueValue": False}]}
    bench.fault("list_properties", "replay", body=json.dumps(found))
    destination = connect(replace(bench.profile, allowed_fields=frozenset({"last_name"})))
    result = destination.check()
    destination.close()
    assert (result.outcome, result.code) == (Outcome.REJECT, "key_not_unique")


def test_a_search_that_lags_makes_no_second_contact(bench: WireBench, destination: Destination) -> None:
    bench.control("POST", "delay", {"visible_after_s": 60})
    bench.fault("create", "commit_then_drop")
    first = destination.put_prospect(CARD, None)
    second = destination.put_prospect(CARD, None)
    assert first.ok
    assert (second.outcome, second.card_id) == (Outcome.DUPLICATE, first.card_id)
    assert bench.live_cards(CARD.our_key) == 1


def test_a_contact_that_was_merged_there_is_followed(bench: WireBench, destination: Destination) -> None:
    loser = destination.put_prospect(replace(CARD, our_key="GC-LOSER", email=""), None).card_id
    survivor = destination.put_prospect(CARD, None).card_id
    bench.control("POST", f"cards/{loser}/merge", {"into": survivor})
    looked, card = destination.get_card(CardAt(card_id=loser))
    assert card is not None
    assert (card.card_id, card.merged_into) == (loser, survivor)
    _, found = destination.find_prospect(Query(remote_id=loser))
    assert looked.ok
    assert [one.card_id for one in found] == [survivor]


def test_a_customer_is_not_changed(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(replace(CARD, phone=""), None)
    bench.agent_edits(made.card_id, {}, "customer")
    _, card = destination.get_card(CardAt(card_id=made.card_id))
    result = destination.put_prospect(CARD, card)
    assert card is not None
    assert card.status is CardKind.RESIDENT
    assert (result.outcome, result.code) == (Outcome.DUPLICATE, "not_editable")
