"""What a delivery would send, field by field, with the values that a person gives it. Asks nobody, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from leadsvc.config import Account
from leadsvc.letters import Editable, Line
from leadsvc.workers.accounts import near, profile
from leadsvc.workers.cardview import CardView, Host, card_view
from leadsvc.workers.claim import Claimed
from leadsvc.workers.destinations import capabilities
from leadsvc.workers.destinations.base import CARD_FIELDS, PERSON_FIELDS, Capabilities, CardPush
from leadsvc.workers.destinations.filling import Outgoing, outgoing
from leadsvc.workers.household import otherwise_there, said_for, shares, with_household
from leadsvc.workers.push import card_push, overridden

_TEXTS = {"prospect": CARD_FIELDS, "event": ("text",), "task": ("title", "text")}
"""What of a delivery can be corrected, by kind; of two cards that become one there is nothing to correct."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would be sent, what of it a person can set, and ``shared``: a sentence on whose record it goes to where a
    household shares one."""

    lines: list[Line]
    fields: list[Editable]
    shared: str = ""


def rehearsed(
    connection: Connection, account: Account, row: Row[Any], override: Mapping[str, str], now: datetime
) -> Rehearsed:
    """What the delivery ``row`` would send with ``override`` over what was set for it before."""
    claimed = _as_claimed(row, now)
    claimed = replace(claimed, override={**claimed.override, **override})
    view = card_view(connection, claimed, now, account.keep_sensitive)
    with_household(connection, claimed, view, "", now, shares(account))
    host = view.host
    if host is None or (claimed.kind != "prospect" and not view.shared):
        return Rehearsed(*_alone(claimed, view, account))
    if claimed.kind in ("merge", "unmerge"):
        return Rehearsed(*_alone(claimed, view, account), _sentence(view, host, "a person joins or parts it there"))
    allowed = profile(account).allowed_fields
    if claimed.kind == "prospect":
        lines = [_beside(each, view, host) for each in _alone(claimed, view, account)[0]]
        told = "nothing of it is changed but by a person" if view.shared else "only who they are is added"
        return Rehearsed(lines, [] if view.shared else _of_person(claimed, view, account), _sentence(view, host, told))
    told = "what they say is said there under their name"
    return Rehearsed(*_alone(claimed, said_for(view, host, allowed), account), _sentence(view, host, told))


def _sentence(view: CardView, host: Host, told: str) -> str:
    stands = "stands" if view.shared else "would stand"
    whose = f" of {host.key}" if host.key else ""
    return f"The household shares one record: {view.key} {stands} on {host.remote_id}{whose}, and {told}."


def _beside(line: Line, view: CardView, host: Host) -> Line:
    """A field of somebody who has no record of their own there."""
    if line.field not in PERSON_FIELDS:
        return replace(line, sent="", note=f"the record is that of {host.key or host.remote_id}", wrong=False)
    if not view.shared:
        return line
    other = otherwise_there(view, line.field)
    return replace(line, sent="", note="a person corrects it there" if other else "it is there", wrong=False)


def _of_person(claimed: Claimed, view: CardView, account: Account) -> list[Editable]:
    return [each for each in _alone(claimed, view, account)[1] if each.field in PERSON_FIELDS]


def _alone(claimed: Claimed, view: CardView, account: Account) -> tuple[list[Line], list[Editable]]:
    """Lines and fields of what would be sent to a record of its own."""
    can = capabilities(account.vendor)
    if claimed.kind == "prospect":
        card = card_push(view, claimed)
        made = outgoing(card, profile(account), can)
        ours = card_push(view, replace(claimed, override={}))
        lines = _card_lines(claimed, _Cards(ours, card, made), account, can)
        return list(lines), list(_card_fields(card, made, account, can))
    if claimed.kind == "event":
        return _event(claimed, view, can)
    if claimed.kind == "task":
        return _task(claimed, view)
    return [
        Line("this card there", view.own_remote_card_id or view.gone_remote_card_id, ""),
        Line("the card it belongs to there", view.remote_card_id, ""),
    ], []


def _event(claimed: Claimed, view: CardView, can: Capabilities) -> tuple[list[Line], list[Editable]]:
    longest = can.max_len.get("event_text")
    yours = claimed.override.get("text")
    ours = str(view.event["text"])
    text = yours or ours
    lines = [Line(name, str(view.event[name]), str(view.event[name])) for name in ("kind", "at", "source")]
    lines.append(Line("text", ours, text[:longest], _note(text, text[:longest], by_hand=bool(yours))))
    return lines, [Editable("text", text, longest)]


def _task(claimed: Claimed, view: CardView) -> tuple[list[Line], list[Editable]]:
    said = [(name, claimed.override.get(name), str(view.task.get(column, ""))) for name, column in _TASK.items()]
    lines = [Line(name, text, yours or text, "set by hand" if yours else "") for name, yours, text in said]
    over = "the household's open follow-up is there: nothing would be sent" if view.covered else ""
    over = over if view.task.get("state") == "open" else "it is no longer open: nothing would be sent"
    fields = [Editable(name, yours or text) for name, yours, text in said]
    return [*lines, Line("state", str(view.task.get("state", "")), "", over)], fields


_TASK = {"title": "title", "text": "body"}


def _card_fields(card: CardPush, made: Outgoing, account: Account, can: Capabilities) -> Iterator[Editable]:
    for name in account.fields or CARD_FIELDS:
        if name in CARD_FIELDS and name in can.fields:
            # A source is set as the PMS has it; of anything else what was cut can be seen only before it is cut.
            text = str(made.values.get(name, "")) if name == "source_name" else _text(card, name)
            yield Editable(name, text, can.max_len.get(name), can.enumerations.get(name, ()))


@dataclass(frozen=True, slots=True)
class _Cards:
    """A card as it is, with what was set by hand, and what leaves of that."""

    ours: CardPush
    told: CardPush
    made: Outgoing


def _text(card: CardPush, name: str) -> str:
    value = getattr(card, name)
    return "" if value is None else str(value)


def _card_lines(claimed: Claimed, cards: _Cards, account: Account, can: Capabilities) -> Iterator[Line]:
    made = cards.made
    allowed = account.fields or CARD_FIELDS
    for name in CARD_FIELDS:
        ours, told, sent = _text(cards.ours, name), _text(cards.told, name), str(made.values.get(name, ""))
        if not ours and not told and not sent:
            if name in can.required:
                yield Line(name, "", "", "the vendor refuses a card without it", wrong=True)
            continue
        wrong = False
        if name not in allowed:
            note = "not among the account's fields: it stays here"
        elif name not in can.fields:
            note = "the vendor has no place for it"
        elif name in made.fallbacks:
            note = "the account's stand-in is sent instead"
        elif name in can.enumerations and sent not in can.enumerations[name]:
            note, wrong = f"the vendor takes only {', '.join(can.enumerations[name])}", True
        else:
            note = _note(told, sent, by_hand=name in claimed.override)
        yield Line(name, ours, sent, note, wrong)


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


def _as_claimed(row: Row[Any], now: datetime) -> Claimed:
    names = ("id", "destination", "guest_card_id", "lane_id", "kind", "subject_id", "version")
    said = ("failures", "receipt_id", "override", "released", "unmetered")
    same = {name: row._mapping[name] for name in (*names, *said)}
    return Claimed(**same, attempt=row._mapping["attempts"], taken_at=now, unsure_at=row._mapping["unsure_at"])
