"""What a pattern of a map costs on text that was made to be slow. For ``maps check`` and tests, never while reading."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Final

LIMIT_S: Final = 0.1
"""CPU seconds that one search may take in 4,000 characters; a good pattern takes a thousandth of it."""

_LONGEST: Final = 4_000
_ONE_BY_ONE: Final = 45
# What comes again and again in hostile text. Labelled lines and searched text have no runs of blanks or empty lines.
_AGAIN: Final = (
    "a", "A ", "1", "-", "_", ".", ":", "@", "(", "'", "a.", "a@", "a-", "1-", "(1", "$1,", "ann lee ", "Ann Lee, ",
    "a b ", "name: ", "x says ", "and ", "for a ", "apt 1 ", "10 oak st ", "2 bed ", "555-0142 ", "http://a.", "<a",
    "a\n", "* a\n",
)  # fmt: skip
_WORD: Final = re.compile(r"[^\W\d_]{2,}(?:[ ][^\W\d_]{2,})*")


def pattern_fault(pattern: str) -> str:
    """What to say of a pattern that is too slow, empty when it is not."""
    spent, again = slowest(pattern)
    if spent <= LIMIT_S:
        return ""
    return f"takes {spent:.1f} s where {again!r} comes again and again: let no two neighbours in it match the same"


def slowest(pattern: str) -> tuple[float, str]:
    """CPU seconds of the slowest search with ``pattern``, and what was repeated in the text; the growth is followed
    from short texts on, so that one which doubles with each character is told as soon."""
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    worst, by = 0.0, ""
    for word in dict.fromkeys((*_AGAIN, *_own(pattern))):
        for times in _growing(len(word)):
            if worst > LIMIT_S:
                break
            text = word * times + "!"
            spent = _spent(compiled, text)
            if spent > LIMIT_S:  # a busy machine is slow once, a bad pattern always
                spent = min(spent, _spent(compiled, text), _spent(compiled, text))
            if spent > worst:
                worst, by = spent, word
    return worst, by


def _growing(length: int) -> Iterator[int]:
    """How often a word of so many characters is repeated: one more at first, for what doubles with each."""
    times = 1
    while times * length <= _LONGEST:
        yield times
        times = times + 1 if times < _ONE_BY_ONE else times * 3 // 2


def _own(pattern: str) -> Iterator[str]:
    """The literal words of a pattern: what comes near to matching is slowest."""
    for match in list(_WORD.finditer(pattern))[:12]:
        yield f"{match[0]} "
        yield f"{match[0]}: "


def _spent(compiled: re.Pattern[str], text: str) -> float:
    began = time.thread_time()
    compiled.search(text)
    return time.thread_time() - began
