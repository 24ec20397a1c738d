"""The words of a mail without what mail programs put around them: quoted mail, forwarded headers, signatures.

Everything works on lists of lines. Only sure marks count; a line that merely looks odd stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadsvc.normalize.forwards import PREFIX, bare_subject, header_block, header_of, is_forward, is_reply, says_wrote

__all__ = ["bare_subject", "fresh", "is_forward", "is_reply", "without_signature"]

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
_RULE = re.compile(r"^[>\s]*_{8,}$")
_SIGNATURE = re.compile(r"^--\s?$|^(?:sent|get) (?:from|outlook for) (?:my |yahoo|i|android)", re.IGNORECASE)


def fresh(lines: Sequence[str]) -> list[str]:
    """``lines`` without the earlier mail that is quoted in them. When nothing else is there, the quotation itself."""
    end = next((index for index in range(len(lines)) if _starts_quote(lines, index)), len(lines))
    kept = [row for row in lines[:end] if not _QUOTED.match(row)]
    if any(row.strip() for row in kept):
        return kept
    return [PREFIX.sub("", row) for row in lines]


def without_signature(lines: Sequence[str]) -> list[str]:
    """``lines`` up to the signature mark ("-- ", "Sent from my phone")."""
    end = next((index for index, row in enumerate(lines) if index and _SIGNATURE.match(row)), len(lines))
    return list(lines[:end])


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
