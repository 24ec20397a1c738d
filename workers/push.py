"""One delivery to one destination: what to look up, what to write, whose record it is (SPEC §9).

Every push looks before it writes and can be repeated at any point. Nothing here touches the store but to read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadsvc.resolve.names import NameLevel, compare, name_key
from leadsvc.workers.cardview import CardView
from leadsvc.workers.claim import Claimed
from leadsvc.workers.destinations.base import (
    CardAt,
    CardKind,
    CardPush,
    Destination,
    EventPush,
    Outcome,
    Query,
    RemoteCard,
    Result,
    TaskPush,
)


@dataclass(frozen=True, slots=True)
class Ref:
    """A remote id learned by a push."""

    kind: str
    entity_id: uuid.UUID
    remote_id: str
    live: bool = True
    standing: str = ""
    source: str = ""
    pushed: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """The outcome of a push and what there is to remember of it. ``source``: of whom it told, where it told of one."""

    result: Result
    refs: tuple[Ref, ...] = ()
    gone: tuple[tuple[uuid.UUID, str], ...] = ()
    source: str = ""


_STANDINGS = {
    CardKind.RESIDENT: "resident",
    CardKind.APPLICANT: "applicant",
    CardKind.FORMER: "former",
    CardKind.PROSPECT: "prospect",
}
_KNOWN_AS = {
    "resident": "(Known as a resident.)",
    "applicant": "(Known as an applicant.)",
    "former": "(Known as a former resident.)",
    "opted_out": "(Opted out: wrote STOP, or an agent noted it.)",
}
_WAIT_FOR_CARD = Result(
    outcome=Outcome.RETRY,
    code="no_remote_card",
    message="the card is not at the destination yet; its own delivery comes first",
)


def push(destination: Destination, claimed: Claimed, view: CardView) -> Pushed:
    """Carry out ``claimed``."""
    if claimed.kind == "prospect":
        return _put_prospect(destination, view)
    if claimed.kind == "event":
        return _add_event(destination, claimed, view)
    if claimed.kind == "task":
        return _put_task(destination, claimed, view)
    if claimed.kind == "merge":
        return _merge(destination, view)
    return _unmerge(destination, view)


# -- the prospect -----------------------------------------------------------------------------------------------------


def _put_prospect(destination: Destination, view: CardView) -> Pushed:
    result, known = _known(destination, view)
    if not result.ok:
        return Pushed(result)
    result = destination.put_prospect(_card(view), known)
    if not result.ok:
        return Pushed(result)
    card_id = result.card_id or (known.card_id if known else "")
    if not card_id or not result.verified:
        # Accepted, but nothing proves that it is there: look again later, never write again (P5).
        return Pushed(_unverified(result))
    standing = _STANDINGS.get(known.status, "") if known else ""
    refs = [Ref("card", view.root_id, card_id, True, standing, known.source if known else "", dict(result.written))]
    person_id = result.person_id or (known.person_id if known else "")
    if person_id:
        refs.append(Ref("person", view.prospect_id, person_id))
    return Pushed(result, tuple(refs), source=view.first_source)


def _unverified(result: Result) -> Result:
    return Result(
        outcome=Outcome.RETRY,
        verify_first=True,
        verified=False,
        code="unverified",
        message=result.message or "accepted without proof; it will be looked up",
        retry_after_s=result.retry_after_s,
    )


def _known(destination: Destination, view: CardView) -> tuple[Result, RemoteCard | None]:
    """The remote record that is this card: by its id, by our key, or adopted because it is the same person."""
    if view.remote_card_id:
        result, card = destination.get_card(_at(view, view.remote_card_id))
        if not result.ok or card is not None:
            return result, card
    query = Query(our_key=view.key, email=view.email, phone=view.phone, property_ref=view.property_ref)
    result, found = destination.find_prospect(query)
    if not result.ok:
        return result, None
    return result, choose(view, found)


def choose(view: CardView, found: tuple[RemoteCard, ...]) -> RemoteCard | None:
    """Which of ``found`` is our person. A record that carries another of our keys is another card; a name that does
    not agree is another person, however much is shared."""
    for each in found:
        if each.our_key and each.our_key in view.keys:
            return each
    ours = name_key(view.first_name, view.last_name)
    agreeing = [
        each
        for each in found
        if not each.our_key and compare(ours, _remote_name(each)) >= NameLevel.GIVEN_ONLY and ours
    ]
    return min(agreeing, key=lambda each: (-int(compare(ours, _remote_name(each))), each.card_id), default=None)


def _remote_name(card: RemoteCard) -> Any:
    first, last = card.fields.get("first_name", ""), card.fields.get("last_name", "")
    if not first and not last:
        first, _, last = card.name.partition(" ")
    return name_key(first, last)


def _at(view: CardView, remote_id: str) -> CardAt:
    return CardAt(card_id=remote_id, property_ref=view.property_ref, our_key=view.key)


def _card(view: CardView) -> CardPush:
    return CardPush(
        our_key=view.key,
        property_ref=view.property_ref,
        person_key=view.prospect_key,
        first_name=view.first_name,
        last_name=view.last_name,
        email=view.email,
        phone=view.phone,
        move_in=max(view.move_in, view.today) if view.move_in else None,
        bedrooms_min=view.bedrooms[0],
        bedrooms_max=view.bedrooms[1],
        budget_max_cents=view.budget_max_cents,
        floor_plan_ref=view.floor_plan_ref,
        unit_ref=view.unit_ref,
        source_name=view.source_there.get(view.first_source, view.first_source),
        source_named=view.first_source in view.source_there,
        agent_ref=view.agent_ref,
        comment=view.comment,
        last_pushed=view.pushed,
    )


# -- history and follow-up --------------------------------------------------------------------------------------------


def _add_event(destination: Destination, claimed: Claimed, view: CardView) -> Pushed:
    if not view.remote_card_id:
        return Pushed(_WAIT_FOR_CARD)
    event = view.event
    text = f"Corrected by the sender: {event['text']}" if event["revision"] > 1 else event["text"]
    text = _with_standing(view, text)
    push_ = EventPush(
        our_event_key=_key("IN", claimed),
        kind=event["kind"],
        at=event["at"],
        text=text,
        source_name=view.source_there.get(event["source"], event["source"]),
        source_named=event["source"] in view.source_there,
        agent_ref=view.agent_ref,
    )
    result = destination.add_event(_at(view, view.remote_card_id), push_)
    refs = (Ref("event", claimed.subject_id, result.event_id),) if result.ok and result.event_id else ()
    return Pushed(result, refs, source=event["source"])


def _put_task(destination: Destination, claimed: Claimed, view: CardView) -> Pushed:
    if not view.remote_card_id:
        return Pushed(_WAIT_FOR_CARD)
    task = view.task
    if not task or task["state"] != "open":
        return Pushed(Result(outcome=Outcome.ACCEPTED, message="the task is no longer open; nothing to do"))
    push_ = TaskPush(
        our_task_key=f"TK-{claimed.subject_id.hex[-12:]}",
        title=task["title"],
        due_at=task["due_at"],
        text=_with_standing(view, task["body"]),
        assignee_ref=task["assignee"],
    )
    result = destination.put_task(_at(view, view.remote_card_id), push_)
    refs = (Ref("task", claimed.subject_id, result.task_id),) if result.ok and result.task_id else ()
    return Pushed(result, refs)


def _with_standing(view: CardView, text: str) -> str:
    """``text`` below a line on what the renter is to the operator already, if anything."""
    known = _KNOWN_AS.get(view.standing)
    return "\n".join(filter(None, (known, text)))


def _key(prefix: str, claimed: Claimed) -> str:
    """Our mark on a remote entry; a correction has a mark of its own, and so has what is told anew (below zero)."""
    version = claimed.version
    suffix = f".{version}" if version > 1 else f".again{-version}" if version < 0 else ""
    return f"{prefix}-{claimed.subject_id.hex[-12:]}{suffix}"


# -- corrections ------------------------------------------------------------------------------------------------------


def _merge(destination: Destination, view: CardView) -> Pushed:
    """The card of this delivery was merged into another: let the remote records follow."""
    loser, survivor = view.own_remote_card_id, view.remote_card_id
    if not view.merged or not loser or not survivor or loser == survivor:
        return Pushed(Result(outcome=Outcome.ACCEPTED, message="there is nothing to merge at the destination"))
    if not destination.capabilities.can_merge:
        message = f"the vendor cannot merge: merge card {loser} into {survivor} there by hand"
        return Pushed(Result(outcome=Outcome.REJECT, code="cannot_merge", message=message))
    result = destination.merge_cards(_at(view, loser), _at(view, survivor))
    return Pushed(result, gone=((view.card_id, loser),) if result.ok else ())


def _unmerge(destination: Destination, view: CardView) -> Pushed:
    """The card of this delivery stands alone again."""
    merged = view.gone_remote_card_id
    if view.merged or not merged:
        return Pushed(Result(outcome=Outcome.ACCEPTED, message="there is nothing to part at the destination"))
    if not destination.capabilities.can_merge:
        message = f"the vendor cannot part merged cards: restore card {merged} there by hand"
        return Pushed(Result(outcome=Outcome.REJECT, code="cannot_unmerge", message=message))
    result = destination.unmerge_card(_at(view, merged))
    return Pushed(result, (Ref("card", view.card_id, merged),) if result.ok else ())
