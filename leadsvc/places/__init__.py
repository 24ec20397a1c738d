"""Which property, unit and floor plan is a lead about? Pure: built from rows, asked with a lead and a day."""

from leadsvc.places.directory import Directory
from leadsvc.places.rows import Alias, Candidate, FloorPlanRow, Missing, Placement, PropertyRow, Rule, UnitRow

__all__ = ["Alias", "Candidate", "Directory", "FloorPlanRow", "Missing", "Placement", "PropertyRow", "Rule", "UnitRow"]
