"""What is odd about Funnel, over the wire: people are replaced as a whole, and nobody notices a second client."""

from __future__ import annotations

from dataclasses import replace

from leadsvc.workers.destinations.base import CardAt, Destination, Outcome
from tests.benches import WireBench
from tests.contracts.test_every_destination import CARD, TASK

VENDOR = "funnel"


def test_a_housemate_stays_when_the_renter_is_corrected(bench: WireBench, destination: Destination) -> None:
    made = destination.put_prospect(replace(CARD, phone=""), None)
    bench.agent_edits(made.card_id, {})
    mate = [{"first_name": "Ola", "last_name": "Berg", "email": "ola.berg@example.com"}]
    bench.control("POST", f"cards/{made.card_id}/edit", {"fields": {"others": mate}})
    result = destination.put_prospect(CARD, None)
    card = next(one for one in bench.state()["cards"] if one["card_id"] == made.card_id)
    assert (result.outcome, result.written) == (Outcome.ACCEPTED, {"phone": CARD.phone})
    assert (card["phone"], card["others"]) == ("706-555-0123", mate)


def test_a_follow_up_is_a_note_and_says_so(bench: WireBench, destination: Destination) -> None:
    at = CardAt(card_id=destination.put_prospect(CARD, None).card_id, property_ref="olf")
    result = destination.put_task(at, TASK)
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "task_as_note")
    assert "To do by" in bench.state()["events"][0]["text"]
