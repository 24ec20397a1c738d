"""One watched stream: what a feed sends that one field map reads. Holds what was learned and says how it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadsvc.drift.judge import Cause, Siblings, Silence, silence
from leadsvc.drift.rhythm import HOURS, NO_RHYTHM, Rhythm
from leadsvc.drift.shares import Shares

UNREAD = "!unread"
"""The share of payloads that no map could read."""

_QUARTER_WEEKS = 13.0
_ENOUGH_LEADS = 20
_NEW_SEEN = 3
_MOST_WORDS = 400
_UNREAD_AT_LEAST = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """How a stream is: a state of ``feed_watch``, the cause of what is wrong, names of what is missing or new, the
    receipt with which it began, and what was expected since the last arrival. ``alarm``: a person must look."""

    state: str
    cause: Cause | None = None
    names: tuple[str, ...] = ()
    first_bad: str = ""
    expected: float = 0.0
    market: float = 1.0
    alarm: bool = False


@dataclass(slots=True)
class Stream:
    """``words``: keys and values that nobody reads or knows, with how often they came; ``leads``: leads learned from.
    ``unread``: payloads since the last good one that might be its own and could not be read, with the first."""

    rhythm: Rhythm = NO_RHYTHM
    shares: Shares = field(default_factory=Shares)
    words: dict[str, int] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    leads: int = 0
    last_at: datetime | None = None
    last_good: str = ""
    unread: int = 0
    first_unread: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Stream:
        """As :meth:`to_json` said it."""
        rates = tuple(kept.get("rates", ()))
        last = kept.get("last_at")
        return cls(
            Rhythm(rates, kept.get("weight", 0.0)) if len(rates) == HOURS else NO_RHYTHM,
            Shares(kept.get("shares")),
            dict(kept.get("words", {})),
            set(kept.get("accepted", ())),
            kept.get("leads", 0),
            datetime.fromisoformat(last) if last else None,
            kept.get("last_good", ""),
            kept.get("unread", 0),
            kept.get("first_unread", ""),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "rates": [round(rate, 5) for rate in self.rhythm.rates],
            "weight": round(self.rhythm.weight, 3),
            "shares": self.shares.to_json(),
            "words": self.words,
            "accepted": sorted(self.accepted),
            "leads": self.leads,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "last_good": self.last_good,
            "unread": self.unread,
            "first_unread": self.first_unread,
        }

    # -- what happens -------------------------------------------------------------------------------------------------

    def lead(self, at: datetime, receipt: str, told: Mapping[str, bool], words: Iterable[str]) -> None:
        """A lead was read: which fields held something, and which keys and values were new to the map."""
        self.leads += 1
        self.last_at = max(self.last_at or at, at)
        self.shares.add({UNREAD: False, **told}, receipt, self._quarterly)
        if not self.shares.alarmed:
            self.last_good = receipt
        self.unread, self.first_unread = 0, ""
        for word in words:
            if word in self.words or len(self.words) < _MOST_WORDS:
                self.words[word] = self.words.get(word, 0) + 1
        if self.leads <= _ENOUGH_LEADS:
            self.accepted |= set(self.words)

    def again(self, at: datetime) -> None:
        """Something came that is known already: a sign of life."""
        self.last_at = max(self.last_at or at, at)

    def unreadable(self, at: datetime, receipt: str) -> None:
        """A payload of this stream could not be read."""
        self.last_at = max(self.last_at or at, at)
        self.shares.add({UNREAD: True}, receipt, self._quarterly)

    def perhaps(self, receipt: str) -> None:
        """A payload that no map claims came by the same feed: it may have been one of this stream's."""
        self.unread += 1
        self.first_unread = self.first_unread or receipt

    def accept(self) -> None:
        """A person says that what is now is right: it is usual from now on."""
        self.shares.accept()
        self.accepted |= set(self.words)

    @property
    def _quarterly(self) -> float:
        return max(self.rhythm.weekly * _QUARTER_WEEKS, float(self.leads))

    # -- how it is ----------------------------------------------------------------------------------------------------

    def condition(self, now: datetime, siblings: Siblings, usual_unread: float = 0.0) -> Condition:
        """``siblings``: see :data:`leadsvc.drift.judge.Siblings`. ``usual_unread``: payloads that no
        map claims and that the feed was expected to send since the last arrival."""
        if self.last_at is None:
            return Condition("never")
        quiet = silence(self.rhythm, self.last_at, now, siblings)
        wrong = self.shares.alarmed
        if wrong:
            names = tuple(sorted(wrong))
            first = next((each.first for each in wrong.values() if each.first), "")
            return _told("degraded", Cause.LAYOUT_CHANGED, quiet, names, first, alarm=True)
        if quiet.late and self._changed_its_look(usual_unread):
            return _told("degraded", Cause.LAYOUT_CHANGED, quiet, (UNREAD,), self.first_unread, alarm=True)
        if quiet.alarm:
            return _told("silent", Cause.SOURCE_DOWN, quiet, alarm=True)
        if quiet.quiet:
            return _told("late", Cause.MARKET_QUIET, quiet)
        if quiet.late and self.rhythm.weight >= 3.0:
            return _told("late", None, quiet)
        if new := self.new_words:
            return _told("ok", Cause.NEW_KEYS, quiet, new, alarm=True)
        return _told("learning" if self.leads < _ENOUGH_LEADS else "ok", None, quiet)

    def _changed_its_look(self, usual_unread: float) -> bool:
        """It is late, and in its stead something came that nobody can read."""
        return self.unread >= _UNREAD_AT_LEAST and self.unread > 3.0 * usual_unread + 1.0

    @property
    def new_words(self) -> tuple[str, ...]:
        """Keys and values that were not there in the beginning and came more than by accident."""
        found = (word for word, count in self.words.items() if count >= _NEW_SEEN and word not in self.accepted)
        return tuple(sorted(found))


def _told(
    state: str,
    cause: Cause | None,
    quiet: Silence,
    names: tuple[str, ...] = (),
    first_bad: str = "",
    *,
    alarm: bool = False,
) -> Condition:
    return Condition(state, cause, names, first_bad, quiet.expected, quiet.market, alarm)
