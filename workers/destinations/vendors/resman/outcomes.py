"""What became of people, out of ResMan's list of applicants and residents. Pure.

The list is whole each time, so what is older than the last reading is left out. The names of its fields are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from leadsvc.workers.destinations import mits
from leadsvc.workers.destinations.base import OutcomeKind, RemoteOutcome
from leadsvc.workers.destinations.lenient import fold, pick, remote_id
from leadsvc.workers.destinations.rest import text

OVERLAP = timedelta(days=2)
"""Some changes are told by their day alone."""

_KINDS = {
    "applicant": OutcomeKind.APPLIED,
    "applied": OutcomeKind.APPLIED,
    "pending": OutcomeKind.APPLIED,
    "pendingapproval": OutcomeKind.APPLIED,
    "approved": OutcomeKind.APPROVED,
    "approvedapplicant": OutcomeKind.APPROVED,
    "denied": OutcomeKind.DENIED,
    "cancelled": OutcomeKind.CANCELLED,
    "canceled": OutcomeKind.CANCELLED,
    "leasesigned": OutcomeKind.LEASED,
    "signed": OutcomeKind.LEASED,
    "futureresident": OutcomeKind.LEASED,
    "future": OutcomeKind.LEASED,
    "pendingmovein": OutcomeKind.LEASED,
    "current": OutcomeKind.MOVED_IN,
    "currentresident": OutcomeKind.MOVED_IN,
    "resident": OutcomeKind.MOVED_IN,
    "lost": OutcomeKind.LOST,
}


def of(item: Mapping[str, object], zone: str, now: datetime) -> RemoteOutcome | None:
    """The outcome that one entry tells; ``None`` for one without a person or a status."""
    card_id = remote_id(pick(item, "PersonID", "ID"))
    word = text(pick(item, "Status", "Type", "LeaseStatus"))
    if not card_id or not word:
        return None
    written = mits.moment(text(pick(item, "StatusDate", "LastUpdated", "LastUpdateDate", "UpdatedDate")))
    at = mits.instant(written, zone) if written is not None else now
    return RemoteOutcome(
        card_id=card_id,
        person_id=card_id,
        kind=_KINDS.get(fold(word), OutcomeKind.OTHER),
        at=at,
        raw_status=word,
        lease_id=remote_id(pick(item, "LeaseID")),
        reason=text(pick(item, "Reason", "LostReason", "ReasonForLeaving")),
        remote_ref=f"{card_id}:{word}",
    )
