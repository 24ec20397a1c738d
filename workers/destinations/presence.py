"""The verdict after a second look: whatever an answer said, is it there? The same for every vendor. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadsvc.workers.destinations.base import Outcome, RemoteCard, RemotePerson, Result
from leadsvc.workers.destinations.filling import Values, same

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


def holds(card: RemoteCard, written: Values) -> bool:
    """Whether the card says what was written; a field that an agent took over meanwhile is the agent's business."""
    return all(
        same(name, value, card.fields.get(name, "")) or name in card.agent_fields for name, value in written.items()
    )


def beside(known: RemoteCard, our_key: str, values: Values) -> RemotePerson | None:
    """Who of the further people on a card is the one that we would write as ``values``: by our key; else by both
    names, with the address or the number, unless one side has neither."""
    marked = [one for one in known.others if one.our_key == our_key]
    named = [one for one in known.others if _is(one, values)]
    return next(iter((*marked, *named)), None)


def _is(person: RemotePerson, values: Values) -> bool:
    def agrees(name: str) -> bool:
        return same(name, values.get(name, ""), person.fields.get(name, ""))

    def told(known: Mapping[str, str | int]) -> bool:
        return bool(known.get("email") or known.get("phone"))

    named = all(
        str(values.get(name, "")).casefold() == person.fields.get(name, "").casefold()
        for name in ("first_name", "last_name")
    )
    either = any(values.get(name) and agrees(name) for name in ("email", "phone"))
    return named and (either or not told(values) or not told(person.fields))
