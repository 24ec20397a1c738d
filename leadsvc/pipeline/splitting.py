"""Taking one join back: an inquiry that was placed with a person turns out to be somebody else's (P4)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select, update

from leadsvc.errors import Conflict, NotFound, Reject
from leadsvc.ids import public_key, uuid7
from leadsvc.pipeline import verdicts
from leadsvc.pipeline.amends import owe_rehomed
from leadsvc.pipeline.rebuild import rebuild_prospects
from leadsvc.pipeline.rehoming import Given, Moved, Parting, Rehomed, came_later, insert_person, rehome
from leadsvc.pipeline.stages import restore_cards, restore_tasks
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.working import Working
from leadsvc.store.known import Known
from leadsvc.store.tables import inquiries, match_decisions, prospects

if TYPE_CHECKING:
    from leadsvc.pipeline.seen import Context


def split(connection: Connection, context: Context, decision_id: uuid.UUID, actor: str) -> dict[str, Any]:
    """Give the inquiry of a join decision to a new prospect; what came later goes to whom its own evidence names.

    The two are kept apart from now on. Raises :class:`NotFound` and :class:`Reject`.
    """
    decision, inquiry = _found(connection, decision_id)
    root = connection.execute(select(prospects.c.root_id).where(prospects.c.id == inquiry.prospect_id)).scalar_one()
    _hold_still(connection, root)
    work = Working(Known(), context)
    person, key = uuid7(), public_key("PR")
    insert_person(connection, person, key, inquiry.occurred_at)
    given = Given(inquiry.id, decision_id, actor)
    parting = Parting(root, person, decision.seq, root, given=given)
    later = came_later(connection, parting)
    ours = select(prospects.c.id).where(prospects.c.root_id == root)
    said = _keep_apart(work, root, person, actor)
    told = verdicts.told_by(connection.execute(ours).scalars().all(), [row.id for row in later])
    verdicts.record(work, said, verdicts.APART, told, select(inquiries.c.id).where(inquiries.c.id == inquiry.id))
    work.flush(connection)
    rehomed = rehome(connection, work, parting, later)
    follow_up(connection, work, root, rehomed)
    return _impact(connection, decision_id, root, person, rehomed.moved)


def follow_up(connection: Connection, work: Working, root: uuid.UUID, rehomed: Rehomed) -> None:
    """What follows from inquiries having left the prospect at ``root``: what everybody is known by, cards, tasks, and
    what is owed."""
    work.flush(connection)
    rebuild_prospects(connection, {root, *rehomed.people(connection)}, work.context.portfolio.own_values)
    restore_cards(connection, rehomed.cards)
    restore_tasks(connection, work, rehomed.cards, [])
    owe_rehomed(connection, work, rehomed)
    restore_standing(connection, {root, *rehomed.people(connection)})
    work.flush(connection)


def _found(connection: Connection, decision_id: uuid.UUID) -> tuple[Row[Any], Row[Any]]:
    decision = connection.execute(select(match_decisions).where(match_decisions.c.id == decision_id)).one_or_none()
    if decision is None or decision.kind not in {"assign", "rehome"}:
        raise NotFound("there is no such join")
    inquiry = connection.execute(select(inquiries).where(inquiries.c.decision_id == decision_id)).one_or_none()
    if inquiry is None:
        raise Reject(409, "Already undone", "This inquiry was given to another person before.", code="undone")
    alone = (
        select(func.count())
        .select_from(inquiries.join(prospects, prospects.c.id == inquiries.c.prospect_id))
        .where(
            prospects.c.root_id
            == select(prospects.c.root_id).where(prospects.c.id == inquiry.prospect_id).scalar_subquery()
        )
    )
    if connection.execute(alone).scalar_one() < 2:
        raise Reject(409, "Nothing to part", "This prospect has no other inquiry.", code="only_inquiry")
    return decision, inquiry


def _hold_still(connection: Connection, root: uuid.UUID) -> None:
    """A lead that is just joining this prospect looks again."""
    changed = update(prospects).where(prospects.c.id == root).values(version=prospects.c.version + 1)
    if connection.execute(changed).rowcount != 1:
        raise Conflict("the prospect changed meanwhile")


def _keep_apart(work: Working, one: uuid.UUID, other: uuid.UUID, actor: str) -> uuid.UUID:
    decision_id = uuid7()
    work.decision(
        decision_id,
        kind="keep_apart",
        verdict="apart",
        prospect_id=one,
        other=other,
        rule="by_hand",
        sentence="A person decided that they are different people",
        evidence=[],
        decided_by=actor,
    )
    return decision_id


def _impact(
    connection: Connection, decision_id: uuid.UUID, root: uuid.UUID, person: uuid.UUID, moved: list[Moved]
) -> dict[str, Any]:
    both = select(prospects.c.id, prospects.c.key).where(prospects.c.id.in_((root, person)))
    keys = {row.id: row.key for row in connection.execute(both)}
    return {
        "decision": str(decision_id),
        "prospects": [keys[root], keys[person]],
        "was": keys[root],
        "cards_parted": len({each.to_card for each in moved}),
        "inquiries_rehomed": len(moved),
    }
