"""What a placement means for prospects: join, merge, ask a person, or keep apart.

The engine says which inquiries one person wrote (:mod:`leadsvc.resolve.engine`); what people have said and done about
prospects is respected here: who was told apart stays apart, and two that people have worked on are never merged by
themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from leadsvc.resolve.engine import Score, linked
from leadsvc.resolve.joining import Placed
from leadsvc.resolve.levels import Crowd, Email, Phone, Usable, emails, phones, usable
from leadsvc.resolve.model import Model
from leadsvc.resolve.person import Person
from leadsvc.resolve.trace import Trace


@dataclass(frozen=True, slots=True)
class Finding:
    """A prospect that is somebody else, yet perhaps of one household."""

    person: uuid.UUID
    rule: str
    sentence: str
    evidence: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """``verdict``: join (``person``, after merging ``merge`` into it), new, or review (new, may be ``person``).
    ``reopen``: the neighbourhood as a whole has to be looked at again."""

    verdict: str
    person: uuid.UUID | None
    merge: tuple[uuid.UUID, ...]
    rule: str
    sentence: str
    evidence: tuple[dict[str, Any], ...]
    related: tuple[Finding, ...] = ()
    proposals: tuple[tuple[uuid.UUID, str], ...] = ()
    reopen: bool = False


def may_link(one: Usable, other: Trace, crowd: Crowd, model: Model) -> bool:
    """Whether the two can be neighbours. How many people are behind a value that only ``other`` has is not known yet,
    so it does not speak against it."""
    rows = usable(other, crowd, model.frequencies.masked)
    kept = rows._replace(
        emails={
            each: n
            for each, n in rows.emails.items()
            if each in one.emails or emails(one.emails, [each]) > Email.DIFFERENT
        },
        phones={
            each: n for each, n in rows.phones.items() if each in one.phones or phones(one.phones, [each]) > Phone.AREA
        },
    )
    return linked(one, kept, model)


def decide(placed: Placed[uuid.UUID], persons: Mapping[uuid.UUID, Person], *, known_by: bool) -> Decision:
    """What follows from a placement among ``persons``. ``known_by``: the lead has a value to recognise somebody by."""
    related = tuple(_finding(*each) for each in placed.related)
    again = placed.near
    if placed.verdict == "join" and placed.group is not None and placed.score is not None:
        return _join(placed, placed.group, placed.score, related, persons, again)
    if placed.verdict == "review" and placed.score is not None:
        told = _told(placed.score)
        return Decision("review", placed.group, (), *told, related, reopen=again)
    if related:
        sentence = f"A person of their own: {lower_first(related[0].sentence)}"
        return Decision("new", None, (), related[0].rule, sentence, related[0].evidence, related, reopen=again)
    sentence = (
        "First contact: nobody here is like this renter"
        if known_by
        else "No usable e-mail address or phone to recognise anybody by"
    )
    return Decision("new", None, (), "none", sentence, (), reopen=again)


def _finding(person: uuid.UUID, score: Score) -> Finding:
    rule, sentence, evidence = _told(score)
    return Finding(person, rule, sentence, evidence)


def _told(score: Score) -> tuple[str, str, tuple[dict[str, Any], ...]]:
    """The field that speaks loudest, the sentence, the waterfall."""
    loudest = max(score.steps[1:], key=lambda each: each.weight)
    return loudest.field, score.sentence, tuple(score.evidence())


def _join(
    placed: Placed[uuid.UUID],
    group: uuid.UUID,
    score: Score,
    related: tuple[Finding, ...],
    persons: Mapping[uuid.UUID, Person],
    reopen: bool,
) -> Decision:
    merge: list[uuid.UUID] = []
    proposals: list[tuple[uuid.UUID, str]] = []
    # A prospect that is only partly this person is taken apart first, when its neighbourhood is looked at as a whole.
    for other in () if placed.torn else placed.merge:
        hindrance = hinders(persons[group], persons[other])
        if not hindrance:
            merge.append(other)
        elif not kept_apart(persons[group], persons[other]):  # a person has answered that question
            proposals.append((other, hindrance))
    survivor = survivor_of(persons[each] for each in (group, *merge)).id
    folded = tuple(each for each in (group, *merge) if each != survivor)
    rule, sentence, evidence = _told(score)
    return Decision("join", survivor, folded, rule, sentence, evidence, related, tuple(proposals), reopen)


def survivor_of(people: Iterable[Person]) -> Person:
    """Of several prospects that are one person, the one that was here first stands for all."""
    return min(people, key=lambda each: (each.first_at, each.id))


def lower_first(sentence: str) -> str:
    """A sentence as it reads after a colon."""
    return sentence[:1].lower() + sentence[1:]


def hinders(one: Person, other: Person) -> str:
    """Why two prospects must not become one by themselves; empty when nothing hinders."""
    if kept_apart(one, other):
        return "a person said that they are not the same"
    if one.worked and other.worked:
        return "a person has worked on both"
    return ""


def kept_apart(one: Person, other: Person) -> bool:
    """Whether a person said that they are two."""
    return other.id in one.apart or one.id in other.apart
