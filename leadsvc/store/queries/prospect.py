"""One person across properties."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, func, select

from leadsvc.errors import NotFound
from leadsvc.store.queries.decisions import decisions_about
from leadsvc.store.queries.people import people_and_cards
from leadsvc.store.queries.shapes import ProspectDetail
from leadsvc.store.tables import identifiers, inquiries, prospect_identifiers, prospects, sources


def prospect_detail(connection: Connection, key: str) -> ProspectDetail:
    """The person with this public key, as the one they are merged into now, in five statements. Raises
    :class:`NotFound`."""
    asked = connection.execute(select(prospects.c.id, prospects.c.root_id).where(prospects.c.key == key)).one_or_none()
    if asked is None:
        raise NotFound(f"There is no prospect {key[:20]}.")
    root: UUID = asked.root_id
    everyone = select(prospects.c.id).where(prospects.c.root_id == root).scalar_subquery()
    members = [row.id for row in connection.execute(select(prospects.c.id).where(prospects.c.root_id == root))]
    decisions = decisions_about(connection, members)
    named = {root, *(each.prospect_id for each in decisions)}
    named |= {each.other_prospect_id for each in decisions if each.other_prospect_id is not None}
    people, cards = people_and_cards(connection, named)
    held = (
        select(identifiers.c.kind, identifiers.c.value, identifiers.c.trust, identifiers.c.trust_reason)
        .join(prospect_identifiers, prospect_identifiers.c.identifier_id == identifiers.c.id)
        .where(prospect_identifiers.c.prospect_id.in_(everyone))
        .distinct()
        .order_by(identifiers.c.kind, identifiers.c.value)
        .limit(200)
    )
    told = (
        select(inquiries.c.source, func.coalesce(sources.c.name, inquiries.c.source), func.count())
        .outerjoin(sources, sources.c.slug == inquiries.c.source)
        .where(inquiries.c.prospect_id.in_(everyone))
        .group_by(inquiries.c.source, sources.c.name)
        .order_by(func.count().desc(), inquiries.c.source)
    )
    return ProspectDetail(
        asked=key,
        person=people[root],
        family=[each for each in people.values() if each.root_id == root and each.id != root],
        identifiers=[tuple(row) for row in connection.execute(held)],
        cards=[each for each in cards if each.id == each.root_id and people[each.prospect_id].root_id == root],
        decisions=decisions,
        people=people,
        sources=[tuple(row) for row in connection.execute(told)],
    )
