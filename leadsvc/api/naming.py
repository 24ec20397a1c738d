"""The mapping queue for scripts: names that nobody knows, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from leadsvc.api import examples, schemas
from leadsvc.api.staff import actor, admit
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, reply, view
from leadsvc.pipeline.naming import Said
from leadsvc.store.queries.names import NameRow, list_names
from leadsvc.store.tables import NAME_KINDS

blueprint = new_blueprint("names", "Names that were sent and nobody knows; an answer mends whoever waited for it.")


class Asked(Schema):
    kind = fields.String(load_default=None, validate=validate.OneOf(NAME_KINDS))
    state = fields.String(load_default="open", validate=validate.OneOf(("open", "answered", "ignored")))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))


class Meaning(Schema):
    target = fields.String(
        required=True,
        validate=validate.Length(1, 300),
        metadata={"description": "What the name means: one of the targets that are suggested or configured."},
    )
    valid_from = fields.Date(load_default=None, metadata={"description": "The first day on which it means that."})
    valid_to = fields.Date(load_default=None, metadata={"description": "The last day on which it means that."})


class Suggested(Schema):
    target = fields.String(required=True)
    label = fields.String(required=True)
    score = fields.Integer(required=True)
    why = fields.String(required=True)


class Name(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    text = fields.String(required=True)
    where = fields.String(required=True)
    feed = fields.String(required=True)
    source = fields.String(required=True)
    receipt = fields.UUID(allow_none=True)
    state = fields.String(required=True)
    first_seen_at = fields.AwareDateTime(required=True)
    last_seen_at = fields.AwareDateTime(required=True)
    seen = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    suggestions = fields.List(fields.Nested(Suggested), required=True)


class NameList(Schema):
    names = fields.List(fields.Nested(Name), required=True)
    open = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    more = fields.Boolean(required=True)


blueprint.before_request(admit)


@view(blueprint, "/names", NameList, query=Asked, security=examples.READING)
def names(asked: Mapping[str, Any]) -> Response:
    """Names that nobody knows, those for which most leads wait first"""
    with state().services.store.read() as connection:
        page = list_names(connection, **asked)
    return reply({"names": [_shown(each) for each in page.names], "open": dict(page.counts), "more": page.more})


@view(
    blueprint,
    "/names/<uuid:name_id>/answer",
    schemas.Impact,
    method="POST",
    body=Meaning,
    security=examples.READING,
)
def answer(meaning: Mapping[str, Any], name_id: UUID) -> Response:
    """Say what a name means; whoever waited is mended

    An answer without days replaces the ones before; one with days stands beside them.
    """
    said = Said(meaning["target"], meaning["valid_from"], meaning["valid_to"])
    return reply(state().services.actions.names.answer(name_id, said, actor()))


@view(blueprint, "/names/<uuid:name_id>/ignore", schemas.Impact, method="POST", security=examples.READING)
def ignore(name_id: UUID) -> Response:
    """Ask for a name no more; what comes with it goes out with the fallback"""
    return reply(state().services.actions.names.ignore(name_id, actor()))


@view(blueprint, "/names/<uuid:name_id>/undo", schemas.Impact, method="POST", security=examples.READING)
def undo(name_id: UUID) -> Response:
    """Take back what was said of a name; it is asked again"""
    return reply(state().services.actions.names.undo(name_id, actor()))


def _shown(name: NameRow) -> dict[str, Any]:
    return {
        "id": str(name.id),
        "kind": name.kind,
        "text": name.text,
        "where": name.where,
        "feed": name.feed,
        "source": name.source,
        "receipt": str(name.receipt_id) if name.receipt_id else None,
        "state": name.state,
        "first_seen_at": name.first_seen_at.isoformat(),
        "last_seen_at": name.last_seen_at.isoformat(),
        "seen": name.seen,
        "waiting": name.waiting,
        "suggestions": [
            {"target": each.target, "label": each.label, "score": each.score, "why": each.why}
            for each in name.suggestions
        ],
    }
