"""Who is who, end to end: each kind of evidence alone flips the decision, and what a person says sticks."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadsvc.resolve.model import Frequencies
from leadsvc.store.tables import deliveries, identifiers, match_decisions
from tests.renters import Office, Parts, desk, parts, written

CHICAGO = ZoneInfo("America/Chicago")


BERG = "Rosa Berg"
ROSA = (BERG, "rosa@example.com", "0120")
Told = tuple[str | None, str | None, str | None]

PAIRS: list[tuple[str, Told, Told, Parts]] = [
    ("the same", ROSA, ROSA, parts("a b")),
    ("another e-mail", ROSA, ("Rosa Berg", "rosa.b@example.com", "0120"), parts("a b")),
    ("another phone", ROSA, ("Rosa Berg", "rosa@example.com", "0121"), parts("a b")),
    ("another name", ROSA, ("Anders Lind", "rosa@example.com", "0120"), parts("a", "b")),
    ("no e-mail", ROSA, ("Rosa Berg", None, "0120"), parts("a b")),
    ("no phone", ROSA, ("Rosa Berg", "rosa@example.com", None), parts("a b")),
    ("no name, e-mail", ROSA, (None, "rosa@example.com", None), parts("a b")),
    ("no name, phone", ROSA, (None, None, "0120"), parts("a b")),
    ("half a name", ROSA, ("Rosa", None, "0120"), parts("a b")),
    ("a couple on one phone", ROSA, ("Anders Berg", None, "0120"), parts("a", "b")),
    ("a couple on one e-mail", ROSA, ("Anders Berg", "rosa@example.com", None), parts("a", "b")),
    ("a couple on both", ROSA, ("Anders Berg", "rosa@example.com", "0120"), parts("a", "b")),
    ("Jr. and Sr.", ("John Weber Jr", None, "0120"), ("John Weber Sr", None, "0120"), parts("a", "b")),
    ("Maria and Mario", ("Maria Silva", None, "0120"), ("Mario Silva", None, "0120"), parts("a", "b")),
    ("a nickname", ("Robert Tanaka", None, "0120"), ("Bob Tanaka", None, "0120"), parts("a b")),
    ("a new last name, same e-mail", ROSA, ("Rosa Lind", "rosa@example.com", None), parts("a b")),
    ("a new last name, same phone", ROSA, ("Rosa Lind", None, "0120"), parts("a b")),
    ("a recycled phone", ROSA, ("Ken Mori", "ken@example.com", "0120"), parts("a", "b")),
    ("a placeholder", (BERG, "none@none.com", "0120"), ("Ken Mori", "none@none.com", "0187"), parts("a", "b")),
    ("one mailbox", (BERG, "rosa.berg@gmail.com", None), (BERG, "rosaberg+apts@gmail.com", None), parts("a b")),
]  # fmt: skip


@pytest.mark.parametrize("swapped", [False, True], ids=["", "the other way round"])
@pytest.mark.parametrize(("one", "other", "expected"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS])
def test_two_leads(office: Office, one: Told, other: Told, expected: Parts, swapped: bool) -> None:
    for message, told in (("b", other), ("a", one)) if swapped else (("a", one), ("b", other)):
        assert office.lead(message, *told) == "accepted"
    assert office.people() == expected


def test_property_alone_flips_the_card_and_not_the_person(office: Office) -> None:
    office.lead("a", *ROSA)
    office.lead("b", *ROSA, home="olf")
    assert (office.people(), office.cards()) == (parts("a b"), parts("a", "b"))


@pytest.mark.parametrize("common", [False, True], ids=["of a rare name", "of a common one"])
def test_a_name_alone_says_as_much_as_it_is_rare(office: Office, common: bool) -> None:
    names = ({"john": 900, "ida": 100}, {"smith": 900, "lee": 100})
    known = Frequencies(9_000, *names) if common else Frequencies(9_000, {"ida": 1_000}, {"lee": 1_000})
    office.think(frequencies=known)
    office.lead("a", "John Smith", "john@example.com", None)
    office.forward(days=20)
    office.lead("b", "John Smith", "js77@example.org", None, home="olf")
    assert office.people() == (parts("a", "b") if common else parts("a b"))


def test_timing_alone_flips_the_card(office: Office) -> None:
    office.lead("a", *ROSA)
    office.forward(days=60)
    office.lead("b", *ROSA)
    assert office.cards() == parts("a b")
    office.forward(days=60, seconds=1)
    office.lead("c", *ROSA)
    assert (office.people(), office.cards()) == (parts("a b c"), parts("a b", "c"))


def test_a_number_of_many_names_loses_its_weight(office: Office) -> None:
    desk(office)
    assert len(office.people()) == 7
    assert [row["trust"] for row in office.world.rows(identifiers, identifiers.c.value == "+19185550150")] == ["shared"]
    office.lead("later", "Ivo", None, "0150", home="olf")
    office.forward(days=9)
    office.lead("again", "Ivo", None, "0150")
    assert {"later"} in office.people()
    assert office.decided("again")["verdict"] == "new"


def relay(office: Office, message: str, name: str, mask: str) -> None:
    office.lead(message, name, f"{mask}@convo.zillow.com")


def test_a_mask_joins_its_conversation_and_nothing_else(office: Office) -> None:
    relay(office, "a", "Rosa Berg", "aaaa1111")
    relay(office, "b", "R.", "aaaa1111")
    office.forward(days=9)
    relay(office, "c", "R.", "bbbb2222")
    assert office.people() == parts("a b", "c")


def test_the_operators_own_phone_identifies_nobody_and_is_nobodys(office: Office) -> None:
    for message, name in (("a", "Rosa Berg"), ("b", "Rosa Berg")):
        office.leads([written(message, name, f"{message}@example.com", None, phones=["918-555-0100", "918-555-0120"])])
    assert office.people() == parts("a b")
    office.lead("c", None, "c@example.com", "0100")
    office.lead("d", None, "d@example.com", "0100")
    assert parts("c", "d") < office.people()
    office.settle()
    assert {each["phone"] for each in office.remote()} <= {"+19185550120", None, ""}
    # A correction looks at it in the same way.
    office.lead("e", "Rosa Lund", "e@example.com", "0100", external_id="E-1")
    office.lead("e2", "Rosa Lund", "e2@example.com", "0100", external_id="E-1")
    assert not office.world.rows(identifiers, identifiers.c.value == "+19185550100")


def test_without_a_name_nobody_is_invented(office: Office) -> None:
    office.lead("a", None, "rosa@example.com", None)
    office.lead("b", None, None, "0120")
    assert office.people() == parts("a", "b")
    office.lead("c", None, "rosa@example.com", "0120")
    assert office.people() == parts("a b c")


def test_the_same_words_of_one_name_are_one_person_only_if_there_are_words(office: Office) -> None:
    office.lead(None, "John Smith", "js1@example.com", None)
    office.lead(None, "John Smith", None, "0121")
    assert len(office.world.rows(match_decisions)) == 2


def test_what_a_couple_shares_is_told_as_a_household(office: Office) -> None:
    office.lead("a", *ROSA)
    office.lead("b", "Anders Berg", None, "0120")
    (household,) = office.world.rows(match_decisions, match_decisions.c.kind == "household")
    assert household["sentence"].startswith("Perhaps one household: same phone number")
    office.settle()
    assert office.remote_people() == 2


# -- review -----------------------------------------------------------------------------------------------------------


def in_review(office: Office) -> None:
    office.wary()
    office.lead("a", *ROSA)
    office.settle()
    office.lead("b", "Anders Berg", None, "0120")


def held(office: Office) -> set[str]:
    return {row["cause"] for row in office.world.rows(deliveries, deliveries.c.state == "held")}


def test_a_lead_in_review_has_its_own_card_at_once_and_leaves_after_a_quarter_of_an_hour(office: Office) -> None:
    in_review(office)
    assert office.card("b")["may_be"] == office.person("a")["id"]
    assert frozenset("b") in office.open_tasks()
    assert office.asked("match_review") == ["phone"]
    office.settle()
    assert (held(office), office.remote_people()) == ({"review"}, 1)
    office.forward(minutes=14, seconds=59)
    office.settle()
    assert office.remote_people() == 1
    office.forward(seconds=1)
    office.settle()
    assert (held(office), office.remote_people()) == (set(), 2)
    assert office.asked("match_review") == ["phone"]


def test_the_quarter_of_an_hour_is_counted_in_office_hours(office: Office) -> None:
    office.world.clock.now = office.world.clock.now.astimezone(CHICAGO).replace(hour=17, minute=50)
    in_review(office)
    office.forward(hours=8)
    office.settle()
    assert held(office) == {"review"}
    office.world.clock.now = office.world.clock.now.astimezone(CHICAGO).replace(hour=9, minute=5, second=1)
    office.settle()
    assert held(office) == set()


def test_different_people_leave_at_once_and_stay_different(office: Office) -> None:
    in_review(office)
    office.apart("b", "a")
    office.settle()
    assert (held(office), office.asked("match_review"), office.remote_people()) == (set(), [], 2)
    assert office.card("b")["may_be"] is None
    office.lead("c", "Anders Berg", None, "0120")
    office.lead("d", "Rosa Berg", None, "0120")
    office.lead("e", "Anders Berg", "rosa@example.com", "0120")
    assert {"a", "b"} not in [set(each) & {"a", "b"} for each in office.people()]
    assert office.person("c") == office.person("b")
    assert office.asked("match_review") == []


def test_the_same_person_is_one_from_then_on(office: Office) -> None:
    in_review(office)
    office.merge("b", "a")
    office.settle()
    assert (held(office), office.asked("match_review"), office.remote_people()) == (set(), [], 1)
    office.lead("c", "Anders Berg", None, "0120")
    assert (office.people(), office.cards()) == (parts("a b c"), parts("a b c"))


def test_a_question_that_later_evidence_answers_is_closed(office: Office) -> None:
    office.think(join=0.95, review=0.5)
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.forward(days=2)
    office.lead("b", "R. Berg", None, "0187")
    assert (office.decided("b")["verdict"], len(office.asked("match_review"))) == ("review", 1)
    office.lead("c", "Rosa Berg", "rosa@example.com", "0187")
    office.settle()
    assert office.people() == parts("a b c")
    assert office.asked("match_review") == []
    assert held(office) == set()


def test_a_verdict_on_merged_people_answers_for_all_of_them(office: Office) -> None:
    in_review(office)
    office.lead("z", "Tilda Moss", "z@example.com", None)
    office.merge("a", "z")
    office.apart("b", "z")
    assert office.asked("match_review") == []
    office.settle()
    assert (held(office), office.remote_people()) == (set(), 2)


def test_a_second_lead_of_somebody_in_review_waits_behind_the_first(office: Office) -> None:
    in_review(office)
    office.lead("c", "Anders Berg", "anders@example.com", "0120")
    office.settle()
    assert office.cards() == parts("a", "b c")
    assert office.remote_people() == 1
    office.forward(minutes=15)
    office.settle()
    assert office.remote_people() == 2


# -- the cycle --------------------------------------------------------------------------------------------------------


def test_a_live_application_never_starts_a_new_cycle(office: Office) -> None:
    office.lead("a", *ROSA)
    office.outcome("a", "applied")
    office.forward(days=200)
    office.lead("b", *ROSA)
    assert office.cards() == parts("a b")


def test_a_lease_ends_the_cycle(office: Office) -> None:
    office.lead("a", *ROSA)
    office.forward(days=3)
    office.outcome("a", "leased")
    office.forward(days=1)
    office.lead("b", *ROSA)
    assert office.cards() == parts("a", "b")
    # Said before the lease, told only now.
    early = (office.world.clock.now - timedelta(days=2)).isoformat()
    office.lead("c", *ROSA, occurred_at=early)
    assert office.cards() == parts("a c", "b")


def test_what_happened_in_the_office_is_activity_too(office: Office) -> None:
    office.lead("a", *ROSA)
    office.forward(days=50)
    office.outcome("a", "toured")
    office.forward(days=50)
    office.lead("b", *ROSA)
    assert office.cards() == parts("a b")


def test_what_arrives_late_opens_the_card_earlier(office: Office) -> None:
    office.lead("a", *ROSA)
    for days, message in ((59, "b"), (120, "c")):
        office.lead(message, *ROSA, occurred_at=(office.world.clock.now - timedelta(days=days)).isoformat())
    assert office.cards() == parts("a b", "c") or office.cards() == parts("a b c")
    assert office.card("a")["opened_at"] <= office.world.clock.now - timedelta(days=59)


def test_unplaced_cards_of_one_hint_are_one_and_of_two_hints_two(office: Office) -> None:
    office.lead("a", *ROSA, home="Nowhere Gardens")
    office.lead("b", *ROSA, home="Nowhere Gardens")
    office.lead("c", *ROSA, home="Elsewhere Court")
    assert (office.people(), office.cards()) == (parts("a b c"), parts("a b", "c"))
    assert office.asked("unplaced_card") == ["unknown_property"] * 2


# -- bridges ----------------------------------------------------------------------------------------------------------


def test_a_bridge_taken_back_is_not_built_again(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.lead("b", None, None, "0120")
    office.lead("c", *ROSA)
    (merge,) = office.world.rows(match_decisions, match_decisions.c.kind == "merge")
    office.unmerge(merge["id"])
    office.lead("d", *ROSA)
    office.settle()
    assert office.person("a") != office.person("b")
    assert office.asked("match_review") == []


def test_a_bridge_between_two_that_people_worked_on_is_proposed(office: Office) -> None:
    office.lead("a", "Rosa Berg", "rosa@example.com", None)
    office.lead("b", None, None, "0120")
    office.outcome("a", "toured")
    office.edit("b", "phone", "+19185550199")
    office.lead("c", *ROSA)
    office.settle()
    assert office.people() == parts("a c", "b")
    assert office.asked("match_review") == ["bridge_refused"]


def test_many_bridges_in_one_delivery(office: Office) -> None:
    office.lead("a", BERG, "berg.rosa@example.com", None)
    office.lead("b", None, "rosaberg@example.org", None)
    assert len(office.people()) == 2
    office.leads(
        [
            written("cb", BERG, "rosaberg@example.org", "0120"),
            written("ba", BERG, None, None, emails=["rosaberg@example.org", "berg.rosa@example.com"]),
        ]
    )
    office.settle()
    assert (office.people(), office.cards()) == (parts("a b ba cb"), parts("a b ba cb"))
    assert office.remote_people() == 1


SETS: list[tuple[str, list[dict[str, Any]], Parts]] = [
    (
        "a bridge",
        [written("a", *ROSA[:2]), written("b", "Rosa Berg", None, "0120"), written("c", *ROSA)],
        parts("a b c"),
    ),
    (
        "a couple",
        [
            written("a", *ROSA),
            written("b", "Anders Berg", None, "0120"),
            written("c", "Anders Berg", "an@example.com", "0120"),
        ],
        parts("a", "b c"),
    ),
    (
        "a chain",
        [
            written("a", "Rosa Berg", "1@example.com"),
            written("b", "Rosa Berg", None, None, emails=["1@example.com", "2@example.com"]),
            written("c", "R Berg", None, None, emails=["2@example.com", "3@example.com"]),
            written("d", "Rosa Berg", "3@example.com"),
        ],
        parts("a b c d"),
    ),
    (
        "strangers",
        [
            written("a", "John Smith", "1@example.com"),
            written("b", "Mary Smith", "2@example.com"),
            written("c", "Ada Smith", "3@example.com"),
        ],
        parts("a", "b", "c"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("leads", "expected"), [row[1:] for row in SETS], ids=[row[0] for row in SETS])
def test_the_order_of_arrival_does_not_matter(office: Office, leads: list[dict[str, Any]], expected: Parts) -> None:
    for order in itertools.permutations(leads):
        office.clear()
        for each in order:
            office.leads([each])
        assert office.people() == expected, [each["message"] for each in order]
    office.clear()
    office.leads(leads)
    assert office.people() == expected
