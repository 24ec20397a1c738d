"""People of one household at one property share one record at the destination, where the account says so and the vendor
can (SPEC §9): who stands with whom, and what each of their deliveries becomes there."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select

from leadsvc.config import Account
from leadsvc.resolve.golden import shown
from leadsvc.store.queries.households import confirmed
from leadsvc.store.tables import deliveries, guest_cards, prospects, remote_refs, tasks
from leadsvc.workers.cardview import CardView, Host
from leadsvc.workers.claim import Claimed
from leadsvc.workers.destinations import capabilities
from leadsvc.workers.destinations.base import PERSON_FIELDS, CardAt, Destination, Outcome, Result
from leadsvc.workers.push import Hold, Pushed, Ref, card_push, known_there, not_yet_shown, push, unverified

NOT_SHAREABLE = "not_shareable"
_BUSY = "household_busy"
_SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Together:
    """The cards of a household at one property beside the one that is pushed, by their lanes. ``busy``: another
    process writes for one of them now."""

    lanes: frozenset[uuid.UUID]
    busy: bool


def shares(account: Account) -> bool:
    """Whether households of the account share a record."""
    may = not account.follows or account.follower_creates
    return account.household == "shared" and may and capabilities(account.vendor).co_prospects


def with_household(
    connection: Connection, claimed: Claimed, view: CardView, owner: str, now: datetime, willing: bool
) -> Together | None:
    """Find who stands, or (``willing``) may stand, with the person of ``view`` on one remote record, and write into
    ``view`` whose record that is and whether a follow-up is open there. ``None`` for a card that stands alone."""
    mates = confirmed(connection, view.prospect_id) if willing else frozenset()
    lanes = _lanes(connection, claimed, view, mates)
    if not lanes and not view.shared:
        return None
    if view.shared:
        view.host = _owner(connection, claimed.destination, view.remote_card_id)
    elif not view.remote_card_id:
        view.host = _oldest(connection, claimed.destination, lanes)
    if claimed.kind == "task":
        view.covered = _covered(connection, claimed, view)
    return Together(lanes, _busy(connection, claimed, lanes, owner, now))


def kept_for(together: Together | None, now: datetime) -> Hold | None:
    """Why a delivery waits a moment: at a record there is one writer at a time."""
    if together is None or not together.busy:
        return None
    return Hold(_BUSY, "another of the household's cards is being written there", now + _SOON, by_itself=True)


def push_together(
    destination: Destination, claimed: Claimed, view: CardView, now: datetime, allowed: Collection[str]
) -> Pushed:
    """Carry out ``claimed`` for somebody who stands, or is about to stand, on the record of ``view.host``; only
    ``allowed`` fields leave."""
    host = view.host
    if host is None or claimed.kind in ("merge", "unmerge"):
        return push(destination, claimed, view, now)
    if claimed.kind == "prospect":
        return _stands(view, host, allowed) if view.shared else _joined(destination, claimed, view, host, now, allowed)
    return push(destination, claimed, said_for(view, host, allowed) if view.shared else view, now)


def said_for(view: CardView, host: Host, allowed: Collection[str]) -> CardView:
    """What somebody who stands on another's record has to say there: under their name, as it is not their record."""
    at_host = replace(view, key=host.key, email=host.email, phone=host.phone)
    who = _name(view, allowed)
    at_host.event = {**view.event, "text": f"{who}{view.event['text']}"} if view.event else {}
    at_host.task = {**view.task, "body": f"{who}{view.task['body']}"} if view.task else {}
    return at_host


def _joined(
    destination: Destination, claimed: Claimed, view: CardView, host: Host, now: datetime, allowed: Collection[str]
) -> Pushed:
    """Let them stand on the host's record, unless they have one of their own there already."""
    result, own = known_there(destination, view)
    if not result.ok:
        return Pushed(result)
    if own is not None and own.card_id != host.remote_id:
        return push(destination, claimed, view, now)
    if (waits := not_yet_shown(destination, claimed, now)) is not None:
        return waits
    beside = {"our_key": host.key, "email": host.email, "phone": host.phone}
    at = CardAt(card_id=host.remote_id, property_ref=view.property_ref, delivery_key=view.delivery_key, **beside)
    card = card_push(view, claimed)
    result = destination.add_co_prospect(at, card)
    if result.code == NOT_SHAREABLE:
        return push(destination, claimed, view, now)
    if not result.ok:
        return Pushed(result)
    if not result.verified:
        return Pushed(unverified(result))
    told = {name: str(getattr(card, name)) for name in PERSON_FIELDS if name in allowed and getattr(card, name)}
    refs = [Ref("card", view.root_id, result.card_id or host.remote_id, pushed=told, shared=True)]
    refs += [Ref("person", view.prospect_id, result.person_id)] if result.person_id else []
    return Pushed(result, tuple(refs), along=view.also_owed)


def _stands(view: CardView, host: Host, allowed: Collection[str]) -> Pushed:
    """They stand there. No vendor lets us change a further person of a record: what changed, a person corrects."""
    now = {name: getattr(view, name) for name in PERSON_FIELDS if name in allowed and getattr(view, name)}
    changed = [name.replace("_", " ") for name in now if otherwise_there(view, name)]
    words = f"Card {view.remote_card_id}: correct the {' and '.join(changed)} of the co-prospect ({view.key}) there."
    done = Result(outcome=Outcome.ACCEPTED, card_id=view.remote_card_id, message=f"stands on the card of {host.key}")
    refs = (Ref("card", view.root_id, view.remote_card_id, pushed=now, shared=True),)
    return Pushed(done, refs, along=view.also_owed, by_hand=words if changed else "")


def otherwise_there(view: CardView, name: str) -> bool:
    """Whether a field of somebody who stands there is another now than when they were put there."""
    return bool(view.pushed.get(name, getattr(view, name)) != getattr(view, name))


def _name(view: CardView, allowed: Collection[str]) -> str:
    """Who speaks, before a text on the shared record; our key where the account may not be told a name."""
    names = (getattr(view, name) for name in ("first_name", "last_name") if name in allowed)
    return f"{' '.join(filter(None, names)) or view.key}: "


# -- out of the store -------------------------------------------------------------------------------------------------


def _lanes(
    connection: Connection, claimed: Claimed, view: CardView, mates: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    found: set[uuid.UUID] = set()
    if mates:
        mine = select(guest_cards.c.property_id).where(guest_cards.c.id == view.root_id).scalar_subquery()
        wanted = (
            select(guest_cards.c.id)
            .join(prospects, prospects.c.id == guest_cards.c.prospect_id)
            .where(prospects.c.root_id.in_(mates), guest_cards.c.property_id == mine)
            .where(guest_cards.c.root_id == guest_cards.c.id)
        )
        found |= set(connection.execute(wanted).scalars())
    if view.remote_card_id:
        there = _cards(claimed.destination).where(remote_refs.c.remote_id == view.remote_card_id)
        found |= {row.entity_id for row in connection.execute(there)}
    return frozenset(found - {view.root_id})


def _cards(destination: str) -> Select[Any]:
    """The living records of cards at a destination, the oldest first."""
    return (
        select(remote_refs.c.entity_id, remote_refs.c.remote_id)
        .where(remote_refs.c.destination == destination, remote_refs.c.kind == "card", remote_refs.c.live)
        .order_by(remote_refs.c.at)
    )


def _owner(connection: Connection, destination: str, remote_id: str) -> Host:
    """Whose record it is that they share; nobody's, where that is not known any more."""
    made = (
        select(remote_refs.c.entity_id)
        .where(remote_refs.c.destination == destination, remote_refs.c.kind == "card", ~remote_refs.c.shared)
        .where(remote_refs.c.remote_id == remote_id)
        .order_by(remote_refs.c.live.desc(), remote_refs.c.at)
    )
    card_id = connection.execute(made.limit(1)).scalar()
    return Host(remote_id, "", "", "") if card_id is None else _as_host(connection, remote_id, card_id)


def _oldest(connection: Connection, destination: str, lanes: Collection[uuid.UUID]) -> Host | None:
    """Who of the household made the first record there."""
    made = _cards(destination).where(remote_refs.c.entity_id.in_(lanes), ~remote_refs.c.shared)
    ref = connection.execute(made.limit(1)).one_or_none()
    return None if ref is None else _as_host(connection, ref.remote_id, ref.entity_id)


def _as_host(connection: Connection, remote_id: str, card_id: uuid.UUID) -> Host:
    home = prospects.alias("home")
    row = connection.execute(
        select(guest_cards.c.key, prospects.c.golden, prospects.c.edits)
        .join(home, home.c.id == guest_cards.c.prospect_id)
        .join(prospects, prospects.c.id == home.c.root_id)
        .where(guest_cards.c.id == card_id)
    ).one()
    golden = shown(row.golden, row.edits)
    return Host(remote_id, row.key, golden.get("email") or "", golden.get("phone") or "")


def _covered(connection: Connection, claimed: Claimed, view: CardView) -> bool:
    """Whether a follow-up of another card is open on the record that this one would be written on."""
    card, task, own = remote_refs.alias("card"), remote_refs.alias("task"), remote_refs.alias("own")
    mine = select(own.c.remote_id).where(
        own.c.destination == claimed.destination, own.c.kind == "task", own.c.entity_id == claimed.subject_id
    )
    if not view.remote_card_id or connection.execute(mine.limit(1)).first() is not None:
        return False
    other = (
        select(tasks.c.id)
        .join(task, (task.c.entity_id == tasks.c.id) & (task.c.kind == "task"))
        .join(guest_cards, guest_cards.c.id == tasks.c.guest_card_id)
        .join(card, (card.c.entity_id == guest_cards.c.root_id) & (card.c.kind == "card") & card.c.live)
        .where(task.c.destination == claimed.destination, card.c.destination == claimed.destination)
        .where(card.c.remote_id == view.remote_card_id, tasks.c.state == "open", tasks.c.id != claimed.subject_id)
    )
    return connection.execute(other.limit(1)).first() is not None


def _busy(connection: Connection, claimed: Claimed, lanes: Collection[uuid.UUID], owner: str, now: datetime) -> bool:
    at_work = select(deliveries.c.id).where(
        deliveries.c.destination == claimed.destination,
        deliveries.c.lane_id.in_(lanes),
        deliveries.c.state == "in_flight",
        deliveries.c.lease_until > now,
        deliveries.c.lease_owner != owner,
    )
    return connection.execute(at_work.limit(1)).first() is not None
