"""A dry run: the same code writes into a store of its own that is thrown away. Whatever a row may meet is brought there
from the real store first, which is only read."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, event, insert, select

from leadsvc.fieldmap import MapSet
from leadsvc.pipeline.intake import Intake, concerned, wanted
from leadsvc.pipeline.plan import Planner
from leadsvc.pipeline.seen import Context, Fate, Seen
from leadsvc.store import Store, migrate
from leadsvc.store.known import Known, look
from leadsvc.store.queries.portfolio import Portfolio
from leadsvc.store.tables import (
    guest_cards,
    identifiers,
    inquiries,
    match_decisions,
    match_keys,
    match_verdicts,
    prospect_identifiers,
    prospects,
    tasks,
)


@contextlib.contextmanager
def rehearsing(real: Intake, maps: MapSet) -> Iterator[Intake]:
    """An intake that knows what ``real`` knows and changes nothing of it."""
    with tempfile.TemporaryDirectory(prefix="leadsvc-dry-run-") as folder:
        url = f"sqlite:///{Path(folder) / 'rehearsal.db'}"
        migrate(url)
        store = Store(url)
        event.listen(store.engine, "connect", _unguarded)
        try:
            yield _Rehearsal(store, maps, real)
        finally:
            store.close()


def _unguarded(connection: Any, _record: object) -> None:
    """What rows refer to is not brought along, and nothing has to survive."""
    for pragma in ("foreign_keys=OFF", "synchronous=OFF", "journal_mode=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


class _Rehearsal(Intake):
    def __init__(self, store: Store, maps: MapSet, real: Intake) -> None:
        super().__init__(store, maps, real.settings, real.clock, lambda: None)
        self._real = real
        self._brought: set[uuid.UUID] = set()

    def portfolio(self) -> Portfolio:
        return self._real.portfolio()

    def plan(self, connection: Connection, context: Context, seen: list[Seen]) -> tuple[Planner, list[Fate]]:
        with self._real.store.read() as real:
            times = [context.received_at, *(each.occurred_at for each in seen)]
            known = look(real, wanted(context, seen, min(times), max(times)))
            _note(connection, known)
            roots = concerned(known, context, seen) - self._brought
            if roots:
                _bring(real, connection, roots)
                self._brought |= roots
        return super().plan(connection, context, seen)


def _note(scratch: Connection, known: Known) -> None:
    """How common the keys are."""
    keyed = [{"key": key, "inquiry_id": each} for key, having in known.keyed.items() for each in having]
    if keyed:
        scratch.execute(insert(match_keys).prefix_with("OR IGNORE"), keyed)


def _bring(real: Connection, scratch: Connection, roots: Collection[uuid.UUID]) -> None:
    members = set(real.execute(select(prospects.c.id).where(prospects.c.root_id.in_(roots))).scalars())
    cards = set(real.execute(select(guest_cards.c.id).where(guest_cards.c.prospect_id.in_(members))).scalars())
    links = select(prospect_identifiers.c.identifier_id).where(prospect_identifiers.c.prospect_id.in_(members))
    known = set(real.execute(links).scalars())
    for table, column, ids in (
        (prospects, prospects.c.id, members),
        (identifiers, identifiers.c.id, known),
        (prospect_identifiers, prospect_identifiers.c.prospect_id, members),
        (guest_cards, guest_cards.c.id, cards),
        (tasks, tasks.c.guest_card_id, cards),
        (inquiries, inquiries.c.prospect_id, members),
        (match_decisions, match_decisions.c.prospect_id, members),
    ):
        _copy(real, scratch, table, column, ids)
    said = select(inquiries.c.id).where(inquiries.c.prospect_id.in_(members))
    _copy(real, scratch, match_verdicts, match_verdicts.c.inquiry_id, set(real.execute(said).scalars()))


def _copy(real: Connection, scratch: Connection, table: Table, column: Any, ids: Collection[uuid.UUID]) -> None:
    found = [dict(row) for row in real.execute(select(table).where(column.in_(ids))).mappings()] if ids else []
    if found:
        scratch.execute(insert(table).prefix_with("OR IGNORE"), found)
