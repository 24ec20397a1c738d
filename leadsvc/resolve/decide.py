"""The rules that join: exact evidence only, in an order that can be read aloud.

1. The same conversation (relay address or thread id) is the same person.
2. The same e-mail *and* phone, or the same e-mail, or the same phone join when the names agree or one is missing.
3. A contact value with a clearly different first name behind it is evidence of a household, never of one person.
4. A value that several names share (a desk, a call centre) joins nobody; with the full name it asks a person.
5. The same message about the same property through another door within a day joins when the full names are equal and
   no contact value contradicts (a form call-back and its masked mail).
A name alone never joins. Rules are versioned; each decision names the version that made it. What a probabilistic engine
adds later takes the place of :func:`judge`, with the same arguments.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadsvc.resolve.names import WORDS, NameLevel, best, compare
from leadsvc.resolve.person import Identifier, Identity, Person

RULES_VERSION = "exact-1"

_JOIN, _REVIEW, _RELATED, _APART = "join", "review", "related", "apart"

# (kind of shared evidence, how the names agree) -> what follows.
_BY_NAME: Mapping[str, Mapping[NameLevel, str]] = {
    "both": {NameLevel.DIFFERENT: _RELATED, NameLevel.SAME_FAMILY: _RELATED},
    "email": {NameLevel.DIFFERENT: _RELATED, NameLevel.SAME_FAMILY: _RELATED},
    # A phone changes hands more easily than a mailbox: a changed last name alone is for a person to judge.
    "phone": {NameLevel.DIFFERENT: _APART, NameLevel.SAME_FAMILY: _RELATED, NameLevel.SAME_GIVEN: _REVIEW},
}
_RANK = {"thread": 100, "both": 80, "email": 60, "phone": 40, "content": 20, "shared": 0}
_SHARED_WORDS = {"both": "Same e-mail address and phone", "email": "Same e-mail address", "phone": "Same phone number"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one candidate has in common with the lead, and what follows from it."""

    person: uuid.UUID
    verdict: str
    rule: str
    rank: int
    sentence: str
    evidence: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """``verdict``: join (``person``, after merging ``merge`` into it), new, or review (new, may be ``person``)."""

    verdict: str
    person: uuid.UUID | None
    merge: tuple[uuid.UUID, ...]
    rule: str
    sentence: str
    evidence: tuple[dict[str, Any], ...]
    related: tuple[Finding, ...] = ()
    proposals: tuple[tuple[uuid.UUID, str], ...] = ()


def judge(
    identity: Identity,
    person: Person,
    *,
    shared: Collection[uuid.UUID],
    same_content: bool,
    same_place: bool,
    lone: bool,
) -> Finding | None:
    """Compare a lead with one candidate; ``None`` when nothing connects them.

    ``shared``: identifiers known to belong to several people. ``lone``: the candidate is the only one behind the phone.
    """
    common = [each for each in identity.identifiers if each.id in person.identifiers]
    own = [each for each in common if each.id not in shared]
    kinds = {each.kind for each in own}
    name = best(identity.name, person.names)
    evidence = tuple(_evidence(identity, person, common, shared, name))
    if "thread" in kinds:
        return Finding(person.id, _JOIN, "thread", _rank("thread", name), "Same conversation", evidence)
    basis = (
        "both" if {"email", "phone"} <= kinds else "email" if "email" in kinds else "phone" if "phone" in kinds else ""
    )
    if basis:
        verdict = _BY_NAME[basis].get(name, _JOIN)
        if basis == "phone" and name is NameLevel.MISSING and not lone:
            verdict = _REVIEW
        sentence = f"{_SHARED_WORDS[basis]}, {WORDS[name]}"
        return Finding(person.id, verdict, f"{basis}+{name.name.lower()}", _rank(basis, name), sentence, evidence)
    if same_content and name is NameLevel.EXACT and not _contradicts(identity, person):
        sentence = "Same message about the same property within a day, same name"
        return Finding(person.id, _JOIN, "content+exact", _rank("content", name), sentence, evidence)
    if common and name is NameLevel.EXACT and same_place:
        sentence = "Same name at the same property, but the contact value is shared by several people"
        return Finding(person.id, _REVIEW, "shared+exact", _rank("shared", name), sentence, evidence)
    return None


def _rank(basis: str, name: NameLevel) -> int:
    return _RANK[basis] + int(name)


def _contradicts(identity: Identity, person: Person) -> bool:
    """Both sides have a real e-mail, or both a phone, and they differ."""
    emails, phones = person.values("email"), person.values("phone")
    return bool(
        (identity.real_emails and emails and not identity.real_emails & emails)
        or (identity.phones and phones and not identity.phones & phones)
    )


def _evidence(
    identity: Identity, person: Person, common: Sequence[Identifier], shared: Collection[uuid.UUID], name: NameLevel
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"field": each.kind, "level": "shared by several people" if each.id in shared else "exact", "ours": each.value}
        for each in common
    ]
    ours = " ".join((*identity.name.given, *identity.name.family))
    theirs = "; ".join(" ".join((*each.given, *each.family)) for each in person.names)
    rows.append({"field": "name", "level": WORDS[name], "ours": ours, "theirs": theirs})
    return rows


def decide(identity: Identity, findings: Sequence[Finding], persons: Mapping[uuid.UUID, Person]) -> Decision:
    """One verdict from what was found about every candidate; the order of ``findings`` does not matter."""
    ranked = sorted(findings, key=lambda each: (-each.rank, persons[each.person].first_at, each.person))
    joins = [each for each in ranked if each.verdict == _JOIN]
    related = tuple(each for each in ranked if each.verdict == _RELATED)
    if joins:
        return _join(joins, related, persons)
    reviews = [each for each in ranked if each.verdict == _REVIEW]
    if reviews:
        first = reviews[0]
        return Decision("review", first.person, (), first.rule, first.sentence, first.evidence, related)
    if related:
        sentence = f"A person of their own: {lower_first(related[0].sentence)}"
        return Decision("new", None, (), related[0].rule, sentence, related[0].evidence, related)
    apart = [each for each in ranked if each.verdict == _APART]
    if apart:
        sentence = f"A person of their own: {lower_first(apart[0].sentence)}"
        return Decision("new", None, (), apart[0].rule, sentence, apart[0].evidence)
    sentence = (
        "First contact: nobody here has this e-mail address or phone"
        if identity.identifiers
        else ("No usable e-mail address or phone to recognise anybody by")
    )
    return Decision("new", None, (), "no_match", sentence, ())


def lower_first(sentence: str) -> str:
    """The sentence as it reads after a colon."""
    return sentence[:1].lower() + sentence[1:]


def _join(joins: Sequence[Finding], related: tuple[Finding, ...], persons: Mapping[uuid.UUID, Person]) -> Decision:
    chosen = joins[0]
    merge: list[uuid.UUID] = []
    proposals: list[tuple[uuid.UUID, str]] = []
    for other in joins[1:]:
        one, two = persons[chosen.person], persons[other.person]
        apart, hindrance = kept_apart(one, two), hinders(one, two)
        if other.rank == chosen.rank and chosen.rule != "thread" and (apart or unlike(one, two)):
            sentence = f"{chosen.sentence}, and the same holds for {two.key}"
            return Decision("review", one.id, (), "ambiguous", sentence, chosen.evidence, related)
        if not hindrance:
            merge.append(other.person)
        elif not apart:  # a person has answered that question
            proposals.append((other.person, hindrance))
    survivor = min([chosen.person, *merge], key=lambda each: (persons[each].first_at, each))
    folded = tuple(each for each in [chosen.person, *merge] if each != survivor)
    return Decision("join", survivor, folded, chosen.rule, chosen.sentence, chosen.evidence, related, tuple(proposals))


def hinders(one: Person, other: Person) -> str:
    """Why two prospects must not be merged because one lead touches both; empty when nothing hinders."""
    if kept_apart(one, other):
        return "a person said that they are not the same"
    if unlike(one, other):
        return "their names do not agree"
    if one.worked and other.worked:
        return "a person has worked on both"
    return ""


def kept_apart(one: Person, other: Person) -> bool:
    """Whether a person said that they are two."""
    return other.id in one.apart or one.id in other.apart


def unlike(one: Person, other: Person) -> bool:
    """Whether any two of their names contradict each other."""
    return any(compare(a, b) < NameLevel.MISSING for a in one.names for b in other.names)
