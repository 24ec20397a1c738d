"""The words of a mail without what mail programs put around them: quoted mail, forwarded headers, signatures.

Everything works on lists of lines. Only sure marks count; a line that merely looks odd stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_QUOTED = re.compile(r"^\s*>")
_PREFIX = re.compile(r"^(?:\s*>)+ ?")
_WROTE = re.compile(
    r"^(?:On|Am|Le|El|Il|Em|Op)\b.{5,300}"
    r"(?:wrote|schrieb|a \u00e9crit|escribi\u00f3|ha scritto|escreveu|schreef)\b.{0,100}:$"
)
_WROTE_WORDS = frozenset({"On ", "Am ", "Le ", "El ", "Il ", "Em ", "Op "})
_WROTE_START = re.compile(r"^(?:On|Am|Le|El|Il|Em|Op)\b.{5,120}\d")
_ORIGINAL = re.compile(
    r"^[>*\s]*-{2,}\s*(?:original message|urspr\u00fcngliche nachricht|message d'origine|mensaje original)\s*-{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"^[>*\s]*(?:-{2,}\s*(?:forwarded message|weitergeleitete nachricht|message transf\u00e9r\u00e9|mensaje reenviado"
    r"|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht|original message)\s*-{2,}"
    r"|begin forwarded message:?)\*?$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^[>\s]*_{8,}$")
_FORWARD_SUBJECT = re.compile(r"^\s*(?:fwd?|tr|wg|rv|enc|i|doorst)\s*:\s*", re.IGNORECASE)
_REPLY_SUBJECT = re.compile(r"^\s*(?:re|aw|sv|antw)\s*(?:\[\d+\])?:\s*", re.IGNORECASE)

# Header names of the mail programs' languages met most.
_HEADERS: Mapping[str, str] = {
    "from": "from", "de": "from", "von": "from", "da": "from", "van": "from", "expediteur": "from",
    "date": "date", "sent": "date", "gesendet": "date", "datum": "date", "envoy\u00e9": "date", "fecha": "date",
    "enviado": "date", "data": "date", "verzonden": "date",
    "to": "to", "an": "to", "para": "to", "\u00e0": "to", "aan": "to", "a": "to",
    "subject": "subject", "betreff": "subject", "objet": "subject", "asunto": "subject", "assunto": "subject",
    "oggetto": "subject", "onderwerp": "subject",
    "cc": "cc", "reply-to": "reply-to", "antwort an": "reply-to", "r\u00e9pondre \u00e0": "reply-to",
}  # fmt: skip
_HEADER = re.compile(r"^[>*\s]*([^\W\d_][\w -]{0,15}?)\s*\*?\s*:\s*\*?\s*(.*)$")
_SIGNATURE = re.compile(r"^--\s?$|^(?:sent|get) (?:from|outlook for) (?:my |yahoo|i|android)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A mail found inside another: its headers by lower-case English name, and its lines."""

    headers: Mapping[str, str]
    lines: tuple[str, ...]


def bare_subject(subject: str) -> str:
    """``subject`` without the ``Re:`` and ``Fwd:`` in front."""
    previous = ""
    while subject != previous:
        previous = subject
        subject = _FORWARD_SUBJECT.sub("", _REPLY_SUBJECT.sub("", subject))
    return subject


def is_reply(subject: str) -> bool:
    return bool(_REPLY_SUBJECT.match(subject))


def is_forward(subject: str) -> bool:
    return bool(_FORWARD_SUBJECT.match(subject))


def fresh(lines: Sequence[str]) -> list[str]:
    """``lines`` without the earlier mail that is quoted in them. When nothing else is there, the quotation itself."""
    end = next((index for index in range(len(lines)) if _starts_quote(lines, index)), len(lines))
    kept = [row for row in lines[:end] if not _QUOTED.match(row)]
    if any(row.strip() for row in kept):
        return kept
    return [_PREFIX.sub("", row) for row in lines]


def without_signature(lines: Sequence[str]) -> list[str]:
    """``lines`` up to the signature mark ("-- ", "Sent from my phone")."""
    end = next((index for index, row in enumerate(lines) if index and _SIGNATURE.match(row)), len(lines))
    return list(lines[:end])


def forwarded(lines: Sequence[str], *, sure: bool) -> Forwarded | None:
    """The mail forwarded by hand in ``lines``: after a separator, or, when the subject made it ``sure``, after a bare
    block of headers (newer Outlook sets no separator). ``None`` when there is none."""
    for index, row in enumerate(lines[:400]):
        if _FORWARDED.match(row) or _RULE.match(row):
            found = _header_block(lines, index + 1)
        elif sure and _named(row) == "from":
            found = _header_block(lines, index)
        else:
            continue
        if found is not None:
            return found
    return None


def _starts_quote(lines: Sequence[str], index: int) -> bool:
    row = lines[index]
    # Most lines are told by a glance; the patterns below would cost more than reading the mail.
    if ":" not in row and "--" not in row and "__" not in row and row[:3] not in _WROTE_WORDS:
        return False
    if _WROTE.match(row) or _ORIGINAL.match(row):
        return True
    if _WROTE_START.match(row) and index + 1 < len(lines) and _WROTE.match(f"{row} {lines[index + 1]}"):
        return True
    if _RULE.match(row):
        return _header_block(lines, index + 1) is not None
    return _named(row) == "from" and _header_block(lines, index) is not None


def _named(row: str) -> str:
    match = _HEADER.match(row)
    return _HEADERS.get(match[1].lower(), "") if match else ""


def _header_block(lines: Sequence[str], start: int) -> Forwarded | None:
    """Headers from ``start`` on (blank lines in front allowed), then the body. A sender and two of date, recipient and
    subject make a block; less could be a form that happens to have a "From" field."""
    headers: dict[str, str] = {}
    index = start
    while index < len(lines) and index < start + 16:
        row = lines[index]
        name = _named(row)
        match = _HEADER.match(row)
        if name and match and name not in headers:
            headers[name] = match[2].strip(" *")
        elif not row.strip(" >") and not headers:
            pass  # blank lines between the separator and the headers
        elif row.strip(" >") and headers and not name and not list(headers.values())[-1]:
            headers[list(headers)[-1]] = row.strip(" >*")
        else:
            break
        index += 1
    if "from" not in headers or len(headers.keys() & {"date", "to", "subject"}) < 2:
        return None
    body = [_PREFIX.sub("", row) for row in lines[index:]]
    return Forwarded(headers, tuple(_without_office(body)))


def _without_office(lines: list[str]) -> list[str]:
    """The forwarder's own signature stands below the forwarded mail."""
    end = next((index for index, row in enumerate(lines) if re.fullmatch(r"--\s?", row)), len(lines))
    return lines[:end]
