"""Mailgun routes: a form with the parsed mail, or with the whole of it in ``body-mime`` (addresses ending in ``mime``).

``stripped-text`` is never read: what Mailgun takes for a quotation may be the lead that somebody forwarded.
"""

from __future__ import annotations

import json
from dataclasses import replace

from leadsvc.normalize.records import MailRecord
from leadsvc.parsers.hook import Hook, built_mail, raw_mail

# Written into the mail by Mailgun's spam filter.
_CHECKS = {"spf": "x-mailgun-spf", "dkim": "x-mailgun-dkim-check-result"}


def mail_of(hook: Hook) -> MailRecord | None:
    """The mail of a Mailgun hook."""
    mail = _mail(hook)
    return replace(mail, vouched=_vouched(hook, mail)) if mail else None


def _vouched(hook: Hook, mail: MailRecord) -> dict[str, str]:
    """Failed checks only. With the filter switched off Mailgun writes neither header, so that a "Pass" may be the
    sender's own."""
    repeated = {name.lower(): hook.text(name) for name in hook.fields if name.lower().startswith("x-mailgun-")}
    said = {method: (*mail.headers.get(name, ()), repeated.get(name, "")) for method, name in _CHECKS.items()}
    failed = {method: "fail" for method, words in said.items() if any(word.strip().lower() == "fail" for word in words)}
    return {**failed, "envelope_from": hook.text("sender")}


def _mail(hook: Hook) -> MailRecord | None:
    fields = hook.fields
    if not ("recipient" in fields and fields.keys() & {"body-mime", "message-headers", "body-plain", "stripped-text"}):
        return None
    recipients = [hook.text("recipient")]
    if fields.get("body-mime", b"").strip():
        return raw_mail(fields["body-mime"], recipients)
    return built_mail(
        _pairs(hook), recipients, text=hook.text("body-plain"), html=hook.text("body-html"), files=hook.files
    )


def _pairs(hook: Hook) -> list[tuple[str, object]]:
    try:
        listed = json.loads(hook.text("message-headers") or "[]")
    except (ValueError, RecursionError):
        listed = []
    pairs: list[tuple[str, object]] = [
        (each[0], each[1])
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each)
    ]
    have = {name.lower() for name, _ in pairs}
    # Mailgun repeats the headers as fields of the same names, some of them in small letters only.
    for name in ("from", "to", "cc", "subject", "date", "reply-to", "message-id"):
        field = next((each for each in hook.fields if each.lower() == name), None)
        if name not in have and field is not None:
            pairs.append((name, hook.text(field)))
    return pairs
