"""Reading what changed where every property is asked on its own and nothing is paged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from leadsvc.workers.destinations.verdicts import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days to ask for, and at which of the account's properties (by number). A cursor is ``since|until|place`` while
    a span is read, and the end of what was read between spans. ``overlap`` is read again, for what is noted late."""

    since: datetime
    until: datetime
    overlap: timedelta
    place: int = 0

    @classmethod
    def at(
        cls, cursor: str, since: datetime, now: datetime, *, overlap: timedelta, longest: timedelta | None = None
    ) -> Span:
        """Where to go on; a new span ends ``longest`` after it begins, or now."""
        parts = cursor.split("|")
        begin = moment(parts[0]) or since
        end = moment(parts[1]) if len(parts) == 3 else None
        if end is not None and parts[2].isdigit():
            return cls(since=begin, until=end, overlap=overlap, place=int(parts[2]))
        until = now if longest is None else min(now, begin + longest)
        return cls(since=begin - overlap, until=until, overlap=overlap)

    def following(self, homes: int, now: datetime) -> tuple[str, bool]:
        """The cursor after this page, and whether another page is waiting."""
        if self.place + 1 < homes:
            return f"{self.since.isoformat()}|{self.until.isoformat()}|{self.place + 1}", True
        return self.until.isoformat(), self.until < now - self.overlap
