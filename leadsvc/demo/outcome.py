"""What became of the samples, read from the store and from the PMS, and compared with the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, literal, select

from leadsvc.demo.story import Someone, Story
from leadsvc.resolve.golden import shown
from leadsvc.store.tables import (
    deliveries,
    exceptions,
    fates,
    guest_cards,
    inquiries,
    match_decisions,
    properties,
    prospects,
    receipts,
    remote_refs,
)


@dataclass(frozen=True, slots=True)
class End:
    """What the sender of a sample was told, what it became, and of whom."""

    status: str
    effect: str
    person: str

    def __str__(self) -> str:
        return f"told {self.status}, became {self.effect} of {self.person or 'nobody'}"


@dataclass(frozen=True, slots=True)
class Found:
    """A guest card as it is."""

    key: str
    prospect_key: str
    name: str
    phone: str
    property: str | None
    standing: str
    inquiries: int
    sources: tuple[str, ...]
    pms: str
    pushes: Mapping[str, int]
    why: tuple[str, ...]
    related_to: tuple[str, ...]


def became(connection: Connection, delivery_key: str) -> tuple[str, str]:
    """(effect, person) of the receipt whose key ends so: inquiry, revision, redelivery or none."""
    receipt = select(receipts.c.id).where(receipts.c.delivery_key.like(f"%:{delivery_key}")).scalar_subquery()
    root, home = prospects.alias("root"), prospects.alias("home")
    person = root.c.golden
    own = (
        select(literal("inquiry"), person)
        .select_from(inquiries.join(home, home.c.id == inquiries.c.prospect_id).join(root, root.c.id == home.c.root_id))
        .where(inquiries.c.receipt_id == receipt)
    )
    other = (
        select(fates.c.fate, person)
        .select_from(
            fates.join(inquiries, inquiries.c.id == fates.c.inquiry_id)
            .join(home, home.c.id == inquiries.c.prospect_id)
            .join(root, root.c.id == home.c.root_id)
        )
        .where(fates.c.receipt_id == receipt)
    )
    row = connection.execute(own).first() or connection.execute(other).first()
    return (row[0], _spelled(shown(row[1], {}).get("name") or {})) if row else ("none", "")


def cards(connection: Connection, known_before: frozenset[str]) -> list[Found]:
    """Every root card. ``known_before``: remote ids that the PMS had before us."""
    statement = (
        select(guest_cards, properties.c.name.label("place"), prospects.c.key.label("person"), prospects.c.golden)
        .add_columns(prospects.c.edits, prospects.c.standing, prospects.c.id.label("person_id"))
        .select_from(
            guest_cards.join(prospects, prospects.c.id == guest_cards.c.prospect_id).outerjoin(
                properties, properties.c.id == guest_cards.c.property_id
            )
        )
        .where(guest_cards.c.root_id == guest_cards.c.id)
        .order_by(guest_cards.c.opened_at, guest_cards.c.id)
    )
    return [_found(connection, row, known_before) for row in connection.execute(statement).mappings()]


def _found(connection: Connection, row: Mapping[Any, Any], known_before: frozenset[str]) -> Found:
    golden = shown(row["golden"], row["edits"])
    family = select(guest_cards.c.id).where(guest_cards.c.root_id == row["id"])
    told = connection.execute(
        select(inquiries.c.source, match_decisions.c.sentence)
        .join(match_decisions, match_decisions.c.id == inquiries.c.decision_id)
        .where(inquiries.c.guest_card_id.in_(family))
        .order_by(inquiries.c.received_at, inquiries.c.id)
    ).all()
    pushes = connection.execute(
        select(deliveries.c.state, func.count())
        .where(deliveries.c.guest_card_id.in_(family))
        .group_by(deliveries.c.state)
    ).all()
    remote = connection.execute(
        select(remote_refs.c.remote_id).where(remote_refs.c.kind == "card", remote_refs.c.entity_id == row["id"])
    ).scalar()
    other = prospects.alias("other")
    related = connection.execute(
        select(match_decisions.c.sentence, other.c.golden)
        .join(other, other.c.id == match_decisions.c.other_prospect_id)
        .where(match_decisions.c.kind == "household", match_decisions.c.prospect_id == row["person_id"])
    ).all()
    why = [each.sentence for each in told] + [each.sentence for each in related]
    return Found(
        key=row["key"],
        prospect_key=row["person"],
        name=(golden.get("name") or {}).get("text") or _spelled(golden.get("name") or {}),
        phone=golden.get("phone") or "",
        property=row["place"],
        standing=row["standing"],
        inquiries=len(told),
        sources=tuple(each.source for each in told),
        pms=remote if remote in known_before else "new" if remote else "waits",
        pushes={row[0]: row[1] for row in pushes},
        why=tuple(why),
        related_to=tuple(_spelled(shown(each.golden, {}).get("name") or {}) for each in related),
    )


def _spelled(name: Mapping[str, str]) -> str:
    return " ".join(filter(None, (name.get("given", ""), name.get("family", ""))))


def open_exceptions(connection: Connection) -> list[tuple[str, str, str]]:
    """(kind, cause, what to do) of every open exception."""
    rows = connection.execute(
        select(exceptions).where(exceptions.c.resolved_at.is_(None)).order_by(exceptions.c.opened_at, exceptions.c.id)
    )
    return [(row.kind, row.cause, row.detail) for row in rows]


def differences(
    story: Story,
    found: list[Found],
    open_: list[tuple[str, str, str]],
    pms_people: int,
    ends: Mapping[str, End],
) -> list[str]:
    """Everything in which the run differs from the table; empty when it went as it should."""
    wrong = [
        f"{sample.id}: {ends[sample.id]}, the table says {End(sample.status, sample.effect, sample.person)}"
        for sample in story.samples
        if ends[sample.id] != End(sample.status, sample.effect, sample.person)
    ]
    by_name = {each.name: each for each in found}
    wrong += [f"{name} is not in the table" for name in sorted(by_name.keys() - {each.name for each in story.people})]
    if len(found) != len(story.people):
        wrong.append(f"{len(found)} guest cards, the table has {len(story.people)}")
    for wanted in story.people:
        if wanted.name in by_name:
            wrong += _differs(wanted, by_name[wanted.name])
        else:
            wrong.append(f"{wanted.name} is missing")
    kinds = {kind: sum(each[0] == kind for each in open_) for kind, _, _ in open_}
    if kinds != dict(story.exceptions):
        wrong.append(f"open exceptions {kinds}, the table says {dict(story.exceptions)}")
    if pms_people != story.pms_people:
        wrong.append(f"the PMS counts {pms_people} people, the table says {story.pms_people}")
    return wrong


def _differs(wanted: Someone, found: Found) -> list[str]:
    pairs: list[tuple[str, object, object]] = [
        ("property", wanted.property, found.property),
        ("inquiries", wanted.inquiries, found.inquiries),
        ("sources", wanted.sources, found.sources),
        ("PMS record", wanted.pms, found.pms),
    ]
    if wanted.phone:
        pairs.append(("phone", wanted.phone, found.phone))
    if wanted.standing:
        pairs.append(("standing", wanted.standing, found.standing))
    if wanted.related_to and wanted.related_to not in found.related_to:
        pairs.append(("related to", wanted.related_to, found.related_to))
    return [f"{wanted.name}: {what} is {have}, the table says {want}" for what, want, have in pairs if want != have]
