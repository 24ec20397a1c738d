"""Two prospects become one: a decision and two roots, nothing moved, nothing overwritten (P4)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, select, update

from leadsvc.ids import uuid7
from leadsvc.outbox import Hold, Owed
from leadsvc.pipeline import verdicts
from leadsvc.resolve.golden import combine, edits_of, with_edited_name
from leadsvc.resolve.person import Card, Person
from leadsvc.resolve.stage import STAGES
from leadsvc.store.tables import deliveries, exceptions, guest_cards

if TYPE_CHECKING:
    from leadsvc.pipeline.working import Working

RULES = "rules"
"""Who decided when nobody did: the engine, not a person."""

SETTLED = "settled"
"""The rule of what the engine decided when it looked at a neighbourhood again."""


def merge_persons(
    work: Working,
    *,
    survivor: Person,
    loser: Person,
    rule: str,
    sentence: str,
    evidence: Sequence[Mapping[str, Any]],
    decided_by: str,
    inquiry_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Plan the merge; returns the id of the decision, by which it can be undone."""
    decision_id = uuid7()
    rows: list[Mapping[str, Any]] = list(evidence)  # the cards folded below are added: undoing reads them from here
    work.decision(
        decision_id,
        kind="merge",
        verdict="merge",
        inquiry_id=inquiry_id,
        prospect_id=survivor.id,
        other=loser.id,
        rule=rule,
        sentence=sentence,
        evidence=rows,
        decided_by=decided_by,
    )
    if decided_by != RULES:
        ours, theirs = verdicts.told_by(survivor.members), verdicts.told_by(loser.members)
        verdicts.record(work, decision_id, verdicts.SAME, ours, theirs)
    work.absorb(survivor, loser)
    for parts, key in zip(loser.raw_names, loser.names, strict=True):
        if parts not in survivor.raw_names:
            survivor.raw_names.append(parts)
            survivor.names.append(key)
    survivor.identifiers |= loser.identifiers
    survivor.members |= loser.members
    survivor.golden = combine(survivor.golden, loser.golden)
    if loser.edits:
        both = {str(survivor.id): survivor.edits, str(loser.id): loser.edits}
        survivor.edits, survivor.edited = edits_of(str(survivor.id), both), True
        survivor.golden = with_edited_name(survivor.golden, survivor.edits)
        work.rewrite_edits(survivor)
    survivor.first_at = min(survivor.first_at, loser.first_at)
    survivor.last_at = max(survivor.last_at, loser.last_at)
    settle_review(work, survivor.members, decided_by, answered_by(decision_id))
    for card in loser.cards:
        _take_over(work, survivor, card, decision_id, rows)
    return decision_id


def answered_by(decision_id: uuid.UUID) -> str:
    """How a question says which merge answered it, so that it is asked again once that is taken back."""
    return f"same person (decision {decision_id})"


def settle_review(work: Working, people: Collection[uuid.UUID], decided_by: str, resolution: str) -> None:
    """Whether these are one person is answered: the questions close, and what was held for them leaves."""
    now = work.context.now
    asked = (guest_cards.c.may_be.in_(people)) & (guest_cards.c.prospect_id.in_(people))
    cards = select(guest_cards.c.id).where(asked)
    about: ColumnElement[bool] = exceptions.c.subject_id.in_(cards)
    if decided_by != RULES:  # a person who looked at them has seen what was proposed about them, too
        about = about | exceptions.c.subject_id.in_(people)
    still = (exceptions.c.kind == "match_review") & exceptions.c.resolved_at.is_(None)
    closed = {"resolved_at": now, "resolved_by": decided_by, "resolution": resolution}
    work.after(update(exceptions).where(about, still).values(**closed))
    held = (deliveries.c.state == "held") & (deliveries.c.cause == "review") & deliveries.c.guest_card_id.in_(cards)
    work.after(update(deliveries).where(held).values(state="pending", cause="", due_at=now))
    work.after(update(guest_cards).where(asked).values(may_be=None))


def _take_over(
    work: Working, survivor: Person, card: Card, decision_id: uuid.UUID, rows: list[Mapping[str, Any]]
) -> None:
    cycle = timedelta(days=work.context.policy.cycle_days)
    partner = next(
        (
            each
            for each in survivor.cards
            if each.property_id == card.property_id and each.hint == card.hint and _one_cycle(each, card, cycle)
        ),
        None,
    )
    if partner is None:
        survivor.cards.append(card)
        return
    keep, gone = sorted((partner, card), key=standing_first)
    if keep is card:
        survivor.cards.remove(partner)
        survivor.cards.append(card)
    fold_cards(work, keep, gone, decision_id, rows)


def standing_first(card: Card) -> tuple[bool, datetime, uuid.UUID]:
    """Of two cards of one cycle the first stands for both, but never a sleeping one for one that is awake."""
    return card.asleep, card.opened_at, card.id


def _one_cycle(one: Card, other: Card, cycle: timedelta) -> bool:
    """Whether the later of two cards would not have been opened, had they been one person's from the start."""
    first, second = sorted((one, other), key=lambda each: (each.opened_at, each.id))
    return first.covers(second.opened_at, cycle)


def fold_cards(work: Working, keep: Card, gone: Card, decision_id: uuid.UUID, rows: list[Mapping[str, Any]]) -> None:
    """Let ``keep`` stand for both: one cycle, one task, and the destinations are owed the merge. What undoing needs to
    know is added to the evidence ``rows``: the roots first, then everybody who was part of them, because some of those
    may leave first."""
    pairs = [(keep.id, gone.id), *((ours, theirs) for ours in sorted(keep.members) for theirs in sorted(gone.members))]
    for ours, theirs in dict.fromkeys(pairs):
        rows.append({"field": "card", "level": "folded", "ours": str(ours), "theirs": str(theirs)})
    work.fold(keep, gone)
    keep.members |= gone.members
    keep.opened_at, keep.last_at = min(keep.opened_at, gone.opened_at), max(keep.last_at, gone.last_at)
    keep.stage = max(keep.stage, gone.stage, key=STAGES.index)
    if keep.task is not None and gone.task is not None and gone.task["due_at"] < keep.task["due_at"]:
        before = keep.task["due_at"].isoformat()
        rows.append({"field": "task", "level": "hastened", "ours": str(keep.task["id"]), "theirs": before})
        work.hasten_task(keep, gone.task["due_at"])
    work.cancel_task(gone, f"merged:{decision_id}")
    gone.version += 1
    work.bump(keep)
    info = work.context.portfolio.properties.get(keep.property_id) if keep.property_id else None
    hold = None if info else Hold("unplaced_card")
    work.owe(gone, [Owed("merge", gone.id, gone.version)], info, hold, lane=keep.id)
    work.owe(keep, [Owed("prospect", keep.id, keep.version)], info, hold)
