"""What a placement means for prospects: what people said and did about them outranks what the engine says."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.model import ContactType, EmailAddress, Lead, Value
from leadsvc.pipeline.deciding import telling
from leadsvc.resolve.decide import Decision, decide, hinders, may_link, survivor_of
from leadsvc.resolve.engine import linked, score
from leadsvc.resolve.joining import Placed
from leadsvc.resolve.levels import HUB, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.person import Card, Identity, Person
from leadsvc.resolve.trace import Trace, made

START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MODEL = Model.default()


def nobody(_value: str) -> int:
    return 1


def trace(name: str = "Rosa Berg", email: str = "", phone: str = "", day: int = 0, number: int = 0) -> Trace:
    given, _, family = name.partition(" ")
    at = int((START + timedelta(days=day)).timestamp())
    emails, phones = [email] if email else [], [phone] if phone else []
    return made(uuid.UUID(int=number).hex, at, (given, family, ""), emails, (), phones, place="home", region="town")


def person(number: int, stage: str = "", edited: bool = False) -> Person:
    at = START + timedelta(days=number)
    found = Person(uuid.UUID(int=number), f"PR-{number}", 1, at, at, edited=edited)
    if stage:
        found.cards.append(Card(uuid.UUID(int=90 + number), "", found.id, None, "", at, at, stage, 1))
    return found


def placed(group: Person, *merge: Person, torn: bool = False) -> Decision:
    one, other = (usable(trace(email="rosa@example.com", day=day), nobody) for day in (0, 1))
    people = {each.id: each for each in (group, *merge)}
    told = Placed("join", group.id, tuple(each.id for each in merge), True, torn, score(one, other, MODEL))
    return decide(told, people, known_by=True)


def test_who_was_here_first_stands_for_all() -> None:
    first, second, third = person(1), person(2), person(3)
    decision = placed(third, first, second)
    assert (decision.verdict, decision.person) == ("join", first.id)
    assert set(decision.merge) == {second.id, third.id}
    assert survivor_of([third, second]) is second


@pytest.mark.parametrize(
    ("one", "other", "hindered"),
    [
        (person(1), person(2), False),
        (person(1, "toured"), person(2), False),
        (person(1, "toured"), person(2, "contacted"), True),
        (person(1, "toured"), person(2, edited=True), True),
        (person(1, "toured"), person(2, "lost"), False),
    ],
)
def test_two_that_people_worked_on_are_proposed(one: Person, other: Person, hindered: bool) -> None:
    assert bool(hinders(one, other)) == hindered
    decision = placed(one, other)
    assert (decision.merge == ()) == hindered
    assert [each[0] for each in decision.proposals] == ([other.id] if hindered else [])


def test_who_was_told_apart_is_not_even_proposed() -> None:
    one, other = person(1), person(2)
    other.apart.add(one.id)
    decision = placed(one, other)
    assert (decision.person, decision.merge, decision.proposals) == (one.id, (), ())
    assert hinders(one, other)


def test_a_prospect_that_is_only_partly_the_same_waits_for_its_neighbourhood() -> None:
    one, other = person(1), person(2)
    decision = placed(one, other, torn=True)
    assert (decision.person, decision.merge, decision.reopen) == (one.id, (), True)


def test_what_is_said_of_somebody_new() -> None:
    nobody_here: dict[uuid.UUID, Person] = {}
    assert "First contact" in decide(Placed("new"), nobody_here, known_by=True).sentence
    assert "No usable" in decide(Placed("new"), nobody_here, known_by=False).sentence


def test_a_value_that_only_the_other_has_does_not_keep_it_from_being_looked_at() -> None:
    """Its crowd is not known before the prospect behind it is loaded: it may be a desk's."""
    rosa = usable(trace("Rosa Lind", "rosa@example.com", "+19185550120", day=9), nobody)
    other = trace("Rosa", "desk@example.org", "+14055550150", day=40)
    assert not linked(rosa, usable(other, nobody), MODEL)
    assert linked(rosa, usable(other, lambda _value: HUB + 1), MODEL)
    assert may_link(rosa, other, nobody, MODEL)
    assert may_link(rosa, trace("", phone="+19185550120", day=9), nobody, MODEL)
    assert not may_link(rosa, trace("Ken Mori", "ken@example.com"), nobody, MODEL)


def test_of_many_inquiries_of_one_prospect_those_that_tell_most_are_compared() -> None:
    same = [trace(email="rosa@example.com", day=day, number=day) for day in range(200)]
    other = trace("R. Berg", phone="+19185550120", number=999)
    found = telling([other, *same], most=5)
    assert found == [other, same[-1]]
    many = [trace(email=f"rosa{day}@example.com", day=day, number=day) for day in range(200)]
    assert telling(many, most=5) == many[-5:]
    assert telling(same[:3]) == same[:3]


def test_what_a_message_tells_identifies_too() -> None:
    address = EmailAddress("rosa@example.com", "rosa@example.com")
    said = Value("Call me at 918-555-0120", "", "")
    lead = Lead("website", ContactType.FORM, "json", "m", 1, emails=(Value(address, "", ""),), message=said)
    kinds = {(each.kind, each.value) for each in Identity.of(lead).identifiers}
    assert kinds == {("email", "rosa@example.com"), ("phone", "+19185550120")}
    assert Identity.of(lead, frozenset({"+19185550120"})).identifiers == Identity.of(lead).identifiers[:1]
