"""The one door to the network for destinations: limits, no redirects, and the difference between *never sent* and
*sent, no answer*."""

from __future__ import annotations

import contextlib
import functools
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from leadsvc.errors import ConfigurationError
from leadsvc.workers.destinations.base import Around, Profile
from leadsvc.workers.destinations.verdicts import header, plain

# Raised before the first byte of a request has left; everything else may have reached the other side.
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
)

_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "keep-alive", "User-Agent": "leadsvc"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``status`` 0: nothing whole did, ``note`` says why; then ``sent`` tells whether the request may
    have been acted on. ``received_at`` is our clock."""

    sent: bool
    received_at: datetime
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    note: str = ""

    def context(self, *, read: bool) -> dict[str, object]:
        """What ``classify`` is told beside status, headers and body."""
        return {"sent": self.sent, "received_at": self.received_at, "read": read}


def moment_of(headers: Mapping[str, str]) -> datetime | None:
    """The sender's clock, by the ``Date`` of its answer."""
    try:
        said = parsedate_to_datetime(header(headers, "Date"))
    except (TypeError, ValueError, OverflowError):
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def quiet(_: str) -> None:
    """The hook that does nothing."""


@functools.cache
def _certificates() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes longer than a call, so all accounts share one context."""
    return httpx2.create_ssl_context()


class Door:
    """Connections of one account: pooled, bounded in time and bytes, watched by ``around``. ``skew_s``: by how much the
    other side's clock was ahead of ours at the last answer."""

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        """Raises :class:`ConfigurationError` when ``base_url`` cannot be called."""
        self._profile = profile
        self._around = around
        self.skew_s: float | None = None
        self._base_url = f"{str(self._base(profile)).rstrip('/')}/"
        # The client's transport without the client: it keeps no cookies, follows nothing and asks no environment, so
        # where leads go is decided by the reviewed configuration alone; and a call costs two thirds.
        self._transport = httpx2.HTTPTransport(
            verify=_certificates(),
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=profile.max_connections, max_keepalive_connections=profile.max_connections
            ),
        )
        self._limits = {"timeout": httpx2.Timeout(profile.timeout_s).as_dict()}

    @staticmethod
    def _base(profile: Profile) -> httpx2.URL:
        try:
            base = httpx2.URL(profile.base_url)
        except httpx2.InvalidURL as error:
            raise ConfigurationError(f"destination {profile.name}: write base_url as https://host/path") from error
        if base.scheme not in ("http", "https") or not base.host:
            raise ConfigurationError(f"destination {profile.name}: base_url must start with https:// and name a host")
        if base.userinfo:
            raise ConfigurationError(f"destination {profile.name}: name credentials apart, base_url is shown to people")
        return base

    def call(
        self,
        op: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, object] | Sequence[object] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """One remote call named ``op``; every network failure becomes an :class:`Answer` with status 0."""
        self._around(f"before {op}")
        answer = self._exchange(method, path, params=params, headers=headers, json=json, content=content)
        self._around(f"after {op}")
        there = moment_of(answer.headers)
        if there is not None:
            self.skew_s = (there - answer.received_at).total_seconds()
        return answer

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        json: Mapping[str, object] | Sequence[object] | None,
        content: bytes | None,
    ) -> Answer:
        deadline = time.monotonic() + self._profile.timeout_s
        try:
            request = httpx2.Request(
                method,
                self._url(path),
                params=params,
                headers={**_HEADERS, **(headers or {})},
                json=json,
                content=content,
                extensions=self._limits,
            )
            with contextlib.closing(self._transport.handle_request(request)) as response:
                body = self._read(response, deadline)
                return Answer(True, datetime.now(UTC), response.status_code, dict(response.headers), body)
        except _NEVER_SENT as error:
            return Answer(False, datetime.now(UTC), note=self._note(error))
        except httpx2.RequestError as error:
            return Answer(True, datetime.now(UTC), note=self._note(error))

    def _url(self, path: str) -> str:
        """``path`` below the account's address, unless it is an address itself."""
        absolute = path[:8].lower().startswith(("http://", "https://"))
        return path if absolute else self._base_url + path.lstrip("/")

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        """The whole body. A slow drip or a flood counts as no answer: half a body must never be judged."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._profile.max_answer_bytes:
                raise httpx2.ReadError(f"the answer is larger than {self._profile.max_answer_bytes} bytes")
            if time.monotonic() > deadline:
                raise httpx2.ReadTimeout(f"the answer took longer than {self._profile.timeout_s} s")
            parts.append(part)
        return b"".join(parts)

    def _note(self, error: httpx2.RequestError) -> str:
        return self.clean(f"{type(error).__name__}: {error}")

    def clean(self, text: str) -> str:
        """``text`` without this account's secrets and without personal data, for logs and messages."""
        if not text:
            return text
        for secret in self._profile.secrets:
            text = text.replace(secret, "[secret]")
        return plain(text)

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()
