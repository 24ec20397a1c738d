"""One guest card with everything merged into it, in ten statements whatever has happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from leadsvc.errors import NotFound
from leadsvc.store.queries import parts
from leadsvc.store.queries.decisions import decisions_about
from leadsvc.store.queries.people import people_and_cards
from leadsvc.store.queries.rows import ATTENTION, card_row, root_cards
from leadsvc.store.queries.shapes import CardDetail, CardRow, Decision, Delivery, Inquiry, PmsState, Task
from leadsvc.store.tables import guest_cards


def card_detail(connection: Connection, key: str) -> CardDetail:
    """The card with this public key, seen through the card it is merged into now. Raises :class:`NotFound`."""
    root = select(guest_cards.c.root_id).where(guest_cards.c.key == key).scalar_subquery()
    found = connection.execute(root_cards().where(guest_cards.c.root_id == root)).mappings().all()
    top = next((row for row in found if row["id"] == row["root_id"]), None)
    if top is None:
        raise NotFound(f"There is no guest card {key[:20]}.")
    ids = [row["id"] for row in found]
    told = parts.inquiries_of(connection, ids)
    decisions = decisions_about(connection, {row["prospect_id"] for row in found}, {each.id for each in told})
    people, cards = people_and_cards(connection, _named(found, decisions))
    todo = parts.tasks_of(connection, ids)
    pushed = parts.deliveries_of(connection, ids)
    row = card_row(top)
    own = row.person.root_id
    return CardDetail(
        asked=key,
        row=_summary(row, told, todo, pushed),
        family=sorted((each for each in cards if each.root_id == row.id), key=lambda each: each.id != row.id),
        inquiries=told,
        decisions=decisions,
        people=people,
        elsewhere=[
            each for each in cards if each.id == each.root_id != row.id and people[each.prospect_id].root_id == own
        ],
        related=[each for each in cards if each.id == each.root_id and people[each.prospect_id].root_id != own],
        tasks=todo,
        outcomes=parts.outcomes_of(connection, ids),
        deliveries=pushed,
        refs=parts.refs_of(connection, [*ids, *(each.id for each in people.values() if each.root_id == own)]),
    )


def _named(found: Sequence[RowMapping], decisions: Sequence[Decision]) -> set[UUID]:
    """Every prospect that the cards or the decisions mention."""
    named = {row["prospect_id"] for row in found} | {row["maybe_id"] for row in found if row["maybe_id"]}
    for each in decisions:
        named.add(each.prospect_id)
        if each.other_prospect_id is not None:
            named.add(each.other_prospect_id)
    return named


def _summary(row: CardRow, told: Sequence[Inquiry], todo: Sequence[Task], pushed: Sequence[Delivery]) -> CardRow:
    """The inbox line of the card, made from what has been read already."""
    newest = told[-1] if told else None
    message = (newest.lead.get("message") or {}) if newest else {}
    chips = dict.fromkeys((each.source, each.source_name) for each in reversed(told))
    return replace(
        row,
        inquiries=len(told),
        sources=tuple(chips),
        last_contact=newest.contact_type if newest else "",
        last_message=str(message.get("value") or ""),
        tasks=[each for each in todo if each.state == "open"],
        pms=_pms(pushed),
    )


def _pms(pushed: Sequence[Delivery]) -> list[PmsState]:
    states: dict[str, PmsState] = {}
    live = [each for each in pushed if each.state != "cancelled"]
    for each in sorted(live, key=lambda each: (each.destination, ATTENTION.index(each.state))):
        known = states.setdefault(each.destination, PmsState(each.destination, each.state, each.cause))
        if each.kind == "prospect" and each.remote_id:
            states[each.destination] = replace(known, remote_id=each.remote_id)
    return list(states.values())
