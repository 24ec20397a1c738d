"""Which property, unit, floor plan and agent is a lead about? Pure: built from rows, asked with a lead and a day."""

from leadsvc.places.answers import name_key
from leadsvc.places.directory import Directory
from leadsvc.places.rows import (
    AgentRow,
    Alias,
    Answer,
    Candidate,
    FloorPlanRow,
    Missing,
    Placement,
    PropertyRow,
    Rule,
    UnitRow,
)
from leadsvc.places.suggest import Option, Suggestion, suggest

__all__ = [
    "AgentRow",
    "Alias",
    "Answer",
    "Candidate",
    "Directory",
    "FloorPlanRow",
    "Missing",
    "Option",
    "Placement",
    "PropertyRow",
    "Rule",
    "Suggestion",
    "UnitRow",
    "name_key",
    "suggest",
]
