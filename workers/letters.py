"""Deliveries that did not go out: why, what would be sent, and sending them again as a person corrected them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Row, func, select, update

from leadsvc.config import Account
from leadsvc.errors import NotFound
from leadsvc.ids import digest_uuid
from leadsvc.store.tables import attempts, deliveries, exceptions, guest_cards
from leadsvc.workers.accounts import near, profile
from leadsvc.workers.cardview import CardView, card_view
from leadsvc.workers.claim import Claimed
from leadsvc.workers.destinations import capabilities
from leadsvc.workers.destinations.base import CARD_FIELDS, Capabilities
from leadsvc.workers.destinations.filling import outgoing
from leadsvc.workers.hints import hint
from leadsvc.workers.push import card_push, overridden
from leadsvc.workers.rations import CORRECTIONS_CAP

_TEXTS = {"prospect": CARD_FIELDS, "event": ("text",), "task": ("title", "text")}
"""What of a delivery can be corrected, by kind; of two cards that become one there is nothing to correct."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery that needs a person; ``since`` is when it was tried last, ``words`` what the destination said."""

    id: uuid.UUID
    card_key: str
    kind: str
    state: str
    cause: str
    since: datetime
    tries: int
    words: str

    @property
    def hint(self) -> str:
        """What to do, in plain words."""
        return hint(self.cause)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; ``cause`` and ``since`` narrow, ``held`` takes what waits for a person as well."""

    cause: str = ""
    since: datetime | None = None
    held: bool = False
    ids: Sequence[uuid.UUID] = ()


def letters(connection: Connection, destination: str, wanted: Filter) -> list[Letter]:
    """What did not go out to ``destination``, in the order in which it was owed."""
    last = (
        select(func.max(func.coalesce(attempts.c.finished_at, attempts.c.started_at)))
        .where(attempts.c.delivery_id == deliveries.c.id)
        .scalar_subquery()
    )
    since = func.coalesce(last, deliveries.c.created_at)
    told = (
        select(func.max(exceptions.c.detail))
        .where(exceptions.c.subject_id == deliveries.c.id, exceptions.c.resolved_at.is_(None))
        .scalar_subquery()
    )
    statement = (
        select(deliveries, guest_cards.c.key, since.label("since"), told.label("told"))
        .join(guest_cards, guest_cards.c.id == deliveries.c.guest_card_id)
        .where(
            deliveries.c.destination == destination,
            deliveries.c.state.in_(("dead", "held") if wanted.held else ("dead",)),
        )
        .order_by(deliveries.c.seq)
    )
    if wanted.cause:
        statement = statement.where(deliveries.c.cause == wanted.cause)
    if wanted.ids:
        statement = statement.where(deliveries.c.id.in_(wanted.ids))
    if wanted.since is not None:
        statement = statement.where(since >= wanted.since)
    return [
        Letter(row.id, row.key, row.kind, row.state, row.cause, row.since, row.attempts, row.told or row.message)
        for row in connection.execute(statement)
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """One field of what would be sent: ``ours`` as the card has it, ``sent`` as it would leave, ``note`` why they
    differ."""

    field: str
    ours: str
    sent: str
    note: str = ""


def preview(
    connection: Connection, account: Account, delivery_id: uuid.UUID, override: Mapping[str, str], now: datetime
) -> list[Line]:
    """What would be sent, field by field. Asks nobody and changes nothing. :class:`NotFound` without the delivery."""
    claimed = _as_claimed(_row(connection, account, delivery_id), now)
    claimed = replace(claimed, override={**claimed.override, **override})
    view = card_view(connection, claimed, now, account.keep_sensitive)
    can = capabilities(account.vendor)
    if claimed.kind == "prospect":
        return list(_card_lines(claimed, view, account, can))
    if claimed.kind == "event":
        longest = can.max_len.get("event_text")
        yours = claimed.override.get("text")
        text = yours or str(view.event["text"])
        lines = [Line(name, str(view.event[name]), str(view.event[name])) for name in ("kind", "at", "source")]
        return [*lines, Line("text", text, text[:longest], _note(text, text[:longest], by_hand=bool(yours)))]
    if claimed.kind == "task":
        said = [(name, claimed.override.get(name), str(view.task.get(column, ""))) for name, column in _TASK.items()]
        lines = [Line(name, text, yours or text, "set by hand" if yours else "") for name, yours, text in said]
        return [*lines, Line("state", str(view.task.get("state", "")), "", _task_note(view))]
    return [
        Line("this card there", view.own_remote_card_id or view.gone_remote_card_id, ""),
        Line("the card it belongs to there", view.remote_card_id, ""),
    ]


_TASK = {"title": "title", "text": "body"}


def _task_note(view: CardView) -> str:
    return "" if view.task.get("state") == "open" else "it is no longer open: nothing would be sent"


def _card_lines(claimed: Claimed, view: CardView, account: Account, can: Capabilities) -> Iterator[Line]:
    card = card_push(view, claimed)
    made = outgoing(card, profile(account), can)
    allowed = account.fields or CARD_FIELDS
    for name in CARD_FIELDS:
        value = getattr(card, name)
        ours = "" if value is None else str(value)
        sent = str(made.values.get(name, ""))
        if not ours and not sent:
            if name in can.required:
                yield Line(name, "", "", "the vendor refuses a card without it")
            continue
        if name not in allowed:
            note = "not among the account's fields: it stays here"
        elif name not in can.fields:
            note = "the vendor has no place for it"
        elif name in made.fallbacks:
            note = "the account's stand-in is sent instead"
        elif name in can.enumerations and sent not in can.enumerations[name]:
            note = f"the vendor takes only {', '.join(can.enumerations[name])}"
        else:
            note = _note(ours, sent, by_hand=name in claimed.override)
        yield Line(name, ours, sent, note)


def _note(ours: str, sent: str, *, by_hand: bool) -> str:
    parts = ["set by hand"] if by_hand else []
    if len(sent) < len(ours) and ours.startswith(sent):
        parts.append(f"cut from {len(ours)} to {len(sent)} characters")
    elif sent != ours:
        parts.append("as the PMS has it")
    return ", ".join(parts)


def troubles(kind: str, override: Mapping[str, str], account: Account) -> Iterator[str]:
    """Why ``override`` cannot be sent with a delivery of ``kind``; nothing when it can."""
    can = capabilities(account.vendor)
    known = _TEXTS.get(kind, ())
    for name, text in override.items():
        if name not in known:
            yield f"{name!r} is no field of a delivery of this kind{near(name, known)}"
            continue
        if kind == "prospect" and account.fields and name not in account.fields:
            yield f"{name} is not among the fields that may leave to {account.name}"
        longest = can.max_len.get(name)
        if longest is not None and len(text) > longest:
            yield f"{name} has {len(text)} characters, and {can.label or account.vendor} takes {longest}"
        words = can.enumerations.get(name, ())
        if words and text not in words:
            yield f"{name} must be one of {', '.join(words)}{near(text, words)}"
        if kind == "prospect":
            yield from _unreadable(name, text)


def _unreadable(name: str, text: str) -> Iterator[str]:
    try:
        overridden({name: text})
    except ValueError:
        wanted = "a day such as 2026-05-01" if name == "move_in" else "a whole number"
        yield f"{name} must be {wanted}"


def _row(connection: Connection, account: Account, delivery_id: uuid.UUID) -> Row[tuple[object, ...]]:
    mine = (deliveries.c.id == delivery_id) & (deliveries.c.destination == account.name)
    row = connection.execute(select(deliveries).where(mine)).one_or_none()
    if row is None:
        raise NotFound(f"{account.name} is owed no delivery {delivery_id}")
    return row


def _as_claimed(row: Row[tuple[object, ...]], now: datetime) -> Claimed:
    names = ("id", "destination", "guest_card_id", "lane_id", "kind", "subject_id", "version")
    same = {name: row._mapping[name] for name in (*names, "failures", "receipt_id", "override", "released")}
    return Claimed(**same, attempt=row._mapping["attempts"], taken_at=now, unsure_at=row._mapping["unsure_at"])


def release(connection: Connection, account: Account, now: datetime, actor: str) -> int:
    """Let the corrections pass that the daily cap keeps back; returns how many. They are not counted."""
    mine = (deliveries.c.destination == account.name) & (deliveries.c.cause == CORRECTIONS_CAP)
    freed = connection.execute(
        update(deliveries)
        .where(mine, deliveries.c.state == "held")
        .values(state="pending", cause="", due_at=now, released=True)
    )
    told = exceptions.c.subject_id == digest_uuid(CORRECTIONS_CAP, account.name)
    closed = {"resolved_at": now, "resolved_by": actor, "resolution": "released"}
    connection.execute(update(exceptions).where(told, exceptions.c.resolved_at.is_(None)).values(**closed))
    return freed.rowcount
