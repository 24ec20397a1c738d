"""What became of guests, out of the events that agents enter there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadsvc.workers.destinations.base import OutcomeKind, RemoteOutcome
from leadsvc.workers.destinations.mits import Event, Prospect, instant
from leadsvc.workers.destinations.verdicts import moment

_OVERLAP = timedelta(hours=1)
_SPAN = timedelta(days=7)
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


@dataclass(frozen=True, slots=True)
class Span:
    """Days to ask for, and at which of the account's properties. A cursor is ``since|until|place`` while a span is
    read, and the end of what was read between spans."""

    since: datetime
    until: datetime
    place: int = 0

    @classmethod
    def at(cls, cursor: str, since: datetime, now: datetime) -> Span:
        """Where to go on; a little is read again, for what is noted late."""
        parts = cursor.split("|")
        begin = moment(parts[0]) or since
        end = moment(parts[1]) if len(parts) == 3 else None
        if end is not None and parts[2].isdigit():
            return cls(begin, end, int(parts[2]))
        return cls(begin - _OVERLAP, min(now, begin + _SPAN))

    def following(self, homes: int, now: datetime) -> tuple[str, bool]:
        """The cursor after this page, and whether another page is waiting."""
        if self.place + 1 < homes:
            return f"{self.since.isoformat()}|{self.until.isoformat()}|{self.place + 1}", True
        return self.until.isoformat(), self.until < now - _OVERLAP
