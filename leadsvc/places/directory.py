"""Placing a lead: every hint is looked up, all of them must agree, and one that is sure must be among them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from leadsvc.model import HintKind, Lead, PropertyHint
from leadsvc.normalize.address import Address, street_key
from leadsvc.places.answers import Answers
from leadsvc.places.rooms import Rooms
from leadsvc.places.rows import (
    AgentRow,
    Answer,
    Candidate,
    FloorPlanRow,
    Missing,
    Placement,
    PropertyRow,
    Rule,
    UnitRow,
)
from leadsvc.places.staff import Staff
from leadsvc.places.tables import NETWORKS, NOTHING, Found, Hit, Tables

# Ids first, then aliases, then likeness: the first rule of these that a finding has is what a placement rests on.
_TRUST = (Rule.PROPERTY_ID, Rule.LISTING_ID, Rule.MAILBOX_TAG, Rule.NAME, Rule.ADDRESS, Rule.NEARLY)
_WORDS = {
    Rule.PROPERTY_ID: "property id",
    Rule.LISTING_ID: "listing id",
    Rule.MAILBOX_TAG: "mailbox tag",
    Rule.NAME: "name",
    Rule.ADDRESS: "address",
    Rule.NEARLY: "likeness of the name or address",
}
_ID_KINDS = (HintKind.PROPERTY_ID, HintKind.LISTING_ID)
_MAX_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class _Finding:
    rule: Rule
    hint: PropertyHint
    found: Found

    @property
    def sure(self) -> bool:
        return self.rule is not Rule.NEARLY


class Directory:
    """The operator's properties, units, floor plans and agents, ready for look-ups; build it once, it never changes.

    ``networks``: source slug -> slug of the site whose listing ids it shows. Units of properties that are not given are
    left out. ``answers``: what people said that names mean, in the order in which they said it.
    """

    def __init__(
        self,
        properties: Iterable[PropertyRow],
        units: Iterable[UnitRow] = (),
        floor_plans: Iterable[FloorPlanRow] = (),
        networks: Mapping[str, str] = NETWORKS,
        agents: Iterable[AgentRow] = (),
        answers: Iterable[Answer] = (),
    ) -> None:
        units = tuple(units)
        self.answers = Answers(answers)
        self._staff = Staff(agents)
        self._tables = Tables(properties, units, networks)
        self._rooms = Rooms(units, floor_plans)

    @property
    def properties(self) -> Mapping[uuid.UUID, PropertyRow]:
        return self._tables.rows

    @property
    def units(self) -> Mapping[uuid.UUID, UnitRow]:
        return self._rooms.units

    @property
    def floor_plans(self) -> Mapping[uuid.UUID, FloorPlanRow]:
        return self._rooms.floor_plans

    def place(self, lead: Lead, on: date) -> Placement:
        """Where ``lead`` belongs, by what was true on the day ``on`` (the renter's day, local to the property as far
        as it is known). A property is never guessed: unknown, ambiguous and contradictory leads stay unplaced."""
        hints = [value.value for value in lead.property_hints if value.value.text.strip()]
        findings = [finding for hint in hints for finding in self._look_up(hint, lead.source, on)]
        telling = [finding for finding in findings if finding.found.hits]
        lost = _lost(hints, telling)
        towns = [self._tables.locality(hint.text) for hint in hints if _may_be_address(hint)]
        if not telling or (not any(finding.sure for finding in telling) and any(map(_names_one_place, lost))):
            return self._unplaced(Rule.UNKNOWN, self._why_unknown(hints, findings), lost, findings)
        common = frozenset.intersection(*(finding.found.properties for finding in telling))
        if not common:
            return self._unplaced(Rule.CONFLICT, self._why_conflict(telling), lost, telling)
        if len(common) > 1:
            sentence = f"The {_WORDS[_best(telling).rule]} fits {self._names(common)}; a person must choose"
            return self._unplaced(Rule.AMBIGUOUS, sentence, lost, telling)
        (property_id,) = common
        return (
            self._check_lapsed(property_id, findings, lost)
            or self._check_town(property_id, towns, telling, lost)
            or self._placed(lead, property_id, telling, lost, towns, on)
        )

    def knows(self, kind: str, scope: str, text: str, on: date) -> bool:
        """Whether a name can be found by now: ``kind`` property, unit, floor_plan or agent, ``scope`` the id of the
        property of the latter three."""
        if kind == "property":
            return any(
                len(finding.found.properties) == 1 and finding.sure
                for hint_kind in HintKind
                for finding in self._look_up(PropertyHint(hint_kind, text), "", on)
            )
        place = uuid.UUID(scope)
        if kind == "agent":
            return bool(self._staff.named(place, text))
        found = self._rooms.unit(place, text) if kind == "unit" else self._rooms.floor_plan(place, text, None)
        return found is not None

    def _look_up(self, hint: PropertyHint, source: str, on: date) -> list[_Finding]:
        """What the hint names, by its own kind; a text that may be a name or an address is looked up as both."""
        tables, text = self._tables, hint.text
        if hint.kind is HintKind.MAILBOX_TAG:
            found = tables.by_tag(text, on)
            # A person may have said what a tag that nobody configured means.
            by_name = tables.by_name(text, on) if found == NOTHING else NOTHING
            return [_Finding(Rule.NAME, hint, by_name) if by_name.hits else _Finding(Rule.MAILBOX_TAG, hint, found)]
        if hint.kind in _ID_KINDS:
            rule = Rule.PROPERTY_ID if hint.kind is HintKind.PROPERTY_ID else Rule.LISTING_ID
            found = tables.by_id(text, source, on)
            # Some senders write the name where the id belongs; only a name that is exactly known may stand in.
            by_name = tables.by_name(text, on) if found == NOTHING else NOTHING
            return [_Finding(Rule.NAME, hint, by_name) if by_name.hits else _Finding(rule, hint, found)]
        exact = [
            _Finding(rule, hint, found)
            for rule, found in ((Rule.NAME, tables.by_name(text, on)), (Rule.ADDRESS, tables.by_address(text, on)))
            if found != NOTHING
        ]
        # Likeness is asked only where nothing in the same text is known.
        return exact or [
            _Finding(Rule.NEARLY, hint, found)
            for found in (tables.nearly_named(text, on), tables.nearly_at(text, on))
            if found != NOTHING
        ]

    def _check_lapsed(
        self, property_id: uuid.UUID, findings: Sequence[_Finding], lost: Sequence[PropertyHint]
    ) -> Placement | None:
        """Unplaced when a hint once meant another property: its lead belongs there, or to those who have it now."""
        for finding in findings:
            lapsed = {hit.property_id for hit in finding.found.lapsed}
            if finding.hint in lost and lapsed and property_id not in lapsed:
                said = f"{self._lapsed(finding)}, but another hint says {self.properties[property_id].name}"
                return self._unplaced(Rule.CONFLICT, f"{said}; a person must choose", lost, findings)
        return None

    def _check_town(
        self,
        property_id: uuid.UUID,
        towns: Sequence[Address],
        telling: Sequence[_Finding],
        lost: Sequence[PropertyHint],
    ) -> Placement | None:
        """Unplaced when a hint says that this is in another town; a town alone cannot overrule an id."""
        trusted = _best(telling).rule in (Rule.PROPERTY_ID, Rule.LISTING_ID, Rule.MAILBOX_TAG)
        for address in towns:
            if self._tables.elsewhere(address, property_id, lenient=trusted):
                row = self.properties[property_id]
                sentence = (
                    f"The {_WORDS[_best(telling).rule]} says {row.name} in {row.city}, {row.state}, but the lead gives "
                    "another place; a person must choose"
                )
                return self._unplaced(Rule.CONFLICT, sentence, lost, telling)
        return None

    def _placed(
        self,
        lead: Lead,
        property_id: uuid.UUID,
        telling: Sequence[_Finding],
        lost: Sequence[PropertyHint],
        towns: Sequence[Address],
        on: date,
    ) -> Placement:
        unresolved = [(Missing.PROPERTY, hint.text) for hint in lost]
        texts = [lead.unit_hint.value] if lead.unit_hint else []
        texts += [address.unit for address in towns if address.unit]
        by_id = {hit.unit_id for f in telling for hit in f.found.hits if hit.unit_id}
        unit_id = self._unit(property_id, texts, by_id, unresolved, on)
        plan_id = self._floor_plan(lead, property_id, unit_id, unresolved, on)
        agent = self._agent(lead, property_id, unresolved, on)
        rules = list(dict.fromkeys(f.rule for f in sorted(telling, key=lambda f: _TRUST.index(f.rule))))
        row = self.properties[property_id]
        sentence = f"{row.name}, by {_and([_WORDS[rule] for rule in rules])}"
        missing = tuple(dict.fromkeys(unresolved))
        answered = self._answered(lead, property_id, texts, missing, on)
        return Placement(property_id, unit_id, plan_id, rules[0], sentence, missing, agent_ref=agent, answered=answered)

    def _answered(
        self,
        lead: Lead,
        property_id: uuid.UUID,
        units: Sequence[str],
        missing: Sequence[tuple[Missing, str]],
        on: date,
    ) -> tuple[tuple[Missing, str], ...]:
        """The names of this lead for which a person answered, and that were found."""
        names = [(Missing.UNIT, text) for text in units]
        names += [(Missing.FLOOR_PLAN, lead.floor_plan_hint.value)] if lead.floor_plan_hint else []
        names += [(Missing.AGENT, lead.agent_hint.value.strip())] if lead.agent_hint else []
        scope = str(property_id)
        return tuple(
            (kind, text)
            for kind, text in dict.fromkeys(names)
            if (kind, text) not in missing and self.answers.target(kind.value, scope, text, on)
        )

    def _unit(
        self,
        property_id: uuid.UUID,
        texts: Sequence[str],
        by_id: set[uuid.UUID],
        unresolved: list[tuple[Missing, str]],
        on: date,
    ) -> uuid.UUID | None:
        """The unit that ids and texts agree on; texts that name none, or another one, are noted."""
        named = {
            text: self._rooms.unit(property_id, text) or self._said(Missing.UNIT, property_id, text, on, self.units)
            for text in dict.fromkeys(texts)
            if text.strip()
        }
        units = by_id | {unit for unit in named.values() if unit}
        if len(units) == 1:
            unresolved += [(Missing.UNIT, text) for text, unit in named.items() if unit is None and not by_id]
            return next(iter(units))
        unresolved += [(Missing.UNIT, text) for text in named]
        return None

    def _floor_plan(
        self,
        lead: Lead,
        property_id: uuid.UUID,
        unit_id: uuid.UUID | None,
        unresolved: list[tuple[Missing, str]],
        on: date,
    ) -> uuid.UUID | None:
        """The plan that was named, else the unit's. Where the two differ, none, and the name is noted."""
        of_unit = self.units[unit_id].floor_plan_id if unit_id else None
        if lead.floor_plan_hint is None or not lead.floor_plan_hint.value.strip():
            return of_unit
        text = lead.floor_plan_hint.value
        bedrooms = lead.bedrooms.value if lead.bedrooms else None
        named = self._rooms.floor_plan(property_id, text, bedrooms) or self._said(
            Missing.FLOOR_PLAN, property_id, text, on, self.floor_plans
        )
        if named is None or of_unit not in (None, named):
            unresolved.append((Missing.FLOOR_PLAN, text))
            return of_unit if named is None else None
        return named

    def _agent(self, lead: Lead, property_id: uuid.UUID, unresolved: list[tuple[Missing, str]], on: date) -> str:
        """The PMS's id of the agent who was asked for; a name that nobody there has is noted."""
        text = lead.agent_hint.value.strip() if lead.agent_hint else ""
        if not text or not self._staff.at(property_id):
            return ""
        found = self._staff.named(property_id, text)
        if not found:
            said = self.answers.target(Missing.AGENT.value, str(property_id), text, on)
            found = said if said in self._staff.at(property_id) else ""
        if not found:
            unresolved.append((Missing.AGENT, text))
        return found

    def _said(
        self, kind: Missing, property_id: uuid.UUID, text: str, on: date, known: Mapping[uuid.UUID, Any]
    ) -> uuid.UUID | None:
        """What a person said that ``text`` means, as long as the property still has it."""
        target = self.answers.target(kind.value, str(property_id), text, on)
        if not target:
            return None
        row = known.get(uuid.UUID(target))
        return row.id if row is not None and row.property_id == property_id else None

    def _unplaced(
        self, rule: Rule, sentence: str, lost: Sequence[PropertyHint], findings: Sequence[_Finding]
    ) -> Placement:
        why: dict[uuid.UUID, str] = {}
        for finding in sorted(findings, key=lambda f: _TRUST.index(f.rule)):
            for hit in finding.found.hits:
                why.setdefault(hit.property_id, _WORDS[finding.rule])
        for finding in findings:
            for hit in finding.found.lapsed:
                why.setdefault(hit.property_id, f"{_WORDS[finding.rule]}, {_lapse(hit)}")
            for hit in finding.found.near:
                why.setdefault(hit.property_id, f"spelled like {hit.text}")
        candidates = tuple(Candidate(place, reason) for place, reason in why.items())[:_MAX_CANDIDATES]
        unresolved = tuple(dict.fromkeys((Missing.PROPERTY, hint.text) for hint in lost))
        return Placement(None, None, None, rule, sentence, unresolved, candidates)

    def _why_unknown(self, hints: Sequence[PropertyHint], findings: Sequence[_Finding]) -> str:
        if not hints:
            return "The lead does not say which property it is about; a person must choose"
        for finding in findings:
            if finding.found.lapsed:
                return f"{self._lapsed(finding)}, not on the day of the lead; a person must choose"
        if any(finding.found.near for finding in findings):
            return "No property is known by what the lead says, though some are spelled like it; a person must choose"
        return "No property is known by what the lead says; add it as an alias, or a person must choose"

    def _lapsed(self, finding: _Finding) -> str:
        hit = finding.found.lapsed[0]
        name = self.properties[hit.property_id].name
        called = f"{hit.text} ({name})" if hit.text != name else name
        return f"The {_WORDS[finding.rule]} meant {called} {_lapse(hit)}"

    def _why_conflict(self, telling: Sequence[_Finding]) -> str:
        said = dict.fromkeys(f"the {_WORDS[f.rule]} says {self._names(f.found.properties)}" for f in telling)
        sentence = ", ".join(said)
        return f"{sentence[0].upper()}{sentence[1:]}: they disagree, a person must choose"

    def _names(self, properties: Iterable[uuid.UUID]) -> str:
        rows = (self.properties[place] for place in properties)
        return _and(sorted(f"{row.name} ({row.city})" if row.city else row.name for row in rows)[:_MAX_CANDIDATES])


def _best(telling: Sequence[_Finding]) -> _Finding:
    return min(telling, key=lambda finding: _TRUST.index(finding.rule))


def _lost(hints: Sequence[PropertyHint], telling: Sequence[_Finding]) -> list[PropertyHint]:
    told = {finding.hint for finding in telling}
    return [hint for hint in hints if hint not in told]


def _names_one_place(lost: PropertyHint) -> bool:
    """Whether a hint that could not be found would have named one place: beside it, likeness is not enough."""
    return lost.kind is not HintKind.NAME and not (lost.kind is HintKind.ADDRESS and not street_key(lost.text))


def _may_be_address(hint: PropertyHint) -> bool:
    return hint.kind in (HintKind.NAME, HintKind.ADDRESS)


def _lapse(hit: Hit) -> str:
    bounds = [f"from {hit.valid_from}" if hit.valid_from else "", f"until {hit.valid_to}" if hit.valid_to else ""]
    return " ".join(bound for bound in bounds if bound)


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
