"""Web hooks of known providers at the door: proved before they are recorded, counted when they are not."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response, request

from leadsvc.api import hooks_signed, hooks_sns
from leadsvc.api.hooks_signed import Hook, Unproved
from leadsvc.api.state import State
from leadsvc.config import Feed
from leadsvc.errors import NotFound, Reject
from leadsvc.faults import Commit
from leadsvc.hookconfig import Verify
from leadsvc.logs import logger
from leadsvc.store.queries import fetches

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logger("hooks")

_CERTIFICATE_WAIT_S = 20
_MAX_CHALLENGE = 200


def proved(box: State, feed: Feed, environ: WSGIEnvironment, body: bytes) -> str:
    """The name the provider gives this delivery and uses once only, empty where there is none.

    Raises :class:`Reject` 401 when the hook is not the provider's (406 to Mailgun where its trying again is in vain),
    and 503 while the certificate that it is to be checked with is being fetched.
    """
    if feed.verify is None:
        return ""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    hook = Hook(headers, body, environ.get("CONTENT_TYPE", ""), request.remote_addr)
    try:
        now = box.services.clock()
        key = hooks_signed.proof(feed.provider, feed.verify, hook, now.timestamp())
        if feed.provider == "ses":
            key = _sns(box, feed.name, feed.verify, body)
    except Unproved as error:
        raise _refused(box, feed, error) from error
    _well(box, feed.name)
    return key


def replayed(box: State, feed: Feed) -> Reject:
    """The answer to a delivery whose name was used before, for other bytes."""
    return _refused(box, feed, Unproved("replayed", "Its token was used before, for other content.", final=True))


def challenge(feed: Feed, query: Mapping[str, str]) -> Response:
    """The answer to Facebook's question whether this address wants a page's leads. Raises :class:`NotFound` for any
    other question and :class:`Reject` 403 when it does not know the word agreed on."""
    if feed.provider != "facebook" or query.get("hub.mode") != "subscribe":
        raise NotFound("Nothing is to be read here; send leads with POST.")
    wanted = feed.verify.challenge if feed.verify else ""
    given = query.get("hub.verify_token", "")
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        detail = "hub.verify_token is not the word that verify.challenge of this feed refers to."
        raise Reject(403, "Not the word agreed on", detail, code="challenge")
    said = query.get("hub.challenge", "")
    plain = "".join(char for char in said if char.isascii() and (char.isalnum() or char in "-_."))
    response = Response(plain[:_MAX_CHALLENGE], mimetype="text/plain")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _sns(box: State, feed: str, verify: Verify, body: bytes) -> str:
    root = hooks_sns.message(body, verify)
    url = hooks_sns.certificate_url(root)
    return hooks_sns.check(root, _certificate(box, feed, verify, url), verify, box.services.clock())


def _certificate(box: State, feed: str, verify: Verify, url: str) -> str:
    """The certificate from memory, from the folder, or from the store, whither a worker brings it: this process opens
    no connection to an address that stands in a request."""
    if url in box.certificates:
        return box.certificates[url]
    pem = ""
    if verify.certificates:
        file = Path(verify.certificates) / url.rpartition("/")[2]
        try:
            pem = file.read_text(encoding="ascii")
        except (OSError, UnicodeError):
            log.info("certificate_not_in_folder", feed=feed)
    if not pem:
        with box.services.store.read() as connection:
            pem = fetches.certificate(connection, url)
    if not pem:
        now = box.services.clock()
        with box.services.store.write(Commit.FETCH) as connection:
            fetches.want(connection, fetches.fetch_row(feed, "sns_certificate", url, now))
        detail = "The certificate of the signature is being fetched; send the same message again after Retry-After."
        raise Reject(503, "Certificate wanted", detail, code="certificate", retry_after=_CERTIFICATE_WAIT_S)
    box.certificates[url] = pem
    return pem


def _refused(box: State, feed: Feed, error: Unproved) -> Reject:
    now = box.services.clock()
    box.proved.discard(feed.name)
    detail = (
        f"Web hooks of feed {feed.name} are refused. {error.detail} Compare verify in the configuration with "
        f"{feed.provider}'s settings; `leadsvc hooks list` counts them."
    )
    with box.services.store.write(Commit.ADMIN) as connection:
        fetches.refused(connection, feed.name, error.cause, now)
        fetches.trouble(connection, "feed", fetches.hook_trouble(feed.name), f"hook_{error.cause}", detail, now)
    log.warning("hook_refused", feed=feed.name, cause=error.cause)
    status = 406 if feed.provider == "mailgun" and error.final else 401
    return Reject(status, "Not proved to be the provider's", f"{error.detail} Nothing was recorded.", code="unproved")


def _well(box: State, feed: str) -> None:
    """Close the exception about a feed's signatures at the first one that is right, once a process."""
    if feed in box.proved:
        return
    with box.services.store.write(Commit.ADMIN) as connection:
        fetches.solved(
            connection, fetches.hook_trouble(feed), "a web hook was proved again", "api", box.services.clock()
        )
    box.proved.add(feed)
