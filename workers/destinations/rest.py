"""Reading and writing JSON over HTTP, whatever the vendor: lenient in what is read, strict in what is sent. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from leadsvc.workers.destinations.base import Outcome, OutcomeKind, Result
from leadsvc.workers.destinations.verdicts import header, moment, retry_after, sound, transport

Json = Mapping[str, object]

_DAY_S = 24 * 3600.0
_RESETS = ("X-RateLimit-Reset", "RateLimit-Reset", "X-Rate-Limit-Reset")
# Counts of seconds above this are a time since 1970 (in seconds, or in milliseconds).
_EPOCH_S, _EPOCH_MS = 10**9, 10**12


def parse(body: bytes | None) -> object:
    """The JSON value of ``body``; ``None`` when it is none. Marks and bytes of other encodings are forgiven."""
    raw = body or b""
    try:
        value: object = json.loads(raw.decode(json.detect_encoding(raw), errors="replace"))
    except (ValueError, RecursionError):
        return None
    return value


def text(value: object) -> str:
    """Text of a JSON scalar; the empty string for ``null``, ``true``, ``false`` and for anything nested."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return sound(str(value)).strip()


def whole(value: object) -> int | None:
    """A whole number, also where it comes as text."""
    words = text(value)
    return int(words) if words.isascii() and words.removeprefix("-").isdigit() and len(words) < 16 else None


def yes(value: object) -> bool:
    """Whether a value says true, also as text."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def mapping(value: object) -> Json:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Json]:
    """The objects of a list; one object alone counts as a list of one."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def texts(value: object) -> tuple[str, ...]:
    """The non-blank scalars of a list, or of one alone."""
    found = value if isinstance(value, list) else [value]
    return tuple(said for said in map(text, found) if said)


def segment(remote_id: str) -> str:
    """An id as one segment of a path, whatever is in it."""
    return quote(remote_id, safe="")


def iso(at: datetime) -> str:
    """A time in UTC to the second, with ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def basic(user: str, password: str) -> str:
    """The value of ``Authorization`` for HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def wait(headers: Mapping[str, str], context: Mapping[str, object]) -> float | None:
    """Seconds to wait that the headers ask for: ``Retry-After``, else a reset given in seconds or as a time since
    1970; at most a day. ``None`` without a usable hint."""
    now = moment(context.get("received_at"))
    hint = retry_after(headers, now)
    if hint is not None and not _is_epoch(header(headers, "Retry-After")):
        return hint
    for name in ("Retry-After", *_RESETS):
        seconds = _seconds(header(headers, name), now)
        if seconds is not None:
            return seconds
    return None


def _is_epoch(words: str) -> bool:
    digits = words.strip()
    return digits.isascii() and digits.isdigit() and int(digits[:20]) > _EPOCH_S


def _seconds(words: str, now: datetime | None) -> float | None:
    try:
        value = float(words.strip())
    except ValueError:
        return None
    if not 0 <= value < 10**15:
        return None
    if value > _EPOCH_S:
        if now is None:
            return None
        value = (value / 1000 if value > _EPOCH_MS else value) - now.timestamp()
    return min(max(value, 0.0), _DAY_S)


def until_midnight(now: datetime) -> float:
    """Seconds to the next midnight on the clock of ``now``."""
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - now).total_seconds()


def network(status: int, headers: Mapping[str, str], context: Mapping[str, object]) -> Result | None:
    """:func:`transport` with every kind of hint on when to come again; a licence that is not paid for is ``auth``."""
    if status == 402:
        return Result(outcome=Outcome.AUTH, code="http_402", message="The destination wants its licence paid for.")
    verdict = transport(status, headers, context)
    if verdict is None or verdict.outcome is not Outcome.RETRY or status == 0:
        return verdict
    return replace(verdict, retry_after_s=wait(headers, context))


def no_content(context: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Result | None:
    """A write that was answered well but without words: done, and owed a look. Its record is the one that was written
    to, or the last part of ``Location`` where ``headers`` have one; ``None`` for a read, and when neither is known and
    ``headers`` are given."""
    if context.get("read"):
        return None
    there = urlsplit(header(headers or {}, "Location")).path.rstrip("/").rpartition("/")[2]
    known = there or text(context.get("known_remote_id"))
    if headers is not None and not there:
        return None
    return Result(outcome=Outcome.ACCEPTED, card_id=known, verified=False)


def known_op(vendor: str, op: str, ops: Collection[str]) -> None:
    """:class:`ValueError` for an operation that a vendor does not have."""
    if op not in ops:
        raise ValueError(f"{vendor} has no operation {op!r}; it has {', '.join(sorted(ops))}")


def whole_batch(items: Iterable[Result], message: str = "") -> Result:
    """The verdict on a batch from those on its items: ``partial`` when some worked; when none did, a retry only if
    every item is one."""
    each = tuple(items)
    if not each:
        return Result(outcome=Outcome.ACCEPTED, verified=False, message=message)
    if all(one.ok for one in each):
        outcome = Outcome.ACCEPTED
    elif any(one.ok for one in each):
        outcome = Outcome.PARTIAL
    else:
        kinds = {one.outcome for one in each}
        outcome = next(iter(kinds)) if len(kinds) == 1 else Outcome.REJECT
    waits = [one.retry_after_s for one in each if one.retry_after_s is not None]
    return Result(
        outcome=outcome,
        items=each,
        message=message,
        card_id=each[0].card_id if len(each) == 1 else "",
        person_id=each[0].person_id if len(each) == 1 else "",
        verified=all(one.verified for one in each),
        verify_first=any(one.verify_first for one in each),
        retry_after_s=max(waits, default=None),
    )


def outcome_kind(word: str, table: Mapping[str, OutcomeKind]) -> OutcomeKind:
    """What a status means: by the vendor's table, else by our own word for it, else ``other``."""
    key = "_".join(word.strip().lower().replace("-", " ").replace("_", " ").split())
    if key in table:
        return table[key]
    return OutcomeKind(key) if key in OutcomeKind._value2member_map_ else OutcomeKind.OTHER


@dataclass(frozen=True, slots=True)
class Walk:
    """How far changes were read: from ``start`` on, up to ``latest``, with the vendor's ``token`` of the next page."""

    start: datetime
    latest: datetime
    token: str = ""

    @classmethod
    def of(cls, since: datetime, cursor: str) -> Walk:
        """What a cursor says; a new walk from ``since`` where it says nothing."""
        start, _, rest = cursor.partition("|")
        latest, _, token = rest.partition("|")
        begun = moment(start or None) or since
        return cls(begun, moment(latest or None) or begun, token)

    def on(self, seen: Iterable[datetime | None], token: str, overlap: timedelta) -> str:
        """The cursor after a page with changes of these times. On the last page the next walk begins an ``overlap``
        before the latest change, as some show only later."""
        latest = max((self.latest, *(at for at in seen if at is not None)))
        if token:
            return f"{self.start.isoformat()}|{latest.isoformat()}|{token}"
        begin = max(self.start, latest - overlap)
        return f"{begin.isoformat()}|{latest.isoformat()}|"
