"""What hangs on a remote card, and our key as it stands in the texts of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leadsvc.workers.destinations.verdicts import sound


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, note, task or appointment that hangs on a remote card. ``our_key``: where the vendor has a place for
    it; else it is looked for as a mark in ``text``. ``says``: what of it could be changed, in the vendor's words."""

    entry_id: str
    text: str = ""
    our_key: str = ""
    open: bool = True
    says: Mapping[str, object] = field(default_factory=dict)

    def carries(self, key: str) -> bool:
        return self.our_key == key or mark(key) in self.text


def mark(key: str) -> str:
    """Our key as it stands in a text there."""
    return f"[ref {key}]"


def marked(text: str, key: str, longest: int | None = None) -> str:
    """``text``, cut where it is too long, with our key at its end."""
    room = None if longest is None else max(longest - len(mark(key)) - 1, 0)
    return f"{sound(text)[:room].rstrip()} {mark(key)}".strip()
