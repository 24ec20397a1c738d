"""Who is asking. Four kinds of credentials, one answer to every wrong one (401), the same work for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length, get_input_stream

from leadsvc.api.credentials import Credential
from leadsvc.api.state import State, state
from leadsvc.errors import Reject
from leadsvc.security import may_come_from, signed_by, split_basic, split_token

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STAFF_PER_MINUTE = 600


def sender(
    box: State, environ: WSGIEnvironment, feed: str | None, token: str | None
) -> tuple[Credential, bytes | None]:
    """The credential that may send leads to ``feed`` (``None``: to its own), and the body where checking it meant
    reading it. Raises :class:`Reject` 401, 403 or 429."""
    body: bytes | None = None
    if token is not None:
        found = box.credentials.find("url", *split_token(token))
    elif "HTTP_WEBHOOK_SIGNATURE" in environ:
        found, body = _signer(box, environ, feed or "canonical")
    else:
        found = _authorized(box, environ)
    if found is None:
        raise _unknown(box)
    _admitted(found)
    if found.feed is None:
        raise Reject(
            403,
            "Not for sending",
            "This is a staff credential; leads are sent with a feed's.",
            code="staff_cannot_send",
        )
    if feed is not None and feed != found.feed.name:
        raise Reject(
            403,
            "Another feed's credential",
            "The credential is good, but not for this feed; use the feed's own address or its own credential.",
            code="wrong_feed",
        )
    return found, body


def reader(scope: str, *, feeds: bool = False) -> Credential:
    """The credential behind a request that reads or acts. Raises :class:`Reject` 401, 403 or 429.

    ``scope``: ``staff:read``, or ``staff:write`` which includes it. ``feeds``: a feed's credential will do as well; the
    view then shows only what is that feed's own.
    """
    box = state()
    found = _authorized(box, request.environ)
    if found is None:
        raise _unknown(box)
    _admitted(found)
    allowed = {"staff:read", "staff:write"} if scope == "staff:read" else {scope}
    if found.scope not in allowed and not (feeds and found.feed):
        raise Reject(403, "Not with this credential", f"This needs a credential of scope {scope}.", code="wrong_scope")
    spend(box, found)
    return found


def spend(box: State, credential: Credential) -> None:
    """Count a request of ``credential``. Raises :class:`Reject` 429 when it has made too many."""
    per_minute = credential.feed.per_minute if credential.feed else STAFF_PER_MINUTE
    if wait := box.limits.spend(credential.name, per_minute):
        detail = f"More than {per_minute} requests a minute; nothing was recorded, go on after Retry-After seconds."
        raise Reject(429, "Too many requests", detail, code="rate", retry_after=wait)


def body_of(environ: WSGIEnvironment, limit: int) -> bytes:
    """The body, never more of it in memory than ``limit``. Raises 413, before reading when it is declared longer, and
    400 when less came than was declared."""
    declared = get_content_length(environ)
    if declared is not None and declared > limit:
        raise RequestEntityTooLarge
    # One byte more than may be: werkzeug cuts a body without Content-Length at the limit instead of refusing it.
    body = get_input_stream(environ, max_content_length=limit + 1).read()
    if len(body) > limit:
        raise RequestEntityTooLarge
    if declared is not None and len(body) != declared:
        raise ClientDisconnected  # half a lead is worse than one sent again
    return body


def _authorized(box: State, environ: WSGIEnvironment) -> Credential | None:
    scheme, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    scheme, rest = scheme.lower(), rest.strip()
    if scheme == "bearer":
        return box.credentials.find("bearer", *split_token(rest))
    if scheme == "basic":
        return box.credentials.find("basic", *split_basic(rest))
    return None


def _signer(box: State, environ: WSGIEnvironment, feed: str) -> tuple[Credential | None, bytes | None]:
    # A signature can only be checked with the whole body read: an address that guesses is stopped before that. The
    # other kinds cost one digest, so there the right secret gets in even beside a guesser behind the same proxy.
    if wait := box.limits.barred(request.remote_addr):
        raise _too_many(wait)
    signers = box.credentials.signers(feed)
    if not signers:
        return None, None
    body = body_of(environ, signers[0][0].max_bytes)
    index = signed_by(
        [secret for _, secret in signers],
        environ.get("HTTP_WEBHOOK_ID", ""),
        environ.get("HTTP_WEBHOOK_TIMESTAMP", ""),
        body,
        environ["HTTP_WEBHOOK_SIGNATURE"],
        int(box.services.clock().timestamp()),
    )
    return (signers[index][0] if index >= 0 else None), body


def _admitted(found: Credential) -> None:
    if found.allowed and not may_come_from(found.allowed, request.remote_addr):
        detail = "The credential is good, but not from this address; ask the operator to add it to the IP list."
        raise Reject(403, "Address not allowed", detail, code="address")


def _unknown(box: State) -> Reject:
    if wait := box.limits.failed(request.remote_addr):
        return _too_many(wait)
    detail = (
        "No live credential came with the request. Check the key and its kind and, for signatures, that the clock is "
        "right within 300 s and that the body is signed byte for byte; /docs shows each kind."
    )
    return Reject(401, "Credential wanted", detail, code="credential")


def _too_many(wait: int) -> Reject:
    detail = (
        "Too many requests from this address had a wrong credential; correct it, then go on after Retry-After seconds."
    )
    return Reject(429, "Too many failures", detail, code="failures", retry_after=wait)
