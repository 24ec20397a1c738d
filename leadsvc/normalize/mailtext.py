"""The words of a mail without what mail programs put around them: quoted mail, forwarded headers, signatures.

Everything works on lists of lines. Only sure marks count; a line that merely looks odd stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadsvc.normalize.forwards import PREFIX, bare_subject, header_block, header_of, is_forward, is_reply, says_wrote

__all__ = ["bare_subject", "fresh", "is_forward", "is_reply", "reflowed", "without_signature"]

_QUOTED = re.compile(r"^\s*>")
# "On Thursday ... wrote:", never "Amara wrote:".
_START = r"^(?:(?:On|Am|Le|El|Il|Em|Op|Den|Dne|D\u0148a|Dana|Pe|\u00cen data|W dniu)\s|\d{1,4}[.\u5e74/ -])"
_WROTE = re.compile(rf"{_START}.{{8,400}}[:\uff1a]$")
_WROTE_FIRST = frozenset("OALEIDP\u00ceW0123456789")
_WROTE_START = re.compile(rf"{_START}.{{4,120}}\d")
_ORIGINAL = re.compile(
    r"^[>*\s]*-{2,}\s*(?:original message|urspr\u00fcngliche nachricht|message d'origine|mensaje original)\s*-{2,}",
    re.IGNORECASE,
)
# Where programs break lines: 72 to 78 characters, less the length of the word that did not fit.
_WRAP_FROM, _WRAP_TO = 55, 120
_RULE = re.compile(r"^[>\s]*_{8,}$")
_SIGNATURE = re.compile(r"^--\s?$|^(?:sent|get) (?:from|outlook for) (?:my |yahoo|i|android)", re.IGNORECASE)
# What lists and offices put below every mail; sure enough to end one that has no words above it.
_FOOTER = re.compile(
    r"^(?:--\s?$|\W*confidentiality (?:notice|note|statement)\b|you received this message because you are subscribed"
    r"|\W*(?:this|the (?:information|contents?) (?:contained )?(?:in|of) this) (?:e-?mail|message|communication"
    r"|transmission)\b.{0,120}\b(?:confidential|privileged|intended (?:only|solely|for)))",
    re.IGNORECASE,
)
_LIST_WORDS = "You received this message because you are subscribed"


def fresh(lines: Sequence[str]) -> list[str]:
    """``lines`` without the earlier mail that is quoted in them. When nothing else is there, the quotation itself."""
    lines = _without_list(lines)
    end = next((index for index in range(len(lines)) if _starts_quote(lines, index)), len(lines))
    kept = [row for row in lines[:end] if not _QUOTED.match(row)]
    if any(row.strip() for row in kept):
        return kept
    return [PREFIX.sub("", row) for row in lines]


def without_signature(lines: Sequence[str]) -> list[str]:
    """``lines`` up to the signature mark ("-- ", "Sent from my phone") or the footer of a list or an office."""
    ends = (i for i, row in enumerate(lines) if _FOOTER.match(row) or (i and _SIGNATURE.match(row)))
    return list(lines[: next(ends, len(lines))])


def _without_list(lines: Sequence[str]) -> Sequence[str]:
    """``lines`` without what a mailing list adds below the mail."""
    end = next((index for index, row in enumerate(lines) if row.startswith(_LIST_WORDS)), None)
    if end is None:
        return lines
    return lines[: end - 1] if end and lines[end - 1].strip() == "--" else lines[:end]


def reflowed(lines: Sequence[str]) -> list[str]:
    """``lines`` with the breaks gone that a mail program put into long ones: a phrase stands on one line again."""
    joined: list[str] = []
    before = ""
    for row in lines:
        if _WRAP_FROM <= len(before) <= _WRAP_TO and _goes_on(before, row):
            joined[-1] = f"{joined[-1]} {row}"
        else:
            joined.append(row)
        before = row
    return joined


def _goes_on(before: str, row: str) -> bool:
    """Whether ``row`` is the rest of the sentence in the line ``before``."""
    return row[:1].islower() or (row[:1].isalnum() and before[-1].isalnum() and ":" not in row[:40])


def _starts_quote(lines: Sequence[str], index: int) -> bool:
    row = lines[index]
    # Most lines are told by a glance; the patterns below would cost more than reading the mail.
    if ":" not in row and "\uff1a" not in row and "--" not in row and "__" not in row and row[:1] not in _WROTE_FIRST:
        return False
    if _ORIGINAL.match(row):
        return True
    if row[:1] in _WROTE_FIRST:
        following = lines[index + 1] if index + 1 < len(lines) else ""
        if _is_wrote(row) or (following and _WROTE_START.match(row) and _is_wrote(f"{row} {following}")):
            return True
    if _RULE.match(row):
        return header_block(lines, index + 1) is not None
    return header_of(row)[0] == "from" and header_block(lines, index) is not None


def _is_wrote(row: str) -> bool:
    return bool(_WROTE.match(row)) and says_wrote(row)
