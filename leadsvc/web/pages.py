"""The pages that show something. Each writes one audit row before it shows personal data."""

from __future__ import annotations

from uuid import UUID

from flask import Response, render_template, request

from leadsvc.errors import Reject
from leadsvc.store.queries import audit as audit_queries
from leadsvc.store.queries import search
from leadsvc.store.queries.cards import card_detail, list_cards, list_properties, prospect_detail
from leadsvc.store.queries.exceptions import list_exceptions
from leadsvc.store.queries.receipts import receipt_detail
from leadsvc.store.queries.reviews import list_reviews
from leadsvc.store.queries.shapes import Property
from leadsvc.web.guard import admins_only, now, record, services
from leadsvc.web.payload import readable
from leadsvc.web.tray import proposal

_PAGE = 50


def inbox() -> str:
    """Guest cards, newest activity first, found by name, e-mail, phone, property or key."""
    q = request.args.get("q", "")[:200]
    chosen = uuid_of(request.args["property"]) if request.args.get("property") else None
    with services().store.read() as connection:
        page = list_cards(connection, q=q, property_id=chosen, before=request.args.get("before"), limit=_PAGE)
    record("cards.list", kind=search.understand(q).kind, cards=[card.key for card in page.cards])
    place = next((card.property for card in page.cards if card.property and card.property.id == chosen), None)
    return render_template("web/inbox.html", page=page, q=q, chosen=chosen, place=place, now=now())


def guest_card(key: str) -> str:
    """One guest card with everything that is known."""
    with services().store.read() as connection:
        card = card_detail(connection, key.upper())
    record("card.view", "guest_card", card.row.key)
    zone = card.row.property.time_zone if card.row.property else "UTC"
    places = [] if card.row.property else _places()
    return render_template("web/card.html", card=card, row=card.row, zone=zone, places=places, now=now())


def _places() -> list[Property]:
    with services().store.read() as connection:
        return list_properties(connection)


def prospect(key: str) -> str:
    """One person across properties."""
    with services().store.read() as connection:
        found = prospect_detail(connection, key.upper())
    record("prospect.view", "prospect", found.person.key)
    return render_template("web/prospect.html", found=found, person=found.person, now=now())


def exceptions() -> str:
    """What needs a person."""
    kind, resolved = request.args.get("kind") or None, request.args.get("resolved") == "1"
    with services().store.read() as connection:
        page = list_exceptions(connection, kind=kind, resolved=resolved, before=request.args.get("before"), limit=_PAGE)
    record("exceptions.list", cards=[row.card_key for row in page.exceptions if row.card_key])
    return render_template("web/exceptions.html", page=page, kind=kind, resolved=resolved, now=now())


def reviews() -> str:
    """Pairs of people who may be one, the oldest question first."""
    with services().store.read() as connection:
        found = list_reviews(connection)
    record("reviews.list", prospects=[each.key for row in found for each in (row.one, row.other)])
    return render_template("web/reviews.html", reviews=found, now=now())


def receipt(receipt_id: UUID) -> str:
    """One delivery as it came."""
    with services().store.read() as connection:
        found = receipt_detail(connection, receipt_id)
    record("receipt.view", "receipt", str(receipt_id))
    return render_template(
        "web/receipt.html",
        found=found,
        row=found.row,
        payload=readable(found.body),
        proposal=proposal(receipt_id, found.row.state),
        now=now(),
    )


def receipt_raw(receipt_id: UUID) -> Response:
    """The bytes of a receipt as a download that no browser opens by itself."""
    with services().store.read() as connection:
        found = receipt_detail(connection, receipt_id)
    record("receipt.download", "receipt", str(receipt_id))
    response = Response(found.body, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{receipt_id}.bin"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def audit() -> str:
    """Who saw and changed what; administrators only."""
    admins_only()
    actor, subject = request.args.get("actor", ""), request.args.get("subject", "")
    with services().store.read() as connection:
        page = audit_queries.list_audit(
            connection, actor=actor, subject=subject, before=request.args.get("before"), limit=2 * _PAGE
        )
    return render_template("web/audit.html", page=page, actor=actor, subject=subject, now=now())


def keyboard() -> str:
    """What the keys do and what the words mean."""
    return render_template("web/help.html")


def uuid_of(text: str) -> UUID:
    """An id from an address. Raises :class:`Reject` (404) when it is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Reject(
            404, "Not found", "This address is not complete; go back and follow the link.", code="id"
        ) from error
