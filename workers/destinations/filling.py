"""What of a card leaves, and what of a remote record may change: the same rules for every vendor. Pure.

Only allowed fields leave, cut to the vendor's lengths; what the account cannot name goes out as its fallback. A
remote value is only touched where it is blank, where it is a stand-in we sent for want of better, or where it is
still exactly what we pushed last. Everything else was decided by a person there and stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from leadsvc.workers.destinations.base import CARD_FIELDS, Capabilities, CardPush, EventPush, Profile, RemoteCard
from leadsvc.workers.destinations.verdicts import sound

Values = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Values by our field names, and which of them are the account's fallbacks."""

    values: Values
    fallbacks: tuple[str, ...] = ()


def source_name(slug: str, profile: Profile, named: bool = False) -> tuple[str, bool]:
    """The account's name for our source, and whether that is the fallback. ``named``: it is the account's already."""
    if named:
        return slug, False
    if slug in profile.sources:
        return profile.sources[slug], False
    if slug and slug in profile.sources.values():
        return slug, False
    return profile.fallback_source, True


def outgoing(card: CardPush, profile: Profile, capabilities: Capabilities) -> Outgoing:
    """The non-blank fields of ``card`` as this account may receive them."""
    allowed = profile.allowed_fields.intersection(capabilities.fields)
    values: Values = {}
    for name in CARD_FIELDS:
        value = getattr(card, name)
        if value is None or value == "" or name not in allowed:
            continue
        values[name] = (
            value if isinstance(value, int) else sound(value.isoformat() if isinstance(value, date) else value)
        )
    fallbacks = []
    if "last_name" not in values:
        values["last_name"] = profile.last_name_placeholder
        fallbacks.append("last_name")
    if "source_name" in allowed:
        values["source_name"], fallen = source_name(card.source_name, profile, card.source_named)
        fallbacks += ["source_name"] if fallen else []
    for name, longest in capabilities.max_len.items():
        value = values.get(name)
        if isinstance(value, str):
            values[name] = value[:longest].rstrip()
    return Outgoing({name: value for name, value in values.items() if value != ""}, tuple(fallbacks))


def with_fallbacks(sent: Outgoing, refused: Mapping[str, object], profile: Profile) -> Outgoing | None:
    """What to send instead after the vendor refused the fields ``refused``; ``None`` when there is nothing else."""
    stand_ins = {
        "source_name": profile.fallback_source,
        "agent_ref": profile.fallback_agent,
        "floor_plan_ref": "",
        "unit_ref": "",
    }
    values = dict(sent.values)
    for name in refused:
        if name not in values or name not in stand_ins:
            return None
        if stand_ins[name] and values[name] != stand_ins[name]:
            values[name] = stand_ins[name]
        elif name == "source_name":
            return None
        else:
            del values[name]
    return Outgoing(values, tuple(sorted({*sent.fallbacks, *refused}))) if refused else None


def fill(
    sent: Outgoing, known: RemoteCard, card: CardPush, profile: Profile, fixed: Collection[str] = ()
) -> tuple[Values, tuple[str, ...]]:
    """The values to write over ``known``, and the names of those where the remote's own value stays; ``fixed`` ones
    always do."""
    stand_ins = {"last_name": profile.last_name_placeholder, "source_name": profile.fallback_source}
    changes: Values = {}
    kept: list[str] = []
    for name, ours in sent.values.items():
        theirs = known.fields.get(name, "")
        if same(name, ours, theirs):
            continue
        replaceable = theirs in (card.last_pushed.get(name), stand_ins.get(name)) and name not in known.agent_fields
        if theirs and name in sent.fallbacks:
            continue
        if name not in fixed and (not theirs or replaceable):
            changes[name] = ours
        else:
            kept.append(name)
    return changes, tuple(kept)


def same(name: str, ours: str | int, theirs: str) -> bool:
    """Whether a remote text says what we would write."""
    text = str(ours)
    return text.casefold() == theirs.casefold() if name == "email" else text == theirs


def as_text(values: Mapping[str, str | int]) -> dict[str, str]:
    """Values as :attr:`Result.written` holds them."""
    return {name: str(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class EventSource:
    """The account's name for the source of an event, and whether that is its fallback."""

    name: str = ""
    fallen: bool = False


def outgoing_source(event: EventPush, profile: Profile) -> EventSource:
    """What an event says of its source; nothing where the account may not be told."""
    if not event.source_name or "source_name" not in profile.allowed_fields:
        return EventSource()
    return EventSource(*source_name(event.source_name, profile, event.source_named))
