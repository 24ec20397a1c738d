"""People who share an address or a number are two people; whether they look for a home together, a person says."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, Select, select, update

from leadsvc.errors import Reject
from leadsvc.ids import uuid7
from leadsvc.pipeline import verdicts
from leadsvc.pipeline.amends import owe_anew
from leadsvc.pipeline.leftovers import work_item
from leadsvc.pipeline.merging import settle_review
from leadsvc.pipeline.working import Working
from leadsvc.resolve.person import Person
from leadsvc.store.tables import guest_cards, prospects, remote_refs

_SAID = {
    "related": "A person confirmed that they are a household",
    "apart": "A person said that they are no household",
}


def say_household(work: Working, one: Person, other: Person, verdict: str, actor: str) -> None:
    """Record the ``verdict`` (related, apart), and that they are two people, unless that was said before."""
    if verdict not in _SAID:
        raise Reject(422, "Unknown verdict", f"Choose one of {', '.join(_SAID)}.", code="verdict")
    work.decision(
        uuid7(),
        kind="household",
        verdict=verdict,
        prospect_id=one.id,
        other=other.id,
        rule="by_hand",
        sentence=_SAID[verdict],
        evidence=[],
        decided_by=actor,
    )
    if verdict == "related" and other.id not in one.apart:
        decision_id = uuid7()
        work.decision(
            decision_id,
            kind="keep_apart",
            verdict="apart",
            prospect_id=one.id,
            other=other.id,
            rule="household",
            sentence="They are a household, so they are two people",
            evidence=[],
            decided_by=actor,
        )
        verdicts.record(
            work, decision_id, verdicts.APART, verdicts.told_by(one.members), verdicts.told_by(other.members)
        )
        settle_review(work, one.members | other.members, actor, "different people, one household")


def part_household(connection: Connection, work: Working, one: Person, other: Person) -> None:
    """They are no household after all: where one stands on the other's record at a destination, a person takes them
    off, as no vendor lets us; what comes from now on goes to a record of their own."""
    for guest, host in ((one, other), (other, one)):
        for ref in connection.execute(_shared_by(guest.id, host.id)).all():
            mine = (remote_refs.c.entity_id == ref.entity_id) & (remote_refs.c.remote_id == ref.remote_id)
            connection.execute(
                update(remote_refs).where(mine, remote_refs.c.destination == ref.destination).values(live=False)
            )
            body = (
                f"Take the co-prospect ({ref.key}) off card {ref.remote_id} ({ref.destination}): they are no household."
            )
            work_item(connection, work, ref.entity_id, "Part two renters who share a card in the PMS", body)
            owe_anew(connection, work, ref.entity_id)


def _shared_by(guest: uuid.UUID, host: uuid.UUID) -> Select[Any]:
    """Records on which cards of ``guest`` stand, and which cards of ``host`` made."""
    made, maker, owner = remote_refs.alias("made"), guest_cards.alias("maker"), prospects.alias("owner")
    return (
        select(remote_refs, guest_cards.c.key)
        .join(guest_cards, guest_cards.c.id == remote_refs.c.entity_id)
        .join(prospects, prospects.c.id == guest_cards.c.prospect_id)
        .join(made, (made.c.remote_id == remote_refs.c.remote_id) & (made.c.destination == remote_refs.c.destination))
        .join(maker, maker.c.id == made.c.entity_id)
        .join(owner, owner.c.id == maker.c.prospect_id)
        .where(remote_refs.c.kind == "card", remote_refs.c.shared, remote_refs.c.live)
        .where(made.c.kind == "card", ~made.c.shared, prospects.c.root_id == guest, owner.c.root_id == host)
    )
