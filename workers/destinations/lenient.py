"""What answers say where nothing is sure: names in any spelling, ids that are none, clocks in headers and in words, and
what the words of an error mean when no code does. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from leadsvc.workers.destinations.base import Outcome, Result
from leadsvc.workers.destinations.rest import network, parse, text, wait
from leadsvc.workers.destinations.verdicts import header, moment, plain

_DAY_S = 24 * 3600.0
_WORDS_MAX = 2000
_RESETS = ("x-ratelimit-resettime", "x-ratelimit-reset", "ratelimit-reset")
_IN_WORDS = re.compile(r"\b(?:in|after|for|wait)\s+(\d{1,6})\s*(s|sec|second|m|min|minute|hour)s?\b", re.IGNORECASE)
_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "hour": 3600}
_FOLD = re.compile(r"[^a-z0-9@]")

_THROTTLED = re.compile(
    r"rate.?limit|too many (?:requests|calls)|throttl|quota (?:is |was |has been )?exceeded|exceeded (?:the|your) quota"
    r"|(?:call|request|api) (?:limit|volume)",
    re.IGNORECASE,
)
_UNKNOWN_TO_THEM = re.compile(
    r"authenticat|not authori[sz]ed|unauthori[sz]ed|access (?:is |was )?denied|log.?(?:in|on) (?:failed|failure|is )"
    r"|(?:no|not|lacks?|without|insufficient|missing|denied) (?:\w+ ){0,3}?(?:permissions?|privileges?|rights|access)\b"
    r"|permission denied|forbidden"
    r"|credential|license ?key|licen[cs]e (?:has |is |was )?(?:expired|invalid|not)|api.?key|not (?:been )?granted"
    r"|(?:user ?name|password)\b.{0,20}\b(?:incorrect|invalid|wrong|expired|locked|disabled|not valid)"
    r"|(?:invalid|incorrect|wrong|bad|expired) (?:user|password|token|session|licen[cs]e)"
    r"|(?:account|user) (?:is |has been |was )?(?:locked|disabled|suspended)"
    r"|(?:token|session) (?:has |is |was )?(?:expired|invalid|not valid|no longer)"
    r"|password must be changed|(?:address|ip|host)\b.{0,30}\bnot allowed"
    r"|(?:api|service|interface|integration|module)\b.{0,30}\bnot (?:enabled|licen[cs]ed|subscribed|activated)",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"time(?:d)?.?out|dead.?lock|tempor(?:ary|arily)|try (?:it |this )?again|please retry|server (?:is )?(?:too )?busy"
    r"|service (?:is )?(?:currently )?(?:un|not )available"
    r"|(?:internal|unexpected|unknown|unhandled) (?:server |system )?(?:error|exception)"
    r"|unexpected error|object reference|maintenance|connection (?:\w+ )?(?:failed|refused|lost|closed|reset)"
    r"|could not complete|record (?:is )?locked|locked by|in use by",
    re.IGNORECASE,
)
_WHO = r"(?:prospect|lead|guest ?card|record|customer|applicant|contact|person|entry)"
_THERE_ALREADY = re.compile(
    rf"already exist|duplicate (?:of )?(?:\w+ )?{_WHO}\b|{_WHO} is a duplicate"
    r"|already (?:been )?(?:in|on) (?:the )?(?:system|file)",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\bno (?:\w+ ){0,4}?(?:were |was )?(?:found|match(?:ed|ing)?|exists?|available|returned)\b"
    r"|\bno (?:leads?|records?|prospects?|results?|data|rows?|guest ?cards?)\b|nothing (?:was )?found"
    r"|(?:did|does) not return any|returned no (?:rows|records|results)|0 (?:records|results|rows)\b",
    re.IGNORECASE,
)


def remote_id(value: object) -> str:
    """An id, or the empty string for what vendors write where there is none (``0``, ``null``, blanks)."""
    written = text(value)
    return "" if written.strip("0-") == "" or written.casefold() in ("null", "none", "nil") else written


def fold(name: str) -> str:
    """A name without case and joints: ``Application_Id`` and ``applicationId`` are one."""
    return _FOLD.sub("", name.lower())


def pick(value: object, *names: str) -> object:
    """The first member of an object that has one of ``names`` in any spelling and is not ``null``."""
    if not isinstance(value, Mapping):
        return None
    by_name = {fold(str(key)): inner for key, inner in reversed(list(value.items()))}
    return next((by_name[fold(name)] for name in names if by_name.get(fold(name)) is not None), None)


def has(value: object, name: str) -> bool:
    """Whether an object has a member of that name, be it ``null``."""
    return isinstance(value, Mapping) and any(fold(str(key)) == fold(name) for key in value)


def within(value: object, *path: str) -> object:
    """What lies at the end of ``path``; ``None`` where a step is missing."""
    for name in path:
        value = pick(value, name)
    return value


def wait_of(headers: Mapping[str, str], context: Mapping[str, object], words: str = "") -> float | None:
    """Seconds to wait, at most a day: what the headers ask for in any way, the end of a window as a date among them;
    else what the ``words`` of the answer ask for. The vendor's own ``Date`` stands in for a clock of ours."""
    now = moment(context.get("received_at")) or _http_date(header(headers, "Date"))
    asked = wait(headers, {"received_at": now})
    if asked is not None:
        return asked
    for name in _RESETS:
        then = _http_date(header(headers, name)) or moment(header(headers, name) or None)
        if then and now:
            return min(max((then - now).total_seconds(), 0.0), _DAY_S)
    said = _IN_WORDS.search(words[:_WORDS_MAX])
    return min(float(int(said[1]) * _UNITS[said[2].lower()]), _DAY_S) if said else None


def by_status(status: int, headers: Mapping[str, str], context: Mapping[str, object], words: str = "") -> Result | None:
    """:func:`network`, where a retry waits as the headers or the ``words`` of the answer ask for in any way."""
    verdict = network(status, headers, context)
    if verdict is None or verdict.outcome is not Outcome.RETRY or status == 0:
        return verdict
    return replace(verdict, retry_after_s=wait_of(headers, context, words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What stands before a vendor (a gateway, a web server) and answers without a word of the vendor's own. ``name``:
    what is said of it; ``refused``: what it refused with 403; ``look_at``: of the settings, for any other status."""

    name: str
    refused: str
    look_at: str

    def says(self, status: int, headers: Mapping[str, str], context: Mapping[str, object], words: str = "") -> Result:
        """What its answer means."""
        verdict = by_status(status, headers, context, words)
        if verdict is not None:
            return verdict
        code = f"http_{status}"
        if status == 403:
            return Result(outcome=Outcome.AUTH, code=code, message=f"{self.name} refused {self.refused}.")
        words = f"{self.name} answered {status}; check {self.look_at}."
        return Result(outcome=Outcome.REJECT, code=code, message=words)


def _http_date(written: str) -> datetime | None:
    try:
        then = parsedate_to_datetime(written)
    except (TypeError, ValueError, OverflowError):
        return None
    return then if then.tzinfo else then.replace(tzinfo=UTC)


def spoken(words: str) -> Outcome | None:
    """What the words of an error say for themselves: ``retry``, ``auth`` or ``duplicate``; ``None`` leaves it to the
    code that came with them."""
    words = words[:_WORDS_MAX]
    if _THROTTLED.search(words):
        return Outcome.RETRY
    if _UNKNOWN_TO_THEM.search(words):
        return Outcome.AUTH
    if _THERE_ALREADY.search(words):
        return Outcome.DUPLICATE
    return Outcome.RETRY if _PASSING.search(words) else None


def throttling(words: str) -> bool:
    """Whether an error says that we came too often, so that nothing was done."""
    return bool(_THROTTLED.search(words[:_WORDS_MAX]))


def says_nothing_found(words: str) -> bool:
    """Whether an error of a read only says that there is nothing."""
    words = words[:_WORDS_MAX]
    return bool(_NOTHING.search(words)) and not _UNKNOWN_TO_THEM.search(words) and not throttling(words)


def told(
    outcome: Outcome,
    words: Iterable[str],
    headers: Mapping[str, str],
    context: Mapping[str, object],
    *,
    code: str = "",
    fields: Mapping[str, tuple[str, ...]] | None = None,
) -> Result:
    """The verdict ``outcome`` on an error that came with ``words``. A write whose failure may have come after the
    work is to be looked for; one that was throttled is not."""
    said = plain("; ".join(dict.fromkeys(each for each in words if each)))
    unsure = outcome is Outcome.RETRY and not context.get("read") and not throttling(said) and code != "429"
    return Result(
        outcome=outcome,
        code=code,
        message=said or "The destination gave no reason.",
        retry_after_s=wait_of(headers, context, said) if outcome is Outcome.RETRY else None,
        verify_first=unsure,
        verified=not unsure,
        field_errors=fields or {},
    )


def fields_named(words: str, table: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Which of our fields an error speaks of. ``table``: their names in lower case, each with ours, or blank for words
    that only look like a field. The one that is named first counts, by the longest of its names."""
    low = words.lower()
    named = [(low.index(theirs), -len(theirs), ours) for theirs, ours in table if theirs in low]
    ours = min(named)[2] if named else ""
    return {ours: (plain(words),)} if ours else {}


def foreign(
    status: int, headers: Mapping[str, str], body: bytes | None, context: Mapping[str, object]
) -> Result | None:
    """What words of somebody between us and the vendor settle, in a body that is not the vendor's: credentials that a
    gateway refused, a limit that it keeps. ``None`` where they settle nothing."""
    value = parse(body)
    if isinstance(value, dict):
        words = text(pick(value, "Message", "ErrorMessage", "error_description", "error", "title"))
        if status < 300 and (spoken(words) is Outcome.AUTH or "authorization has been denied" in words.lower()):
            return told(Outcome.AUTH, (words,), headers, context, code="gateway")
    elif status == 403:
        words = (body or b"")[:_WORDS_MAX].decode("utf-8", "replace")
    else:
        return None
    if throttling(words):
        return told(Outcome.RETRY, ("Too many requests.",), headers, context, code="throttled")
    return None
