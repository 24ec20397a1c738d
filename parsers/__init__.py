"""Readers by format: bytes to plain records. Pure; never opens anything.

Whatever comes in, the outcome is records or :class:`leadsvc.errors.Quarantine`, in bounded time and memory.
"""

from __future__ import annotations

from collections.abc import Mapping

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import Record
from leadsvc.parsers import email_mime, form, json_body

_BY_TYPE = {
    "application/x-www-form-urlencoded": "form",
    "application/json": "json",
    "text/json": "json",
    "message/rfc822": "email",
    "application/xml": "xml",
    "text/xml": "xml",
}


def format_of(body: bytes, content_type: str) -> str:
    """form, json, email or xml. A media type that says nothing ("text/plain") or is plainly wrong is overruled by the
    first bytes: relays post JSON as a form, and forms as text."""
    media = content_type.partition(";")[0].strip().lower()
    named = _BY_TYPE.get(media) or ("json" if media.endswith("+json") else "xml" if media.endswith("+xml") else "")
    head = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if named == "email":
        return named
    if head[:1] in (b"{", b"["):
        return "json"
    if head[:1] == b"<":
        return "xml"
    if named in ("form", "json"):
        return named
    return "form" if b"=" in body[:2000].partition(b"\n")[0] and b":" not in body[:40] else "email"


def records(body: bytes, content_type: str, envelope: Mapping[str, str]) -> tuple[Record, ...]:
    """The records of a payload; a list of JSON objects gives one each. ``envelope`` holds what the transport knew of a
    mail (``envelope-to``). Raises :class:`Quarantine` for what cannot be read."""
    if not body.strip():
        raise Quarantine("empty", "The payload has no content. Ask the sender to check what it posts.")
    match format_of(body, content_type):
        case "form":
            return (form.read(body, content_type),)
        case "json":
            return json_body.read(body)
        case "email":
            return (email_mime.read(body, envelope),)
        case _:
            raise Quarantine("unknown_layout", "No field map reads XML of this kind. Add one under mappings/.")
