"""Provider doubles: the same mail as each inbound-mail provider would post it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from typing import Any
from urllib.parse import urlencode

from leadsvc.normalize.html import html_lines

RECIPIENT = "leasing+cedar-flats@in.example.org"
BOUNDARY = "xYzZY"


@dataclass(frozen=True)
class Posted:
    """A request body and its media type."""

    body: bytes
    content_type: str


@dataclass(frozen=True)
class Taken:
    """A mail taken apart as a provider does it."""

    raw: bytes
    headers: list[tuple[str, str]]
    text: str
    html: str
    files: list[tuple[str, str, bytes]]


def taken(raw: bytes) -> Taken:
    message = message_from_bytes(raw, policy=compat32)
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    files: list[tuple[str, str, bytes]] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inner = part.get_payload()
            whole = inner[0] if isinstance(inner, list) else None
            files.append(("forwarded.eml", kind, whole.as_bytes() if isinstance(whole, Message) else b""))
        elif kind in texts and part.get_content_disposition() != "attachment":
            texts[kind].append(_text(part))
        else:
            data = part.get_payload(decode=True)
            shown = str(part.get("Content-Type", kind))
            files.append((part.get_filename() or "file", shown, data if isinstance(data, bytes) else b""))
    headers = [(name, str(value)) for name, value in message.raw_items()]
    return Taken(raw, headers, "\n".join(texts["text/plain"]), "\n".join(texts["text/html"]), files)


def _leaves(message: Message) -> list[Message]:
    payload = message.get_payload()
    if isinstance(payload, list) and message.get_content_type() != "message/rfc822":
        return [leaf for child in payload if isinstance(child, Message) for leaf in _leaves(child)]
    return [message]


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "cp1252"):
        try:
            return data.decode(charset)
        except (UnicodeError, LookupError):
            continue
    return data.decode("latin-1")


def multipart(fields: Mapping[str, bytes], files: list[tuple[str, str, str, bytes]] | None = None) -> Posted:
    """A multipart form; ``files`` are (field, file name, media type, content)."""
    lines: list[bytes] = []
    for name, value in fields.items():
        lines.append(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        )
    for name, filename, kind, data in files or []:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}'
        lines.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
    return Posted(b"".join(lines) + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}")


def _encoded(text: str) -> tuple[bytes, str]:
    """Latin-1 where it can be, as SendGrid passes on what the mail was written in."""
    try:
        return text.encode("iso-8859-1"), "iso-8859-1"
    except UnicodeError:
        return text.encode("utf-8", "surrogateescape"), "UTF-8"


def sendgrid(mail: Taken) -> Posted:
    fields = {
        "headers": b"".join(f"{name}: {value}\n".encode("utf-8", "surrogateescape") for name, value in mail.headers),
        "dkim": b"{@example.org : pass}",
        "SPF": b"pass",
        "sender_ip": b"192.0.2.7",
        "envelope": json.dumps({"to": [RECIPIENT], "from": "bounce@example.org"}).encode(),
        "attachments": str(len(mail.files)).encode(),
    }
    charsets = {"to": "UTF-8", "subject": "UTF-8", "from": "UTF-8"}
    for name, text in (("text", mail.text), ("html", mail.html)):
        if text:
            fields[name], charsets[name] = _encoded(text)
    fields["charsets"] = json.dumps(charsets).encode()
    return multipart(fields, [(f"attachment{n}", *file) for n, file in enumerate(mail.files, 1)])


def sendgrid_raw(mail: Taken) -> Posted:
    envelope = json.dumps({"to": [RECIPIENT], "from": "bounce@example.org"}).encode()
    return multipart({"email": mail.raw, "envelope": envelope, "SPF": b"pass", "sender_ip": b"192.0.2.7"})


def _mailgun_fields(mail: Taken) -> dict[str, str]:
    own = dict(reversed([(name, value) for name, value in mail.headers]))
    return {
        "recipient": RECIPIENT,
        "sender": "bounce@example.org",
        "from": own.get("From", ""),
        "subject": own.get("Subject", ""),
        "body-plain": mail.text or "made from the page",
        "stripped-text": "cut",
        "stripped-html": "<p>cut</p>",
        "message-headers": json.dumps(mail.headers),
        "timestamp": "1790000000",
        "token": "t" * 50,
        "signature": "0" * 64,
    } | ({"body-html": mail.html} if mail.html else {})


def mailgun(mail: Taken) -> Posted:
    fields = _mailgun_fields(mail)
    if not mail.text and mail.html:
        # Mailgun's plain text of a page has its words; where the mail says text/html there is no need to compare.
        kind = next((value for name, value in mail.headers if name.lower() == "content-type"), "")
        fields["body-plain"] = "Rendered from the page" if kind.startswith("text/html") else _words(mail.html)
    encoded = {name: value.encode("utf-8", "surrogateescape") for name, value in fields.items()}
    if mail.files:
        return multipart(encoded, [(f"attachment-{n}", *file) for n, file in enumerate(mail.files, 1)])
    return Posted(urlencode(encoded).encode(), "application/x-www-form-urlencoded")


def _words(html: str) -> str:
    return " ".join(html_lines(html))


def mailgun_mime(mail: Taken) -> Posted:
    return multipart({"recipient": RECIPIENT.encode(), "sender": b"bounce@example.org", "body-mime": mail.raw})


_SURFACED = {"from", "to", "cc", "subject", "date", "reply-to", "content-type", "content-transfer-encoding"}


def _decoded(value: str) -> str:
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        return str(make_header(decode_header(value)))
    except (UnicodeError, LookupError, ValueError):
        return value


def postmark(mail: Taken) -> Posted:
    def people(name: str) -> list[dict[str, str]]:
        found = [value for key, value in mail.headers if key.lower() == name]
        return [{"Email": address, "Name": _decoded(shown)} for shown, address in getaddresses(found)]

    def first(name: str) -> str:
        return next((_decoded(value) for key, value in mail.headers if key.lower() == name), "")

    local, _, domain = RECIPIENT.partition("@")
    root: dict[str, Any] = {
        "FromFull": (people("from") or [{"Email": "", "Name": ""}])[0],
        "From": first("from"),
        "ToFull": people("to"),
        "To": first("to"),
        "CcFull": people("cc"),
        "OriginalRecipient": f"{local.partition('+')[0]}@{domain}",
        "MailboxHash": local.partition("+")[2],
        "ReplyTo": first("reply-to"),
        "Subject": first("subject"),
        "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
        "Date": first("date"),
        "TextBody": mail.text,
        "HtmlBody": mail.html,
        "StrippedTextReply": "cut",
        "Headers": [{"Name": n, "Value": _decoded(v)} for n, v in mail.headers if n.lower() not in _SURFACED],
        "Attachments": [
            {"Name": n, "ContentType": k, "Content": base64.b64encode(d).decode(), "ContentLength": len(d)}
            for n, k, d in mail.files
        ],
    }
    return Posted(json.dumps(root).encode("utf-8", "replace"), "application/json")


def postmark_raw(mail: Taken) -> Posted:
    root = json.loads(postmark(mail).body) | {"RawEmail": mail.raw.decode("utf-8", "replace")}
    return Posted(json.dumps(root).encode(), "application/json")


def sns(message: str, **words: str) -> Posted:
    """A notification as SNS posts it, with ``message`` as its text; unsigned unless ``words`` say otherwise."""
    root = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:leads",
        "Subject": "Amazon SES Email Receipt Notification",
        "Message": message,
        "Timestamp": "2026-02-10T15:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem",
    }
    return Posted(json.dumps(root | words).encode(), "text/plain; charset=UTF-8")


def ses_message(content: str, **action: str) -> str:
    return json.dumps(
        {
            "notificationType": "Received",
            "receipt": {
                "recipients": [RECIPIENT],
                "spfVerdict": {"status": "PASS"},
                "dkimVerdict": {"status": "PASS"},
                "action": {"type": "SNS", "topicArn": "arn:aws:sns:us-east-1:123456789012:leads"} | action,
            },
            "mail": {"source": "bounce@example.org", "messageId": "o3vrnil0e2ic28tr", "headersTruncated": True},
        }
        | ({"content": content} if content else {})
    )


def ses_base64(mail: Taken) -> Posted:
    return sns(ses_message(base64.b64encode(mail.raw).decode()))


def ses(mail: Taken) -> Posted:
    return sns(ses_message(mail.raw.decode("utf-8", "replace"), encoding="UTF8"))


def cloudmailin(mail: Taken) -> Posted:
    headers: dict[str, Any] = {}
    for name, value in mail.headers:
        headers.setdefault(name, []).append(_decoded(value))
    root = {
        "headers": {
            name: values[0] if len(values) == 1 else {str(n): each for n, each in enumerate(values)}
            for name, values in headers.items()
        },
        "envelope": {
            "to": RECIPIENT,
            "recipients": [RECIPIENT],
            "from": "bounce@example.org",
            "spf": {"result": "pass"},
        },
        "plain": mail.text,
        "html": mail.html,
        "reply_plain": "cut",
        "attachments": [
            {"file_name": n, "content_type": k, "content": base64.b64encode(d).decode()} for n, k, d in mail.files
        ],
    }
    return Posted(json.dumps(root).encode("utf-8", "replace"), "application/json")


PROVIDERS: Mapping[str, Callable[[Taken], Posted]] = {
    "sendgrid": sendgrid,
    "sendgrid_raw": sendgrid_raw,
    "mailgun": mailgun,
    "mailgun_mime": mailgun_mime,
    "postmark": postmark,
    "postmark_raw": postmark_raw,
    "ses": ses,
    "ses_base64": ses_base64,
    "cloudmailin": cloudmailin,
}
LOSSY = {"ses", "postmark_raw"}
"""Ways that carry the raw mail as text: bytes that are no UTF-8 do not survive them."""
