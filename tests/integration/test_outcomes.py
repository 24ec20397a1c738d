"""What became of cards at the PMS, read back: also of those that were not ours when it was said."""

from __future__ import annotations

from typing import Any

from leadsvc.store.tables import exceptions, outcomes, remote_refs, stray_outcomes
from tests.renters import Office

ROSA = ("Rosa Lindqvist", "rosa.lindqvist@example.com", "0120")


def entered(office: Office, name: str, email: str | None, phone: str | None, home: str = "chd001", **more: Any) -> str:
    """An agent types somebody in at the desk; returns the id of the card there."""
    first, _, last = name.partition(" ")
    words = {"property_id": home, "first_name": first, "last_name": last, "source": "Walk-In", "entered_by": "ana"}
    words |= {"email": email} if email else {}
    words |= {"phone": f"+1918555{phone}"} if phone else {}
    made = office.world.pms.control("POST", "guest-cards", words | more)
    return str(made["guest_card"]["id"])


def noted(office: Office, card: str, outcome: str) -> None:
    words = {"outcome": outcome, "at": office.world.clock().isoformat()}
    office.world.pms.control("POST", f"guest-cards/{card}/edit", words)


def read_back(office: Office, **time: float) -> None:
    office.forward(**(time or {"minutes": 2}))
    office.settle()


def told(office: Office) -> list[tuple[str, str]]:
    return [(row["kind"], row["origin"]) for row in office.world.rows(outcomes)]


def test_a_card_the_agent_made_beside_ours_is_the_same_renter(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    office.forward(hours=3)
    second = entered(office, "Rosa Lindqvist", None, "0120")
    noted(office, second, "toured")
    read_back(office)
    assert told(office) == [("toured", "pms")]
    assert office.card("a")["stage"] == "toured"
    assert office.world.count(stray_outcomes) == 0
    noted(office, second, "applied")
    read_back(office)
    assert told(office)[1:] == [("applied", "pms")]
    live = {row["remote_id"]: row["live"] for row in office.world.rows(remote_refs, remote_refs.c.kind == "card")}
    assert live.pop(second) is False
    assert list(live.values()) == [True], "we go on writing to the card we made"


def test_what_happened_to_a_stranger_is_nobodys(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    office.forward(hours=3)
    noted(office, entered(office, "Tomasz Wierzbicki", "tw@example.com", "0177"), "toured")
    noted(office, entered(office, "Rosa Lindqvist", None, None, home="olf"), "toured")
    read_back(office)
    assert told(office) == []
    assert office.world.count(stray_outcomes) == 2
    read_back(office, days=91)
    read_back(office)
    assert office.world.count(stray_outcomes) == 0


def test_it_waits_until_the_renter_writes(office: Office) -> None:
    card = entered(office, "Rosa Lindqvist", "rosa.lindqvist@example.com", None)
    office.lead("a", *ROSA)
    noted(office, card, "contacted")
    read_back(office)
    assert told(office) == [("contacted", "pms")], "the card there was adopted, and what waited for it is told"
    assert office.remote_people() == 1


def test_a_status_nobody_knows_is_shown_once(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    (card,) = (each["id"] for each in office.remote())
    for _ in range(2):
        office.world.pms.agent_edits(card, {}, outcome="sent to the moon")
        read_back(office)
    (asked,) = office.world.rows(exceptions, exceptions.c.cause == "unknown_status")
    assert "sent to the moon" in asked["detail"]
    assert told(office) == []
