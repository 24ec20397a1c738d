"""Where leads come in. Thin on purpose: who, how large, how often, then straight to the receiver."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from urllib.parse import parse_qs

from flask import Response, request

from leadsvc.api import examples, hooks, schemas
from leadsvc.api.auth import body_of, sender, spend
from leadsvc.api.problems import MEDIA_TYPE
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, view
from leadsvc.errors import KeyUsed
from leadsvc.model import Channel, Delivered

blueprint = new_blueprint("leads", "Sending leads.")

_KEY_LENGTH = 200
# No client can send this name: whoever reads the receipt again knows by it that the canonical map was meant.
_CANONICAL_PATH = {":path": "/v1/leads"}
# What could be a secret, or (a path, a referrer) could hold the token of a hook.
_HIDDEN = (
    "auth",
    "cookie",
    "token",
    "secret",
    "signature",
    "apikey",
    "api-key",
    "password",
    "refer",
    "url",
    "uri",
    "path",
)


@view(blueprint, "/leads/<feed>", schemas.Receipt, method="POST", example=examples.ACCEPTED, **examples.SEND_NATIVE)
def send(feed: str) -> Response:
    """Send leads in the sender's own format

    JSON, form, XML, mail or CSV as the feed's field map says. Whatever is inside, a request that is authenticated and
    within limits is recorded and answered 200; only feeds read by the canonical map answer 422.
    """
    return _take(feed, None, canonical=False)


@view(
    blueprint,
    "/leads",
    schemas.CanonicalReceipt,
    method="POST",
    example=examples.ACCEPTED_LIST,
    **examples.SEND_CANONICAL,
)
def send_canonical() -> Response:
    """Send canonical JSON: one lead, or a list of up to 1,000

    Counted for the feed of the credential. Every item has its own result; the answer is 422 only when none was taken.
    """
    return _take(None, None, canonical=True)


@view(blueprint, "/hooks/<token>", schemas.Receipt, method="POST", example=examples.ACCEPTED, **examples.SEND_HOOK)
def hook(token: str) -> Response:
    """Send leads to a secret address

    For senders that can set no header. The address is the credential; the feed is the credential's.
    """
    return _take(None, token, canonical=False)


@view(blueprint, "/hooks/<token>", None, content_type="text/plain", **examples.ASK_HOOK)
def asked(token: str) -> Response:
    """Answer Facebook's question whether this address is wanted

    Its hub.challenge comes back to whoever sends the hub.verify_token agreed on; other providers ask nothing.
    """
    box, environ = state(), request.environ
    credential, _ = sender(box, environ, None, token)
    if credential.feed is None:
        raise TypeError("a sender's credential has a feed")
    environ["leadsvc.feed"], environ["leadsvc.credential"] = credential.feed.name, credential.prefix
    spend(box, credential)
    return hooks.challenge(credential.feed, request.args)


def _take(name: str | None, token: str | None, *, canonical: bool) -> Response:
    box, environ = state(), request.environ
    credential, body = sender(box, environ, name, token)
    feed = credential.canonical if canonical else credential.feed
    if feed is None:
        raise TypeError("a sender's credential has a feed")
    environ["leadsvc.feed"], environ["leadsvc.credential"] = feed.name, credential.prefix
    spend(box, credential)
    if body is None:
        body = body_of(environ, credential.max_bytes)
    once = "" if canonical else hooks.proved(box, feed, environ, body)
    delivered = Delivered(
        body=body,
        content_type=environ.get("CONTENT_TYPE", "").replace("\0", ""),
        channel=Channel.HTTP,
        received_at=box.services.clock(),
        headers=_headers(environ, token) | (_CANONICAL_PATH if canonical else {}),
        map_hint=feed.map or None,
    )
    if credential.test or _rehearsal(environ.get("QUERY_STRING", "")):
        return _answer(200, box.services.receiver.rehearse(delivered, feed=feed), problem=False)
    key = once or _delivery_key(environ, signed=credential.kind == "hmac")
    try:
        answer = box.services.receiver.receive(
            delivered,
            feed=feed,
            authenticated=credential.name,
            delivery_key=f"{credential.id}:{key}" if key else None,
            once=bool(once),
        )
    except KeyUsed as error:
        raise hooks.replayed(box, feed) from error
    environ["leadsvc.receipt"] = answer.body.get("receipt")
    return _answer(answer.status, answer.body, problem=answer.problem)


def _answer(status: int, body: object, *, problem: bool) -> Response:
    # Sorted: an answer that comes back from the store for a repeated key is then the same byte for byte.
    text = json.dumps(body, default=str, separators=(",", ":"), sort_keys=True)
    return Response(text, status, mimetype=MEDIA_TYPE if problem else "application/json")


def _rehearsal(query: str) -> bool:
    return "test" in query and parse_qs(query).get("test", [""])[-1].lower() in {"1", "true", "yes"}


def _delivery_key(environ: dict[str, str], *, signed: bool) -> str:
    key = environ.get("HTTP_WEBHOOK_ID", "") if signed else environ.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) <= _KEY_LENGTH and key.isprintable():
        return key
    return "blake2b-" + hashlib.blake2b(key.encode(), digest_size=24).hexdigest()  # odd, but the sender means it


def _headers(environ: dict[str, str], token: str | None) -> dict[str, str]:
    kept = {}
    for name, value in environ.items():
        if not name.startswith("HTTP_"):
            continue
        shown = _header_name(name)
        if shown and not (token and token in value):
            kept[shown] = value.replace("\0", "")
    return kept


@lru_cache(maxsize=1024)
def _header_name(name: str) -> str:
    """``x-request-id`` for ``HTTP_X_REQUEST_ID``; empty for a header that is not kept."""
    shown = name[5:].replace("_", "-").lower().replace("\0", "")
    return "" if any(word in shown for word in _HIDDEN) else shown
