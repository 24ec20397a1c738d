"""What the directory is built from, and what it answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

# Ids of a place's listings: by source slug, or, where it is not known which site gave them, bare.
ListingIds = Mapping[str, str] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a property, in force from ``valid_from`` to ``valid_to`` (both included, ``None`` is open)."""

    text: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """One property as the PMS knows it.

    ``managed_to`` is the last day on
    which the operator takes its leads (it was sold or handed over); after it nothing is placed there, ids included.
    ``office_phone`` is E.164; a hint that is that number names the property.
    """

    id: uuid.UUID
    remote_id: str
    name: str
    time_zone: str
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    mailbox_tag: str = ""
    aliases: tuple[Alias, ...] = ()
    office_phone: str = ""
    listing_ids: ListingIds = ()
    managed_from: date | None = None
    managed_to: date | None = None


@dataclass(frozen=True, slots=True)
class FloorPlanRow:
    """``bedrooms`` and ``bathrooms`` are counts, a studio has 0 bedrooms."""

    id: uuid.UUID
    property_id: uuid.UUID
    code: str
    name: str
    bedrooms: float
    bathrooms: float


@dataclass(frozen=True, slots=True)
class UnitRow:
    id: uuid.UUID
    property_id: uuid.UUID
    number: str
    remote_id: str = ""
    floor_plan_id: uuid.UUID | None = None
    listing_ids: ListingIds = ()


@dataclass(frozen=True, slots=True)
class AgentRow:
    """A leasing agent; ``properties`` are the ids of those the agent works at."""

    remote_id: str
    name: str
    properties: frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said that a name means: ``key`` as :func:`leadsvc.places.answers.name_key` folds it, ``scope`` the
    id of the property (of a unit, plan or agent) or the destination (of a source's name there), ``target`` what it
    means there. In force from ``valid_from`` to ``valid_to``, both included."""

    kind: str
    scope: str
    key: str
    text: str
    target: str
    valid_from: date | None = None
    valid_to: date | None = None


class Rule(StrEnum):
    """What a placement rests on: the most trusted hint that named the property, or why there is none."""

    PROPERTY_ID = "property_id"
    LISTING_ID = "listing_id"
    MAILBOX_TAG = "mailbox_tag"
    NAME = "name"
    ADDRESS = "address"
    NEARLY = "nearly"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    CONFLICT = "conflict"


class Missing(StrEnum):
    """What a text that could not be resolved was meant to name."""

    PROPERTY = "property"
    UNIT = "unit"
    FLOOR_PLAN = "floor_plan"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A property that a person may choose for a lead that was not placed, and what speaks for it."""

    property_id: uuid.UUID
    why: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a lead belongs, as far as is known for sure.

    ``property_id`` is ``None`` when it is unknown, ambiguous or contradictory; then ``candidates`` are what a person
    chooses from, most likely first. ``sentence`` (no full stop) says why in words for people, ``unresolved`` lists what
    was sent and could not be found. An unknown unit, floor plan or agent never unplaces the lead. ``agent_ref`` is the
    PMS's id of the agent who was asked for, empty when there is none. ``answered`` are names that were found because a
    person said what they mean.
    """

    property_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    floor_plan_id: uuid.UUID | None
    rule: Rule
    sentence: str
    unresolved: tuple[tuple[Missing, str], ...] = ()
    candidates: tuple[Candidate, ...] = ()
    agent_ref: str = ""
    answered: tuple[tuple[Missing, str], ...] = ()
