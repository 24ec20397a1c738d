"""CloudMailin: JSON with headers as an object, repeated ones as ``{"0": …, "1": …}`` or a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from leadsvc.normalize.records import MailRecord
from leadsvc.parsers.hook import File, Hook, built_mail, items, string, unbased


def mail_of(hook: Hook) -> MailRecord | None:
    """The mail of a CloudMailin hook."""
    root = hook.json
    headers, envelope = root.get("headers"), root.get("envelope")
    if not (isinstance(headers, Mapping) and isinstance(envelope, Mapping) and root.keys() & {"plain", "html"}):
        return None
    files = [
        File(string(each.get("content_type")), string(each.get("file_name")), unbased(each.get("content")))
        for each in items(root.get("attachments"))
    ]
    text, html = string(root.get("plain")), string(root.get("html"))
    mail = built_mail(_pairs(headers), _recipients(envelope), text=text, html=html, files=files)
    return replace(mail, vouched=_vouched(envelope))


def _vouched(envelope: Mapping[str, Any]) -> dict[str, str]:
    spf = envelope.get("spf")
    said = string(spf.get("result")) if isinstance(spf, Mapping) else ""
    return {"spf": said, "envelope_from": string(envelope.get("from"))}


def _recipients(envelope: Mapping[str, Any]) -> list[str]:
    listed = envelope.get("recipients")
    return [string(envelope.get("to")), *(string(each) for each in (listed if isinstance(listed, list) else []))]


def _pairs(headers: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in headers.items():
        # The normalised form writes message_id; no header of mail has an underscore.
        shown = str(name).replace("_", "-")
        if isinstance(value, Mapping):
            value = [value[each] for each in sorted(value, key=_place)]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield shown, each


def _place(number: object) -> int:
    return int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 9 else 0
