"""Taking a merge back (P4): the edge goes, roots are computed anew from the edges that remain, and what came after the
merge goes to the person its own evidence names. Nothing that happened is deleted; destinations are owed the correction.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, func, select, update

from leadsvc.errors import Conflict, NotFound, Reject
from leadsvc.ids import public_key, uuid7
from leadsvc.leadjson import from_json
from leadsvc.outbox import Owed
from leadsvc.pipeline.rebuild import rebuild_prospects
from leadsvc.pipeline.stages import restore_cards
from leadsvc.pipeline.working import Working
from leadsvc.resolve.decide import judge
from leadsvc.resolve.person import Identity, Person
from leadsvc.resolve.roots import follow
from leadsvc.store.known import Known, load_persons
from leadsvc.store.tables import (
    deliveries,
    guest_cards,
    identifiers,
    inquiries,
    match_decisions,
    prospects,
    remote_refs,
    tasks,
)

if TYPE_CHECKING:
    from leadsvc.pipeline.plan import Context


@dataclass(frozen=True, slots=True)
class Moved:
    """An inquiry that went from one root card to another."""

    inquiry_id: uuid.UUID
    from_card: uuid.UUID
    to_card: uuid.UUID


_OPEN = ("pending", "retry", "held", "dead")
_BY_HAND = "A person said that this inquiry is somebody else's"


def unmerge(connection: Connection, context: Context, decision_id: uuid.UUID, actor: str) -> dict[str, Any]:
    """Undo one merge decision; returns what it changed."""
    merge = _merge_decision(connection, decision_id)
    family = _family(connection, merge)
    edges = [each for each in merges_in_force(connection, family) if each.id != decision_id]
    new_roots = follow(prospect_edges(edges), family)
    old_root = next(iter(family.values())).root_id
    _write_prospect_roots(connection, family, new_roots)
    work = Working(Known(), context)
    work.decision(
        uuid7(),
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
    parted = _write_card_roots(connection, cards, edges, merge)
    roots = {new_roots[merge.prospect_id], new_roots[merge.other_prospect_id]}
    rehomed = rehome(connection, work, new_roots[merge.prospect_id], new_roots[merge.other_prospect_id], merge.seq)
    rebuild_prospects(connection, roots, context.portfolio.own_values)
    touched = (
        set(parted)
        | {card for pair in parted.items() for card in pair}
        | {each.to_card for each in rehomed}
        | {each.from_card for each in rehomed}
    )
    restore_cards(connection, {_root_now(connection, each) for each in touched})
    reopened = _reopen_tasks(connection, decision_id)
    _correct_destinations(connection, work, parted, reopened, rehomed)
    work.flush(connection)
    return {
        "decision": str(decision_id),
        "prospects": sorted(family[each].key for each in roots),
        "was": family[old_root].key if old_root in family else "",
        "cards_parted": len(parted),
        "inquiries_rehomed": len(rehomed),
    }


def _merge_decision(connection: Connection, decision_id: uuid.UUID) -> Row[Any]:
    row = connection.execute(select(match_decisions).where(match_decisions.c.id == decision_id)).one_or_none()
    if row is None or row.kind != "merge":
        raise NotFound("there is no such merge")
    undone = select(match_decisions.c.id).where(match_decisions.c.undoes == decision_id)
    if connection.execute(undone).first() is not None:
        raise Reject(409, "Already undone", "This merge was taken back before.", code="undone")
    return row


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


def card_edges(merges: Iterable[Row[Any]]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(gone, kept) pairs of cards, as the decisions recorded them."""
    rows = [row for each in merges for row in each.evidence if row.get("field") == "card"]
    return [(uuid.UUID(row["theirs"]), uuid.UUID(row["ours"])) for row in rows]


def _write_card_roots(
    connection: Connection, cards: Mapping[uuid.UUID, Row[Any]], edges: Iterable[Row[Any]], merge: Row[Any]
) -> dict[uuid.UUID, uuid.UUID]:
    """Cards that stand alone again -> the card they were part of."""
    roots = follow(card_edges(edges), cards)
    parted: dict[uuid.UUID, uuid.UUID] = {}
    for gone, kept in card_edges([merge]):
        if roots[gone] != roots[kept]:
            parted[gone] = kept
    for card_id, row in cards.items():
        if row.root_id != roots[card_id]:
            connection.execute(update(guest_cards).where(guest_cards.c.id == card_id).values(root_id=roots[card_id]))
        lane = (deliveries.c.guest_card_id == card_id) & deliveries.c.state.in_(_OPEN)
        connection.execute(update(deliveries).where(lane).values(lane_id=roots[card_id]))
    return parted


def rehome(connection: Connection, work: Working, stays: uuid.UUID, leaves: uuid.UUID, since: int) -> list[Moved]:
    """Inquiries that joined later but whose evidence names the one who left; they move."""
    later = connection.execute(
        select(inquiries)
        .join(match_decisions, match_decisions.c.id == inquiries.c.decision_id)
        .where(inquiries.c.prospect_id == stays, match_decisions.c.seq > since)
        .order_by(match_decisions.c.seq)
    ).all()
    if not later:
        return []
    own = work.context.portfolio.own_values
    ids = [row.id for row in later]
    persons = {root: _person_without(connection, root, ids, own) for root in (stays, leaves)}
    shared = set(connection.execute(select(identifiers.c.id).where(identifiers.c.trust == "shared")).scalars())
    moved: list[Moved] = []
    for row in later:
        identity = Identity.of(from_json(row.lead), own)
        ranks = {root: _rank(identity, person, row, shared) for root, person in persons.items()}
        if ranks[leaves] > ranks[stays]:
            moved.append(move(connection, work, row, leaves, stays))
    return moved


def _person_without(connection: Connection, root: uuid.UUID, left_out: list[uuid.UUID], own: frozenset[str]) -> Person:
    """The prospect as known from its inquiries but those in question."""
    person = load_persons(connection, {root})[root]
    person.identifiers, person.names = {}, []
    statement = (
        select(inquiries.c.lead)
        .join(prospects, prospects.c.id == inquiries.c.prospect_id)
        .where(prospects.c.root_id == root, inquiries.c.id.not_in(left_out))
    )
    for lead in connection.execute(statement).scalars():
        identity = Identity.of(from_json(lead), own)
        person.identifiers |= {each.id: each for each in identity.identifiers}
        if identity.name:
            person.names.append(identity.name)
    return person


def _rank(identity: Identity, person: Person, row: Row[Any], shared: Collection[uuid.UUID]) -> int:
    same_place = any(card.property_id == row.property_id for card in person.cards)
    finding = judge(identity, person, shared=shared, same_content=False, same_place=same_place, lone=True)
    return finding.rank if finding is not None and finding.verdict == "join" else -1


def move(
    connection: Connection,
    work: Working,
    row: Row[Any],
    to: uuid.UUID,
    stays: uuid.UUID,
    *,
    undoes: uuid.UUID | None = None,
    decided_by: str = "rules",
) -> Moved:
    """Let an inquiry go to ``to``: to their card at the property, or to a new one."""
    card_id = connection.execute(
        select(guest_cards.c.id)
        .join(prospects, prospects.c.id == guest_cards.c.prospect_id)
        .where(
            prospects.c.root_id == to,
            guest_cards.c.root_id == guest_cards.c.id,
            guest_cards.c.property_id.is_not_distinct_from(row.property_id),
        )
        .order_by(guest_cards.c.last_at.desc())
        .limit(1)
    ).scalar()
    if card_id is None:
        card_id = new_card(connection, work, row, to)
    decision_id = uuid7()
    work.decision(
        decision_id,
        kind="rehome",
        verdict="join",
        inquiry_id=row.id,
        prospect_id=to,
        other=stays,
        undoes=undoes,
        rule="by_hand" if undoes else "parted",
        sentence=_BY_HAND if undoes else "After the two were parted, its own evidence names this person",
        evidence=[],
        decided_by=decided_by,
    )
    values = {"prospect_id": to, "guest_card_id": card_id, "decision_id": decision_id}
    connection.execute(update(inquiries).where(inquiries.c.id == row.id).values(**values))
    return Moved(row.id, _root_now(connection, row.guest_card_id), card_id)


def new_card(connection: Connection, work: Working, row: Row[Any], person: uuid.UUID) -> uuid.UUID:
    """A card of ``person`` for an inquiry that leaves another, with a first-contact task of its own."""
    from_card = connection.execute(select(guest_cards).where(guest_cards.c.id == row.guest_card_id)).mappings().one()
    card_id = uuid7()
    values = dict(from_card) | {
        "id": card_id,
        "root_id": card_id,
        "key": public_key("GC"),
        "prospect_id": person,
        "first_source": row.source,
        "first_campaign": row.campaign,
        "stage": "new",
        "may_be": None,
        "opened_at": row.occurred_at,
        "last_at": row.occurred_at,
        "version": 1,
    }
    connection.execute(guest_cards.insert().values(**values))
    message = (row.lead.get("message") or {}).get("value", "")
    connection.execute(tasks.insert().values(**work.first_contact(card_id, row.property_id, row.id, message)))
    return card_id


def _root_now(connection: Connection, card_id: uuid.UUID) -> uuid.UUID:
    root: uuid.UUID = connection.execute(select(guest_cards.c.root_id).where(guest_cards.c.id == card_id)).scalar_one()
    return root


def _reopen_tasks(connection: Connection, decision_id: uuid.UUID) -> list[Row[Any]]:
    """Tasks that were cancelled because their card was merged."""
    return list(
        connection.execute(
            update(tasks)
            .where(tasks.c.state == "cancelled", tasks.c.reason == f"merged:{decision_id}")
            .values(state="open", reason="", version=tasks.c.version + 1)
            .returning(tasks)
        )
    )


def _correct_destinations(
    connection: Connection,
    work: Working,
    parted: Mapping[uuid.UUID, uuid.UUID],
    reopened: list[Row[Any]],
    rehomed: list[Moved],
) -> None:
    """Owe every destination the cards as they are now; what it cannot undo becomes a work item."""
    for gone, kept in sorted(parted.items()):
        shared = _give_back(connection, gone, kept)
        for card_id, others in ((gone, [Owed("unmerge", gone, _version(connection, gone))]), (kept, [])):
            owed = [*others, Owed("prospect", card_id, _version(connection, card_id))]
            if card_id in shared:
                told = _history(connection, card_id)
                ask_to_remove(connection, work, kept if card_id == gone else gone, told)
                owed += [Owed("event", each, _next(connection, each)) for each in told]
            _owe(connection, work, card_id, owed)
    owe_moved(connection, work, rehomed)
    for task in reopened:
        _owe(connection, work, task.guest_card_id, [Owed("task", task.id, task.version)])


def _give_back(connection: Connection, gone: uuid.UUID, kept: uuid.UUID) -> set[uuid.UUID]:
    """A remote record that stood for both stays with the card that made it. Returns the cards that have none now,
    whose history must be told anew."""
    refs = connection.execute(
        select(remote_refs)
        .where(remote_refs.c.kind == "card", remote_refs.c.entity_id.in_((gone, kept)))
        .order_by(remote_refs.c.at)
    ).all()
    owner: dict[str, uuid.UUID] = {}
    without = {gone, kept} - {ref.entity_id for ref in refs}
    for ref in refs:
        if owner.setdefault(ref.remote_id, ref.entity_id) != ref.entity_id:
            match = (remote_refs.c.entity_id == ref.entity_id) & (remote_refs.c.remote_id == ref.remote_id)
            connection.execute(delete(remote_refs).where(match, remote_refs.c.kind == "card"))
            without.add(ref.entity_id)
    return without


def owe_moved(connection: Connection, work: Working, moved: list[Moved]) -> None:
    """Inquiries on another card than before: told there, and to be removed by hand where they were."""
    for each in moved:
        open_tasks = connection.execute(
            select(tasks.c.id, tasks.c.version).where(tasks.c.guest_card_id == each.to_card, tasks.c.state == "open")
        ).all()
        owed = [Owed("prospect", each.to_card, _version(connection, each.to_card))]
        owed.append(Owed("event", each.inquiry_id, _next(connection, each.inquiry_id)))
        _owe(connection, work, each.to_card, [*owed, *(Owed("task", task.id, task.version) for task in open_tasks)])
        ask_to_remove(connection, work, each.from_card, [each.inquiry_id])
        _owe(connection, work, each.from_card, [Owed("prospect", each.from_card, _version(connection, each.from_card))])


def ask_to_remove(
    connection: Connection, work: Working, card_id: uuid.UUID, inquiry_ids: Collection[uuid.UUID]
) -> None:
    """A note that was written on a remote card cannot be taken back from here: somebody there must."""
    family = select(guest_cards.c.id).where(guest_cards.c.root_id == card_id)
    written = connection.execute(
        select(deliveries.c.remote_id, deliveries.c.destination).where(
            deliveries.c.kind == "event", deliveries.c.subject_id.in_(inquiry_ids), deliveries.c.state == "acknowledged"
        )
    ).all()
    waiting = deliveries.c.subject_id.in_(inquiry_ids) & (deliveries.c.kind == "event")
    cancelled = {"state": "cancelled", "cause": "moved to another card"}
    connection.execute(update(deliveries).where(waiting, deliveries.c.state.in_(_OPEN)).values(**cancelled))
    if not written:
        return
    property_id = connection.execute(select(guest_cards.c.property_id).where(guest_cards.c.id.in_(family))).scalar()
    entries = ", ".join(f"{row.remote_id} ({row.destination})" for row in written)
    row = work.first_contact(card_id, property_id, next(iter(inquiry_ids)), "") | {
        "kind": "correct_destination",
        "title": "Remove another person's inquiry from this card in the PMS",
        "body": f"These entries belong to somebody else by now: {entries}.",
    }
    connection.execute(tasks.insert().values(**row))


def _history(connection: Connection, card_id: uuid.UUID) -> list[uuid.UUID]:
    family = select(guest_cards.c.id).where(guest_cards.c.root_id == card_id)
    told = select(inquiries.c.id).where(inquiries.c.guest_card_id.in_(family)).order_by(inquiries.c.occurred_at)
    return list(connection.execute(told).scalars())


def _next(connection: Connection, inquiry_id: uuid.UUID) -> int:
    """A version of this event that was not owed before."""
    highest = connection.execute(
        select(func.max(deliveries.c.version)).where(
            deliveries.c.kind == "event", deliveries.c.subject_id == inquiry_id
        )
    ).scalar()
    return (highest or 0) + 1


def _version(connection: Connection, card_id: uuid.UUID) -> int:
    version: int = connection.execute(
        update(guest_cards)
        .where(guest_cards.c.id == card_id)
        .values(version=guest_cards.c.version + 1)
        .returning(guest_cards.c.version)
    ).scalar_one()
    return version


def _owe(connection: Connection, work: Working, card_id: uuid.UUID, owed: list[Owed]) -> None:
    row = connection.execute(
        select(guest_cards.c.property_id, guest_cards.c.root_id).where(guest_cards.c.id == card_id)
    ).one()
    info = work.context.portfolio.properties.get(row.property_id) if row.property_id else None
    if info is not None:
        work.owe_by_id(card_id, owed, info, None, row.root_id)
