"""Makers of rows for tests of the pages, put into the tables directly, right in whatever a test does not say."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from leadsvc.ids import next_number, uuid7
from leadsvc.leadjson import from_json
from leadsvc.resolve.person import Identity
from leadsvc.store import tables

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
EVIL = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "javascript:alert(1) \u202eevil\u202c \x07\x1b[31m {{ 7*7 }} '\"><svg/onload=alert(1)>"
)


def put(connection: Connection, table: Any, **values: Any) -> dict[str, Any]:
    """Insert one row; ``id`` is made when the table has one and none is given."""
    if "id" in table.c and "id" not in values:
        values["id"] = uuid7()
    connection.execute(insert(table).values(values))
    return values


def value(of: Any, raw: str | None = None, rule: str = "as written") -> dict[str, Any]:
    return {"value": of, "raw": raw if raw is not None else str(of), "rule": rule}


def full_lead(number: int, message: str, given: str, family: str) -> dict[str, Any]:
    """A stored lead in which every field of the model has a value."""
    address = f"{given}.{family}{number}@example.com".lower().replace(" ", "")
    return {
        "source": "zillow",
        "contact_type": "form",
        "format": "json",
        "map_id": "zillow-callback",
        "map_version": 3,
        "confidence": 0.93,
        "name": value(
            {"given": given, "family": family, "suffix": "Jr", "text": f"{given} {family} Jr"},
            f"{family.upper()}, {given}",
            "name-split",
        ),
        "emails": [
            value({"address": address, "key": address}, f" {address.title()} ", "email-lower"),
            value({"address": f"x{number}@relay.example.net", "key": f"x{number}@relay.example.net", "relay": True}),
        ],
        "phones": [
            value(
                {"e164": f"+1512555{number % 10000:04d}", "extension": "7"},
                f"(512) 555-{number % 10000:04d} x7",
                "phone-us",
            )
        ],
        "co_applicants": [value({"given": "Robin", "family": "Sample", "text": "Robin Sample"}, "Robin Sample")],
        "property_hints": [
            value({"kind": "name", "text": "Oak Court Apts"}),
            value({"kind": "listing_id", "text": f"L-{number}"}),
        ],
        "unit_hint": value("204", "Apt 204", "unit"),
        "floor_plan_hint": value("B2 two bed"),
        "agent_hint": value("Dana at the desk"),
        "bedrooms": value({"low": 1, "high": 2}, "1-2 bd", "range"),
        "bathrooms": value({"low": 1.5}, "1.5+", "range"),
        "move_in": value(
            {"on": "2026-12-05", "latest": "2026-12-12", "words": "first half of December"}, "12/05 or so", "date"
        ),
        "budget_cents": value({"low": 120000, "high": 155050}, "$1200-1550.50", "money"),
        "occupants": value(3, "3 people", "number"),
        "pets": value({"has": True, "details": "two cats, Mo and Flo"}, "2 cats"),
        "lease_term_months": value(12, "12mo", "number"),
        "tour": value(
            {"slots": ["2026-11-23T14:00:00", "2026-11-24T10:30:00-06:00"], "kind": "in_person"}, "Mon 2pm", "tour"
        ),
        "message": value(message),
        "campaign": value("fall-specials"),
        "utm": {"utm_source": "zillow", "utm_medium": "listing", "utm_term": "oak court"},
        "consents": [
            value(
                {"purpose": "text", "granted": True, "wording": "You may text me.", "at": "2026-11-18T15:04:00+00:00"},
                "sms_optin=1",
            )
        ],
        "external_id": value(f"ZL-{number}"),
        "thread_id": value(f"conv-{number}"),
        "occurred_at": value("2026-11-18T15:04:05+00:00", "1763478245", "epoch"),
        "language": "en",
        "notes": ["phone_stub_dropped"],
        "unused": ["listing.badge", "listing.rank"],
    }


def short(message: str) -> dict[str, Any]:
    """A stored lead with nothing but what every lead has, and a message."""
    own = ("source", "contact_type", "format", "map_id", "map_version", "confidence")
    whole = full_lead(142, message, "Jordan", "Sample")
    return {name: whole[name] for name in (*own, "message")}


def golden(lead: dict[str, Any], inquiry: UUID, at: datetime) -> dict[str, Any]:
    """The golden record of a person with one inquiry."""
    said = {"inquiry": str(inquiry), "why": "newest", "at": at.isoformat(), "rank": 1}
    record: dict[str, Any] = {"name": lead["name"] | said | {"why": "most complete, then newest"}}
    if lead.get("emails"):
        record["email"] = lead["emails"][0] | {"value": lead["emails"][0]["value"]["address"]} | said
        record["emails"] = [each["value"]["address"] for each in lead["emails"]]
    if lead.get("phones"):
        record["phone"] = lead["phones"][0] | {"value": lead["phones"][0]["value"]["e164"]} | said
        record["phones"] = [each["value"]["e164"] for each in lead["phones"]]
    for name in ("move_in", "bedrooms", "budget_cents", "occupants", "pets", "lease_term_months"):
        if name in lead:
            record[name] = lead[name] | said
    return record


def base(connection: Connection) -> dict[str, UUID]:
    """Sources and two properties."""
    for slug, name in (("zillow", "Zillow"), ("apartments-com", "Apartments.com"), ("website", "Property website")):
        put(connection, tables.sources, slug=slug, name=name, category="website" if slug == "website" else "ils")
    ids = {}
    for number, (name, zone) in enumerate((("Oak Court", "America/Chicago"), ("Harbor Point", "America/New_York"))):
        ids[name] = put(
            connection, tables.properties, destination="pms", remote_id=f"P{number}", name=name, time_zone=zone
        )["id"]
    return ids


def receipt(connection: Connection, *, body: bytes, state: str = "processed", at: datetime = NOW, **more: Any) -> UUID:
    values = {
        "received_at": at,
        "feed": "zillow",
        "channel": "http",
        "content_type": "application/json",
        "headers": {"user-agent": "sender/1.0", "x-evil": EVIL},
        "body": body,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "authenticated": "bearer:ab12cd34",
        "state": state,
        "processed_at": None if state == "pending" else at,
        "leads_found": 1 if state == "processed" else 0,
    }
    made: UUID = put(connection, tables.receipts, **(values | more))["id"]
    return made


def person(connection: Connection, lead: dict[str, Any], inquiry: UUID, at: datetime, **more: Any) -> dict[str, Any]:
    own = uuid7()
    name = lead["name"]["value"]
    row = put(
        connection,
        tables.prospects,
        **(
            {
                "id": own,
                "key": f"PR-{own.hex[-8:].upper()}",
                "root_id": own,
                "names": [[name.get("given", ""), name.get("family", ""), ""]],
                "golden": golden(lead, inquiry, at),
                "first_at": at,
                "last_at": at,
            }
            | more
        ),
    )
    for each in Identity.of(from_json(lead)).identifiers:
        known = {"id": each.id, "kind": each.kind, "value": each.value, "trust": "own", "first_at": at}
        if (
            connection.execute(select(tables.identifiers.c.id).where(tables.identifiers.c.id == each.id)).first()
            is None
        ):
            put(connection, tables.identifiers, **known)
        put(connection, tables.prospect_identifiers, prospect_id=own, identifier_id=each.id, first_at=at)
    return row


def card(
    connection: Connection, owner: dict[str, Any], place: UUID | None, at: datetime, **more: Any
) -> dict[str, Any]:
    own = uuid7()
    row = {
        "id": own,
        "key": f"GC-{own.hex[-8:].upper()}",
        "prospect_id": owner["id"],
        "root_id": own,
        "property_id": place,
        "first_source": "zillow",
        "opened_at": at,
        "last_at": at,
    }
    return put(connection, tables.guest_cards, **(row | more))


def inquiry(
    connection: Connection,
    *,
    own: UUID,
    owner: UUID,
    card_id: UUID,
    receipt_id: UUID,
    lead: dict[str, Any],
    at: datetime,
    **more: Any,
) -> dict[str, Any]:
    row = {
        "id": own,
        "receipt_id": receipt_id,
        "content_receipt_id": receipt_id,
        "content_at": at,
        "position": 0,
        "feed": "zillow",
        "external_id": lead.get("external_id", {}).get("value"),
        "content_key": uuid7(),
        "prospect_id": owner,
        "guest_card_id": card_id,
        "decision_id": uuid7(),
        "source": lead["source"],
        "contact_type": lead["contact_type"],
        "occurred_at": at,
        "received_at": at + timedelta(minutes=2),
        "map_id": lead["map_id"],
        "map_version": lead["map_version"],
        "lead": lead,
    }
    return put(connection, tables.inquiries, **(row | more))


def decision(connection: Connection, sentence: str, prospect: UUID, at: datetime = NOW, **more: Any) -> UUID:
    row = {
        "seq": next_number(),
        "at": at,
        "kind": "assign",
        "verdict": "join",
        "prospect_id": prospect,
        "rule": "phone-and-family",
        "sentence": sentence,
        "evidence": [
            {"field": "phone", "level": "equal", "ours": "+15125550142", "theirs": "+15125550142", "weight": 9.1},
            {"field": "family", "level": "equal", "ours": "Sample", "theirs": "sample"},
        ],
        "rules_version": "2026-11",
        "decided_by": "rules",
    }
    made: UUID = put(connection, tables.match_decisions, **(row | more))["id"]
    return made


def simple(
    connection: Connection, number: int, place: UUID | None, at: datetime, name: tuple[str, str]
) -> dict[str, Any]:
    """A card with one inquiry, one task and one delivery."""
    lead = full_lead(number, f"Is the two bedroom still free? ({number})", *name)
    told = uuid7()
    kept = receipt(connection, body=b'{"lead": 1}', at=at)
    owner = person(connection, lead, told, at)
    made = card(connection, owner, place, at)
    why = decision(
        connection, "The first inquiry of this person", owner["id"], at, verdict="new", inquiry_id=told, evidence=[]
    )
    inquiry(
        connection,
        own=told,
        owner=owner["id"],
        card_id=made["id"],
        receipt_id=kept,
        lead=lead,
        at=at,
        decision_id=why,
        property_id=place,
    )
    task(connection, made["id"], at + timedelta(hours=1))
    delivery(connection, made["id"], "acknowledged", at)
    return made


def task(connection: Connection, card_id: UUID, due_at: datetime, **more: Any) -> UUID:
    row = {
        "guest_card_id": card_id,
        "kind": "first_contact",
        "title": "First contact",
        "body": "Call back",
        "assignee": "Dana",
        "due_at": due_at,
        "created_at": NOW,
    }
    made: UUID = put(connection, tables.tasks, **(row | more))["id"]
    return made


def delivery(connection: Connection, card_id: UUID, state: str, at: datetime, **more: Any) -> UUID:
    own = uuid7()
    row = {
        "id": own,
        "destination": "pms",
        "guest_card_id": card_id,
        "lane_id": card_id,
        "seq": own.int >> 80,
        "kind": "prospect",
        "subject_id": card_id,
        "state": state,
        "due_at": at,
        "created_at": at,
        "remote_id": "90417" if state == "acknowledged" else "",
        "acknowledged_at": at if state == "acknowledged" else None,
    }
    put(connection, tables.deliveries, **(row | more))
    return own
