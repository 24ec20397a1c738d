"""What staff scripts may change: the same actions as on the pages, with the key's prefix as the actor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response

from leadsvc.api import examples, schemas
from leadsvc.api.staff import actor, admit
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, public_key, reply, view
from leadsvc.pipeline.subscribing import confirm as confirm_subscription
from leadsvc.pipeline.tray import ENTERED
from leadsvc.store.queries import api_reading

blueprint = new_blueprint("doing", "Acting on leads, cards and people. Needs staff:write; each leaves an audit row.")

blueprint.before_request(admit)


@view(
    blueprint,
    "/receipts/<uuid:receipt_id>/replay",
    schemas.Impact,
    method="POST",
    body=schemas.Replay,
    security=examples.READING,
)
def replay(options: Mapping[str, Any], receipt_id: UUID) -> Response:
    """Read one delivery again, with the field maps of today"""
    done = state().services.actions.replay([receipt_id], actor(), options["dry_run"], options["trust"])
    return reply(done[0] if done else {})


@view(
    blueprint,
    "/receipts/<uuid:receipt_id>/confirm",
    schemas.Impact,
    method="POST",
    security=examples.READING,
)
def confirm(receipt_id: UUID) -> Response:
    """Confirm the SNS subscription that a delivery asks about"""
    services = state().services
    return reply(confirm_subscription(services.intake, receipt_id, actor(), services.clock()))


@view(
    blueprint,
    "/receipts/<uuid:receipt_id>/lead",
    schemas.Impact,
    method="POST",
    body=schemas.MadeLead,
    security=examples.READING,
)
def make_lead(told: Mapping[str, Any], receipt_id: UUID) -> Response:
    """Make a lead of a receipt that was none or could not be read

    Counts whenever the receipt is read again.
    """
    entered = {name: told[name] for name in ENTERED}
    return reply(state().services.actions.tray.make_lead(receipt_id, actor(), entered, dry_run=told["dry_run"]))


@view(
    blueprint,
    "/receipts/<uuid:receipt_id>/dismiss",
    schemas.Impact,
    method="POST",
    body=schemas.Nothing,
    security=examples.READING,
)
def dismiss(_told: Mapping[str, Any], receipt_id: UUID) -> Response:
    """Say that a quarantined receipt is no lead"""
    return reply(state().services.actions.tray.dismiss(receipt_id, actor()))


@view(
    blueprint,
    "/prospects/<key>/merge",
    schemas.Impact,
    method="POST",
    body=schemas.Merge,
    security=examples.READING,
)
def merge(options: Mapping[str, Any], key: str) -> Response:
    """Two prospects are one person

    Can be undone at any later time with the id of the decision.
    """
    return reply(
        state().services.actions.merge(
            public_key(key), public_key(options["into"]), actor(), dry_run=options["dry_run"]
        )
    )


@view(
    blueprint,
    "/decisions/<uuid:decision_id>/unmerge",
    schemas.Impact,
    method="POST",
    body=schemas.Dry,
    security=examples.READING,
)
def unmerge(options: Mapping[str, Any], decision_id: UUID) -> Response:
    """Undo a merge or the joining of one inquiry: afterwards everything is as if it had not been

    With dry_run first: cards, tasks, deliveries, work items and credit that would change.
    """
    return reply(state().services.actions.unmerge(decision_id, actor(), dry_run=options["dry_run"]))


@view(
    blueprint,
    "/inquiries/<uuid:inquiry_id>/split",
    schemas.Impact,
    method="POST",
    body=schemas.Dry,
    security=examples.READING,
)
def split(options: Mapping[str, Any], inquiry_id: UUID) -> Response:
    """One inquiry is somebody else's: it goes to a person of its own"""
    return reply(state().services.actions.split(inquiry_id, actor(), dry_run=options["dry_run"]))


@view(
    blueprint,
    "/prospects/<key>/keep-apart",
    schemas.Impact,
    method="POST",
    body=schemas.Apart,
    security=examples.READING,
)
def keep_apart(told: Mapping[str, Any], key: str) -> Response:
    """Two prospects are different people; no rule joins them again"""
    other = public_key(told["other"])
    return reply(state().services.actions.keep_apart(public_key(key), other, actor(), dry_run=told["dry_run"]))


@view(
    blueprint,
    "/prospects/<key>/household",
    schemas.Impact,
    method="POST",
    body=schemas.SaidHousehold,
    security=examples.READING,
)
def household(told: Mapping[str, Any], key: str) -> Response:
    """Two prospects look for a home together, or do not

    They stay two people. What is said sticks, whatever is proposed later.
    """
    said = "related" if told["verdict"] == "confirm" else "apart"
    other = public_key(told["other"])
    return reply(state().services.actions.household(public_key(key), other, said, actor(), dry_run=told["dry_run"]))


@view(
    blueprint,
    "/guest-cards/<key>/outcomes",
    schemas.Impact,
    method="POST",
    body=schemas.Outcome,
    security=examples.READING,
)
def outcome(told: Mapping[str, Any], key: str) -> Response:
    """Say what happened: contacted, toured, leased …"""
    services = state().services
    at = told["at"] or services.clock()
    return reply(services.actions.record_outcome(public_key(key), told["kind"], at, actor(), detail=told["detail"]))


@view(
    blueprint,
    "/guest-cards/<key>/place",
    schemas.Impact,
    method="POST",
    body=schemas.Place,
    security=examples.READING,
)
def place(told: Mapping[str, Any], key: str) -> Response:
    """Say which property an unplaced card is about; what was held for it goes out"""
    services = state().services
    with services.store.read() as connection:
        where = api_reading.property_named(connection, told["property"])
    return reply(services.actions.place_card(public_key(key), where, actor(), learn_alias=told["learn_alias"]))
