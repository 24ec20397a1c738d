"""Store shapes as the JSON that the API promises. Only what is named here leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from leadsvc.store.queries.exceptions import ExceptionRow
from leadsvc.store.queries.households import households
from leadsvc.store.queries.receipts import ReceiptDetail
from leadsvc.store.queries.shapes import CardDetail, CardRow, Decision, Person, ProspectDetail, Task

Shown = dict[str, Any]


def person(one: Person) -> Shown:
    return {"key": one.key, "name": one.name, "email": one.email, "phone": one.phone, "standing": one.standing}


def task(one: Task) -> Shown:
    return _named(one, "id", "kind", "state", "title", "assignee", "due_at")


def card(row: CardRow) -> Shown:
    place = row.property
    return {
        "key": row.key,
        "prospect": person(row.person),
        "property": _named(place, "id", "remote_id", "name", "time_zone") if place else None,
        "property_hint": row.property_hint,
        "stage": row.stage,
        "flags": list(row.flags),
        "may_be": row.may_be.key if row.may_be else None,
        "first_source": row.first_source,
        "sources": [slug for slug, _ in row.sources],
        "inquiries": row.inquiries,
        "opened_at": row.opened_at,
        "last_at": row.last_at,
        "tasks": [task(one) for one in row.tasks],
        "destinations": [_named(one, "destination", "state", "cause", "remote_id") for one in row.pms],
    }


_INQUIRY = (
    "id",
    "receipt_id",
    "position",
    "feed",
    "external_id",
    "source",
    "campaign",
    "contact_type",
    "occurred_at",
    "received_at",
    "revision",
    "map_id",
    "map_version",
    "lead",
    "flags",
)
_DELIVERY = (
    "id",
    "destination",
    "kind",
    "version",
    "state",
    "cause",
    "due_at",
    "attempts",
    "remote_id",
    "acknowledged_at",
)


def card_detail(found: CardDetail) -> Shown:
    return card(found.row) | {
        "tasks": [task(one) for one in found.tasks],
        "history": [_inquiry(one) for one in found.inquiries],
        "decisions": [decision(one, found.people) for one in found.decisions],
        "household": _household(found.row.person.root_id, found),
        "outcomes": [_named(one, "kind", "at", "origin", "detail", "recorded_by") for one in found.outcomes],
        "deliveries": [_named(one, *_DELIVERY) for one in found.deliveries],
        "remote_ids": [
            _named(one, "destination", "kind", "remote_id", "live", "standing", "source") for one in found.refs
        ],
        "merged": [one.key for one in found.family if one.key != found.row.key],
        "elsewhere": [one.key for one in found.elsewhere],
    }


def _inquiry(one: Any) -> Shown:
    """Without the sensitive answers, which one destination is owed and nobody else."""
    shown = _named(one, *_INQUIRY)
    return shown | {"lead": {name: value for name, value in one.lead.items() if name != "extras"}}


def decision(one: Decision, people: Mapping[Any, Person]) -> Shown:
    shown = _named(
        one, "id", "at", "kind", "verdict", "inquiry_id", "rule", "sentence", "evidence", "decided_by", "undoes"
    )
    return shown | {
        "prospect": people[one.prospect_id].key if one.prospect_id in people else None,
        "other": people[one.other_prospect_id].key if one.other_prospect_id in people else None,
    }


def prospect(found: ProspectDetail) -> Shown:
    held = ("kind", "value", "trust", "reason")
    return person(found.person) | {
        "golden": found.person.golden,
        "edits": found.person.edits,
        "identifiers": [dict(zip(held, each, strict=True)) for each in found.identifiers],
        "guest_cards": [_named(one, "key", "property_name", "stage", "last_at") for one in found.cards],
        "merged": [one.key for one in found.family],
        "decisions": [decision(one, found.people) for one in found.decisions],
        "household": _household(found.person.id, found),
        "first_at": found.person.first_at,
        "last_at": found.person.last_at,
    }


def _household(root: UUID, found: CardDetail | ProspectDetail) -> list[Shown]:
    return [
        {
            "prospect": person(one.person),
            "state": one.state,
            "because": one.reason,
            "decided_by": one.decision.decided_by,
        }
        for one in households(root, found.decisions, found.people)
    ]


_RECEIPT = ("feed", "channel", "content_type", "state", "cause", "detail", "received_at", "processed_at", "erased_at")


def receipt(found: ReceiptDetail, *, staff: bool) -> Shown:
    row = found.row
    return (
        {"receipt": row.id}
        | _named(row, *_RECEIPT, "leads_found")
        | {
            "bytes": len(found.body),
            "sha256": found.body_sha256,
            "map": f"{row.map_id}@{row.map_version}" if row.map_id else "",
            "leads": [
                _named(one, "position", "fate", "reason") | ({"guest_card": one.card_key} if staff else {})
                for one in found.fates
            ],
        }
    )


_EXCEPTION = (
    "id",
    "kind",
    "subject_kind",
    "subject_id",
    "cause",
    "detail",
    "owner",
    "opened_at",
    "resolved_at",
    "resolved_by",
    "resolution",
    "property_hint",
    "receipt_id",
    "feed",
    "destination",
    "delivery_state",
)


def exception(row: ExceptionRow) -> Shown:
    return _named(row, *_EXCEPTION) | {
        "guest_card": row.card_key,
        "prospect": person(row.person) if row.person else None,
        "may_be": person(row.may_be) if row.may_be else None,
    }


def _named(thing: object, *names: str) -> Shown:
    return {name: getattr(thing, name) for name in names}
