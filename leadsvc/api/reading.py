"""What staff scripts read, and the receipts a feed may look up. Each look at personal data leaves one audit row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response

from leadsvc.api import examples, schemas, shown
from leadsvc.api.auth import reader
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, public_key, reply, view
from leadsvc.errors import NotFound
from leadsvc.faults import Commit
from leadsvc.store.queries import api_reading
from leadsvc.store.queries.cards import card_detail, list_cards, prospect_detail
from leadsvc.store.queries.exceptions import list_exceptions
from leadsvc.store.queries.receipts import receipt_detail

blueprint = new_blueprint("reading", "Reading what became of leads.")


@view(blueprint, "/receipts/<uuid:receipt_id>", schemas.ReceiptView, security=examples.READING)
def receipt(receipt_id: UUID) -> Response:
    """What became of one delivery

    A feed's credential sees its own feed's receipts, a staff credential all of them.
    """
    credential = reader("staff:read", feeds=True)
    with state().services.store.read() as connection:
        found = receipt_detail(connection, receipt_id)
    if credential.feed and found.row.feed != credential.feed.name:
        raise NotFound(f"There is no receipt {receipt_id}.")  # word for word what an unknown one is told
    return reply(shown.receipt(found, staff=credential.feed is None))


@view(
    blueprint,
    "/receipts/<uuid:receipt_id>/raw",
    None,
    content_type="application/octet-stream",
    security=examples.READING,
)
def raw(receipt_id: UUID) -> Response:
    """The bytes of one delivery exactly as they came"""
    credential = reader("staff:read")
    with state().services.store.read() as connection:
        found = receipt_detail(connection, receipt_id)
    _audited(credential.prefix, "receipt", str(receipt_id), {"raw": True})
    # Always as a download of no particular type: what a stranger sent must not run in anyone's browser.
    headers = {
        "Content-Disposition": f'attachment; filename="{receipt_id}.bin"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(found.body, mimetype="application/octet-stream", headers=headers)


@view(blueprint, "/guest-cards", schemas.CardPage, query=schemas.CardQuery, security=examples.READING)
def guest_cards(query: Mapping[str, Any]) -> Response:
    """Guest cards, the newest activity first"""
    credential = reader("staff:read")
    since: datetime | None = query["since"]
    with state().services.store.read() as connection:
        place = api_reading.property_named(connection, query["property"]) if query["property"] else None
        page = list_cards(connection, q=query["q"], property_id=place, before=query["cursor"], limit=query["limit"])
    cards = [row for row in page.cards if since is None or row.last_at >= since]
    # The order is by activity, so a card that is too old ends the list.
    following = page.before if len(cards) == len(page.cards) else None
    _audited(credential.prefix, "guest_card", "", {"keys": [row.key for row in cards], "searched": bool(query["q"])})
    return reply({"guest_cards": [shown.card(row) for row in cards], "next": following})


@view(blueprint, "/guest-cards/<key>", schemas.CardDetail, security=examples.READING)
def guest_card(key: str) -> Response:
    """One guest card with its whole history

    The key of a card that was merged shows the card it is part of now.
    """
    credential = reader("staff:read")
    with state().services.store.read() as connection:
        found = card_detail(connection, public_key(key))
    _audited(credential.prefix, "guest_card", found.row.key, {})
    return reply(shown.card_detail(found))


@view(blueprint, "/prospects/<key>", schemas.ProspectView, security=examples.READING)
def prospect(key: str) -> Response:
    """One person, with every card and every decision about who they are"""
    credential = reader("staff:read")
    with state().services.store.read() as connection:
        found = prospect_detail(connection, public_key(key))
    _audited(credential.prefix, "prospect", found.person.key, {})
    return reply(shown.prospect(found))


@view(blueprint, "/exceptions", schemas.ExceptionPage, query=schemas.ExceptionQuery, security=examples.READING)
def exceptions(query: Mapping[str, Any]) -> Response:
    """What needs a person, newest first"""
    credential = reader("staff:read")
    with state().services.store.read() as connection:
        page = list_exceptions(
            connection, kind=query["kind"], resolved=query["resolved"], before=query["cursor"], limit=query["limit"]
        )
    named = [row.card_key for row in page.exceptions if row.card_key]
    if named:
        _audited(credential.prefix, "guest_card", "", {"keys": named, "exceptions": True})
    return reply(
        {
            "exceptions": [shown.exception(row) for row in page.exceptions],
            "open": page.counts,
            "next": page.before,
        }
    )


def _audited(actor: str, kind: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Durable before the answer leaves: what cannot be audited is not shown."""
    services = state().services
    with services.store.write(Commit.ADMIN) as connection:
        api_reading.note_read(connection, services.clock(), actor, kind, subject, detail)
