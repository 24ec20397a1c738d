"""What became of guests, out of the events that agents enter there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from leadsvc.workers.destinations.base import OutcomeKind, RemoteOutcome
from leadsvc.workers.destinations.mits import Event, Prospect, instant

OVERLAP = timedelta(hours=1)
LONGEST = timedelta(days=7)
_OUR_MARK = "[ref "

_KINDS = {
    "contact": OutcomeKind.CONTACTED,
    "calltoprospect": OutcomeKind.CONTACTED,
    "emailtoprospect": OutcomeKind.CONTACTED,
    "texttoprospect": OutcomeKind.CONTACTED,
    "letter": OutcomeKind.CONTACTED,
    "phone": OutcomeKind.CONTACTED,
    "email": OutcomeKind.CONTACTED,
    "text": OutcomeKind.CONTACTED,
    "appointment": OutcomeKind.TOUR_SCHEDULED,
    "show": OutcomeKind.TOURED,
    "selfguidedtour": OutcomeKind.TOURED,
    "returnvisit": OutcomeKind.TOURED,
    "application": OutcomeKind.APPLIED,
    "reapply": OutcomeKind.APPLIED,
    "approve": OutcomeKind.APPROVED,
    "applicationdenied": OutcomeKind.DENIED,
    "leasesign": OutcomeKind.LEASED,
    "movein": OutcomeKind.MOVED_IN,
    "cancel": OutcomeKind.LOST,
    "cancelapplication": OutcomeKind.CANCELLED,
    "cancelmovein": OutcomeKind.CANCELLED,
    "lost": OutcomeKind.LOST,
    "reactivate": OutcomeKind.REOPENED,
}
# Entries that say nothing of what became of a guest: what came in, what was only prepared, what happens to residents.
_NO_OUTCOME = frozenset(
    (
        "webservice", "other", "chat", "emailfromils", "emailfromprospect", "callfromprospect", "textfromprospect",
        "fax", "ftp", "kiosk", "walkin", "walk-in", "hold", "release", "screen", "failcreditcheck", "cancelappointment",
        "cancelnotice", "monthtomonth", "moveout", "notice", "renew", "transfer",
    )
)  # fmt: skip
_BY_TYPE = {
    "applicant": OutcomeKind.APPLIED,
    "approved_applicant": OutcomeKind.APPROVED,
    "denied_applicant": OutcomeKind.DENIED,
    "future_resident": OutcomeKind.LEASED,
    "current_resident": OutcomeKind.MOVED_IN,
    "canceled": OutcomeKind.LOST,
}


def of(found: Prospect, zone: str, organization: str) -> Iterator[RemoteOutcome]:
    """The outcomes of one guest: one per event of an agent, and what its type says that no event does."""
    kinds: set[OutcomeKind] = set()
    for event in found.events:
        kind = _kind(event)
        if kind is not None:
            kinds.add(kind)
            yield _outcome(found, kind, event.kind, instant(event.at, zone), organization, event)
    by_type = _BY_TYPE.get(found.kind)
    if by_type is not None and by_type not in kinds and found.updated_at is not None:
        yield _outcome(found, by_type, found.kind, instant(found.updated_at, zone), organization)


def _kind(event: Event) -> OutcomeKind | None:
    if event.first_contact or _OUR_MARK in event.text:
        return None
    word = event.kind.lower()
    return None if word in _NO_OUTCOME or not word else _KINDS.get(word, OutcomeKind.OTHER)


def _outcome(
    found: Prospect, kind: OutcomeKind, word: str, at: datetime, organization: str, event: Event | None = None
) -> RemoteOutcome:
    card_id = found.id("ProspectID")
    tenant = found.id("TenantID")
    reason = ""
    if event is not None and kind in (OutcomeKind.LOST, OutcomeKind.CANCELLED, OutcomeKind.DENIED):
        reason = event.reason or event.text
    return RemoteOutcome(
        card_id=card_id,
        kind=kind,
        at=at,
        raw_status=word,
        person_id=tenant,
        our_key=found.id("ThirdPartyID", organization),
        lease_id=tenant if kind in (OutcomeKind.LEASED, OutcomeKind.MOVED_IN) else "",
        reason=reason,
        remote_ref=f"{card_id}:{event.event_id or at.isoformat()}" if event is not None else f"{card_id}:{word}",
    )
