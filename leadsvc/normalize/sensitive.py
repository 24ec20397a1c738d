"""Which keys and labels name what must not reach a lead (SPEC §12, the fair housing rules): one list for every map."""

from __future__ import annotations

import re
from functools import cache

from leadsvc.normalize.data import shared

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MAX = 200


def is_sensitive(key: str) -> bool:
    """Whether a key or label names income, credit, employment, identity papers or what a protected class is told by:
    ``incomeYearly``, ``Credit score:``, ``date_of_birth``. The answer says nothing of words in a message."""
    spaced = re.sub(r"[^a-z0-9]+", " ", _HUMP.sub(" ", key[:_MAX]).lower()).strip()
    words, phrases = _table()
    return not words.isdisjoint(spaced.split()) or any(f" {phrase} " in f" {spaced} " for phrase in phrases)


@cache
def _table() -> tuple[frozenset[str], tuple[str, ...]]:
    table = shared("sensitive")
    return frozenset(table["words"]), tuple(table["phrases"])
