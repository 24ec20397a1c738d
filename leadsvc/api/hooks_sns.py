"""Messages of Amazon SNS: whose topic, which certificate, and whether the signature is right. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from leadsvc.api.hooks_signed import Unproved
from leadsvc.hookconfig import Verify

_CERTIFICATE = re.compile(r"https://sns\.([a-z0-9-]{3,40})\.amazonaws\.com(?:\.cn)?/[A-Za-z0-9._-]{1,200}\.pem")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_DAY_S = 86_400


def message(body: bytes, verify: Verify) -> Mapping[str, Any]:
    """The message in ``body``, of a topic that is wanted. Raises :class:`Unproved`."""
    try:
        root = json.loads(body)
    except (ValueError, RecursionError):
        root = None
    if not isinstance(root, dict) or not isinstance(root.get("TopicArn"), str):
        raise Unproved("unsigned", "This is no message of SNS. Switch raw message delivery off: it is not signed.")
    if root["TopicArn"] not in verify.topics:
        raise Unproved("topic", "The message is of a topic that verify.topics does not hold.")
    return root


def certificate_url(root: Mapping[str, Any]) -> str:
    """Where the certificate is, when that is AWS's own address for the topic's region. Raises :class:`Unproved`."""
    url = root.get("SigningCertURL")
    found = _CERTIFICATE.fullmatch(url) if isinstance(url, str) else None
    if found is None or found[1] != root["TopicArn"].split(":")[3]:
        raise Unproved("certificate", "SigningCertURL is not an address of SNS in the topic's region.")
    return found[0]


def check(root: Mapping[str, Any], pem: str, verify: Verify, now: datetime) -> str:
    """The delivery's name, when the certificate's owner signed it. Raises :class:`Unproved`."""
    hashed = {"1": SHA1(), "2": SHA256()}.get(str(root.get("SignatureVersion")))  # noqa: S303  # what version 1 is
    if hashed is None:
        raise Unproved("signature", "The message has a version of signature that is not known.")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key, signature = certificate.public_key(), base64.b64decode(str(root.get("Signature", "")), validate=True)
        if not isinstance(key, rsa.RSAPublicKey):
            raise Unproved("certificate", "The certificate holds no RSA key.")
        key.verify(signature, _signed(root), padding.PKCS1v15(), hashed)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise Unproved("signature", "The signature does not fit the certificate over this message.") from error
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Unproved("certificate", "The certificate is not valid today.")
    _fresh(str(root.get("Timestamp", "")), verify.tolerance_s or _DAY_S, now)
    return f"sns-{str(root.get('MessageId', ''))[:100]}"


def _signed(root: Mapping[str, Any]) -> bytes:
    names = _NOTIFICATION if root.get("Type") == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{root[name]}\n" for name in names if name in root).encode("utf-8", "replace")


def _fresh(stamp: str, tolerance_s: int, now: datetime) -> None:
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        raise Unproved("timestamp", "The message's Timestamp cannot be read.") from None
    if abs((now - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()) > tolerance_s:
        raise Unproved("timestamp", f"The message is more than {tolerance_s} s old.", final=True)
