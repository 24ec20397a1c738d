"""Which keys and labels name what must not reach a lead (SPEC §12, the fair housing rules): one list for every map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from leadsvc.normalize.data import shared

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MAX = 200


def is_sensitive(key: str) -> bool:
    """Whether a key or label names income, credit, employment, identity papers or what a protected class is told by:
    ``incomeYearly``, ``Credit score:``, ``date_of_birth``. The answer says nothing of words in a message."""
    return bool(kinds_of(key))


def kinds_of(key: str) -> frozenset[str]:
    """What a key or label asks for: ``income``, ``credit``, ``employment``, and ``""`` for all that no destination may
    ever have. Empty when nothing of it is sensitive."""
    spaced = re.sub(r"[^a-z0-9]+", " ", _HUMP.sub(" ", key[:_MAX]).lower()).strip()
    words, phrases = _table()
    found = {words[word] for word in spaced.split() if word in words}
    return frozenset(found | {"" for phrase in phrases if f" {phrase} " in f" {spaced} "})


@cache
def _table() -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The kind by word, and the phrases, which are of no kind."""
    table = shared("sensitive")
    kinds = {word: kind for kind, words in table["kinds"].items() for word in words}
    return dict.fromkeys(table["words"], "") | kinds, tuple(table["phrases"])
