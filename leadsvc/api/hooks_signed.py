"""Whether a web hook is the provider's own: each provider's way of signing, as pure functions over the request.

What a signature covers differs: Mailgun signs a time and a token only, so a token may be used once; the others sign the
body. A provider without a signature (Postmark, CloudMailin, Unbounce) is known by the feed's credential and, where the
operator lists them, by its addresses.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from leadsvc.errors import Quarantine
from leadsvc.hookconfig import SIGN_BODY, Verify
from leadsvc.parsers import multipart
from leadsvc.security import may_come_from, networks

_MAX_FIELDS = 1_000


class Unproved(Exception):
    """The hook is not known to be its provider's. ``final``: a try with the same bytes can never succeed."""

    def __init__(self, cause: str, detail: str, *, final: bool = False) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.final = final


@dataclass(frozen=True, slots=True)
class Hook:
    """A request: ``headers`` by lower-case name, ``address`` of who sent it."""

    headers: Mapping[str, str]
    body: bytes
    content_type: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a provider signs the body. ``joined``: what stands between the time and the body where both are signed."""

    header: str
    algorithm: str
    encoding: str = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    joined: str = "."


SCHEMES: Mapping[str, Scheme] = {
    "facebook": Scheme("X-Hub-Signature-256", "sha256", prefix="sha256="),
    "intercom": Scheme("X-Hub-Signature", "sha1", prefix="sha1="),
    "webflow": Scheme("X-Webflow-Signature", "sha256", timestamp_header="X-Webflow-Timestamp", joined=":"),
    "callrail": Scheme("Signature", "sha1", "base64"),  # not confirmed by the vendor: every part can be configured
    "other": Scheme("X-Signature", "sha256"),
}
_TOLERANCE_S = 300
# Mailgun tries again for eight hours, with the time of the first try.
_MAILGUN_TOLERANCE_S = 30_000
_SENDGRID = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")


def proof(provider: str, verify: Verify, hook: Hook, now: float) -> str:
    """What the provider calls this delivery and uses once only, empty where it has no such word. ``now`` in seconds.

    Raises :class:`Unproved`. Messages of SNS are judged elsewhere.
    """
    if verify.addresses and not may_come_from(networks(verify.addresses), hook.address):
        raise Unproved("address", "It came from an address that verify.addresses does not hold.")
    if provider in SIGN_BODY:
        _signed_body(SCHEMES[provider], verify, hook, now)
        return ""
    special = _SPECIAL.get(provider)
    return special(verify, hook, now) if special else ""


def _signed_body(usual: Scheme, verify: Verify, hook: Hook, now: float) -> None:
    header = verify.header or usual.header
    algorithm = verify.algorithm or usual.algorithm
    encoding = verify.encoding or usual.encoding
    prefix = usual.prefix if verify.prefix is None else verify.prefix
    given = hook.headers.get(header.lower(), "").strip()
    if not given:
        raise Unproved("unsigned", f"The header {header} is missing.")
    signed = hook.body
    timed = usual.timestamp_header if verify.timestamp_header is None else verify.timestamp_header
    if timed:
        stamp = hook.headers.get(timed.lower(), "").strip()
        _fresh(stamp, verify.tolerance_s or _TOLERANCE_S, now)
        signed = stamp.encode() + usual.joined.encode() + hook.body
    for secret in verify.secrets:
        made = hmac.digest(secret.encode(), signed, algorithm)
        text = made.hex() if encoding == "hex" else base64.b64encode(made).decode()
        if _same(given, prefix + text):
            return
    raise Unproved("signature", f"The signature in {header} is none of the configured secret over these bytes.")


def _fresh(stamp: str, tolerance_s: int, now: float) -> None:
    """``stamp``: seconds since 1970, or milliseconds."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 16):
        raise Unproved("timestamp", "The signature's time is missing or no number.")
    seconds = int(stamp) / 1000 if len(stamp) >= 12 else int(stamp)
    if abs(now - seconds) > tolerance_s:
        raise Unproved("timestamp", f"The signature's time is more than {tolerance_s} s from ours.", final=True)


def _mailgun(verify: Verify, hook: Hook, now: float) -> str:
    fields = _fields(hook)
    stamp, token, given = (fields.get(name, "") for name in ("timestamp", "token", "signature"))
    if not (stamp and token and given):
        raise Unproved("unsigned", "The fields timestamp, token and signature are missing.")
    signed = (stamp + token).encode("utf-8", "replace")
    made = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in verify.secrets]
    if not sum(_same(given, each) for each in made):
        raise Unproved("signature", "The signature is none of the configured signing key.")
    _fresh(stamp, verify.tolerance_s or _MAILGUN_TOLERANCE_S, now)
    return "mailgun-" + hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=24).hexdigest()


def _wufoo(verify: Verify, hook: Hook, _now: float) -> str:
    given = _fields(hook).get("HandshakeKey", "")
    if not sum(_same(given, secret) for secret in verify.secrets):
        raise Unproved("signature", "The field HandshakeKey is not the configured one.")
    return ""


def _sendgrid(verify: Verify, hook: Hook, now: float) -> str:
    if not verify.public_key:
        return ""
    given, stamp = (hook.headers.get(name, "").strip() for name in _SENDGRID)
    if not given:
        raise Unproved("unsigned", "The signature headers are missing; switch on the signed policy of Inbound Parse.")
    try:
        key = load_der_public_key(base64.b64decode(verify.public_key))
        signature = base64.b64decode(given, validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Unproved("key", "verify.public_key is no ECDSA key; copy it from SendGrid's settings again.")
        key.verify(signature, stamp.encode() + hook.body, ec.ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise Unproved("signature", "The signature does not fit verify.public_key over these bytes.") from error
    _fresh(stamp, verify.tolerance_s or _TOLERANCE_S, now)
    return ""


_SPECIAL: Mapping[str, Callable[[Verify, Hook, float], str]] = {
    "mailgun": _mailgun,
    "wufoo": _wufoo,
    "sendgrid": _sendgrid,
}


def _fields(hook: Hook) -> dict[str, str]:
    """The first value of every field of a form."""
    try:
        if multipart.is_multipart(hook.body, hook.content_type):
            parts = multipart.read(hook.body, hook.content_type)
            pairs = [(part.name, part.data.decode("utf-8", "replace")) for part in parts if not part.filename]
        else:
            text = hook.body.decode("ascii", "replace")
            pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MAX_FIELDS)
    except (Quarantine, ValueError):
        return {}
    return dict(reversed(pairs))


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
