"""What a destination answered, written down: states, remote ids, the circuit of the account, exceptions. One module, as
all of it is one transaction after the call."""

from __future__ import annotations

import functools
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Executable, Update, bindparam, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from leadsvc.ids import digest_uuid, uuid7
from leadsvc.pipeline.flowback import take_edits
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.sync import keep
from leadsvc.places import name_key
from leadsvc.store.tables import (
    attempts,
    deliveries,
    destinations,
    exceptions,
    guest_cards,
    name_sightings,
    remote_refs,
    unmapped_names,
)
from leadsvc.workers.claim import Claimed, present_lane
from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.presence import ABSENT
from leadsvc.workers.push import NOT_YET_VISIBLE, Hold, Pushed
from leadsvc.workers.schedule import PROBE_PAUSED, PROBE_SOON, circuit_pause, next_try, rest
from leadsvc.workers.throttle import book

_LOOKS = 8
"""How often a write that was accepted without proof is looked up before a person is asked."""

_SETTLE_S = 60.0
"""A write without a clear answer may still be under way there: not written again before it has had time to show."""

_UNCLEAR = ("no_answer", "http_502", "http_504", "unreadable", ABSENT)

PRESENCE_UNKNOWN = "presence_unknown"
_NOTHING_WRITTEN = ("no_remote_card", NOT_YET_VISIBLE, PRESENCE_UNKNOWN)
_OWN_DOUBT = (*_NOTHING_WRITTEN, "unverified", ABSENT)
"""Codes by which we say what we do not know; a wish to wait is about the one write, not about the account."""

_AWAY = ("not_sent", "no_answer")
_STUCK_AFTER = 20
"""Attempts after which a delivery that never reaches its account is shown to a person; it is tried on."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an attempt took: remote ``calls``. ``settle_s``: how long a write may stay invisible at the vendor."""

    calls: int = 0
    settle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt that is over, and what it came to."""

    claimed: Claimed
    pushed: Pushed
    cost: Cost


def record(connection: Connection, finished: Sequence[Finished], owner: str, now: datetime) -> bool:
    """Write down what attempts at one account came to, in as few statements for many as for one. What was learned is
    kept even where the lease was lost meanwhile.

    Returns whether the account may be given more at once; not when it failed too often, refuses us or wants a rest.
    """
    name = finished[0].claimed.destination
    connection.execute(_ATTEMPT, [_attempt(each, now) for each in finished])
    book(connection, name, sum(each.cost.calls - each.claimed.booked for each in finished if each.claimed.booked), now)
    _learn(connection, finished, now)
    _tell_of_sources(connection, finished, now)
    if any(each.pushed.result.ok for each in finished):
        _well(connection, name, now)
    states: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for each in finished:
        claimed = each.claimed
        mine = {
            "b_delivery": claimed.id,
            "b_owner": owner,
            "b_number": claimed.attempt,
            "b_card": claimed.guest_card_id,
        }
        values = _next(connection, claimed, each.pushed, now, each.cost.settle_s)
        states[tuple(values)].append(mine | values)
    for names, rows in states.items():
        connection.execute(_delivery(names), rows)
    for each in finished:
        _told_along(connection, each.pushed, now)
    unwell = [_unwell(connection, name, each.pushed.result, now) for each in finished]
    return not any(unwell)


def _attempt(each: Finished, now: datetime) -> dict[str, Any]:
    result = each.pushed.result
    told = {"outcome": result.outcome.value, "code": result.code, "message": result.message[:500]}
    which = {"b_delivery": each.claimed.id, "b_number": each.claimed.attempt}
    return which | told | {"finished_at": now, "calls": each.cost.calls}


def _learn(connection: Connection, finished: Sequence[Finished], now: datetime) -> None:
    """Keep what the destination has of ours by now, what stands no more, and what its agents typed over ours."""
    changed = _remember(connection, finished, now)
    for each in finished:
        claimed, pushed = each.claimed, each.pushed
        for entity_id, remote_id in pushed.gone:
            match = (remote_refs.c.entity_id == entity_id) & (remote_refs.c.remote_id == remote_id)
            connection.execute(
                update(remote_refs).where(match, remote_refs.c.destination == claimed.destination).values(live=False)
            )
        if claimed.id in changed or pushed.gone:
            _stand(connection, claimed)
        if pushed.result.ok and pushed.typed:
            take_edits(connection, _person_of(connection, claimed), pushed.typed, claimed.destination, now)


_ATTEMPT = (
    update(attempts)
    .where(attempts.c.delivery_id == bindparam("b_delivery"), attempts.c.number == bindparam("b_number"))
    .values({name: bindparam(name) for name in ("finished_at", "calls", "outcome", "code", "message")})
)


@functools.cache
def _delivery(names: tuple[str, ...]) -> Update:
    """The delivery that is still ours, with the columns ``names`` of its next state; one for each kind of state."""
    mine = (deliveries.c.id == bindparam("b_delivery")) & (deliveries.c.lease_owner == bindparam("b_owner"))
    taken = (deliveries.c.state == "in_flight") & (deliveries.c.attempts == bindparam("b_number"))
    return (
        update(deliveries)
        .where(mine, taken)
        .values(
            {name: bindparam(name) for name in names}
            | {"lease_until": None, "lease_owner": "", "lane_id": present_lane(bindparam("b_card"))}
        )
    )


def _told_along(connection: Connection, pushed: Pushed, now: datetime) -> None:
    """Debts that were open before the card was read are paid by what was pushed of it."""
    if not (pushed.result.ok and pushed.along):
        return
    said = {"outcome": pushed.result.outcome.value, "message": "told with another delivery of the card"}
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(pushed.along), deliveries.c.state.in_(("pending", "retry")))
        .values(state="acknowledged", acknowledged_at=now, cause="", remote_id=pushed.result.remote_id, **said)
    )


def _unwell(connection: Connection, name: str, result: Result, now: datetime) -> bool:
    """Whether the account is to be left alone from now on; keeps the rest that it asked for."""
    if result.ok:
        return False
    wish = rest(result.retry_after_s)
    if result.outcome is Outcome.RETRY and wish and result.code not in _OWN_DOUBT:
        mine = destinations.c.name == name
        later = destinations.c.not_before.is_(None) | (destinations.c.not_before < now + wish)
        connection.execute(update(destinations).where(mine, later).values(not_before=now + wish))
        return True
    state = connection.execute(
        select(destinations.c.state, destinations.c.open_until).where(destinations.c.name == name)
    ).one_or_none()
    return state is not None and (state.state == "paused" or state.open_until is not None)


def _tell_of_sources(connection: Connection, finished: Sequence[Finished], now: datetime) -> None:
    """A source without a name at the destination goes out as the fallback and is asked for, until it has one."""
    named: set[uuid.UUID] = set()
    for each in finished:
        source, result = each.pushed.source, each.pushed.result
        if not (result.ok and source):
            continue
        subject = digest_uuid("source", each.claimed.destination, source)
        if "source_name" in result.fallbacks:
            _ask_for_source(connection, each.claimed, source, subject, now)
        else:
            named.add(subject)
    if not named:
        return
    if solved := connection.execute(_NAMED, {"subjects": list(named), "resolved_at": now}).scalars().all():
        # The settings may have it by now; what a person answered is on record already.
        mine = unmapped_names.c.id.in_(solved) & (unmapped_names.c.state == "open")
        answered = {"state": "answered", "answered_at": now, "answered_by": "worker"}
        connection.execute(update(unmapped_names).where(mine).values(**answered))


def _ask_for_source(connection: Connection, claimed: Claimed, source: str, subject: uuid.UUID, now: datetime) -> None:
    name = claimed.destination
    detail = f"{name} has no name for the source {source}: it goes out as the fallback. Say which it has."
    _open(connection, "unmapped_name", "source", subject, "source", detail, now)
    row = {"id": subject, "kind": "source_name", "scope": name, "key": name_key(source), "text": source}
    keep(connection, unmapped_names, row | {"source": source, "first_seen_at": now})
    keep(connection, name_sightings, {"name_id": subject, "subject_id": claimed.guest_card_id, "at": now})


_NAMED = (
    update(exceptions)
    .where(
        exceptions.c.kind == "unmapped_name",
        exceptions.c.subject_id.in_(bindparam("subjects", expanding=True)),
        exceptions.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("resolved_at"), resolved_by="worker", resolution="the source has a name there")
    .returning(exceptions.c.subject_id)
)


def _remember(connection: Connection, finished: Sequence[Finished], now: datetime) -> set[uuid.UUID]:
    """Keep the remote ids; of which deliveries they tell anything new of what the person is there."""
    learned = [(each.claimed, ref) for each in finished for ref in each.pushed.refs]
    if not learned:
        return set()
    kinds, entities = {ref.kind for _, ref in learned}, {ref.entity_id for _, ref in learned}
    asked = {"destination": learned[0][0].destination, "kinds": list(kinds), "entities": list(entities)}
    before = {(row.kind, row.entity_id, row.remote_id): row for row in connection.execute(_REFS, asked)}
    changed: set[uuid.UUID] = set()
    rows: dict[tuple[str, uuid.UUID, str], dict[str, Any]] = {}
    for claimed, ref in learned:
        key = (ref.kind, ref.entity_id, ref.remote_id)
        known = before.get(key)
        told = rows[key]["pushed"] if key in rows else known.pushed if known else {}
        rows[key] = {
            "destination": claimed.destination,
            "kind": ref.kind,
            "entity_id": ref.entity_id,
            "remote_id": ref.remote_id,
            "live": ref.live,
            "shared": ref.shared,
            "standing": ref.standing,
            "source": ref.source,
            "pushed": dict(told or {}) | dict(ref.pushed or {}),
            "at": now,
        }
        new = bool(ref.standing) if known is None else (known.standing, known.live) != (ref.standing, ref.live)
        if ref.kind == "card" and new:
            changed.add(claimed.id)
    # In one order everywhere: a person may be at the account under two cards, which two workers push.
    connection.execute(_kept_ref(connection.dialect.name), [rows[key] for key in sorted(rows)])
    return changed


_REFS = select(
    remote_refs.c.kind,
    remote_refs.c.entity_id,
    remote_refs.c.remote_id,
    remote_refs.c.pushed,
    remote_refs.c.standing,
    remote_refs.c.live,
).where(
    remote_refs.c.destination == bindparam("destination"),
    remote_refs.c.kind.in_(bindparam("kinds", expanding=True)),
    remote_refs.c.entity_id.in_(bindparam("entities", expanding=True)),
)


@functools.cache
def _kept_ref(dialect: str) -> Executable:
    """A remote id that is new, or is told anew."""
    added = pg_insert(remote_refs) if dialect == "postgresql" else sqlite_insert(remote_refs)
    key = [column.name for column in remote_refs.primary_key]
    news = {column.name: added.excluded[column.name] for column in remote_refs.columns if column.name not in key}
    return added.on_conflict_do_update(index_elements=key, set_=news)


def _stand(connection: Connection, claimed: Claimed) -> None:
    restore_standing(connection, (_person_of(connection, claimed),))


def _person_of(connection: Connection, claimed: Claimed) -> uuid.UUID:
    """Whose card it is now: that of the root it is part of."""
    person: uuid.UUID = connection.execute(_PERSON, {"card": claimed.guest_card_id}).scalar_one()
    return person


_own = guest_cards.alias("own")
_PERSON = (
    select(guest_cards.c.prospect_id)
    .join(_own, _own.c.root_id == guest_cards.c.id)
    .where(_own.c.id == bindparam("card"))
)


def _next(connection: Connection, claimed: Claimed, pushed: Pushed, now: datetime, settle_s: float) -> dict[str, Any]:
    """The delivery's next state, and the account's."""
    result = pushed.result
    said = {"outcome": result.outcome.value, "message": result.message[:500]}
    if pushed.hold is not None:
        return said | _held(connection, claimed, pushed.hold, now)
    if result.ok:
        _unstuck(connection, claimed, now)
        if pushed.by_hand:
            _exception(connection, "held_delivery", claimed, "correct_by_hand", pushed.by_hand, now)
        done = {"state": "acknowledged", "acknowledged_at": now, "remote_id": result.remote_id, "cause": ""}
        return said | done | {"unsure_at": None}
    if result.outcome is Outcome.AUTH:
        pause(connection, claimed.destination, result.message, now)
        return said | {"state": "held", "cause": "paused_account"}
    if result.outcome in (Outcome.REJECT, Outcome.PARTIAL):
        _exception(connection, "dead_delivery", claimed, result.code or "rejected", _rejected(result), now)
        return said | {"state": "dead", "cause": result.code or "rejected"}
    unsure = {"unsure_at": now} if result.verify_first and result.code not in _NOTHING_WRITTEN else {}
    return said | unsure | _again(connection, claimed, result, now, settle_s)


def _held(connection: Connection, claimed: Claimed, hold: Hold, now: datetime) -> dict[str, Any]:
    """Something of ours, not of the destination's, keeps it back. A cause of the whole account is one exception."""
    if hold.by_itself and hold.until is not None:
        return {"state": "retry", "cause": hold.cause, "due_at": hold.until}
    if hold.whole_account:
        subject = digest_uuid(hold.cause, claimed.destination)
        _open(connection, "held_delivery", "destination", subject, hold.cause, hold.detail, now)
    else:
        _exception(connection, "held_delivery", claimed, hold.cause, hold.detail, now)
    return {"state": "held", "cause": hold.cause, "due_at": hold.until or now}


def _rejected(result: Result) -> str:
    fields = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in result.field_errors.items())
    return f"The destination refuses it: {result.message or 'no reason given'} {fields}".strip()


def _again(connection: Connection, claimed: Claimed, result: Result, now: datetime, settle_s: float) -> dict[str, Any]:
    if result.code == NOT_YET_VISIBLE:
        # Nothing was tried: the time in which a write may stay invisible is not over.
        return {"state": "retry", "cause": result.code, "due_at": now + timedelta(seconds=result.retry_after_s or 1.0)}
    # Where nobody was at home nothing was tried: that is the account's failure, for its circuit, and uses up no try.
    away = result.code in _AWAY and not result.verify_first
    failures = claimed.failures + (not away)
    if result.code == PRESENCE_UNKNOWN or (result.code == "unverified" and failures >= _LOOKS):
        detail = (
            "It may have been written there, and the destination cannot show it. Look there: cancel it if it is"
            f" there, `leadsvc destinations replay {claimed.destination} {claimed.id} --not-there` if it is not."
        )
        _exception(connection, "held_delivery", claimed, "presence_unknown", detail, now)
        return {"state": "held", "cause": "presence_unknown", "failures": failures}
    if result.code not in {"no_remote_card", "unverified"}:
        _ill(connection, claimed.destination, now)
    if away and claimed.attempt >= _STUCK_AFTER:
        detail = "The destination cannot be reached for this delivery. Look at the account; it is tried on meanwhile."
        _exception(connection, "stuck", claimed, result.code, detail, now)
    unclear = result.verify_first and result.code in _UNCLEAR
    wait = max(result.retry_after_s or 0, _SETTLE_S, settle_s) if unclear else result.retry_after_s
    due_at = next_try(now, max(failures, 1), wait)
    if due_at is None:
        detail = f"All tries are used up. Last answer: {result.message or result.code or 'none'}"
        _exception(connection, "dead_delivery", claimed, "tries_used_up", detail, now)
        return {"state": "dead", "cause": "tries_used_up", "failures": failures}
    return {"state": "retry", "cause": result.code, "due_at": due_at, "failures": failures}


def _exception(connection: Connection, kind: str, claimed: Claimed, cause: str, detail: str, now: datetime) -> None:
    _open(connection, kind, "delivery", claimed.id, cause, detail, now)


def _open(
    connection: Connection, kind: str, subject_kind: str, subject_id: Any, cause: str, detail: str, now: datetime
) -> None:
    present = select(exceptions.c.id).where(
        exceptions.c.kind == kind, exceptions.c.subject_id == subject_id, exceptions.c.resolved_at.is_(None)
    )
    if connection.execute(present).first() is None:
        row = {"id": uuid7(), "kind": kind, "subject_kind": subject_kind, "subject_id": subject_id}
        connection.execute(exceptions.insert().values(**row, cause=cause, detail=detail, opened_at=now))


def _unstuck(connection: Connection, claimed: Claimed, now: datetime) -> None:
    told = exceptions.c.kind.in_(("stuck", "held_delivery"))
    mine = told & (exceptions.c.subject_id == claimed.id) & exceptions.c.resolved_at.is_(None)
    solved = {"resolved_at": now, "resolved_by": "worker", "resolution": "it was delivered"}
    if claimed.attempt > 1:
        connection.execute(update(exceptions).where(mine).values(**solved))


def _well(connection: Connection, name: str, now: datetime) -> None:
    connection.execute(_NEWS, {"b_name": name, "b_fresh": now - timedelta(seconds=1), "last_success_at": now})


# One row for all that is pushed there: written only where it says something new.
_NEWS = (
    update(destinations)
    .where(
        destinations.c.name == bindparam("b_name"),
        or_(
            destinations.c.failures != 0,
            destinations.c.open_until.is_not(None),
            destinations.c.last_success_at.is_(None),
            destinations.c.last_success_at < bindparam("b_fresh"),
        ),
    )
    .values(failures=0, open_until=None, last_success_at=bindparam("last_success_at"))
)


def _ill(connection: Connection, name: str, now: datetime) -> None:
    """Count a failure of the account; too many in a row open its circuit."""
    failures = connection.execute(
        update(destinations)
        .where(destinations.c.name == name)
        .values(failures=destinations.c.failures + 1)
        .returning(destinations.c.failures)
    ).scalar_one()
    pause_ = circuit_pause(failures)
    if pause_ is not None:
        connection.execute(update(destinations).where(destinations.c.name == name).values(open_until=now + pause_))


def pause(connection: Connection, name: str, reason: str, now: datetime) -> None:
    """Stop an account whose credentials are refused, and say so; it is tried again once a check succeeds."""
    connection.execute(
        update(destinations)
        .where(destinations.c.name == name)
        .values(
            state="paused",
            reason=reason[:500],
            open_until=case((destinations.c.state == "paused", now + PROBE_PAUSED), else_=now + PROBE_SOON),
        )
    )
    said = reason or "no reason given"
    detail = f"{name} refuses our credentials: {said}. Renew them; deliveries wait and resume by themselves."
    _open(connection, "account", "destination", digest_uuid("destination", name), "auth", detail, now)
