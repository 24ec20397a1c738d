"""Taking a merge back (P4): the edge goes, roots are computed anew from the edges that remain, and what came after the
merge goes to the person its own evidence names. Nothing that happened is deleted; destinations are owed the correction.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select, update

from leadsvc.errors import Conflict, NotFound, Reject
from leadsvc.ids import uuid7
from leadsvc.pipeline import verdicts
from leadsvc.pipeline.amends import correct_destinations
from leadsvc.pipeline.leftovers import ask_again, ask_whose_outcomes
from leadsvc.pipeline.merging import RULES
from leadsvc.pipeline.rebuild import rebuild_prospects
from leadsvc.pipeline.rehoming import OPEN, Parting, came_later, rehome
from leadsvc.pipeline.stages import restore_cards, restore_tasks
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.working import Working
from leadsvc.resolve.roots import follow
from leadsvc.store.known import Known
from leadsvc.store.tables import (
    deliveries,
    guest_cards,
    match_decisions,
    prospects,
    tasks,
)

if TYPE_CHECKING:
    from leadsvc.pipeline.seen import Context


def unmerge(connection: Connection, context: Context, decision_id: uuid.UUID, actor: str) -> dict[str, Any]:
    """Undo one merge decision; returns what it changed."""
    merge = _merge_decision(connection, decision_id)
    family = _family(connection, merge)
    before = merges_in_force(connection, _related(connection, family))
    edges = [each for each in before if each.id != decision_id]
    new_roots = follow(prospect_edges(edges), family)
    old_root = next(iter(family.values())).root_id
    _write_prospect_roots(connection, family, new_roots)
    work = Working(Known(), context)
    undoing = uuid7()
    work.decision(
        undoing,
        kind="unmerge",
        verdict="unmerge",
        prospect_id=merge.prospect_id,
        other=merge.other_prospect_id,
        undoes=decision_id,
        rule="by_hand",
        sentence="A person took the merge back",
        evidence=[],
        decided_by=actor,
    )
    cards = _cards(connection, family)
    parted = _write_card_roots(connection, cards, edges, new_roots)
    stays, leaves = new_roots[merge.prospect_id], new_roots[merge.other_prospect_id]
    then = [(each.other_prospect_id, each.prospect_id, each.seq) for each in before if each.kind == "merge"]
    parting = Parting(stays, leaves, merge.seq, merge.prospect_id, then)
    later = came_later(connection, parting)
    _say_apart(connection, work, undoing, merge, new_roots, (stays, leaves), [row.id for row in later])
    rehomed = rehome(connection, work, parting, later)
    work.flush(connection)
    roots = {stays, leaves, *rehomed.people(connection)}
    rebuild_prospects(connection, roots, context.portfolio.own_values)
    touched = {card for pair in parted.items() for card in pair} | rehomed.cards
    restore_cards(connection, touched)
    reopened = _reopen_tasks(connection, parted)
    restore_tasks(connection, work, touched, before)
    correct_destinations(connection, work, parted, reopened, rehomed, merge, leaves, roots)
    ask_whose_outcomes(connection, work, parted, merge)
    if merge.decided_by != "rules" and stays != leaves:
        ask_again(connection, merge.id)
    restore_standing(connection, roots)
    work.flush(connection)
    return {
        "decision": str(decision_id),
        "prospects": sorted(family[each].key for each in roots),
        "was": family[old_root].key if old_root in family else "",
        "cards_parted": len(parted),
        "inquiries_rehomed": len(rehomed.moved),
    }


def _say_apart(
    connection: Connection,
    work: Working,
    undoing: uuid.UUID,
    merge: Row[Any],
    roots: Mapping[uuid.UUID, uuid.UUID],
    people: tuple[uuid.UUID, uuid.UUID],
    later: Collection[uuid.UUID],
) -> None:
    """Who takes back what the rules had merged says that the two are different; who takes back what a person had merged
    leaves it to the rules."""
    verdicts.forget(connection, merge.id)
    ours, theirs = (
        verdicts.told_by([member for member, root in roots.items() if root == person], later) for person in people
    )
    if merge.decided_by == RULES:
        verdicts.record(work, undoing, verdicts.APART, ours, theirs)
    else:
        verdicts.ask_again(work, ours, theirs)
    work.flush(connection)


def _merge_decision(connection: Connection, decision_id: uuid.UUID) -> Row[Any]:
    row = connection.execute(select(match_decisions).where(match_decisions.c.id == decision_id)).one_or_none()
    if row is None or row.kind != "merge":
        raise NotFound("there is no such merge")
    undone = select(match_decisions.c.id).where(match_decisions.c.undoes == decision_id)
    if connection.execute(undone).first() is not None:
        raise Reject(409, "Already undone", "This merge was taken back before.", code="undone")
    return row


def _related(connection: Connection, family: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Everybody whom a merge, in force or not, ever connected with somebody of ``family``."""
    found, added = set(family), set(family)
    while added:
        ours, theirs = match_decisions.c.prospect_id, match_decisions.c.other_prospect_id
        merges = select(ours, theirs).where(match_decisions.c.kind == "merge", ours.in_(added) | theirs.in_(added))
        added = {each for row in connection.execute(merges) for each in row} - found
        found |= added
    return found


def _family(connection: Connection, merge: Row[Any]) -> dict[uuid.UUID, Row[Any]]:
    """Everybody who is one person today because of this merge, among others."""
    root = select(prospects.c.root_id).where(prospects.c.id == merge.prospect_id).scalar_subquery()
    rows = connection.execute(select(prospects).where(prospects.c.root_id == root)).all()
    return {row.id: row for row in rows}


def merges_in_force(connection: Connection, family: Collection[uuid.UUID] | None = None) -> list[Row[Any]]:
    """Merges that are in force, in the order in which they were made; placings too, for they may have folded cards."""
    undone = select(match_decisions.c.undoes).where(match_decisions.c.undoes.is_not(None))
    statement = (
        select(match_decisions)
        .where(
            match_decisions.c.kind.in_(("merge", "place")),
            match_decisions.c.id.not_in(undone),
        )
        .order_by(match_decisions.c.seq)
    )
    if family is not None:
        statement = statement.where(match_decisions.c.prospect_id.in_(family))
    return list(connection.execute(statement))


def _write_prospect_roots(
    connection: Connection, family: Mapping[uuid.UUID, Row[Any]], roots: Mapping[uuid.UUID, uuid.UUID]
) -> None:
    """Every member's version moves, so that a lead that is just joining one of them looks again."""
    for member in sorted(family):
        written = connection.execute(
            update(prospects)
            .where(prospects.c.id == member, prospects.c.version == family[member].version)
            .values(root_id=roots[member], version=prospects.c.version + 1)
        )
        if written.rowcount != 1:
            raise Conflict("the prospect changed meanwhile")


def _cards(connection: Connection, family: Collection[uuid.UUID]) -> dict[uuid.UUID, Row[Any]]:
    rows = connection.execute(select(guest_cards).where(guest_cards.c.prospect_id.in_(family))).all()
    return {row.id: row for row in rows}


def prospect_edges(decisions: Iterable[Row[Any]]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(gone, kept) pairs of prospects."""
    return [(each.other_prospect_id, each.prospect_id) for each in decisions if each.kind == "merge"]


def card_edges(
    decisions: Iterable[Row[Any]], owners: Mapping[uuid.UUID, uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(gone, kept) pairs of cards, as the decisions recorded them, as far as their ``owners`` (root prospects) are one
    today: a card that was folded into two people's stays with the one of its own."""
    rows = [row for each in decisions for row in each.evidence if row.get("field") == "card"]
    pairs = [(uuid.UUID(row["theirs"]), uuid.UUID(row["ours"])) for row in rows]
    return [(gone, kept) for gone, kept in pairs if owners.get(gone, gone) == owners.get(kept, kept)]


def _write_card_roots(
    connection: Connection,
    cards: Mapping[uuid.UUID, Row[Any]],
    edges: Iterable[Row[Any]],
    people: Mapping[uuid.UUID, uuid.UUID],
) -> dict[uuid.UUID, uuid.UUID]:
    """Cards that stand for themselves again -> the card they were part of. ``people``: roots of prospects."""
    owners = {card_id: people[row.prospect_id] for card_id, row in cards.items()}
    roots = follow(card_edges(edges, owners), cards)
    parted = {roots[card_id]: row.root_id for card_id, row in cards.items() if roots[card_id] != row.root_id}
    for card_id, row in cards.items():
        if row.root_id != roots[card_id]:
            connection.execute(update(guest_cards).where(guest_cards.c.id == card_id).values(root_id=roots[card_id]))
        lane = (deliveries.c.guest_card_id == card_id) & deliveries.c.state.in_(OPEN)
        connection.execute(update(deliveries).where(lane).values(lane_id=roots[card_id]))
    return parted


def _reopen_tasks(connection: Connection, cards: Collection[uuid.UUID]) -> list[Row[Any]]:
    """Tasks that were cancelled because their card was merged, whichever merge that was: these ``cards`` stand for
    themselves again."""
    return list(
        connection.execute(
            update(tasks)
            .where(
                tasks.c.guest_card_id.in_(cards),
                tasks.c.state == "cancelled",
                tasks.c.reason.like("merged:%"),
            )
            .values(state="open", reason="", version=tasks.c.version + 1)
            .returning(tasks)
        )
    )
