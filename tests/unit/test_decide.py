"""The rules of who is who, each row of docs/identity.md with the one thing that flips it."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from leadsvc.resolve.decide import Decision, Finding, decide, hinders, judge
from leadsvc.resolve.names import name_key
from leadsvc.resolve.person import Card, Identifier, Identity, Person

START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def identifiers(text: str) -> tuple[Identifier, ...]:
    """``e:a p:1 t:x`` as an e-mail, a phone and a conversation."""
    kinds = {"e": "email", "p": "phone", "t": "thread"}
    return tuple(Identifier.of(kinds[each[0]], each[2:]) for each in text.split())


def identity(name: str, known_by: str) -> Identity:
    found = identifiers(known_by)
    given, _, family = name.partition(" ")
    return Identity(
        name_key(given, family),
        found,
        frozenset(each.value for each in found if each.kind == "email"),
        frozenset(each.value for each in found if each.kind == "phone"),
    )


def person(names: str, known_by: str, number: int = 1, stage: str = "") -> Person:
    """``names`` apart by commas."""
    at = START + timedelta(days=number)
    made = Person(uuid.UUID(int=number), f"PR-{number}", 1, at, at)
    made.names = [name_key(*each.strip().partition(" ")[::2]) for each in names.split(",") if each.strip()]
    made.identifiers = {each.id: each for each in identifiers(known_by)}
    if stage:
        made.cards = [Card(uuid.uuid4(), "GC-1", made.id, None, "", at, at, stage, 1)]
    return made


@dataclass(frozen=True)
class Case:
    lead: tuple[str, str]
    candidate: tuple[str, str]
    verdict: str | None
    shared: str = ""
    same_content: bool = False
    same_place: bool = False
    lone: bool = True
    id: str = field(default="", kw_only=True)


CASES = [
    Case(("Rosa Berg", "t:1 e:a"), ("Anders Lind", "t:1 e:b"), "join", id="the conversation joins whatever the name"),
    Case(("Rosa Berg", "t:1"), ("Rosa Berg", "t:2"), None, id="a name alone never joins"),
    Case(("Rosa Berg", "t:1"), ("Rosa Berg", "t:2"), None, same_place=True, id="nor at the same property"),
    Case(("Rosa Berg", "e:a p:1"), ("Rosa Lind", "e:a p:1"), "join", id="e-mail and phone bear a new last name"),
    Case(("Rosa Berg", "e:a p:1"), ("Anders Berg", "e:a p:1"), "related", id="not another first name"),
    Case(("Rosa Berg", "e:a p:1"), ("Anders Lind", "e:a p:1"), "related", id="not another name"),
    Case(("Rosa Berg", "e:a"), ("Rosa Lind", "e:a"), "join", id="e-mail with a new last name"),
    Case(("", "e:a"), ("Rosa Lind", "e:a"), "join", id="e-mail without a name"),
    Case(("Rosa", "e:a"), ("Rosa Lind", "e:a"), "join", id="e-mail with half a name"),
    Case(("Anders Lind", "e:a"), ("Rosa Lind", "e:a"), "related", id="a couple on one e-mail"),
    Case(("Bob Lind", "p:1"), ("Robert Lind", "p:1"), "join", id="phone with a nickname"),
    Case(("Maria Lind", "p:1"), ("Mario Lind", "p:1"), "related", id="Maria and Mario"),
    Case(("Rosa Berg", "p:1"), ("Rosa Lind", "p:1"), "review", id="phone with a new last name asks"),
    Case(("Rosa Berg", "p:1"), ("Anders Lind", "p:1"), "apart", id="a recycled phone"),
    Case(("", "p:1"), ("Rosa Lind", "p:1"), "join", id="phone without a name, one behind it"),
    Case(("", "p:1"), ("Rosa Lind", "p:1"), "review", lone=False, id="phone without a name, several behind it"),
    Case(("Rosa Berg", "p:1"), ("Rosa Berg", "p:1"), "review", shared="p:1", same_place=True, id="shared, same place"),
    Case(("Rosa Berg", "p:1"), ("Rosa Berg", "p:1"), None, shared="p:1", id="shared, elsewhere"),
    Case(("R Berg", "p:1"), ("Rosa Berg", "p:1"), None, shared="p:1", same_place=True, id="shared, other name"),
    Case(("Rosa Berg", "e:a p:1"), ("Rosa Berg", "e:a p:1"), "join", shared="p:1", id="the e-mail is still her own"),
    Case(("Rosa Berg", "t:1"), ("Rosa Berg", "e:a"), "join", same_content=True, id="a call-back and its masked mail"),
    Case(("Rosa Berg", "e:a"), ("Rosa Berg", "e:b"), None, same_content=True, id="same words, other e-mail"),
    Case(("Rosa Berg", "p:1"), ("Rosa Berg", "p:2"), None, same_content=True, id="same words, other phone"),
    Case(("R Berg", "t:1"), ("Rosa Berg", "e:a"), None, same_content=True, id="same words, not quite the same name"),
    Case(("Rosa", "t:1"), ("Rosa", "e:a"), None, same_content=True, id="same words, half a name"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_rules(case: Case) -> None:
    finding = judge(
        identity(*case.lead),
        person(*case.candidate),
        shared={each.id for each in identifiers(case.shared)},
        same_content=case.same_content,
        same_place=case.same_place,
        lone=case.lone,
    )
    assert (finding.verdict if finding else None) == case.verdict


def found(lead: Identity, *people: Person) -> list[Finding]:
    findings = [judge(lead, each, shared=(), same_content=False, same_place=False, lone=True) for each in people]
    return [each for each in findings if each is not None]


def verdict(lead: Identity, *people: Person) -> Decision:
    """The same however the findings are ordered."""
    persons = {each.id: each for each in people}
    orders = itertools.permutations(found(lead, *people))
    decisions = {repr(decide(lead, order, persons)): decide(lead, order, persons) for order in orders}
    assert len(decisions) == 1
    return next(iter(decisions.values()))


def test_stronger_evidence_is_joined_first_and_the_oldest_survives() -> None:
    by_phone, by_email = person("Rosa Berg", "p:1", 1), person("Rosa Berg", "e:a", 2)
    decision = verdict(identity("Rosa Berg", "e:a p:1"), by_phone, by_email)
    assert (decision.verdict, decision.person, decision.merge) == ("join", by_phone.id, (by_email.id,))
    assert decision.sentence == "Same e-mail address, same name"


def test_a_bridge_between_unlike_names_is_refused_and_proposed() -> None:
    one, other = person("Rosa Berg", "e:a", 1), person("Rosa Lind", "e:b", 2)
    decision = verdict(identity("Rosa", "e:a e:b"), one, other)
    assert decision.merge == ()
    assert decision.verdict == "review"
    assert decision.person == one.id


def test_a_lead_that_fits_two_people_equally_asks_which() -> None:
    senior, junior = person("", "e:a", 1), person("", "e:a", 2)
    senior.names, junior.names = [name_key("John", "Weber", "Sr")], [name_key("John", "Weber", "Jr")]
    decision = verdict(identity("John Weber", "e:a"), senior, junior)
    assert (decision.verdict, decision.person) == ("review", senior.id)
    clear = verdict(identity("John Weber", "e:a p:1"), senior, person("John Weber", "e:a p:1", 3))
    assert clear.verdict == "join"


def test_who_was_kept_apart_is_not_joined_and_not_asked_again() -> None:
    one, other = person("Rosa Berg", "e:a", 1), person("Rosa Berg", "p:1", 2)
    one.apart.add(other.id)
    decision = verdict(identity("Rosa Berg", "e:a p:1"), one, other)
    assert (decision.verdict, decision.person, decision.merge, decision.proposals) == ("join", one.id, (), ())


def test_what_two_people_worked_on_is_only_proposed() -> None:
    one, other = person("Rosa Berg", "e:a", 1, "toured"), person("Rosa Berg", "p:1", 2, "contacted")
    decision = verdict(identity("Rosa Berg", "e:a p:1"), one, other)
    assert decision.merge == ()
    assert decision.proposals == ((other.id, "a person has worked on both"),)
    fresh = person("Rosa Berg", "p:1", 2, "new")
    assert verdict(identity("Rosa Berg", "e:a p:1"), one, fresh).merge == (fresh.id,)


def test_what_was_edited_was_worked_on() -> None:
    one, other = person("Rosa Berg", "e:a", 1), person("Rosa Berg", "p:1", 2)
    one.edited = True
    assert hinders(one, other) == ""
    other.edited = True
    assert hinders(one, other) == "a person has worked on both"


def test_every_verdict_says_why_in_a_sentence() -> None:
    alone = verdict(identity("Rosa Berg", "e:a"))
    assert (alone.verdict, alone.sentence[:13]) == ("new", "First contact")
    nobody = verdict(identity("Rosa Berg", ""))
    assert nobody.sentence.startswith("No usable e-mail")
    couple = verdict(identity("Anders Berg", "e:a"), person("Rosa Berg", "e:a"))
    assert couple.sentence == "A person of their own: same e-mail address, same last name, different first name"
    assert [each.person for each in couple.related] == [uuid.UUID(int=1)]


def card(stage: str = "new", opened: int = 100, last: int = 110) -> Card:
    day = timedelta(days=1)
    return Card(uuid.uuid4(), "GC-1", uuid.uuid4(), None, "", START + opened * day, START + last * day, stage, 1)


@pytest.mark.parametrize(
    ("stage", "day", "seconds", "covered"),
    [
        ("new", 170, 0, True),
        ("new", 170, 1, False),
        ("new", 40, 0, True),
        ("new", 40, -1, False),
        ("toured", 170, 1, False),
        ("applied", 400, 0, True),
        ("approved", 400, 0, True),
        ("applied", 39, 0, False),
        ("leased", 110, 0, True),
        ("leased", 110, 1, False),
        ("moved_in", 111, 0, False),
        ("lost", 110, 1, False),
        ("lost", 105, 0, True),
    ],
)
def test_the_edges_of_a_cycle(stage: str, day: int, seconds: int, covered: bool) -> None:
    at = START + timedelta(days=day, seconds=seconds)
    assert card(stage).covers(at, timedelta(days=60)) is covered
