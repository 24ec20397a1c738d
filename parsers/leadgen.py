"""Facebook lead ads: the web hook names leads by id only; the Graph API hands them out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leadsvc.errors import Aside
from leadsvc.model import Pointer
from leadsvc.normalize.records import KeyedRecord, Record
from leadsvc.parsers.hook import items

KIND = "facebook_lead"
MAX_POINTERS = 1_000
_ID = re.compile(r"[0-9]{1,40}")  # nothing else may become part of an address that is called


def pointers(found: tuple[Record, ...]) -> tuple[Pointer, ...]:
    """The leads that a page's web hook names, each once, in order; empty when it is no such hook.

    Raises :class:`Aside` for a hook of a page about something else.
    """
    if len(found) != 1 or not isinstance(found[0], KeyedRecord) or not isinstance(found[0].root, Mapping):
        return ()
    root = found[0].root
    if root.get("object") != "page" or not isinstance(root.get("entry"), list):
        return ()
    named: dict[str, None] = {}
    for entry in items(root["entry"]):
        for change in items(entry.get("changes")):
            if change.get("field") == "leadgen" and (ref := _ref(change.get("value"))):
                named.setdefault(ref)
    if not named:
        raise Aside(
            "provider_notice", "Facebook tells of something else than a lead; subscribe the page to leadgen only."
        )
    return tuple(Pointer(KIND, ref) for ref in list(named)[:MAX_POINTERS])


def _ref(value: Any) -> str:
    # Ids were numbers once and are text today.
    ref = str(value.get("leadgen_id", "")) if isinstance(value, Mapping) else ""
    return ref if _ID.fullmatch(ref) else ""
