"""What is sent to a database, counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Count:
    """Statements without BEGIN (an executemany is one), and commits."""

    texts: list[str] = field(default_factory=list)
    commits: int = 0

    @property
    def statements(self) -> int:
        return len(self.texts)


@contextlib.contextmanager
def counting(engine: Engine) -> Iterator[Count]:
    """Count what ``engine`` does in the block, in any thread."""
    count = Count()

    def statement(_connection: Any, _cursor: Any, text: str, *_rest: object) -> None:
        if not text.startswith("BEGIN"):
            count.texts.append(text)

    def commit(_connection: Any) -> None:
        count.commits += 1

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield count
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)
