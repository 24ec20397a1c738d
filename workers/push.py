"""One delivery to one destination: what to look up, what to write, whose record it is (SPEC §9).

Every push looks before it writes and can be repeated at any point. Nothing here touches the store but to read.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
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
    Profile,
    Query,
    RemoteCard,
    Result,
    TaskPush,
)
from leadsvc.workers.destinations.filling import source_name
from leadsvc.workers.destinations.presence import JOINED


@dataclass(frozen=True, slots=True)
class Ref:
    """A remote id learned by a push. ``shared``: of a record that another card made."""

    kind: str
    entity_id: uuid.UUID
    remote_id: str
    live: bool = True
    standing: str = ""
    source: str = ""
    pushed: Mapping[str, str] | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Why we keep something back: ``until`` a time or, with ``None``, a person's word. ``by_itself``: it is looked at
    again at that time, and nobody need know."""

    cause: str
    detail: str
    until: datetime | None = None
    whole_account: bool = False
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """The outcome of a push and what there is to remember of it. ``source``: of whom it told, where it told of one.
    ``along``: deliveries that are done with it. ``by_hand``: what a person has to do at the destination. ``hold``:
    nothing was tried. ``typed``: what an agent wrote there over what we had written."""

    result: Result
    refs: tuple[Ref, ...] = ()
    gone: tuple[tuple[uuid.UUID, str], ...] = ()
    source: str = ""
    along: tuple[uuid.UUID, ...] = ()
    by_hand: str = ""
    hold: Hold | None = None
    typed: Mapping[str, str] = field(default_factory=dict)


def kept_back(hold: Hold) -> Pushed:
    """Nothing was asked of the destination."""
    return Pushed(Result(outcome=Outcome.RETRY, code=hold.cause, message=hold.detail), hold=hold)


NOT_YET_VISIBLE = "not_yet_visible"

PROSPECT_ABSENT = Result(
    outcome=Outcome.RETRY,
    code="prospect_absent",
    message="the account does not have the prospect, and may not be given it",
)


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


def push(destination: Destination, claimed: Claimed, view: CardView, now: datetime) -> Pushed:
    """Carry out ``claimed``."""
    if claimed.kind == "prospect":
        return _put_prospect(destination, claimed, view, now)
    if claimed.kind == "event":
        return _add_event(destination, claimed, view)
    if claimed.kind == "task":
        return _put_task(destination, claimed, view)
    if claimed.kind == "merge":
        return _merge(destination, view)
    return _unmerge(destination, view)


# -- the prospect -----------------------------------------------------------------------------------------------------


def _put_prospect(destination: Destination, claimed: Claimed, view: CardView, now: datetime) -> Pushed:
    result, known = known_there(destination, view)
    if not result.ok:
        return Pushed(result)
    if known is None and not view.may_create:
        return Pushed(PROSPECT_ABSENT)
    if known is None and (waits := not_yet_shown(destination, claimed, now)) is not None:
        return waits
    result = destination.put_prospect(card_push(view, claimed), known)
    if not result.ok:
        return Pushed(result)
    card_id = result.card_id or (known.card_id if known else "")
    if not card_id or not result.verified:
        # Accepted, but nothing proves that it is there: look again later, never write again (P5).
        return Pushed(unverified(result))
    standing = _STANDINGS.get(known.status, "") if known else ""
    refs = [Ref("card", view.root_id, card_id, True, standing, known.source if known else "", dict(result.written))]
    person_id = result.person_id or (known.person_id if known else "")
    if person_id:
        refs.append(Ref("person", view.prospect_id, person_id))
    typed = typed_there(view, known) if known else {}
    told = f"Card {card_id}: {result.message}" if result.code == JOINED else ""
    return Pushed(result, tuple(refs), source=view.first_source, along=view.also_owed, typed=typed, by_hand=told)


def typed_there(view: CardView, known: RemoteCard) -> Mapping[str, str]:
    """Contact values that an agent typed over what we had written there; what was there before us is no edit."""
    found = {}
    for name in ("first_name", "last_name", "email", "phone"):
        theirs, ours = known.fields.get(name, ""), view.pushed.get(name, "")
        edited = name in known.agent_fields or (ours and _folded(theirs) != _folded(ours))
        sound = name not in _FORM or _FORM[name].fullmatch(theirs)
        if theirs and edited and sound and _folded(theirs) != _folded(getattr(view, name)):
            found[name] = theirs
    return found


_FORM = {"email": re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"), "phone": re.compile(r"\+[1-9]\d{6,14}")}


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def not_yet_shown(destination: Destination, claimed: Claimed, now: datetime) -> Pushed | None:
    """That a write of an earlier attempt may still be invisible: absent is what is absent after that time."""
    if claimed.unsure_at is None:
        return None
    invisible_s = destination.capabilities.read_back_delay_s - (now - claimed.unsure_at).total_seconds()
    if invisible_s <= 0:
        return None
    words = "an earlier attempt may have written it, and the vendor shows what is new only after a while"
    return Pushed(Result(outcome=Outcome.RETRY, code=NOT_YET_VISIBLE, message=words, retry_after_s=invisible_s))


def corrections(claimed: Claimed, view: CardView, profile: Profile) -> tuple[str, ...]:
    """Which of ``CORRECTIONS`` a delivery makes in what the destination was told before; empty for what is new."""
    if claimed.kind == "merge":
        return ("merge",) if view.merged and view.own_remote_card_id not in ("", view.remote_card_id) else ()
    if claimed.kind == "unmerge":
        return ("unmerge",) if not view.merged and view.gone_remote_card_id else ()
    if claimed.kind != "prospect" or not view.remote_card_id:
        return ()
    card = card_push(view, claimed)
    now = {"email": card.email, "phone": card.phone, "source_name": ""}
    now["source_name"] = source_name(card.source_name, profile, card.source_named)[0]
    changed = {
        name
        for name, value in now.items()
        if value and name in profile.allowed_fields and view.pushed.get(name, value).casefold() != value.casefold()
    }
    return tuple(
        kind for kind, names in (("contact", {"email", "phone"}), ("source", {"source_name"})) if names & changed
    )


def by_hand(destination: Destination, kinds: tuple[str, ...], pushed: Pushed) -> str:
    """What a person has to do at the destination, because the vendor lets nobody else make these corrections."""
    sentences = [destination.capabilities.corrections.get(kind, "") for kind in kinds if kind in ("contact", "source")]
    return " ".join(f"Card {pushed.result.card_id}: {each}" for each in sentences if each) if pushed.result.ok else ""


def unverified(result: Result) -> Result:
    """Accepted without proof: it is looked up later, and not written again before."""
    return Result(
        outcome=Outcome.RETRY,
        verify_first=True,
        verified=False,
        code="unverified",
        message=result.message or "accepted without proof; it will be looked up",
        retry_after_s=result.retry_after_s,
    )


def known_there(destination: Destination, view: CardView) -> tuple[Result, RemoteCard | None]:
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
    beside = {"our_key": view.key, "email": view.email, "phone": view.phone}
    return CardAt(card_id=remote_id, property_ref=view.property_ref, delivery_key=view.delivery_key, **beside)


def card_push(view: CardView, claimed: Claimed) -> CardPush:
    """The card as it is now, with what a person set for this delivery."""
    card = CardPush(
        our_key=view.key,
        property_ref=view.property_ref,
        time_zone=view.time_zone,
        unsure=claimed.unsure_at is not None,
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
        delivery_key=view.delivery_key,
    )
    return replace(card, **overridden(claimed.override)) if claimed.override else card


def overridden(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of :class:`CardPush` out of the texts of an override; ``ValueError`` for a text that is no such value.
    A source is meant as the PMS has it."""
    typed: dict[str, Any] = {}
    for name, text in values.items():
        if name == "move_in":
            typed[name] = date.fromisoformat(text) if text else None
        elif name in _NUMBERS:
            typed[name] = int(text) if text else None
        else:
            typed[name] = text
    return typed | ({"source_named": True} if typed.get("source_name") else {})


_NUMBERS = ("bedrooms_min", "bedrooms_max", "budget_max_cents")


# -- history and follow-up --------------------------------------------------------------------------------------------


def _add_event(destination: Destination, claimed: Claimed, view: CardView) -> Pushed:
    if not view.remote_card_id:
        return Pushed(_WAIT_FOR_CARD)
    event = view.event
    text = f"Corrected by the sender: {event['text']}" if event["revision"] > 1 else event["text"]
    text = claimed.override.get("text") or _with_standing(view, text)
    push_ = EventPush(
        our_event_key=_key("IN", claimed),
        kind=event["kind"],
        at=event["at"],
        text=text,
        source_name=view.source_there.get(event["source"], event["source"]),
        source_named=event["source"] in view.source_there,
        agent_ref=view.agent_ref,
        time_zone=view.time_zone,
        unsure=claimed.unsure_at is not None,
    )
    result = destination.add_event(_at(view, view.remote_card_id), push_)
    refs = (Ref("event", claimed.subject_id, result.event_id),) if result.ok and result.event_id else ()
    return Pushed(result, refs, source=event["source"])


def _put_task(destination: Destination, claimed: Claimed, view: CardView) -> Pushed:
    if not view.remote_card_id:
        return Pushed(_WAIT_FOR_CARD)
    task = view.task
    if not task or task["state"] != "open":
        done = Result(outcome=Outcome.ACCEPTED, message="the task is no longer open; nothing to do")
        return Pushed(done, along=view.also_owed)
    if view.covered:
        done = Result(outcome=Outcome.ACCEPTED, code="task_shared", message="the household's open follow-up is there")
        return Pushed(replace(done, card_id=view.remote_card_id), along=view.also_owed)
    push_ = TaskPush(
        our_task_key=f"TK-{claimed.subject_id.hex[-12:]}",
        title=claimed.override.get("title") or task["title"],
        due_at=task["due_at"],
        text=claimed.override.get("text") or _with_standing(view, task["body"]),
        assignee_ref=task["assignee"],
        time_zone=view.time_zone,
        unsure=claimed.unsure_at is not None,
        delivery_key=view.delivery_key,
    )
    result = destination.put_task(_at(view, view.remote_card_id), push_)
    refs = (Ref("task", claimed.subject_id, result.task_id),) if result.ok and result.task_id else ()
    return Pushed(result, refs, along=view.also_owed if result.ok else ())


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
    if view.shared or view.own_shared:
        message = f"a household shares card {survivor if view.shared else loser}: let {loser} go over into {survivor}"
        return Pushed(Result(outcome=Outcome.REJECT, code="shared_card", message=f"{message} there by hand"))
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
