"""One mail in the many forms in which transports, mail programs and agents hand it on. Each function takes the bytes of
a mail and gives the changed bytes, or ``None`` where the change makes no sense for this mail."""

from __future__ import annotations

import base64
import html as html_escape
import quopri
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from lxml import html as lxml_html
from selectolax.lexbor import LexborHTMLParser

from leadsvc.normalize.html import html_lines

Mutation = Callable[[bytes], bytes | None]

GROUP_FOOTER = (
    '-- \nYou received this message because you are subscribed to the Google Groups "Leasing" group.\n'
    "To unsubscribe from this group and stop receiving emails from it, send an email to "
    "leasing+unsubscribe@group.example.com.\n"
)
DISCLAIMER = (
    "CONFIDENTIALITY NOTICE: This e-mail and any attachments are intended only for the addressee and may contain "
    "privileged information. If you received it in error, please delete it.\n"
)
_ALREADY = re.compile(r"^\s*(?:fwd?|wg|tr|re|aw|sv)\s*:", re.IGNORECASE)
_FREE_TEXT = re.compile(r"(?:message|comments?)\b", re.IGNORECASE)
_LABELLED = re.compile(r"^[A-Z][\w /-]{1,25} ?: ?\S.*$")


@dataclass(frozen=True)
class _Mail:
    """Header lines that are not about the content, and the text of the two parts; ``None`` where there is no part."""

    head: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None

    def get(self, name: str) -> str:
        return next((value for key, value in self.head if key.lower() == name.lower()), "")

    def with_head(self, **values: str) -> _Mail:
        names = {name.replace("_", "-").lower(): value for name, value in values.items()}
        kept = tuple((key, value) for key, value in self.head if key.lower() not in names)
        return replace(self, head=kept + tuple((name.title(), value) for name, value in names.items() if value))


def _opened(body: bytes) -> _Mail | None:
    """``None`` for what is not plain text, HTML, or both: attachments and reports have tests of their own."""
    message = BytesParser(policy=policy.compat32).parsebytes(body)
    texts: list[str] = []
    pages: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            if part.get_content_type() not in ("multipart/alternative", "multipart/mixed", "multipart/related"):
                return None
            continue
        data = part.get_payload(decode=True)
        if part.get_content_type() not in ("text/plain", "text/html") or not isinstance(data, bytes):
            return None
        try:
            shown = data.decode(part.get_content_charset() or "utf-8")
        except (LookupError, UnicodeDecodeError):
            return None
        (texts if part.get_content_type() == "text/plain" else pages).append(shown.replace("\r\n", "\n"))
    if len(texts) > 1 or len(pages) > 1 or not (texts or pages):
        return None
    head = tuple((k, str(v)) for k, v in message.raw_items() if not k.lower().startswith(("content-", "mime-")))
    return _Mail(head, texts[0] if texts else None, pages[0] if pages else None)


def _closed(mail: _Mail, *, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in mail.head) + "MIME-Version: 1.0\r\n"
    parts = [
        _part(kind, shown, charset, encoding)
        for kind, shown in (("plain", mail.text), ("html", mail.html))
        if shown is not None
    ]
    if len(parts) == 1:
        content = parts[0]
    else:
        content = b'Content-Type: multipart/alternative; boundary="=_alt"\r\n\r\n'
        content += b"".join(b"--=_alt\r\n" + part + b"\r\n" for part in parts) + b"--=_alt--\r\n"
    return head.encode("utf-8", "surrogateescape") + content


def _part(kind: str, shown: str, charset: str, encoding: str) -> bytes:
    data = shown.encode(charset)
    if encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        data = quopri.encodestring(data)
    head = f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + data.replace(b"\n", b"\r\n")


def _changed(change: Callable[[_Mail], _Mail | None]) -> Mutation:
    def mutation(body: bytes) -> bytes | None:
        mail = _opened(body)
        other = change(mail) if mail is not None else None
        return _closed(other) if other is not None else None

    return mutation


def _encoded(charset: str, encoding: str) -> Mutation:
    def mutation(body: bytes) -> bytes | None:
        mail = _opened(body)
        try:
            return _closed(mail, charset=charset, encoding=encoding) if mail is not None else None
        except UnicodeEncodeError:
            return None

    return mutation


def line_feeds(body: bytes) -> bytes | None:
    return body.replace(b"\r\n", b"\n")


def _html_by_lxml(mail: _Mail) -> _Mail | None:
    if mail.html is None:
        return None
    tree = lxml_html.document_fromstring(mail.html)
    return replace(mail, html=lxml_html.tostring(tree, encoding="unicode"))


def _html_by_lexbor(mail: _Mail) -> _Mail | None:
    return replace(mail, html=LexborHTMLParser(mail.html).html) if mail.html is not None else None


def _html_spread(mail: _Mail) -> _Mail | None:
    """Line ends and blanks between block elements, as templates have them."""
    if mail.html is None:
        return None
    spread = re.sub(r"(</?(?:tr|td|table|tbody|p|div|h[1-6]|body|html)\b[^<>]*>)\s*(?=<)", r"\1\n      ", mail.html)
    return replace(mail, html=spread)


def _html_styled(mail: _Mail) -> _Mail | None:
    """Attributes a mail program adds to every paragraph and cell."""
    if mail.html is None:
        return None
    return replace(mail, html=re.sub(r"<(p|td|div)(?=[ >])", r'<\1 dir="ltr" lang="EN-US"', mail.html))


def _as_html(shown: str, separator: str = "<br>\n") -> str:
    return separator.join(html_escape.escape(row, quote=False) for row in shown.split("\n"))


def _text_as_html(mail: _Mail) -> _Mail | None:
    if mail.text is None or mail.html is not None:
        return None
    return replace(mail, text=None, html=f"<html><body>{_as_html(mail.text)}</body></html>")


def _text_as_paragraphs(mail: _Mail) -> _Mail | None:
    if mail.text is None or mail.html is not None:
        return None
    rows = "".join(f"<div>{html_escape.escape(row, quote=False) or '<br>'}</div>" for row in mail.text.split("\n"))
    return replace(mail, text=None, html=f"<html><body>{rows}</body></html>")


def _html_as_text(mail: _Mail) -> _Mail | None:
    """What a gateway makes of a mail that has HTML only."""
    if mail.html is None or mail.text is not None or "<meta" in mail.html or "blockquote" in mail.html:
        return None
    return replace(mail, html=None, text="\n".join(html_lines(mail.html)) + "\n")


def _wrapped(mail: _Mail) -> _Mail | None:
    """Long lines broken at blanks, as mail programs do."""
    if mail.text is None or ">" in mail.text:
        return None
    rows = [
        wrapped
        for row in mail.text.split("\n")
        for wrapped in (textwrap.wrap(row, 72, break_long_words=False, break_on_hyphens=False) or [row])
    ]
    return replace(mail, text="\n".join(rows))


def _trailing_blanks(mail: _Mail) -> _Mail | None:
    if mail.text is None:
        return None
    return replace(mail, text="\n".join(row + "  " if row and row != "--" else row for row in mail.text.split("\n")))


def _labels_turned_round(mail: _Mail) -> _Mail | None:
    """A block of one-line labels in the opposite order."""
    if mail.text is None or mail.html is not None or ">" in mail.text:
        return None
    rows = mail.text.split("\n")
    first = next((i for i in range(len(rows)) if _LABELLED.match(rows[i])), len(rows))
    last = first
    while last < len(rows) and _LABELLED.match(rows[last]):
        last += 1
    free_text_below = last > first and _FREE_TEXT.match(rows[last - 1])
    if last - first < 3 or free_text_below or (last < len(rows) and rows[last].strip()):
        return None
    return replace(mail, text="\n".join(rows[:first] + rows[first:last][::-1] + rows[last:]))


def _with_footer(footer: str) -> Mutation:
    def change(mail: _Mail) -> _Mail | None:
        text = mail.text.rstrip("\n") + "\n\n" + footer if mail.text is not None else None
        page = mail.html
        if page is not None:
            block = f"<div>{_as_html(footer)}</div>"
            page = page.replace("</body>", block + "</body>") if "</body>" in page else page + block
        return replace(mail, text=text, html=page)

    return _changed(change)


def _through_a_group(mail: _Mail) -> _Mail | None:
    if mail.get("X-Original-From") or _ALREADY.match(mail.get("Subject")):
        return None
    sender = mail.get("From")
    name = re.sub(r"[\"<].*", "", sender).strip() or "Somebody"
    return mail.with_head(
        **{"from": f"\"'{name}' via Leasing\" <leasing@group.example.com>"},
        x_original_from=sender,
        list_id="<leasing.group.example.com>",
        precedence="list",
        mailing_list="list leasing@group.example.com; contact leasing+owners@group.example.com",
    )


def _headers_of(mail: _Mail) -> list[tuple[str, str]] | None:
    """What a mail program copies above a mail it forwards; ``None`` where that would be somebody's forward again."""
    sender, subject = mail.get("From"), mail.get("Subject")
    if not sender or _ALREADY.match(subject) or not (sender + subject).replace("=?", "\n").isprintable():
        return None
    if mail.get("X-Original-From"):
        return None
    return [("From", sender.replace('"', "")), ("Subject", subject)]


def _outer(mail: _Mail, prefix: str) -> _Mail:
    """The mail of the agent: what stays of the original's headers are recipients and date."""
    gone = {"return-path", "reply-to", "x-cl-id", "precedence", "list-unsubscribe", "message-id"}
    kept = replace(mail, head=tuple((k, v) for k, v in mail.head if k.lower() not in gone))
    return kept.with_head(
        **{"from": "Pat Agent <pat@office.example.com>", "subject": f"{prefix}: {mail.get('Subject')}"}
    )


def _gmail(mail: _Mail) -> _Mail | None:
    found = _headers_of(mail)
    if found is None or mail.text is None:
        return None
    (_, sender), (_, subject) = found
    text = (
        f"FYI, please call back\n\n---------- Forwarded message ---------\nFrom: {sender}\n"
        f"Date: Wed, Feb 11, 2026 at 3:12 PM\nSubject: {subject}\nTo: <leasing@office.example.com>\n\n\n{mail.text}\n\n"
        "-- \nPat Agent, 212-555-0100\n"
    )
    return replace(_outer(mail, "Fwd"), text=text, html=None)


def _gmail_html(mail: _Mail) -> _Mail | None:
    found = _headers_of(mail)
    if found is None:
        return None
    (_, sender), (_, subject) = found
    inner = mail.html if mail.html is not None else _as_html(mail.text or "")
    page = (
        '<div dir="ltr"><div>FYI, please call back</div><br><div class="gmail_quote">'
        '<div dir="ltr" class="gmail_attr">---------- Forwarded message ---------<br>'
        f"From: <b>{html_escape.escape(sender.split('<')[0])}</b> "
        f'<span dir="auto">&lt;{html_escape.escape(sender.rpartition("<")[2].rstrip(">"))}&gt;</span><br>'
        f"Date: Wed, Feb 11, 2026 at 3:12 PM<br>Subject: {html_escape.escape(subject)}<br>"
        f"To: &lt;leasing@office.example.com&gt;<br></div><br><br>{inner}</div></div>"
    )
    return replace(_outer(mail, "Fwd"), text=None, html=page)


def _outlook(mail: _Mail) -> _Mail | None:
    found = _headers_of(mail)
    if found is None or mail.text is None:
        return None
    (_, sender), (_, subject) = found
    text = (
        f"see below\n\nPat Agent\nOffice | 212-555-0100\n\n________________________________\nFrom: {sender}\n"
        f"Sent: Wednesday, February 11, 2026 3:12 PM\nTo: Leasing <leasing@office.example.com>\nSubject: {subject}\n\n"
        f"{mail.text}"
    )
    return replace(_outer(mail, "FW"), text=text, html=None)


def _outlook_html(mail: _Mail) -> _Mail | None:
    found = _headers_of(mail)
    if found is None:
        return None
    (_, sender), (_, subject) = found
    inner = mail.html if mail.html is not None else _as_html(mail.text or "")
    page = (
        "<html><body><p>see below</p><p>Pat Agent<br>212-555-0100</p>"
        f'<div style="border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> {html_escape.escape(sender)}<br>'
        "<b>Sent:</b> Wednesday, February 11, 2026 3:12 PM<br><b>To:</b> Leasing &lt;leasing@office.example.com&gt;<br>"
        f"<b>Subject:</b> {html_escape.escape(subject)}</p></div>{inner}</body></html>"
    )
    return replace(_outer(mail, "FW"), text=None, html=page)


def _apple(mail: _Mail) -> _Mail | None:
    found = _headers_of(mail)
    if found is None or mail.text is None:
        return None
    (_, sender), (_, subject) = found
    inner = (
        f"From: {sender}\nSubject: {subject}\nDate: February 11, 2026 at 3:12:00 PM EST\n"
        f"To: leasing@office.example.com\n\n{mail.text}"
    )
    quoted = "\n".join(f"> {row}".rstrip() for row in inner.split("\n"))
    text = f"Can you enter this?\n\nBegin forwarded message:\n\n{quoted}\n"
    return replace(_outer(mail, "Fwd"), text=text, html=None)


def _thunderbird(mail: _Mail) -> _Mail | None:
    found = _headers_of(mail)
    if found is None or mail.text is None:
        return None
    (_, sender), (_, subject) = found
    text = (
        f"\n\n\n-------- Forwarded Message --------\nSubject: \t{subject}\nDate: \tWed, 11 Feb 2026 15:12:00 -0500\n"
        f"From: \t{sender}\nTo: \tleasing@office.example.com\n\n\n\n{mail.text}"
    )
    return replace(_outer(mail, "Fwd"), text=text, html=None)


def attached(body: bytes) -> bytes | None:
    """The mail forwarded whole, as an attachment."""
    mail = _opened(body)
    if mail is None or _headers_of(mail) is None:
        return None
    outer = EmailMessage(policy=policy.SMTP)
    for name in ("Date", "To", "X-Forwarded-To", "Delivered-To"):
        if value := mail.get(name):
            outer[name] = value
    outer["From"], outer["Subject"] = "Pat Agent <pat@office.example.com>", "Fwd: lead"
    outer.set_content("Please enter this one.\n")
    head = b'Content-Type: multipart/mixed; boundary="=_out"\r\nMIME-Version: 1.0\r\n\r\n'
    lines = [f"{name}: {value}" for name, value in outer.items() if name.lower() in ("date", "to", "from", "subject")]
    lines += [f"{name}: {mail.get(name)}" for name in ("X-Forwarded-To", "Delivered-To") if mail.get(name)]
    note = b"--=_out\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease enter this one.\r\n"
    whole = b"--=_out\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + body
    return "\r\n".join(lines).encode() + b"\r\n" + head + note + whole + b"\r\n--=_out--\r\n"


ENCODINGS: Mapping[str, Mutation] = {
    "line feeds": line_feeds,
    "base64": _encoded("utf-8", "base64"),
    "quoted-printable": _encoded("utf-8", "quoted-printable"),
    "8bit": _encoded("utf-8", "8bit"),
    "windows-1252": _encoded("windows-1252", "quoted-printable"),
    "iso-8859-1": _encoded("iso-8859-1", "8bit"),
    "utf-16": _encoded("utf-16", "base64"),
}
SHAPES: Mapping[str, Mutation] = {
    "html by lxml": _changed(_html_by_lxml),
    "html by lexbor": _changed(_html_by_lexbor),
    "html spread": _changed(_html_spread),
    "html styled": _changed(_html_styled),
    "text as html": _changed(_text_as_html),
    "text as paragraphs": _changed(_text_as_paragraphs),
    "html as text": _changed(_html_as_text),
    "wrapped": _changed(_wrapped),
    "trailing blanks": _changed(_trailing_blanks),
    "labels turned round": _changed(_labels_turned_round),
}
FOOTERS: Mapping[str, Mutation] = {
    "list footer": _with_footer(GROUP_FOOTER),
    "disclaimer": _with_footer(DISCLAIMER),
}
FORWARDS: Mapping[str, Mutation] = {
    "google group": _changed(_through_a_group),
    "gmail": _changed(_gmail),
    "gmail html": _changed(_gmail_html),
    "outlook": _changed(_outlook),
    "outlook html": _changed(_outlook_html),
    "apple": _changed(_apple),
    "thunderbird": _changed(_thunderbird),
    "attached": attached,
}
