"""Who may be, or is, one household with a person: proposed by the rules, confirmed or dismissed by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from leadsvc.store.queries.shapes import Decision, Person
from leadsvc.store.tables import match_decisions, prospects


@dataclass(frozen=True, slots=True)
class Household:
    """``person`` (a root) beside the person that was asked about. ``state``: proposed, confirmed or dismissed;
    ``because`` is what the proposal rests on, ``decision`` the one that counts."""

    person: Person
    state: str
    because: Decision
    decision: Decision

    @property
    def reason(self) -> str:
        """The sentence of the proposal without its verdict."""
        return self.because.sentence.partition(": ")[2] or self.because.sentence


_SAID = {"related": "confirmed", "apart": "dismissed"}


def households(root: UUID, decisions: Sequence[Decision], people: Mapping[UUID, Person]) -> list[Household]:
    """From ``decisions`` (oldest first) about the person at ``root``. What a person said last outranks every proposal,
    the later ones too."""
    found: dict[UUID, Household] = {}
    for each in decisions:
        other = _other(root, each, people) if each.kind == "household" else None
        if other is None:
            continue
        before = found.get(other.id)
        by_hand = each.decided_by != "rules"
        state = _SAID[each.verdict] if by_hand else "proposed"
        if before is None:
            found[other.id] = Household(other, state, each, each)
        elif by_hand:
            found[other.id] = Household(other, state, before.because, each)
        elif before.state == "proposed":
            found[other.id] = Household(other, "proposed", each, each)
    return list(found.values())


def _other(root: UUID, decision: Decision, people: Mapping[UUID, Person]) -> Person | None:
    """The root of whoever the decision is about beside the person at ``root``; None when they have become one."""
    named = [people.get(each) for each in (decision.prospect_id, decision.other_prospect_id) if each is not None]
    roots = {each.root_id for each in named if each is not None}
    if root not in roots or len(roots) != 2:
        return None
    (other,) = roots - {root}
    return people.get(other)


def confirmed(connection: Connection, root: UUID) -> frozenset[UUID]:
    """Roots of those whom a person confirmed to be of one household with the person at ``root``."""
    family = select(prospects.c.id).where(prospects.c.root_id == root)
    one, other = prospects.alias("one"), prospects.alias("other")
    said = (
        select(one.c.root_id.label("one"), other.c.root_id.label("other"), match_decisions.c.verdict)
        .join(one, one.c.id == match_decisions.c.prospect_id)
        .join(other, other.c.id == match_decisions.c.other_prospect_id)
        .where(match_decisions.c.kind == "household", match_decisions.c.decided_by != "rules")
        .where(match_decisions.c.prospect_id.in_(family) | match_decisions.c.other_prospect_id.in_(family))
        .order_by(match_decisions.c.seq)
    )
    last = {row.other if row.one == root else row.one: row.verdict for row in connection.execute(said)}
    return frozenset(person for person, verdict in last.items() if _SAID[verdict] == "confirmed" and person != root)
