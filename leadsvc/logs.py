"""JSON lines on standard error, one a thing that happened, with a correlation id and without personal data.

Personal data stays out by construction: events name ids, words of ours and numbers. Of an unforeseen error the type
and the places are written, never its message, because a message may quote what a renter wrote.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import Any, TextIO

import structlog

_LEVELS = logging.getLevelNamesMapping()


def configure(level: str, stream: TextIO | None = None) -> None:
    """Write events of ``level`` (a name such as INFO, or its number) and above to ``stream`` (standard error)."""
    number = int(level) if level.isdecimal() else _LEVELS.get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,  # a second configure(), as in tests, must reach loggers already in use
    )


def _line(event: dict[str, Any], **_: object) -> str:
    return json.dumps(event, default=str, separators=(",", ":"))


def logger(area: str) -> Any:  # structlog's filtering logger has no public type
    """A logger whose lines say which ``area`` (api, worker, intake …) wrote them."""
    return structlog.get_logger(area=area)


def places(error: BaseException) -> dict[str, Any]:
    """What may be logged of an unforeseen error: its type, those of its causes, and the frames it came through."""
    types: list[str] = []
    current: BaseException | None = error
    while current is not None and len(types) < 10:
        types.append(type(current).__qualname__)
        current = current.__cause__ or current.__context__
    frames = traceback.extract_tb(error.__traceback__)[-20:]
    return {
        "error": types[0],
        "causes": types[1:],
        "frames": [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
