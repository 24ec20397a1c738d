"""What is said of a feed that drifts: what happened, since when, by which receipts it can be seen, what to do."""

from __future__ import annotations

from datetime import datetime

from leadsvc.drift import UNREAD, Cause, Condition

NOTHING = ""
_SAYABLE = {
    "property_hints": "property",
    "emails": "e-mail",
    "phones": "phone",
    "budget_cents": "budget",
    "lease_term_months": "lease term",
    "!doubtful": "values that had to be dropped as unusable",
    "!unplaced": "properties that nobody knows",
}


def sentence(key: tuple[str, str], condition: Condition, last: datetime | None, last_good: str) -> str:
    """One paragraph for a person; no personal data, only ids and counts."""
    feed, map_id = key
    who = f"{feed} ({map_id})" if map_id else feed
    when = f"{last:%Y-%m-%d %H:%M} UTC" if last else "ever"
    samples = f" Last good receipt: {last_good}." if last_good else ""
    if condition.first_bad:
        samples += f" First bad receipt: {condition.first_bad}."
    match condition.cause:
        case Cause.SOURCE_DOWN:
            return (
                f"{who} is silent: nothing since {when}, when {condition.expected:.1f} leads were to be expected; the"
                f" other feeds bring {condition.market:.0%} of what is usual.{samples} Ask the sender whether leads go"
                f" out, check the credential or the mailbox; `leadsvc drift mute {feed} {map_id}` when it is meant so."
            )
        case Cause.LAYOUT_CHANGED:
            return (
                f"{who} changed its layout: {_what(condition.names)}.{samples} Compare the receipts, repair field map"
                f" {map_id}, then `leadsvc replay`; `leadsvc drift accept {feed} {map_id}` when it is right so."
            )
        case Cause.NEW_KEYS:
            told = ", ".join(condition.names[:10])
            return (
                f"{who} sends what it never sent: {told}.{samples} Read it in field map {map_id} or let that ignore"
                f" it; `leadsvc drift accept {feed} {map_id}` when it may stay as it is."
            )
        case Cause.MARKET_QUIET:
            return f"{who} is quiet, and so are the others: {condition.market:.0%} of what is usual. Nothing to do."
        case Cause.NOTHING_ARRIVES:
            return (
                f"Nothing arrives by any feed since {when}, when {condition.expected:.0f} leads were to be expected."
                " Look at the own side first: address, certificate, proxy, mailboxes, network."
            )
        case _:
            return NOTHING


def _what(names: tuple[str, ...]) -> str:
    if UNREAD in names:
        return "what it sends now cannot be read"
    rare = [_SAYABLE.get(name, name.replace("_", " ")) for name in names if not name.startswith("!")]
    more = [_SAYABLE.get(name, name[1:]) for name in names if name.startswith("!")]
    said = [f"{', '.join(rare)} no longer comes with most leads"] if rare else []
    return " and ".join([*said, *(f"there are many {each}" for each in more)])
