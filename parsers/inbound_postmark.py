"""Postmark inbound: JSON with the parsed mail and, when switched on, the whole of it in ``RawEmail``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leadsvc.normalize.records import MailRecord
from leadsvc.parsers.hook import File, Hook, built_mail, items, raw_mail, string, unbased

_BODIES = {"TextBody", "HtmlBody", "RawEmail"}
_MARKS = {"MessageID", "OriginalRecipient", "MailboxHash", "FromFull"}
_SURFACED = {"from": "From", "to": "To", "cc": "Cc", "reply-to": "ReplyTo", "subject": "Subject", "date": "Date"}


_ENVELOPE_FROM = re.compile(r"\benvelope-from=\"?<?([^\s;\"<>]{1,320})", re.IGNORECASE)


def mail_of(hook: Hook) -> MailRecord | None:
    """The mail of a Postmark hook."""
    mail = _mail(hook)
    return replace(mail, vouched=_vouched(mail)) if mail else None


def _vouched(mail: MailRecord) -> dict[str, str]:
    """What the topmost Received-SPF says: Postmark writes one above whatever came with the mail."""
    said = mail.header("received-spf")
    sender = _ENVELOPE_FROM.search(said[:2_000])
    return {"spf": said.strip().partition(" ")[0], "envelope_from": sender[1] if sender else ""}


def _mail(hook: Hook) -> MailRecord | None:
    root = hook.json
    if not (_MARKS & root.keys() and _BODIES & root.keys() and root.keys() & {"From", "FromFull"}):
        return None
    raw = string(root.get("RawEmail"))
    if raw.strip():
        return raw_mail(raw.encode("utf-8", "replace"), _recipients(root))
    files = [
        File(string(each.get("ContentType")), string(each.get("Name")), unbased(each.get("Content")))
        for each in items(root.get("Attachments"))
    ]
    text, html = string(root.get("TextBody")), string(root.get("HtmlBody"))
    return built_mail(_pairs(root), _recipients(root), text=text, html=html, files=files)


def _recipients(root: Mapping[str, Any]) -> list[str]:
    """The envelope's recipient with its plus tag, which Postmark may have cut off into ``MailboxHash``."""
    address, tag = string(root.get("OriginalRecipient")).strip(), string(root.get("MailboxHash")).strip()
    local, at, domain = address.rpartition("@")
    if tag and at and "+" not in local:
        address = f"{local}+{tag}@{domain}"
    return [address]


def _pairs(root: Mapping[str, Any]) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = [
        (string(each.get("Name")), string(each.get("Value"))) for each in items(root.get("Headers"))
    ]
    have = {name.lower() for name, _ in pairs}
    for name, field in _SURFACED.items():
        value = _people(root, field) or string(root.get(field))
        if name not in have and value:
            pairs.append((name, value))
    return pairs


def _people(root: Mapping[str, Any], field: str) -> str:
    """Addresses as a header has them; the plain field may lack names."""
    full = root.get(f"{field}Full")
    people = [full] if isinstance(full, Mapping) else items(full)
    shown = [(string(each.get("Name")).replace('"', "'"), string(each.get("Email"))) for each in people]
    return ", ".join(f'"{name}" <{email}>' if name else email for name, email in shown)
