"""SendGrid Inbound Parse: a multipart form, parsed into fields or, in raw mode, with the whole mail in ``email``."""

from __future__ import annotations

import json
import quopri
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leadsvc.normalize.records import MailRecord
from leadsvc.parsers import email_mime
from leadsvc.parsers.hook import Hook, built_mail, raw_mail

_OURS = {"charsets", "SPF", "dkim", "sender_ip"}
# A text that is still quoted-printable: every "=" begins an escape or ends a line, and one can be nothing else.
_ONLY_ESCAPES = re.compile(rb"(?:[^=]|=[0-9A-F]{2}|=[ \t]*\r?\n)*=?\Z")
_SURELY = re.compile(rb"=[ \t]*\r?\n|=20[ \t]*(?:\r?\n|\Z)|=3D|=C2=A0|=E2=80")


def mail_of(hook: Hook) -> MailRecord | None:
    """The mail of a SendGrid hook."""
    mail = _mail(hook) if "envelope" in hook.fields and _OURS & hook.fields.keys() else None
    return replace(mail, vouched=_vouched(hook)) if mail else None


def _vouched(hook: Hook) -> dict[str, str]:
    sender = _object(hook.text("envelope")).get("from")
    said = {"dkim": hook.text("dkim"), "spf": hook.text("SPF")}
    return {**said, "envelope_from": sender if isinstance(sender, str) else ""}


def _mail(hook: Hook) -> MailRecord | None:
    recipients = _recipients(hook)
    if hook.fields.get("email", b"").strip():
        return raw_mail(hook.fields["email"], recipients)
    if not hook.fields.keys() & {"headers", "from", "subject"}:
        return None
    charsets = _object(hook.text("charsets"))
    return built_mail(
        _pairs(hook, charsets),
        recipients,
        text=_body(hook, "text", charsets),
        html=_body(hook, "html", charsets),
        files=hook.files,
    )


def _recipients(hook: Hook) -> list[str]:
    named = _object(hook.text("envelope")).get("to")
    return [each for each in named if isinstance(each, str)] if isinstance(named, list) else []


def _pairs(hook: Hook, charsets: Mapping[str, Any]) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = list(email_mime.head(hook.fields.get("headers", b"") + b"\n\n").raw_items())
    have = {name.lower() for name, _ in pairs}
    pairs += [
        (name, hook.text(name, _charset(charsets, name)))
        for name in ("from", "to", "cc", "subject")
        if name not in have and name in hook.fields
    ]
    return pairs


def _body(hook: Hook, name: str, charsets: Mapping[str, Any]) -> str:
    data = hook.fields.get(name, b"")
    if name == "text" and _SURELY.search(data) and _ONLY_ESCAPES.match(data):
        data = quopri.decodestring(data)
    return email_mime.text_of(data, _charset(charsets, name))


def _charset(charsets: Mapping[str, Any], name: str) -> str:
    named = charsets.get(name)
    return named if isinstance(named, str) and named else "utf-8"


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
