"""The credentials of the store, kept in the process for at most five seconds and looked up by digest."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from leadsvc.config import Feed, Settings
from leadsvc.security import Network, digest, networks, signing_secret
from leadsvc.store import Store
from leadsvc.store.queries import api_keys

KEPT_S = 5.0
_AHEAD_S = 4.0  # one thread looks again while the others go on with what they have
_AFTER_MISS_S = 0.25  # an unknown secret may be a new one, but guessing must not read the table each time


@dataclass(frozen=True, slots=True)
class Credential:
    """A live credential and what it means on this machine. ``feed`` is ``None`` for staff.

    ``canonical`` is the same feed read by the canonical map, for ``POST /v1/leads``. ``max_bytes`` is the smaller of
    the limits of feed and server.
    """

    id: UUID
    kind: str
    scope: str
    prefix: str
    feed: Feed | None
    canonical: Feed | None
    test: bool
    allowed: tuple[Network, ...]
    name: str
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    by_digest: dict[str, Credential]
    signing: dict[str, tuple[tuple[Credential, bytes], ...]]
    stale: tuple[str, ...]  # prefixes of signing credentials that another secret key made
    read_at: float


class Credentials:
    """Finds the credential that a secret belongs to."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._reading = threading.Lock()
        self._snapshot: Snapshot | None = None

    def find(self, kind: str, prefix: str, secret: str) -> Credential | None:
        """The live credential of this kind, prefix and secret; the same work is done for every wrong one."""
        wanted = digest(secret)
        found = self._known(wanted)
        if found is None:
            return None
        same = hmac.compare_digest(found.prefix.encode(), prefix.encode()) & (found.kind == kind)
        return found if same else None

    def signers(self, feed: str) -> tuple[tuple[Credential, bytes], ...]:
        """The live signing credentials of ``feed`` with their secrets."""
        return self._current().signing.get(feed) or self._again().signing.get(feed, ())

    def stale(self) -> tuple[str, ...]:
        """Prefixes of signing credentials that nothing can fit, because ``LEADSVC_SECRET_KEY`` has changed since."""
        return self._current().stale

    def forget(self) -> None:
        """Read the table anew at the next look-up; for whoever has just changed it in this process."""
        self._snapshot = None

    def _known(self, wanted: str) -> Credential | None:
        return self._current().by_digest.get(wanted) or self._again().by_digest.get(wanted)

    def _current(self) -> Snapshot:
        snapshot = self._snapshot
        age = self._clock() - snapshot.read_at if snapshot else KEPT_S
        if snapshot and age < _AHEAD_S:
            return snapshot
        # Whoever is first reads; others wait only when what they have is too old to be used.
        if self._reading.acquire(blocking=age >= KEPT_S or snapshot is None):
            try:
                return self._read_unless(KEPT_S - _AHEAD_S)
            finally:
                self._reading.release()
        return snapshot or self._again()

    def _again(self) -> Snapshot:
        with self._reading:
            return self._read_unless(_AFTER_MISS_S)

    def _read_unless(self, younger_than: float) -> Snapshot:
        """Read the table, unless another thread did so less than ``younger_than`` seconds ago."""
        snapshot, now = self._snapshot, self._clock()
        if snapshot is None or now - snapshot.read_at >= younger_than:
            snapshot = self._snapshot = self._read(now)
        return snapshot

    def _read(self, now: float) -> Snapshot:
        by_digest: dict[str, Credential] = {}
        signing: dict[str, tuple[tuple[Credential, bytes], ...]] = {}
        stale: tuple[str, ...] = ()
        with self._store.read() as connection:
            rows = api_keys.live(connection)
        for row in rows:
            feed = None
            if row.feed is not None:
                # A feed taken out of the file keeps what its key still sends: a lead is never lost to a tidy-up.
                feed = self._settings.feeds.get(row.feed) or Feed(name=row.feed)
            credential = Credential(
                id=row.id,
                kind=row.kind,
                scope=row.scope,
                prefix=row.prefix,
                feed=feed,
                canonical=replace(feed, map="canonical") if feed else None,
                test=row.test,
                allowed=networks(row.allowed_ips),
                name=f"{row.kind}:{row.prefix}",
                max_bytes=min(feed.max_bytes if feed else 0, self._settings.max_body_bytes),
            )
            if row.kind == "hmac" and row.feed is not None:
                secret = signing_secret(self._settings.secret_key, row.id)
                signing[row.feed] = (*signing.get(row.feed, ()), (credential, secret))
                stale += () if digest(secret.hex()) == row.digest else (row.prefix,)
            else:
                by_digest[row.digest] = credential
        return Snapshot(by_digest, signing, stale, now)
