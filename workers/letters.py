"""Deliveries that need a person: which they are, sending them again as a person corrected them, one or many."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, tuple_, update

from leadsvc.config import Account, Settings
from leadsvc.errors import NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.ids import digest_uuid, uuid7
from leadsvc.letters import Batch, Filter, Letter, LetterPage, Opened, Released
from leadsvc.outbox import CORRECTIONS_CAP
from leadsvc.pipeline.actions import Actions
from leadsvc.store import Store
from leadsvc.store.tables import attempts, audit, deliveries, exceptions, guest_cards
from leadsvc.workers.destinations import VENDORS
from leadsvc.workers.hints import hint
from leadsvc.workers.rehearse import rehearsed, troubles

MOST = 1000
"""Letters that one call sends again."""

_LOOKED_AT = 50
"""Letters of a dry run whose troubles are looked up, and those that a release shows."""


class DeadLetters:
    """:class:`leadsvc.letters.Letters` over a store."""

    def __init__(self, store: Store, settings: Settings, actions: Actions, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._actions = actions
        self._clock = clock

    def page(self, wanted: Filter, after: str | None = None, limit: int = 50) -> LetterPage:
        here = tuple_(deliveries.c.seq, deliveries.c.id)
        statement = _letters(wanted).limit(limit + 1)
        if after:
            statement = statement.where(here > tuple_(*_place(after)))
        counted = (
            select(deliveries.c.destination, deliveries.c.cause, func.count())
            .where(_state(wanted.held))
            .group_by(deliveries.c.destination, deliveries.c.cause)
            .order_by(deliveries.c.destination, deliveries.c.cause)
        )
        with self._store.read() as connection:
            rows = connection.execute(statement).all()
            counts = [(row[0], row[1], row[2]) for row in connection.execute(counted)]
        shown = [_letter(row) for row in rows[:limit]]
        more = f"{rows[limit - 1].seq:x}-{rows[limit - 1].id.hex}" if len(rows) > limit else None
        return LetterPage(shown, counts, more)

    def open(self, letter_id: uuid.UUID, actor: str, override: Mapping[str, str] | None = None) -> Opened:
        with self._store.read() as connection:
            row = self._row(connection, letter_id)
            self._refuse(row, override or {})
            opened = self._opened(connection, row, override or {})
        self._note(actor, "preview", "delivery", str(letter_id), {})
        return opened

    def replay(
        self, letter_id: uuid.UUID, actor: str, override: Mapping[str, str] | None = None, *, not_there: bool = False
    ) -> None:
        with self._store.read() as connection:
            row = self._row(connection, letter_id)
        self._refuse(row, override or {})
        both = {**row.override, **override} if override else None  # what was set for it before stays set
        self._actions.retry_delivery(letter_id, actor, override=both, not_there=not_there)

    def replay_all(self, wanted: Filter, actor: str, *, dry_run: bool = False) -> Batch:
        asked_at = wanted.until or self._clock()
        found = _letters(wanted, asked_at)
        with self._store.read() as connection:
            rows = connection.execute(found.limit(MOST)).all()
            all_ = len(rows)
            if all_ == MOST:
                all_ = connection.execute(
                    select(func.count()).select_from(found.order_by(None).subquery())
                ).scalar_one()
            if dry_run:
                looked = {row.id: self._opened(connection, row, {}).troubles for row in rows[:_LOOKED_AT]}
                batch = Batch([_letter(row) for row in rows], all_ - len(rows), asked_at, looked)
        if dry_run:
            self._note(actor, "preview", "destination", wanted.destination, {"deliveries": len(rows)})
            return batch
        moved = self._actions.retry_deliveries([row.id for row in rows], actor)
        return Batch([_letter(row) for row in rows if row.id in moved], all_ - len(rows), asked_at, {})

    def release(
        self, destination: str, actor: str, *, until: datetime | None = None, dry_run: bool = False
    ) -> Released:
        account = self._settings.accounts.get(destination)
        if account is None:
            raise NotFound(f"No destination {destination} is configured.")
        asked_at = until or self._clock()
        kept_back = _kept_back(destination, asked_at)
        with self._store.read() as connection:
            first = [_letter(row) for row in connection.execute(kept_back.limit(_LOOKED_AT))]
            count = connection.execute(select(func.count()).select_from(kept_back.order_by(None).subquery()))
            released = Released(first, count.scalar_one(), asked_at)
        if dry_run:
            self._note(actor, "preview", "destination", destination, {"corrections": released.count})
            return released
        with self._store.write(Commit.ADMIN) as connection:
            released = replace(released, count=release(connection, account, self._clock(), actor, asked_at))
        self._note(actor, "release", "destination", destination, {"corrections": released.count})
        self._actions.intake.nudge()
        return released

    def cancel(self, letter_id: uuid.UUID, actor: str) -> None:
        with self._store.read() as connection:
            self._row(connection, letter_id)
        self._actions.cancel_delivery(letter_id, actor)

    def _row(self, connection: Connection, letter_id: uuid.UUID) -> Row[Any]:
        row = connection.execute(_letters(Filter(held=True, ids=(letter_id,)))).one_or_none()
        if row is None:
            raise NotFound(f"No dead or held delivery {letter_id}: it went out, was given up, or is on its way.")
        return row

    def _opened(self, connection: Connection, row: Row[Any], override: Mapping[str, str]) -> Opened:
        account = self._account(row)
        if account is None:
            return Opened(_letter(row), (), (), (_gone(row),))
        told = rehearsed(connection, account, row, override, self._clock())
        wrong = [f"{each.field}: {each.note}" for each in told.lines if each.wrong]
        return Opened(_letter(row), told.lines, told.fields, wrong, told.shared)

    def _refuse(self, row: Row[Any], override: Mapping[str, str]) -> None:
        account = self._account(row)
        if override:
            wrong = [_gone(row)] if account is None else list(troubles(row.kind, override, account))
            if wrong:
                raise Reject(422, "It cannot be sent like that", "; ".join(wrong), code="override")

    def _account(self, row: Row[Any]) -> Account | None:
        account = self._settings.accounts.get(row.destination)
        return account if account is not None and account.vendor in VENDORS else None

    def _note(self, actor: str, action: str, kind: str, subject: str, detail: Mapping[str, Any]) -> None:
        row = {"id": uuid7(), "at": self._clock(), "actor": actor, "action": action, "subject_kind": kind}
        with self._store.write(Commit.ADMIN) as connection:
            connection.execute(insert(audit).values(**row, subject=subject, detail=dict(detail)))


def _gone(row: Row[Any]) -> str:
    return f"The destination {row.destination} is not configured any more: cancel this, or configure it again."


def _state(held: bool) -> ColumnElement[bool]:
    return deliveries.c.state.in_(("dead", "held") if held else ("dead",))


def _letters(wanted: Filter, until: datetime | None = None) -> Select[Any]:
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
        .where(_state(wanted.held))
        .order_by(deliveries.c.seq, deliveries.c.id)
    )
    for column, value in ((deliveries.c.destination, wanted.destination), (deliveries.c.cause, wanted.cause)):
        if value:
            statement = statement.where(column == value)
    if wanted.ids:
        statement = statement.where(deliveries.c.id.in_(wanted.ids))
    if wanted.since is not None:
        statement = statement.where(since >= wanted.since)
    until = until or wanted.until
    return statement if until is None else statement.where(since <= until)


def _letter(row: Row[Any]) -> Letter:
    words = row.told or row.message
    same = row.id, row.destination, row.key, row.kind, row.state, row.cause, row.since
    return Letter(*same, row.attempts, words, hint(row.cause))


def _place(cursor: str) -> tuple[int, uuid.UUID]:
    seq, _, row = cursor.partition("-")
    try:
        return min(int(seq[:16], 16), sys.maxsize), uuid.UUID(hex=row[:32])
    except ValueError as error:
        detail = "This page address is not valid; start from the first page."
        raise Reject(400, "Bad page", detail, code="cursor") from error


def _kept_back(destination: str, until: datetime | None) -> Select[Any]:
    return _letters(Filter(destination, CORRECTIONS_CAP, held=True), until).where(deliveries.c.state == "held")


def release(connection: Connection, account: Account, now: datetime, actor: str, until: datetime | None = None) -> int:
    """Let the corrections pass that the daily cap keeps back (as far as ``until``); returns how many. They are not
    counted."""
    these = _kept_back(account.name, until).order_by(None).with_only_columns(deliveries.c.id)
    freed = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(these), deliveries.c.state == "held")
        .values(state="pending", cause="", due_at=now, released=True)
    )
    if connection.execute(_kept_back(account.name, None).limit(1)).first() is not None:
        return freed.rowcount
    told = exceptions.c.subject_id == digest_uuid(CORRECTIONS_CAP, account.name)
    closed = {"resolved_at": now, "resolved_by": actor, "resolution": "released"}
    connection.execute(update(exceptions).where(told, exceptions.c.resolved_at.is_(None)).values(**closed))
    return freed.rowcount
