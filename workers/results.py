"""What a destination answered, written down: states, remote ids, the circuit of the account, exceptions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from leadsvc.ids import digest_uuid, uuid7
from leadsvc.pipeline.standing import restore_standing
from leadsvc.pipeline.sync import keep, upsert
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
from leadsvc.workers.push import Pushed
from leadsvc.workers.schedule import circuit_pause, next_try

_LOOKS = 8
"""How often a write that was accepted without proof is looked up before a person is asked."""

_SETTLE_S = 60.0
"""A write without a clear answer may still be under way there: not written again before it has had time to show."""

_UNCLEAR = ("no_answer", "http_502", "http_504", "unreadable", ABSENT)

_AWAY = ("not_sent", "no_answer")
_STUCK_AFTER = 20
"""Attempts after which a delivery that never reaches its account is shown to a person; it is tried on."""


def record(connection: Connection, claimed: Claimed, pushed: Pushed, owner: str, now: datetime) -> None:
    """Write the result of one attempt. What was learned is kept even when the lease was lost meanwhile."""
    result = pushed.result
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery_id == claimed.id, attempts.c.number == claimed.attempt)
        .values(finished_at=now, outcome=result.outcome.value, code=result.code, message=result.message[:500])
    )
    for ref in pushed.refs:
        _remember(connection, claimed, ref, now)
    if any(ref.kind == "card" for ref in pushed.refs) or pushed.gone:
        _stand(connection, claimed)
    for entity_id, remote_id in pushed.gone:
        match = (remote_refs.c.entity_id == entity_id) & (remote_refs.c.remote_id == remote_id)
        connection.execute(
            update(remote_refs).where(match, remote_refs.c.destination == claimed.destination).values(live=False)
        )
    if result.ok and pushed.source:
        unnamed = "source_name" in result.fallbacks
        _tell_of_source(connection, claimed.destination, claimed.guest_card_id, pushed.source, unnamed, now)
    values = _next(connection, claimed, result, now)
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == claimed.id, deliveries.c.state == "in_flight", deliveries.c.lease_owner == owner)
        .values(lease_until=None, lease_owner="", lane_id=present_lane(claimed.guest_card_id), **values)
    )


def _tell_of_source(
    connection: Connection, destination: str, card_id: uuid.UUID, source: str, unmapped: bool, now: datetime
) -> None:
    """A source without a name at the destination goes out as the fallback and is asked for, until it has one."""
    subject = digest_uuid("source", destination, source)
    if unmapped:
        detail = f"{destination} has no name for the source {source}: it goes out as the fallback. Say which it has."
        _open(connection, "unmapped_name", "source", subject, "source", detail, now)
        row = {"id": subject, "kind": "source_name", "scope": destination, "key": name_key(source), "text": source}
        keep(connection, unmapped_names, row | {"source": source, "first_seen_at": now})
        keep(connection, name_sightings, {"name_id": subject, "subject_id": card_id, "at": now})
        return
    asked = (exceptions.c.kind == "unmapped_name") & (exceptions.c.subject_id == subject)
    closed = {"resolved_at": now, "resolved_by": "worker", "resolution": "the source has a name there"}
    found = connection.execute(update(exceptions).where(asked, exceptions.c.resolved_at.is_(None)).values(**closed))
    if found.rowcount:
        # The settings may have it by now; what a person answered is on record already.
        mine = (unmapped_names.c.id == subject) & (unmapped_names.c.state == "open")
        answered = {"state": "answered", "answered_at": now, "answered_by": "worker"}
        connection.execute(update(unmapped_names).where(mine).values(**answered))


def _remember(connection: Connection, claimed: Claimed, ref: Any, now: datetime) -> None:
    row: dict[str, Any] = {
        "destination": claimed.destination,
        "kind": ref.kind,
        "entity_id": ref.entity_id,
        "remote_id": ref.remote_id,
        "live": ref.live,
        "standing": ref.standing,
        "source": ref.source,
        "at": now,
    }
    if ref.pushed is not None:
        row["pushed"] = _pushed_before(connection, row) | dict(ref.pushed)
    upsert(connection, remote_refs, row, ("destination", "kind", "entity_id", "remote_id"))


def _pushed_before(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    statement = select(remote_refs.c.pushed).where(
        *(remote_refs.c[name] == row[name] for name in ("destination", "kind", "entity_id", "remote_id"))
    )
    return dict(connection.execute(statement).scalar() or {})


def _stand(connection: Connection, claimed: Claimed) -> None:
    home = select(guest_cards.c.prospect_id).where(guest_cards.c.id == claimed.guest_card_id)
    restore_standing(connection, (connection.execute(home).scalar_one(),))


def _next(connection: Connection, claimed: Claimed, result: Result, now: datetime) -> dict[str, Any]:
    """The delivery's next state, and the account's."""
    said = {"outcome": result.outcome.value, "message": result.message[:500]}
    if result.ok:
        _well(connection, claimed.destination, now)
        _unstuck(connection, claimed, now)
        done = {"state": "acknowledged", "acknowledged_at": now, "remote_id": result.remote_id, "cause": ""}
        return said | done
    if result.outcome is Outcome.AUTH:
        pause(connection, claimed.destination, result.message, now)
        return said | {"state": "held", "cause": "paused_account"}
    if result.outcome in (Outcome.REJECT, Outcome.PARTIAL):
        _exception(connection, "dead_delivery", claimed, result.code or "rejected", _rejected(result), now)
        return said | {"state": "dead", "cause": result.code or "rejected"}
    return said | _again(connection, claimed, result, now)


def _rejected(result: Result) -> str:
    fields = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in result.field_errors.items())
    return f"The destination refuses it: {result.message or 'no reason given'} {fields}".strip()


def _again(connection: Connection, claimed: Claimed, result: Result, now: datetime) -> dict[str, Any]:
    # Where nobody was at home nothing was tried: that is the account's failure, for its circuit, and uses up no try.
    away = result.code in _AWAY and not result.verify_first
    failures = claimed.failures + (not away)
    unproven = result.code == "unverified" and failures >= _LOOKS
    if unproven:
        detail = "The destination accepted it but shows no trace of it. Look there, then retry or cancel."
        _exception(connection, "held_delivery", claimed, "presence_unknown", detail, now)
        return {"state": "held", "cause": "presence_unknown", "failures": failures}
    if result.code not in {"no_remote_card", "unverified"}:
        _ill(connection, claimed.destination, now)
    if away and claimed.attempt >= _STUCK_AFTER:
        detail = "The destination cannot be reached for this delivery. Look at the account; it is tried on meanwhile."
        _exception(connection, "stuck", claimed, result.code, detail, now)
    unclear = result.verify_first and result.code in _UNCLEAR
    wait = max(result.retry_after_s or 0, _SETTLE_S) if unclear else result.retry_after_s
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
    mine = (exceptions.c.kind == "stuck") & (exceptions.c.subject_id == claimed.id) & exceptions.c.resolved_at.is_(None)
    solved = {"resolved_at": now, "resolved_by": "worker", "resolution": "it was delivered"}
    if claimed.attempt > _STUCK_AFTER:
        connection.execute(update(exceptions).where(mine).values(**solved))


def _well(connection: Connection, name: str, now: datetime) -> None:
    connection.execute(
        update(destinations).where(destinations.c.name == name).values(failures=0, open_until=None, last_success_at=now)
    )


def _ill(connection: Connection, name: str, now: datetime) -> None:
    """Count a failure of the account; too many in a row open its circuit."""
    failures = connection.execute(
        update(destinations)
        .where(destinations.c.name == name)
        .values(failures=destinations.c.failures + 1)
        .returning(destinations.c.failures)
    ).scalar_one()
    rest = circuit_pause(failures)
    if rest is not None:
        connection.execute(update(destinations).where(destinations.c.name == name).values(open_until=now + rest))


def pause(connection: Connection, name: str, reason: str, now: datetime) -> None:
    """Stop an account whose credentials are refused, and say so; it is tried again once a check succeeds."""
    connection.execute(
        update(destinations).where(destinations.c.name == name).values(state="paused", reason=reason[:500])
    )
    said = reason or "no reason given"
    detail = f"{name} refuses our credentials: {said}. Renew them; deliveries wait and resume by themselves."
    _open(connection, "account", "destination", digest_uuid("destination", name), "auth", detail, now)
