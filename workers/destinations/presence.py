"""The verdict after a second look: whatever an answer said, is it there? The same for every vendor. Pure."""

from __future__ import annotations

from dataclasses import replace

from leadsvc.workers.destinations.base import Outcome, Result

ABSENT = "accepted_but_absent"
JOINED = "joined"
"""The vendor put our card onto a record of its own choice; whether that is the same person, only people can see."""


def doubtful(result: Result) -> bool:
    """Whether a write must be looked for before it is believed, or before it is tried again."""
    return result.verify_first or (result.outcome is Outcome.ACCEPTED and not result.verified)


def confirmed(result: Result, looked: Result, there: bool) -> Result:
    """What a write came to: ``result`` is its own answer, ``looked`` the reading after it, ``there`` whether that
    showed what was written.

    Ids and version are taken from the reading. Accepted but not to be seen is a retry with the code :data:`ABSENT`;
    when the reading failed, an answer with an id stands unverified and one without stays unknown.
    """
    if there:
        return replace(
            result,
            outcome=Outcome.ACCEPTED,
            verified=True,
            verify_first=False,
            retry_after_s=None,
            code="",
            message="",
            event_id=looked.event_id,
            task_id=looked.task_id,
            card_id=looked.card_id or result.card_id,
            person_id=looked.person_id or result.person_id,
            version=looked.version or result.version,
        )
    if result.ok and looked.ok:
        words = "The destination said yes, but what was written is not there."
        return Result(outcome=Outcome.RETRY, code=ABSENT, message=words, verify_first=True, verified=False)
    if result.ok and result.remote_id:
        return replace(result, verified=False)
    return replace(result, outcome=Outcome.RETRY, verify_first=True, verified=False, written={})
