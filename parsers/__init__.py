"""Readers by format: bytes to plain records. Pure; never opens anything.

Whatever comes in, the outcome is records or :class:`leadsvc.errors.Quarantine`, in bounded time and memory.
"""

from __future__ import annotations

from collections.abc import Mapping

from leadsvc.errors import Quarantine
from leadsvc.normalize.records import KeyedRecord, Record
from leadsvc.parsers import csv_body, email_mime, form, inbound, json_body, multipart, xml_body

_BY_TYPE = {
    "application/x-www-form-urlencoded": "form",
    "application/json": "json",
    "text/json": "json",
    "message/rfc822": "email",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "csv",
}


def format_of(body: bytes, content_type: str) -> str:
    """form, multipart, json, csv, email or xml. A media type that says nothing ("text/plain") or is plainly wrong is
    overruled by the first bytes: relays post JSON as a form, and forms as text."""
    media = content_type.partition(";")[0].strip().lower()
    named = _BY_TYPE.get(media) or ("json" if media.endswith("+json") else "xml" if media.endswith("+xml") else "")
    head = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if named in ("email", "csv"):
        return named
    if multipart.is_multipart(body, content_type):
        return "multipart"
    if head[:1] in (b"{", b"["):
        return "json"
    if head[:1] == b"<":
        return "xml"
    if named in ("form", "json", "xml"):
        return named
    return "form" if b"=" in body[:2000].partition(b"\n")[0] and b":" not in body[:40] else "email"


def records(body: bytes, content_type: str, envelope: Mapping[str, str]) -> tuple[Record, ...]:
    """The records of a payload; a list of JSON objects gives one each. ``envelope`` holds what the transport knew of a
    mail (``envelope-to``). Raises :class:`Quarantine` for what cannot be read."""
    if not body.strip():
        raise Quarantine("empty", "The payload has no content. Ask the sender to check what it posts.")
    match format_of(body, content_type):
        case "form":
            return _unwrapped((form.read(body, content_type),))
        case "csv":
            return csv_body.read(body)
        case "multipart":
            parts = multipart.read(body, content_type)
            mail = inbound.mail_in_parts(parts)
            return (mail,) if mail else _unwrapped((form.of_parts(parts),))
        case "json":
            return _unwrapped(json_body.read(body))
        case "email":
            return (email_mime.read(body, envelope),)
        case _:
            return (xml_body.read(body, content_type),)


def _unwrapped(found: tuple[KeyedRecord, ...]) -> tuple[Record, ...]:
    """A provider's web hook is the mail in it, a form that carries a document is the document."""
    if len(found) != 1:
        return found
    inner = inbound.mail_in_record(found[0]) or (xml_body.in_form(found[0]) if found[0].format == "form" else None)
    return (inner,) if inner else found
