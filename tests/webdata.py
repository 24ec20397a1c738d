"""One of everything that a card can have, for tests of the pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from leadsvc.ids import uuid7
from leadsvc.store import tables
from tests.webrows import (
    EVIL,
    NOW,
    base,
    card,
    decision,
    delivery,
    full_lead,
    inquiry,
    person,
    put,
    receipt,
    short,
    task,
)


@dataclass
class Seeded:
    """Keys of what was inserted."""

    cards: list[str] = field(default_factory=list)
    prospects: list[str] = field(default_factory=list)
    receipts: list[UUID] = field(default_factory=list)
    leads: list[dict[str, Any]] = field(default_factory=list)
    ids: dict[str, UUID] = field(default_factory=dict)


def everything(connection: Connection) -> Seeded:
    """Two people, one of them merged from two, with every kind of thing on their cards, and all kinds of exceptions."""
    seeded = Seeded()
    places = base(connection)
    earlier, later = NOW - timedelta(days=3), NOW - timedelta(hours=2)
    first = full_lead(142, "Hello, is parking included?\nThank you, Jordan", "Jordan", "Sample")
    second = full_lead(143, f"Second try. {EVIL}", "Jordan <b>J</b>", "Sample") | {
        "source": "apartments-com",
        "contact_type": "call",
    }
    told_one, told_two = uuid7(), uuid7()
    kept_one = receipt(connection, body=b'{"name": "Jordan Sample", "x": "<script>alert(1)</script>"}', at=earlier)
    kept_two = receipt(connection, body=EVIL.encode() + b"\xff\xfe", at=later)
    root = person(
        connection,
        first,
        told_one,
        earlier,
        standing="resident",
        edits={"phone": {"value": "+15125550199", "by": "dana", "at": "2026-11-19T10:00:00+00:00"}},
    )
    merged = person(connection, second, told_two, later, root_id=root["id"])
    other = person(connection, full_lead(144, "Hi", "Jordan", "Samples"), uuid7(), later)
    main = card(
        connection,
        root,
        places["Oak Court"],
        earlier,
        may_be=other["id"],
        last_at=later,
        stage="toured",
        flags=["unknown_floor_plan"],
    )
    folded = card(connection, merged, places["Oak Court"], later, root_id=main["id"])
    elsewhere = card(connection, root, places["Harbor Point"], earlier)
    lone = card(connection, other, None, later, property_hint=f"Oak Grove {EVIL[:60]}")
    new = decision(
        connection,
        "The first inquiry of this person",
        root["id"],
        earlier,
        verdict="new",
        inquiry_id=told_one,
        evidence=[],
    )
    join = decision(
        connection,
        "Same phone and last name, 3 days apart",
        root["id"],
        later,
        verdict="merge",
        kind="merge",
        inquiry_id=told_two,
        other_prospect_id=merged["id"],
    )
    decision(
        connection, "Same phone, another first name", other["id"], later, verdict="review", other_prospect_id=root["id"]
    )
    decision(
        connection,
        "Same address, different people",
        root["id"],
        later,
        kind="household",
        verdict="related",
        other_prospect_id=other["id"],
    )
    inquiry(
        connection,
        own=told_one,
        owner=root["id"],
        card_id=main["id"],
        receipt_id=kept_one,
        lead=first,
        at=earlier,
        decision_id=new,
        property_id=places["Oak Court"],
        campaign="fall-specials",
        placement={"property": {"how": "listing id", "sure": 1.0}},
        revision=2,
    )
    inquiry(
        connection,
        own=told_two,
        owner=merged["id"],
        card_id=folded["id"],
        receipt_id=kept_two,
        lead=second,
        at=later,
        decision_id=join,
        property_id=places["Oak Court"],
        source="apartments-com",
        contact_type="call",
        flags=["unknown_source"],
    )
    put(
        connection,
        tables.revisions,
        inquiry_id=told_one,
        revision=1,
        receipt_id=kept_one,
        lead=short("Hello"),
        why="sender",
        replaced_at=earlier,
    )
    again = receipt(connection, body=b"{}", state="duplicate", at=later)
    put(
        connection,
        tables.fates,
        receipt_id=again,
        position=0,
        fate="redelivery",
        inquiry_id=told_one,
        reason="same message within 24 h",
        lead=short("Hello again"),
    )
    overdue = task(connection, main["id"], NOW - timedelta(hours=5), body=f"Call {EVIL}")
    task(connection, main["id"], NOW, kind="tour", state="done", title="Tour")
    put(
        connection,
        tables.outcomes,
        guest_card_id=main["id"],
        kind="toured",
        at=later,
        origin="pms",
        recorded_by="pms",
        recorded_at=later,
    )
    delivery(connection, main["id"], "acknowledged", earlier)
    dead = delivery(
        connection,
        main["id"],
        "dead",
        later,
        kind="event",
        subject_id=told_two,
        message=f"400 {EVIL}",
        cause="rejected",
        attempts=1,
    )
    put(
        connection,
        tables.attempts,
        delivery_id=dead,
        number=1,
        started_at=later,
        outcome="reject",
        code="400",
        message=EVIL,
    )
    held = delivery(connection, lone["id"], "held", later, cause="unplaced_card")
    put(
        connection,
        tables.remote_refs,
        destination="pms",
        kind="card",
        entity_id=main["id"],
        remote_id="90417",
        standing="resident",
        source="Drive By",
        at=later,
    )
    broken = receipt(
        connection,
        body=b"\x00\x01PK\x03binary",
        state="quarantined",
        at=later,
        cause="unknown_layout",
        detail="No map knows this layout; learn one with leadsvc maps learn.",
    )
    for kind, subject_kind, subject, cause in (
        ("quarantined", "receipt", broken, "unknown_layout"),
        ("match_review", "guest_card", main["id"], "same_phone_other_name"),
        ("dead_delivery", "delivery", dead, "rejected"),
        ("held_delivery", "delivery", held, "unplaced_card"),
        ("unplaced_card", "guest_card", lone["id"], "unknown_property"),
        ("stuck", "prospect", other["id"], "reopening"),
    ):
        put(
            connection,
            tables.exceptions,
            kind=kind,
            subject_kind=subject_kind,
            subject_id=subject,
            cause=cause,
            detail=f"See what {cause} says.",
            owner="ops",
            opened_at=later,
        )
    seeded.cards = [main["key"], folded["key"], elsewhere["key"], lone["key"]]
    seeded.prospects = [root["key"], merged["key"], other["key"]]
    seeded.receipts = [kept_one, kept_two, broken, again]
    seeded.leads = [first, second]
    seeded.ids = {"decision": join, "task": overdue, "dead": dead, "held": held, "inquiry": told_two}
    return seeded


def leaves(thing: Any) -> Iterable[Any]:
    """Every scalar in a JSON value."""
    if isinstance(thing, dict):
        for each in thing.values():
            yield from leaves(each)
    elif isinstance(thing, list):
        for each in thing:
            yield from leaves(each)
    else:
        yield thing
