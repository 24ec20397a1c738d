"""What the web hooks of mail providers have in common: fields or JSON in, the parts of a mail out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadsvc.normalize.html import html_lines
from leadsvc.normalize.records import MailRecord
from leadsvc.parsers import email_mime

_MAX_FILES = 50
_MAX_HEADERS = 900
_NAME = re.compile(r"[!-9;-~]{1,100}")
_OF_THE_BODY = {"content-type", "content-transfer-encoding", "content-disposition"}
_LINK = re.compile(r"https?://\S+|\[[^\]\n]{0,200}\]|\([^)\n]{0,500}\)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class File:
    """A file that came along; ``data`` is decoded."""

    content_type: str
    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Hook:
    """A web hook: ``fields`` of a form as bytes by name with ``files``, or ``json``."""

    fields: Mapping[str, bytes] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    json: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, charset: str = "utf-8") -> str:
        """A field as text, empty when it is missing."""
        return email_mime.text_of(self.fields.get(name, b""), charset)


def raw_mail(data: bytes, recipients: Iterable[str]) -> MailRecord:
    """The mail in ``data``, the whole MIME text as it reached the provider."""
    return email_mime.read(data, envelope(recipients))


def built_mail(
    pairs: Iterable[tuple[str, object]],
    recipients: Iterable[str],
    *,
    text: str,
    html: str,
    files: Iterable[File] = (),
) -> MailRecord:
    """The mail of header ``pairs`` and bodies. It is put into MIME again, so that whatever is read off a mail is read
    off this one too."""
    kept = [(name, value) for name, value in pairs if _NAME.fullmatch(name)][:_MAX_HEADERS]
    kind = next((str(value) for name, value in kept if name.lower() == "content-type"), "")
    kind = kind.partition(";")[0].strip().lower()
    if html and text and kind != "multipart/alternative" and (kind == "text/html" or _same_words(text, html)):
        text = ""  # the provider made it from the HTML; the mail itself had none
    parts = [_part("text/plain; charset=utf-8", "", text.encode("utf-8", "replace"))] if text else []
    parts += [_part("text/html; charset=utf-8", "", html.encode("utf-8", "replace"))] if html else []
    parts += [_part(each.content_type, each.filename, each.data) for each in list(files)[:_MAX_FILES]]
    boundary = "=_" + hashlib.blake2b(b"".join(parts), digest_size=18).hexdigest()
    outer = "multipart/report" if kind == "multipart/report" else "multipart/mixed"
    lines = [_header(name, value) for name, value in kept if name.lower() not in _OF_THE_BODY]
    lines.append(_header("Content-Type", f'{outer}; boundary="{boundary}"'))
    cut = f"--{boundary}\r\n".encode()
    body = b"".join(cut + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return email_mime.read(b"".join(lines) + b"\r\n" + body, envelope(recipients))


def _header(name: str, value: object) -> bytes:
    return f"{name}: {' '.join(str(value).split())}\r\n".encode("utf-8", "surrogateescape")


def _part(content_type: str, filename: str, data: bytes) -> bytes:
    kind = content_type.partition(";")[0].strip().lower()
    named = "".join(char for char in filename if char.isprintable() and char not in '"\\')[:200]
    disposition = f'attachment; filename="{named}"' if filename else "inline"
    head = _header("Content-Type", content_type or "application/octet-stream")
    head += _header("Content-Disposition", disposition)
    if kind.startswith("message/"):  # the only kind that may not be encoded
        return head + b"\r\n" + data
    return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data)


def envelope(recipients: Iterable[str]) -> dict[str, str]:
    """The envelope's recipients as :func:`leadsvc.parsers.email_mime.read` takes them."""
    return {"envelope-to": ", ".join(each for each in recipients if each)[:4_000]}


def unbased(text: object) -> bytes:
    """The bytes of a Base64 text; empty when it is none."""
    try:
        return base64.b64decode(text, validate=False) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""


def string(value: object) -> str:
    """``value`` when it is text, else empty."""
    return value if isinstance(value, str) else ""


def items(value: object) -> list[Mapping[str, Any]]:
    """The objects of a JSON list, empty when it is none."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _same_words(text: str, html: str) -> bool:
    shown = _WORD.findall("\n".join(html_lines(html)).casefold())
    return bool(shown) and _WORD.findall(_LINK.sub(" ", text).casefold()) == shown
