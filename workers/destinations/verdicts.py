"""What answers mean whatever the vendor: no answer, HTTP status, retry hints. Pure; vendors add their own words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from leadsvc.workers.destinations.base import Outcome, Result

_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_DIGITS = re.compile(r"\+?\d[\d().\s-]{5,}\d")
_UNSOUND = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MESSAGE_MAX = 300
_RETRY_AFTER_MAX_S = 24 * 3600.0
_UNPROCESSED = (425, 429)
_BUSY = (408, 425, 429)


def sound(text: str) -> str:
    """``text`` without what no database and no wire takes: half characters and control characters."""
    return _UNSOUND.sub("", text)


def plain(text: str) -> str:
    """A vendor's words fit for a log: no addresses, no numbers as long as a phone's, one line, at most 300
    characters."""
    masked = _DIGITS.sub("[number]", _MAIL.sub("[address]", sound(text)))
    return " ".join(masked.split())[:_MESSAGE_MAX]


def header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header whatever its case, or the empty string."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def retry_after(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """Seconds asked for by ``Retry-After`` (a number, or an HTTP date against ``now``), at most a day.

    ``None`` when there is no usable hint; a date already past is 0.
    """
    text = header(headers, "Retry-After").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _RETRY_AFTER_MAX_S)
    try:
        then = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if now is None:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return min(max((then - now).total_seconds(), 0.0), _RETRY_AFTER_MAX_S)


def moment(value: object) -> datetime | None:
    """An aware UTC datetime from a datetime or ISO text (without offset: UTC); ``None`` for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(at, datetime):
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def json_object(body: bytes | None) -> dict[str, object] | None:
    """The JSON object in ``body`` (a byte order mark is forgiven), or ``None`` when it is anything else."""
    try:
        value = json.loads((body or b"").decode("utf-8-sig"))
    except (ValueError, RecursionError):  # not UTF-8, not JSON, a number of thousands of digits, a tower of brackets
        return None
    return value if isinstance(value, dict) else None


def unreadable(context: Mapping[str, object], message: str) -> Result:
    """An answer that says nothing: after a write its effect is unknown."""
    return Result(
        outcome=Outcome.RETRY, code="unreadable", message=message, verify_first=not context.get("read"), verified=False
    )


def transport(status: int, headers: Mapping[str, str], context: Mapping[str, object]) -> Result | None:
    """The verdict where the status alone decides; ``None`` leaves it to the vendor's own reading of the body.

    ``context``: ``read`` (the call changes nothing), ``sent`` (false: no byte left us), ``received_at`` (our clock,
    for dates in ``Retry-After``). ``status`` 0 means no answer.
    """
    write = not context.get("read")
    if status == 0:
        sent = context.get("sent") is not False
        code, words = ("no_answer", "No answer came back.") if sent else ("not_sent", "No connection could be made.")
        return Result(
            outcome=Outcome.RETRY, code=code, message=words, verify_first=sent and write, verified=not (sent and write)
        )
    if status == 401 or status == 407:
        return Result(outcome=Outcome.AUTH, code=f"http_{status}", message="The destination refused the credentials.")
    if status in _BUSY or status >= 500:
        # 429 and 425 are said before any work is done; anything else may come from a proxy after the work.
        unsure = write and status not in _UNPROCESSED
        return Result(
            outcome=Outcome.RETRY,
            code=f"http_{status}",
            message=f"The destination answered {status}.",
            retry_after_s=retry_after(headers, moment(context.get("received_at"))),
            verify_first=unsure,
            verified=not unsure,
        )
    if 300 <= status < 400:
        return Result(
            outcome=Outcome.REJECT,
            code=f"http_{status}",
            message="The destination wants us elsewhere; correct base_url, redirects are never followed.",
        )
    return None
