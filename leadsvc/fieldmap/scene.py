"""One record as one field map sees it: a mail's labelled lines are found once and kept for all its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from leadsvc.normalize.records import MailRecord, Record
from leadsvc.normalize.sensitive import is_sensitive

# "Name:", "* Email :", "> Phone:", "[Prospect Name]"
_BEFORE = r"^[>*\s\u2022\u00b7\[-]{0,12}"
# "Phone (optional):" is the label Phone, "*Phone:* 706…" what mail programs make of bold labels.
_AFTER = r"\s*\]?\s*\*?\s*(?:\([^()\n]{1,30}\)\s*\*?\s*)?"
# "1. Name - Ann Lee", "| Name | Ann Lee |", "name=Ann Lee": ways of writing that no known sender has.
_LOOSE_BEFORE = r"^(?:[(#]?\d{1,2}[.)]\s+)?[>*|\s\u2022\u00b7\[-]{0,12}"
# A short answer beside the words of a question; what a renter writes about it in a sentence is theirs to tell.
_ANSWER = re.compile(rf"{_BEFORE}(?P<label>[^\W\d][^:\n]{{1,38}}?)\s*[*\]]?\s*[:\uff1a]\s*\*?\s*\S.{{0,60}}$")
_MARK, _LOOSE_MARK = "[:\uff1a]", r"(?:[:\uff1a=|]|(?<=\s)[-\u2013\u2014](?=\s))"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What stands at a label: ``line`` beside it or on the next line, ``block`` all lines down to the next label."""

    line: str
    block: str


@dataclass(frozen=True)
class Layout:
    """What a map says about a mail's lines: its labels, those with free text behind them (``long``, lower case), the
    lines that end a value (``stops``), and where the part that speaks of the renter ends (``until``). ``loose``: other
    marks than a colon may stand between label and value, for senders nobody knows."""

    labels: tuple[str, ...] = ()
    long: frozenset[str] = frozenset()
    stops: re.Pattern[str] | None = None
    until: re.Pattern[str] | None = None
    loose: bool = False

    @cached_property
    def at_start(self) -> re.Pattern[str] | None:
        if not self.labels:
            return None
        words = "|".join(_words(label) for label in sorted(self.labels, key=len, reverse=True))
        # A label in brackets needs no colon: "[Prospect Name] Ann Lee".
        before, mark = (_LOOSE_BEFORE, _LOOSE_MARK) if self.loose else (_BEFORE, _MARK)
        end = r"\s*\|?\s*" if self.loose else ""
        ended = (
            rf"{_AFTER}(?:{mark}(?:\*+(?=\s|$))?\s*(?P<value>.*?){end}|(?P<bare>\]?\s*))|(?<=\w)\s*\]\s*(?P<beside>.*)"
        )
        return re.compile(rf"{before}(?P<label>{words})(?:{ended})$", re.I)

    @cached_property
    def inside(self) -> re.Pattern[str] | None:
        """A further label in the same line: "Name: Ann Lee Phone: 706…" where a sender's HTML has no breaks."""
        if not self.labels:
            return None
        words = "|".join(_words(label) for label in sorted(self.labels, key=len, reverse=True))
        return re.compile(rf"(?<=\s)(?={_BEFORE[1:]}(?:{words})\s*\*?\s*:|\[(?:{words})\s*\])", re.I)

    def stopped(self, line: str) -> bool:
        return self.stops is not None and bool(self.stops.search(line))


class Scene:
    """A record and the layout to read it with."""

    def __init__(self, record: Record, layout: Layout) -> None:
        self.record = record
        self.layout = layout

    @cached_property
    def views(self) -> tuple[list[str], ...]:
        """The lines of a mail without sensitive answers, declared or not: they never end up in a message."""
        return self._without(frozenset())

    def _without(self, declared: frozenset[str]) -> tuple[list[str], ...]:
        views = self.record.views if isinstance(self.record, MailRecord) else ()
        return tuple([row for row in view if ":" not in row or not _is_aside(row, declared)] for view in views)

    @cached_property
    def labelled(self) -> tuple[dict[str, Labelled], ...]:
        """For each view the first filled value of each label."""
        declared = frozenset(label_key(label) for label in self.layout.labels)
        return tuple(_labelled(view, self.layout) for view in self._without(declared))

    def label(self, names: Sequence[str], *, block: bool) -> str:
        for found in self.labelled:
            for name in names:
                value = found.get(name)
                if value is not None and (text := value.block if block else value.line):
                    return text
        return ""


def _is_aside(row: str, declared: frozenset[str]) -> bool:
    found = _ANSWER.match(row)
    return found is not None and is_sensitive(found["label"]) and label_key(found["label"]) not in declared


def _words(label: str) -> str:
    return r"\s+".join(re.escape(word).replace("'", "['\u2019]") for word in label.split())


@lru_cache(4_096)
def label_key(label: str) -> str:
    """One spelling of ``Date d’emménagement`` and ``DATE  D'EMMÉNAGEMENT``."""
    return " ".join(label.lower().replace("\u2019", "'").split())


def _labelled(view: Sequence[str], layout: Layout) -> dict[str, Labelled]:
    pattern = layout.at_start
    found: dict[str, Labelled] = {}
    if pattern is None:
        return found
    label, rows = "", []
    for line in (*_relevant(view, layout), None):
        match = pattern.match(line) if line is not None else None
        if match is not None and label in layout.long and _answered(found, match["label"]):
            if is_sensitive(match["label"]):
                continue
            match = None  # "Email: me!" in a comment, the real one stood above
        if line is not None and match is None and not (label and layout.stopped(line)):
            if label:
                rows.append(line)
            continue
        if label:
            _keep(found, label, rows)
        label, rows = "", []
        if match is not None:
            label = label_key(match["label"])
            rows = [match["value"] or match["beside"] or ""]
    return found


def _answered(found: Mapping[str, Labelled], label: str) -> bool:
    return bool((known := found.get(label_key(label))) and known.line)


def _keep(found: dict[str, Labelled], label: str, rows: list[str]) -> None:
    if label in found and found[label].block:
        return
    first = rows[0].strip()
    # An empty line after "Phone:" is a blank answer only if nothing follows; cells of a table come as lines.
    following = next((row.strip() for row in rows[1:] if row.strip()), "")
    found[label] = Labelled(first or following, "\n".join(row for row in rows).strip())


def _relevant(view: Sequence[str], layout: Layout) -> list[str]:
    until = layout.until
    end = next((i for i, line in enumerate(view) if until.search(line)), len(view)) if until else len(view)
    lines: list[str] = []
    inside = layout.inside
    for line in view[:end]:
        if inside is None or (line.count(":") < 2 and line.count("[") < 2) or _is_prose(line, lines, layout):
            lines.append(line)
        else:
            lines.extend(piece.strip() for piece in inside.split(line) if piece.strip())
    return lines


def _is_prose(line: str, above: Sequence[str], layout: Layout) -> bool:
    """Whether ``line`` is free text behind its label, below other labelled lines: labels in it are words."""
    pattern = layout.at_start
    match = pattern.match(line) if pattern is not None else None
    if pattern is None or match is None or label_key(match["label"]) not in layout.long:
        return False
    return any(pattern.match(row) for row in above)
