"""Chat transcripts as mails carry them: which of the lines one of the speakers said. Pure.

Notations: ``[10:31 AM] Ann Lee: words``, ``Ann Lee (10:31): words``, ``Visitor: words``, and a line that holds only the
speaker and the time above the words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from leadsvc.normalize.mailtext import without_signature

_DAY = r"(?:\d{4}-\d{2}-\d{2}[T ]|\d{1,2}/\d{1,2}/\d{2,4},?\s+|[A-Z][a-z]{2,8}\.? \d{1,2},?(?: \d{4},?)?(?: at)? )"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?\s?(?:[AaPp]\.?[Mm]\.?)?(?: ?[A-Z]{2,4}T)?"
_TIME = rf"[\[(]?{_DAY}?{_CLOCK}[\])]?"
_LEAD, _GAP, _SIDE = r"^[*\s]{0,4}", r"[\s|,*\u2013-]", r"[\s*]{0,4}"
_WHO = r"(?P<who>[^:\[\]<>@]{1,60}?)"
_TIMED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_LEAD}{_TIME}:?{_GAP}{{0,5}}{_WHO}{_SIDE}:{_SIDE}(?P<words>.*)$",
        rf"{_LEAD}{_WHO}{_GAP}{{0,5}}{_TIME}{_SIDE}:{_SIDE}(?P<words>.*)$",
        rf"{_LEAD}{_WHO}{_GAP}{{0,5}}{_TIME}{_SIDE}(?P<words>)$",
        rf"{_LEAD}{_TIME}{_GAP}{{1,5}}(?P<who>[^:\[\]<>@\d]{{1,60}}?){_SIDE}(?P<words>)$",
    )
)
_PLAIN = re.compile(rf"{_LEAD}{_WHO}{_SIDE}:{_SIDE}(?P<words>(?!//).*)$")
_NAME = re.compile(r"[^\W\d_a-z][\w.'\u2019-]*(?: [^\W_a-z][\w.'\u2019-]*){0,3}(?: ?\([\w ]+\))?")
_ROLE = re.compile(
    r"(?:(?:web ?site |site )?visitor|guest|customer|client|prospect|renter|shopper|lead|end ?user|user|visiteur)"
    r"(?:[ #]*\d+)?",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\s*[(\[](?P<role>[\w ]+)[)\]]\s*")
# What the chat program says in between: nobody's words.
_EVENT = re.compile(
    r"^\W*(?:.{1,60}\b(?:has |have |was )?(?:joined|left|entered|ended|closed|started|transferred|assigned)\b"
    r".{0,20}\b(?:chat|conversation|session)\b|(?:chat|conversation|session) (?:started|ended|closed|transcript)"
    r"|end of).{0,80}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Turn:
    who: str
    words: str


def is_visitor(role: str) -> bool:
    """Whether a speaker called ``role`` is the visitor: "visitor", "Guest 12", "end_user"."""
    return bool(_ROLE.fullmatch(role.strip().replace("_", " ")))


def said_by(lines: Sequence[str], name: str) -> list[str]:
    """The lines the visitor said in ``lines``, in order. The visitor is who bears ``name`` (may be empty) or is called
    Visitor, Guest or the like; everybody else's words and the program's own remarks are left out."""
    timed = any(_matched(line) is not None for line in lines)
    said: list[str] = []
    visitor = False
    for line in lines:
        turn = _matched(line) if timed else _plain(line, name)
        if turn is not None:
            visitor = _is_visitor(turn.who, name)
            words = turn.words.strip()
            if visitor and words and words.casefold() != name.casefold():
                said.append(words)
        elif _EVENT.match(line):
            visitor = False
        elif visitor:
            said.append(line.strip())
    return without_signature(said)


def _matched(line: str) -> _Turn | None:
    for pattern in _TIMED:
        match = pattern.match(line)
        if match is not None and len(match["who"].split()) <= 5:
            return _Turn(match["who"].strip(" *-\u2013|,"), match["words"])
    return None


def _plain(line: str, name: str) -> _Turn | None:
    match = _PLAIN.match(line)
    if match is None:
        return None
    who = match["who"].strip()
    return _Turn(who, match["words"]) if _NAME.fullmatch(who) or _is_visitor(who, name) else None


def _is_visitor(who: str, name: str) -> bool:
    bracket = _BRACKETED.search(who)
    if bracket is not None:
        return bool(_ROLE.fullmatch(bracket["role"].strip())) or _is_visitor(_BRACKETED.sub(" ", who).strip(), name)
    bare = who.casefold()
    full = name.casefold()
    return bool(_ROLE.fullmatch(who)) or (bool(full) and bare in (full, full.split()[0]))
