"""What an answer of Facebook's Graph API means for a lead that was asked for. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Found(StrEnum):
    """What came of asking for one lead."""

    LEAD = "lead"
    TOKEN = "token"  # noqa: S105  # the word for a refused token
    PERMISSION = "permission"
    BUSY = "busy"
    MISSING = "missing"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


HINTS: Mapping[Found, str] = {
    Found.TOKEN: "Facebook refuses the page token. Make a new one and put it where fetch.token of the feed refers to; "
    "what waits is fetched by itself then.",
    Found.PERMISSION: "The page token may not read leads. Grant leads_retrieval and lead access for the page; what "
    "waits is fetched by itself then.",
    Found.BUSY: "Facebook asks for fewer requests; it goes on by itself.",
    Found.MISSING: "Facebook knows no such lead, or does not show it to this page token. It may have been deleted; if "
    "not, check which page the token is for, then replay the receipt that named it.",
    Found.REFUSED: "Facebook refuses the request. Look at fetch.base_url and its version, then replay the receipt.",
    Found.UNREACHABLE: "Facebook's Graph API does not answer as it should; it is tried on meanwhile.",
}

_TOKEN = {102, 190, 463, 467}
_BUSY = {4, 17, 32, 341, 613}
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Judged:
    """``wait_s``: how long Facebook wants to be left alone, where it said so. ``code`` is its number of the error."""

    found: Found
    wait_s: float = 0.0
    code: str = ""


def judge(ref: str, status: int, headers: Mapping[str, str], body: bytes | None) -> Judged:
    """What the answer to a question for lead ``ref`` means; ``status`` 0: there was none."""
    root = _object(body)
    if status == 200 and isinstance(root.get("field_data"), list) and str(root.get("id", "")) == ref:
        return Judged(Found.LEAD)
    error = root.get("error") if isinstance(root.get("error"), dict) else {}
    code = error.get("code") if isinstance(error, dict) and isinstance(error.get("code"), int) else 0
    subcode = error.get("error_subcode") if isinstance(error, dict) else 0
    return Judged(_found(status, code or 0, subcode), _wait(headers), f"{status}/{code}" if code else str(status))


def _found(status: int, code: int, subcode: object) -> Found:
    if code in _TOKEN or status == 401:
        return Found.TOKEN
    if code in _BUSY or status == 429 or 80_000 <= code < 80_100:
        return Found.BUSY
    if code in (3, 10) or 200 <= code < 300 or status == 403:
        return Found.PERMISSION
    if (code == 100 and subcode == 33) or status == 404:
        return Found.MISSING
    return Found.REFUSED if 400 <= status < 500 and code not in (1, 2) else Found.UNREACHABLE


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds of Retry-After, or what the usage header says until access comes back (it counts minutes)."""
    lower = {name.lower(): value for name, value in headers.items()}
    waits = [_number(lower.get("retry-after"))]
    for uses in _object(lower.get("x-business-use-case-usage", "").encode()).values():
        for use in uses if isinstance(uses, list) else []:
            if isinstance(use, dict):
                waits.append(60 * _number(use.get("estimated_time_to_regain_access")))
    return min(max(waits), _LONGEST_S)


def _number(value: object) -> float:
    try:
        found = float(value) if isinstance(value, (str, int, float)) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) and found > 0 else 0.0


def _object(body: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(body or b"")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
