"""Amazon SES receipt rules through SNS: a notification whose ``Message`` is JSON text, sometimes posted bare."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leadsvc.errors import Aside, Quarantine
from leadsvc.normalize.records import MailRecord
from leadsvc.parsers.hook import Hook, raw_mail, string, unbased

_PLAIN_NAME = re.compile(r"[\w./+=-]{1,300}")
_SNS = {"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"}


def mail_of(hook: Hook) -> MailRecord | None:
    """The mail of an SES notification. Raises :class:`Quarantine` for one that holds only a pointer to its mail, and
    :class:`Aside` for what SNS and SES say about themselves."""
    root = hook.json
    if is_sns(root):
        return _enveloped(root)
    return _mail(root) if _is_ses(root) else None


def is_sns(root: Mapping[str, Any]) -> bool:
    """Whether this is a message of SNS, of whatever content."""
    return string(root.get("Type")) in _SNS and isinstance(root.get("TopicArn"), str)


def _is_ses(root: Mapping[str, Any]) -> bool:
    return isinstance(root.get("mail"), Mapping) and ("notificationType" in root or "eventType" in root)


def _enveloped(root: Mapping[str, Any]) -> MailRecord | None:
    if root["Type"] == "SubscriptionConfirmation":
        raise Quarantine(
            "subscription",
            "SNS asks whether this feed wants a topic's messages. See `leadsvc hooks list`, then confirm it.",
        )
    if root["Type"] == "UnsubscribeConfirmation":
        raise Aside("unsubscribed", "SNS says that the topic no longer sends to this feed; confirm again if it should.")
    try:
        inner = json.loads(string(root.get("Message")))
    except (ValueError, RecursionError):
        inner = None
    if isinstance(inner, dict) and _is_ses(inner):
        return _mail(inner)
    if "Amazon SES" in string(root.get("Message")) or "Amazon SES" in string(root.get("Subject")):
        raise Aside("provider_notice", "A notice of Amazon SES about its own set-up; it holds no mail.")
    return None


def _mail(root: Mapping[str, Any]) -> MailRecord:
    kind = string(root.get("notificationType") or root.get("eventType"))
    if kind != "Received":
        raise Aside("provider_notice", "SES tells what became of a mail that was sent out; it holds no mail.")
    receipt, mail = _object(root.get("receipt")), _object(root["mail"])
    action = _object(receipt.get("action"))
    content = string(root.get("content"))
    if not content.strip():
        raise Quarantine("mail_elsewhere", _where(action))
    named = receipt.get("recipients") or mail.get("destination")
    recipients = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    found = raw_mail(_bytes(content, string(action.get("encoding"))), recipients)
    return replace(found, vouched=_vouched(receipt, mail))


def _vouched(receipt: Mapping[str, Any], mail: Mapping[str, Any]) -> dict[str, str]:
    said = {name: string(_object(receipt.get(f"{name}Verdict")).get("status")) for name in ("dkim", "spf", "dmarc")}
    return {**said, "envelope_from": string(mail.get("source"))}


def _bytes(content: str, encoding: str) -> bytes:
    """The mail's bytes; older notifications do not say whether they are Base64."""
    head = content.lstrip()[:200].split("\n", 1)[0]
    if encoding.upper() == "BASE64" or (encoding.upper() != "UTF8" and ":" not in head and " " not in head):
        return unbased(content)
    return content.encode("utf-8", "replace")


def _where(action: Mapping[str, Any]) -> str:
    bucket, key = string(action.get("bucketName")), string(action.get("objectKey"))
    if bucket and key and _PLAIN_NAME.fullmatch(bucket) and _PLAIN_NAME.fullmatch(key):
        return (
            f"The mail itself lies in S3 as s3://{bucket}/{key}. Fetch it and give it to `leadsvc ingest`, and let the "
            "receipt rule end in an SNS action, which carries mails of up to 150 KB."
        )
    return "The notification came without the mail. Let the SES receipt rule end in an SNS action, which carries it."


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
