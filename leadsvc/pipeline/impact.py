"""What an action on people changes, for whoever is about to do it: cards, tasks, deliveries owed, credit that moves.

Two pictures of the same inquiries are taken in the transaction of the action, before it and after it, and compared; so
what is said first is what happens.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from leadsvc.attribution import MODELS, WHOLE, Conversion, Scope, Touch, by_source, credit_conversion
from leadsvc.store.tables import (
    deliveries,
    guest_cards,
    inquiries,
    match_decisions,
    outcomes,
    properties,
    prospects,
    tasks,
)

_CONVERSIONS = ("applied", "leased")
Credit = dict[tuple[str, str, str, str], int]
"""Micro-units by conversion, property, model and source."""


class _Task(NamedTuple):
    title: str
    state: str
    card: str
    by_hand: bool


class _Owed(NamedTuple):
    destination: str
    kind: str
    state: str
    card: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Some inquiries with all that hangs on them. Keys are those that people see; a card or a prospect is known by the
    one that stands for it."""

    inquiries: Mapping[uuid.UUID, tuple[str, str]]  # -> prospect, card
    cards: Mapping[str, str]  # card -> the card that stands for it
    tasks: Mapping[uuid.UUID, _Task]
    owed: Mapping[uuid.UUID, _Owed]
    credit: Credit


def picture(connection: Connection, people: Iterable[uuid.UUID], window_days: int) -> Picture:
    """Everything of the prospects that ``people`` are part of."""
    roots = select(prospects.c.root_id).where(prospects.c.id.in_(set(people)))
    members = select(prospects.c.id).where(prospects.c.root_id.in_(roots))
    told = connection.execute(
        select(
            inquiries.c.id,
            inquiries.c.guest_card_id,
            inquiries.c.occurred_at,
            inquiries.c.received_at,
            inquiries.c.source,
            inquiries.c.property_id,
            prospects.c.root_id,
        )
        .join(prospects, prospects.c.id == inquiries.c.prospect_id)
        .where(inquiries.c.prospect_id.in_(members))
    ).all()
    cards = _cards(connection, members)
    root = {row.id: row.root_id for row in cards}
    key = {row.id: row.key for row in cards}
    home = {row.id: row.home or "" for row in cards}
    names = _keys(connection, {row.root_id for row in told})
    touches: dict[uuid.UUID, list[Touch]] = {}
    for row in told:
        touch = Touch(row.id, row.occurred_at, row.received_at, row.source, property_id=row.property_id)
        touches.setdefault(row.root_id, []).append(touch)
    on_card: dict[uuid.UUID, list[Any]] = {}
    for row in told:
        on_card.setdefault(root[row.guest_card_id], []).append(row)
    reached = [("lead", card, max(row.occurred_at for row in rows)) for card, rows in on_card.items()]
    reached += [(kind, root[card], at) for kind, card, at in _outcomes(connection, root)]
    credit: Credit = Counter()
    for kind, card, at in reached:
        rows = on_card.get(card, [])
        if rows:
            conversion = Conversion(at, kind, rows[0].property_id)
            _add(credit, touches[rows[0].root_id], conversion, home[card], window_days)
    return Picture(
        {row.id: (names[row.root_id], key[root[row.guest_card_id]]) for row in told},
        {key[each]: key[root[each]] for each in root},
        _tasks(connection, root, key),
        _deliveries(connection, root, key),
        credit,
    )


def _cards(connection: Connection, members: Any) -> list[Any]:
    """The cards that these prospects have or had: also those that an inquiry of theirs is on."""
    own = guest_cards.alias("own")
    theirs = select(guest_cards.c.root_id).where(guest_cards.c.prospect_id.in_(members))
    told = (
        select(own.c.root_id)
        .join(inquiries, inquiries.c.guest_card_id == own.c.id)
        .where(inquiries.c.prospect_id.in_(members))
    )
    columns = (guest_cards.c.id, guest_cards.c.root_id, guest_cards.c.key, properties.c.name.label("home"))
    found = select(*columns).outerjoin(properties, properties.c.id == guest_cards.c.property_id)
    either = guest_cards.c.root_id.in_(theirs) | guest_cards.c.root_id.in_(told)
    return list(connection.execute(found.where(either)))


def _keys(connection: Connection, roots: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    found = select(prospects.c.id, prospects.c.key).where(prospects.c.id.in_(roots))
    return {row.id: row.key for row in connection.execute(found)}


def _outcomes(connection: Connection, cards: Mapping[uuid.UUID, uuid.UUID]) -> list[tuple[str, uuid.UUID, datetime]]:
    """Of each guest card (the root one) the first of each kind that is credited."""
    found = (
        select(outcomes.c.kind, outcomes.c.guest_card_id, outcomes.c.at)
        .where(outcomes.c.guest_card_id.in_(cards), outcomes.c.kind.in_(_CONVERSIONS))
        .order_by(outcomes.c.at)
    )
    first: dict[tuple[str, uuid.UUID], datetime] = {}
    for row in connection.execute(found):
        first.setdefault((row.kind, cards[row.guest_card_id]), row.at)
    return [(kind, card, at) for (kind, card), at in first.items()]


def _add(credit: Credit, touches: list[Touch], conversion: Conversion, home: str, window_days: int) -> None:
    for model in MODELS:
        shares = credit_conversion(touches, conversion, model, window_days, Scope.PROPERTY)
        for source, micros in by_source(touches, shares).items():
            credit[conversion.outcome, home, model, source or "unattributed"] += micros


def _tasks(
    connection: Connection, cards: Mapping[uuid.UUID, uuid.UUID], key: Mapping[uuid.UUID, str]
) -> dict[uuid.UUID, _Task]:
    rows = connection.execute(select(tasks).where(tasks.c.guest_card_id.in_(cards)))
    return {
        row.id: _Task(row.title, row.state, key[cards[row.guest_card_id]], row.kind == "correct_destination")
        for row in rows
    }


def _deliveries(
    connection: Connection, cards: Mapping[uuid.UUID, uuid.UUID], key: Mapping[uuid.UUID, str]
) -> dict[uuid.UUID, _Owed]:
    columns = (deliveries.c.id, deliveries.c.destination, deliveries.c.kind, deliveries.c.state)
    rows = connection.execute(
        select(*columns, deliveries.c.guest_card_id)
        .where(deliveries.c.guest_card_id.in_(cards))
        .order_by(deliveries.c.seq)
    )
    return {row.id: _Owed(row.destination, row.kind, row.state, key[cards[row.guest_card_id]]) for row in rows}


def measured(
    connection: Connection, people: Iterable[uuid.UUID], window_days: int, act: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What ``act`` says it did, with all that it changed for ``people``."""
    people = set(people)
    before = picture(connection, people, window_days)
    done = act()
    homes = select(inquiries.c.prospect_id).where(inquiries.c.id.in_(before.inquiries))
    after = picture(connection, people | set(connection.execute(homes).scalars()), window_days)
    return done | changes(before, after)


def decided_about(connection: Connection, decision_id: uuid.UUID) -> set[uuid.UUID]:
    """The prospects that a decision names; none for an unknown one."""
    found = select(match_decisions.c.prospect_id, match_decisions.c.other_prospect_id)
    rows = connection.execute(found.where(match_decisions.c.id == decision_id)).all()
    return {each for row in rows for each in row if each is not None}


def changes(before: Picture, after: Picture) -> dict[str, Any]:
    """What is different, in keys, words and numbers; each list is empty where nothing is."""
    return {
        "inquiries_moved": _inquiries_moved(before, after),
        "cards_folded": [
            {"card": card, "into": after.cards[card]}
            for card, root in sorted(before.cards.items())
            if root == card and after.cards.get(card, card) != card
        ],
        "cards_opened": [
            {"card": card, "was_in": before.cards.get(card)}
            for card, root in sorted(after.cards.items())
            if root == card and before.cards.get(card) != card
        ],
        "tasks": _tasks_changed(before, after),
        "deliveries": _newly_owed(before, after),
        "work_items": [
            {"task": task.title, "card": task.card}
            for number, task in after.tasks.items()
            if task.by_hand and number not in before.tasks
        ],
        "credit": _credit_moved(before.credit, after.credit),
    }


def _inquiries_moved(before: Picture, after: Picture) -> list[dict[str, Any]]:
    moved: Counter[tuple[str, str]] = Counter()
    for number, (was, _) in before.inquiries.items():
        now = after.inquiries.get(number, (was, ""))[0]
        if now != was:
            moved[was, now] += 1
    return [{"from": was, "to": now, "count": count} for (was, now), count in sorted(moved.items())]


def _tasks_changed(before: Picture, after: Picture) -> list[dict[str, Any]]:
    changed = []
    for number, task in after.tasks.items():
        was = before.tasks.get(number)
        if task.by_hand or task == was:
            continue
        words = {"task": task.title, "card": task.card, "state": task.state}
        changed.append(words | ({"was_on": was.card, "was": was.state} if was else {"was_on": None, "was": None}))
    return changed


def _newly_owed(before: Picture, after: Picture) -> list[dict[str, Any]]:
    owed = Counter(row for number, row in after.owed.items() if number not in before.owed)
    return [row._asdict() | {"count": count} for row, count in owed.items()]


def _credit_moved(before: Credit, after: Credit) -> list[dict[str, Any]]:
    names = ("conversion", "property", "model", "source")
    return [
        dict(zip(names, line, strict=True))
        | {"before": before.get(line, 0) / WHOLE, "after": after.get(line, 0) / WHOLE}
        for line in sorted({*before, *after})
        if before.get(line, 0) != after.get(line, 0)
    ]
