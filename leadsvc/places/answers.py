"""Names as people answered for them. What the configuration says comes first; an answer fills what it leaves open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from leadsvc.normalize.address import fold
from leadsvc.places.rows import Answer

_MAX_KEY = 200


def name_key(text: str) -> str:
    """The text under which a name is kept and found again: case, accents, punctuation and spaces do not count."""
    return (fold(text) or " ".join(text.casefold().split()))[:_MAX_KEY]


class Answers:
    """Look-ups of names by kind and scope. What it answers never changes after it is built."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        """``answers`` in the order in which they were given: a later one wins where two are in force."""
        self._by_name = defaultdict[tuple[str, str, str], list[Answer]](list)
        for answer in answers:
            self._by_name[answer.kind, answer.scope, answer.key].append(answer)

    def target(self, kind: str, scope: str, text: str, on: date) -> str:
        """What ``text`` meant on the day ``on``; empty when nobody said."""
        for answer in reversed(self._by_name.get((kind, scope, name_key(text)), ())):
            started = answer.valid_from is None or answer.valid_from <= on
            if started and (answer.valid_to is None or on <= answer.valid_to):
                return answer.target
        return ""
