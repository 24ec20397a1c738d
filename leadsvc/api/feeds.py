"""How the feeds are: what each usually sends, and whether it still does. No personal data."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response
from marshmallow import Schema, fields, validate

from leadsvc.api import examples
from leadsvc.api.auth import reader
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, reply, view
from leadsvc.watching import Feeds

blueprint = new_blueprint("feeds", "The ways in, watched: silent ones, changed ones, and what is usual.")

_STATES = ("ok", "learning", "late", "silent", "degraded", "never")


class FeedView(Schema):
    feed = fields.String(required=True)
    map_id = fields.String(required=True, metadata={"description": "The field map that reads it."})
    state = fields.String(required=True, validate=validate.OneOf(_STATES))
    cause = fields.String(required=True, metadata={"description": "Why it is not ok, as a stable word, or empty."})
    detail = fields.String(required=True, metadata={"description": "What happened and what to do, for a person."})
    since = fields.AwareDateTime(required=True, allow_none=True)
    last_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "The last sign of life."})
    day = fields.Integer(required=True, metadata={"description": "Leads of the last 24 hours."})
    usual = fields.Float(required=True, metadata={"description": "Leads that were to be expected in them."})
    muted_until = fields.AwareDateTime(required=True, allow_none=True)
    acknowledged_at = fields.AwareDateTime(required=True, allow_none=True)


class FeedsView(Schema):
    as_of = fields.AwareDateTime(required=True)
    feeds = fields.List(fields.Nested(FeedView), required=True)


@view(blueprint, "/feeds", FeedsView, security=examples.READING)
def feeds() -> Response:
    """Every feed with its state, and what it brings beside what is usual

    The worst first. A feed is `late` when two expected leads are missing and an hour has gone by; it is `silent` when
    chance can no longer be the reason.
    """
    reader("staff:read")
    services = state().services
    rows = Feeds(services.store, services.settings, services.clock).health()
    return reply({"as_of": services.clock(), "feeds": [asdict(row) | {"usual": round(row.usual, 2)} for row in rows]})
