"""Match decisions about people and their inquiries."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, or_, select

from leadsvc.store.queries.shapes import Decision
from leadsvc.store.tables import match_decisions

_MOST = 500


def decisions_about(
    connection: Connection, people: Collection[UUID], inquiry_ids: Collection[UUID] = ()
) -> list[Decision]:
    """Decisions that name one of ``people`` or one of ``inquiry_ids``, oldest first (at most the newest 500)."""
    table = match_decisions.c
    about = [table.prospect_id.in_(people), table.other_prospect_id.in_(people)]
    if inquiry_ids:
        about.append(table.inquiry_id.in_(inquiry_ids))
    columns = [table[name] for name in Decision.__dataclass_fields__]
    statement = select(*columns).where(or_(*about)).order_by(table.at.desc(), table.id.desc()).limit(_MOST)
    return [Decision(*row) for row in reversed(connection.execute(statement).all())]
