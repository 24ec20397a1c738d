"""The rules by which a value survives (``survivorship.toml``), read and checked.

Raises :class:`leadsvc.errors.ConfigurationError` for a file that says something else, naming the field.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from leadsvc.errors import ConfigurationError
from leadsvc.model import ContactType, Lead

FIELDS = (
    "name",
    "email",
    "phone",
    "move_in",
    "bedrooms",
    "bathrooms",
    "budget_cents",
    "occupants",
    "pets",
    "lease_term_months",
)
"""What a golden record holds; each needs a rule."""

CRITERIA = ("agent_edit", "source_trust", "own", "unshared", "completeness", "recency", "frequency")

_FILE = Path(__file__).with_name("survivorship.toml")
_OF_ALL = {"frequency", "unshared"}
_CONTACT = {"own", "unshared"}


@dataclass(frozen=True, slots=True)
class Tier:
    """How a value reached us: an inquiry fits by one of its contact types or field maps."""

    name: str
    contact_types: frozenset[str]
    maps: frozenset[str]

    def fits(self, lead: Lead) -> bool:
        return lead.contact_type.value in self.contact_types or lead.map_id in self.maps


@dataclass(frozen=True, slots=True)
class Rule:
    """How the values of one field are compared. ``trust``: name of a tier -> how much it counts for this field."""

    by: tuple[str, ...]
    trust: Mapping[str, int]

    @property
    def keeps_all(self) -> bool:
        """Whether every value must be kept to compare them: what counts may be learned of a value that is behind."""
        return not _OF_ALL.isdisjoint(self.by)


@dataclass(frozen=True, slots=True)
class Rules:
    version: int
    tiers: tuple[Tier, ...]
    fields: Mapping[str, Rule]

    def tier(self, lead: Lead) -> str:
        """The name of the last tier that ``lead`` fits; empty where it fits none, which counts least."""
        return next((tier.name for tier in reversed(self.tiers) if tier.fits(lead)), "")


@cache
def rules() -> Rules:
    """The rules that ship with this version."""
    return parse(tomllib.loads(_FILE.read_text()))


def parse(told: Mapping[str, Any]) -> Rules:
    """The rules that a file tells."""
    if set(told) != {"version", "trust", "fields"} or not isinstance(told["version"], int):
        raise _wrong("the file", "must hold version (a number), trust and fields, and nothing else")
    tiers = tuple(_tier(each) for each in told["trust"])
    names = [tier.name for tier in tiers]
    if len(set(names)) != len(names):
        raise _wrong("trust", "names a tier twice")
    if set(told["fields"]) != set(FIELDS):
        odd = ", ".join(sorted(set(told["fields"]) ^ set(FIELDS)))
        raise _wrong("fields", f"must have one rule for each field of a golden record; look at: {odd}")
    return Rules(told["version"], tiers, {name: _rule(name, told["fields"][name], names) for name in FIELDS})


def _tier(told: Mapping[str, Any]) -> Tier:
    name, kinds, maps = (told.get(each) for each in ("name", "contact_types", "maps"))
    if not name or not isinstance(name, str) or set(told) - {"name", "contact_types", "maps"} or not (kinds or maps):
        raise _wrong("trust", "each tier has a name, and contact_types or maps")
    unknown = set(kinds or ()) - {each.value for each in ContactType}
    if unknown:
        raise _wrong(f"trust “{name}”", f"there is no contact type {', '.join(sorted(unknown))}")
    return Tier(name, frozenset(kinds or ()), frozenset(maps or ()))


def _rule(field: str, told: Mapping[str, Any], tiers: list[str]) -> Rule:
    by = told.get("by")
    if not isinstance(by, list) or set(told) - {"by", "trust"}:
        raise _wrong(field, "has a list `by`, and perhaps an order of `trust`")
    unknown = [each for each in by if each not in CRITERIA]
    if unknown or len(set(by)) != len(by):
        raise _wrong(field, f"`by` names each of its criteria once, out of: {', '.join(CRITERIA)}")
    if by[:1] != ["agent_edit"]:
        raise _wrong(field, "`by` begins with agent_edit: what an agent entered wins")
    if field not in {"email", "phone"} and not _CONTACT.isdisjoint(by):
        raise _wrong(field, "`own` and `unshared` are about e-mail and phone only")
    if field in {"email", "phone"} and "unshared" not in by:
        raise _wrong(field, "`by` has unshared: a value that many people use must not stand for one of them")
    order = told.get("trust", tiers)
    if sorted(order) != sorted(tiers):
        raise _wrong(field, f"`trust` puts all tiers in an order: {', '.join(tiers)}")
    return Rule(tuple(by), {name: len(order) - place for place, name in enumerate(order)})


def _wrong(where: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"survivorship.toml, {where}: {what}")
