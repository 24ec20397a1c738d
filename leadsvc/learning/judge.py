"""Whether what a map reads is what a sample was expected to give, key by key of :func:`leadsvc.flat.row_of`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

_HINTS = frozenset({"property_hint", "unit_hint", "floor_plan_hint"})
# A message may be read with a line too many, not with the whole mail around it.
_MOST_MESSAGE = 2
_SLACK = 200


class Verdict(Enum):
    """``OPEN``: nothing was asserted. ``SILENT``: something was asserted and nothing was read."""

    RIGHT = "right"
    WRONG = "wrong"
    SILENT = "silent"
    OPEN = "open"


def judge(key: str, wanted: Mapping[str, Any], row: Mapping[str, Any]) -> Verdict:
    """``wanted`` are the expected keys of one lead, with ``accept`` listing other values that count as right."""
    if key not in wanted:
        return Verdict.OPEN
    want, got = wanted[key], row.get(key)
    accepted = wanted.get("accept", {}).get(key, [])
    options = [want, *(accepted if isinstance(accepted, list) else [accepted])]
    nothing = got is None or got in ("", [])
    if any(option in (None, "", []) for option in options) and nothing:
        return Verdict.RIGHT
    if nothing:
        return Verdict.SILENT
    return Verdict.RIGHT if any(_same(key, option, got) for option in options if option is not None) else Verdict.WRONG


def _same(key: str, want: Any, got: Any) -> bool:
    if key in _HINTS:
        return near(str(want), str(got))
    if key == "message":
        one, other = squeeze(want), squeeze(got)
        return one in other and len(other) <= _MOST_MESSAGE * len(one) + _SLACK
    if key == "tour_requested_at":
        return _moment(want) == _moment(got)
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, (int, float)) and isinstance(got, (int, float)):
        return float(want) == float(got)
    return squeeze(want) == squeeze(got)


def near(want: str, got: str) -> bool:
    """Whether one holds the other word by word, and neither is only a scrap of it."""
    one, other = words(want), words(got)
    if not one or not other:
        return False
    short, long = sorted((one, other), key=len)
    inside = any(long[start : start + len(short)] == short for start in range(len(long) - len(short) + 1))
    return inside and 3 * len("".join(short)) >= len("".join(long))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def squeeze(value: Any) -> str:
    return " ".join(str(value).split()).casefold()


def _moment(value: Any) -> datetime | str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return moment.replace(tzinfo=None)
