"""Mails that somebody forwarded inside another mail: the block of headers a mail program writes above them.

Programs differ in their separators and in their language, but all write the original's sender and two or more of its
date, recipient and subject, one a line. That block is what is looked for; the separator only makes it surer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from leadsvc.normalize.data import shared

PREFIX: Final = re.compile(r"^(?:\s*>)+ ?")

_HEADER: Final = re.compile(r"^[>*\s]*([^\W\d_][^:\uff1a]{0,23}?)\s*\*?\s*[:\uff1a]\s*\*?\s*(.*)$")
# "---------- Forwarded message ---------", "________"
_DASH: Final = "[-\u2010-\u2015]"
_DASHES: Final = re.compile(rf"^[>*\s]*{_DASH}{{2,}}\s*(?P<words>[^\W\d_][^-]{{3,60}}?)\s*{_DASH}{{2,}}\s*\*?$")
_RULE: Final = re.compile(r"^[>\s]*_{8,}$")
_ANY_WROTE: Final = re.compile(
    r"^[>*\s]*[^\W_].{5,200}[<\[(](?P<address>[^\s<>\[\]()@]+@[^\s<>\[\]()@]+)[>\])].{0,40}[:\uff1a]$"
)
_LOOK_AT: Final = 400
_MAX_BLOCK: Final = 24


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A mail found inside another: its headers by lower-case English name, its lines, and the line of the outer mail at
    which it begins."""

    headers: Mapping[str, str]
    lines: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class _Words:
    """``mappings/shared/mail_programs.yaml``, compiled."""

    headers: Mapping[str, str]
    begins: re.Pattern[str]
    originals: re.Pattern[str]
    forward: re.Pattern[str]
    reply: re.Pattern[str]
    wrote: re.Pattern[str]


@cache
def _words() -> _Words:
    table = shared("mail_programs")
    return _Words(
        headers={name.casefold(): field for field, names in table["headers"].items() for name in names},
        begins=_compiled(rf"^[>*\s]*(?:{_any(table['begins'])})[^:\uff1a]{{0,40}}[:\uff1a]?\s*\*?$"),
        originals=_compiled(_any(table["originals"])),
        forward=_compiled(rf"^\s*\[?(?:{_any(table['forwards'])})\s*[:\uff1a]\s*\]?"),
        reply=_compiled(rf"^\s*(?:{_any(table['replies'])})\s*(?:\[\d+\]|\(\d+\))?\s*[:\uff1a]\s*"),
        wrote=_compiled(
            rf"(?:(?<!\w)(?:{_any(table['wrote'])})(?!\w)|{_any(table['wrote_glued'])}).{{0,100}}[:\uff1a]$"
        ),
    )


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def bare_subject(subject: str) -> str:
    """``subject`` without the ``Re:`` and ``Fwd:`` in front."""
    words, previous = _words(), ""
    while subject != previous:
        previous = subject
        subject = words.forward.sub("", words.reply.sub("", subject))
    return subject


def is_reply(subject: str) -> bool:
    return bool(_words().reply.match(subject))


def is_forward(subject: str) -> bool:
    return bool(_words().forward.match(subject))


def says_wrote(row: str) -> bool:
    """Whether ``row`` ends like "… Ann Lee wrote:" in some language."""
    return bool(_words().wrote.search(row))


def header_of(row: str) -> tuple[str, str]:
    """The English name and the value of a header line in any language; two empty texts when it is none."""
    match = _HEADER.match(row)
    field = _words().headers.get(" ".join(match[1].casefold().split()), "") if match else ""
    return (field, match[2].strip(" *")) if match and field else ("", "")


def separates(row: str) -> bool:
    """Whether ``row`` is a line that mail programs write between a mail and the one below it."""
    return bool(_RULE.match(row) or _DASHES.match(row) or _words().begins.match(row))


def forwarded(lines: Sequence[str], subject: str) -> Forwarded | None:
    """The mail forwarded by hand in ``lines``, ``None`` when there is none.

    A block of headers counts when a separator stands above it, when ``subject`` says that the mail was forwarded, or
    when nothing says that it is a reply (newer Outlook sets no separator, and people change subjects). What a reply
    quotes is no forwarded mail.
    """
    sure, reply = is_forward(subject), is_reply(subject)
    for index, row in enumerate(lines[:_LOOK_AT]):
        if not row:
            continue
        separator = separates(row)
        if not separator and (reply or header_of(row)[0] != "from"):
            continue
        if separator and reply and not _says_forwarded(row):
            continue
        found = header_block(lines, index + 1 if separator else index, strict=not (separator or sure))
        if found is not None:
            return replace(found, at=index)
    return _written(lines) if sure else None


def _says_forwarded(row: str) -> bool:
    dashes = _DASHES.match(row)
    words = _words()
    return bool(words.begins.match(row) or (dashes and not words.originals.search(dashes["words"])))


def header_block(lines: Sequence[str], start: int, *, strict: bool = False) -> Forwarded | None:
    """Headers from ``start`` on (blank lines in front allowed), then the body. A sender and two of date, recipient and
    subject make a block; less could be a form that happens to have a "From" field. ``strict``: the sender must be an
    address, too."""
    headers: dict[str, str] = {}
    last = ""
    index = start
    while index < len(lines) and index < start + _MAX_BLOCK:
        row = lines[index]
        name, value = header_of(row)
        bare = row.strip(" >*")
        if name and name not in headers:
            headers[name], last = value, name
        elif not bare and not headers:
            pass  # blank lines between the separator and the headers
        elif bare and last and not name and (not headers[last] or _continues(last, headers[last], bare)):
            headers[last] = f"{headers[last]} {bare}".strip()
        else:
            break
        index += 1
    if "from" not in headers or len(headers.keys() & {"date", "to", "subject"}) < 2:
        return None
    if strict and "@" not in headers["from"]:
        return None
    body = [PREFIX.sub("", row) for row in lines[index:]]
    return Forwarded(headers, tuple(_without_office(body, headers["from"])))


def _continues(name: str, value: str, row: str) -> bool:
    """Long lists of recipients are wrapped, and so are addresses behind long names."""
    if name in ("to", "cc"):
        return "@" in row and (value.rstrip().endswith((",", ";", "<")) or row.startswith("<"))
    return name == "from" and "@" not in value and row.startswith(("<", "[")) and "@" in row


def _written(lines: Sequence[str]) -> Forwarded | None:
    """A forwarded mail below "On Monday Ann Lee <ann@example.com> wrote:"."""
    for index, row in enumerate(lines[:_LOOK_AT]):
        match = _ANY_WROTE.match(row) or _ANY_WROTE.match(f"{row} {lines[index + 1] if index + 1 < len(lines) else ''}")
        if match is None:
            continue
        body = [PREFIX.sub("", line) for line in lines[index + 1 :]]
        if any(line.strip() for line in body):
            name = re.split(r"[,:]\s*", match[0].partition(match["address"])[0])[-1].strip(" <[(")
            name = re.sub(r"^.*\d\s*(?:[ap]\.?m\.?)?\s*", "", name, flags=re.IGNORECASE)
            return Forwarded({"from": f"{name} <{match['address']}>"}, tuple(_without_office(body, name)), index)
    return None


def _without_office(lines: list[str], sender: str) -> list[str]:
    """The forwarder's own signature stands below the forwarded mail; the writer's own stays."""
    end = next((index for index, row in enumerate(lines) if re.fullmatch(r"--\s?", row)), len(lines))
    names = set(re.findall(r"[^\W\d_]{3,}", sender.partition("<")[0].casefold()))
    below = {word for row in lines[end + 1 : end + 4] for word in re.findall(r"[^\W\d_]{3,}", row.casefold())}
    return lines if names & below else lines[:end]
