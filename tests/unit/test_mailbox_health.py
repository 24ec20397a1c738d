"""What a probe is told of mailboxes: in trouble, never read, or silent for longer than a server may be listened to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadsvc.api.health import _unread_mailboxes
from leadsvc.store.queries.mailboxes import Told

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def told(minutes: float | None, trouble: str = "") -> Told:
    looked = NOW - timedelta(minutes=minutes) if minutes is not None else None
    return Told("leads", trouble, "Renew the password." if trouble else "", looked, None, 0, 0, 0, "")


def test_a_mailbox_that_is_read_is_no_trouble() -> None:
    assert _unread_mailboxes(["leads"], {"leads": told(30)}, NOW) == []
    assert _unread_mailboxes([], {"leads": told(9999)}, NOW) == []


def test_what_hinders_it_is_named() -> None:
    [refused] = _unread_mailboxes(["leads"], {"leads": told(1, "auth_refused")}, NOW)
    assert (refused["code"], refused["next"]) == ("mailbox", "Renew the password.")
    [silent] = _unread_mailboxes(["leads"], {"leads": told(46)}, NOW)
    assert "2026-03-02T15:14" in silent["detail"]
    [never] = _unread_mailboxes(["leads"], {}, NOW)
    assert "leadsvc mailbox" in never["next"]
