"""``multipart/form-data`` bodies: fields and files, in bounded time and memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from leadsvc.errors import Quarantine

MAX_BYTES = 40_000_000
MAX_PARTS = 1_000
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;,\"]{1,200}))", re.IGNORECASE)
# What is left of a request saved to a file: its one header that matters, or nothing but the body.
_HEAD = re.compile(rb"\s*content-type:\s*multipart/form-data[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n", re.IGNORECASE)
_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*\r?\n\s*content-(?:disposition|type):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it came. ``filename`` is empty for a field."""

    name: str
    filename: str
    content_type: str
    data: bytes


def is_multipart(body: bytes, content_type: str) -> bool:
    """Whether ``body`` is a multipart form by its media type or, where none came along, by its first lines."""
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return True
    head = body[:2_000]
    if _HEAD.match(head):
        return True
    return bool((first := _FIRST_LINE.match(head)) and b"form-data" in head[first.end() :])


def read(body: bytes, content_type: str) -> tuple[Part, ...]:
    """All parts in order. Raises :class:`Quarantine` for what is too large, cut off or no multipart form."""
    if len(body) > MAX_BYTES:
        raise Quarantine("too_large", f"The form is larger than {MAX_BYTES // 1_000_000} MB. Send smaller attachments.")
    if found := _HEAD.match(body):
        content_type, body = found[0].decode("latin-1"), body[found.end() :]
    boundary = _boundary(body, content_type)
    try:
        return tuple(_parts(body, boundary))
    except (ValueError, RequestEntityTooLarge) as error:
        raise Quarantine(
            "malformed", "The multipart form is broken or was cut off. Ask the sender to post it again."
        ) from error


def _boundary(body: bytes, content_type: str) -> bytes:
    declared = _BOUNDARY.search(content_type.encode("latin-1", "replace"))
    named = (declared[1] or declared[2]) if declared else b""
    # What stands in the body wins: headers are rewritten on the way, the body is not.
    if named and b"--" + named in body[:2_000]:
        return named
    first = _FIRST_LINE.match(body[:2_000])
    if first:
        return first[1]
    raise Quarantine(
        "malformed", "The multipart form names no boundary. Compare the raw bytes with the sender's setting."
    )


def _parts(body: bytes, boundary: bytes) -> list[Part]:
    decoder = MultipartDecoder(boundary, max_parts=MAX_PARTS)
    decoder.receive_data(body)
    decoder.receive_data(None)
    found: list[Part] = []
    opened: Field | File | None = None
    data: list[bytes] = []
    while not isinstance(event := decoder.next_event(), (Epilogue, NeedData)):
        if isinstance(event, (Field, File)):
            opened, data = event, []
        elif isinstance(event, Data) and opened is not None:
            data.append(event.data)
            if not event.more_data:
                filename = opened.filename if isinstance(opened, File) else ""
                kind = opened.headers.get("content-type", "")
                found.append(Part(opened.name or "", filename or "", kind, b"".join(data)))
                opened = None
    return found
