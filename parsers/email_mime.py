"""Mails: MIME to text, HTML and decoded headers.

The standard parser runs with the ``compat32`` policy: the modern one parses address headers with a grammar that is
quadratic in the header's length and raises on some broken ones; what is needed of headers is decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

from leadsvc.errors import Quarantine
from leadsvc.normalize.html import MAX_HTML
from leadsvc.normalize.records import Mailbox, MailRecord
from leadsvc.normalize.text import charset_of, storable, visible

MAX_BYTES = 40_000_000
_MAX_HEADER_BYTES = 256_000
_MAX_HEADERS = 1_000
_MAX_BOUNDARIES = 60
_MAX_PARTS = 200
_MAX_VALUE = 4_000
_MAX_ATTACHED = 20
_MAX_DOCUMENTS = 3
_PARSER = BytesParser(policy=compat32)

# Who the mail was delivered to, surest first. To: is last: forwarders keep the original one.
_ENVELOPE = ("delivered-to", "x-original-to", "x-forwarded-to", "envelope-to", "x-envelope-to", "x-forwarded-for")
# "'Ann Lee' via Leasing": what a list makes of a sender whose domain forbids it to pass mail on.
_VIA = re.compile(r"^['\"\u2018]?(?P<name>.+?)['\"\u2019]?\s+via\s+\S.*$", re.IGNORECASE)
_ADDRESSED = frozenset({"from", "reply-to", "to", "cc", "sender", "x-original-from", "x-original-sender"})
_RECEIVED_FOR = re.compile(r"\bfor\s+<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?")
_CARDS = frozenset({"text/vcard", "text/x-vcard", "text/directory"})
_XML = ("text/xml", "application/xml", "application/adf+xml", "application/x-adf+xml", "application/x-adf")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]{1,128}@[^\s<>()\[\],;:\"]{1,255}")
# "Casper <casper@example.com> via Zumper <token@zlead.co>": programs that forward drop the quotes of a display name.
_BARE_VIA = re.compile(
    r"(?P<name>[^<>]*<[^<>]*@[^<>]*>[^<>,;]*\bvia\b[^<>,;]*)<\s*(?P<address>[^\s<>@]+@[^\s<>@]+)\s*>"
)
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, HeaderParseError)


def read(body: bytes, envelope: Mapping[str, str]) -> MailRecord:
    """The mail in ``body``. ``envelope-to`` in ``envelope`` is the recipient the transport saw, when it saw one.

    Raises :class:`Quarantine` for what is too large, too complex or no mail at all.
    """
    _check_size(body)
    try:
        message = _PARSER.parsebytes(body)
        headers = decoded_headers(message.raw_items())
        if not headers.keys() & {"from", "to", "subject", "date", "received", "message-id"}:
            raise Quarantine("malformed", "The payload has no mail headers. Export the mail with its original source.")
        text, html, attached, cards, documents = _bodies(message)
    except _BROKEN as error:
        raise Quarantine("malformed", f"The mail's structure is broken ({type(error).__name__}).") from error
    report = message.get_content_type() == "multipart/report"
    return assemble(
        headers,
        envelope,
        text=text,
        html=html,
        attached=attached,
        cards=cards,
        documents=documents,
        report=report,
    )


def assemble(
    headers: Mapping[str, tuple[str, ...]],
    envelope: Mapping[str, str],
    *,
    text: str,
    html: str,
    attached: tuple[bytes, ...] = (),
    cards: tuple[str, ...] = (),
    documents: tuple[bytes, ...] = (),
    report: bool = False,
) -> MailRecord:
    """A mail from its parts, for whoever has them in other clothes than MIME. ``headers`` as :func:`decoded_headers`
    gives them."""
    return MailRecord(
        headers=headers,
        sender=_sender(headers),
        reply_to=mailbox(_first(headers, "reply-to")),
        recipients=_recipients(headers, envelope),
        subject=_first(headers, "subject"),
        date=_date(_first(headers, "date")),
        text=text,
        html=html,
        attached=attached,
        cards=cards,
        documents=documents,
        report=report,
    )


def head(text: bytes) -> Message:
    """The headers of a mail alone. Raises :class:`Quarantine` when there are more than any mail has."""
    _check_size(text)
    return _PARSER.parsebytes(text, headersonly=True)


def mailbox(text: str) -> Mailbox:
    """The first name and address of a header value or of text in its form: ``"Ann Lee" <ann@example.com>``."""
    if not text:
        return Mailbox()
    if via := _BARE_VIA.fullmatch(text[:_MAX_VALUE].strip()):
        return Mailbox(_unquoted(via["name"]), via["address"].lower())
    try:
        pairs = getaddresses([text[:_MAX_VALUE]])
    except _BROKEN:
        pairs = []
    for name, address in pairs:
        if "@" in address:
            return Mailbox(_unquoted(name), address.strip().lower())
    # A name with a bare comma.
    found = _ADDRESS.findall(text[:_MAX_VALUE])
    if found:
        return Mailbox(_unquoted(text.partition("<")[0]), found[-1].lower())
    return Mailbox(_unquoted(text))


def _unquoted(name: str) -> str:
    return " ".join(visible(name).split()).strip("'\" ")


def _check_size(body: bytes) -> None:
    if len(body) > MAX_BYTES:
        raise Quarantine("too_large", f"The mail is larger than {MAX_BYTES // 1_000_000} MB.")
    end = _HEADER_END.search(body, 0, _MAX_HEADER_BYTES)
    head = body[: end.start()] if end else body[:_MAX_HEADER_BYTES]
    if (end is None and len(body) > _MAX_HEADER_BYTES) or head.count(b"\n") > _MAX_HEADERS:
        raise Quarantine("too_complex", "The mail has more headers than any mail system writes.")
    # Each level of nesting needs a boundary of its own; the parser recurses once per level.
    if body.count(b"boundary") > _MAX_BOUNDARIES:
        raise Quarantine("too_complex", "The mail nests more parts than any mail program writes.")


def decoded_headers(pairs: Iterable[tuple[str, object]]) -> dict[str, tuple[str, ...]]:
    """Headers by lower-case name, encoded words and raw bytes decoded, in their order."""
    headers: dict[str, list[str]] = {}
    for name, value in pairs:
        values = headers.setdefault(name.lower()[:100], [])
        if len(values) < 50:
            values.append(_decoded(str(value)[:_MAX_VALUE], quoted=name.lower() in _ADDRESSED))
    return {name: tuple(values) for name, values in headers.items()}


def _decoded(value: str, *, quoted: bool) -> str:
    """Encoded words and raw bytes of a header as text, on one line; ``quoted``: names keep their commas in quotes."""
    if "=?" in value:
        try:
            pieces = decode_header(value)
        except _BROKEN:
            pieces = [(value, None)]
        value = ""
        for piece, charset in pieces:
            text = text_of(piece, charset or "ascii") if isinstance(piece, bytes) else piece
            # A comma inside an encoded word is part of a name, never what parts two addresses.
            bare = charset is not None and "," in text and not set(text) & set('"<>@') and value.count('"') % 2 == 0
            value += f'"{text}"' if quoted and bare else text
    elif not value.isascii():
        value = text_of(value.encode("utf-8", "surrogateescape"), "utf-8")
    return " ".join(visible(value).split())


def text_of(data: bytes, charset: str) -> str:
    """``data`` in its declared character set, else UTF-8, else Windows-1252, which never fails."""
    named = "cp1252" if charset.lower() in ("iso-8859-1", "latin-1", "us-ascii", "ascii") else charset_of(charset)
    for encoding in ("utf-8", named) if named == "cp1252" else (named, "utf-8"):
        try:
            return storable(data.decode(encoding))
        except (UnicodeError, LookupError):
            continue
    return storable(data.decode("cp1252", "replace"))


def _first(headers: Mapping[str, tuple[str, ...]], name: str) -> str:
    return headers[name][0] if name in headers else ""


def _sender(headers: Mapping[str, tuple[str, ...]]) -> Mailbox:
    """Who wrote it. A list that rewrites From keeps the writer in X-Original-From or X-Original-Sender; else the writer
    is whom answers go to, as long as that is not the list."""
    if original := _first(headers, "x-original-from"):
        return mailbox(original)
    sender = mailbox(_first(headers, "from"))
    via = _VIA.match(sender.name)
    if via is None or not headers.keys() & {"list-id", "x-original-sender", "mailing-list", "list-post"}:
        return sender
    writer = mailbox(_first(headers, "x-original-sender") or _first(headers, "reply-to"))
    return Mailbox(via["name"], writer.address or sender.address)


def _recipients(headers: Mapping[str, tuple[str, ...]], envelope: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    texts = [value for name, value in envelope.items() if name.lower() == "envelope-to"]
    for name in _ENVELOPE:
        texts.extend(headers.get(name, ()))
    for received in headers.get("received", ()):
        texts.extend(_RECEIVED_FOR.findall(received))
    for name in ("to", "cc"):
        texts.extend(headers.get(name, ()))
    for text in texts:
        for address in _ADDRESS.findall(text)[:50]:
            found.setdefault(address.strip(".'").lower())
    return tuple(found)


def _date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _bodies(message: Message) -> tuple[str, str, tuple[bytes, ...], tuple[str, ...], tuple[bytes, ...]]:
    """The text parts, the HTML parts, mails attached whole, vCards, and XML."""
    texts: list[str] = []
    pages: list[str] = []
    attached: list[bytes] = []
    cards: list[str] = []
    documents: list[bytes] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        if _is_mail(part, kind):
            if (inner := _attached(part)) and len(attached) < _MAX_ATTACHED:
                attached.append(inner)
        elif kind in _CARDS or (part.get_filename() or "").lower().endswith(".vcf"):
            cards.append(_content(part)[:_MAX_VALUE])
        elif kind in _XML or (part.get_filename() or "").lower().endswith((".xml", ".adf")):
            data = part.get_payload(decode=True)
            documents.append(data[:MAX_HTML] if isinstance(data, bytes) else b"")
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            (texts if kind == "text/plain" else pages).append(_content(part))
    return (
        "\n".join(texts)[:MAX_HTML],
        "\n".join(pages)[:MAX_HTML],
        tuple(attached),
        tuple(cards[:_MAX_DOCUMENTS]),
        tuple(documents[:_MAX_DOCUMENTS]),
    )


def _is_mail(part: Message, kind: str) -> bool:
    """Programs that do not know what an attached mail is send it as a file."""
    return kind == "message/rfc822" or (
        kind in ("application/octet-stream", "application/eml", "application/x-eml", "text/plain")
        and str(part.get_filename() or "").lower().endswith(".eml")
    )


def _attached(part: Message) -> bytes:
    payload = part.get_payload()
    if not isinstance(payload, list):
        data = part.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""
    inner = payload[0] if payload else None
    if not isinstance(inner, Message):
        return b""
    if inner.keys() or str(part.get("content-transfer-encoding", "")).strip().lower() != "base64":
        return inner.as_bytes()
    # The standard forbids base64 here, and some programs use it all the same: the parser saw one part without headers.
    inner["Content-Transfer-Encoding"] = "base64"
    data = inner.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _content(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    return text_of(data[: MAX_HTML * 2], charset).lstrip("\ufeff")


def _leaves(message: Message) -> Iterator[Message]:
    """Parts in order, at most ``_MAX_PARTS``. An attached mail is one part: its text is not this mail's."""
    stack: list[Message] = [message]
    seen = 0
    while stack and seen < _MAX_PARTS:
        part = stack.pop()
        seen += 1
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_type() != "message/rfc822":
            stack.extend(reversed([child for child in payload[:_MAX_PARTS] if isinstance(child, Message)]))
        else:
            yield part
