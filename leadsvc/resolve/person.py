"""What the resolver looks at: a lead's identity, and the prospects it could belong to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from leadsvc.ids import digest_uuid
from leadsvc.model import Lead
from leadsvc.resolve.names import NameKey, name_key
from leadsvc.resolve.trace import Trace, of_lead


@dataclass(frozen=True, slots=True)
class Identifier:
    """A normalised e-mail, phone or conversation. ``id`` is derived from kind and value."""

    id: uuid.UUID
    kind: str
    value: str

    @classmethod
    def of(cls, kind: str, value: str) -> Identifier:
        return cls(digest_uuid("identifier", kind, value), kind, value)


@dataclass(frozen=True, slots=True)
class Identity:
    """The part of a lead that says who wrote it."""

    name: NameKey
    identifiers: tuple[Identifier, ...]

    @classmethod
    def of(cls, lead: Lead, ignored: frozenset[str] = frozenset(), trace: Trace | None = None) -> Identity:
        """``ignored``: values that belong to the operator (office phones, own mailboxes) and identify nobody.
        ``trace``: of this lead, where it is made already; what the message tells is read from there."""
        emails = [each.value for each in lead.emails if each.value.key not in ignored]
        phones = [each.value.e164 for each in lead.phones if each.value.e164 not in ignored]
        found = [Identifier.of("thread" if each.relay else "email", each.key) for each in emails]
        found += [Identifier.of("phone", each) for each in phones]
        if lead.thread_id is not None:
            found.append(Identifier.of("thread", f"{lead.source}:{lead.thread_id.value}"))
        name = lead.name.value if lead.name else None
        found += counted(trace or of_lead("", lead, _ANY, "", "", ignored))
        return cls(
            name=name_key(name.given, name.family, name.suffix) if name else NameKey((), (), ""),
            identifiers=tuple(dict.fromkeys(found)),
        )


_ANY = datetime.fromtimestamp(0, UTC)


def counted(trace: Trace) -> list[Identifier]:
    """The addresses and numbers of a trace, behind which people are counted."""
    found = [Identifier.of("email", each) for each in trace.emails]
    return found + [Identifier.of("phone", each) for each in trace.phones]


@dataclass(slots=True)
class Card:
    """A guest card as the resolver needs it (root cards only). ``asleep``: it holds nothing but what was read from a
    file of old inquiries, so that nobody was ever asked to call and no destination was told."""

    id: uuid.UUID
    key: str
    prospect_id: uuid.UUID
    property_id: uuid.UUID | None
    hint: str
    opened_at: datetime
    last_at: datetime
    stage: str
    version: int
    members: set[uuid.UUID] = field(default_factory=set)
    task: dict[str, Any] | None = None
    unit_id: uuid.UUID | None = None
    floor_plan_id: uuid.UUID | None = None
    new: bool = False
    asleep: bool = False

    def covers(self, at: datetime, cycle: timedelta) -> bool:
        """Whether a contact at ``at`` belongs to this card's inquiry cycle.

        The window runs from the last activity, and backwards from the first for what arrives late. A live application
        never starts a new cycle; a lease signed or a lost card ends one.
        """
        if self.stage in {"applied", "approved"} and at >= self.opened_at:
            return True
        if self.stage in {"leased", "moved_in", "lost"} and at > self.last_at:
            return False
        return self.opened_at - cycle <= at <= self.last_at + cycle

    @property
    def worked(self) -> bool:
        """A person has worked on it: nothing re-joins or splits it by itself (SPEC §6)."""
        return self.stage not in {"new", "lost"}


def open_at(cards: Sequence[Card], at: datetime) -> Card:
    """Of several cards whose cycles cover ``at``, the one that was opened last by then; else the first to be opened."""
    before = [card for card in cards if card.opened_at <= at]
    if before:
        return max(before, key=lambda card: (card.opened_at, card.id))
    return min(cards, key=lambda card: (card.opened_at, card.id))


@dataclass(slots=True)
class Person:
    """A prospect at its root: the union of all that was merged into it. Changed in place while a receipt is planned."""

    id: uuid.UUID
    key: str
    version: int
    first_at: datetime
    last_at: datetime
    names: list[NameKey] = field(default_factory=list)
    raw_names: list[list[str]] = field(default_factory=list)
    identifiers: dict[uuid.UUID, Identifier] = field(default_factory=dict)
    own: set[uuid.UUID] = field(default_factory=set)  # identifiers of the root itself, not of what was merged into it
    members: set[uuid.UUID] = field(default_factory=set)
    cards: list[Card] = field(default_factory=list)
    golden: dict[str, Any] = field(default_factory=dict)
    standing: str = ""
    edits: dict[str, Any] = field(default_factory=dict)
    edited: bool = False
    apart: set[uuid.UUID] = field(default_factory=set)
    new: bool = False

    def values(self, kind: str) -> set[str]:
        return {each.value for each in self.identifiers.values() if each.kind == kind}

    @property
    def worked(self) -> bool:
        """A person entered something about it, or worked on a card of it."""
        return self.edited or any(card.worked for card in self.cards)
