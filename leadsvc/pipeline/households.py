"""People who share an address or a number are two people; whether they look for a home together, a person says."""

from __future__ import annotations

from leadsvc.errors import Reject
from leadsvc.ids import uuid7
from leadsvc.pipeline import verdicts
from leadsvc.pipeline.merging import settle_review
from leadsvc.pipeline.working import Working
from leadsvc.resolve.person import Person

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
