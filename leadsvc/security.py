"""Credentials: made, shown once, kept as a digest, and verified in constant time. Pure: no database, no clock.

A secret is 192 random bits, so one fast digest keeps it safe at rest; there is no password here to slow a guesser for.
The secret of a signing (HMAC) credential must be known to us to check a signature: it is derived from the deployment's
own secret and the credential's id, so that the database alone does not hold it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leadsvc.errors import Reject
from leadsvc.ids import uuid7

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KINDS = ("bearer", "basic", "hmac", "url")
SCOPES = ("feed", "staff:read", "staff:write")
TOLERANCE_S = 300
"""How far the clock of a signer may be from ours, both ways (Standard Webhooks)."""

_PREFIX_LETTERS = "23456789bcdfghjkmnpqrstvwxyz"
_PREFIX_LENGTH = 8
_SECRET_BYTES = 24
_MAX_SIGNATURES = 16  # enough for any rotation; a header full of them must not cost more than that


@dataclass(frozen=True, slots=True)
class Issued:
    """A new credential: ``row`` is what the table ``credentials`` keeps, ``shown`` what the holder is told, once."""

    row: dict[str, Any]
    shown: str


def issue(
    kind: str,
    *,
    feed: str | None,
    scope: str = "feed",
    label: str = "",
    allowed_ips: Sequence[str] = (),
    test: bool = False,
    secret_key: str,
) -> Issued:
    """Make a credential. ``row`` lacks ``created_at``, which is the caller's to add.

    Raises :class:`Reject` when kind, scope, feed or an address range do not make sense together.
    """
    _check(kind, feed, scope)
    networks(allowed_ips)
    identity = uuid7()
    prefix = ("test" if test else "") + "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(_PREFIX_LENGTH))
    if kind == "hmac":
        key = signing_secret(secret_key, identity)
        kept, shown = digest(key.hex()), f"whsec_{base64.b64encode(key).decode()}"
    else:
        secret = secrets.token_hex(_SECRET_BYTES)
        kept, shown = digest(secret), _shown(kind, prefix, secret)
    row = {
        "id": identity,
        "feed": feed,
        "kind": kind,
        "scope": scope,
        "label": label,
        "prefix": prefix,
        "digest": kept,
        "allowed_ips": list(allowed_ips),
        "test": test,
    }
    return Issued(row, shown)


def _check(kind: str, feed: str | None, scope: str) -> None:
    if kind not in KINDS:
        raise _refuse(f"no such kind of credential; use one of {', '.join(KINDS)}")
    if scope not in SCOPES:
        raise _refuse(f"no such scope; use one of {', '.join(SCOPES)}")
    if (scope == "feed") != (feed is not None):
        raise _refuse("a feed credential names its feed, a staff credential names none")
    if scope != "feed" and kind not in {"bearer", "basic"}:
        raise _refuse("staff credentials are bearer or basic: the other kinds can only send leads")


def _refuse(detail: str) -> Reject:
    return Reject(422, "Credential cannot be made", detail, code="bad_credential_request")


def _shown(kind: str, prefix: str, secret: str) -> str:
    return f"{prefix}:{secret}" if kind == "basic" else f"lsk_{prefix}_{secret}"


def digest(secret: str) -> str:
    """What is kept of a secret: 32 bytes of BLAKE2b as hexadecimal."""
    return hashlib.blake2b(secret.encode(), digest_size=32).hexdigest()


def split_token(token: str) -> tuple[str, str]:
    """Prefix and secret of ``lsk_<prefix>_<secret>``; both empty when it is no such thing."""
    head, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    return (prefix, secret) if head == "lsk" and prefix and secret else ("", "")


def split_basic(encoded: str) -> tuple[str, str]:
    """User and password of an ``Authorization: Basic`` value; both empty when it cannot be read."""
    try:
        text = base64.b64decode(encoded.encode("ascii"), validate=True).decode()
    except (binascii.Error, UnicodeError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password


def signing_secret(secret_key: str, credential_id: uuid.UUID) -> bytes:
    """The 32 bytes a sender signs with, derived anew each time instead of being stored."""
    return hmac.digest(secret_key.encode(), f"hmac-credential:{credential_id}".encode(), "sha256")


def sign(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """The value of ``webhook-signature`` for a body (Standard Webhooks, symmetric): ``v1,`` and base64."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def signed_by(candidates: Iterable[bytes], message_id: str, timestamp: str, body: bytes, header: str, now: int) -> int:
    """The index of the candidate secret that made one of the signatures in ``header``, or -1.

    ``header`` holds signatures separated by spaces; versions other than ``v1`` are passed over. Every candidate is
    compared with every signature, so that the time taken does not tell which one came close.
    """
    if not (message_id and timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return -1
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return -1
    given = [word.encode() for word in header.split()[:_MAX_SIGNATURES] if word.startswith("v1,")]
    found = -1
    for index, secret in enumerate(candidates):
        expected = sign(secret, message_id, timestamp, body).encode()
        if sum(hmac.compare_digest(expected, word) for word in given):
            found = index
    return found


def networks(allowed_ips: Iterable[str]) -> tuple[Network, ...]:
    """The address ranges of an IP list. Raises :class:`Reject` naming the entry that is none."""
    found: list[Network] = []
    for entry in allowed_ips:
        try:
            found.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            raise _refuse(f"{entry!r} is no address range; write one like 192.0.2.0/24 or 2001:db8::/32") from None
    return tuple(found)


def may_come_from(allowed: Sequence[Network], address: str | None) -> bool:
    """Whether an IP list lets ``address`` in; an empty list lets everyone in."""
    if not allowed:
        return True
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in allowed)
