"""What became of the rows of a file, counted; kept with the import from chunk to chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadsvc.fieldmap.maps import SOURCE_UNKNOWN
from leadsvc.importing.table import TableRow
from leadsvc.model import Reading, Verdict
from leadsvc.pipeline.seen import Fate, Seen, hint

FATES = ("created", "joined", "review", "duplicate", "revised", "rejected", "not_lead")
"""What may become of a row; each becomes exactly one of them."""

_LISTED = 200
_DISTINCT = 5_000
_VERDICTS = {"new": "created", "join": "joined", "review": "review"}
_COUNTED = ("fates", "reasons", "properties", "sources", "columns")


@dataclass(slots=True)
class Progress:
    """``rows``: how many have a fate; ``fates`` says which. The others count what a person should look at: reasons of
    refusals, names of properties and sources that nobody knows, columns that the map does not read. ``share``: how much
    of the file was read, 0 to 1."""

    rows: int = 0
    share: float = 0.0
    fates: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    properties: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Progress:
        """As it was kept."""
        return cls(kept.get("rows", 0), 0.0, *(Counter(kept.get(name, {})) for name in _COUNTED))

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows} | {name: dict(getattr(self, name).most_common(_LISTED)) for name in _COUNTED}

    def plus(self, rows: Sequence[TableRow], reading: Reading, found: Sequence[Fate], seen: Sequence[Seen]) -> Progress:
        """With one more chunk: its ``rows``, how they were read, and what became of their leads."""
        after = Progress(self.rows + len(rows), self.share, *(Counter(getattr(self, name)) for name in _COUNTED))
        after.fates.update(_VERDICTS.get(fate.verdict, fate.status) for fate in found)
        for _, kind, reason in refusals(rows, reading):
            after.fates[kind] += 1
            after._note(after.reasons, reason)
        for each in seen:
            if each.placement.property_id is None:
                after._note(after.properties, hint(each.lead) or "(none named)")
            if SOURCE_UNKNOWN in each.lead.notes:
                after._note(after.sources, f"(not in the table of sources, credited to {each.lead.source})")
            after.columns.update(each.lead.unused)
        return after

    @staticmethod
    def _note(counter: Counter[str], word: str) -> None:
        word = word[:200]
        if word in counter or len(counter) < _DISTINCT:
            counter[word] += 1
        else:
            counter["(others)"] += 1


def refusals(rows: Sequence[TableRow], reading: Reading) -> Iterator[tuple[TableRow, str, str]]:
    """(row, rejected or not_lead, why) of each row that is not a lead."""
    good = [row for row in rows if not row.fault]
    yield from ((row, "rejected", row.fault) for row in rows if row.fault)
    if reading.verdict is Verdict.NOT_LEAD:
        yield from ((row, "not_lead", f"{reading.cause}: {reading.detail}") for row in good)
    for error in reading.errors:
        said = "; ".join(f"{name} {', '.join(texts)}".strip() for name, texts in error.errors.items())
        yield good[error.index], "rejected", said
