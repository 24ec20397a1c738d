"""What hangs on guest cards: inquiries and their other contents, tasks, outcomes, deliveries, remote ids.

Each function is given all cards that are one card and answers in one statement (inquiries: two).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, literal, select, union_all

from leadsvc.store.queries.rows import task_columns
from leadsvc.store.queries.shapes import Attempt, Delivery, Earlier, Inquiry, Outcome, RemoteRef, Task
from leadsvc.store.tables import (
    attempts,
    deliveries,
    fates,
    inquiries,
    outcomes,
    receipts,
    remote_refs,
    revisions,
    sources,
    tasks,
)

_MOST = 300  # of each kind on one card; more than that is a machine


def select_inquiries() -> Select[Any]:
    """The columns of :class:`Inquiry`, in its order, without ``others``."""
    own = inquiries.c
    return (
        select(
            own.id,
            own.guest_card_id.label("card_id"),
            own.prospect_id,
            own.decision_id,
            own.receipt_id,
            own.position,
            own.feed,
            own.external_id,
            own.source,
            sources.c.name.label("source_name"),
            own.campaign,
            own.contact_type,
            own.occurred_at,
            own.received_at,
            own.revision,
            own.map_id,
            own.map_version,
            own.lead,
            own.placement,
            own.flags,
            receipts.c.channel.label("receipt_channel"),
            receipts.c.state.label("receipt_state"),
        )
        .join(receipts, receipts.c.id == own.receipt_id)
        .outerjoin(sources, sources.c.slug == own.source)
    )


def inquiries_of(connection: Connection, card_ids: Collection[UUID]) -> list[Inquiry]:
    """Inquiries in the order in which they occurred, each with its earlier and re-delivered contents."""
    newest = (inquiries.c.occurred_at.desc(), inquiries.c.id.desc())
    statement = select_inquiries().where(inquiries.c.guest_card_id.in_(card_ids)).order_by(*newest).limit(_MOST)
    told = [inquiry_at(row) for row in reversed(connection.execute(statement).mappings().all())]
    others = _others(connection, [each.id for each in told])
    return [replace(each, others=others.get(each.id, ())) for each in told]


def inquiry_at(row: Any) -> Inquiry:
    """One row of :func:`select_inquiries`."""
    values = dict(row)
    values["source_name"] = values["source_name"] or values["source"]
    values["external_id"] = values["external_id"] or ""
    return Inquiry(**values)


def _others(connection: Connection, inquiry_ids: Collection[UUID]) -> dict[UUID, list[Earlier]]:
    before = select(
        revisions.c.inquiry_id,
        literal("earlier").label("kind"),
        revisions.c.revision.label("number"),
        revisions.c.receipt_id,
        revisions.c.why,
        revisions.c.replaced_at.label("at"),
        revisions.c.lead,
    ).where(revisions.c.inquiry_id.in_(inquiry_ids))
    again = (
        select(
            fates.c.inquiry_id,
            fates.c.fate,
            fates.c.position,
            fates.c.receipt_id,
            fates.c.reason,
            receipts.c.received_at,
            fates.c.lead,
        )
        .join(receipts, receipts.c.id == fates.c.receipt_id)
        .where(fates.c.inquiry_id.in_(inquiry_ids))
    )
    both = union_all(before, again).subquery()
    others: dict[UUID, list[Earlier]] = defaultdict(list)
    for row in connection.execute(select(both).order_by(both.c.at).limit(_MOST)):
        others[row.inquiry_id].append(Earlier(*row))
    return others


def tasks_of(connection: Connection, card_ids: Collection[UUID]) -> list[Task]:
    """Open tasks first, due first."""
    statement = select(*task_columns()).where(tasks.c.guest_card_id.in_(card_ids))
    statement = statement.order_by(tasks.c.state != "open", tasks.c.due_at, tasks.c.id).limit(_MOST)
    return [Task(*row) for row in connection.execute(statement)]


def outcomes_of(connection: Connection, card_ids: Collection[UUID]) -> list[Outcome]:
    """Outcomes in the order in which they happened."""
    columns = [outcomes.c[name] for name in Outcome.__dataclass_fields__]
    statement = select(*columns).where(outcomes.c.guest_card_id.in_(card_ids)).order_by(outcomes.c.at, outcomes.c.id)
    return [Outcome(*row) for row in connection.execute(statement.limit(_MOST))]


def select_deliveries() -> Select[Any]:
    """Deliveries beside their attempts, one row per attempt."""
    return select(
        *(deliveries.c[name] for name in DELIVERY),
        *(attempts.c[name].label(f"try_{name}") for name in _ATTEMPT),
    ).outerjoin(attempts, attempts.c.delivery_id == deliveries.c.id)


DELIVERY = tuple(name for name in Delivery.__dataclass_fields__ if name != "tries")
_ATTEMPT = tuple(Attempt.__dataclass_fields__)


def deliveries_of(connection: Connection, card_ids: Collection[UUID]) -> list[Delivery]:
    """Deliveries in the order in which they are owed, with every attempt."""
    order = (deliveries.c.destination, deliveries.c.seq, deliveries.c.id, attempts.c.number)
    statement = select_deliveries().where(deliveries.c.guest_card_id.in_(card_ids)).order_by(*order).limit(5 * _MOST)
    owed: dict[UUID, Delivery] = {}
    for row in connection.execute(statement).mappings():
        known = owed.setdefault(row["id"], Delivery(**{name: row[name] for name in DELIVERY}))
        if row["try_number"] is not None:
            one = Attempt(**{name: row[f"try_{name}"] for name in _ATTEMPT})
            owed[row["id"]] = replace(known, tries=(*known.tries, one))
    return list(owed.values())


def refs_of(connection: Connection, entity_ids: Collection[UUID]) -> list[RemoteRef]:
    """Ids that destinations gave to these cards and people; live ones first."""
    columns = [remote_refs.c[name] for name in RemoteRef.__dataclass_fields__]
    statement = select(*columns).where(remote_refs.c.entity_id.in_(entity_ids))
    order = (remote_refs.c.live.desc(), remote_refs.c.destination, remote_refs.c.kind, remote_refs.c.remote_id)
    return [RemoteRef(*row) for row in connection.execute(statement.order_by(*order).limit(_MOST))]
