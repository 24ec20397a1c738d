"""Taking a merge back (P4): the edge goes, roots are computed anew from the edges that remain, and what came after the
merge goes to the person its own evidence names. Nothing that happened is deleted; destinations are owed the correction.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, exists, func, select, update

from leadsvc.errors import Conflict, NotFound, Reject
from leadsvc.ids import uuid7
from leadsvc.outbox import SHELVED, Owed
from leadsvc.pipeline import verdicts
from leadsvc.pipeline.leftovers import ask_again, ask_whose_outcomes, work_item
from leadsvc.pipeline.merging import RULES
from leadsvc.pipeline.rebuild import rebuild_prospects
from leadsvc.pipeline.rehoming import OPEN, Parting, Rehomed, came_later, rehome
from leadsvc.pipeline.stages import restore_cards, restore_tasks
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.working import Working
from leadsvc.resolve.roots import follow
from leadsvc.store.known import Known
from leadsvc.store.tables import (
    deliveries,
    guest_cards,
    inquiries,
    match_decisions,
    prospects,
    remote_refs,
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
    _correct_destinations(connection, work, parted, reopened, rehomed, merge, leaves, roots)
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


def _correct_destinations(
    connection: Connection,
    work: Working,
    parted: Mapping[uuid.UUID, uuid.UUID],
    reopened: list[Row[Any]],
    rehomed: Rehomed,
    merge: Row[Any],
    leaves: uuid.UUID,
    people: Collection[uuid.UUID],
) -> None:
    """Owe every destination the cards as they are now; what it cannot undo becomes a work item."""
    for gone, kept in sorted(parted.items()):
        shared = _give_back(connection, gone, kept)
        for card_id, others in ((gone, [Owed("unmerge", gone, _version(connection, gone))]), (kept, [])):
            owed = [*others, Owed("prospect", card_id, _version(connection, card_id))]
            # Told anew: everything where its record stays with the other, else what was told on the other's meanwhile.
            told = _history(connection, card_id, None if card_id in shared else merge.at)
            if told and (card_id in shared or card_id == gone):
                ask_to_remove(connection, work, kept if card_id == gone else gone, told)
                owed += [Owed("event", each, _next(connection, each)) for each in told]
            _owe(connection, work, card_id, owed)
    owe_rehomed(connection, work, rehomed)
    for task in reopened:
        _owe(connection, work, task.guest_card_id, [Owed("task", task.id, task.version)])
    owed_already = {*parted, *parted.values(), *rehomed.cards}
    for card in _root_cards(connection, people):
        if card.id not in owed_already:
            _owe(connection, work, card.id, [Owed("prospect", card.id, _version(connection, card.id))])
        if card.owner == leaves and _entered_since(connection, card.id, merge.at) and card.id not in parted:
            _ask_to_attach(connection, work, card.id)
        _ask_to_clear(connection, work, card.id, {*card.golden, *card.edits})


def _root_cards(connection: Connection, people: Collection[uuid.UUID]) -> list[Row[Any]]:
    owner = prospects.alias("owner")
    statement = (
        select(guest_cards.c.id, owner.c.id.label("owner"), owner.c.golden, owner.c.edits)
        .join(prospects, prospects.c.id == guest_cards.c.prospect_id)
        .join(owner, owner.c.id == prospects.c.root_id)
        .where(owner.c.id.in_(people), guest_cards.c.id == guest_cards.c.root_id)
        .order_by(guest_cards.c.id)
    )
    return list(connection.execute(statement))


def _entered_since(connection: Connection, card_id: uuid.UUID, since: datetime) -> bool:
    """Whether a destination learned of the card only while the two were one: as a card of the other."""
    first = select(func.min(deliveries.c.acknowledged_at)).where(
        deliveries.c.guest_card_id == card_id, deliveries.c.kind == "prospect", deliveries.c.state == "acknowledged"
    )
    told = connection.execute(first).scalar()
    return told is not None and told > since


def _ask_to_clear(connection: Connection, work: Working, card_id: uuid.UUID, known: Collection[str]) -> None:
    """A contact value of the other that was written to a remote card and has none to take its place among the fields
    that are ``known`` of the prospect."""
    refs = connection.execute(
        select(remote_refs.c.pushed, remote_refs.c.remote_id, remote_refs.c.destination).where(
            remote_refs.c.kind == "card", remote_refs.c.entity_id == card_id, remote_refs.c.live
        )
    ).all()
    for ref in refs:
        left = [name for name in ("email", "phone") if ref.pushed.get(name) and name not in known]
        if left:
            title = "Clear what belongs to another person on this card in the PMS"
            body = f"Guest card {ref.remote_id} ({ref.destination}) still has their {' and '.join(left)}."
            work_item(connection, work, card_id, title, body)


def _give_back(connection: Connection, gone: uuid.UUID, kept: uuid.UUID) -> set[uuid.UUID]:
    """A remote record that stood for both stays with the card that made it. Returns the cards that have none now,
    whose history must be told anew."""
    refs = connection.execute(
        select(remote_refs)
        .where(remote_refs.c.kind == "card", remote_refs.c.entity_id.in_((gone, kept)))
        .order_by(remote_refs.c.shared, remote_refs.c.at)
    ).all()
    owner: dict[str, uuid.UUID] = {}
    without = {gone, kept} - {ref.entity_id for ref in refs}
    for ref in refs:
        if owner.setdefault(ref.remote_id, ref.entity_id) != ref.entity_id:
            match = (remote_refs.c.entity_id == ref.entity_id) & (remote_refs.c.remote_id == ref.remote_id)
            connection.execute(delete(remote_refs).where(match, remote_refs.c.kind == "card"))
            without.add(ref.entity_id)
    return without


def owe_rehomed(connection: Connection, work: Working, rehomed: Rehomed) -> None:
    """Inquiries on another card than before: told there, and to be removed by hand where they were."""
    for card_id in sorted({each.to_card for each in rehomed.moved if each.to_card == each.from_card}):
        _owe(connection, work, card_id, [Owed("prospect", card_id, _version(connection, card_id))])
        _ask_to_attach(connection, work, card_id)
    for gone, kept in sorted(rehomed.folded.items()):
        owed = [Owed("merge", gone, _version(connection, gone)), Owed("prospect", kept, _version(connection, kept))]
        _owe(connection, work, gone, owed[:1])
        _owe(connection, work, kept, owed[1:])
    for each in rehomed.moved:
        if each.to_card == each.from_card or each.from_card in rehomed.folded:
            continue
        open_tasks = connection.execute(
            select(tasks.c.id, tasks.c.version).where(tasks.c.guest_card_id == each.to_card, tasks.c.state == "open")
        ).all()
        owed = [Owed("prospect", each.to_card, _version(connection, each.to_card))]
        owed.append(Owed("event", each.inquiry_id, _next(connection, each.inquiry_id)))
        _owe(connection, work, each.to_card, [*owed, *(Owed("task", task.id, task.version) for task in open_tasks)])
        ask_to_remove(connection, work, each.from_card, [each.inquiry_id])
        _owe(connection, work, each.from_card, [Owed("prospect", each.from_card, _version(connection, each.from_card))])


def _ask_to_attach(connection: Connection, work: Working, card_id: uuid.UUID) -> None:
    """A card that another person's record was made for: whom it hangs on there cannot be changed from here."""
    refs = connection.execute(
        select(remote_refs.c.remote_id, remote_refs.c.destination).where(
            remote_refs.c.kind == "card", remote_refs.c.entity_id == card_id, remote_refs.c.live
        )
    ).all()
    if refs:
        cards = ", ".join(f"{row.remote_id} ({row.destination})" for row in refs)
        body = f"Guest card {cards} turned out to be another person's: check there whom it belongs to."
        work_item(connection, work, card_id, "Attach this guest card to its own person in the PMS", body)


def ask_to_remove(
    connection: Connection, work: Working, card_id: uuid.UUID, inquiry_ids: Collection[uuid.UUID]
) -> None:
    """A note that was written on a remote card cannot be taken back from here: somebody there must."""
    written = connection.execute(
        select(deliveries.c.remote_id, deliveries.c.destination).where(
            deliveries.c.kind == "event", deliveries.c.subject_id.in_(inquiry_ids), deliveries.c.state == "acknowledged"
        )
    ).all()
    waiting = deliveries.c.subject_id.in_(inquiry_ids) & (deliveries.c.kind == "event")
    cancelled = {"state": "cancelled", "cause": "moved to another card"}
    connection.execute(update(deliveries).where(waiting, deliveries.c.state.in_(OPEN)).values(**cancelled))
    if not written:
        return
    entries = ", ".join(f"{row.remote_id} ({row.destination})" for row in written)
    title = "Remove another person's inquiry from this card in the PMS"
    work_item(connection, work, card_id, title, f"These entries belong to somebody else by now: {entries}.")


def _history(connection: Connection, card_id: uuid.UUID, since: datetime | None) -> list[uuid.UUID]:
    """The inquiries of a card; with ``since`` only those that a destination was told from then on."""
    family = select(guest_cards.c.id).where(guest_cards.c.root_id == card_id)
    told = select(inquiries.c.id).where(inquiries.c.guest_card_id.in_(family)).order_by(inquiries.c.occurred_at)
    if since is not None:
        then = (deliveries.c.subject_id == inquiries.c.id) & (deliveries.c.acknowledged_at > since)
        told = told.where(exists().where(then, deliveries.c.kind == "event"))
    return list(connection.execute(told).scalars())


def _next(connection: Connection, inquiry_id: uuid.UUID) -> int:
    """A version of this event that was not owed before, and never will be: what is told anew counts down from -1, while
    a sender's corrections count up with the inquiry's revision."""
    lowest = connection.execute(
        select(func.min(deliveries.c.version)).where(
            deliveries.c.kind == "event", deliveries.c.subject_id == inquiry_id
        )
    ).scalar()
    return min(lowest or 0, 0) - 1


def _version(connection: Connection, card_id: uuid.UUID) -> int:
    version: int = connection.execute(
        update(guest_cards)
        .where(guest_cards.c.id == card_id)
        .values(version=guest_cards.c.version + 1)
        .returning(guest_cards.c.version)
    ).scalar_one()
    return version


def asleep(connection: Connection, root: uuid.UUID) -> bool:
    """Whether nobody was ever asked to call about this card: all of it is history."""
    family = select(guest_cards.c.id).where(guest_cards.c.root_id == root)
    return not connection.execute(select(exists().where(tasks.c.guest_card_id.in_(family)))).scalar_one()


def owe_anew(connection: Connection, work: Working, card_id: uuid.UUID) -> None:
    """The card's record is owed again, as it is now."""
    _owe(connection, work, card_id, [Owed("prospect", card_id, _version(connection, card_id))])


def _owe(connection: Connection, work: Working, card_id: uuid.UUID, owed: list[Owed]) -> None:
    row = connection.execute(
        select(guest_cards.c.property_id, guest_cards.c.root_id).where(guest_cards.c.id == card_id)
    ).one()
    info = work.context.portfolio.properties.get(row.property_id) if row.property_id else None
    if info is not None:
        work.owe_by_id(card_id, owed, info, SHELVED if asleep(connection, row.root_id) else None, row.root_id)
