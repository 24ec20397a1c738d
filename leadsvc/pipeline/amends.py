"""What destinations are owed after people were parted: cards, events and tasks as they are now, and work for a person
where the vendor takes nothing back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, select, update

from leadsvc.outbox import SHELVED, Owed
from leadsvc.pipeline.leftovers import work_item
from leadsvc.pipeline.rehoming import OPEN, Rehomed
from leadsvc.pipeline.working import Working
from leadsvc.store.tables import (
    deliveries,
    guest_cards,
    inquiries,
    prospects,
    remote_refs,
    tasks,
)


def correct_destinations(
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
