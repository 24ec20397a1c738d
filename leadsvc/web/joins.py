"""Decisions as people read them: what was decided, whether it still holds, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from leadsvc.store.queries.shapes import Decision, Person

_SAID = {
    ("assign", "new"): "New person",
    ("assign", "join"): "Joined",
    ("assign", "review"): "For a person to decide",
    ("merge", "merge"): "Merged",
    ("unmerge", "unmerge"): "Merge taken back",
    ("household", "related"): "Household",
    ("household", "apart"): "No household",
    ("rehome", "join"): "Moved",
    ("keep_apart", "apart"): "Kept apart",
    ("place", "placed"): "Property chosen",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One decision for the page. ``one`` and ``other`` are the two people it is about as they are now; ``undoable``
    when it can be taken back, ``open`` when somebody still has to say whether they are the same."""

    decision: Decision
    said: str
    one: Person | None
    other: Person | None
    undone: bool
    undoable: bool
    open: bool


def tell(decisions: Sequence[Decision], people: Mapping[UUID, Person]) -> list[Told]:
    """Decisions, oldest first, as they stand today."""
    undone = {each.undoes for each in decisions if each.undoes}
    apart = {frozenset(_pair(each, people)) for each in decisions if each.kind == "keep_apart"}
    told = []
    for each in decisions:
        one, other = (
            people.get(each.prospect_id),
            people.get(each.other_prospect_id) if each.other_prospect_id else None,
        )
        pair = frozenset(_pair(each, people))
        told.append(
            Told(
                decision=each,
                said=_SAID.get((each.kind, each.verdict), f"{each.kind} {each.verdict}"),
                one=one,
                other=other,
                undone=each.id in undone,
                undoable=_undoable(each) and each.id not in undone,
                open=each.verdict == "review" and len(pair) == 2 and pair not in apart,
            )
        )
    return told


def _undoable(decision: Decision) -> bool:
    """A merge, or the joining of a single inquiry."""
    return decision.kind == "merge" or (decision.kind in {"assign", "rehome"} and decision.verdict == "join")


def _pair(decision: Decision, people: Mapping[UUID, Person]) -> set[UUID]:
    """The roots of the two people a decision is about; one when they have become the same."""
    ids = (decision.prospect_id, decision.other_prospect_id)
    return {people[each].root_id for each in ids if each is not None and each in people}
