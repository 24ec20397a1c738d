"""The books (P7): every sum that must agree, each as one question whose right answer is *none*.

All questions are asked in one transaction, so a running system gives one consistent picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, literal, or_, select

from leadsvc.resolve.roots import follow
from leadsvc.store.tables import (
    deliveries,
    exceptions,
    fates,
    fetches,
    guest_cards,
    inquiries,
    match_decisions,
    prospects,
    receipts,
    remote_refs,
    tasks,
)

_SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One question: how many rows answer it wrongly, and some of their ids."""

    name: str
    wrong: int
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """``sums``: what there is, by word. ``entries``: what must be none."""

    sums: tuple[tuple[str, str, int], ...]
    entries: tuple[Entry, ...]

    @property
    def balance(self) -> bool:
        return all(entry.wrong == 0 for entry in self.entries)


def balance(connection: Connection) -> Books:
    """Ask everything."""
    entries = [_asked(connection, name, question()) for name, question in QUESTIONS.items()]
    entries.append(_membership(connection))
    return Books(tuple(_sums(connection)), tuple(entries))


def _asked(connection: Connection, name: str, question: Select[Any]) -> Entry:
    numbered = question.subquery()
    wrong = connection.execute(select(func.count()).select_from(numbered)).scalar_one()
    sample = connection.execute(select(numbered.c[0]).limit(_SAMPLE)).scalars().all() if wrong else []
    return Entry(name, wrong, tuple(str(each) for each in sample))


def _sums(connection: Connection) -> list[tuple[str, str, int]]:
    rows: list[tuple[str, str, int]] = []
    for word, column in (
        ("receipts", receipts.c.state),
        ("leads without an inquiry of their own", fates.c.fate),
        ("deliveries", deliveries.c.state),
        ("open exceptions", exceptions.c.kind),
    ):
        statement = select(column, func.count()).group_by(column).order_by(column)
        if word == "open exceptions":
            statement = statement.where(exceptions.c.resolved_at.is_(None))
        rows += [(word, value, count) for value, count in connection.execute(statement)]
    for word, table, condition in (
        ("inquiries", inquiries, literal(True)),
        ("prospects", prospects, prospects.c.root_id == prospects.c.id),
        ("guest cards", guest_cards, guest_cards.c.root_id == guest_cards.c.id),
    ):
        rows.append(
            (word, "", connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one())
        )
    return rows


# -- the questions ----------------------------------------------------------------------------------------------------


def _receipts_with_wrong_sum() -> Select[Any]:
    own = select(func.count()).where(inquiries.c.receipt_id == receipts.c.id).scalar_subquery()
    other = select(func.count()).where(fates.c.receipt_id == receipts.c.id).scalar_subquery()
    return select(receipts.c.id).where(receipts.c.state != "pending", receipts.c.leads_found != own + other)


def _leads_with_two_fates() -> Select[Any]:
    same = and_(inquiries.c.receipt_id == fates.c.receipt_id, inquiries.c.position == fates.c.position)
    return select(fates.c.receipt_id).join(inquiries, same)


def _leads_in_what_is_none() -> Select[Any]:
    none = receipts.c.state.in_(("not_lead", "quarantined"))
    return select(receipts.c.id).where(none, exists().where(inquiries.c.receipt_id == receipts.c.id))


def _named_and_not_owed() -> Select[Any]:
    """Whoever names leads by id is owed a fetch, its own or that of who named them first in the same feed."""
    named = (receipts.c.state == "not_lead") & (receipts.c.cause == "pointer")
    return select(receipts.c.id).where(named, ~exists().where(fetches.c.feed == receipts.c.feed))


def _fetched_without_receipt() -> Select[Any]:
    lead = (fetches.c.kind == "facebook_lead") & (fetches.c.state == "done")
    return select(fetches.c.id).where(lead, ~exists().where(receipts.c.id == fetches.c.found_id))


def _processed_without_effect() -> Select[Any]:
    changed = or_(
        exists().where(inquiries.c.receipt_id == receipts.c.id),
        exists().where(fates.c.receipt_id == receipts.c.id, fates.c.fate == "revision"),
    )
    return select(receipts.c.id).where(receipts.c.state == "processed", ~changed)


def _inquiries_without_decision() -> Select[Any]:
    reason = exists().where(
        match_decisions.c.id == inquiries.c.decision_id,
        match_decisions.c.inquiry_id == inquiries.c.id,
        match_decisions.c.prospect_id == inquiries.c.prospect_id,
    )
    return select(inquiries.c.id).where(~reason)


def _inquiries_on_a_strangers_card() -> Select[Any]:
    mine, cards, theirs = prospects.alias("mine"), guest_cards.alias("cards"), prospects.alias("theirs")
    return (
        select(inquiries.c.id)
        .join(mine, mine.c.id == inquiries.c.prospect_id)
        .join(cards, cards.c.id == inquiries.c.guest_card_id)
        .join(theirs, theirs.c.id == cards.c.prospect_id)
        .where(mine.c.root_id != theirs.c.root_id)
    )


def _cards_merged_across_people() -> Select[Any]:
    card, root = guest_cards.alias("card"), guest_cards.alias("root")
    one, other = prospects.alias("one"), prospects.alias("other")
    return (
        select(card.c.id)
        .join(root, root.c.id == card.c.root_id)
        .join(one, one.c.id == card.c.prospect_id)
        .join(other, other.c.id == root.c.prospect_id)
        .where(or_(one.c.root_id != other.c.root_id, card.c.property_id.is_distinct_from(root.c.property_id)))
    )


def _roots_that_are_none() -> Select[Any]:
    broken = []
    for table in (prospects, guest_cards):
        root = table.alias(f"{table.name}_root")
        good = exists().where(root.c.id == table.c.root_id, root.c.root_id == root.c.id)
        broken.append(select(table.c.id.label("id")).where(~good))
    return select(broken[0].union_all(broken[1]).subquery())


def _cards_without_inquiry() -> Select[Any]:
    family = guest_cards.alias("family")
    told = exists().where(inquiries.c.guest_card_id == family.c.id, family.c.root_id == guest_cards.c.id)
    return select(guest_cards.c.id).where(guest_cards.c.root_id == guest_cards.c.id, ~told)


def _inquiries_owed_to_nobody() -> Select[Any]:
    """Where an account takes cards of a property, every inquiry there is owed to it."""
    served = exists().where(deliveries.c.guest_card_id == inquiries.c.guest_card_id)
    owed = exists().where(deliveries.c.kind == "event", deliveries.c.subject_id == inquiries.c.id)
    return select(inquiries.c.id).where(served, ~owed)


def _silent_quarantines() -> Select[Any]:
    said = exists().where(exceptions.c.kind == "quarantined", exceptions.c.subject_id == receipts.c.id)
    return select(receipts.c.id).where(receipts.c.state == "quarantined", ~said)


def _silent_deaths() -> Select[Any]:
    said = exists().where(exceptions.c.subject_id == deliveries.c.id, exceptions.c.resolved_at.is_(None))
    return select(deliveries.c.id).where(deliveries.c.state == "dead", ~said)


def _silent_unplaced() -> Select[Any]:
    family = guest_cards.alias("family")
    said = exists().where(
        exceptions.c.kind == "unplaced_card",
        exceptions.c.subject_id == family.c.id,
        family.c.root_id == guest_cards.c.id,
        exceptions.c.resolved_at.is_(None),
    )
    root = guest_cards.c.root_id == guest_cards.c.id
    return select(guest_cards.c.id).where(root, guest_cards.c.property_id.is_(None), ~said)


def _acknowledged_without_trace() -> Select[Any]:
    seen = exists().where(
        remote_refs.c.kind == "card",
        remote_refs.c.destination == deliveries.c.destination,
        remote_refs.c.entity_id == guest_cards.c.root_id,
    )
    # Parted from the card it was pushed as: its own record is owed anew.
    owed = deliveries.alias("owed")
    again = exists().where(
        owed.c.guest_card_id == deliveries.c.guest_card_id,
        owed.c.destination == deliveries.c.destination,
        owed.c.kind == "prospect",
        owed.c.state.not_in(("acknowledged", "cancelled")),
    )
    return (
        select(deliveries.c.id)
        .join(guest_cards, guest_cards.c.id == deliveries.c.guest_card_id)
        .where(
            deliveries.c.kind == "prospect",
            deliveries.c.state == "acknowledged",
            guest_cards.c.root_id == guest_cards.c.id,
            ~seen,
            ~again,
        )
    )


def _two_first_contacts() -> Select[Any]:
    """However many inquiries and merged cards, nobody is called for the first time twice (SPEC §8)."""
    first = and_(tasks.c.guest_card_id == guest_cards.c.id, tasks.c.kind == "first_contact", tasks.c.state == "open")
    return select(guest_cards.c.root_id).join(tasks, first).group_by(guest_cards.c.root_id).having(func.count() > 1)


QUESTIONS: dict[str, Callable[[], Select[Any]]] = {
    "receipts whose leads do not add up": _receipts_with_wrong_sum,
    "leads with two fates": _leads_with_two_fates,
    "receipts called no lead that made an inquiry": _leads_in_what_is_none,
    "receipts called processed that changed nothing": _processed_without_effect,
    "receipts that name leads nobody was asked for": _named_and_not_owed,
    "fetched leads without their receipt": _fetched_without_receipt,
    "inquiries without the decision that placed them": _inquiries_without_decision,
    "inquiries on another person's card": _inquiries_on_a_strangers_card,
    "cards merged across people or properties": _cards_merged_across_people,
    "roots that are not roots": _roots_that_are_none,
    "guest cards without an inquiry": _cards_without_inquiry,
    "inquiries owed to nobody": _inquiries_owed_to_nobody,
    "quarantined receipts nobody was told of": _silent_quarantines,
    "dead deliveries nobody is told of": _silent_deaths,
    "unplaced cards nobody is told of": _silent_unplaced,
    "guest cards with two first-contact tasks": _two_first_contacts,
    "acknowledged prospects without a remote id": _acknowledged_without_trace,
}


def _membership(connection: Connection) -> Entry:
    """Who is part of whom must follow from the merges in force, replayed from the decisions alone."""
    undone = set(
        connection.execute(select(match_decisions.c.undoes).where(match_decisions.c.undoes.is_not(None))).scalars()
    )
    merges = connection.execute(
        select(match_decisions.c.id, match_decisions.c.prospect_id, match_decisions.c.other_prospect_id)
        .where(match_decisions.c.kind == "merge")
        .order_by(match_decisions.c.seq)
    )
    roots = follow((row.other_prospect_id, row.prospect_id) for row in merges if row.id not in undone)
    moved = select(prospects.c.id, prospects.c.root_id).where(prospects.c.root_id != prospects.c.id)
    stored = {row.id: row.root_id for row in connection.execute(moved)}
    wrong = [each for each in {*stored, *roots} if stored.get(each, each) != roots.get(each, each)]
    return Entry(
        "prospects whose root is not what the decisions say", len(wrong), tuple(str(each) for each in wrong[:_SAMPLE])
    )
