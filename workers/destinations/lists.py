"""What a vendor's own lists call things, asked for once in a while: what goes out by id is known by its name here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from leadsvc.workers.destinations.base import Outcome, Result

_KEPT_S = 600.0
_UNKNOWN = "The property's list of lead sources does not have this one."

Fetch = Callable[[], tuple[Result, Mapping[str, str]]]


class NamedLists:
    """Names by id, by list and property, each kept for ten minutes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, Mapping[str, str]]] = {}

    def get(self, name: str, place: str, fetch: Fetch) -> tuple[Result, Mapping[str, str]]:
        """The list ``name`` of a property; ``fetch`` asks for it where it is not at hand."""
        with self._lock:
            until, kept = self._kept.get((name, place), (0.0, {}))
        if time.monotonic() < until:
            return Result(outcome=Outcome.ACCEPTED), kept
        result, found = fetch()
        if result.ok:
            with self._lock:
                self._kept[name, place] = (time.monotonic() + _KEPT_S, found)
        return result, found


def source_id(name: str, offered: Mapping[str, str]) -> tuple[Result, str]:
    """The id of the source that a property calls ``name``; one that it does not have is told as a refused field."""
    found = next((key for key, text in offered.items() if name.casefold() in (text.casefold(), key.casefold())), "")
    if found:
        return Result(outcome=Outcome.ACCEPTED), found
    errors = {"source_name": (_UNKNOWN,)}
    return Result(outcome=Outcome.REJECT, code="unknown_source", message=_UNKNOWN, field_errors=errors), ""
