"""A mail that claims a source is judged before its leads are believed (SPEC §3): what fails waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leadsvc.config import Feed, Settings
from leadsvc.model import Reading, Verdict
from leadsvc.trust import TrustVerdict, judge

RELEASED = "released"
UNTRUSTED = "untrusted_sender"
_MAILBOX = ":mailbox"


def judged(
    reading: Reading, settings: Settings, feed: Feed, headers: Mapping[str, str], raw: bytes | None, stored: str
) -> Reading:
    """``reading`` with the verdict on its sender; a quarantine when the verdict, or the lack of one, forbids to believe
    it. ``headers`` are those of the receipt, ``raw`` the bytes of a mail that came as such, ``stored`` the verdict so
    far: what a person released stays released."""
    if reading.claim is None or reading.verdict is not Verdict.LEADS:
        return reading
    if stored == RELEASED:
        return replace(reading, trust=RELEASED, trust_reason="A person released it")
    box = settings.mailboxes.get(headers.get(_MAILBOX, ""))
    ids = (*settings.mail_trust.authserv_ids, *(box.authserv_ids if box else ()))
    # Where a provider received the mail, no server of ours has written anything into it: its sender may have.
    claim = reading.claim if raw is not None else replace(reading.claim, results=())
    found = judge(claim, replace(settings.mail_trust, authserv_ids=ids), raw)
    reading = replace(reading, trust=found.verdict.value, trust_reason=found.reason)
    demanded = settings.mail_trust.require_auth or feed.require_auth or (box is not None and box.require_auth)
    if found.verdict is TrustVerdict.FAIL or (demanded and found.verdict is TrustVerdict.NONE):
        return _withheld(reading)
    return reading


def _withheld(reading: Reading) -> Reading:
    detail = f"{reading.trust_reason}. If it is genuine, release it: its leads are read then as if it had passed."
    return replace(
        reading, verdict=Verdict.QUARANTINE, cause=UNTRUSTED, detail=detail, leads=(), positions=(), errors=()
    )
