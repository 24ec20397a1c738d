"""Keyset paging: a cursor names the last row shown, so that a page costs the same wherever it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, literal, tuple_

from leadsvc.errors import Reject
from leadsvc.store.types import UtcDateTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def encode(at: datetime, row_id: UUID) -> str:
    """The cursor of a row: its time in microseconds and its id, fit for a URL."""
    return f"{(at - _EPOCH) // _TICK:x}-{row_id.hex}"


def decode(cursor: str) -> tuple[datetime, UUID]:
    """Time and id that a cursor names. Raises :class:`Reject` (400) for anything that :func:`encode` did not make."""
    moment, _, row = cursor.partition("-")
    try:
        return _EPOCH + int(moment[:16], 16) * _TICK, UUID(hex=row[:32])
    except (ValueError, OverflowError) as error:
        raise Reject(
            400, "Bad page", "This page address is not valid; start from the first page.", code="cursor"
        ) from error


def older(at: ColumnElement[datetime], row_id: ColumnElement[UUID], cursor: str) -> ColumnElement[bool]:
    """The predicate for rows after ``cursor`` when rows are sorted newest first."""
    moment, row = decode(cursor)
    return tuple_(at, row_id) < tuple_(literal(moment, UtcDateTime()), literal(row, Uuid()))
