"""What a feed's part of the configuration says about web hooks: who signs them, and what must be fetched afterwards."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, validate, validates_schema
from marshmallow import fields as ma

PROVIDERS = (
    "sendgrid",
    "mailgun",
    "postmark",
    "ses",
    "cloudmailin",
    "facebook",
    "callrail",
    "intercom",
    "webflow",
    "wufoo",
    "unbounce",
    "other",
)
"""Senders of web hooks whose signatures and habits are known; ``other`` signs in a way that is configured."""

MAIL_PROVIDERS = {"sendgrid", "mailgun", "postmark", "ses", "cloudmailin"}
MAIL_BYTES = 40_000_000
"""What a feed of such a provider takes unless it says otherwise: mails carry photographs."""

SIGN_BODY = {"facebook", "callrail", "intercom", "webflow", "other"}
_SHARE_SECRET = {*SIGN_BODY, "mailgun", "wufoo"}
_REFERENCE = re.compile(r"(env|file):.+")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?\Z")


GRAPH_URL = "https://graph.facebook.com/v21.0"
GRAPH_FIELDS = ("id", "created_time", "field_data", "form_id")


@dataclass(frozen=True, slots=True)
class Verify:
    """How a delivery of a feed is known to be the provider's. Empty means: as the provider does it, or not at all.

    ``secrets``: the shared secret, and the one before it while it is being changed. ``challenge``: what Facebook's
    subscription must know. ``header``, ``algorithm`` (sha1, sha256), ``encoding`` (hex, base64), ``prefix`` and
    ``timestamp_header`` overrule the provider's own; ``tolerance_s`` is how old a signature may be. ``public_key``:
    SendGrid's, Base64. ``topics``: ARNs whose messages are taken; ``certificates``: a folder with PEM files named as
    in SigningCertURL; ``endpoint_url``: what is asked instead of https://sns.REGION.amazonaws.com.
    ``addresses``: ranges the requests come from.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    challenge: str = field(default="", repr=False)
    header: str = ""
    algorithm: str = ""
    encoding: str = ""
    prefix: str | None = None
    timestamp_header: str | None = None
    tolerance_s: int | None = None
    public_key: str = ""
    topics: tuple[str, ...] = ()
    certificates: str = ""
    endpoint_url: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """Where the leads are that a feed's web hook only names. ``reference`` says where the token is kept, ``fields``
    which fields of a lead are asked for."""

    reference: str
    token: str = field(repr=False)
    base_url: str = GRAPH_URL
    fields: tuple[str, ...] = GRAPH_FIELDS
    per_minute: int = 200
    timeout_s: float = 10.0

    def current(self) -> str:
        """The token as it is now: a file is read anew, so that a renewed token needs no restart. May raise
        :class:`OSError`."""
        kind, _, rest = self.reference.partition(":")
        return Path(rest).read_text(encoding="utf-8").strip() if kind == "file" else self.token


def _reference(text: str) -> None:
    if not _REFERENCE.fullmatch(text):
        raise ValidationError("Write env:NAME or file:PATH; a secret never stands in this file.")


def _network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValidationError("Write an address range such as 192.0.2.0/24.") from None


def _key(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValidationError("Write the Base64 verification key as SendGrid's settings show it.") from None


class VerifySchema(Schema):
    secret = ma.String(validate=_reference)
    previous_secret = ma.String(validate=_reference)
    challenge = ma.String(validate=_reference)
    header = ma.String(load_default="", validate=validate.Regexp(r"[A-Za-z0-9-]{1,100}\Z"))
    algorithm = ma.String(load_default="", validate=validate.OneOf(("sha1", "sha256")))
    encoding = ma.String(load_default="", validate=validate.OneOf(("hex", "base64")))
    prefix = ma.String(load_default=None)
    timestamp_header = ma.String(load_default=None)
    tolerance_s = ma.Integer(load_default=None, validate=validate.Range(1, 604_800))
    public_key = ma.String(load_default="", validate=_key)
    topics = ma.List(ma.String(validate=validate.Regexp(_TOPIC)), load_default=list)
    certificates = ma.String(load_default="")
    endpoint_url = ma.Url(load_default="", require_tld=False, schemes={"http", "https"})
    addresses = ma.List(ma.String(validate=_network), load_default=list)


class FetchSchema(Schema):
    token = ma.String(required=True, validate=_reference)
    base_url = ma.Url(load_default=GRAPH_URL, require_tld=False, schemes={"http", "https"})
    fields_ = ma.List(
        ma.String(validate=validate.Regexp(r"[a-z_]{2,60}\Z")), load_default=list(GRAPH_FIELDS), data_key="fields"
    )
    per_minute = ma.Integer(load_default=200, validate=validate.Range(1, 10_000))
    timeout_s = ma.Float(load_default=10.0, validate=validate.Range(0.1, 60))


class HookSchema(Schema):
    """The part of a feed that speaks of web hooks; a feed's own schema inherits it."""

    provider = ma.String(load_default="", validate=validate.OneOf(PROVIDERS))
    verify = ma.Nested(VerifySchema)
    fetch = ma.Nested(FetchSchema)

    @validates_schema
    def _fits(self, data: dict[str, Any], **_: object) -> None:
        provider, verify = data["provider"], data.get("verify")
        if "fetch" in data and provider != "facebook":
            raise ValidationError("Only feeds of provider facebook have leads to be fetched.", "fetch")
        if verify is None:
            return
        if not provider:
            raise ValidationError("Name the provider whose way of signing is meant.", "provider")
        for name, providers in _ONLY.items():
            if verify.get(name) and provider not in providers:
                raise ValidationError(f"{provider} has no {name}.", "verify")
        if provider in SIGN_BODY | {"mailgun", "wufoo"} and "secret" not in verify:
            raise ValidationError(f"Name the secret that {provider} signs with.", "verify")
        if provider == "ses" and not verify["topics"]:
            raise ValidationError("Name the topics (ARNs) whose messages are to be taken.", "verify")


_ONLY = {
    "secret": _SHARE_SECRET,
    "previous_secret": _SHARE_SECRET,
    "challenge": {"facebook"},
    "header": SIGN_BODY,
    "algorithm": SIGN_BODY,
    "encoding": SIGN_BODY,
    "timestamp_header": SIGN_BODY,
    "public_key": {"sendgrid"},
    "topics": {"ses"},
    "certificates": {"ses"},
    "endpoint_url": {"ses"},
}
