"""Residents, applicants, former residents and who opted out are recognised and said, never refused; and a word that the
PMS takes back is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from leadsvc.faults import Commit
from leadsvc.store.tables import destinations, outcomes, prospects
from tests.renters import Office, parts

ROSA = ("Rosa Berg", "rosa@example.com", "0120")


def stands(office: Office, message: str = "a") -> str:
    return str(office.person(message)["standing"])


def remote_card(office: Office) -> str:
    (only,) = office.remote()
    return str(only["id"])


def ask_again(office: Office, message: str) -> None:
    """Something that makes the card be pushed, and so looked at."""
    office.forward(minutes=5)
    office.edit("a", "email", f"{message}@example.com")
    office.settle()


def test_outcomes_make_an_applicant_and_a_resident_and_a_lost_one_neither(office: Office) -> None:
    office.lead("a", *ROSA)
    assert stands(office) == ""
    for kind, said in (("applied", "applicant"), ("approved", "applicant"), ("denied", ""), ("leased", "resident")):
        office.forward(hours=1)
        office.outcome("a", kind)
        assert stands(office) == said, kind


def test_what_the_pms_says_is_taken_over_and_taken_back(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    office.world.pms.agent_edits(remote_card(office), {}, outcome="leased")
    ask_again(office, "r1")
    assert stands(office) == "resident"
    office.world.pms.agent_edits(remote_card(office), {}, outcome="cancelled")
    ask_again(office, "r2")
    assert stands(office) == ""  # its card is closed there


def test_somebody_the_pms_knows_as_a_resident_is_a_lead_all_the_same(office: Office) -> None:
    (there,) = [each for each in office.world.pms.state()["cards"] if each["kind"] == "resident"]
    name = f"{there['first_name']} {there['last_name']}"
    office.lead("a", name, there["email"], None)
    office.settle()
    assert stands(office) == "resident"
    assert office.open_tasks()
    office.lead("b", name, there["email"], None, home="olf")
    office.settle()
    texts = [str(each) for each in (*office.world.pms.state()["events"], *office.world.pms.state()["tasks"])]
    assert sum("Known as a resident" in each for each in texts) >= 2


def test_who_texts_stop_has_opted_out_until_start(office: Office) -> None:
    office.lead("a", *ROSA)
    office.forward(minutes=1)
    office.lead("STOP", *ROSA, contact_type="text")
    assert stands(office) == "opted_out"
    office.forward(minutes=1)
    office.lead("Start", *ROSA, contact_type="text")
    assert stands(office) == ""


def test_an_agents_word_wins_and_can_be_withdrawn(office: Office) -> None:
    office.lead("a", *ROSA)
    office.edit("a", "standing", "opted_out")
    assert stands(office) == "opted_out"
    office.outcome("a", "leased")
    assert stands(office) == "opted_out"
    office.edit("a", "standing", "")
    assert stands(office) == "resident"


def test_a_merge_tells_the_foremost_and_an_unmerge_gives_each_their_own(office: Office) -> None:
    office.lead("a", *ROSA)
    office.lead("b", "Ken Mori", "ken@example.com", None, home="olf")
    office.outcome("b", "leased")
    merge = office.merge("b", "a")
    assert stands(office, "a") == stands(office, "b") == "resident"
    office.unmerge(merge)
    assert (stands(office, "a"), stands(office, "b")) == ("", "resident")


def test_it_is_never_an_unknown_word(office: Office) -> None:
    office.lead("a", *ROSA)
    with pytest.raises(Exception, match="choose one of"):
        office.edit("a", "standing", "royal")
    assert {row["standing"] for row in office.world.rows(prospects)} == {""}


# -- what happened at the PMS -----------------------------------------------------------------------------------------


def happened(office: Office, outcome: str) -> None:
    """An agent notes it there, and it is read back."""
    office.world.pms.agent_edits(remote_card(office), {}, outcome=outcome)
    office.forward(minutes=2)
    office.settle()


def test_what_agents_note_in_the_pms_comes_back_once(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    happened(office, "contacted")
    assert office.card("a")["stage"] == "contacted"
    assert office.open_tasks() == {}
    happened(office, "applied")
    assert (office.card("a")["stage"], stands(office)) == ("applied", "applicant")
    told = office.world.rows(outcomes)
    assert [(row["kind"], row["origin"]) for row in told] == [("contacted", "pms"), ("applied", "pms")]
    with office.world.services.store.write(Commit.ADMIN) as connection:
        connection.execute(update(destinations).values(outcomes_cursor=""))
    office.forward(minutes=2)
    office.settle()
    assert office.world.rows(outcomes) == told


def test_the_cycle_runs_from_the_last_activity_at_the_pms(office: Office) -> None:
    office.lead("a", *ROSA)
    office.settle()
    office.forward(days=50)
    happened(office, "toured")
    office.forward(days=50)
    office.lead("b", *ROSA)
    assert office.cards() == parts("a b")
    office.forward(days=61)
    office.lead("c", *ROSA)
    assert office.cards() == parts("a b", "c")


def test_what_happened_to_others_or_before_is_passed_over(office: Office) -> None:
    for card in ("p0000902", "p0000871"):
        earlier = {"outcome": "toured", "at": office.world.clock().isoformat()}
        office.world.pms.control("POST", f"guest-cards/{card}/edit", earlier)
    office.forward(days=1)
    office.lead("a", "Mina Patel", "mina.patel@example.com", "0140", home="olf")
    office.settle()
    office.forward(minutes=2)
    office.settle()
    assert office.world.rows(outcomes) == []
    assert office.card("a")["stage"] == "new"


def test_an_account_is_asked_once_a_minute(office: Office) -> None:
    def asked() -> int:
        return sum("outcomes" in each for each in office.world.pms.requests())

    office.settle()
    office.settle()
    assert asked() == 1
    office.forward(minutes=2)
    office.settle()
    assert asked() == 2
