"""Unit and floor plan inside a property that is known. Neither is ever guessed and neither ever holds a lead."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz import fuzz

from leadsvc.model import Range
from leadsvc.normalize.address import fold
from leadsvc.places.rows import FloorPlanRow, UnitRow

_DESIGNATOR = re.compile(r"\b(?:apartment|apt|unit|suite|ste|building|bldg|number|no)\b")
_LAYOUT = re.compile(
    r"(?:(?P<studio>studio)|(?P<beds>\d) ?(?:bedrooms?|beds?|bd|br|x))(?: (?:apartment|apt))?"
    r"(?: ?(?P<baths>\d)(?: (?:bathrooms?|baths?|ba))?)?"
)
_NEAR_ENOUGH = 88
_MARGIN = 8
_SHORTEST_NEARLY = 5


class Rooms:
    """Units and floor plans by property. What it answers never changes after it is built."""

    def __init__(self, units: Iterable[UnitRow], floor_plans: Iterable[FloorPlanRow]) -> None:
        self.units = {unit.id: unit for unit in units}
        self.floor_plans = {plan.id: plan for plan in floor_plans}
        self._plans_of = defaultdict[uuid.UUID, list[FloorPlanRow]](list)
        for plan in self.floor_plans.values():
            self._plans_of[plan.property_id].append(plan)
        self._units_of = defaultdict[uuid.UUID, list[UnitRow]](list)
        for unit in self.units.values():
            self._units_of[unit.property_id].append(unit)
        # Filled for a property when it is first asked for: most of a portfolio's units never are.
        self._keys_of: dict[uuid.UUID, dict[str, set[uuid.UUID]]] = {}

    def unit(self, property_id: uuid.UUID, text: str) -> uuid.UUID | None:
        """The one unit of the property that ``text`` ("#11", "Apt 0011", a PMS id) can mean."""
        known = self._keys_of.get(property_id)
        if known is None:
            known = self._keys_of[property_id] = _units_by_key(self._units_of.get(property_id, []))
        for key in _unit_keys(text):
            found = known.get(key, set())
            if len(found) == 1:
                return next(iter(found))
        return None

    def floor_plan(self, property_id: uuid.UUID, text: str, bedrooms: Range | None) -> uuid.UUID | None:
        """The one floor plan of the property that ``text`` means: its code or name, alone or as words of the text;
        its name with a slip, if ``bedrooms`` do not speak against it; or the only one laid out as said ("2x1")."""
        plans = self._plans_of.get(property_id, [])
        wanted = fold(text)
        for found in (
            [plan for plan in plans if wanted in (fold(plan.code), fold(plan.name))],
            [plan for plan in plans if _contains(wanted, plan.code) or _contains(wanted, plan.name)],
            _laid_out_as(wanted, plans),
        ):
            if len({plan.id for plan in found}) == 1:
                return found[0].id
            if found:
                return None
        return _nearly(wanted, [plan for plan in plans if _fits(plan, bedrooms)])


def _units_by_key(units: Iterable[UnitRow]) -> dict[str, set[uuid.UUID]]:
    numbers: dict[str, set[uuid.UUID]] = {}
    ids: dict[str, set[uuid.UUID]] = {}
    for unit in units:
        for table, text in ((numbers, unit.number), (ids, unit.remote_id)):
            for key in _unit_keys(text):
                table.setdefault(key, set()).add(unit.id)
    # Where one unit's id is another's number, people mean the number.
    return ids | numbers


def _unit_keys(text: str) -> tuple[str, ...]:
    """From the most to the least literal: as written, without designators, without leading zeros."""
    plain = fold(text)
    bare = _DESIGNATOR.sub(" ", plain)
    keys = (plain.replace(" ", ""), bare.replace(" ", ""), " ".join(bare.split()).lstrip("0").replace(" ", ""))
    return tuple(dict.fromkeys(key for key in keys if key))


def _contains(text: str, part: str) -> bool:
    part = fold(part)
    return bool(part) and f" {part} " in f" {text} "


def _laid_out_as(wanted: str, plans: list[FloorPlanRow]) -> list[FloorPlanRow]:
    match = _LAYOUT.fullmatch(wanted)
    if match is None:
        return []
    beds = 0 if match["studio"] else int(match["beds"])
    baths = int(match["baths"]) if match["baths"] else None
    return [plan for plan in plans if plan.bedrooms == beds and baths in (None, plan.bathrooms)]


def _fits(plan: FloorPlanRow, bedrooms: Range | None) -> bool:
    if bedrooms is None:
        return True
    low = bedrooms.low if bedrooms.low is not None else 0.0
    return low <= plan.bedrooms and (bedrooms.high is None or plan.bedrooms <= bedrooms.high)


def _nearly(wanted: str, plans: list[FloorPlanRow]) -> uuid.UUID | None:
    if len(wanted) < _SHORTEST_NEARLY or any(c.isdigit() for c in wanted):
        return None
    ranked = sorted(((fuzz.ratio(wanted, fold(plan.name)), plan) for plan in plans), key=lambda entry: -entry[0])
    if not ranked or ranked[0][0] < _NEAR_ENOUGH or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _MARGIN):
        return None
    return ranked[0][1].id
